//! The bounded pool of blocking threads that every SQLite call runs on.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::Error;

/// Blocking calls in flight at once, over all tenants.
const THREADS_MAX: usize = 16;

/// A handle on the pool.
#[derive(Clone, Debug)]
pub(super) struct Blocking {
    permits: Arc<Semaphore>,
}

impl Blocking {
    pub(super) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(THREADS_MAX)) }
    }

    /// Runs `work` on a blocking thread once one is free. Work once begun is finished, even if the caller goes away.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Stopped)?;
        let outcome = tokio::task::spawn_blocking(move || {
            let _permit = permit;
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
