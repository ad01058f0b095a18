//! One tenant's file: one writer, a few readers, never a second tenant.
//!
//! The aggregates (`conversation`, `outbox`, `product`, …) add their operations to [`TenantStore`] in their own files.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{Error, blocking::Blocking, sqlite};
use crate::domain::{Ids, TenantId};

/// Read-only connections per open tenant.
const READERS_MAX: usize = 3;

pub(super) const SCHEMA: sqlite::Schema =
    sqlite::Schema { migrations: &[include_str!("migrations/tenant/0001_init.sql")] };

/// A handle on one tenant's file. Cheap to clone.
#[derive(Clone)]
pub struct TenantStore {
    file: Arc<TenantFile>,
}

pub(super) struct TenantFile {
    id: TenantId,
    path: PathBuf,
    writer: Arc<AsyncMutex<Connection>>,
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
    blocking: Blocking,
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
        let writer = sqlite::open_writer(path, &SCHEMA)?;
        Ok(Self {
            id,
            path: path.to_owned(),
            writer: Arc::new(AsyncMutex::new(writer)),
            readers: Mutex::new(Vec::new()),
            reading: Semaphore::new(READERS_MAX),
            blocking,
            ids,
        })
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
        let mut writer = Arc::clone(&self.file.writer).lock_owned().await;
        self.file
            .blocking
            .run(move || {
                let tx =
                    writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::sql(action))?;
                let value = work(&tx)?;
                tx.commit().map_err(Error::sql(action))?;
                Ok(value)
            })
            .await
    }

    /// Runs `work` on one read-only connection, in one snapshot.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let _permit = self.file.reading.acquire().await.map_err(|_| Error::Stopped)?;
        let file = Arc::clone(&self.file);
        self.file
            .blocking
            .run(move || {
                let idle = file.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut reader = match idle {
                    Some(reader) => reader,
                    None => sqlite::open_reader(&file.path)?,
                };
                let snapshot = reader.transaction().map_err(Error::sql(action))?;
                let value = work(&snapshot);
                drop(snapshot);
                file.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
                value
            })
            .await
    }
}
