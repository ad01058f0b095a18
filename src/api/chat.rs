//! Talking to the assistant as a shopper, on channel `local`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProductRef;

/// What the shopper says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatQuestion {
    /// Names the conversation: the same word goes on with the same one.
    pub session: String,
    /// The message.
    pub text: String,
    /// A voice to try, as YAML: it answers this message, and is set nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
}

/// What the assistant answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatAnswer {
    /// The messages, in order; empty when there is nothing to say.
    pub replies: Vec<ChatReply>,
    /// The products that the answer rests on.
    pub evidence: Vec<ProductRef>,
    /// What wrote it: `builtin`, or `PROVIDER:MODEL`.
    pub model: String,
    /// What it took.
    pub usage: Usage,
    /// Why a person is needed; `null` when none is.
    pub handoff: Option<String>,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// One message of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatReply {
    /// Its words.
    pub text: String,
    /// The products that it names.
    pub products: Vec<ProductRef>,
}

/// What an answer took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens read by models.
    pub input_tokens: u64,
    /// Tokens written by models.
    pub output_tokens: u64,
    /// What the models cost, a decimal string in US dollars.
    pub cost_usd: String,
}
