//! Models: which ones answer, what they may cost, what they have cost. Amounts are decimal strings of US dollars.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The models of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseModel {
    /// `builtin`, or `PROVIDER:MODEL`.
    pub model: String,
    /// What stands in for it, in order.
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

/// A choice that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Models {
    /// What holds for each role.
    pub choices: Vec<ModelChoice>,
    /// Providers and models that data may go to; `*`: every one that is configured.
    pub allowed: Vec<String>,
    /// What they may cost.
    pub budget: Budget,
    /// The configured providers.
    pub providers: Vec<Provider>,
    /// What Ollama has on its disk; `null` when it does not answer.
    #[serde(default)]
    pub local: Option<Vec<LocalModel>>,
}

/// A model that an Ollama has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalModel {
    /// `ollama:NAME`.
    pub model: String,
    /// Bytes on its disk.
    pub size_bytes: u64,
    /// What it can do (`completion`, `tools`, `vision`, `embedding`, `thinking`), where Ollama says so.
    pub capabilities: Vec<String>,
}

/// Which model is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestModel {
    /// `PROVIDER:MODEL`; the chosen one unless said.
    pub model: Option<String>,
}

/// What a model was found to be able to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelTest {
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// Whether it answers at all.
    pub answers: bool,
    /// Question by question.
    pub probes: Vec<ModelProbe>,
    /// What all of it cost; `null` when nobody knows a price.
    pub cost_usd: Option<String>,
}

/// What one question came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelProbe {
    /// `text`, `tool`, `image`, `schema`.
    pub skill: String,
    /// `able`, `unable`, `failed` (no answer), `skipped` (not asked, because it does not answer).
    pub result: String,
    /// Why it is not able.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// From the call to the first piece of the answer.
    pub first_token_ms: Option<u64>,
    /// From the call to its end.
    pub total_ms: u64,
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What it cost; `null` when nobody knows a price.
    pub cost_usd: Option<String>,
}

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullModel {
    /// `ollama:NAME`.
    pub model: String,
}

/// How far a pull is: one line of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PullProgress {
    /// What is being done, in Ollama's words.
    pub status: String,
    /// Bytes fetched, of all layers that are known by now.
    pub completed: u64,
    /// Bytes to fetch, likewise: it grows while layers are found.
    pub total: u64,
    /// Whether the model is there.
    pub done: bool,
}

/// A configured provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Whether there is a key for it, or it wants none.
    pub ready: bool,
}

/// What one model cost on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UsageQuery {
    /// So many days up to today; 30 unless said.
    pub days: Option<u32>,
}

/// What a model costs, in US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
