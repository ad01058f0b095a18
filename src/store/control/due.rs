//! The wake index: one row a tenant, when its file should be looked at next.
//!
//! A hint, so that a start reads one table instead of opening every tenant. The tenant's own file is the truth: a hint
//! too early costs a look, and a slow sweep repairs one that is missing.

use rusqlite::named_params;

use super::{Control, Error, rows, tenant_id};
use crate::domain::{TenantId, Timestamp};

impl Control {
    /// Sees to it that the tenant is looked at no later than `at`. Writes nothing when it already will be.
    pub async fn hint_due(&self, tenant: TenantId, at: Timestamp) -> Result<(), Error> {
        const ACTION: &str = "hint at a timer";
        const SQL: &str = "
            INSERT INTO due (tenant_id, at_ms) VALUES (:tenant_id, :at_ms)
            ON CONFLICT (tenant_id) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms < at_ms";
        self.set(ACTION, SQL, tenant, at).await
    }

    /// Replaces the hint, after the tenant's own file was read.
    pub async fn set_due(&self, tenant: TenantId, at: Timestamp) -> Result<(), Error> {
        const ACTION: &str = "set a timer";
        const SQL: &str = "
            INSERT INTO due (tenant_id, at_ms) VALUES (:tenant_id, :at_ms)
            ON CONFLICT (tenant_id) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms <> at_ms";
        self.set(ACTION, SQL, tenant, at).await
    }

    /// Forgets the hint: nothing in the tenant's file waits for a time.
    pub async fn clear_due(&self, tenant: TenantId) -> Result<(), Error> {
        const ACTION: &str = "clear a timer";
        self.database
            .write(ACTION, move |tx| {
                let row = named_params! { ":tenant_id": tenant.to_string() };
                tx.execute("DELETE FROM due WHERE tenant_id = :tenant_id", row).map_err(Error::sql(ACTION))?;
                Ok(())
            })
            .await
    }

    /// Every hint, the earliest first.
    pub async fn due_all(&self) -> Result<Vec<(TenantId, Timestamp)>, Error> {
        const ACTION: &str = "read the timers";
        const SQL: &str = "SELECT tenant_id, at_ms FROM due ORDER BY at_ms, tenant_id";
        self.database
            .read(ACTION, |tx| {
                rows(tx, ACTION, SQL, &[], |row| {
                    let at = Timestamp(row.get(1)?);
                    Ok(tenant_id(row.get(0)?).map(|tenant| (tenant, at)))
                })
            })
            .await
    }

    async fn set(&self, action: &'static str, sql: &'static str, tenant: TenantId, at: Timestamp) -> Result<(), Error> {
        self.database
            .write(action, move |tx| {
                let row = named_params! { ":tenant_id": tenant.to_string(), ":at_ms": at.0 };
                tx.prepare_cached(sql).and_then(|mut upsert| upsert.execute(row)).map_err(Error::sql(action))?;
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::control::tests::fresh;

    #[tokio::test]
    async fn a_hint_only_moves_the_time_forward_and_set_replaces_it() {
        let (_folder, control) = fresh().await;
        let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        for at in [50, 80, 30, 40] {
            control.hint_due(one, Timestamp(at)).await.expect("hinted");
        }
        control.hint_due(two, Timestamp(10)).await.expect("hinted");
        assert_eq!(control.due_all().await.expect("read"), [(two, Timestamp(10)), (one, Timestamp(30))]);
        control.set_due(one, Timestamp(90)).await.expect("set");
        control.clear_due(two).await.expect("cleared");
        assert_eq!(control.due_all().await.expect("read"), [(one, Timestamp(90))]);
    }
}
