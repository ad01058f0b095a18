//! One tenant's file: one writer, a few readers, never a second tenant.
//!
//! The aggregates (`conversation`, `outbox`, `product`, …) add their operations to [`TenantStore`] in their own files.

use std::{path::Path, sync::Arc};

use rusqlite::Transaction;

use super::{
    Error,
    blocking::{Blocking, Lane},
    event,
    file::DatabaseFile,
    sqlite,
};
use crate::domain::{Ids, TenantId};

pub(super) const SCHEMA: sqlite::Schema = sqlite::Schema {
    migrations: &[
        include_str!("migrations/tenant/0001_init.sql"),
        include_str!("migrations/tenant/0002_watched.sql"),
        include_str!("migrations/tenant/0003_reach.sql"),
    ],
};

/// A handle on one tenant's file. Cheap to clone.
#[derive(Clone)]
pub struct TenantStore {
    file: Arc<TenantFile>,
    lane: Lane,
}

pub(super) struct TenantFile {
    id: TenantId,
    /// Taken only when it is closed.
    database: Option<DatabaseFile>,
    ids: Arc<dyn Ids>,
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
    /// Opens (and where needed creates and migrates) the file. Blocking.
    pub(super) fn open(id: TenantId, path: &Path, blocking: Blocking, ids: Arc<dyn Ids>) -> Result<Self, Error> {
        let database = DatabaseFile::open(path, &SCHEMA, blocking, |file| event::claim(file, id))?;
        Ok(Self { id, database: Some(database), ids })
    }
}

impl TenantStore {
    pub(super) fn new(file: Arc<TenantFile>) -> Self {
        Self { file, lane: Lane::Realtime }
    }

    /// The same file for work that nobody waits for: one call at a time, on threads of its own, and what somebody waits
    /// for goes before it.
    #[must_use]
    pub fn in_bulk(&self) -> Self {
        Self { file: Arc::clone(&self.file), lane: Lane::Bulk }
    }

    /// Whose file it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.file.id
    }

    fn database(&self) -> &DatabaseFile {
        self.file.database.as_ref().expect("it is taken only when the last handle is gone")
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
        self.database().commit(self.lane, action, true, work).await
    }

    /// The same without waiting for the disk: durable with the next [`write`](Self::write). For what can be done again.
    pub(super) async fn write_unsynced<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.database().commit(self.lane, action, false, work).await
    }

    /// Runs `work` on one read-only connection, in one snapshot.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.database().read_in(self.lane, action, work).await
    }
}
