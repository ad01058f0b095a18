//! The bulk lane: imports, catch-up and whatever else no shopper waits for. It has places of its own, one a tenant, so that it
//! never takes a worker from a turn, and one shop's import never keeps another shop's waiting for its end.
//!
//! What it does with the files goes through [`TenantStore::in_bulk`](crate::store::TenantStore::in_bulk).

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Error;
use crate::domain::TenantId;

/// Places for so many workers of the realtime lane.
const WORKERS_PER_PLACE: usize = 5;
/// At least.
const PLACES_MIN: usize = 2;
/// How much politer than everything else the threads are that only compute (Unix: 0 to 19).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The lane.
#[derive(Debug)]
pub struct Bulk {
    places: Arc<Semaphore>,
    /// How many there are.
    places_all: usize,
    /// Pieces of work that may be under way or wait.
    limit: usize,
    inside: AtomicUsize,
    running: AtomicUsize,
    /// One at a time for each tenant, with how many have come for it.
    tenants: Mutex<HashMap<TenantId, (Arc<Semaphore>, usize)>>,
}

/// A place in the lane; given back when dropped.
#[derive(Debug)]
#[must_use = "the place is held as long as this lives"]
pub struct Place<'a> {
    /// Before the entry: given back first.
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
    _entry: Entry<'a>,
}

/// A piece of work that waits or is under way.
#[derive(Debug)]
struct Entry<'a> {
    bulk: &'a Bulk,
    tenant: TenantId,
    running: bool,
}

impl Bulk {
    /// A lane beside so many workers of the realtime lane, in which so many pieces of work may be.
    #[must_use]
    pub fn new(workers: usize, limit: usize) -> Self {
        let places = (workers / WORKERS_PER_PLACE).max(PLACES_MIN);
        Self {
            places: Arc::new(Semaphore::new(places)),
            places_all: places,
            limit: limit.max(1),
            inside: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            tenants: Mutex::default(),
        }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, (Arc<Semaphore>, usize)>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place for a tenant's work: first for the tenant's own turn, then, tenant by tenant as they came, for
    /// one of the places.
    ///
    /// # Errors
    /// When as much is waiting as may: to be tried again later.
    pub async fn enter(&self, tenant: TenantId) -> Result<Place<'_>, Error> {
        if self.inside.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Temporary {
                message: format!("{} pieces of background work wait already (`queue.bulk_limit`)", self.limit),
                source: None,
            });
        }
        let turns = {
            let mut tenants = self.tenants();
            let (turns, count) = tenants.entry(tenant).or_insert_with(|| (Arc::new(Semaphore::new(1)), 0));
            *count += 1;
            Arc::clone(turns)
        };
        let mut entry = Entry { bulk: self, tenant, running: false };
        let closed = |_| Error::Temporary { message: "the daemon is stopping".into(), source: None };
        let turn = turns.acquire_owned().await.map_err(closed)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(closed)?;
        self.running.fetch_add(1, Ordering::Relaxed);
        entry.running = true;
        Ok(Place { _place: place, _turn: turn, _entry: entry })
    }

    /// How many pieces of work may be under way at once.
    #[must_use]
    pub const fn places(&self) -> usize {
        self.places_all
    }

    /// Pieces of work that wait, and those under way.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let running = self.running.load(Ordering::Relaxed);
        (self.inside.load(Ordering::Relaxed).saturating_sub(running), running)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.bulk.inside.fetch_sub(1, Ordering::Relaxed);
        if self.running {
            self.bulk.running.fetch_sub(1, Ordering::Relaxed);
        }
        let mut tenants = self.bulk.tenants();
        if let Some((_, count)) = tenants.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

/// Runs what only computes on a thread of its own that gives way to all others. It must hold nothing that a turn waits for.
/// The receiver fails if the work panics.
pub fn on_polite_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, outcome) = oneshot::channel();
    std::thread::Builder::new().name(name.into()).spawn(move || {
        // Of this thread alone; elsewhere than on Linux it would be the whole process.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::debug!(%error, "a background thread keeps its priority");
        }
        // Whoever asked may have given up.
        drop(done.send(work()));
    })?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use uuid::Uuid;

    use super::*;

    const fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn one_shop_has_one_place_and_the_others_theirs() {
        let bulk = Bulk::new(20, 100);
        let first = bulk.enter(tenant(1)).await.expect("a place");
        let mut again: Vec<_> = (0..10).map(|_| Box::pin(bulk.enter(tenant(1)))).collect();
        for waiting in &mut again {
            assert!(poll!(waiting.as_mut()).is_pending(), "a second import of the same shop waits for the first");
        }
        let others: Vec<_> = futures_util::future::join_all((2..=4).map(|n| bulk.enter(tenant(n)))).await;
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(bulk.load(), (10, 4));
        let mut fifth = pin!(bulk.enter(tenant(5)));
        assert!(poll!(fifth.as_mut()).is_pending(), "there are four places");
        drop(first);
        let fifth = fifth.await.expect("a place");
        assert_eq!(bulk.load(), (10, 4), "the other shop goes before the ten that came earlier");
        drop((fifth, again, others));
        assert_eq!(bulk.load(), (0, 0));
        assert!(bulk.tenants().is_empty());
    }

    #[tokio::test]
    async fn what_is_beyond_the_limit_is_told_to_come_again() {
        let bulk = Bulk::new(1, 3);
        let _under_way = bulk.enter(tenant(1)).await.expect("a place");
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(bulk.enter(tenant(1)))).collect();
        for waiting in &mut waiting {
            assert!(poll!(waiting.as_mut()).is_pending());
        }
        let refused = bulk.enter(tenant(2)).await.expect_err("three are in it");
        assert_eq!(refused.kind(), super::super::ErrorKind::Temporary);
        assert_eq!(refused.to_string(), "3 pieces of background work wait already (`queue.bulk_limit`)");
        drop(waiting);
        drop(bulk.enter(tenant(2)).await.expect("there is room again"));
    }

    #[tokio::test]
    async fn a_panic_on_a_thread_of_its_own_is_heard_of() {
        let outcome = on_polite_thread("test", || panic!("on purpose")).expect("a thread");
        let outcome: Result<(), _> = outcome.await;
        assert!(outcome.is_err());
        assert_eq!(on_polite_thread("test", || 7).expect("a thread").await, Ok(7));
    }
}
