//! Opening SQLite files: the pragmas, the migrations, the one registration of sqlite-vec.

use std::{
    path::Path,
    sync::{Once, OnceLock},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig, ffi};

use super::Error;
use crate::fault;

/// The first SQLite without the WAL-reset corruption bug.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Marks a file as ours (`AURA`).
pub(super) const APPLICATION_ID: i64 = 0x4155_5241;
/// A connection's page cache (SQLite: negative numbers are KiB). The lengths of texts, which every ranked match is looked up
/// in, and the filter's index take 4 MiB for 100,000 products; SQLite's 2 MiB would lose them with every question. An
/// import would write the same pages of the vocabulary to the log and read them again within one slice.
const CACHE_KIB: i64 = -8 * 1024;
/// Memory of all page caches and statements together, over all files, from which on a cache reuses its own pages instead
/// of taking more (bytes). A file in use may fill 32 MiB of caches: two dozen shops would hold more than everything else.
const HEAP_SOFT_MAX: i64 = 64 * 1024 * 1024;
/// How long a connection waits for another's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a transaction that found the file locked is begun again, each time after [`BUSY_TIMEOUT`].
const BEGINS_MAX: u32 = 3;
/// The longest pause before it is.
const BEGIN_PAUSE_MS: u64 = 50;

/// One schema: its migrations in order, the n-th leads to `user_version` n.
pub(super) struct Schema {
    /// SQL scripts; a released one is never edited.
    pub(super) migrations: &'static [&'static str],
}

impl Schema {
    /// The version that all migrations lead to.
    pub(super) const fn version(&self) -> i64 {
        self.migrations.len() as i64
    }
}

/// Opens a file for writing, creates it where missing, and brings it up to date.
pub(super) fn open_writer(path: &Path, schema: &Schema) -> Result<Connection, Error> {
    open_with(path, schema, OpenFlags::SQLITE_OPEN_CREATE)
}

/// The same for a file that must be there with a schema: one that was emptied is damaged, and never made anew.
pub(super) fn open_known(path: &Path, schema: &Schema) -> Result<Connection, Error> {
    open_with(path, schema, OpenFlags::empty())
}

fn open_with(path: &Path, schema: &Schema, create: OpenFlags) -> Result<Connection, Error> {
    register_sqlite_vec()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let mut connection = Connection::open_with_flags(path, flags).map_err(Error::sql("open a database file"))?;
    configure(&connection).map_err(Error::sql("configure a database file"))?;
    if create.is_empty() && version_of(&connection)? == 0 {
        return Err(Error::Corrupt { action: "open a database file", source: "it has no schema".into() });
    }
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(Error::sql("switch a database file to WAL"))?;
    if mode != "wal" {
        return Err(Error::Unreadable { what: "journal mode", value: mode });
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(Error::sql("configure a database file"))?;
    migrate(&mut connection, path, schema)?;
    Ok(connection)
}

/// Opens a file that exists, for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    register_sqlite_vec()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(Error::sql("open a database file"))?;
    configure(&connection).map_err(Error::sql("configure a database file"))?;
    connection.pragma_update(None, "query_only", true).map_err(Error::sql("configure a database file"))?;
    Ok(connection)
}

/// Opens a file that exists to copy it: `VACUUM INTO` writes nothing to it, and SQLite takes it for a write all the same.
pub(super) fn open_copier(path: &Path) -> Result<Connection, Error> {
    register_sqlite_vec()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(Error::sql("open a database file"))?;
    configure(&connection).map_err(Error::sql("configure a database file"))?;
    Ok(connection)
}

/// Moves the write-ahead log into the file and cuts it to nothing.
///
/// # Errors
/// [`Error::Busy`] when somebody reads or writes for longer than is waited.
pub(super) fn empty_log(connection: &Connection, action: &'static str) -> Result<(), Error> {
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get("busy"))
        .map_err(Error::sql(action))?;
    match busy {
        false => Ok(()),
        true => Err(Error::Busy { action, source: "somebody else reads the file".into() }),
    }
}

