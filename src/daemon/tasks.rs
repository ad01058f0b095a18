//! The tasks that the daemon lives by. One that ends before it was told to has panicked or has a bug: the daemon ends with
//! it, loudly, instead of taking messages that nobody works on. What is durable goes on at the next start.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

/// Tasks, each with a name for the operator.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<&'static str>,
}

impl Tasks {
    pub(super) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            // The panic itself is in the log already.
            let _ = AssertUnwindSafe(task).catch_unwind().await;
            name
        });
    }

    /// Waits until one has ended, and says which. Never, if there is none.
    pub(super) async fn ended(&mut self) -> &'static str {
        match self.running.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task",
            None => std::future::pending().await,
        }
    }

    /// Waits until all have ended.
    pub(super) async fn rest(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_and_one_that_just_ends_are_told_by_name() {
        for end in [|| panic!("broken on purpose"), || ()] {
            let mut tasks = Tasks::default();
            tasks.spawn("the steady one", std::future::pending());
            tasks.spawn("the other", async move { end() });
            assert_eq!(tasks.ended().await, "the other");
        }
    }
}
