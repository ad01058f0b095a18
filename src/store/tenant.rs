//! One tenant's file: one writer, a few readers, never a second tenant.
//!
//! The aggregates (`conversation`, `outbox`, `product`, …) add their operations to [`TenantStore`] in their own files.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Transaction;

use super::{
    Error,
    blocking::{Blocking, Lane},
    event,
    file::DatabaseFile,
    growth::{Grew, Growth},
    health::Health,
    product::{Shelf, Shelved},
    sqlite, told,
};
use crate::domain::{Ids, TenantId, chain, staff::Doer};

pub(super) const SCHEMA: sqlite::Schema = sqlite::Schema {
    migrations: &[
        include_str!("migrations/tenant/0001_init.sql"),
        include_str!("migrations/tenant/0002_watched.sql"),
        include_str!("migrations/tenant/0003_reach.sql"),
        include_str!("migrations/tenant/0004_notify.sql"),
        include_str!("migrations/tenant/0005_manners.sql"),
        include_str!("migrations/tenant/0006_spend.sql"),
        include_str!("migrations/tenant/0007_promised.sql"),
        include_str!("migrations/tenant/0008_turn_cost.sql"),
        include_str!("migrations/tenant/0009_memory.sql"),
        include_str!("migrations/tenant/0010_persona_versions.sql"),
        include_str!("migrations/tenant/0011_pictures.sql"),
        include_str!("migrations/tenant/0012_sights.sql"),
        include_str!("migrations/tenant/0013_message_count.sql"),
        include_str!("migrations/tenant/0014_turn_record.sql"),
        include_str!("migrations/tenant/0015_people.sql"),
        include_str!("migrations/tenant/0016_erasure.sql"),
        include_str!("migrations/tenant/0017_figures.sql"),
    ],
};

/// A handle on one tenant's file. Cheap to clone.
#[derive(Clone)]
pub struct TenantStore {
    file: Arc<TenantFile>,
    lane: Lane,
    doer: Doer,
}

pub(super) struct TenantFile {
    id: TenantId,
    /// Taken only when it is closed.
    database: Option<DatabaseFile>,
    ids: Arc<dyn Ids>,
    quarantine: Quarantine,
    shelved: Shelved,
    growth: Growth,
}

/// What all tenants' files have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) blocking: Blocking,
    pub(super) health: Health,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) quarantine: Quarantine,
    pub(super) shelf: Shelf,
    pub(super) growth: Growth,
}

impl Shared {
    #[cfg(test)]
    pub(super) fn alone(ids: Arc<dyn Ids>) -> Self {
        Self {
            blocking: Blocking::new(),
            health: Health::new(),
            ids,
            quarantine: Quarantine::default(),
            shelf: Shelf::new(),
            growth: Growth::new(),
        }
    }
}

/// The tenants whose files were found damaged. Nothing of such a file is read or written again by this process: more of
/// it could be lost, and what it says cannot be trusted. Everybody else's go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Quarantine(Arc<Mutex<HashSet<TenantId>>>);

impl Quarantine {
    /// [`Error::Corrupt`] if the tenant's file is not to be touched.
    pub(super) fn check(&self, tenant: TenantId, action: &'static str) -> Result<(), Error> {
        if !self.set().contains(&tenant) {
            return Ok(());
        }
        Err(Error::Corrupt { action, source: "it was found damaged, and is not touched again".into() })
    }

    /// Takes note of what came of working on the tenant's file.
    pub(super) fn note(&self, tenant: TenantId, error: &Error) {
        if matches!(error, Error::Corrupt { .. }) && self.set().insert(tenant) {
            tracing::error!(tenant.id = %tenant, error = %chain(error), "the tenant's file is damaged: the tenant stops");
        }
    }

    /// The tenant is gone.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.set().remove(&tenant);
    }

    /// Whose files are damaged.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.set().iter().copied().collect()
    }

    fn set(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TenantFile {
    /// Closing moves the log into the file and waits for the disk: not on a thread that others wait for.
    fn drop(&mut self) {
        if let (Some(database), Ok(runtime)) = (self.database.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(database));
        }
    }
}

