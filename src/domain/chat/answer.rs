//! What comes back from a model: piece by piece, or whole.

use super::{Json, Message, Opaque, Part, Role, ToolArgs, ToolCall};

/// A piece of an answer, as it arrives. [`super::Fold`] makes a [`ChatAnswer`] of them.
///
/// Adapters keep this order: `Start` first and once; pieces of parts; [`Self::Usage`] at any time; `Finish` last and
/// once. A stream that ends otherwise has failed, and says so as an error.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// The provider has begun.
    Start {
        /// The model that answers, which may be another than the one that was asked. It is the one that is paid for.
        served_model: Option<Box<str>>,
        /// The provider's id of the answer.
        id: Option<Box<str>>,
    },
    /// More of the visible text. Continues the text part before it, unless that is closed.
    TextDelta(String),
    /// More of the thoughts.
    ReasoningDelta {
        /// The words.
        text: String,
        /// Whether they are the provider's summary of the thoughts.
        summary: bool,
    },
    /// More of a refusal.
    RefusalDelta(String),
    /// A call begins.
    ToolStart {
        /// [`ToolCall::index`].
        index: u32,
        /// [`ToolCall::id`].
        id: Box<str>,
        /// [`ToolCall::provider_id`].
        provider_id: Option<Box<str>>,
        /// [`ToolCall::item_id`].
        item_id: Option<Box<str>>,
        /// [`ToolCall::name`].
        name: Box<str>,
    },
    /// More of a call's arguments; only to be shown or counted, [`Self::ToolEnd`] has them whole.
    ToolArgsDelta {
        /// Which call.
        index: u32,
        /// The text, cut anywhere.
        text: String,
    },
    /// A call is complete.
    ToolEnd {
        /// Which call.
        index: u32,
        /// With what.
        args: ToolArgs,
    },
    /// The part that the event before belongs to is closed: what comes next begins another, even if it is of the same
    /// kind.
    PartEnd,
    /// Attaches to the part that the event before belongs to, and closes it.
    OpaqueAttach(Opaque),
    /// What it has cost up to here. Each one replaces the one before (Gemini repeats it on every chunk); it may come
    /// before a failure, and counts then too.
    Usage(Box<Usage>),
    /// The answer is complete.
    Finish {
        /// Why it ends.
        reason: Finish,
        /// The provider's word for it.
        raw: Option<Box<str>>,
    },
}

impl StreamEvent {
    /// Whether it is a piece of what the model writes, thoughts included: the first of these is the first token.
    #[must_use]
    pub const fn is_output(&self) -> bool {
        match self {
            Self::TextDelta(text)
            | Self::RefusalDelta(text)
            | Self::ReasoningDelta { text, .. }
            | Self::ToolArgsDelta { text, .. } => !text.is_empty(),
            Self::ToolStart { .. } | Self::ToolEnd { .. } | Self::OpaqueAttach(_) => true,
            Self::Start { .. } | Self::PartEnd | Self::Usage(_) | Self::Finish { .. } => false,
        }
    }
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// All is said.
    Stop,
    /// The limit of tokens is reached; the text is cut.
    Length,
    /// Tools are to be called. Also where the provider says "stop" and calls are there (Gemini, Ollama).
    ToolCalls,
    /// The provider's filter cut the answer.
    ContentFilter,
    /// The model will not answer.
    Refusal,
    /// The provider's filter refused the question; there is no answer.
    PromptBlocked,
    /// The model tried to call a tool and failed to write the call.
    MalformedToolCall,
    /// The answer goes on when the same request is sent with this token (Gemini 4).
    Continue {
        /// The token.
        token: Box<str>,
    },
    /// The provider failed in the middle and says so in an otherwise good answer.
    Error,
    /// A word that Aura does not know.
    Other(Box<str>),
}

impl Finish {
    /// The word in events and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::PromptBlocked => "prompt_blocked",
            Self::MalformedToolCall => "malformed_tool_call",
            Self::Continue { .. } => "continue",
            Self::Error => "error",
            Self::Other(_) => "other",
        }
    }
}

/// What tokens were of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modality {
    /// Text.
    Text,
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Documents.
    Document,
}

/// How many tokens were of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModalityTokens {
    /// The kind.
    pub modality: Modality,
    /// Whether they went in or came out.
    pub is_input: bool,
    /// How many.
    pub tokens: i64,
}

/// What a call used, in tokens. Prices come later and from elsewhere.
///
/// Every figure is a part of `input_total` or `output_total`, which are what is paid for; whoever adds parts to totals
/// counts twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Everything that was read: the cached, the written to a cache, what tools of the provider put in.
    pub input_total: i64,
    /// Of it, read from a cache.
    pub input_cached: i64,
    /// Of it, written to a cache of 30 minutes (OpenAI).
    pub input_cache_write_30m: i64,
    /// Of it, written to a cache of 12 hours (OpenAI).
    pub input_cache_write_12h: i64,
    /// Of it, put in by the provider's own tools (Gemini).
    pub tool_prompt: i64,
    /// Everything that was written, thoughts included.
    pub output_total: i64,
    /// Of it, thoughts.
    pub output_reasoning: i64,
    /// By kind, where the provider tells.
    pub by_modality: Vec<ModalityTokens>,
    /// The model that answered: the one whose price holds.
    pub served_model: Option<Box<str>>,
    /// The tier that was served, in the provider's word.
    pub service_tier: Option<Box<str>>,
    /// What the provider says it costs, in pico-dollars (OpenRouter).
    pub provider_cost_pico_usd: Option<i64>,
    /// Whether Aura guessed it, because the provider said nothing.
    pub estimated: bool,
    /// The provider's own words.
    pub raw: Option<Json>,
}

impl Usage {
    /// Whether it says anything. Servers that do not count send zeros (LiteLLM, when it translates), and an answer that
    /// seems free would never reach a budget: such a usage is one that is missing.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.input_total > 0 || self.output_total > 0
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatAnswer {
    /// What the model says, in order. Goes back as it is in the next request.
    pub parts: Vec<Part>,
    /// Why it ends.
    pub finish: Finish,
    /// The provider's word for it.
    pub finish_raw: Option<Box<str>>,
    /// What it used; `None` when the provider did not say.
    pub usage: Option<Usage>,
    /// The model that answered.
    pub served_model: Option<Box<str>>,
    /// The provider's id of the answer.
    pub id: Option<Box<str>>,
}

impl ChatAnswer {
    /// All visible text.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }

    /// The tools that are called, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }

    /// The message to put into the next request.
    #[must_use]
    pub fn into_message(self) -> Message {
        Message { role: Role::Assistant, parts: self.parts }
    }
}
