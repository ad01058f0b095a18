//! Outcomes that nobody above the store sees as such: remembered while their transaction runs, told in the log once it is
//! durable. One that is rolled back has not happened and is not told of.
//!
//! And guards that a write holds until it is durable or undone.

use std::{any::Any, cell::RefCell};

use crate::domain::{
    event::{EventKind, NewEvent},
    staff::Doer,
};

/// What an outcome's line says: ids and words, never text.
struct Outcome {
    kind: EventKind,
    tenant: String,
    conversation: Option<String>,
    actor: &'static str,
    reason: Option<&'static str>,
}

thread_local! {
    /// Of the transaction that this thread runs; a transaction never leaves its thread.
    static UNTOLD: RefCell<Untold> =
        const { RefCell::new(Untold { outcomes: Vec::new(), held: Vec::new(), appended: false, doer: Doer::Operator }) };
}

/// A write begins: what one before it has left was undone.
pub(super) fn begin() {
    drop(UNTOLD.take());
}

/// Holds a guard until the write is durable or undone.
pub(super) fn hold(guard: impl Any + Send) {
    UNTOLD.with_borrow_mut(|untold| untold.held.push(Box::new(guard)));
}

/// Who has the write done: what it calls the operator's is theirs.
pub(super) fn done_by(doer: Doer) {
    UNTOLD.with_borrow_mut(|untold| untold.doer = doer);
}

/// Who has the write done.
pub(super) fn doer() -> Doer {
    UNTOLD.with_borrow(|untold| untold.doer)
}

/// Whether the write has appended an event so far.
pub(super) fn appended() -> bool {
    UNTOLD.with_borrow(|untold| untold.appended)
}

/// Remembers that an event was appended, and the event itself if the log tells of it and nobody else logs it.
pub(super) fn note(tenant: &str, event: &NewEvent) {
    UNTOLD.with_borrow_mut(|untold| untold.appended = true);
    if !matches!(event.kind, EventKind::TakeoverStarted | EventKind::TakeoverEnded) {
        return;
    }
    let outcome = Outcome {
        kind: event.kind,
        tenant: tenant.to_owned(),
        conversation: event.id_of("conversation").map(str::to_owned),
        actor: event.actor,
        reason: event.word_of("cause"),
    };
    UNTOLD.with_borrow_mut(|untold| untold.outcomes.push(outcome));
}

/// The outcomes of one write, and what it holds.
#[derive(Default)]
pub(super) struct Untold {
    outcomes: Vec<Outcome>,
    held: Vec<Box<dyn Any + Send>>,
    appended: bool,
    doer: Doer,
}

/// What has been remembered since [`begin`].
pub(super) fn take() -> Untold {
    UNTOLD.take()
}

impl Untold {
    /// The write is durable: its outcomes are told.
    pub(super) fn tell(self) {
        for Outcome { kind, tenant, conversation, actor, reason } in self.outcomes {
            let (started, ended) = ("takeover started", "takeover ended");
            let message = if kind == EventKind::TakeoverStarted { started } else { ended };
            tracing::info!(tenant.id = tenant, conversation.id = conversation, actor, reason, "{message}");
        }
    }
}
