//! One file per command. The doc comment is the help.

pub mod audit;
pub mod bench;
pub mod catalog;
pub mod chat;
pub mod completion;
pub mod config;
pub mod connect;
pub mod conversation;
pub mod demo;
mod draft;
pub mod init;
mod input;
pub mod listen;
pub mod model;
pub mod notify;
pub mod persona;
mod recovery;
pub mod secret;
pub mod serve;
pub mod status;
pub mod tail;
pub mod tenant;
pub mod trigger;
pub mod usage;
pub mod version;
mod watched;
