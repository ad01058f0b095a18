//! Who writes drafts: one trait, so that a model can stand where the built-in composer stands.
//!
//! A writer gets everything that a draft may be made from and gives a draft back; it sends nothing, and what it writes
//! is believed no more than anybody else's: the guard sees every draft, whoever wrote it.

use std::{fmt, time::Duration};

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use super::{
    compose::{self, Findings},
    rounds::{Calling, Steps},
};
use crate::{
    domain::{reply::Draft, turn::TurnInput},
    workflow::{Understanding, Written},
};

/// What a draft is made from.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// The conversation, the shop and its voice.
    pub input: &'a TurnInput,
    /// What the open messages mean.
    pub understanding: &'a Understanding,
    /// What was found in the shop's data, read now. Nothing else may be claimed.
    pub findings: &'a Findings,
    /// What the guard had against the draft before; empty the first time.
    pub refused: &'a [String],
    /// What may be called before it is written, and what was.
    pub steps: Steps<'a>,
    /// How long it may take.
    pub within: Duration,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrote {
    /// A draft.
    Draft(Authored),
    /// Tools are to be called first; the writer is asked again with what they gave.
    Calls(Calling),
}

/// A draft and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authored {
    /// What would be said.
    pub draft: Draft,
    /// `builtin`, or `PROVIDER:MODEL`.
    pub by: String,
    /// Whether it wants a person to go on after that.
    pub hands_over: bool,
}

/// A model that was to write and gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// A word for why.
    pub why: &'static str,
}

/// Why a writer has no draft. The texts are for the operator and hold nothing of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// No answer, or one that says to come back later.
    #[error("the writer gave no answer: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// It will not write this, whenever it is asked.
    #[error("the writer refused: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
    /// An answer that is no draft.
    #[error("the writer's answer is no draft: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// It was given up.
    #[error("the writer took longer than {limit_ms} ms")]
    TimedOut {
        /// How long it was given.
        limit_ms: u64,
    },
}

impl WriteError {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Refused { .. } => "refused",
            Self::Unreadable { .. } => "unreadable",
            Self::TimedOut { .. } => "timed_out",
        }
    }
}

/// Somebody who writes drafts.
pub trait Writer: fmt::Debug + Send + Sync {
    /// Whether it calls tools. Only then is it worth finding out which there are.
    fn calls_tools(&self) -> bool {
        false
    }

    /// The models that gave nothing since this was last asked, for people to see.
    fn missed(&self) -> Vec<Missed> {
        Vec::new()
    }

    /// Writes one draft, once, or calls tools: whether to ask again, and how long to wait, is the caller's business.
    ///
    /// # Errors
    /// When there is no draft; the caller then lets the built-in composer write.
    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>>;
}

/// The built-in composer: always there, never fails, and says the same however often it is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl BuiltIn {
    /// What it writes, without waiting.
    #[must_use]
    pub fn draft(request: WriteRequest<'_>) -> Authored {
        let draft = compose::compose(request.input, request.understanding, request.findings);
        Authored { draft, by: Written::BUILTIN.to_owned(), hands_over: false }
    }
}

impl Writer for BuiltIn {
    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        ready(Ok(Wrote::Draft(Self::draft(request)))).boxed()
    }
}
