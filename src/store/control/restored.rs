//! What `control.db` of a backup is made to say before it takes another one's place.

use rusqlite::{OptionalExtension, Transaction, named_params};
use uuid::Uuid;

use super::{Error, audit, tenants};
use crate::domain::{
    TenantId,
    audit::{Act, NewAudit},
    secret::Sealed,
    tenant::{Tenant, TenantState},
};

/// Why a tenant is paused, as the audit log has it.
pub const CAUSE: &str = "restore";

/// Which installation it is of, and its data key; `None`: nothing was ever sealed in it.
pub(in crate::store) fn sealed_key(tx: &Transaction<'_>) -> Result<Option<(Uuid, Sealed)>, Error> {
    const ACTION: &str = "read a key";
    const SQL: &str = "
        SELECT installation_id, sealed FROM installation JOIN data_key ON scope = 'installation'";
    let row: Option<(String, Vec<u8>)> =
        tx.query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(Error::sql(ACTION))?;
    row.map(|(id, sealed)| match Uuid::parse_str(&id) {
        Ok(id) => Ok((id, Sealed(sealed))),
        Err(_) => Err(Error::Unreadable { what: "the installation's id", value: id }),
    })
    .transpose()
}

/// Every tenant in it.
pub(in crate::store) fn tenants(tx: &Transaction<'_>) -> Result<Vec<Tenant>, Error> {
    tenants::all(tx)
}

/// Removes the tenants that were removed while the backup was made, pauses all others, has each looked at as soon as a
/// daemon runs, and notes `entry`.
pub(in crate::store) fn prepare(
    tx: &Transaction<'_>,
    removed: &[TenantId],
    entry: &NewAudit,
    act: Act,
) -> Result<(), Error> {
    const ACTION: &str = "prepare what was restored";
    const PAUSE: &str = "UPDATE tenant SET state = 'paused' WHERE id = :id";
    // The hints in it are from before its tenants' files were copied, and may be late.
    const LOOK: &str = "
        INSERT INTO due (tenant_id, at_ms) SELECT id, 0 FROM tenant WHERE true
        ON CONFLICT (tenant_id) DO UPDATE SET at_ms = 0";
    audit::append(tx, act, entry)?;
    for id in removed {
        tenants::remove(tx, ACTION, *id, act)?;
    }
    for tenant in tenants::all(tx)?.iter().filter(|tenant| tenant.state == TenantState::Active) {
        tx.execute(PAUSE, named_params! { ":id": tenant.id.to_string() }).map_err(Error::sql(ACTION))?;
        audit::append(tx, act, &NewAudit::new("tenant.paused", Some(tenant.id)).word("cause", CAUSE))?;
    }
    tx.execute(LOOK, []).map(drop).map_err(Error::sql(ACTION))
}
