//! Who works on what, and when. The stores say what is due; memory holds only the next step of each tenant.
//!
//! The realtime lane. Workers take conversations tenant by tenant in turn, each tenant as often as the time that its turns
//! take allows ([`ledger`]), so that a busy tenant never starves a quiet one. A conversation is with one worker at a time.
//! What is held is bounded over all tenants; whoever comes when it is full takes the place of the last of the longest queue,
//! which is read from its file again later.

mod ledger;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use self::ledger::Ledger;
use crate::domain::{ConversationId, TenantId, Timestamp};

/// Ready conversations of one tenant held in memory at once; the rest waits on disk.
const SHARE_OF_LANE: usize = 64;
/// How long a conversation rests after its work failed.
const COOLDOWN_MS: i64 = 5_000;
/// A tenant's share of the workers. Beyond it a tenant may use what is idle, so that a shop alone is not slowed down, but
/// never the last such part of them: who comes next finds a worker.
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
    /// Ready conversations held over all tenants.
    limit: usize,
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
    /// Ready conversations in all queues.
    held: usize,
    /// Tenants that found no place for even one conversation, in the order in which they came.
    turned_away: VecDeque<TenantId>,
    ledger: Ledger,
}

#[derive(Debug, Default)]
struct Queue {
    /// With the moment since which it is in line.
    ready: VecDeque<(ConversationId, Timestamp)>,
    waiting: HashSet<ConversationId>,
    active: HashSet<ConversationId>,
    resting: HashMap<ConversationId, Timestamp>,
    /// The last scan found more than it may hold.
    more_on_disk: bool,
}

impl Work {
    /// A schedule for so many workers that holds so many ready conversations.
    #[must_use]
    pub fn new(workers: usize, limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            workers: workers.max(1),
            limit: limit.max(1),
            wakes: Notify::new(),
            ready: Notify::new(),
        }
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

    /// How many due conversations a scan of the tenant has to find so that, beside those that are taken or resting already,
    /// its share of the lane is full.
    #[must_use]
    pub fn scan_limit(&self, tenant: TenantId) -> usize {
        let state = self.state();
        let known = state.queues.get(&tenant).map_or(0, |queue| queue.active.len() + queue.resting.len());
        known + SHARE_OF_LANE.min(self.limit)
    }

    /// Puts what a scan has found in the tenant's queue. `more`: the scan stopped at its limit.
    pub fn offer(&self, tenant: TenantId, found: &[ConversationId], more: bool, now: Timestamp) {
        let mut state = self.state();
        let queue = state.queues.entry(tenant).or_default();
        queue.more_on_disk = more;
        // Those that have rested come back whatever their file says: a send whose outcome could not be written is not due
        // there for two minutes.
        let mut rested = Vec::new();
        queue.resting.retain(|conversation, until| {
            let rests = *until > now;
            rested.extend((!rests).then_some(*conversation));
            rests
        });
        let had_none = queue.ready.is_empty();
        for conversation in rested.iter().chain(found) {
            let Some(queue) = state.queues.get(&tenant) else { break };
            let taken = queue.active.contains(conversation) || queue.resting.contains_key(conversation);
            if taken || queue.waiting.contains(conversation) {
                continue;
            }
            let room = state.held < self.limit || state.evict_for(tenant);
            let Some(queue) = state.queues.get_mut(&tenant) else { break };
            if !room {
                queue.more_on_disk = true;
                if queue.ready.is_empty() && queue.active.is_empty() && !state.turned_away.contains(&tenant) {
                    state.turned_away.push_back(tenant);
                }
                break;
            }
            queue.waiting.insert(*conversation);
            queue.ready.push_back((*conversation, now));
            state.held += 1;
        }
        let queue = state.queues.get(&tenant);
        let ready = queue.map_or(0, |queue| queue.ready.len());
        // The scan's own plan knows nothing of those that rest, and a nearer wake has replaced the one made for them.
        let next_rested = queue.and_then(|queue| queue.resting.values().min().copied());
        if had_none && ready > 0 {
            state.ring.push_back(tenant);
        }
        state.forget_idle(tenant);
        drop(state);
        if let Some(at) = next_rested {
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
        let mut state = self.state();
        let job = state.pick(self.workers)?;
        let others = !state.ring.is_empty();
        let next_in = state.turned_away.pop_front();
        drop(state);
        if others {
            self.ready.notify_one();
        }
        if let Some(tenant) = next_in {
            self.wake(tenant, Timestamp(0));
        }
        Some(job)
    }

    /// A worker is done with a conversation after so long; the tenant is looked at again at once. After a failure the
    /// conversation rests a while.
    pub fn done(&self, job: Job, took: Duration, failed: bool, now: Timestamp) {
        let mut state = self.state();
        state.active = state.active.saturating_sub(1);
        state.ledger.end(job.tenant, took);
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

    /// Since when the first of those that wait is in line, and whether more are due than are held here.
    #[must_use]
    pub fn line(&self) -> (Option<Timestamp>, bool) {
        let state = self.state();
        let first = state.queues.values().filter_map(|queue| queue.ready.front().map(|(_, since)| *since)).min();
        (first, state.queues.values().any(|queue| queue.more_on_disk) || !state.turned_away.is_empty())
    }

    /// Workers that there may be.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.workers
    }

    /// Conversations that wait for a worker, and those with one.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let state = self.state();
        (state.queues.values().map(|queue| queue.ready.len()).sum(), state.active)
    }
}

impl State {
    /// The next conversation: of the next tenant in the ring that has time left and is not over its share.
    fn pick(&mut self, workers: usize) -> Option<Job> {
        let share = (workers / SHARE_DIVISOR).max(SHARE_MIN);
        let few_idle = workers.saturating_sub(self.active) <= workers / SHARE_DIVISOR;
        loop {
            let mut rounds = u64::MAX;
            for _ in 0..self.ring.len() {
                let tenant = self.ring.pop_front()?;
                let queue = self.queues.entry(tenant).or_default();
                let short = self.ledger.rounds_short(tenant);
                let over_share = queue.active.len() >= share && few_idle;
                if over_share || short > 0 {
                    if !over_share {
                        rounds = rounds.min(short);
                    }
                    self.ring.push_back(tenant);
                    continue;
                }
                let Some((conversation, _)) = queue.ready.pop_front() else { continue };
                queue.waiting.remove(&conversation);
                queue.active.insert(conversation);
                if !queue.ready.is_empty() {
                    self.ring.push_back(tenant);
                }
                self.held -= 1;
                self.active += 1;
                self.ledger.begin(tenant);
                return Some(Job { tenant, conversation });
            }
            if rounds == u64::MAX {
                return None;
            }
            // Everyone who could be served has had a turn in this round.
            self.ledger.pass(rounds);
        }
    }

    /// Sends the last of the longest queue back to disk, if the tenant's own is shorter even with one more.
    fn evict_for(&mut self, tenant: TenantId) -> bool {
        let own = self.queues.get(&tenant).map_or(0, |queue| queue.ready.len());
        let Some(longest) = self.queues.values_mut().max_by_key(|queue| queue.ready.len()) else { return false };
        if longest.ready.len() <= own + 1 {
            return false;
        }
        if let Some((last, _)) = longest.ready.pop_back() {
            longest.waiting.remove(&last);
            longest.more_on_disk = true;
            self.held -= 1;
        }
        true
    }

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
mod tests;
