//! How the installation and its tenants are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// The installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The version of Aura.
    pub version: String,
    /// Where the data is.
    pub data_dir: String,
    /// Whether a daemon answers, or the command itself.
    pub daemon: bool,
    /// Since when it runs.
    pub started_at: Option<Time>,
    /// Where the master key lies: `credential`, `keyring` or `file`.
    pub master_key: String,
    /// The newest recovery copy of it, as far as Aura was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_copy: Option<KeptCopy>,
    /// The newest backup that is kept somewhere, as far as Aura was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup: Option<LastBackup>,
    /// Accepted webhooks.
    pub journal: Journal,
    /// Versions of the files.
    pub schemas: Versions,
    /// Every tenant whose file can be read, by slug.
    pub tenants: Vec<TenantStatus>,
    /// Tenants that stand still because their files are damaged, by slug.
    #[serde(default)]
    pub damaged_tenants: Vec<String>,
    /// Whether nothing is broken and nobody is wanted.
    #[serde(default)]
    pub ok: bool,
    /// What an owner should know of, what matters most first.
    #[serde(default)]
    pub problems: Vec<StatusProblem>,
    /// Bytes free on the data directory's disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
}

/// A recovery copy of the master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptCopy {
    /// When it was written.
    pub written_at: Time,
    /// Whether it holds the master key of today.
    pub current: bool,
}

/// A backup that was made and written somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastBackup {
    /// When it was begun: what was accepted before is in it.
    pub made_at: Time,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// Something that an owner should know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusProblem {
    /// `broken`: something does not work; `wanted`: a person is; `note`: worth knowing.
    pub weight: String,
    /// The tenant's slug; `null`: the installation's.
    pub tenant: Option<String>,
    /// A stable word for scripts, such as `account_refused`.
    pub code: String,
    /// A sentence without a full stop.
    pub what: String,
    /// The command, or the thing to do.
    pub hint: String,
}

/// Webhooks that were accepted but not yet dispatched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Journal {
    /// How many.
    pub backlog: u64,
}

/// Schema versions of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    /// `control.db`.
    pub control: i64,
    /// `journal.db`.
    pub journal: i64,
    /// `tenant.db`.
    pub tenant: i64,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantStatus {
    /// How it is addressed.
    pub slug: String,
    /// The shop's own name.
    pub name: String,
    /// `active` or `paused`.
    pub state: String,
    /// `off`, `suggest` or `live`.
    pub mode: String,
    /// How many shoppers the mode is for; 0: everyone.
    pub only_from: u64,
    /// Conversations.
    pub conversations: u64,
    /// Conversations that a person has.
    pub with_person: u64,
    /// Shoppers who wait for a person.
    pub waiting: u64,
    /// Since when the longest waiting of them does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
    /// Conversations that are labelled as no customer matter.
    pub labelled: u64,
    /// Conversations in which a draft waits for approval.
    pub drafts: u64,
    /// Conversations in which messages were left to people.
    pub parked: u64,
    /// Messages of shoppers that no turn covers yet.
    pub open_messages: u64,
    /// Messages of shoppers that have come today (UTC).
    #[serde(default)]
    pub received_today: u64,
    /// Messages of shoppers that no webhook had brought, found by reading threads.
    #[serde(default)]
    pub missing: u64,
    /// Turns that have ended in the last 7 days.
    #[serde(default)]
    pub turns_week: u64,
    /// Of these, those that asked for a person.
    #[serde(default)]
    pub handed_over_week: u64,
    /// Products that a shopper may be shown.
    pub products: u64,
    /// What writes its answers: `builtin`, or `PROVIDER:MODEL`.
    #[serde(default)]
    pub model: String,
    /// What its models cost today (UTC).
    #[serde(default)]
    pub spent_today_usd: String,
    /// This calendar month (UTC).
    #[serde(default)]
    pub spent_month_usd: String,
    /// What they may cost a day; `null`: as much as they cost.
    #[serde(default)]
    pub budget_day_usd: Option<String>,
    /// A month.
    #[serde(default)]
    pub budget_month_usd: Option<String>,
    /// What goes out.
    pub outbox: OutboxCounts,
    /// Its accounts.
    pub accounts: Vec<AccountStatus>,
}

/// Outbox rows by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxCounts {
    /// Waits to go out.
    pub pending: u64,
    /// On its way.
    pub sending: u64,
    /// The channel has it.
    pub sent: u64,
    /// It is not known whether it arrived.
    pub unknown: u64,
    /// The channel refused it.
    pub failed: u64,
    /// It will not go out.
    pub cancelled: u64,
    /// Of all these, what waits for a person.
    pub held: u64,
    /// Of what is held, parts of drafts.
    pub drafts: u64,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStatus {
    /// `instagram`.
    pub channel: String,
    /// The channel's own id of it.
    pub account_id: String,
    /// Its handle, when known.
    pub username: Option<String>,
    /// `active` or `refused`.
    pub state: String,
    /// When its last event came.
    pub last_event_at: Option<Time>,
    /// Messages of shoppers that have come in.
    pub received: u64,
    /// Of these, those of today (UTC).
    #[serde(default)]
    pub received_today: u64,
    /// Of these, found by reading the thread: no webhook had brought them.
    pub recovered: u64,
}
