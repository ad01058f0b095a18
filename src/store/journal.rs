//! The journal of raw deliveries: one writer thread commits whatever is waiting with one sync for all of it.
//!
//! The writer never checkpoints; another thread does, so that no delivery waits for it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use rusqlite::{Connection, Transaction, TransactionBehavior, named_params};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{Error, blocking::Blocking, sqlite};
use crate::domain::{RequestId, TenantId, Timestamp};

/// Deliveries that may wait for the writer at once; more are refused before they are accepted.
const QUEUE_MAX: usize = 4_096;
/// Deliveries in one commit.
const BATCH_MAX: usize = 256;
/// A delivery that has waited longer is refused instead of stored: the sender has given up by then (Meta: 5 s).
const WAIT_MAX: Duration = Duration::from_secs(2);
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
/// How long an unreadable body is kept.
const UNREADABLE_KEPT_MS: i64 = 30 * 24 * 3_600_000;

pub(super) const SCHEMA: sqlite::Schema = sqlite::Schema {
    migrations: &[
        include_str!("migrations/journal/0001_init.sql"),
        include_str!("migrations/journal/0002_request.sql"),
    ],
};

/// A raw delivery that is durable and not yet dispatched.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Order of arrival among those that wait.
    pub id: i64,
    /// `None`: signed by the installation; else the tenant whose own secret signed it.
    pub scope: Option<TenantId>,
    /// The request that brought it.
    pub request: Option<RequestId>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The bytes as received.
    pub body: Vec<u8>,
}

/// Why a delivery was not accepted. Either way it is not stored, and the sender should try again.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Too many are waiting.
    #[error("too many deliveries are waiting")]
    Overloaded,
    /// It could not be made durable.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What commits have cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct JournalFigures {
    /// Commits of deliveries.
    pub commits: u64,
    /// Rows in them.
    pub rows: u64,
    /// Time spent in them, in microseconds.
    pub commit_us: u64,
    /// Rows that wait for dispatch.
    pub backlog: i64,
}

enum Job {
    Append {
        scope: Option<TenantId>,
        request: Option<RequestId>,
        received_at: Timestamp,
        body: Bytes,
        since: Instant,
        done: oneshot::Sender<Outcome>,
    },
    Settle {
        settled: Settled,
        done: oneshot::Sender<Result<(), Error>>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// Hears of commits on the writer's thread; must be quick.
type Observer = Box<dyn Fn(u64, Duration) + Send + Sync>;

type Outcome = Result<(), AppendError>;

impl Job {
    /// Tells the requester that its job is durable. One that has gone away hears nothing; the job is done all the same.
    fn done(self) {
        match self {
            Self::Append { done, .. } => drop(done.send(Ok(()))),
            Self::Settle { done, .. } => drop(done.send(Ok(()))),
            Self::Close { done } => {
                let _ = done.send(());
            }
        }
    }
}

/// What dispatch has done with deliveries.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// In their tenants' files, or of no one here: to be deleted.
    pub done: Vec<i64>,
    /// Not to be read, and why: to be set aside.
    pub unreadable: Vec<(i64, &'static str)>,
    /// The time, for the age of what is set aside.
    pub now: Timestamp,
}

/// A handle on the journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

struct Shared {
    path: PathBuf,
    blocking: Blocking,
    runtime: tokio::runtime::Handle,
    reader: Mutex<Option<Connection>>,
    arrived: watch::Sender<u64>,
    failed: watch::Sender<bool>,
    checkpoint: Checkpoint,
    commits: AtomicU64,
    rows: AtomicU64,
    commit_us: AtomicU64,
    backlog: AtomicI64,
    /// Told of every commit of deliveries: rows and time.
    observer: OnceLock<Observer>,
    /// Milliseconds since `started` of the writer's last sign of life.
    heartbeat_ms: AtomicU64,
    started: Instant,
}

#[derive(Default)]
struct Checkpoint {
    pages: AtomicU64,
    stop: AtomicBool,
    wake: Condvar,
    lock: Mutex<()>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens (and where needed creates) the journal and starts its two threads. Blocking, on a thread of a runtime.
    pub(super) fn open(path: &Path, blocking: Blocking) -> Result<Self, Error> {
        let writer = sqlite::open_writer(path, &SCHEMA)?;
        let configure =
            |name, value: i64| writer.pragma_update(None, name, value).map_err(Error::sql("configure the journal"));
        configure("wal_autocheckpoint", 0)?;
        configure("secure_delete", 1)?;
        let check: String = writer
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(Error::sql("check the journal"))?;
        if check != "ok" {
            return Err(Error::Corrupt { action: "check the journal", source: check.into() });
        }
        let backlog: i64 = writer
            .query_row("SELECT count(*) FROM delivery", [], |row| row.get(0))
            .map_err(Error::sql("count the journal"))?;
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            blocking,
            runtime: tokio::runtime::Handle::current(),
            reader: Mutex::new(None),
            arrived: watch::Sender::new(0),
            failed: watch::Sender::new(false),
            checkpoint: Checkpoint::default(),
            commits: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            commit_us: AtomicU64::new(0),
            backlog: AtomicI64::new(backlog),
            observer: OnceLock::new(),
            heartbeat_ms: AtomicU64::new(0),
            started: Instant::now(),
        });
        spawn("journal-writer", {
            let shared = Arc::clone(&shared);
            move || Writer { connection: writer, shared }.run(queue)
        })?;
        spawn("journal-checkpoint", {
            let shared = Arc::clone(&shared);
            let connection = sqlite::open_writer(path, &SCHEMA)?;
            move || run_checkpoints(&connection, &shared)
        })?;
        Ok(Self { shared, jobs })
    }

