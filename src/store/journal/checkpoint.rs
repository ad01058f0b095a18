//! Moves the journal's WAL into its file, on a thread of its own: no delivery waits for it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::super::sqlite;
use crate::fault;

/// WAL pages after which the checkpointer is woken.
const CHECKPOINT_PAGES: u64 = 1_000;
/// Bytes of a page, SQLite's default.
const PAGE_BYTES: u64 = 4_096;
/// Pages that a commit writes whatever is in it: the one that was not full, and its parents.
const COMMIT_PAGES: u64 = 3;
/// WAL size beyond which the checkpointer makes the writer wait, to cut the file.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// WAL frames (pages of 4 KiB) after which the writer begins it anew instead of letting it grow.
const RESTART_FRAMES: i64 = 2_000;
/// Tries at that, each for a moment in which neither the writer nor a reader is in the WAL. SQLite can wait for one, but has
/// the writer wait meanwhile: up to 100 ms, measured while deliveries were dispatched.
const RESTART_TRIES: u32 = 8;
/// Between two of them: about a commit.
const RESTART_PAUSE: Duration = Duration::from_micros(300);

/// What the writer tells the thread that checkpoints.
#[derive(Default)]
pub(super) struct Checkpoint {
    pages: AtomicU64,
    stop: AtomicBool,
    wake: Condvar,
    lock: Mutex<()>,
}

impl Checkpoint {
    /// A commit has written so many bytes of deliveries.
    pub(super) fn written(&self, bytes: u64) {
        let pages = bytes / PAGE_BYTES + COMMIT_PAGES;
        if self.pages.fetch_add(pages, Ordering::AcqRel) + pages >= CHECKPOINT_PAGES {
            self.wake.notify_one();
        }
    }

    /// Has the thread empty the WAL and end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Moves the WAL into the database file beside the writer's back, until told to stop.
    ///
    /// A sync that fails here puts no promise in doubt: every commit has synced the WAL itself, and the next checkpoint
    /// writes every page of it again.
    pub(super) fn run(&self, connection: &Connection, path: &Path) {
        loop {
            let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |_: &mut ()| {
                self.pages.load(Ordering::Acquire) < CHECKPOINT_PAGES && !self.stop.load(Ordering::Acquire)
            };
            drop(self.wake.wait_timeout_while(guard, Duration::from_secs(5), idle));
            let stopping = self.stop.load(Ordering::Acquire);
            if self.pages.swap(0, Ordering::AcqRel) == 0 && !stopping {
                continue;
            }
            if let Err(error) = move_wal(connection, path, stopping) {
                tracing::warn!(error = %crate::domain::chain(&error), "journal checkpoint failed");
            }
            if stopping {
                return;
            }
        }
    }
}

/// Copies the WAL beside the writer's back; where it has grown long, makes the writer begin it anew. A WAL that is written
/// over needs no new blocks: syncing it then costs the data alone, not the file system's journal too.
fn move_wal(connection: &Connection, path: &Path, stopping: bool) -> Result<(), rusqlite::Error> {
    let checkpoint = |mode: &str| {
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get::<_, bool>("busy")?, row.get::<_, i64>("log")?))
        })
    };
    let (_, frames) = checkpoint("PASSIVE")?;
    fault::point("mid_checkpoint");
    let wal_bytes = std::fs::metadata(wal_path(path)).map_or(0, |wal| wal.len());
    if stopping || wal_bytes > WAL_BYTES_MAX {
        checkpoint("TRUNCATE")?;
    } else if frames > RESTART_FRAMES {
        connection.busy_timeout(Duration::ZERO)?;
        for _ in 0..RESTART_TRIES {
            let (busy, _) = checkpoint("RESTART")?;
            if !busy {
                break;
            }
            std::thread::sleep(RESTART_PAUSE);
        }
        connection.busy_timeout(sqlite::BUSY_TIMEOUT)?;
    }
    Ok(())
}

fn wal_path(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}
