//! The audit log: appended in the transaction of the change it tells of, in a hash chain.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{Control, Error, rows, tenant_id};
use crate::{
    domain::{
        Timestamp,
        audit::{Act, AuditEntry, NewAudit},
    },
    store::chain,
};

/// The version of the payloads written today.
const PAYLOAD_VERSION: i64 = 1;

/// Appends an entry; `seq` has no gaps, and each hash covers the one before it.
pub(super) fn append(tx: &Transaction<'_>, act: Act, entry: &NewAudit) -> Result<(), Error> {
    const HEAD: &str = "UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash";
    const INSERT: &str = "
        INSERT INTO audit (seq, action, version, at_ms, actor, tenant_id, payload, hash)
        VALUES (:seq, :action, :version, :at_ms, :actor, :tenant_id, :payload, :hash)";
    let append = || -> Result<(), rusqlite::Error> {
        let (seq, previous): (i64, Vec<u8>) =
            tx.prepare_cached(HEAD)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let payload = chain::payload(&entry.fields);
        let tenant = entry.tenant.map(|tenant| tenant.to_string());
        let texts = [entry.action, act.actor, tenant.as_deref().unwrap_or_default(), &payload];
        let hash = chain::link(&previous, seq, act.at, texts);
        tx.prepare_cached(INSERT)?.execute(named_params! {
            ":seq": seq, ":action": entry.action, ":version": PAYLOAD_VERSION, ":at_ms": act.at.0,
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

    /// Entries after `after_seq`, oldest first, at most `limit`.
    pub async fn audit_after(&self, after_seq: i64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        const ACTION: &str = "read the audit log";
        const SQL: &str = "
            SELECT seq, action, at_ms, actor, tenant_id, payload FROM audit
            WHERE seq > :after ORDER BY seq LIMIT :limit";
        self.database
            .read(ACTION, move |tx| {
                rows(tx, ACTION, SQL, named_params! { ":after": after_seq, ":limit": limit }, |row| {
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
                })
            })
            .await
    }

    /// The first place at which the chain does not hold: a changed, missing or replaced entry. `None`: it holds.
    pub async fn audit_broken_at(&self) -> Result<Option<i64>, Error> {
        const ACTION: &str = "check the audit log";
        self.database.read(ACTION, |tx| first_break(tx).map_err(Error::sql(ACTION))).await
    }
}

fn first_break(tx: &Transaction<'_>) -> Result<Option<i64>, rusqlite::Error> {
    const SQL: &str = "SELECT seq, action, at_ms, actor, tenant_id, payload, hash FROM audit ORDER BY seq";
    let (mut expected, mut previous) = (1_i64, vec![0_u8; 32]);
    let mut select = tx.prepare_cached(SQL)?;
    let mut entries = select.query([])?;
    while let Some(row) = entries.next()? {
        let (seq, action, at_ms): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (actor, tenant, payload): (String, Option<String>, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let texts = [action.as_str(), &actor, tenant.as_deref().unwrap_or_default(), &payload];
        let stored: Vec<u8> = row.get(6)?;
        previous = chain::link(&previous, seq, Timestamp(at_ms), texts);
        if seq != expected || stored != previous {
            return Ok(Some(expected));
        }
        expected += 1;
    }
    const HEAD: &str = "SELECT 1 FROM audit_head WHERE seq = :seq AND hash = :hash";
    let head: Option<i64> =
        tx.query_row(HEAD, named_params! { ":seq": expected - 1, ":hash": previous }, |row| row.get(0)).optional()?;
    Ok(if head.is_some() { None } else { Some(expected) })
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

    async fn tamper(control: &Control, sql: &'static str) {
        let done =
            control.database.write("tamper", move |tx| tx.execute_batch(sql).map_err(Error::sql("tamper"))).await;
        done.expect("tampered with");
    }

    #[tokio::test]
    async fn an_untouched_chain_holds() {
        let (_folder, control) = fresh().await;
        assert_eq!(control.audit_broken_at().await.expect("checked"), None);
        three_entries(&control).await;
        assert_eq!(control.audit_broken_at().await.expect("checked"), None);
        let entries = control.audit_after(1, 10).await.expect("read");
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(entries[0].payload, r#"{"number":1}"#);
    }

    #[tokio::test]
    async fn a_changed_a_deleted_and_a_cut_off_entry_are_noticed() {
        for (sql, place) in [
            ("UPDATE audit SET payload = '{\"number\":9}' WHERE seq = 2", 2),
            ("UPDATE audit SET actor = 'operator' WHERE seq = 1", 1),
            ("DELETE FROM audit WHERE seq = 2", 2),
            ("DELETE FROM audit WHERE seq = 3", 3),
        ] {
            let (_folder, control) = fresh().await;
            three_entries(&control).await;
            tamper(&control, sql).await;
            assert_eq!(control.audit_broken_at().await.expect("checked"), Some(place), "{sql}");
        }
    }
}
