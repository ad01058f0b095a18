//! The log of state changes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// Says, in the head of an answer with events, the moment at which the logs begin whose place was not named.
pub const EVENTS_SINCE: &str = "aura-events-since";
/// A stream of events that goes on is never silent for longer, in seconds: where nothing happens, an empty line comes.
pub const EVENTS_HEARTBEAT_S: u64 = 10;
/// The most bytes of a request for events. A place in a log takes about 60: enough for 50,000 tenants.
pub const EVENTS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which events are wanted. In a query string, or as a JSON body (`POST`), which alone can say `after`: the places in
/// the logs of thousands of tenants fit into no address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// From this moment on; from now on when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The last event that was read of each tenant's log, by the tenant's id: what follows it comes, without a gap. A log
    /// that is not named begins at `since`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after: BTreeMap<String, i64>,
    /// Kinds, separated by commas, `message.*` for a family of them; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// Only those of this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Only what this one did: `shopper`, `bot`, `operator`, `system`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only what cost so many dollars or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cost_usd: Option<String>,
    /// Whether to go on with what happens next.
    #[serde(default)]
    pub follow: bool,
}

/// One event; a line of its own in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Whose it is.
    pub tenant: String,
    /// Its id, which no other tenant ever gets.
    pub tenant_id: String,
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
    /// What people call the other persons whom the fields name, by their ids; joined for display.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The words of the message it tells of, joined for display; never part of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
