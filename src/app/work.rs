//! Who works on what, and when. The stores say what is due; memory holds only the next step of each tenant.
//!
//! Workers take conversations tenant by tenant in turn, so that a busy tenant never starves a quiet one. A conversation
//! is with one worker at a time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::domain::{ConversationId, TenantId, Timestamp};

/// Conversations of one tenant held in memory at once; the rest waits on disk.
pub const SCAN_MAX: u32 = 64;
/// How long a conversation rests after its work failed.
const COOLDOWN_MS: i64 = 5_000;
/// Tenants beyond their share may use idle workers, but never this last part of them.
const SHARE_DIVISOR: usize = 4;
/// Every tenant's share at least.
const SHARE_MIN: usize = 2;

/// One conversation to attend to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub conversation: ConversationId,
}

/// The schedule of all tenants.
#[derive(Debug)]
pub struct Work {
    state: Mutex<State>,
    workers: usize,
    /// A tenant's wake has come nearer.
    wakes: Notify,
    /// A conversation is ready, or a worker has become free to take one.
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    wake_at: HashMap<TenantId, Timestamp>,
    wakes: BinaryHeap<Reverse<(Timestamp, TenantId)>>,
    /// Tenants with ready conversations, in the order of their turn.
    ring: VecDeque<TenantId>,
    queues: HashMap<TenantId, Queue>,
    active: usize,
}

#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<ConversationId>,
    waiting: HashSet<ConversationId>,
    active: HashSet<ConversationId>,
    resting: HashMap<ConversationId, Timestamp>,
    /// The last scan found more than it may hold.
    more_on_disk: bool,
}

impl Work {
    /// A schedule for so many workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { state: Mutex::default(), workers: workers.max(1), wakes: Notify::new(), ready: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the tenant looked at no later than `at`.
    pub fn wake(&self, tenant: TenantId, at: Timestamp) {
        let mut state = self.state();
        if state.wake_at.get(&tenant).is_some_and(|planned| *planned <= at) {
            return;
        }
        state.wake_at.insert(tenant, at);
        state.wakes.push(Reverse((at, tenant)));
        drop(state);
        self.wakes.notify_one();
    }

    /// Has whoever waits for the next wake look at the clock again.
    pub fn look_again(&self) {
        self.wakes.notify_one();
    }

    /// Completes when a wake has come nearer, or the clock is to be looked at again.
    pub async fn wake_changed(&self) {
        self.wakes.notified().await;
    }

    /// Tenants whose time has come, and the moment of the next one.
    pub fn take_due(&self, now: Timestamp) -> (Vec<TenantId>, Option<Timestamp>) {
        let mut state = self.state();
        let mut due = Vec::new();
        while let Some(&Reverse((at, tenant))) = state.wakes.peek() {
            // A later plan has replaced this entry, or it was taken already.
            let stale = state.wake_at.get(&tenant) != Some(&at);
            if !stale && at > now {
                return (due, Some(at));
            }
            state.wakes.pop();
            if !stale {
                state.wake_at.remove(&tenant);
                due.push(tenant);
            }
        }
        (due, None)
    }

    /// Puts what a scan has found in the tenant's queue. `more`: the scan stopped at its limit.
    pub fn offer(&self, tenant: TenantId, found: &[ConversationId], more: bool, now: Timestamp) {
        let mut state = self.state();
        let queue = state.queues.entry(tenant).or_default();
        queue.more_on_disk = more;
        queue.resting.retain(|_, until| *until > now);
        let had_none = queue.ready.is_empty();
        for conversation in found {
            let taken = queue.active.contains(conversation) || queue.resting.contains_key(conversation);
            if !taken && queue.waiting.insert(*conversation) {
                queue.ready.push_back(*conversation);
            }
        }
        let ready = queue.ready.len();
        // The scan's own plan knows nothing of those that rest, and a nearer wake has replaced the one made for them.
        let rested = queue.resting.values().min().copied();
        if had_none && ready > 0 {
            state.ring.push_back(tenant);
        }
        state.forget_idle(tenant);
        drop(state);
        if let Some(at) = rested {
            self.wake(tenant, at);
        }
        for _ in 0..ready.min(self.workers) {
            self.ready.notify_one();
        }
    }

    /// The next conversation, tenant by tenant in turn. Waits until there is one.
    pub async fn next(&self) -> Job {
        loop {
            let ready = self.ready.notified();
            if let Some(job) = self.take() {
                return job;
            }
            ready.await;
        }
    }

