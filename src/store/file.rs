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

use rusqlite::{Connection, Transaction};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::{
    Error,
    blocking::{Blocking, Lane},
    group::Group,
    health::Health,
    rehearsal, sqlite, told,
};

/// Read-only connections per open file: a slow reader must not keep the others waiting, and each costs 3 descriptors.
const READERS_MAX: usize = 3;
/// WAL pages after which a commit moves them into the file, which takes as long as some commits. A bulk commit does it
/// earlier, so that the one that somebody waits for never pays for what an import has written.
const CHECKPOINT_PAGES: i64 = 2_000;
const CHECKPOINT_PAGES_BULK: i64 = 1_500;
/// A larger file is written anew through the system's temporary folder, a smaller one in memory.
const REWRITE_IN_MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A handle on an open file. Cheap to clone.
#[derive(Clone)]
pub(super) struct DatabaseFile {
    writer: Arc<AsyncMutex<Writer>>,
    /// What somebody waits for and the writer is not free for.
    group: Arc<Group>,
    readers: Arc<Readers>,
    /// One bulk call at a time: whoever is waited for has at most one slice of bulk work before it, and never all readers.
    bulk: Arc<Semaphore>,
    blocking: Blocking,
    health: Health,
}

struct Writer {
    connection: Connection,
    /// Whether a commit waits until it is on the disk.
    syncs: bool,
    /// For whom the last commit was; none since the file was opened.
    lane: Option<Lane>,
}

