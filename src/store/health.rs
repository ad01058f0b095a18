//! Whether the disk can be relied on: shared by every file of an installation, so that all of them stop together.

use std::sync::Arc;

use tokio::sync::watch;

use super::Error;

/// What is known of the disk, as it changes.
#[derive(Clone, Debug)]
pub struct DiskState {
    /// Turns true when a sync has failed: nothing may be accepted or claimed any more, and the process has to end.
    pub failed: watch::Receiver<bool>,
    /// True from the first commit that found no room until the journal finds some.
    pub full: watch::Receiver<bool>,
}

/// A handle on what is known of the disk. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Health(Arc<State>);

#[derive(Debug)]
struct State {
    failed: watch::Sender<bool>,
    full: watch::Sender<bool>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self(Arc::new(State { failed: watch::Sender::new(false), full: watch::Sender::new(false) }))
    }

    /// A sync has failed: SQLite carries on after it, but what it believes durable may not be. Nothing is written or
    /// promised any more; the next start reads what the disk really has.
    pub(super) fn fail(&self) {
        self.0.failed.send_replace(true);
    }

    /// [`Error::Stopped`] once the disk has failed.
    pub(super) fn check(&self) -> Result<(), Error> {
        if *self.0.failed.borrow() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Turns true when a sync has failed.
    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.0.failed.subscribe()
    }

    /// Whether the last commit found no room.
    pub(super) fn full(&self) -> watch::Receiver<bool> {
        self.0.full.subscribe()
    }

    /// Takes note of a commit that has failed.
    pub(super) fn note_commit(&self, error: &Error) {
        if matches!(error, Error::Io { .. }) {
            self.fail();
        }
        self.note_full(error);
    }

    /// Takes note of an error that leaves nothing in doubt: whether there was no room.
    pub(super) fn note_full(&self, error: &Error) {
        if matches!(error, Error::Full { .. }) {
            self.set_full(true);
        }
    }

    /// The journal has found room.
    pub(super) fn has_room(&self) {
        self.set_full(false);
    }

    fn set_full(&self, full: bool) {
        self.0.full.send_if_modified(|was| std::mem::replace(was, full) != full);
    }
}
