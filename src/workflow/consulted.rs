//! A round of tools as it is recorded: what a model said when it called them, and what they gave.
//!
//! Products are recorded by their keys alone: a replay reads them again, so that it speaks of now. What the provider
//! attached to its words is kept to the byte, because it wants that back.

use serde::{Deserialize, Serialize};

/// One round: an answer that calls tools, and a result for each call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consulted {
    /// Who called: `PROVIDER:MODEL`.
    pub by: String,
    /// What it said, in order, the calls among it.
    pub said: Vec<Said>,
    /// What came of the calls, in their order.
    pub gave: Vec<Gave>,
}

/// A piece of what a model said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The piece.
    pub what: SaidWhat,
    /// What the provider attached to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
}

/// What a piece says, as `domain::chat` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SaidWhat {
    /// Visible text.
    Text(String),
    /// Thoughts.
    Reasoning {
        /// In full.
        text: Option<String>,
        /// The provider's summary.
        summary: Option<String>,
    },
    /// A refusal.
    Refusal(String),
    /// A call.
    Call {
        /// Its id within the conversation.
        id: String,
        /// The provider's id.
        provider_id: Option<String>,
        /// The id of the item that holds it.
        item_id: Option<String>,
        /// The tool, as the model wrote it.
        name: String,
        /// The arguments, as the model wrote them.
        args: String,
        /// Whether they are no JSON object.
        malformed: bool,
        /// Its place among the calls.
        index: u32,
    },
}

/// What a provider attached and wants back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// Who made it: `PROVIDER:MODEL`.
    pub model: String,
    /// Through which interface and key.
    pub endpoint: String,
    /// What it is.
    pub kind: String,
    /// The thing itself.
    pub data: String,
}

/// What one call gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gave {
    /// The call.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// What it gave.
    pub what: GaveWhat,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GaveWhat {
    /// These products, by their keys.
    Products {
        /// In order.
        keys: Vec<String>,
        /// Whether none of them meets every condition.
        near: bool,
    },
    /// A person is to go on.
    Person,
    /// Nothing: the call is wrong, and this is how to mend it.
    Wrong(String),
}
