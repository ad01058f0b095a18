//! Writes that wait for one file's writer at the same time are made durable together: one sync serves them all, and the
//! readers' caches, which every commit empties, are emptied once.
//!
//! Each write is still all or nothing by itself. Whoever gets the writer first leads: it runs what waits, its own work
//! among it, in one transaction, and hands everybody their result once that is durable.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, Transaction, ffi};
use tokio::sync::oneshot;

use super::{Error, health::Health, sqlite, told};

/// Writes in one transaction, at most.
const WRITES_MAX: usize = 64;
/// No write is begun in a transaction that has lasted so long: the first of it waits for the last.
const LASTS_MAX: Duration = Duration::from_millis(10);

/// What came of one write.
enum Outcome<T> {
    Done(Result<T, Error>),
    Panicked(Box<dyn Any + Send>),
}

/// What a write has done inside the transaction.
enum Ran {
    /// It stands if the transaction does: to be told which.
    Kept(Box<dyn FnOnce(rusqlite::Result<()>) + Send>),
    /// It must be undone, and its caller told then; with SQLite's code, where the error was SQLite's.
    Refused(Option<i32>, Box<dyn FnOnce() + Send>),
    /// Nobody waits for it any more: it was not begun.
    Gone,
}

type Write = Box<dyn FnOnce(&Transaction<'_>) -> Ran + Send>;

/// The writes that wait for one file's writer.
#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Tells writes apart.
    number: u64,
    waiting: VecDeque<(u64, Write)>,
}

/// A write that waits, and its result on the way to whoever asked for it.
pub(super) struct Waiting<T> {
    number: u64,
    outcome: oneshot::Receiver<Outcome<T>>,
}

impl<T> Waiting<T> {
    /// Waits for the result. Dropped before the write has begun, the write is not made.
    ///
    /// Panics if the write did.
    pub(super) async fn result(&mut self) -> Result<T, Error> {
        match (&mut self.outcome).await {
            Ok(Outcome::Done(result)) => result,
            Ok(Outcome::Panicked(payload)) => resume_unwind(payload),
            // Whoever led was ended with the runtime.
            Err(_) => Err(Error::Stopped),
        }
    }
}

impl Group {
    /// Has a write wait. `action` names it in errors.
    pub(super) fn add<T, F>(&self, action: &'static str, health: Health, work: F) -> Waiting<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        // Nobody hears of it if the caller has gone away meanwhile; what was done stands all the same.
        let write = move |tx: &Transaction<'_>| {
            if answer.is_closed() {
                return Ran::Gone;
            }
            told::begin();
            let worked = catch_unwind(AssertUnwindSafe(|| work(tx)));
            let untold = told::take();
            match worked {
                Ok(Ok(value)) => Ran::Kept(Box::new(move |committed| {
                    if committed.is_ok() {
                        untold.tell();
                    }
                    drop(answer.send(Outcome::Done(committed.map(|()| value).map_err(Error::sql(action)))));
                })),
                Ok(Err(error)) => {
                    // A statement that fails, even for a read error, is undone and no more; a commit that fails is doubt.
                    health.note_full(&error);
                    refused(error.sqlite_code(), answer, Outcome::Done(Err(error)))
                }
                Err(payload) => refused(None, answer, Outcome::Panicked(payload)),
            }
        };
        let mut queue = self.queue();
        queue.number += 1;
        let number = queue.number;
        queue.waiting.push_back((number, Box::new(write)));
        Waiting { number, outcome }
    }

    /// Takes a write back; `false` when it has been begun already, so that its result is on the way.
    pub(super) fn withdraw<T>(&self, write: &Waiting<T>) -> bool {
        let mut queue = self.queue();
        let before = queue.waiting.len();
        queue.waiting.retain(|(number, _)| *number != write.number);
        queue.waiting.len() < before
    }

    /// Makes what waits, and what comes while it does, durable in one transaction. Blocking.
    ///
    /// # Errors
    /// When no transaction could be begun: nothing was done, and everything waits as before.
    pub(super) fn commit(&self, connection: &mut Connection, path: &Path, health: &Health) -> Result<(), Error> {
        let begun = Instant::now();
        let tx = sqlite::begin(connection, path).map_err(Error::sql("begin a transaction"))?;
        let mut kept = Vec::new();
        let mut ended = None;
        for _ in 0..WRITES_MAX {
            let (write, alone) = {
                let mut queue = self.queue();
                (queue.waiting.pop_front(), kept.is_empty() && queue.waiting.is_empty())
            };
            let Some((_, write)) = write else { break };
            ended = one(&tx, write, alone, &mut kept);
            if ended.is_some() || alone || begun.elapsed() >= LASTS_MAX {
                break;
            }
        }
        let committed = match ended {
            Some(error) => Err(error),
            None if kept.is_empty() => tx.rollback(),
            None => sqlite::commit(tx, path),
        };
        if let Err(error) = &committed {
            health.note_commit(&Error::sql("commit")(same(error)));
        }
        for tell in kept {
            tell(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(same(error)),
            });
        }
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused<T: Send + 'static>(code: Option<i32>, told: oneshot::Sender<Outcome<T>>, outcome: Outcome<T>) -> Ran {
    Ran::Refused(code, Box::new(move || drop(told.send(outcome))))
}

/// Makes one write, and undoes it if it is refused; an error when the transaction ended with it.
fn one(
    tx: &Transaction<'_>,
    write: Write,
    alone: bool,
    kept: &mut Vec<Box<dyn FnOnce(rusqlite::Result<()>) + Send>>,
) -> Option<rusqlite::Error> {
    // What is alone is undone with the transaction.
    if let (false, Err(error)) = (alone, savepoint(tx, "SAVEPOINT one_write")) {
        return Some(error);
    }
    match write(tx) {
        Ran::Kept(tell) => {
            kept.push(tell);
            if alone { None } else { savepoint(tx, "RELEASE one_write").err() }
        }
        Ran::Gone => {
            if alone {
                None
            } else {
                savepoint(tx, "RELEASE one_write").err()
            }
        }
        Ran::Refused(code, tell) => {
            // Some errors (no room, a failed read) end the whole transaction.
            let ended = if tx.is_autocommit() {
                let code = code.unwrap_or(ffi::SQLITE_ABORT_ROLLBACK);
                Some(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
            } else if alone {
                None
            } else {
                savepoint(tx, "ROLLBACK TO one_write").and_then(|()| savepoint(tx, "RELEASE one_write")).err()
            };
            tell();
            ended
        }
    }
}

fn savepoint(tx: &Transaction<'_>, sql: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(sql)?.execute([]).map(drop)
}

/// The same error once more, for another caller.
fn same(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => rusqlite::Error::SqliteFailure(*code, message.clone()),
        other => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
    }
}
