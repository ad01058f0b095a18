//! What calls of models have cost a tenant, and what is set aside for those under way.

use super::{
    ConversationId, Timestamp, TurnId,
    chat::ModelRef,
    cost::{BudgetSpan, PicoDollars},
    id::CallId,
    model::ModelRole,
};

/// One call about to be made: what it may cost at most is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReservation {
    /// The call.
    pub call: CallId,
    /// Where it is made for; `None`: for no conversation.
    pub conversation: Option<ConversationId>,
    /// The run it belongs to.
    pub turn: Option<TurnId>,
    /// Ties it to what caused it.
    pub correlation: Option<String>,
    /// What for.
    pub role: ModelRole,
    /// Which model is asked.
    pub model: ModelRef,
    /// The most that it can cost.
    pub amount: PicoDollars,
    /// The current moment.
    pub now: Timestamp,
    /// When it must have ended: after that it has lost its caller, and what was set aside counts as spent.
    pub expires_at: Timestamp,
}

/// Whether money was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It was: the call may be made.
    Held,
    /// It would pass a limit: the call must not be made.
    OverBudget(OverBudget),
}

/// The limit that a call would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {} budget of {limit} USD has {} USD left, and the call may cost {wanted} USD", span.as_str(), limit.less(*used))]
pub struct OverBudget {
    /// Which.
    pub span: BudgetSpan,
    /// The limit.
    pub limit: PicoDollars,
    /// What is spent of it or set aside.
    pub used: PicoDollars,
    /// What the call may cost.
    pub wanted: PicoDollars,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The call.
    pub call: CallId,
    /// The model that served, where it is not the one that was asked.
    pub served: Option<ModelRef>,
    /// What it cost.
    pub cost: PicoDollars,
    /// Whether that is an estimate: no usage was reported, or no price is known.
    pub estimated: bool,
    /// Tokens that went in, cached ones among them.
    pub input_tokens: u64,
    /// Of these, read from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out, reasoning among them.
    pub output_tokens: u64,
    /// How it ended: `ok`, or the class of the error.
    pub outcome: &'static str,
    /// Milliseconds from its start to its end.
    pub latency_ms: u64,
    /// Milliseconds from its start to the first piece of the answer, where it was read as it was written.
    pub first_token_ms: Option<u64>,
    /// The current moment.
    pub now: Timestamp,
}

impl Settlement {
    /// A call that answered.
    pub const OK: &'static str = "ok";
}

/// What one model cost on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendRow {
    /// The first moment of the day (UTC).
    pub day: Timestamp,
    /// What for.
    pub role: ModelRole,
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// Calls that ended.
    pub calls: u64,
    /// Of these, those without an answer.
    pub failures: u64,
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Of these, from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: PicoDollars,
    /// Of this, what no usage report confirms.
    pub estimated: PicoDollars,
    /// Milliseconds of all calls together.
    pub latency_ms: u64,
}

/// What a tenant has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Today (UTC).
    pub day: PicoDollars,
    /// This calendar month (UTC).
    pub month: PicoDollars,
    /// Set aside for calls under way; in neither of the two.
    pub reserved: PicoDollars,
}

/// What calls used and cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: PicoDollars,
}
