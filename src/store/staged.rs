//! The files of a backup, unpacked where no daemon has them: checked before they are believed, then made what a restored
//! installation has to be. Everything here blocks, and nothing is open when it returns.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use uuid::Uuid;

use super::{Error, control, erase, event, journal, outcome, sqlite, tenant, walk};
use crate::domain::{
    Ids, TenantId, Timestamp,
    audit::{Act, NewAudit},
    chain,
    proof::Walked,
    secret::Sealed,
    tenant::Tenant,
};

/// A folder laid out like a data directory, which holds nothing that anybody uses.
#[derive(Clone, Debug)]
pub struct Staged {
    folder: PathBuf,
}

/// Replies of one tenant that wait for a person because nobody knows whether they have gone out since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRows {
    /// Whose.
    pub tenant: TenantId,
    /// How many.
    pub rows: u64,
}

impl Staged {
    /// What lies in a folder.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where `control.db` is.
    #[must_use]
    pub fn control_db(&self) -> PathBuf {
        self.folder.join("control.db")
    }

    /// Where the journal is.
    #[must_use]
    pub fn journal_db(&self) -> PathBuf {
        self.folder.join("journal.db")
    }

    /// Where a tenant's file is.
    #[must_use]
    pub fn tenant_db(&self, tenant: TenantId) -> PathBuf {
        self.folder.join("tenants").join(tenant.to_string()).join("tenant.db")
    }

    /// Checks `control.db`: whole, not newer, its audit log unbroken.
    ///
    /// # Errors
    /// [`Error::Newer`] and [`Error::Corrupt`].
    pub fn check_control(&self) -> Result<Walked, Error> {
        let path = self.control_db();
        check(&path, &control::SCHEMA)?;
        let walked = walk::audit_of(&path)?;
        // What is asked of it from here on is asked in today's words.
        in_transaction(sqlite::open_known(&path, &control::SCHEMA)?, |_| Ok(()))?;
        Ok(walked)
    }

    /// Checks the journal: whole and not newer.
    ///
    /// # Errors
    /// The same.
    pub fn check_journal(&self) -> Result<(), Error> {
        check(&self.journal_db(), &journal::SCHEMA)
    }

    /// Checks a tenant's file: whole, not newer, its event log unbroken and its own.
    ///
    /// # Errors
    /// The same.
    pub fn check_tenant(&self, tenant: TenantId) -> Result<Walked, Error> {
        let path = self.tenant_db(tenant);
        check(&path, &tenant::SCHEMA)?;
        walk::events_of(&path, tenant)
    }

    /// The tenants that `control.db` knows, by slug.
    pub fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        in_transaction(sqlite::open_copier(&self.control_db())?, control::restored::tenants)
    }

    /// Which installation it is of, and its data key; `None`: nothing was ever sealed in it.
    pub fn sealed_key(&self) -> Result<Option<(Uuid, Sealed)>, Error> {
        in_transaction(sqlite::open_copier(&self.control_db())?, control::restored::sealed_key)
    }

    /// Removes from `control.db` the tenants that were removed while the backup was made, pauses all others, has each
    /// looked at as soon as a daemon runs, and notes `entry`.
    pub fn prepare_control(&self, removed: &[TenantId], entry: &NewAudit, act: Act) -> Result<(), Error> {
        let file = sqlite::open_known(&self.control_db(), &control::SCHEMA)?;
        in_transaction(file, |tx| control::restored::prepare(tx, removed, entry, act))
    }

    /// Erases again what `present`, the same tenant's file of now, says was erased since; how many conversations it had.
    /// `None`: that file cannot be read, so nobody knows what was.
    ///
    /// # Errors
    /// When the unpacked file cannot be written.
    pub fn erase_again(&self, tenant: TenantId, present: &Path, now: Timestamp) -> Result<Option<u64>, Error> {
        if !present.is_file() {
            return Ok(Some(0));
        }
        let graves = match buried(present) {
            Ok(graves) => graves,
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error = %chain(&error), "erasures could not be read");
                return Ok(None);
            }
        };
        if graves.is_empty() {
            return Ok(Some(0));
        }
        let path = self.tenant_db(tenant);
        let file = sqlite::open_known(&path, &tenant::SCHEMA)?;
        event::claim(&file, tenant)?;
        let erased = in_transaction(file, |tx| erase::erase_again(tx, &graves, now))?;
        if erased > 0 {
            let file = sqlite::open_known(&path, &tenant::SCHEMA)?;
            file.execute_batch("VACUUM").map_err(Error::sql("overwrite what was erased"))?;
            sqlite::empty_log(&file, "overwrite what was erased")?;
        }
        Ok(Some(erased))
    }

    /// Has everything in a tenant's file that had not surely left wait for a person.
    pub fn hold_unsent(&self, tenant: TenantId, ids: &Arc<dyn Ids>, now: Timestamp) -> Result<HeldRows, Error> {
        let file = sqlite::open_known(&self.tenant_db(tenant), &tenant::SCHEMA)?;
        event::claim(&file, tenant)?;
        let rows = in_transaction(file, |tx| outcome::hold_unsent(tx, &**ids, now))?;
        Ok(HeldRows { tenant, rows })
    }
}

/// What was erased, as a file says that may be from before there were tombstones.
fn buried(path: &Path) -> Result<Vec<erase::Grave>, Error> {
    const THERE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'erasure'";
    in_transaction(sqlite::open_reader(path)?, |tx| {
        let there = tx.prepare(THERE).and_then(|mut select| select.exists([]));
        match there.map_err(Error::sql("read tombstones"))? {
            true => erase::graves(tx),
            false => Ok(Vec::new()),
        }
    })
}

/// Whether SQLite finds everything in its place, in a file of this kind that is not newer than we are.
fn check(path: &Path, schema: &sqlite::Schema) -> Result<(), Error> {
    const ACTION: &str = "check a database file";
    let corrupt = |reason: String| Error::Corrupt { action: ACTION, source: reason.into() };
    let file = sqlite::open_copier(path)?;
    let number = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(Error::sql(ACTION));
    if number("application_id")? != sqlite::APPLICATION_ID {
        return Err(corrupt(format!("{} is no file of Aura's", path.display())));
    }
    let (found, known) = (number("user_version")?, schema.version());
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    let verdict: String =
        file.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(Error::sql(ACTION))?;
    if verdict != "ok" {
        return Err(corrupt(format!("{}: {verdict}", path.display())));
    }
    let mut orphans = file.prepare("PRAGMA foreign_key_check").map_err(Error::sql(ACTION))?;
    match orphans.exists([]).map_err(Error::sql(ACTION))? {
        true => Err(corrupt(format!("{}: a row refers to one that is not there", path.display()))),
        false => Ok(()),
    }
}

/// Runs `work` in one transaction and closes the file; the log of a file that was written goes into it then.
fn in_transaction<T>(
    mut file: Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    const ACTION: &str = "work on an unpacked file";
    let read_only = file.is_readonly("main").map_err(Error::sql(ACTION))?;
    let behavior = if read_only { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
    let tx = file.transaction_with_behavior(behavior).map_err(Error::sql(ACTION))?;
    let value = work(&tx)?;
    tx.commit().map_err(Error::sql(ACTION))?;
    file.close().map_err(|(_, error)| Error::sql(ACTION)(error))?;
    Ok(value)
}
