//! The bounded pools of blocking threads that every SQLite call runs on: one for what somebody waits for, one for the rest.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;

/// Calls in flight at once that somebody waits for, over all tenants.
pub(super) const REALTIME_MAX: usize = 16;
/// Calls in flight at once that nobody waits for: they share the cores with the others, and never their threads.
const BULK_MAX: usize = 2;

/// Whether somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Deliveries, turns, sends, commands.
    Realtime,
    /// Imports, catch-up, sweeps.
    Bulk,
}

/// A handle on the pools.
#[derive(Clone, Debug)]
pub(super) struct Blocking {
    pub(super) realtime: Arc<Semaphore>,
    pub(super) bulk: Arc<Semaphore>,
}

/// A thread of a lane.
#[derive(Debug)]
pub(super) struct Thread {
    _permit: OwnedSemaphorePermit,
}

impl Blocking {
    pub(super) fn new() -> Self {
        Self { realtime: Arc::new(Semaphore::new(REALTIME_MAX)), bulk: Arc::new(Semaphore::new(BULK_MAX)) }
    }

    /// Waits for a thread of the lane.
    pub(super) async fn thread(&self, lane: Lane) -> Result<Thread, Error> {
        let permits = match lane {
            Lane::Realtime => &self.realtime,
            Lane::Bulk => &self.bulk,
        };
        Arc::clone(permits).acquire_owned().await.map(|_permit| Thread { _permit }).map_err(|_| Error::Stopped)
    }

    /// Runs what somebody waits for, once a thread is free. Work once begun is finished, even if the caller goes away.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        self.thread(Lane::Realtime).await?.run(work).await
    }
}

impl Thread {
    /// Runs `work`. Once begun it is finished, even if the caller goes away.
    pub(super) async fn run<T, F>(self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let outcome = tokio::task::spawn_blocking(move || {
            let _thread = self;
            work()
        })
        .await;
        match outcome {
            Ok(result) => result,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => Err(Error::Stopped),
        }
    }
}
