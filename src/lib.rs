//! Aura answers the Instagram DMs of many shops, from their own catalogues, in their own voice.
//!
//! `ARCHITECTURE.md` has the map.

pub mod agent;
pub mod api;
pub mod app;
pub mod archive;
pub mod catalog;
pub mod channel;
pub mod client;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod fault;
pub mod http;
pub mod media;
pub mod net;
pub mod notify;
pub mod provider;
pub mod search;
pub mod secret;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod terminal;
pub mod workflow;
