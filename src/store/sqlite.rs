//! Opening SQLite files: the pragmas, the migrations, the one registration of sqlite-vec.

use std::{
    path::Path,
    sync::{Once, OnceLock},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::Error;

/// The first SQLite without the WAL-reset corruption bug.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Marks a file as ours (`AURA`).
const APPLICATION_ID: i64 = 0x4155_5241;
/// A reader's page cache (SQLite: negative numbers are KiB). The lengths of texts, which every ranked match is looked up
/// in, and the filter's index take 4 MiB for 100,000 products; SQLite's 2 MiB would lose them with every question.
const READER_CACHE_KIB: i64 = -8 * 1024;
/// How long a connection waits for another's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

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
    register_sqlite_vec()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(Error::sql("open a database file"))?;
    configure(&connection).map_err(Error::sql("configure a database file"))?;
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
    connection.pragma_update(None, "cache_size", READER_CACHE_KIB).map_err(Error::sql("configure a database file"))?;
    connection.pragma_update(None, "query_only", true).map_err(Error::sql("configure a database file"))?;
    Ok(connection)
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
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), Error> {
    let known = schema.version();
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(Error::sql("read the schema version"))?;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    for (version, script) in (1_i64..).zip(schema.migrations).skip(found as usize) {
        let tx = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(Error::sql("migrate a database file"))?;
        tx.execute_batch(script).map_err(Error::sql("migrate a database file"))?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(Error::sql("migrate a database file"))?;
        tx.pragma_update(None, "user_version", version).map_err(Error::sql("migrate a database file"))?;
        tx.commit().map_err(Error::sql("migrate a database file"))?;
    }
    Ok(())
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
