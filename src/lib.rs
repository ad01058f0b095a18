//! Aura answers the Instagram DMs of many shops, from their own catalogues, in their own voice.
//!
//! `ARCHITECTURE.md` has the map.

pub mod app;
pub mod channel;
pub mod domain;
pub mod net;
pub mod store;
pub mod telemetry;
