//! One file per resource. A handler parses, calls one use case and maps.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod backups;
pub(super) mod catalog;
pub(super) mod chat;
pub(super) mod conversations;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod models;
pub(super) mod notify;
pub(super) mod personas;
pub(super) mod secrets;
pub(super) mod staff;
pub(super) mod status;
pub(super) mod tenants;
pub(super) mod trigger;

/// What a stream of JSON objects, one a line, is called.
const NDJSON: &str = "application/x-ndjson";
