//! One open database file: one writer, a few read-only connections, all of them on the blocking pool.
//!
//! Knows nothing of what the file holds; `tenant` and `control` do.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{Error, blocking::Blocking, sqlite};

/// Read-only connections per open file: a slow reader must not keep the others waiting, and each costs 3 descriptors.
const READERS_MAX: usize = 3;

/// A handle on an open file. Cheap to clone.
#[derive(Clone)]
pub(super) struct DatabaseFile {
    writer: Arc<AsyncMutex<Writer>>,
    readers: Arc<Readers>,
    blocking: Blocking,
}

struct Writer {
    connection: Connection,
    /// Whether a commit waits until it is on the disk.
    syncs: bool,
}

impl Writer {
    /// Makes the next commits wait for the disk, or not.
    fn sync_commits(&mut self, syncs: bool) -> Result<(), Error> {
        if self.syncs != syncs {
            let mode = if syncs { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", mode)
                .map_err(Error::sql("configure a database file"))?;
            self.syncs = syncs;
        }
        Ok(())
    }
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl DatabaseFile {
    /// Opens (and where needed creates and migrates) the file. Blocking.
    ///
    /// `claim` looks at the file before anyone else may use it, and may refuse it.
    pub(super) fn open(
        path: &Path,
        schema: &sqlite::Schema,
        blocking: Blocking,
        claim: impl FnOnce(&Connection) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        make_private(path)?;
        let writer = sqlite::open_writer(path, schema)?;
        claim(&writer)?;
        Ok(Self::around(writer, path, blocking))
    }

    /// The same, with deleted content overwritten by zeros instead of left in free pages.
    pub(super) fn open_erasing(path: &Path, schema: &sqlite::Schema, blocking: Blocking) -> Result<Self, Error> {
        make_private(path)?;
        let writer = sqlite::open_writer(path, schema)?;
        writer.pragma_update(None, "secure_delete", true).map_err(Error::sql("configure a database file"))?;
        Ok(Self::around(writer, path, blocking))
    }

    fn around(writer: Connection, path: &Path, blocking: Blocking) -> Self {
        let readers =
            Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()), permits: Semaphore::new(READERS_MAX) };
        let writer = Writer { connection: writer, syncs: true };
        Self { writer: Arc::new(AsyncMutex::new(writer)), readers: Arc::new(readers), blocking }
    }

    /// Runs `work` in one write transaction: all of it is durable when this returns `Ok`, none of it otherwise.
    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.commit(action, true, work).await
    }

    /// The same without waiting for the disk: all of it or none of it is there after a power cut, and it is durable
    /// with the next [`write`](Self::write). For what can be done again, in many transactions.
    pub(super) async fn write_unsynced<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.commit(action, false, work).await
    }

    async fn commit<T, F>(&self, action: &'static str, syncs: bool, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        self.blocking
            .run(move || {
                writer.sync_commits(syncs)?;
                let begin = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate);
                let tx = begin.map_err(Error::sql(action))?;
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
        let _permit = self.readers.permits.acquire().await.map_err(|_| Error::Stopped)?;
        let readers = Arc::clone(&self.readers);
        self.blocking
            .run(move || {
                let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut reader = match idle {
                    Some(reader) => reader,
                    None => sqlite::open_reader(&readers.path)?,
                };
                let snapshot = reader.transaction().map_err(Error::sql(action))?;
                let value = work(&snapshot);
                drop(snapshot);
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
                value
            })
            .await
    }

    /// Moves the write-ahead log into the file and empties it; `false` if a reader stood in the way.
    pub(super) async fn empty_log(&self, action: &'static str) -> Result<bool, Error> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        self.blocking
            .run(move || {
                let busy: i64 = writer
                    .connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
                    .map_err(Error::sql(action))?;
                Ok(busy == 0)
            })
            .await
    }
}

/// Makes a new file readable for its owner only, whatever the umask; SQLite gives its log the same permissions.
///
/// A file that exists is not touched: opening and closing a live database drops SQLite's locks on it.
fn make_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::File { action: "create", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
