//! One question to several models at once, to see what each would answer. Nothing of it is kept or sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChatReply, ProductRef, Usage};

/// What is asked, and whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPreview {
    /// What a shopper would write.
    pub question: String,
    /// `builtin` or `PROVIDER:MODEL`, each once; 4 at most.
    pub models: Vec<String>,
}

/// What they would answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPreviewed {
    /// One for each model, in the order in which they were named.
    pub answers: Vec<PreviewAnswer>,
}

/// What one model would answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewAnswer {
    /// The model that was asked.
    pub model: String,
    /// What a shopper would get; empty when there is nothing to say, or nobody could be asked.
    pub replies: Vec<ChatReply>,
    /// What wrote them in the end: the model, or `builtin` where it stood in or the house has a sentence of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// The products that the answer rests on.
    pub evidence: Vec<ProductRef>,
    /// Drafts of it that the guard refused.
    pub guard_refusals: u32,
    /// What its calls took, refused drafts included.
    pub usage: Usage,
    /// Why a person would be needed; `null` when none is.
    pub handoff: Option<String>,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Why the model could not be asked, or gave no draft; `null`: it did.
    pub error: Option<String>,
}