    /// Makes a delivery durable. When this returns `Ok`, it survives a power cut.
    pub async fn append(
        &self,
        scope: Option<TenantId>,
        request: Option<RequestId>,
        body: Bytes,
        received_at: Timestamp,
    ) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let job = Job::Append { scope, request, received_at, body, since: Instant::now(), done };
        self.jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => AppendError::Store(Error::Stopped),
        })?;
        outcome.await.unwrap_or(Err(AppendError::Store(Error::Stopped)))
    }

    /// The oldest deliveries behind `after` that wait for dispatch.
    pub async fn waiting(&self, after: i64, limit: u32) -> Result<Vec<Delivery>, Error> {
        let shared = Arc::clone(&self.shared);
        self.shared.blocking.run(move || shared.waiting(after, limit)).await
    }

    /// Deletes what is dispatched and sets aside what cannot be read.
    pub async fn settle(&self, settled: Settled) -> Result<(), Error> {
        let (done, outcome) = oneshot::channel();
        self.jobs.send(Job::Settle { settled, done }).await.map_err(|_| Error::Stopped)?;
        outcome.await.unwrap_or(Err(Error::Stopped))
    }

    /// Has every commit of deliveries told to `observer` (rows, time). Only the first one given is kept.
    pub fn observe_commits(&self, observer: impl Fn(u64, Duration) + Send + Sync + 'static) {
        // A second observer is refused: the metrics of a process are set up once.
        drop(self.shared.observer.set(Box::new(observer)));
    }

    /// Changes whenever a delivery has become durable.
    #[must_use]
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.shared.arrived.subscribe()
    }

    /// Turns true when the disk has failed: nothing may be accepted or claimed any more.
    #[must_use]
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.shared.failed.subscribe()
    }

    /// How long the writer thread has shown no sign of life while there was work for it.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        if self.jobs.capacity() == QUEUE_MAX {
            return Duration::ZERO;
        }
        let beat = Duration::from_millis(self.shared.heartbeat_ms.load(Ordering::Relaxed));
        self.shared.started.elapsed().saturating_sub(beat)
    }

    /// Writes what is waiting, refuses everything after it, and moves the WAL into the file.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { done }).await.is_ok() {
            // An error means that the writer has ended already.
            drop(closed.await);
        }
    }

    /// What commits have cost, and what waits.
    #[must_use]
    pub fn figures(&self) -> JournalFigures {
        let shared = &self.shared;
        JournalFigures {
            commits: shared.commits.load(Ordering::Relaxed),
            rows: shared.rows.load(Ordering::Relaxed),
            commit_us: shared.commit_us.load(Ordering::Relaxed),
            backlog: shared.backlog.load(Ordering::Relaxed),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop).map_err(|source| Error::File {
        action: "start the thread",
        path: name.into(),
        source,
    })
}

