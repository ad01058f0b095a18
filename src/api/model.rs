//! Models: which ones answer, what they may cost, what they have cost. Amounts are decimal strings of US dollars.

use serde::{Deserialize, Serialize};

/// The models of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelChoice {
    /// `chat`, `embed`, `vision`.
    pub role: String,
    /// `builtin`, or `PROVIDER:MODEL`.
    pub model: String,
    /// What stands in for it, in order. Behind all of them stands `builtin`.
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseModel {
    /// `builtin`, or `PROVIDER:MODEL`.
    pub model: String,
    /// What stands in for it, in order.
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

/// A choice that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// What holds from the next turn on.
    #[serde(flatten)]
    pub choice: ModelChoice,
    /// Whether it was otherwise before.
    pub changed: bool,
    /// Providers of it that have no key yet.
    pub keys_missing: Vec<String>,
}

/// What models may cost; a limit that is absent is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// In one day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_usd: Option<String>,
    /// In one calendar month (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month_usd: Option<String>,
    /// In one conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_usd: Option<String>,
}

/// How a scope's models stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// What holds for each role.
    pub choices: Vec<ModelChoice>,
    /// Providers and models that data may go to; `*`: every one that is configured.
    pub allowed: Vec<String>,
    /// What they may cost.
    pub budget: Budget,
    /// The configured providers.
    pub providers: Vec<Provider>,
}

/// A configured provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Whether there is a key for it, or it wants none.
    pub ready: bool,
}

/// What one model cost on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// The day (UTC), such as `2026-11-22`.
    pub day: String,
    /// What for.
    pub role: String,
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// Calls that ended.
    pub calls: u64,
    /// Of these, those without an answer.
    pub failures: u64,
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Of these, read from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What they cost.
    pub cost_usd: String,
    /// Of this, what no report of the provider confirms.
    pub estimated_usd: String,
}

/// What a tenant's models have cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// Today (UTC).
    pub today_usd: String,
    /// This calendar month (UTC).
    pub month_usd: String,
    /// Set aside for calls under way.
    pub reserved_usd: String,
    /// By day, role and model, the newest day first.
    pub rows: Vec<UsageRow>,
}

/// Of which days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageQuery {
    /// So many days up to today; 30 unless said.
    pub days: Option<u32>,
}

/// What a model costs, in US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// `PROVIDER:MODEL`; with `*` at its end every model whose name begins so.
    pub model: String,
    /// From when on (UTC); absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<super::Time>,
    /// What goes in.
    pub input_usd: String,
    /// What goes in and is read from a cache.
    pub cached_usd: String,
    /// What comes out, thoughts included.
    pub output_usd: String,
    /// With more input tokens than this the whole request costs more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dearer_above_tokens: Option<u64>,
}
