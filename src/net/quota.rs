//! How much of the guarded client one tenant may have, so that nobody's catalogue or crowd of pictures takes it all.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use tokio::{sync::Semaphore, time::Instant};

use crate::domain::TenantId;

/// Fetches of a tenant in a minute, all of them at once after a quiet minute.
pub const FETCHES_PER_MINUTE: u32 = 240;
/// Fetches of a tenant at the same time; the next ones wait.
pub const FETCHES_PARALLEL: usize = 4;
/// Tenants remembered; beyond it the one that has fetched least recently begins anew.
const TENANTS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// What each tenant has used (GCRA: one moment per tenant).
#[derive(Debug)]
pub(super) struct Quota {
    per_minute: u32,
    tenants: Mutex<LruCache<TenantId, Share>>,
}

#[derive(Debug)]
struct Share {
    full_at: Instant,
    places: Arc<Semaphore>,
}

impl Quota {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), tenants: Mutex::new(LruCache::new(TENANTS_MAX)) }
    }

    /// Counts one fetch and hands out the tenant's places; or says when the next one may come.
    pub(super) fn take(&self, tenant: TenantId, now: Instant) -> Result<Arc<Semaphore>, Duration> {
        let every = Duration::from_secs(60) / self.per_minute;
        let bucket = every * self.per_minute;
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Share { full_at: now, places: Arc::new(Semaphore::new(FETCHES_PARALLEL)) };
        let share = tenants.get_or_insert_mut(tenant, new);
        let after = share.full_at.saturating_duration_since(now) + every;
        if after > bucket {
            return Err(after.saturating_sub(bucket));
        }
        share.full_at = now + after;
        Ok(Arc::clone(&share.places))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_tenant_that_has_used_its_minute_waits_and_another_does_not() {
        let (quota, now) = (Quota::new(3), Instant::now());
        let [one, other] = [1, 2].map(|n| TenantId(Uuid::from_u128(n)));
        for _ in 0..3 {
            assert!(quota.take(one, now).is_ok());
        }
        let wait = quota.take(one, now).expect_err("three a minute");
        assert_eq!(wait, Duration::from_secs(20));
        assert!(quota.take(other, now).is_ok());
        assert!(quota.take(one, now + wait).is_ok());
        assert!(quota.take(one, now + wait).is_err());
    }
}
