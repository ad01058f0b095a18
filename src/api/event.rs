//! The log of state changes.

use serde::{Deserialize, Serialize};

use super::Time;

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// From this moment on; from now on when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Kinds, separated by commas; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// Whether to go on with what happens next.
    #[serde(default)]
    pub follow: bool,
}

/// One event; a line of its own in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose it is.
    pub tenant: String,
    /// Its place in the tenant's log, from 1.
    pub seq: i64,
    /// What changed: `message.received`, `reply.sent`, …
    pub kind: String,
    /// When.
    pub at: Time,
    /// `shopper`, `bot`, `operator` or `system`.
    pub actor: String,
    /// Ties everything that one inbound message caused together.
    pub correlation: Option<String>,
    /// Ids and figures.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// The words of the message it tells of, joined for display; never part of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
