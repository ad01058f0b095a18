//! The machinery: what waits, what the files take, whose tokens work, what runs here. It names no shopper.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, Versions};

/// The machinery, as it is right now. What is not known is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// When it was looked at.
    pub at: Time,
    /// Whether a daemon answers, or the command itself.
    pub daemon: bool,
    /// Since when this process runs.
    pub started_at: Time,
    /// Memory that this process has resident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// What runs.
    pub versions: SystemVersions,
    /// Where it listens; absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<Listening>,
    /// The least serious thing that is logged: `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
    /// What waits.
    pub queues: Queues,
    /// What the files take.
    pub storage: Storage,
    /// Every account and its token, refused ones first, then by tenant.
    pub accounts: Vec<AccountToken>,
}

/// Versions of what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemVersions {
    /// Aura's own.
    pub aura: String,
    /// SQLite's.
    pub sqlite: String,
    /// Those of the files.
    pub schemas: Versions,
}

/// Addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listening {
    /// For webhooks, such as `127.0.0.1:8080`.
    pub webhooks: String,
    /// For metrics; absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// The control socket's path.
    pub socket: String,
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queues {
    /// Webhooks that were accepted and wait for dispatch into their tenants' files.
    pub webhooks: u64,
    /// When the oldest of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_webhook_at: Option<Time>,
    /// What workers do; absent where none run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnQueue>,
    /// Imports, catch-up, sweeps and audits.
    pub bulk: BulkQueue,
}

/// Conversations in which a turn, or the sending of a reply, is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnQueue {
    /// Those that wait for a worker in memory.
    pub waiting: u64,
    /// Since when the first of them is in line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<Time>,
    /// Whether more are due than memory holds; they wait in their tenants' files.
    pub more_on_disk: bool,
    /// Workers that have a conversation.
    pub busy: u64,
    /// All workers.
    pub workers: u64,
    /// When the oldest message came that the assistant has yet to deal with, as of the last look into each tenant's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_message_at: Option<Time>,
}

/// The bulk lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkQueue {
    /// Pieces of work that wait.
    pub waiting: u64,
    /// Pieces of work under way.
    pub running: u64,
    /// How many may be under way at once.
    pub places: u64,
}

/// Bytes of files, each with its write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// Where they lie.
    pub data_dir: String,
    /// `control.db`.
    pub control_bytes: u64,
    /// `journal.db`.
    pub journal_bytes: u64,
    /// The files of all tenants.
    pub tenants_bytes: u64,
    /// How many tenants there are.
    pub tenants: u64,
    /// The largest of them, five at most, the largest first.
    pub largest: Vec<TenantBytes>,
    /// Bytes free on their disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    /// With fewer than these free, webhooks are not asked for any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_low_bytes: Option<u64>,
}

/// What a tenant's file takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantBytes {
    /// The tenant's slug.
    pub tenant: String,
    /// With its write-ahead log.
    pub bytes: u64,
}

/// An account's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountToken {
    /// The tenant's slug.
    pub tenant: String,
    /// `instagram`.
    pub channel: String,
    /// The channel's own id of the account.
    pub account_id: String,
    /// Its handle, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `active`: the token worked when last used; `refused`: the channel refused it.
    pub state: String,
    /// When the token was given.
    pub given_at: Time,
}
