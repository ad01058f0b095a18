//! Trying a write out: all of it is done and checked as if it were meant, and undone before it is durable.
//!
//! Whether a request is tried out goes with its task, so that no use case has to know of it, and none can forget it: the
//! first write that changes anything is undone and ends the request with [`Error::Rehearsed`].

use rusqlite::Transaction;

use super::Error;

tokio::task_local! {
    static TRIED_OUT: ();
}

/// Runs what is tried out: nothing that it writes stays.
pub async fn rehearse<F: Future>(request: F) -> F::Output {
    TRIED_OUT.scope((), request).await
}

/// Whether what this task does is only tried out.
#[must_use]
pub fn is_tried_out() -> bool {
    TRIED_OUT.try_with(|()| ()).is_ok()
}

/// The same work, undone if it has changed anything and is only tried out.
pub(super) fn undone<T>(
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
) -> impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static {
    let tried_out = is_tried_out();
    move |tx| {
        let before = tx.total_changes();
        let done = work(tx)?;
        if tried_out && tx.total_changes() > before { Err(Error::Rehearsed) } else { Ok(done) }
    }
}
