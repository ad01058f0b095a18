//! Outcomes that nobody above the store sees as such: remembered while their transaction runs, told in the log once it is
//! durable. One that is rolled back has not happened and is not told of.

use std::cell::RefCell;

use crate::domain::event::{EventKind, NewEvent};

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
    static UNTOLD: RefCell<Vec<Outcome>> = const { RefCell::new(Vec::new()) };
}

/// A write begins: what one before it has left was undone.
pub(super) fn begin() {
    UNTOLD.with_borrow_mut(Vec::clear);
}

/// Remembers an event that the log tells of and nobody else logs.
pub(super) fn note(tenant: &str, event: &NewEvent) {
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
    UNTOLD.with_borrow_mut(|untold| untold.push(outcome));
}

/// The outcomes of one write.
pub(super) struct Untold(Vec<Outcome>);

/// What has been remembered since [`begin`].
pub(super) fn take() -> Untold {
    Untold(UNTOLD.take())
}

impl Untold {
    /// The write is durable: its outcomes are told.
    pub(super) fn tell(self) {
        for Outcome { kind, tenant, conversation, actor, reason } in self.0 {
            let (started, ended) = ("takeover started", "takeover ended");
            let message = if kind == EventKind::TakeoverStarted { started } else { ended };
            tracing::info!(tenant.id = tenant, conversation.id = conversation, actor, reason, "{message}");
        }
    }
}
