//! The audit log: appended in the transaction of the change it tells of, in a hash chain.

use rusqlite::{Row, Transaction, named_params};

use super::{Control, Error, rows, tenant_id};
use crate::{
    domain::{
        Timestamp,
        audit::{Act, AuditEntry, NewAudit},
        event::Field,
        staff::STAFF,
    },
    store::chain,
};

/// Appends an entry; `seq` has no gaps, and each hash covers the one before it.
pub(super) fn append(tx: &Transaction<'_>, act: Act, entry: &NewAudit) -> Result<(), Error> {
    const HEAD: &str = "UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash";
    const INSERT: &str = "
        INSERT INTO audit (seq, action, version, at_ms, actor, tenant_id, payload, hash)
        VALUES (:seq, :action, :version, :at_ms, :actor, :tenant_id, :payload, :hash)";
    let append = || -> Result<(), rusqlite::Error> {
        let (seq, previous): (i64, Vec<u8>) =
            tx.prepare_cached(HEAD)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut fields = entry.fields.clone();
        fields.extend(act.staff.map(|id| (STAFF, Field::Id(id.to_string()))));
        let payload = chain::payload(&fields);
        let tenant = entry.tenant.map(|tenant| tenant.to_string());
        let linked = chain::Entry {
            seq,
            version: chain::FORMAT,
            at_ms: act.at.0,
            what: entry.action,
            actor: act.actor,
            about: tenant.as_deref(),
            payload: &payload,
        };
        let hash = chain::link(chain::INSTALLATION, &previous, &linked).expect("today's format is known");
        tx.prepare_cached(INSERT)?.execute(named_params! {
            ":seq": seq, ":action": entry.action, ":version": chain::FORMAT, ":at_ms": act.at.0,
            ":actor": act.actor, ":tenant_id": tenant, ":payload": payload, ":hash": hash,
        })?;
        tx.prepare_cached("UPDATE audit_head SET hash = :hash")?.execute(named_params! { ":hash": hash })?;
        Ok(())
    };
    append().map_err(Error::sql("append to the audit log"))
}

impl Control {
    /// Appends an entry about something that changed outside this file.
    pub async fn append_audit(&self, act: Act, entry: NewAudit) -> Result<(), Error> {
        self.database.write("append to the audit log", move |tx| append(tx, act, &entry)).await
    }

    /// The newest entries of one action, the newest first, at most `limit`.
    pub async fn audit_newest(&self, action: &'static str, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        const ACTION: &str = "read the audit log";
        const SQL: &str = "
            SELECT seq, action, at_ms, actor, tenant_id, payload FROM audit
            WHERE action = :action ORDER BY seq DESC LIMIT :limit";
        self.database
            .read(ACTION, move |tx| rows(tx, ACTION, SQL, named_params! { ":action": action, ":limit": limit }, entry))
            .await
    }

    /// Entries after `after_seq`, oldest first, at most `limit`.
    pub async fn audit_after(&self, after_seq: i64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        const ACTION: &str = "read the audit log";
        const SQL: &str = "
            SELECT seq, action, at_ms, actor, tenant_id, payload FROM audit
            WHERE seq > :after ORDER BY seq LIMIT :limit";
        self.database
            .read(ACTION, move |tx| {
                rows(tx, ACTION, SQL, named_params! { ":after": after_seq, ":limit": limit }, entry)
            })
            .await
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Result<AuditEntry, Error>> {
    let tenant: Option<String> = row.get(4)?;
    let tenant = match tenant.map(tenant_id).transpose() {
        Ok(tenant) => tenant,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(AuditEntry {
        seq: row.get(0)?,
        action: row.get(1)?,
        at: Timestamp(row.get(2)?),
        actor: row.get(3)?,
        tenant,
        payload: row.get(5)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::control::tests::fresh;

    async fn three_entries(control: &Control) {
        for number in 0..3 {
            let entry = NewAudit::new("test.done", None).number("number", number);
            control.append_audit(Act::system(Timestamp(number)), entry).await.expect("appended");
        }
    }

    #[tokio::test]
    async fn entries_are_read_in_their_order() {
        let (_folder, control) = fresh().await;
        three_entries(&control).await;
        let entries = control.audit_after(1, 10).await.expect("read");
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(entries[0].payload, r#"{"number":1}"#);
    }
}