impl Shared {
    fn waiting(&self, after: i64, limit: u32) -> Result<Vec<Delivery>, Error> {
        const SQL: &str = "
            SELECT id, scope, request, received_at_ms, body FROM delivery WHERE id > :after ORDER BY id LIMIT :limit";
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *reader {
            Some(connection) => connection,
            none => none.insert(sqlite::open_reader(&self.path)?),
        };
        let mut select = connection.prepare_cached(SQL).map_err(Error::sql("read the journal"))?;
        let rows = select.query_map(named_params! { ":after": after, ":limit": limit }, |row| {
            let request: Option<[u8; 16]> = row.get(2)?;
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, request, row.get(3)?, row.get(4)?))
        });
        rows.map_err(Error::sql("read the journal"))?
            .map(|row| {
                let (id, scope, request, received_at_ms, body) = row.map_err(Error::sql("read the journal"))?;
                let scope = scope
                    .map(|text| {
                        text.parse().map_err(|_| Error::Unreadable { what: "a delivery's tenant", value: text })
                    })
                    .transpose()?;
                let request = request.map(|bytes| RequestId(Uuid::from_bytes(bytes)));
                Ok(Delivery { id, scope, request, received_at: Timestamp(received_at_ms), body })
            })
            .collect()
    }
}

struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut closing = None;
        while let Some(first) = queue.blocking_recv() {
            self.beat();
            batch.push(first);
            while batch.len() < BATCH_MAX
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
            if let Some(at) = batch.iter().position(|job| matches!(job, Job::Close { .. })) {
                closing = Some(batch.swap_remove(at));
                queue.close();
            }
            self.commit(&mut batch);
            self.beat();
            if *self.shared.failed.borrow() {
                break;
            }
        }
        if let Some(Job::Close { done }) = closing {
            let emptied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = emptied {
                tracing::warn!(error = %crate::domain::chain(&error), "the journal's WAL was not emptied");
            }
            // Whoever asked may be gone; the journal is closed all the same.
            let _ = done.send(());
        }
        self.shared.checkpoint.stop.store(true, Ordering::Release);
        self.shared.checkpoint.wake.notify_one();
    }

    fn beat(&self) {
        let elapsed_ms = self.shared.started.elapsed().as_millis() as u64;
        self.shared.heartbeat_ms.store(elapsed_ms, Ordering::Relaxed);
    }

    /// Commits a batch with one sync, then tells everyone who waits.
    fn commit(&mut self, batch: &mut Vec<Job>) {
        let began = Instant::now();
        batch.retain_mut(|job| !is_stale(job));
        let jobs = std::mem::take(batch);
        let result = self.write(&jobs);
        let (appended, bytes) = jobs.iter().fold((0, 0), |(rows, bytes), job| match job {
            Job::Append { body, .. } => (rows + 1, bytes + body.len() as u64),
            Job::Settle { .. } | Job::Close { .. } => (rows, bytes),
        });
        match result {
            Ok(backlog_change) => {
                self.shared.backlog.fetch_add(backlog_change, Ordering::Relaxed);
                // Waking a task from outside the runtime costs a lock and often a system call; one wake for all of them
                // lets this thread go on with the next batch.
                self.shared.runtime.spawn(async move { jobs.into_iter().for_each(Job::done) });
                if appended > 0 {
                    self.count(appended, bytes, began.elapsed());
                }
            }
            Err(error) => self.refuse(jobs, &error),
        }
    }

    fn count(&self, rows: u64, bytes: u64, took: Duration) {
        let shared = &self.shared;
        shared.commits.fetch_add(1, Ordering::Relaxed);
        shared.rows.fetch_add(rows, Ordering::Relaxed);
        shared.commit_us.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        if let Some(observer) = shared.observer.get() {
            observer(rows, took);
        }
        shared.arrived.send_modify(|count| *count += rows);
        let pages = bytes / PAGE_BYTES + COMMIT_PAGES;
        if shared.checkpoint.pages.fetch_add(pages, Ordering::AcqRel) + pages >= CHECKPOINT_PAGES {
            shared.checkpoint.wake.notify_one();
        }
    }

    fn refuse(&self, jobs: Vec<Job>, error: &Error) {
        let fatal = matches!(error, Error::Io { .. } | Error::Corrupt { .. });
        tracing::error!(error = %crate::domain::chain(error), fatal, "journal commit failed");
        if fatal {
            // SQLite carries on after a failed sync; what it believes durable may not be. We must not.
            self.shared.failed.send_replace(true);
        }
        let answer = || match error {
            Error::Full { action, source } => Error::Full { action, source: source.to_string().into() },
            _ if fatal => Error::Stopped,
            other => Error::Sql { action: "write the journal", source: other.to_string().into() },
        };
        for job in jobs {
            match job {
                Job::Append { done, .. } => drop(done.send(Err(AppendError::Store(answer())))),
                Job::Settle { done, .. } => drop(done.send(Err(answer()))),
                Job::Close { done } => {
                    let _ = done.send(());
                }
            }
        }
    }

    fn write(&mut self, jobs: &[Job]) -> Result<i64, Error> {
        // By place: this statement runs for every delivery, and looking a name up is not free.
        const INSERT: &str = "INSERT INTO delivery (scope, request, received_at_ms, body) VALUES (?1, ?2, ?3, ?4)";
        let failed = Error::sql("write the journal");
        let mut write = || -> Result<i64, rusqlite::Error> {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut change = 0;
            let mut insert = tx.prepare_cached(INSERT)?;
            for job in jobs {
                change += match job {
                    Job::Append { scope, request, received_at, body, .. } => {
                        let scope = scope.map(|tenant| tenant.to_string());
                        let request = request.as_ref().map(|request| &request.0.as_bytes()[..]);
                        insert.execute((scope, request, received_at.0, &body[..]))? as i64
                    }
                    Job::Settle { settled, .. } => settle(&tx, settled)?,
                    Job::Close { .. } => 0,
                };
            }
            drop(insert);
            tx.commit()?;
            Ok(change)
        };
        write().map_err(failed)
    }
}

