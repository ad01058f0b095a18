//! Folders that belong to no tenant: of one that is being added, or of one that was removed. A crash leaves them to the
//! next start. Only a folder that stands here is ever deleted: one that is merely unknown may be all that is left of a
//! lost `control.db`.

use rusqlite::{Transaction, named_params};

use super::{Control, Error, rows, tenant_id};
use crate::domain::{TenantId, Timestamp};

impl Control {
    /// Notes that the folder of this id is nobody's, before it is made.
    pub async fn note_unowned(&self, id: TenantId, at: Timestamp) -> Result<(), Error> {
        const ACTION: &str = "note a folder";
        self.database.write(ACTION, move |tx| note(tx, id, at).map_err(Error::sql(ACTION))).await
    }

    /// The folder is gone.
    pub async fn forget_unowned(&self, id: TenantId) -> Result<(), Error> {
        const ACTION: &str = "forget a folder";
        self.database.write(ACTION, move |tx| forget(tx, id).map_err(Error::sql(ACTION))).await
    }

    /// The folders that are nobody's.
    pub async fn unowned(&self) -> Result<Vec<TenantId>, Error> {
        const ACTION: &str = "list folders that are nobody's";
        const SQL: &str = "SELECT tenant_id FROM unowned_folder ORDER BY since_ms, tenant_id";
        self.database.read(ACTION, |tx| rows(tx, ACTION, SQL, &[], |row| Ok(tenant_id(row.get(0)?)))).await
    }
}

pub(super) fn note(tx: &Transaction<'_>, id: TenantId, at: Timestamp) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO unowned_folder (tenant_id, since_ms) VALUES (:id, :at) ON CONFLICT (tenant_id) DO NOTHING";
    tx.execute(SQL, named_params! { ":id": id.to_string(), ":at": at.0 }).map(drop)
}

pub(super) fn forget(tx: &Transaction<'_>, id: TenantId) -> rusqlite::Result<()> {
    const SQL: &str = "DELETE FROM unowned_folder WHERE tenant_id = :id";
    tx.execute(SQL, named_params! { ":id": id.to_string() }).map(drop)
}
