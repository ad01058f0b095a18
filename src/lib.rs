//! Aura answers the Instagram DMs of many shops, from their own catalogues, in their own voice.
//!
//! `ARCHITECTURE.md` has the map.

pub mod agent;
pub mod app;
pub mod channel;
pub mod config;
pub mod domain;
pub mod net;
pub mod secret;
pub mod sim;
pub mod catalog;
pub mod domain;
pub mod search;
pub mod store;
pub mod telemetry;
pub mod workflow;
