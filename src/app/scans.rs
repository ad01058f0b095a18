//! When tenants' files may be looked into: one look at a time, and after a long one a rest of a few times what it took.
//!
//! Every delivery, echoes among them, asks for a look, and a look costs what waits in the file: a shop with thousands of open
//! messages would be looked into for each of them. What comes meanwhile is found by the one look after the rest.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::TenantId;

/// A look that takes no longer needs no rest: little waits in the file, and a shopper may write at once after a reply.
const FREE: Duration = Duration::from_millis(1);
/// The rest after a longer look, as a multiple of what it took beyond that.
const REST_FACTOR: u32 = 4;
/// The longest rest: a look takes long where others take the cores, too, and a shopper who writes meanwhile waits for it.
const REST_MAX: Duration = Duration::from_millis(20);

/// Which tenants are being looked at, rest from it, and are to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Scans {
    under_way: HashSet<TenantId>,
    resting: HashMap<TenantId, Instant>,
    again: HashSet<TenantId>,
}

impl Scans {
    /// Whether a look may begin now; if not, it is due once it may.
    pub(super) fn begin(&mut self, tenant: TenantId, now: Instant) -> bool {
        if self.under_way.contains(&tenant) || self.resting.get(&tenant).is_some_and(|until| *until > now) {
            self.again.insert(tenant);
            return false;
        }
        self.again.remove(&tenant);
        self.under_way.insert(tenant)
    }

    /// A look has ended.
    pub(super) fn ended(&mut self, tenant: TenantId, took: Duration, now: Instant) {
        self.under_way.remove(&tenant);
        self.resting.retain(|_, until| *until > now);
        self.resting.insert(tenant, now + rest_after(took));
    }

    /// Those whose look was put off and may begin now.
    pub(super) fn due(&self, now: Instant) -> Vec<TenantId> {
        self.put_off().filter(|(_, until)| until.is_none_or(|until| until <= now)).map(|(tenant, _)| tenant).collect()
    }

    /// When the next of them may.
    pub(super) fn next(&self) -> Option<Instant> {
        self.put_off().filter_map(|(_, until)| until).min()
    }

    fn put_off(&self) -> impl Iterator<Item = (TenantId, Option<Instant>)> {
        let waiting = self.again.iter().filter(|tenant| !self.under_way.contains(tenant));
        waiting.map(|tenant| (*tenant, self.resting.get(tenant).copied()))
    }
}

fn rest_after(took: Duration) -> Duration {
    (took.saturating_sub(FREE) * REST_FACTOR).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    #[test]
    fn what_comes_during_a_look_or_its_rest_is_looked_at_once_after_it() {
        let (mut scans, began) = (Scans::default(), Instant::now());
        let took = Duration::from_millis(2);
        let ended = began + took;
        assert!(scans.begin(tenant(1), began));
        assert!(!scans.begin(tenant(1), began) && !scans.begin(tenant(1), began), "it is being looked at");
        assert!(scans.due(ended).is_empty() && scans.next().is_none(), "whoever looks may still see it, or not");
        scans.ended(tenant(1), took, ended);
        assert!(!scans.begin(tenant(1), ended), "it rests");
        let rested = ended + Duration::from_millis(4);
        assert_eq!((scans.due(ended), scans.next()), (Vec::new(), Some(rested)));
        assert_eq!(scans.due(rested), [tenant(1)]);
        assert!(scans.begin(tenant(1), rested));
        scans.ended(tenant(1), took, rested);
        assert!(scans.due(rested + REST_MAX).is_empty(), "nothing has come since");
    }

    #[test]
    fn the_rest_of_one_tenant_holds_up_no_other() {
        let (mut scans, now) = (Scans::default(), Instant::now());
        assert!(scans.begin(tenant(1), now));
        scans.ended(tenant(1), Duration::from_secs(1), now);
        assert!(!scans.begin(tenant(1), now) && scans.begin(tenant(2), now));
        assert!(scans.begin(tenant(1), now + REST_MAX), "however long the look took");
        scans.ended(tenant(2), FREE, now);
        assert!(scans.begin(tenant(2), now), "a short look needs no rest");
    }
}