impl std::fmt::Debug for TenantStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TenantStore").field(&self.file.id).finish()
    }
}

impl TenantFile {
    /// Creates the file of a new tenant. Blocking.
    pub(super) fn create(id: TenantId, path: &Path, shared: Shared) -> Result<Self, Error> {
        let Shared { blocking, health, ids, quarantine, shelf, growth } = shared;
        let database = DatabaseFile::create(path, &SCHEMA, blocking, health, |file| event::claim(file, id))?;
        Ok(Self { id, database: Some(database), ids, quarantine, shelved: shelf.catalogue(), growth })
    }

    /// Opens (and where needed migrates) the file. Blocking.
    pub(super) fn open(id: TenantId, path: &Path, shared: Shared) -> Result<Self, Error> {
        let Shared { blocking, health, ids, quarantine, shelf, growth } = shared;
        let opened = DatabaseFile::open(path, &SCHEMA, blocking, health, |file| event::claim(file, id));
        let database = opened.inspect_err(|error| quarantine.note(id, error))?;
        Ok(Self { id, database: Some(database), ids, quarantine, shelved: shelf.catalogue(), growth })
    }

    /// Runs what works on the file, unless it is damaged.
    async fn guarded<T>(&self, action: &'static str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.quarantine.check(self.id, action)?;
        work.await.inspect_err(|error| self.quarantine.note(self.id, error))
    }
}

impl TenantStore {
    pub(super) fn new(file: Arc<TenantFile>) -> Self {
        Self { file, lane: Lane::Realtime, doer: Doer::Operator }
    }

    /// The same file for work that nobody waits for: one call at a time, on threads of its own, and what somebody waits
    /// for goes before it.
    #[must_use]
    pub fn in_bulk(&self) -> Self {
        Self { lane: Lane::Bulk, ..self.clone() }
    }

    /// The same file for what this person has done: what logs would call the operator's is theirs.
    #[must_use]
    pub fn done_by(self, doer: Doer) -> Self {
        Self { doer, ..self }
    }

    /// Whether somebody waits for what this handle is asked.
    #[cfg(test)]
    pub(super) const fn lane(&self) -> Lane {
        self.lane
    }

    /// Whose file it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.file.id
    }

    pub(super) fn database(&self) -> &DatabaseFile {
        self.file.database.as_ref().expect("it is taken only when the last handle is gone")
    }

    /// What is kept in memory of the catalogue.
    pub(super) fn shelved(&self) -> Shelved {
        self.file.shelved.clone()
    }

    /// Where new identifiers come from.
    pub(super) fn ids(&self) -> Arc<dyn Ids> {
        Arc::clone(&self.file.ids)
    }

    /// Runs `work` in one write transaction: all of it is durable when this returns `Ok`, none of it otherwise.
    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let work = self.telling(work);
        match self.lane {
            Lane::Realtime => self.file.guarded(action, self.database().write(action, work)).await,
            Lane::Bulk => self.file.guarded(action, self.database().write_bulk(action, true, work)).await,
        }
    }

    /// The same; in the bulk lane without waiting for the disk: durable with the next [`write`](Self::write). For what can
    /// be done again.
    pub(super) async fn write_unsynced<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        match self.lane {
            Lane::Realtime => self.write(action, work).await,
            Lane::Bulk => {
                let work = self.telling(work);
                self.file.guarded(action, self.database().write_bulk(action, false, work)).await
            }
        }
    }

    /// The same work; followers hear of it once it is durable, if it has appended events.
    fn telling<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static {
        let (growth, tenant, doer) = (self.file.growth.clone(), self.file.id, self.doer);
        move |tx| {
            told::done_by(doer);
            let done = work(tx)?;
            if told::appended() {
                told::hold(Grew(growth, tenant));
            }
            Ok(done)
        }
    }

    /// Runs `work` on one read-only connection, in one snapshot.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.file.guarded(action, self.database().read_in(self.lane, action, work)).await
    }
}
