//! How an answer came about, and what it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Price, Time, Turn};

/// One run with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnDetail {
    /// The run.
    #[serde(flatten)]
    pub turn: Turn,
    /// When it was durable; `null` while it runs.
    pub finished_at: Option<Time>,
    /// From its beginning to its end, waits for models among it.
    pub elapsed_ms: Option<u64>,
    /// The shopper's messages that it covers, `msg_…`.
    pub covers: Vec<String>,
    /// When the catalogue was read; `null`: this was not kept.
    pub read_at: Option<Time>,
    /// The products that it rests on, as they were then.
    pub products: Vec<ProductRead>,
    /// The words of the shop that the last draft cites.
    pub citations: Vec<Citation>,
    /// The steps of the workflow in order; empty when they were not kept, or forgotten with a message that was taken back.
    pub steps: Vec<Step>,
    /// The calls of models, in order.
    pub calls: Vec<ModelCall>,
    /// Tokens that went into all of them, cached ones among them.
    pub input_tokens: u64,
    /// Of these, from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out of all of them.
    pub output_tokens: u64,
    /// What all of them cost.
    pub cost_usd: String,
}

/// A product as a run has read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductRead {
    /// The source's id or handle.
    pub product_id: String,
    /// Its title.
    pub title: String,
    /// Where it is shown.
    pub url: Option<String>,
    /// The lowest price.
    pub price: Option<Price>,
    /// What the cheapest variant cost before.
    pub compare_at: Option<Price>,
    /// Whether any variant could be bought.
    pub available: bool,
    /// Whether the answer names it.
    pub named: bool,
}

/// Words of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// `fact:2`, `product:KEY`.
    pub source: String,
    /// The words, as they stand there.
    pub words: String,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Step {
    /// `understand`, `retrieve`, `consult`, `compose`, `guard` or `cards`.
    pub kind: String,
    /// How long it took; unknown of one that a run before a crash made.
    pub elapsed_ms: Option<u64>,
    /// What the shopper's messages were taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The words that were searched by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// How many products were found, or are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u32>,
    /// Who wrote or called: `builtin`, or `PROVIDER:MODEL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The tools that were called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolCalled>,
    /// What the guard had against a draft.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// The models that were tried before and gave nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<MissedModel>,
    /// Why the built-in assistant stood in for a model: `unavailable`, `timed_out`, `unreadable`, `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stood_in: Option<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCalled {
    /// The tool, as the model wrote it.
    pub name: String,
    /// The arguments, as the model wrote them; its beginning when they are long.
    pub arguments: String,
    /// How many results it had; `null` where it has none to count.
    pub results: Option<u32>,
    /// Whether none of them meets every condition.
    pub near: bool,
    /// Why nothing was done.
    pub refused: Option<String>,
    /// How long it took.
    pub elapsed_ms: Option<u64>,
}

/// A try of a model that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedModel {
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// `breaker_open`, `no_key`, `over_budget`, or the class of its failure.
    pub reason: String,
}

/// A call of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCall {
    /// `PROVIDER:MODEL` as it served.
    pub model: String,
    /// What for: `chat`, `vision`.
    pub role: String,
    /// `ok`, or the class of its failure.
    pub outcome: String,
    /// Tokens that went in, cached ones among them.
    pub input_tokens: u64,
    /// Of these, from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What it cost.
    pub cost_usd: String,
    /// Whether that is an estimate.
    pub estimated: bool,
    /// From its start to its end.
    pub latency_ms: u64,
    /// From its start to the first piece of the answer, where it was read as it was written.
    pub first_token_ms: Option<u64>,
    /// When it ended.
    pub ended_at: Time,
}