/// Whether a delivery waited too long; its requester is told.
fn is_stale(job: &mut Job) -> bool {
    let Job::Append { since, done, .. } = job else { return false };
    if since.elapsed() <= WAIT_MAX {
        return false;
    }
    let (unused, _) = oneshot::channel();
    drop(std::mem::replace(done, unused).send(Err(AppendError::Overloaded)));
    true
}

fn settle(tx: &Transaction<'_>, settled: &Settled) -> Result<i64, rusqlite::Error> {
    const KEEP: &str = "
        INSERT INTO unreadable (scope, request, received_at_ms, reason, body)
        SELECT scope, request, received_at_ms, :reason, body FROM delivery WHERE id = :id";
    const EXPIRE: &str = "DELETE FROM unreadable WHERE received_at_ms < :before";
    for (id, reason) in &settled.unreadable {
        tx.prepare_cached(KEEP)?.execute(named_params! { ":id": id, ":reason": reason })?;
        tx.prepare_cached(EXPIRE)?.execute(named_params! { ":before": settled.now.0 - UNREADABLE_KEPT_MS })?;
    }
    let mut change = 0;
    let mut delete = tx.prepare_cached("DELETE FROM delivery WHERE id = :id")?;
    for id in settled.done.iter().chain(settled.unreadable.iter().map(|(id, _)| id)) {
        change -= delete.execute(named_params! { ":id": id })? as i64;
    }
    Ok(change)
}

