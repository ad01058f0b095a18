//! What the daemon watches of itself: the gauges of `/metrics` and the checks of `/readyz`.
//!
//! Figures over all tenants are what each tenant's last look showed; a look follows every piece of work, and a sweep comes
//! by once an hour. Nothing here opens a tenant's file for a scrape.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::App;
use crate::{
    domain::{TenantId, Timestamp, chain, outbox::SendOutcome, secret::SecretScope},
    store::{OpenWork, Room},
};

/// A writer thread silent for longer than this with work waiting is stuck.
pub const WRITER_SILENCE_MAX: Duration = Duration::from_secs(10);

/// What was last seen.
#[derive(Debug, Default)]
pub(super) struct Watch {
    tenants: Mutex<HashMap<TenantId, Seen>>,
    instagram: Mutex<Option<Reached>>,
    /// Logs that did not hold at the last check of all of them.
    logs_broken: Mutex<Option<u64>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    open: OpenWork,
    lost: u64,
}

/// How the last call of something outside went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Whether it answered.
    pub ok: bool,
    /// When.
    pub at: Timestamp,
}

/// Whether webhooks should be sent here, and why not.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Every check by name, and whether it passes.
    pub checks: Vec<(&'static str, bool)>,
    /// Room on the disk; `None`: it cannot be asked for.
    pub room: Option<Room>,
    /// Deliveries that wait for dispatch.
    pub backlog: u64,
    /// Deliveries that wait for the journal's writer.
    pub queued: u64,
    /// How long the journal's writer has shown no sign of life while work waited.
    pub silent: Duration,
    /// How Instagram answered last; it changes nothing about readiness.
    pub instagram: Option<Reached>,
}

impl Readiness {
    /// Whether every check passes.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.checks.iter().all(|(_, ok)| *ok)
    }
}

impl Watch {
    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Seen>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a look into a tenant's file has shown.
    pub(super) fn saw(&self, tenant: TenantId, open: OpenWork) {
        self.tenants().entry(tenant).or_default().open = open;
    }

    /// How many messages of a tenant nobody would answer.
    pub(super) fn counted(&self, tenant: TenantId, lost: u64) {
        self.tenants().entry(tenant).or_default().lost = lost;
    }

    /// How many messages of a tenant nobody would answer, as last counted.
    pub(super) fn lost(&self, tenant: TenantId) -> u64 {
        self.tenants().get(&tenant).map_or(0, |seen| seen.lost)
    }

    /// When the oldest message came that is not dealt with, over all tenants.
    pub(super) fn oldest_open(&self) -> Option<Timestamp> {
        self.tenants().values().filter_map(|seen| seen.open.oldest_open).min()
    }

    /// How many logs a check of all of them found broken.
    pub(super) fn checked(&self, broken: u64) {
        *self.logs_broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken).filter(|broken| *broken > 0);
    }

    /// How many logs the last check of all of them found broken; `None`: none, or there was no check.
    pub(super) fn logs_broken(&self) -> Option<u64> {
        *self.logs_broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everybody else.
    pub(super) fn keep(&self, known: impl Fn(TenantId) -> bool) {
        self.tenants().retain(|tenant, _| known(*tenant));
    }

    /// How a call of Instagram went.
    pub(super) fn reached(&self, outcome: &SendOutcome, at: Timestamp) {
        let ok = matches!(outcome, SendOutcome::Sent { .. } | SendOutcome::Refused { .. });
        *self.instagram.lock().unwrap_or_else(PoisonError::into_inner) = Some(Reached { ok, at });
    }
}

impl App {
    /// Brings the gauges of `/metrics` up to date.
    pub async fn refresh_gauges(&self) {
        let metrics = &self.metrics;
        let figures = self.store.journal().figures();
        let (ready, active) = self.work.load();
        metrics.journal_backlog.set(figures.backlog);
        metrics.tenant_db_open.set(self.store.open_tenants() as i64);
        metrics.conversations.with_label_values(&["ready"]).set(ready as i64);
        metrics.conversations.with_label_values(&["active"]).set(active as i64);
        let (waiting, running) = self.bulk.load();
        metrics.bulk_work.with_label_values(&["waiting"]).set(waiting as i64);
        metrics.bulk_work.with_label_values(&["running"]).set(running as i64);
        if let Some(room) = self.room().await {
            metrics.disk_free_bytes.set(i64::try_from(room.free_bytes).unwrap_or(i64::MAX));
        }
        let mut oldest = match self.store.journal().waiting(0, 1).await {
            Ok(waiting) => waiting.first().map(|delivery| delivery.received_at),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the journal could not be looked at");
                None
            }
        };
        let (mut rows, mut lost) = ([0_u64; 4], 0);
        for seen in self.live.watch.tenants().values() {
            let open = seen.open;
            for (sum, more) in rows.iter_mut().zip([open.pending, open.sending, open.unknown, open.held]) {
                *sum += more;
            }
            lost += seen.lost;
            oldest = oldest.into_iter().chain(open.oldest_open).min();
        }
        for (state, rows) in crate::telemetry::OUTBOX_STATES.iter().zip(rows) {
            metrics.outbox_messages.with_label_values(&[state]).set(rows as i64);
        }
        metrics.inbox_oldest_pending.set(oldest.map_or(0.0, |at| at.0 as f64 / 1_000.0));
        metrics.conservation_gap.set(lost as i64);
    }

    /// Whether the installation's key can be read and the master key in memory opens it.
    pub(super) async fn opens_its_key(&self) -> bool {
        match self.installation.data_key(SecretScope::Installation).await {
            Ok(key) => key.is_some(),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the installation's key could not be read");
                false
            }
        }
    }

    /// Whether webhooks should be sent here.
    pub async fn readiness(&self, draining: bool) -> Readiness {
        let journal = self.store.journal();
        let (silent, failed) = (journal.silent_for(), *self.store.disk().failed.borrow());
        Readiness {
            checks: vec![
                ("draining", !draining),
                ("journal", !failed),
                ("journal_queue", !journal.is_overloaded()),
                ("journal_writer", silent <= WRITER_SILENCE_MAX),
                ("disk", self.disk_has_room()),
                ("master_key", self.opens_its_key().await),
            ],
            room: self.room().await,
            queued: journal.figures().queued as u64,
            backlog: journal.figures().backlog.max(0) as u64,
            silent,
            instagram: *self.live.watch.instagram.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
