//! What a clock drives: keeping the wake index true, and closing files that nobody uses.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{App, Error};
use crate::{
    domain::{TenantId, Timestamp, account::AccountState, chain},
    store::{self, DueRules},
};

/// How often hints of resting tenants are brought up to date.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// How often files that nobody uses are looked for, and how long one stays open for its next use.
const CLOSE_EVERY: Duration = Duration::from_secs(5);
const OPEN_UNUSED: Duration = Duration::from_secs(30);
/// How often every tenant's file is compared with the index.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// How long after the start the first sweep begins.
const SWEEP_FIRST: Duration = Duration::from_secs(30);

/// How often a checkpoint of every chain is taken (facts: reliability §8).
const CHECKPOINT_EVERY: Duration = Duration::from_secs(3_600);
/// How long after the start the first one is taken.
const CHECKPOINT_FIRST: Duration = Duration::from_secs(60);
/// How long the last one may take when the daemon ends.
const CHECKPOINT_LAST_MAX: Duration = Duration::from_secs(3);

/// Runs until told to stop; tidies a last time then, so that the next start opens only who has something to do.
pub async fn run(app: App, stop: CancellationToken) {
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut close = tokio::time::interval(CLOSE_EVERY);
    let mut sweep = tokio::time::interval_at(Instant::now() + SWEEP_FIRST, SWEEP_EVERY);
    let mut checkpoint = tokio::time::interval_at(Instant::now() + CHECKPOINT_FIRST, CHECKPOINT_EVERY);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = tidy.tick() => app.tidy_wakes().await,
            _ = close.tick() => app.close_idle().await,
            _ = sweep.tick() => app.sweep(&stop).await,
            _ = checkpoint.tick() => app.checkpoint().await,
        }
    }
    app.tidy_wakes().await;
    // What happened since the last one is covered before the files are out of our hands.
    if tokio::time::timeout(CHECKPOINT_LAST_MAX, app.checkpoint()).await.is_err() {
        tracing::warn!("there was no time for a last checkpoint");
    }
}

impl App {
    /// Reads the wake index at start and plans whom to look at.
    pub async fn load_wakes(&self) -> Result<usize, Error> {
        let due = self.wakes.load(self.store.control()).await?;
        for (tenant, at) in &due {
            self.work.wake(*tenant, *at);
        }
        Ok(due.len())
    }

    async fn checkpoint(&self) {
        if let Err(error) = self.checkpoint_if_changed().await {
            tracing::error!(error = %chain(&error), "no checkpoint could be taken");
        }
    }

    async fn close_idle(&self) {
        match self.store.close_idle(OPEN_UNUSED).await {
            Ok(0) => {}
            Ok(closed) => tracing::debug!(closed, "unused files closed"),
            Err(error) => tracing::warn!(error = %chain(&error), "unused files could not be closed"),
        }
    }

    /// Brings the hints of tenants that rest up to what their files say.
    pub(crate) async fn tidy_wakes(&self) {
        for (tenant, generation) in self.wakes.resting() {
            let tidied = match self.earliest(tenant).await {
                Ok(next) => self.wakes.tidy(self.store.control(), tenant, generation, next).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            if let Err(error) = tidied {
                tracing::warn!(tenant.id = %tenant, error = %chain(&error), "wake hint could not be tidied");
            }
        }
    }

    /// When a tenant's file next wants attention, overdue or not.
    async fn earliest(&self, tenant: TenantId) -> Result<Option<Timestamp>, Error> {
        if self.store.control().tenant_by_id(tenant).await?.is_none() {
            return Ok(None);
        }
        let rules = DueRules {
            now: Timestamp(0),
            takeover_minutes: self.config.conversation.takeover_minutes,
            paused: false,
            // Whoever reads the hint after a restart finds no sender any more.
            senders_live: false,
        };
        let store = self.store.visit_tenant(tenant).await?.in_bulk();
        let (work, telling) = (store.next_due(rules).await?, store.next_notification().await?);
        Ok([work, telling].into_iter().flatten().min())
    }

    /// Compares the tenant's accounts with their habits; returns how many have fallen silent. Rides with the sweep, which
    /// opens the file anyway: a silence is told within an hour of its becoming odd.
    pub async fn watch_accounts(&self, tenant: TenantId) -> Result<u32, Error> {
        let accounts = self.store.control().accounts(tenant).await?;
        let (mut fallen, now) = (0, self.clock.now());
        for account in accounts.into_iter().filter(|account| account.state == AccountState::Active) {
            let store = match self.store.visit_tenant(tenant).await {
                Err(store::Error::NotFound { .. }) => return Ok(fallen),
                other => other?.in_bulk(),
            };
            if store.odd_silence(account.id.clone(), now).await?.is_none() {
                continue;
            }
            let hold = self.wakes.hold(self.store.control(), tenant, now).await?;
            if store.note_silence(account.id.clone(), now).await? {
                tracing::warn!(tenant.id = %tenant, account.id = %account.id, "an account is silent against its habit");
                self.work.wake(tenant, now);
                fallen += 1;
            }
            drop(hold);
        }
        Ok(fallen)
    }

    /// Sees what a tenant has open, and whether every message of it is accounted for.
    async fn count(&self, tenant: TenantId) -> Result<(), Error> {
        let store = self.store.visit_tenant(tenant).await?.in_bulk();
        self.live.watch.saw(tenant, store.open_work().await?);
        let found = store.conservation().await?;
        if let Some(first) = found.first_lost {
            tracing::error!(
                tenant.id = %tenant, message.id = %first, messages = found.lost,
                "accepted messages are lost: nobody would answer them (`aura audit verify`)"
            );
        }
        self.live.watch.counted(tenant, found.lost);
        Ok(())
    }

    /// Looks into every tenant's file, slowly: repairs an index that a fault has made forgetful.
    pub async fn sweep(&self, stop: &CancellationToken) {
        let tenants = match self.store.control().tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "tenants could not be listed for the sweep");
                return;
            }
        };
        self.live.watch.keep(|known| tenants.iter().any(|tenant| tenant.id == known));
        for tenant in tenants {
            if stop.is_cancelled() {
                return;
            }
            if let Err(error) = self.watch_accounts(tenant.id).await {
                tracing::warn!(tenant.id = %tenant.id, error = %chain(&error), "accounts could not be compared");
            }
            match self.earliest(tenant.id).await {
                Ok(Some(at)) => self.work.wake(tenant.id, at),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant.id, error = %chain(&error), "tenant could not be swept");
                }
            }
            if let Err(error) = self.count(tenant.id).await {
                tracing::warn!(tenant.id = %tenant.id, error = %chain(&error), "tenant's messages could not be counted");
            }
            tokio::task::yield_now().await;
        }
    }
}
