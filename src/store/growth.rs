//! Whose logs have grown. Followers of events wait here instead of asking every tenant's file again and again; what has
//! happened is read from the file alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::TenantId;

/// What is known since the process began. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Growth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// When each log last grew, counted in growths of all.
    tenants: Mutex<HashMap<TenantId, u64>>,
    count: watch::Sender<u64>,
}

impl Growth {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { tenants: Mutex::default(), count: watch::Sender::new(0) }))
    }

    /// The tenant's log may have grown, or is gone.
    pub(super) fn grew(&self, tenant: TenantId) {
        let mut tenants = self.tenants();
        self.0.count.send_modify(|count| {
            *count += 1;
            tenants.insert(tenant, *count);
        });
    }

    /// Follows from the beginning of the process on.
    pub(super) fn follow(&self) -> Follower {
        Follower { growth: self.clone(), seen: 0, count: self.0.count.subscribe() }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, u64>> {
        self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says it when a guard of a write is let go of: the write is durable, or undone.
pub(super) struct Grew(pub(super) Growth, pub(super) TenantId);

impl Drop for Grew {
    fn drop(&mut self) {
        self.0.grew(self.1);
    }
}

/// Hears of logs that grow.
#[derive(Debug)]
pub struct Follower {
    growth: Growth,
    seen: u64,
    count: watch::Receiver<u64>,
}

impl Follower {
    /// Whose logs may have grown since this was last asked; at first, since the process began. A log that grew before the
    /// answer and is read after it holds all that it grew by.
    pub fn grown(&mut self) -> Vec<TenantId> {
        let count = *self.count.borrow_and_update();
        if count == self.seen {
            return Vec::new();
        }
        let tenants = self.growth.tenants();
        let grown = tenants.iter().filter(|(_, at)| **at > self.seen).map(|(tenant, _)| *tenant).collect();
        // More may have come since the count was read: it is told of once more the next time.
        self.seen = count;
        grown
    }

    /// Returns when a log has grown that [`Self::grown`] has not told of.
    pub async fn wait(&mut self) {
        // The sender lives as long as `growth` does.
        drop(self.count.changed().await);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_follower_hears_of_each_log_that_grew_and_of_no_other() {
        let growth = Growth::new();
        let [one, other] = [1, 2].map(|n| TenantId(Uuid::from_u128(n)));
        growth.grew(one);
        let mut follower = growth.follow();
        assert_eq!(follower.grown(), [one], "what grew before it followed");
        assert_eq!(follower.grown(), []);
        drop(Grew(growth.clone(), other));
        growth.grew(other);
        tokio::time::timeout(Duration::from_secs(5), follower.wait()).await.expect("it is woken");
        assert_eq!(follower.grown(), [other]);
        assert!(tokio::time::timeout(Duration::from_millis(1), follower.wait()).await.is_err(), "nothing more grew");
    }
}
