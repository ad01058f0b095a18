//! Copies of database files for a backup, made beside whoever writes: each is one snapshot of one file.
//!
//! `VACUUM INTO` reads the snapshot table by table and writes what is there, so a copy holds no page of what was deleted,
//! memory holds no more than a page cache, and nobody waits: in WAL a reader stands in no writer's way. Until it is done
//! the log cannot be begun anew and grows by what is written meanwhile.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Error, Store, blocking::Lane, sqlite};
use crate::domain::TenantId;

impl Store {
    /// Copies the journal. To be copied before everything else: a delivery leaves it only when its tenant's file has it, so
    /// what is missing in this copy is in a copy of that file which is made later.
    pub(crate) async fn copy_journal(&self, to: PathBuf) -> Result<u64, Error> {
        self.copy(self.journal_db(), to).await
    }

    /// Copies `control.db`.
    pub(crate) async fn copy_control(&self, to: PathBuf) -> Result<u64, Error> {
        self.copy(self.control_db(), to).await
    }

    /// Copies a tenant's file.
    pub(crate) async fn copy_tenant(&self, tenant: TenantId, to: PathBuf) -> Result<u64, Error> {
        self.copy(self.tenant_db(tenant), to).await
    }

    /// Copies a file in the bulk lane; how many bytes the copy has.
    async fn copy(&self, from: PathBuf, to: PathBuf) -> Result<u64, Error> {
        self.blocking().thread(Lane::Bulk).await?.run(move || copy(&from, &to)).await
    }
}

fn copy(from: &Path, to: &Path) -> Result<u64, Error> {
    const ACTION: &str = "copy a database file";
    if !from.is_file() {
        return Err(Error::NotFound { what: "file", name: from.display().to_string() });
    }
    let failed = |action| move |source| Error::File { action, path: to.to_owned(), source };
    // SQLite would make it with the umask's permissions; into an empty file it writes too.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed("create"))?;
    let file = sqlite::open_copier(from)?;
    let target = to.to_str().ok_or_else(|| Error::Unreadable { what: "the path", value: to.display().to_string() })?;
    file.execute("VACUUM INTO ?1", [target]).map_err(Error::sql(ACTION))?;
    Ok(to.metadata().map_err(failed("measure"))?.len())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_copy_has_what_was_committed_the_versions_and_nothing_of_what_was_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let schema = sqlite::Schema { migrations: &["CREATE TABLE thing (id INTEGER PRIMARY KEY, word TEXT) STRICT"] };
        let mut file = sqlite::open_writer(&from, &schema).expect("opens");
        file.execute("INSERT INTO thing VALUES (1, 'stays'), (2, 'goes-7c1e')", []).expect("written");
        file.execute("DELETE FROM thing WHERE id = 2", []).expect("deleted");
        let open = file.transaction().expect("begun");
        open.execute("INSERT INTO thing VALUES (3, 'not yet')", []).expect("written");
        // Neither waits for the other.
        let bytes = copy(&from, &to).expect("copied");
        open.commit().expect("committed");
        assert_eq!(bytes, to.metadata().expect("there").len());
        let copied = Connection::open(&to).expect("opens");
        let words: String =
            copied.query_row("SELECT group_concat(word) FROM thing", [], |row| row.get(0)).expect("read");
        let version: i64 = copied.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
        assert_eq!((words.as_str(), version), ("stays", 1));
        let raw = std::fs::read(&to).expect("read");
        assert!(!raw.windows(9).any(|window| window == b"goes-7c1e"), "what was deleted is in the copy");
        assert!(copy(&from, &to).is_err(), "a copy replaces no file");
        assert!(matches!(copy(&folder.path().join("none.db"), &to), Err(Error::NotFound { .. })));
    }
}
