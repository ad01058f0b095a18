//! What workers do: one conversation at a time, until it has nothing due.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{App, Error, scans::Scans, work::Job};
use crate::{
    domain::{
        ConversationId, TenantId, chain,
        outbox::OutboxState,
        persona::Persona,
        tenant::{Tenant, TenantState},
    },
    fault,
    store::{self, DueRules, TenantStore},
};

/// Steps a worker takes in one conversation before it gives others a chance.
const STEPS_MAX: u32 = 32;

/// Tenants whose files are looked into at the same time: a slow one must not keep the others waiting.
const SCANS_MAX: usize = 8;

/// A tenant as a worker sees it.
pub(super) struct Attended {
    pub(super) tenant: Tenant,
    pub(super) store: TenantStore,
    /// A voice to be tried instead of the tenant's own.
    pub(super) preview: Option<Persona>,
}

impl Attended {
    /// The voice to answer in.
    pub(super) async fn persona(&self) -> Result<Persona, Error> {
        match &self.preview {
            Some(tried) => Ok(tried.clone()),
            None => Ok(self.store.persona().await?),
        }
    }
}

/// Takes conversations until told to stop; one once begun is finished or left at a durable point.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let job = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            job = app.work.next() => job,
        };
        let began = Instant::now();
        // One conversation that cannot be worked on costs no worker.
        let outcome = AssertUnwindSafe(app.attend(job, &stop)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_panic| Err(Error::panicked()));
        if let Err(error) = &outcome {
            tracing::warn!(
                tenant.id = %job.tenant, conversation.id = %job.conversation, error = %chain(error),
                "conversation could not be attended to"
            );
        }
        app.work.done(job, began.elapsed(), outcome.is_err(), app.clock.now());
    }
}

/// Looks at tenants when their time has come.
pub async fn run_timer(app: App, stop: CancellationToken) {
    let (mut scans, mut looks) = (Scans::default(), JoinSet::new());
    loop {
        let (due, next) = app.work.take_due(app.clock.now());
        for tenant in due.into_iter().chain(scans.due(Instant::now())) {
            while looks.len() >= SCANS_MAX {
                note(&mut scans, looks.join_next().await);
            }
            if scans.begin(tenant, Instant::now()) {
                looks.spawn(look_at(app.clone(), tenant));
            }
        }
        let pause_ms = next.map_or(i64::MAX, |at| at.since_ms(app.clock.now())).clamp(0, 60_000);
        let pause = Duration::from_millis(pause_ms as u64);
        let until = scans.next().map_or(Instant::now() + pause, |rested| rested.min(Instant::now() + pause));
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            ended = looks.join_next(), if !looks.is_empty() => note(&mut scans, ended),
            () = app.work.wake_changed() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
    looks.join_all().await;
}

/// A look has ended; how long it took. It never panics, and nothing ends it from outside.
fn note(scans: &mut Scans, ended: Option<Result<(TenantId, Duration), JoinError>>) {
    if let Some(Ok((tenant, took))) = ended {
        scans.ended(tenant, took, Instant::now());
    }
}

async fn look_at(app: App, tenant: TenantId) -> (TenantId, Duration) {
    let began = Instant::now();
    let scanned = AssertUnwindSafe(app.scan(tenant)).catch_unwind().await;
    if let Err(error) = scanned.unwrap_or_else(|_panic| Err(Error::panicked())) {
        tracing::error!(tenant.id = %tenant, error = %chain(&error), "tenant could not be looked at");
        app.work.wake(tenant, app.clock.now().plus_ms(5_000));
    }
    (tenant, began.elapsed())
}

impl App {
    /// Reads what is due in a tenant's file and plans the next look.
    async fn scan(&self, id: TenantId) -> Result<(), Error> {
        fault::point("before_scan");
        let Some(Attended { tenant, store, .. }) = self.attended(id).await? else { return Ok(()) };
        let rules = self.due_rules(&tenant);
        let limit = self.work.scan_limit(id);
        let found = store.due_conversations(rules, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
        let more = found.len() == limit;
        self.work.offer(id, &found, more, rules.now);
        self.plan_telling(id, &store).await?;
        self.live.watch.saw(id, store.open_work().await?);
        if let Some(at) = store.next_due(rules).await? {
            let hold = self.wakes.hold(self.store.control(), id, at).await?;
            self.work.wake(id, at);
            drop(hold);
        }
        Ok(())
    }

    fn due_rules(&self, tenant: &Tenant) -> DueRules {
        DueRules {
            now: self.clock.now(),
            takeover_minutes: self.config.conversation.takeover_minutes,
            paused: tenant.state == TenantState::Paused,
            senders_live: true,
        }
    }

    /// Opens a tenant for work; `None` if it is gone. What the last process had on the wire becomes unknown first.
    async fn attended(&self, id: TenantId) -> Result<Option<Attended>, Error> {
        let Some(tenant) = self.store.control().tenant_by_id(id).await? else { return Ok(None) };
        let store = match self.store.tenant(id).await {
            Err(store::Error::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        if !self.is_recovered(id) {
            let recovered = store.recover_sending(None, self.first_look_ms(), self.clock.now()).await?;
            if recovered > 0 {
                tracing::info!(tenant.id = %id, rows = recovered, "sends of the last process are being reconciled");
            }
            store.recover_notifications(self.clock.now()).await?;
            // The last process may have ended between a change of the mode and what follows from it.
            let attended = Attended { tenant, store, preview: None };
            self.settle_drafts(&attended).await?;
            self.set_recovered(id);
            return Ok(Some(attended));
        }
        Ok(Some(Attended { tenant, store, preview: None }))
    }

    async fn attend(&self, job: Job, stop: &CancellationToken) -> Result<(), Error> {
        let Some(mut attended) = self.attended(job.tenant).await? else { return Ok(()) };
        for step in 0..STEPS_MAX {
            // A step may have taken long: pausing and modes hold from the next one on.
            if step > 0 {
                let Some(tenant) = self.tenant_now(&attended.tenant).await? else { return Ok(()) };
                attended.tenant = tenant;
            }
            if stop.is_cancelled() || !self.step(&attended, job.conversation).await? {
                break;
            }
        }
        Ok(())
    }

    /// Does the next due thing of a conversation; `false` when there is none.
    pub(super) async fn step(&self, attended: &Attended, conversation: ConversationId) -> Result<bool, Error> {
        let Attended { tenant, store, .. } = attended;
        let now = self.clock.now();
        let minutes = self.config.conversation.takeover_minutes;
        let paused = tenant.state == TenantState::Paused;
        let next = store.next_step(conversation, now).await?;
        if let Some(row) = next.head {
            match row.state {
                OutboxState::Pending if row.held && paused => {}
                OutboxState::Pending if row.held => return self.draft_lapsed(attended, &row).await,
                OutboxState::Pending if row.not_before <= now => {
                    return self.deliver(attended, row).await;
                }
                OutboxState::Unknown if row.not_before <= now => {
                    self.reconcile(attended, row).await?;
                    return Ok(true);
                }
                // Only this worker has the conversation, so whoever was sending is gone.
                OutboxState::Sending => {
                    store.recover_sending(Some(conversation), self.first_look_ms(), now).await?;
                    return Ok(true);
                }
                _ => {}
            }
        }
        if paused {
            return Ok(false);
        }
        if next.taken_over {
            return Ok(store.release_if_due(conversation, minutes, now).await?);
        }
        if !next.turn_due {
            return Ok(false);
        }
        self.run_turn(attended, conversation).await
    }
}
