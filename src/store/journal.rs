//! The journal of raw deliveries: one writer thread commits whatever is waiting with one sync for all of it.
//!
//! The writer never checkpoints; another thread does, so that no delivery waits for it. What waits too long for the writer
//! is turned away before it is stored, never after.

mod admission;
mod checkpoint;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use rusqlite::{Connection, Transaction, named_params};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

pub use admission::Shed;

use self::{admission::Admission, checkpoint::Checkpoint};
use super::{Error, blocking::Blocking, file, health::Health, sqlite};
use crate::{
    domain::{RequestId, TenantId, Timestamp},
    fault,
};

/// Deliveries that may wait for the writer at once; more are refused before they are accepted.
const QUEUE_MAX: usize = 4_096;
/// Deliveries in one commit.
const BATCH_MAX: usize = 256;
/// What a probe for room writes: a delivery of many events.
const PROBE_BYTES: usize = 16 * 1024;
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
    /// It was turned away: there is more than can be written.
    #[error("the delivery was turned away: {0}")]
    Overloaded(Shed),
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
    /// Deliveries and settlements that wait for the writer.
    pub queued: usize,
    /// Those in the commit under way.
    pub committing: usize,
}

enum Job {
    Append {
        scope: Option<TenantId>,
        request: Option<RequestId>,
        received_at: Timestamp,
        body: Bytes,
        /// When it began to wait, by the journal's own time.
        since: Duration,
        done: oneshot::Sender<Outcome>,
    },
    Settle {
        settled: Settled,
        done: oneshot::Sender<Result<(), Error>>,
    },
    /// Writes something and takes it away again: whether there is room.
    Probe {
        done: oneshot::Sender<Result<(), Error>>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// Something that the writer has done with deliveries.
#[derive(Clone, Copy, Debug)]
pub enum Observed {
    /// One was let in after this wait.
    Waited(Duration),
    /// So many were committed in this time.
    Committed {
        /// Deliveries.
        rows: u64,
        /// Time with the sync.
        took: Duration,
    },
}

/// Hears of the writer's doings on its thread; must be quick.
type Observer = Box<dyn Fn(Observed) + Send + Sync>;

/// The time since the journal was opened; a test has its own.
type Elapsed = Box<dyn Fn() -> Duration + Send + Sync>;

type Outcome = Result<(), AppendError>;

impl Job {
    /// Tells the requester that its job is durable. One that has gone away hears nothing; the job is done all the same.
    fn done(self) {
        match self {
            Self::Append { done, .. } => drop(done.send(Ok(()))),
            Self::Settle { done, .. } | Self::Probe { done } => drop(done.send(Ok(()))),
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
    health: Health,
    checkpoint: Checkpoint,
    commits: AtomicU64,
    rows: AtomicU64,
    commit_us: AtomicU64,
    backlog: AtomicI64,
    observer: OnceLock<Observer>,
    /// More comes than can be written.
    standing: AtomicBool,
    committing: AtomicUsize,
    /// Milliseconds, by `elapsed`, of the writer's last sign of life.
    heartbeat_ms: AtomicU64,
    elapsed: Elapsed,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens (and where needed creates) the journal and starts its two threads. Blocking, on a thread of a runtime.
    pub(super) fn open(path: &Path, blocking: Blocking, health: Health) -> Result<Self, Error> {
        let opened_at = Instant::now();
        Self::open_with(path, blocking, health, Box::new(move || opened_at.elapsed()))
    }

    fn open_with(path: &Path, blocking: Blocking, health: Health, elapsed: Elapsed) -> Result<Self, Error> {
        file::make_private(path)?;
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
            health,
            checkpoint: Checkpoint::default(),
            commits: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            commit_us: AtomicU64::new(0),
            backlog: AtomicI64::new(backlog),
            observer: OnceLock::new(),
            standing: AtomicBool::new(false),
            committing: AtomicUsize::new(0),
            heartbeat_ms: AtomicU64::new(0),
            elapsed,
        });
        spawn("journal-writer", {
            let shared = Arc::clone(&shared);
            move || Writer { connection: writer, shared, admission: Admission::default(), shed: 0 }.run(queue)
        })?;
        spawn("journal-checkpoint", {
            let shared = Arc::clone(&shared);
            let connection = sqlite::open_writer(path, &SCHEMA)?;
            move || shared.checkpoint.run(&connection, &shared.path)
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
        let job = Job::Append { scope, request, received_at, body, since: (self.shared.elapsed)(), done };
        self.jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded(Shed::QueueFull),
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

    /// Has what the writer does told to `observer`. Only the first one given is kept.
    pub fn observe(&self, observer: impl Fn(Observed) + Send + Sync + 'static) {
        // A second observer is refused: the metrics of a process are set up once.
        drop(self.shared.observer.set(Box::new(observer)));
    }

    /// Changes whenever a delivery has become durable.
    #[must_use]
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.shared.arrived.subscribe()
    }

    /// Finds out whether there is room for a delivery: a full disk is left behind by the first commit that succeeds, and
    /// whoever is told that it is full may send nothing that could be committed.
    ///
    /// # Errors
    /// [`Error::Full`] while there is none.
    pub async fn probe(&self) -> Result<(), Error> {
        let (done, outcome) = oneshot::channel();
        self.jobs.send(Job::Probe { done }).await.map_err(|_| Error::Stopped)?;
        outcome.await.unwrap_or(Err(Error::Stopped))
    }

    /// Whether more comes than can be written, so that deliveries are turned away.
    #[must_use]
    pub fn is_overloaded(&self) -> bool {
        self.shared.standing.load(Ordering::Relaxed)
    }

    /// How long the writer thread has shown no sign of life while there was work for it.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        if self.jobs.capacity() == QUEUE_MAX && self.shared.committing.load(Ordering::Relaxed) == 0 {
            return Duration::ZERO;
        }
        let beat = Duration::from_millis(self.shared.heartbeat_ms.load(Ordering::Relaxed));
        (self.shared.elapsed)().saturating_sub(beat)
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
            queued: QUEUE_MAX.saturating_sub(self.jobs.capacity()),
            committing: shared.committing.load(Ordering::Relaxed),
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
    admission: Admission,
    /// Turned away since the queue began to stand.
    shed: u64,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut closing = None;
        loop {
            if queue.is_empty() {
                self.emptied();
            }
            let Some(first) = queue.blocking_recv() else { break };
            self.beat();
            self.judge(first, &mut batch);
            while batch.len() < BATCH_MAX
                && let Ok(job) = queue.try_recv()
            {
                self.judge(job, &mut batch);
            }
            if let Some(at) = batch.iter().position(|job| matches!(job, Job::Close { .. })) {
                closing = Some(batch.swap_remove(at));
                queue.close();
            }
            if !batch.is_empty() {
                self.shared.committing.store(batch.len(), Ordering::Relaxed);
                self.commit(std::mem::take(&mut batch));
                self.shared.committing.store(0, Ordering::Relaxed);
            }
            self.beat();
            if self.shared.health.check().is_err() {
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
        self.shared.checkpoint.stop();
    }

    /// Puts a job into the batch, or turns a delivery away that has waited too long.
    fn judge(&mut self, job: Job, batch: &mut Vec<Job>) {
        let Job::Append { since, .. } = &job else { return batch.push(job) };
        let now = (self.shared.elapsed)();
        let waited = now.saturating_sub(*since);
        let verdict = self.admission.judge(waited, now);
        if self.admission.is_standing() && !self.shared.standing.swap(true, Ordering::Relaxed) {
            tracing::warn!(waited_ms = waited.as_millis() as u64, "more deliveries come than can be written");
        }
        match (verdict, job) {
            (Err(reason), Job::Append { done, .. }) => {
                self.shed += 1;
                // Whoever asked may have given up.
                drop(done.send(Err(AppendError::Overloaded(reason))));
            }
            (_, job) => {
                self.observe(Observed::Waited(waited));
                batch.push(job);
            }
        }
    }

    /// Nobody is waiting.
    fn emptied(&mut self) {
        self.admission.emptied();
        let shed = std::mem::take(&mut self.shed);
        if shed > 0 {
            tracing::warn!(
                deliveries = shed,
                "deliveries were turned away; now nothing waits for the journal any more"
            );
        }
        self.shared.standing.store(false, Ordering::Relaxed);
    }

    fn observe(&self, observed: Observed) {
        if let Some(observer) = self.shared.observer.get() {
            observer(observed);
        }
    }

    fn beat(&self) {
        let elapsed_ms = (self.shared.elapsed)().as_millis() as u64;
        self.shared.heartbeat_ms.store(elapsed_ms, Ordering::Relaxed);
    }

    /// Commits a batch with one sync, then tells everyone who waits.
    fn commit(&mut self, jobs: Vec<Job>) {
        let began = Instant::now();
        let result = self.write(&jobs);
        let (appended, bytes) = jobs.iter().fold((0, 0), |(rows, bytes), job| match job {
            Job::Append { body, .. } => (rows + 1, bytes + body.len() as u64),
            Job::Settle { .. } | Job::Probe { .. } | Job::Close { .. } => (rows, bytes),
        });
        match result {
            Ok(backlog_change) => {
                self.shared.health.has_room();
                if appended > 0 {
                    fault::point("after_journal_commit");
                }
                self.shared.backlog.fetch_add(backlog_change, Ordering::Relaxed);
                // Whoever hears that its delivery is durable finds it counted.
                if appended > 0 {
                    self.count(appended, bytes, began.elapsed());
                }
                // Waking a task from outside the runtime costs a lock and often a system call; one wake for all of them
                // lets this thread go on with the next batch.
                self.shared.runtime.spawn(async move { jobs.into_iter().for_each(Job::done) });
            }
            Err(error) => self.refuse(jobs, &error),
        }
    }

    fn count(&self, rows: u64, bytes: u64, took: Duration) {
        let shared = &self.shared;
        shared.commits.fetch_add(1, Ordering::Relaxed);
        shared.rows.fetch_add(rows, Ordering::Relaxed);
        shared.commit_us.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        self.observe(Observed::Committed { rows, took });
        shared.arrived.send_modify(|count| *count += rows);
        shared.checkpoint.written(bytes);
    }

    fn refuse(&self, jobs: Vec<Job>, error: &Error) {
        let fatal = matches!(error, Error::Io { .. } | Error::Corrupt { .. });
        tracing::error!(error = %crate::domain::chain(error), fatal, "journal commit failed");
        if fatal {
            // SQLite carries on after a failed sync; what it believes durable may not be. We must not.
            self.shared.health.fail();
        }
        self.shared.health.note_full(error);
        let answer = || match error {
            Error::Full { action, source } => Error::Full { action, source: source.to_string().into() },
            _ if fatal => Error::Stopped,
            other => Error::Sql { action: "write the journal", source: other.to_string().into() },
        };
        for job in jobs {
            match job {
                Job::Append { done, .. } => drop(done.send(Err(AppendError::Store(answer())))),
                Job::Settle { done, .. } | Job::Probe { done } => drop(done.send(Err(answer()))),
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
        self.shared.health.check()?;
        let path = &self.shared.path;
        let mut write = || -> Result<i64, rusqlite::Error> {
            let tx = sqlite::begin(&mut self.connection, path)?;
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
                    Job::Probe { .. } => probe(&tx, &mut insert)?,
                    Job::Close { .. } => 0,
                };
            }
            drop(insert);
            sqlite::commit(tx, path)?;
            Ok(change)
        };
        write().map_err(failed)
    }
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

/// As much as a delivery of some size needs, and nothing left of it.
fn probe(tx: &Transaction<'_>, insert: &mut rusqlite::CachedStatement<'_>) -> Result<i64, rusqlite::Error> {
    insert.execute((None::<String>, None::<&[u8]>, 0, &[0_u8; PROBE_BYTES][..]))?;
    tx.prepare_cached("DELETE FROM delivery WHERE id = :id")?
        .execute(named_params! { ":id": tx.last_insert_rowid() })?;
    Ok(0)
}

#[cfg(test)]
mod tests;
