//! A look at whole files beside whoever works on them: whether they are what they should be. Reads only, but for the journal's
//! log, which may be moved into its file.

use std::path::{Path, PathBuf};

use super::{Error, Store, blocking::Lane, journal, sqlite};
use crate::domain::TenantId;

impl Store {
    /// What is wrong with `control.db`; `None`: it is whole.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub(crate) async fn look_into_control(&self) -> Result<Option<String>, Error> {
        self.look_into(self.control_db()).await
    }

    /// The same of the journal.
    pub(crate) async fn look_into_journal(&self) -> Result<Option<String>, Error> {
        self.look_into(self.journal_db()).await
    }

    /// The same of a tenant's file.
    pub(crate) async fn look_into_tenant(&self, tenant: TenantId) -> Result<Option<String>, Error> {
        self.look_into(self.tenant_db(tenant)).await
    }

    async fn look_into(&self, path: PathBuf) -> Result<Option<String>, Error> {
        self.blocking().thread(Lane::Bulk).await?.run(move || look_into(&path)).await
    }

    /// Moves the journal's log into its file as far as that keeps nobody waiting; how many pages it has moved.
    pub(crate) async fn move_journal_log(&self) -> Result<i64, Error> {
        let path = self.journal_db();
        let moving = move || {
            let file = sqlite::open_known(&path, &journal::SCHEMA)?;
            file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get("checkpointed"))
                .map_err(Error::sql("move the journal's log"))
        };
        self.blocking().thread(Lane::Bulk).await?.run(moving).await
    }
}

fn look_into(path: &Path) -> Result<Option<String>, Error> {
    const ACTION: &str = "look into a database file";
    if !path.is_file() {
        return Ok(Some("the file is not there".to_owned()));
    }
    let file = sqlite::open_reader(path)?;
    let verdict: String = file.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(Error::sql(ACTION))?;
    Ok(Some(verdict).filter(|verdict| verdict != "ok"))
}
