//! What is asked of a model.

use super::{Json, Message};

/// One question to a model, with everything it may know and do.
///
/// Stable things come first in it (system, tools, older messages), so that a provider's cache hits. Nothing is kept at
/// the provider: every adapter asks for no storage where there is a choice (OpenAI stores unless told not to).
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model in its provider's words.
    pub model: Box<str>,
    /// The house's instructions. Holds no secret and nothing that a shopper or a shop's data says.
    pub system: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<ToolSpec>,
    /// Whether it may, must or must not.
    pub tool_choice: ToolChoice,
    /// Whether several calls may come in one answer.
    pub parallel_tools: bool,
    /// The shape that the answer's text must have. Checked by the caller too: providers honour parts of it.
    pub response_schema: Option<ResponseSchema>,
    /// The most tokens the model may write, thinking included; `None`: the provider's own limit.
    pub max_output_tokens: Option<i64>,
    /// How hard to think; `None`: as the model does by itself. Taken to the nearest level that the model has.
    pub effort: Option<Effort>,
    /// Randomness. Left out for models that refuse or ignore it.
    pub sampling: Option<Sampling>,
    /// Texts at which the model stops.
    pub stop: Vec<String>,
    /// What helps the provider's cache.
    pub cache_hint: Option<CacheHint>,
    /// How urgent it is, where that has a price.
    pub service_tier: Option<ServiceTier>,
    /// Tells the provider's abuse detection shoppers apart without naming them: a keyed hash, at most 64 bytes.
    pub end_user_hash: Option<Box<str>>,
}

impl ChatRequest {
    /// A question with nothing set but the model and the conversation.
    #[must_use]
    pub fn new(model: impl Into<Box<str>>, messages: Vec<Message>) -> Self {
        Self {
            model: model.into(),
            system: None,
            messages,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tools: true,
            response_schema: None,
            max_output_tokens: None,
            effort: None,
            sampling: None,
            stop: Vec::new(),
            cache_hint: None,
            service_tier: None,
            end_user_hash: None,
        }
    }
}

/// A tool that a model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSpec {
    /// Its name: a letter or `_`, then letters, digits, `_` and `-`, at most 64 (the narrowest of the providers: OpenAI).
    pub name: Box<str>,
    /// What it does and when to call it, for the model.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: Json,
    /// Whether the provider enforces the schema, where it can. Then every object in it has
    /// `"additionalProperties": false` and requires all its properties (OpenAI).
    pub strict: bool,
}

/// Whether a model may call tools. Ollama cannot be told; there everything but `None` means `Auto`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it thinks best.
    #[default]
    Auto,
    /// Not now. The tools stay in the request, for the cache's sake.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Box<str>),
    /// One of these, at least one.
    Allowed(Vec<Box<str>>),
}

/// The shape of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseSchema {
    /// A name for it, as of a tool.
    pub name: Box<str>,
    /// JSON Schema.
    pub schema: Json,
    /// As [`ToolSpec::strict`].
    pub strict: bool,
}

/// How hard a model thinks. The order is the order of effort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// Not at all, where that is possible.
    Off,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// Much.
    High,
    /// More.
    XHigh,
    /// As much as possible.
    Max,
}

impl Effort {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [Self::Off, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The one of `levels` that is nearest: the highest that is not above it, else the lowest there is. `None` when
    /// there are no levels.
    #[must_use]
    pub fn nearest(self, levels: &[Self]) -> Option<Self> {
        levels.iter().copied().filter(|level| *level <= self).max().or_else(|| levels.iter().copied().min())
    }
}

/// Randomness.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 is the most likely word each time.
    pub temperature: Option<f64>,
    /// Only words within this share of the likelihood.
    pub top_p: Option<f64>,
    /// The same seed tends to give the same answer.
    pub seed: Option<i64>,
}

/// What helps a provider's cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheHint {
    /// Requests with the same beginning share it; a tenant's never meets another's. At most 64 bytes.
    pub key: Box<str>,
    /// How many of the messages, from the first, will stand at the same place next time.
    pub stable_messages: usize,
}

/// How urgent a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceTier {
    /// The ordinary price.
    Standard,
    /// Cheaper, whenever there is room.
    Flex,
    /// Dearer, before others.
    Priority,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_is_taken_to_the_nearest_level_below_or_to_the_lowest() {
        let levels = [Effort::Low, Effort::Medium, Effort::High];
        assert_eq!(Effort::Max.nearest(&levels), Some(Effort::High));
        assert_eq!(Effort::Medium.nearest(&levels), Some(Effort::Medium));
        assert_eq!(Effort::Off.nearest(&levels), Some(Effort::Low));
        assert_eq!(Effort::High.nearest(&[]), None);
    }

    #[test]
    fn the_list_of_efforts_is_complete_and_in_order() {
        assert!(Effort::ALL.is_sorted());
        assert_eq!(Effort::ALL.map(|effort| Effort::ALL.iter().filter(|e| **e == effort).count()), [1; 7]);
    }
}
