//! One tenant's file: one writer, a few readers, never a second tenant.
//!
//! The aggregates (`conversation`, `outbox`, `product`, …) add their operations to [`TenantStore`] in their own files.

use std::{path::Path, sync::Arc};

use rusqlite::Transaction;

use super::{Error, blocking::Blocking, event, file::DatabaseFile, sqlite};
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
}

pub(super) struct TenantFile {
    id: TenantId,
    database: DatabaseFile,
    ids: Arc<dyn Ids>,
}

impl std::fmt::Debug for TenantStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TenantStore").field(&self.file.id).finish()
    }
}

impl TenantFile {
    /// Opens (and where needed creates and migrates) the file. Blocking.
    pub(super) fn open(id: TenantId, path: &Path, blocking: Blocking, ids: Arc<dyn Ids>) -> Result<Self, Error> {
        Ok(Self { id, database: DatabaseFile::open(path, &SCHEMA, blocking, |file| event::claim(file, id))?, ids })
    }
}

impl TenantStore {
    pub(super) fn new(file: Arc<TenantFile>) -> Self {
        Self { file }
    }

    /// Whose file it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.file.id
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
        self.file.database.write(action, work).await
    }

    /// The same without waiting for the disk: durable with the next [`write`](Self::write). For what can be done again.
    pub(super) async fn write_unsynced<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.file.database.write_unsynced(action, work).await
    }

    /// Runs `work` on one read-only connection, in one snapshot.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.file.database.read(action, work).await
    }
}
