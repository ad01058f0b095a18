//! `control.db`: what belongs to no single tenant. Tenants, accounts, sealed keys and secrets, the wake index, the audit.
//!
//! Holds nothing of a tenant's shoppers or catalogue, and no secret that is not sealed.

mod accounts;
mod audit;
mod due;
mod models;
mod reach;
pub(super) mod restored;
mod secrets;
mod staff;
mod tenants;
mod unowned;

use std::path::PathBuf;

use rusqlite::{OptionalExtension, Row, Transaction, named_params};
use uuid::Uuid;

use super::{Error, Remembered, blocking::Blocking, file::DatabaseFile, health::Health, sqlite};
use crate::domain::{TenantId, audit::Act, audit::NewAudit, tenant::Tenant};

pub use secrets::NewSecret;
pub use staff::{KeyHash, StaffRow};
pub use tenants::{RemovedTenant, ResealedKey};

/// Tenants that are remembered.
const TENANTS_KNOWN_MAX: usize = 4_096;

pub(super) const SCHEMA: sqlite::Schema = sqlite::Schema {
    migrations: &[
        include_str!("migrations/control/0001_init.sql"),
        include_str!("migrations/control/0002_reach.sql"),
        include_str!("migrations/control/0003_unowned_folders.sql"),
        include_str!("migrations/control/0004_models.sql"),
        include_str!("migrations/control/0005_staff.sql"),
    ],
};

/// A handle on `control.db`. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    database: DatabaseFile,
    /// Every step of every turn asks for a tenant, and they hardly ever change.
    known: Remembered<TenantId, Tenant>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}

impl Control {
    /// Opens (and where needed creates and migrates) the file, on a pool of blocking threads of its own.
    pub async fn open(path: PathBuf) -> Result<Self, Error> {
        let blocking = Blocking::new();
        let pool = blocking.clone();
        let database = blocking.run(move || DatabaseFile::open_erasing(&path, &SCHEMA, pool, Health::new())).await?;
        Ok(Self { database, known: Remembered::new(TENANTS_KNOWN_MAX) })
    }

    /// Changes something of a tenant, and forgets what was read of it. Goes on if the caller goes away: what is
    /// remembered must not outlive what is durable.
    async fn change_tenant<T, F>(&self, id: TenantId, action: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let control = self.clone();
        // The task of its own does not know that it is only tried out.
        let work = super::rehearsal::undone(work);
        let change = tokio::spawn(async move {
            let changed = control.database.write(action, work).await;
            control.known.forget(|known| *known == id);
            changed
        });
        match change.await {
            Ok(changed) => changed,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => Err(Error::Stopped),
        }
    }

    /// What is known of the disk: the whole store shares it.
    pub(super) fn health(&self) -> Health {
        self.database.health().clone()
    }

    /// Which installation this is: `fresh` the first time, and the same ever after.
    pub async fn installation_id(&self, fresh: Uuid) -> Result<Uuid, Error> {
        const ACTION: &str = "name the installation";
        self.database
            .write(ACTION, move |tx| {
                let named = named_params! { ":fresh": fresh.to_string() };
                tx.execute("INSERT INTO installation VALUES (1, :fresh) ON CONFLICT DO NOTHING", named)
                    .map_err(Error::sql(ACTION))?;
                let stored: String = tx
                    .query_row("SELECT installation_id FROM installation", [], |row| row.get(0))
                    .map_err(Error::sql(ACTION))?;
                Uuid::parse_str(&stored).map_err(|_| Error::Unreadable { what: "the installation's id", value: stored })
            })
            .await
    }

    /// Which installation this is; `None` where none was ever opened.
    pub async fn known_installation_id(&self) -> Result<Option<Uuid>, Error> {
        const ACTION: &str = "read the installation's id";
        let stored: Option<String> = self
            .database
            .read(ACTION, |tx| {
                tx.query_row("SELECT installation_id FROM installation", [], |row| row.get(0))
                    .optional()
                    .map_err(Error::sql(ACTION))
            })
            .await?;
        let parse = |id: String| {
            Uuid::parse_str(&id).map_err(|_| Error::Unreadable { what: "the installation's id", value: id })
        };
        stored.map(parse).transpose()
    }

    /// A setting that was changed while running; `None`: what the configuration says holds.
    pub async fn default_value(&self, name: &'static str) -> Result<Option<String>, Error> {
        const ACTION: &str = "read a default";
        self.database
            .read(ACTION, move |tx| {
                tx.query_row("SELECT value FROM defaults WHERE name = :name", named_params! { ":name": name }, |row| {
                    row.get(0)
                })
                .optional()
                .map_err(Error::sql(ACTION))
            })
            .await
    }

    /// Changes a setting while running.
    pub async fn set_default(&self, name: &'static str, value: String, act: Act) -> Result<(), Error> {
        const ACTION: &str = "set a default";
        const SQL: &str = "
            INSERT INTO defaults (name, value, changed_at_ms) VALUES (:name, :value, :at_ms)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at_ms = excluded.changed_at_ms";
        self.database
            .write(ACTION, move |tx| {
                tx.execute(SQL, named_params! { ":name": name, ":value": value, ":at_ms": act.at.0 })
                    .map_err(Error::sql(ACTION))?;
                audit::append(tx, act, &NewAudit::new("default.set", None).word("name", name))
            })
            .await
    }
}

/// Runs a query and reads every row; `read` may refuse what a row holds.
fn rows<T>(
    tx: &Transaction<'_>,
    action: &'static str,
    sql: &str,
    params: &[(&str, &dyn rusqlite::ToSql)],
    read: fn(&Row<'_>) -> Result<Result<T, Error>, rusqlite::Error>,
) -> Result<Vec<T>, Error> {
    let mut select = tx.prepare_cached(sql).map_err(Error::sql(action))?;
    let found: Result<Vec<Result<T, Error>>, rusqlite::Error> =
        select.query_map(params, read).and_then(Iterator::collect);
    found.map_err(Error::sql(action))?.into_iter().collect()
}

fn tenant_id(text: String) -> Result<TenantId, Error> {
    text.parse().map_err(|_| Error::Unreadable { what: "a tenant's id", value: text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    /// A fresh `control.db` in a folder that lives as long as the first part.
    pub(super) async fn fresh() -> (tempfile::TempDir, Control) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let control = Control::open(folder.path().join("control.db")).await.expect("a new file opens");
        (folder, control)
    }

    #[tokio::test]
    async fn the_file_and_its_log_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, control) = fresh().await;
        control.installation_id(Uuid::from_u128(1)).await.expect("written");
        for name in ["control.db", "control.db-wal", "control.db-shm"] {
            let found = std::fs::metadata(folder.path().join(name)).expect(name);
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn an_installation_keeps_its_first_id() {
        let (_folder, control) = fresh().await;
        let first = Uuid::from_u128(1);
        assert_eq!(control.installation_id(first).await.expect("named"), first);
        assert_eq!(control.installation_id(Uuid::from_u128(2)).await.expect("asked again"), first);
    }

    #[tokio::test]
    async fn a_default_is_none_until_set_and_then_the_last_value() {
        let (_folder, control) = fresh().await;
        assert_eq!(control.default_value("models.chat").await.expect("read"), None);
        for value in ["builtin", "other"] {
            let act = Act::operator(Timestamp(5));
            control.set_default("models.chat", value.into(), act).await.expect("set");
        }
        assert_eq!(control.default_value("models.chat").await.expect("read").as_deref(), Some("other"));
    }
}