/// Moves the WAL into the database file beside the writer's back.
fn run_checkpoints(connection: &Connection, shared: &Shared) {
    let checkpoint = &shared.checkpoint;
    loop {
        let guard = checkpoint.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |_: &mut ()| {
            checkpoint.pages.load(Ordering::Acquire) < CHECKPOINT_PAGES && !checkpoint.stop.load(Ordering::Acquire)
        };
        drop(checkpoint.wake.wait_timeout_while(guard, Duration::from_secs(5), idle));
        let stopping = checkpoint.stop.load(Ordering::Acquire);
        if checkpoint.pages.swap(0, Ordering::AcqRel) == 0 && !stopping {
            continue;
        }
        if let Err(error) = move_wal(connection, &shared.path, stopping) {
            tracing::warn!(error = %crate::domain::chain(&error), "journal checkpoint failed");
        }
        if stopping {
            return;
        }
    }
}

/// Copies the WAL beside the writer's back; where it has grown long, makes the writer begin it anew. A WAL that is written
/// over needs no new blocks: syncing it then costs the data alone, not the file system's journal too.
fn move_wal(connection: &Connection, path: &Path, stopping: bool) -> Result<(), rusqlite::Error> {
    let checkpoint = |mode: &str| {
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>("log"))
    };
    let frames = checkpoint("PASSIVE")?;
    let wal_bytes = std::fs::metadata(wal_path(path)).map_or(0, |wal| wal.len());
    if stopping || wal_bytes > WAL_BYTES_MAX {
        checkpoint("TRUNCATE")?;
    } else if frames > RESTART_FRAMES {
        checkpoint("RESTART")?;
    }
    Ok(())
}

fn wal_path(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Journal {
        Journal::open(&dir.join("journal.db"), Blocking::new()).expect("a journal opens")
    }

    #[tokio::test]
    async fn deliveries_survive_a_restart_in_their_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = open(dir.path());
        for n in 0..5_u8 {
            journal.append(None, None, Bytes::from(vec![n]), Timestamp(n.into())).await.expect("durable");
        }
        drop(journal);
        let journal = open(dir.path());
        let bodies: Vec<_> = journal.waiting(0, 10).await.expect("read").into_iter().map(|row| row.body).collect();
        assert_eq!(bodies, [[0], [1], [2], [3], [4]]);
        assert_eq!(journal.figures().backlog, 5);
    }

    #[tokio::test]
    async fn settled_deliveries_are_gone_and_unreadable_ones_set_aside() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = open(dir.path());
        for body in ["good", "bad"] {
            journal.append(None, None, body.into(), Timestamp(1)).await.expect("durable");
        }
        let ids: Vec<_> = journal.waiting(0, 10).await.expect("read").into_iter().map(|row| row.id).collect();
        let settled = Settled { done: vec![ids[0]], unreadable: vec![(ids[1], "not JSON")], now: Timestamp(2) };
        journal.settle(settled).await.expect("settled");
        assert!(journal.waiting(0, 10).await.expect("read").is_empty());
        let file = Connection::open(dir.path().join("journal.db")).expect("the file opens");
        let kept: (String, Vec<u8>) = file
            .query_row("SELECT reason, body FROM unreadable", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("one row");
        assert_eq!(kept, ("not JSON".to_owned(), b"bad".to_vec()));
    }

    #[tokio::test]
    async fn many_waiting_deliveries_share_commits() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = open(dir.path());
        let appends = (0..500).map(|_| journal.append(None, None, Bytes::from_static(b"x"), Timestamp(0)));
        for outcome in futures_util::future::join_all(appends).await {
            outcome.expect("durable");
        }
        let figures = journal.figures();
        assert_eq!(figures.rows, 500);
        assert!(figures.commits < 250, "{} commits for 500 deliveries", figures.commits);
    }
}
