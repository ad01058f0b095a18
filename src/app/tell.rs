//! Tells people: takes the targets that are due, tenant by tenant, and sends each its notification.
//!
//! On tasks of its own, so that a mail server that hangs delays no turn. What is due stands in the tenants' files; memory
//! holds only who is to be looked at. No file is kept open while something is on the wire.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{App, Error};
use crate::{
    domain::{TargetId, TenantId, chain, notify::NotificationState},
    fault,
    store::{self, TenantStore},
};

/// How long attempts on the wire are waited for when the daemon ends; the next one makes them again under the same id.
const DRAIN: Duration = Duration::from_secs(2);
/// The wait after a tenant's file could not be read or written, milliseconds.
const COOLDOWN_MS: i64 = 5_000;

/// Tenants with somebody to tell, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Telling {
    state: Mutex<State>,
    found: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<TenantId>,
    queued: HashSet<TenantId>,
    /// Targets with a task of their own; found again meanwhile, they are left to it.
    busy: HashSet<TargetId>,
}

impl Telling {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the tenant's targets looked at.
    fn offer(&self, tenant: TenantId) {
        let mut state = self.state();
        if state.queued.insert(tenant) {
            state.queue.push_back(tenant);
        }
        drop(state);
        self.found.notify_one();
    }

    async fn next(&self) -> TenantId {
        loop {
            let taken = {
                let mut state = self.state();
                let tenant = state.queue.pop_front();
                if let Some(tenant) = tenant {
                    state.queued.remove(&tenant);
                }
                tenant
            };
            match taken {
                Some(tenant) => return tenant,
                None => self.found.notified().await,
            }
        }
    }
}

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let (tasks, permits) = (TaskTracker::new(), Arc::new(Semaphore::new(app.config.notify.parallel as usize)));
    loop {
        let tenant = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            tenant = app.telling.next() => tenant,
        };
        match app.due_targets(tenant).await {
            Ok(targets) => {
                for target in targets {
                    // A target has one task at a time, however often it is found.
                    if app.telling.state().busy.insert(target) {
                        tasks.spawn(one(app.clone(), Arc::clone(&permits), stop.clone(), tenant, target));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error = %chain(&error), "notify targets could not be read");
                app.work.wake(tenant, app.clock.now().plus_ms(COOLDOWN_MS));
            }
        }
    }
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::info!("notifications on the wire are left to the next start");
    }
}

async fn one(app: App, permits: Arc<Semaphore>, stop: CancellationToken, tenant: TenantId, target: TargetId) {
    let told = async {
        let Ok(_permit) = permits.acquire().await else { return Ok(()) };
        app.tell(tenant, target).await
    };
    let outcome = tokio::select! {
        outcome = told => outcome,
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    };
    app.telling.state().busy.remove(&target);
    let now = app.clock.now();
    match outcome {
        Ok(()) => app.work.wake(tenant, now),
        Err(error) => {
            tracing::warn!(
                tenant.id = %tenant, target.id = %target, error = %chain(&error), "a target could not be told"
            );
            app.work.wake(tenant, now.plus_ms(COOLDOWN_MS));
        }
    }
}

impl App {
    /// Plans when the tenant's people are told next; now, if it is time.
    pub(super) async fn plan_telling(&self, tenant: TenantId, store: &TenantStore) -> Result<(), Error> {
        match store.next_notification().await? {
            None => {}
            Some(at) if at <= self.clock.now() => self.telling.offer(tenant),
            Some(at) => {
                let hold = self.wakes.hold(self.store.control(), tenant, at).await?;
                self.work.wake(tenant, at);
                drop(hold);
            }
        }
        Ok(())
    }

    async fn due_targets(&self, tenant: TenantId) -> Result<Vec<TargetId>, Error> {
        match self.store.tenant(tenant).await {
            Ok(store) => Ok(store.due_notify_targets(self.clock.now()).await?),
            Err(store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the next attempt at one target, if it is time.
    async fn tell(&self, tenant: TenantId, target: TargetId) -> Result<(), Error> {
        let Some(shop) = self.store.control().tenant_by_id(tenant).await? else { return Ok(()) };
        let claimed = self.store.tenant(tenant).await?.claim_notification(target, self.clock.now()).await?;
        let Some(claimed) = claimed else { return Ok(()) };
        fault::point("after_notify_claim");
        let outcome = match self.notify_send(&shop, &claimed.target, &claimed.notification).await {
            // Its address went with it, or with the whole tenant, while it was claimed.
            Err(Error::NotFound { .. }) if self.is_gone(tenant, target).await? => return Ok(()),
            Err(error) => {
                tracing::error!(target.id = %target, error = %chain(&error), "a target's address cannot be had");
                let reason = "its address or key cannot be read".to_owned();
                crate::domain::notify::NotifyOutcome::Failed { reason, retry_after_ms: None }
            }
            Ok(outcome) => outcome,
        };
        fault::point("after_notify_answer");
        let store = match self.store.tenant(tenant).await {
            Err(store::Error::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let (id, attempts_max) = (claimed.notification.id, self.config.notify.attempts_max);
        let state = store.finish_notification(id, claimed.epoch, outcome, attempts_max, self.clock.now()).await?;
        if state == NotificationState::GivenUp {
            tracing::error!(
                tenant.id = %tenant, target.id = %target, notification.id = %id, attempts = claimed.attempt,
                "a target could not be told and is given up on; try it with `aura notify test`"
            );
        }
        Ok(())
    }

    async fn is_gone(&self, tenant: TenantId, target: TargetId) -> Result<bool, Error> {
        let store = match self.store.tenant(tenant).await {
            Err(store::Error::NotFound { .. }) => return Ok(true),
            other => other?,
        };
        Ok(!store.notify_targets().await?.iter().any(|state| state.target.id == target))
    }
}