impl Writer {
    /// Makes the next commits wait for the disk, or not, and move the WAL as their lane does.
    fn configure(&mut self, lane: Lane, syncs: bool) -> Result<(), Error> {
        if self.lane != Some(lane) {
            let pages = if lane == Lane::Bulk { CHECKPOINT_PAGES_BULK } else { CHECKPOINT_PAGES };
            self.connection
                .pragma_update(None, "wal_autocheckpoint", pages)
                .map_err(Error::sql("configure a database file"))?;
            self.lane = Some(lane);
        }
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
    /// Creates the file, or opens one that was begun. Blocking.
    ///
    /// `claim` looks at the file before anyone else may use it, and may refuse it.
    pub(super) fn create(
        path: &Path,
        schema: &sqlite::Schema,
        blocking: Blocking,
        health: Health,
        claim: impl FnOnce(&Connection) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        make_private(path)?;
        let writer = sqlite::open_writer(path, schema)?;
        claim(&writer)?;
        Ok(Self::around(writer, path, blocking, health))
    }

    /// Opens (and where needed migrates) a file that must be there. Blocking.
    pub(super) fn open(
        path: &Path,
        schema: &sqlite::Schema,
        blocking: Blocking,
        health: Health,
        claim: impl FnOnce(&Connection) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let writer = sqlite::open_known(path, schema)?;
        claim(&writer)?;
        Ok(Self::around(writer, path, blocking, health))
    }

    /// Opens (and where needed creates and migrates) the file, with deleted content overwritten by zeros instead of left
    /// in free pages.
    pub(super) fn open_erasing(
        path: &Path,
        schema: &sqlite::Schema,
        blocking: Blocking,
        health: Health,
    ) -> Result<Self, Error> {
        make_private(path)?;
        let writer = sqlite::open_writer(path, schema)?;
        writer.pragma_update(None, "secure_delete", true).map_err(Error::sql("configure a database file"))?;
        Ok(Self::around(writer, path, blocking, health))
    }

    fn around(writer: Connection, path: &Path, blocking: Blocking, health: Health) -> Self {
        let readers =
            Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()), permits: Semaphore::new(READERS_MAX) };
        let writer = Writer { connection: writer, syncs: true, lane: None };
        Self {
            writer: Arc::new(AsyncMutex::new(writer)),
            group: Arc::new(Group::default()),
            readers: Arc::new(readers),
            bulk: Arc::new(Semaphore::new(1)),
            blocking,
            health,
        }
    }

    /// What is known of the disk under it.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Runs `work` as one write that somebody waits for: all of it is durable when this returns `Ok`, none of it
    /// otherwise. Writes that wait at the same time share a transaction.
    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let mut waiting = self.group.add(action, self.health.clone(), rehearsal::undone(work));
        loop {
            let writer = tokio::select! {
                biased;
                result = waiting.result() => return result,
                writer = Arc::clone(&self.writer).lock_owned() => writer,
            };
            if let Err(error) = self.lead(writer).await {
                return if self.group.withdraw(&waiting) { Err(error) } else { waiting.result().await };
            }
        }
    }

    /// Makes the writes that wait, as far as they go into one transaction.
    async fn lead(&self, mut writer: OwnedMutexGuard<Writer>) -> Result<(), Error> {
        let (group, readers, health) = (Arc::clone(&self.group), Arc::clone(&self.readers), self.health.clone());
        self.blocking
            .thread(Lane::Realtime)
            .await?
            .run(move || {
                health.check()?;
                writer.configure(Lane::Realtime, true)?;
                group.commit(&mut writer.connection, &readers.path, &health)
            })
            .await
    }

    /// Runs `work` in one transaction of the bulk lane. Without `syncs` it does not wait for the disk: all of it or none
    /// of it is there after a power cut, and it is durable with the next commit that does; for what can be done again, in
    /// many transactions.
    pub(super) async fn write_bulk<T, F>(&self, action: &'static str, syncs: bool, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let work = rehearsal::undone(work);
        // With the writer in hand, bulk work waits for nothing. The writer is handed on in the order of asking.
        let turn = self.bulk_turn().await?;
        let thread = self.blocking.thread(Lane::Bulk).await?;
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let (readers, health) = (Arc::clone(&self.readers), self.health.clone());
        thread
            .run(move || {
                let _turn = turn;
                health.check()?;
                writer.configure(Lane::Bulk, syncs)?;
                let tx = sqlite::begin(&mut writer.connection, &readers.path).map_err(Error::sql(action))?;
                told::begin();
                let worked = work(&tx);
                let untold = told::take();
                let value = worked.inspect_err(|error| health.note_full(error))?;
                let committed = sqlite::commit(tx, &readers.path).map_err(Error::sql(action));
                committed.inspect_err(|error| health.note_commit(error))?;
                untold.tell();
                Ok(value)
            })
            .await
    }

    async fn bulk_turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.bulk).acquire_owned().await.map_err(|_| Error::Stopped)
    }

    /// Runs `work` on one read-only connection, in one snapshot.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.read_in(Lane::Realtime, action, work).await
    }

    /// The same in a lane.
    pub(super) async fn read_in<T, F>(&self, lane: Lane, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let turn = if lane == Lane::Bulk { Some(self.bulk_turn().await?) } else { None };
        let _permit = self.readers.permits.acquire().await.map_err(|_| Error::Stopped)?;
        let readers = Arc::clone(&self.readers);
        self.blocking
            .thread(lane)
            .await?
            .run(move || {
                let _turn = turn;
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

    /// Writes the file anew without what was deleted from it, and empties its log. Everybody else waits meanwhile.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process reads the file; [`Error::Full`] when there is no room for a second copy.
    pub(super) async fn rewrite(&self, action: &'static str) -> Result<(), Error> {
        let turn = self.bulk_turn().await?;
        let writer = Arc::clone(&self.writer).lock_owned().await;
        // A reader of ours would keep the log from being emptied.
        let _readers = self.readers.permits.acquire_many(READERS_MAX as u32).await.map_err(|_| Error::Stopped)?;
        let path = self.readers.path.clone();
        self.blocking
            .run(move || {
                let _turn = turn;
                let large = path.metadata().is_ok_and(|file| file.len() > REWRITE_IN_MEMORY_BYTES_MAX);
                let store = |store: &str| writer.connection.pragma_update(None, "temp_store", store);
                if large {
                    store("FILE").map_err(Error::sql(action))?;
                }
                let written = writer.connection.execute_batch("VACUUM").map_err(Error::sql(action));
                if large {
                    store("MEMORY").map_err(Error::sql(action))?;
                }
                written?;
                sqlite::empty_log(&writer.connection, action)
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
pub(super) fn make_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::File { action: "create", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::mpsc, task::Poll};

    use futures_util::poll;

    use super::{super::blocking::REALTIME_MAX, *};

    const SCHEMA: sqlite::Schema = sqlite::Schema { migrations: &["CREATE TABLE thing (id INTEGER) STRICT"] };

    fn open(dir: &Path, name: &str, blocking: &Blocking) -> DatabaseFile {
        DatabaseFile::create(&dir.join(name), &SCHEMA, blocking.clone(), Health::new(), |_| Ok(())).expect("opens")
    }

    /// A slice of bulk work that tells when it has begun, and ends when it is told.
    fn slice(
        file: &DatabaseFile,
        order: &Arc<Mutex<Vec<&'static str>>>,
    ) -> (tokio::task::JoinHandle<Result<(), Error>>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel();
        let (file, order) = (file.clone(), Arc::clone(order));
        let running = tokio::spawn(async move {
            let work = move |_: &Transaction<'_>| {
                begun.send(()).expect("the test waits");
                may_end.recv().expect("the test lives");
                order.lock().unwrap_or_else(PoisonError::into_inner).push("slice");
                Ok(())
            };
            file.write_bulk("write a slice", false, work).await
        });
        (running, has_begun, end)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_write_that_somebody_waits_for_goes_before_every_slice_but_the_one_that_has_begun() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = open(dir.path(), "a.db", &Blocking::new());
        let order = Arc::new(Mutex::new(Vec::new()));
        let (first, first_begun, end_first) = slice(&file, &order);
        tokio::task::block_in_place(|| first_begun.recv()).expect("it begins");
        // Two more imports of the same shop, both before the turn.
        let (second, second_begun, end_second) = slice(&file, &order);
        let (third, third_begun, end_third) = slice(&file, &order);
        while file.bulk.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let mut turn = pin!(file.write("commit a turn", {
            let order = Arc::clone(&order);
            move |_| {
                order.lock().unwrap_or_else(PoisonError::into_inner).push("turn");
                Ok(())
            }
        }));
        assert!(matches!(poll!(turn.as_mut()), Poll::Pending), "a slice has the writer");
        for end in [&end_first, &end_second, &end_third] {
            end.send(()).expect("it waits");
        }
        turn.await.expect("committed");
        assert_eq!(order.lock().unwrap_or_else(PoisonError::into_inner)[..2], ["slice", "turn"]);
        for (running, begun) in [(first, None), (second, Some(second_begun)), (third, Some(third_begun))] {
            running.await.expect("ends").expect("committed");
            assert!(begun.is_none_or(|begun| begun.try_recv().is_ok()));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bulk_work_in_many_files_leaves_every_thread_to_whom_somebody_waits_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let blocking = Blocking::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        let files: Vec<_> = (0..20).map(|n| open(dir.path(), &format!("{n}.db"), &blocking)).collect();
        let slices: Vec<_> = files.iter().map(|file| slice(file, &order)).collect();
        let mut begun = 0;
        while begun < 2 {
            begun += slices.iter().filter(|(_, begun, _)| begun.try_recv().is_ok()).count();
            tokio::task::yield_now().await;
        }
        // Slices hold their threads and wait; the file of one that only waits for a thread can be written all the same.
        assert_eq!(blocking.realtime.available_permits(), REALTIME_MAX);
        let other = open(dir.path(), "other.db", &blocking);
        other.write("commit a turn", |_| Ok(())).await.expect("another file");
        let turns = files.iter().filter(|file| file.writer.try_lock().is_ok());
        let mut written = 0;
        for file in turns {
            file.write("commit a turn", |_| Ok(())).await.expect("a file whose bulk work waits");
            written += 1;
        }
        assert!(written >= 18, "{written}: whoever waits for a thread must not hold a writer");
        // All at once: the first one may be waiting for the thread of the last.
        slices.iter().for_each(|(_, _, end)| end.send(()).expect("it waits"));
        for (running, ..) in slices {
            running.await.expect("ends").expect("committed");
        }
    }

    /// Writes one number.
    fn number(number: i64) -> impl FnOnce(&Transaction<'_>) -> Result<(), Error> + Send + 'static {
        move |tx| tx.execute("INSERT INTO thing VALUES (?1)", [number]).map(drop).map_err(Error::sql("write a number"))
    }

    async fn numbers(file: &DatabaseFile) -> Vec<i64> {
        let list = |tx: &Transaction<'_>| {
            let list = || -> rusqlite::Result<Vec<i64>> {
                tx.prepare("SELECT id FROM thing ORDER BY id")?.query_map([], |row| row.get(0))?.collect()
            };
            list().map_err(Error::sql("read the numbers"))
        };
        file.read("read the numbers", list).await.expect("read")
    }

    /// Has writes wait together: each is polled once while a slice of bulk work has the writer.
    macro_rules! together {
        ($file:expr, $($write:expr),+) => {{
            let (slice, begun, end) = slice($file, &Arc::default());
            tokio::task::block_in_place(|| begun.recv()).expect("it begins");
            let mut writes = ($(Box::pin($write),)+);
            together!(@poll writes, $($write),+);
            end.send(()).expect("it waits");
            slice.await.expect("ends").expect("committed");
            writes
        }};
        (@poll $writes:ident, $one:expr) => { together!(@at $writes 0) };
        (@poll $writes:ident, $one:expr, $two:expr) => { together!(@at $writes 0 1) };
        (@poll $writes:ident, $one:expr, $two:expr, $three:expr) => { together!(@at $writes 0 1 2) };
        (@at $writes:ident $($at:tt)+) => { $(assert!(matches!(poll!($writes.$at.as_mut()), Poll::Pending));)+ };
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn writes_that_wait_for_the_writer_become_durable_together() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = open(dir.path(), "a.db", &Blocking::new());
        let path = dir.path().join("a.db");
        let seen = |tx: &Connection| tx.query_row("SELECT count(*) FROM thing", [], |row| row.get::<_, i64>(0));
        let look = move |tx: &Transaction<'_>| {
            let outside = sqlite::open_reader(&path)?;
            Ok((seen(tx).expect("counted"), seen(&outside).expect("counted")))
        };
        let (one, two, three) = together!(
            &file,
            file.write("write a number", number(1)),
            file.write("write a number", number(2)),
            file.write("look", look)
        );
        let (one, two, seen) = futures_util::join!(one, two, three);
        one.and(two).expect("written");
        assert_eq!(seen.expect("seen"), (2, 0), "both stand for the third, and for nobody outside yet");
        assert_eq!(numbers(&file).await, [1, 2]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_write_that_is_refused_takes_nothing_from_those_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = open(dir.path(), "a.db", &Blocking::new());
        let refuse = |tx: &Transaction<'_>| {
            number(2)(tx)?;
            Err::<(), _>(Error::Conflict("no".into()))
        };
        let (one, two, three) = together!(
            &file,
            file.write("write a number", number(1)),
            file.write("refuse", refuse),
            file.write("write a number", number(3))
        );
        let (one, two, three) = futures_util::join!(one, two, three);
        one.and(three).expect("written");
        assert!(matches!(two, Err(Error::Conflict(_))));
        assert_eq!(numbers(&file).await, [1, 3]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_write_that_panics_does_so_for_its_caller_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = open(dir.path(), "a.db", &Blocking::new());
        let panics = |tx: &Transaction<'_>| -> Result<(), Error> {
            number(1)(tx)?;
            panic!("broken on purpose")
        };
        let (one, two) = together!(&file, file.write("break", panics), file.write("write a number", number(2)));
        let broken = tokio::spawn({
            let file = file.clone();
            async move { file.write("break again", |_| -> Result<(), Error> { panic!("broken on purpose") }).await }
        });
        let (one, two) =
            futures_util::join!(futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(one)), two);
        assert!(one.is_err());
        two.expect("written");
        assert!(broken.await.expect_err("it panicked").is_panic());
        assert_eq!(numbers(&file).await, [2]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_write_whose_caller_goes_away_before_it_begins_is_not_made() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = open(dir.path(), "a.db", &Blocking::new());
        let (one, two) =
            together!(&file, file.write("write a number", number(1)), file.write("write a number", number(2)));
        drop(one);
        two.await.expect("written");
        assert_eq!(numbers(&file).await, [2]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everybody_hears_of_a_commit_that_fails() {
        let dir = tempfile::tempdir().expect("a folder");
        let schema = sqlite::Schema {
            migrations: &[
                "CREATE TABLE thing (id INTEGER PRIMARY KEY, of INTEGER REFERENCES thing DEFERRABLE INITIALLY DEFERRED) STRICT",
            ],
        };
        let path = dir.path().join("a.db");
        let file = DatabaseFile::create(&path, &schema, Blocking::new(), Health::new(), |_| Ok(())).expect("opens");
        let write = |id: i64, of: Option<i64>| {
            move |tx: &Transaction<'_>| {
                tx.execute("INSERT INTO thing VALUES (?1, ?2)", (id, of)).map(drop).map_err(Error::sql("write a thing"))
            }
        };
        let (one, two) = together!(
            &file,
            file.write("write a thing", write(1, None)),
            file.write("write a thing", write(2, Some(7)))
        );
        let (one, two) = futures_util::join!(one, two);
        assert!(one.is_err() && two.is_err());
        assert!(numbers(&file).await.is_empty());
        file.write("write a thing", write(1, None)).await.expect("the writer goes on");
    }
}