    fn take(&self) -> Option<Job> {
        let share = (self.workers / SHARE_DIVISOR).max(SHARE_MIN);
        let mut state = self.state();
        let idle = self.workers.saturating_sub(state.active);
        for _ in 0..state.ring.len() {
            let tenant = state.ring.pop_front()?;
            let queue = state.queues.entry(tenant).or_default();
            if queue.active.len() >= share && idle <= self.workers / SHARE_DIVISOR {
                state.ring.push_back(tenant);
                continue;
            }
            let Some(conversation) = queue.ready.pop_front() else { continue };
            queue.waiting.remove(&conversation);
            queue.active.insert(conversation);
            let more = !queue.ready.is_empty();
            if more {
                state.ring.push_back(tenant);
            }
            state.active += 1;
            let others = !state.ring.is_empty();
            drop(state);
            if others {
                self.ready.notify_one();
            }
            return Some(Job { tenant, conversation });
        }
        None
    }

    /// A worker is done with a conversation; the tenant is looked at again at once. After a failure it rests a while.
    pub fn done(&self, job: Job, failed: bool, now: Timestamp) {
        let mut state = self.state();
        state.active = state.active.saturating_sub(1);
        let queue = state.queues.entry(job.tenant).or_default();
        queue.active.remove(&job.conversation);
        if failed {
            queue.resting.insert(job.conversation, now.plus_ms(COOLDOWN_MS));
        }
        let scan_now = !failed && (queue.ready.is_empty() || !queue.more_on_disk);
        state.forget_idle(job.tenant);
        drop(state);
        self.ready.notify_one();
        self.wake(job.tenant, if scan_now { now } else { now.plus_ms(COOLDOWN_MS) });
    }

    /// Conversations that wait for a worker, and those with one.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let state = self.state();
        (state.queues.values().map(|queue| queue.ready.len()).sum(), state.active)
    }
}

impl State {
    fn forget_idle(&mut self, tenant: TenantId) {
        let idle = self
            .queues
            .get(&tenant)
            .is_some_and(|queue| queue.ready.is_empty() && queue.active.is_empty() && queue.resting.is_empty());
        if idle {
            self.queues.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    fn conversation(n: u128) -> ConversationId {
        ConversationId(Uuid::from_u128(n))
    }

    #[test]
    fn a_quiet_tenant_is_served_within_one_round_of_a_busy_one() {
        let work = Work::new(20);
        let many: Vec<_> = (0..64).map(conversation).collect();
        work.offer(tenant(1), &many, true, Timestamp(0));
        let first = work.take().expect("a job");
        for quiet in 2..12 {
            work.offer(tenant(quiet), &[conversation(1_000 + quiet)], false, Timestamp(0));
        }
        let round: Vec<_> = (0..11).map(|_| work.take().expect("a job").tenant).collect();
        assert_eq!(first.tenant, tenant(1));
        for quiet in 2..12 {
            assert!(round.contains(&tenant(quiet)), "tenant {quiet} waited for a second round");
        }
    }

    #[test]
    fn one_tenant_alone_leaves_the_last_quarter_of_the_workers_free() {
        let work = Work::new(20);
        let many: Vec<_> = (0..64).map(conversation).collect();
        work.offer(tenant(1), &many, true, Timestamp(0));
        let taken = std::iter::from_fn(|| work.take()).count();
        assert_eq!(taken, 15);
    }

    #[test]
    fn a_conversation_is_with_one_worker_at_a_time() {
        let work = Work::new(4);
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
        let job = work.take().expect("a job");
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
        assert_eq!(work.take(), None);
        work.done(job, false, Timestamp(0));
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
        assert_eq!(work.take(), Some(job));
    }

    #[test]
    fn a_failed_conversation_rests_and_comes_back() {
        let work = Work::new(4);
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
        let job = work.take().expect("a job");
        work.done(job, true, Timestamp(0));
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(1));
        assert_eq!(work.take(), None);
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(COOLDOWN_MS));
        assert_eq!(work.take(), Some(job));
    }

    #[test]
    fn a_resting_conversation_is_not_forgotten_when_its_tenant_is_looked_at_meanwhile() {
        let work = Work::new(4);
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
        let job = work.take().expect("a job");
        work.done(job, true, Timestamp(0));
        work.wake(tenant(1), Timestamp(10));
        assert_eq!(work.take_due(Timestamp(10)).0, [tenant(1)]);
        work.offer(tenant(1), &[conversation(1)], false, Timestamp(10));
        assert_eq!(work.take_due(Timestamp(COOLDOWN_MS)).0, [tenant(1)]);
    }

    #[test]
    fn the_nearest_wake_wins() {
        let work = Work::new(1);
        work.wake(tenant(1), Timestamp(50));
        work.wake(tenant(1), Timestamp(20));
        work.wake(tenant(1), Timestamp(90));
        assert_eq!(work.take_due(Timestamp(10)), (vec![], Some(Timestamp(20))));
        assert_eq!(work.take_due(Timestamp(20)), (vec![tenant(1)], None));
    }
}