/// The versions of SQLite and sqlite-vec in this binary, read once.
pub fn versions() -> Result<(String, String), Error> {
    static READ: OnceLock<(String, String)> = OnceLock::new();
    if let Some(read) = READ.get() {
        return Ok(read.clone());
    }
    let read = read_versions()?;
    Ok(READ.get_or_init(|| read).clone())
}

fn read_versions() -> Result<(String, String), Error> {
    register_sqlite_vec()?;
    let connection = Connection::open_in_memory().map_err(Error::sql("ask for versions"))?;
    connection
        .query_row("SELECT sqlite_version(), vec_version()", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(Error::sql("ask for versions"))
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // I/O errors must be error codes, not signals.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // Of the whole process, however often it is said.
    connection.pragma_update(None, "soft_heap_limit", HEAP_SOFT_MAX)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A statement with `LIMIT :limit` is otherwise planned anew each time it is bound: a seventh of a turn's work.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn version_of(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(Error::sql("read the schema version"))
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), Error> {
    let known = schema.version();
    let found = version_of(connection)?;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    for (version, script) in (1_i64..).zip(schema.migrations).skip(found as usize) {
        let tx = begin(connection, path).map_err(Error::sql("migrate a database file"))?;
        fault::point("mid_migration");
        tx.execute_batch(script).map_err(Error::sql("migrate a database file"))?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(Error::sql("migrate a database file"))?;
        tx.pragma_update(None, "user_version", version).map_err(Error::sql("migrate a database file"))?;
        commit(tx, path).map_err(Error::sql("migrate a database file"))?;
    }
    Ok(())
}

/// Begins a write transaction. Only here can another process stand in the way: once begun, the lock is ours.
pub(super) fn begin<'a>(connection: &'a mut Connection, path: &Path) -> rusqlite::Result<Transaction<'a>> {
    // Borrowed mutably by the caller, so there is no transaction around this one.
    let connection: &'a Connection = connection;
    let mut begins = 1;
    loop {
        let begun = if fault::locked(path) {
            Err(code(ffi::SQLITE_BUSY))
        } else {
            Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        };
        match begun {
            Err(error) if begins < BEGINS_MAX && error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                begins += 1;
                std::thread::sleep(jitter());
            }
            begun => return begun,
        }
    }
}

/// Two that wait for the same lock shall not meet again.
fn jitter() -> Duration {
    let mut random = [0];
    // Without randomness the pause is none, and the lock's own patience has to do.
    let _ = getrandom::fill(&mut random);
    Duration::from_millis(u64::from(random[0]) % BEGIN_PAUSE_MS)
}

/// Makes a transaction durable, or none of it. After an error of the disk nobody knows which.
pub(super) fn commit(tx: Transaction<'_>, path: &Path) -> rusqlite::Result<()> {
    let Some(fault) = fault::commit(path) else { return tx.commit() };
    if fault.kept {
        tx.commit()?;
    }
    Err(code(fault.code))
}

fn code(extended: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(extended), None)
}

/// Makes every later connection of this process know `vec0`.
fn register_sqlite_vec() -> Result<(), Error> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[expect(unsafe_code, reason = "SQLite registers extensions by a C function pointer")]
        // SAFETY: `sqlite3_vec_init` has the signature of an extension's entry point (its C declaration is
        // `int sqlite3_vec_init(sqlite3*, char**, const sqlite3_api_routines*)`; the crate declares it without
        // arguments), and it is registered before the first connection is opened.
        unsafe {
            type EntryPoint = unsafe extern "C" fn(
                *mut rusqlite::ffi::sqlite3,
                *mut *mut std::ffi::c_char,
                *const rusqlite::ffi::sqlite3_api_routines,
            ) -> std::ffi::c_int;
            let init = sqlite_vec::sqlite3_vec_init as *const ();
            rusqlite::ffi::sqlite3_auto_extension(Some(std::mem::transmute::<*const (), EntryPoint>(init)));
        }
    });
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        return Err(Error::Unreadable { what: "SQLite's version", value: version.to_string() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_knows_sqlite_vec() {
        let (sqlite, sqlite_vec) = versions().expect("readable");
        assert!(sqlite.starts_with("3."), "{sqlite}");
        assert_eq!(sqlite_vec, "v0.1.9");
    }
}
