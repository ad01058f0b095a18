//! How far a tenant's assistant may go, and what held before.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{Control, Error, audit, tenants};
use crate::domain::{
    TenantId, Timestamp,
    audit::{Act, NewAudit},
    reach::{Chosen, Mode, Reach},
};

/// What held longer ago than this is forgotten: no channel's window is open for so long.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

impl Control {
    /// Changes how far a tenant's assistant may go, and with whom; `false` if it was so already.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant.
    pub async fn set_reach(&self, id: TenantId, reach: Reach, act: Act) -> Result<bool, Error> {
        const ACTION: &str = "change a tenant's mode";
        const KEEP: &str = "
            INSERT INTO reach_before (tenant_id, until_ms, mode, only_from) SELECT id, :now, mode, only_from FROM tenant WHERE id = :id";
        const FORGET: &str = "DELETE FROM reach_before WHERE tenant_id = :id AND until_ms < :oldest";
        const CHANGE: &str = "
            UPDATE tenant SET mode = :mode, only_from = :only_from, reach_since_ms = :now WHERE id = :id";
        self.change_tenant(id, ACTION, move |tx| {
            let before = tenants::by_id(tx, id)?.ok_or_else(|| tenants::missing(id))?;
            if before.standing.reach == reach {
                return Ok(false);
            }
            let id_text = id.to_string();
            let change = || -> rusqlite::Result<usize> {
                tx.execute(KEEP, named_params! { ":id": id_text, ":now": act.at.0 })?;
                tx.execute(FORGET, named_params! { ":id": id_text, ":oldest": act.at.0 - KEPT_MS })?;
                tx.execute(
                    CHANGE,
                    named_params! {
                        ":id": id_text, ":mode": reach.mode.as_str(), ":only_from": only_from_text(&reach),
                        ":now": act.at.0,
                    },
                )
            };
            change().map_err(Error::sql(ACTION))?;
            let entry = NewAudit::new("tenant.mode_changed", Some(id))
                .word("mode", reach.mode.as_str())
                .word("before", before.standing.reach.mode.as_str())
                .number("only_from", reach.only_from.len() as i64);
            audit::append(tx, act, &entry)?;
            Ok(true)
        })
        .await
    }

    /// What held for a tenant at a moment; `None` when the tenant is gone.
    pub async fn reach_at(&self, id: TenantId, at: Timestamp) -> Result<Option<Reach>, Error> {
        self.database.read("read what a tenant's mode was", move |tx| before(tx, id, at)).await
    }
}

fn before(tx: &Transaction<'_>, id: TenantId, at: Timestamp) -> Result<Option<Reach>, Error> {
    const SQL: &str = "
        SELECT mode, only_from FROM reach_before WHERE tenant_id = :id AND until_ms > :at ORDER BY until_ms, id LIMIT 1";
    let found = tx
        .prepare_cached(SQL)
        .and_then(|mut select| {
            select.query_row(named_params! { ":id": id.to_string(), ":at": at.0 }, |row| Ok(read(row, 0, 1))).optional()
        })
        .map_err(Error::sql("read what a tenant's mode was"))?;
    match found {
        Some(reach) => reach.map(Some),
        None => Ok(tenants::by_id(tx, id)?.map(|tenant| tenant.standing.reach)),
    }
}

/// The chosen shoppers as the store keeps them.
pub(super) fn only_from_text(reach: &Reach) -> String {
    crate::store::row::json_strings(reach.only_from.iter().map(ToString::to_string))
}

/// Reads a reach from the columns at these places.
pub(super) fn read(row: &Row<'_>, mode_at: usize, only_from_at: usize) -> Result<Reach, Error> {
    let failed = |error| Error::sql("read a tenant's mode")(error);
    let (mode, only_from): (String, String) =
        row.get(mode_at).and_then(|mode| Ok((mode, row.get(only_from_at)?))).map_err(failed)?;
    let unreadable = |what, value: &str| Error::Unreadable { what, value: value.to_owned() };
    let listed: Vec<String> =
        serde_json::from_str(&only_from).map_err(|_| unreadable("a tenant's chosen shoppers", &only_from))?;
    let chosen = |text: &String| Chosen::parse(text).map_err(|_| unreadable("a chosen shopper", text));
    Ok(Reach {
        mode: Mode::parse(&mode).ok_or_else(|| unreadable("a tenant's mode", &mode))?,
        only_from: listed.iter().map(chosen).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::secret::Sealed,
        store::control::{tenants::tests::tenant, tests::fresh},
    };

    fn reach(mode: Mode, only_from: &[&str]) -> Reach {
        Reach { mode, only_from: only_from.iter().map(|text| Chosen::parse(text).expect("a shopper")).collect() }
    }

    #[tokio::test]
    async fn what_was_written_before_a_change_is_judged_by_what_held_then() {
        let (_folder, control) = fresh().await;
        let shop = tenant(1, "noor");
        control.add_tenant(shop.clone(), Sealed(vec![1]), Act::operator(Timestamp(7))).await.expect("added");
        let trial = reach(Mode::Suggest, &["@ana.k", "1284305829174402"]);
        for (at, to, changes) in [
            (100, reach(Mode::Off, &[]), true),
            (100, reach(Mode::Off, &[]), false),
            (200, trial.clone(), true),
            (300, reach(Mode::Live, &[]), true),
        ] {
            let changed = control.set_reach(shop.id, to, Act::operator(Timestamp(at))).await;
            assert_eq!(changed.expect("changed"), changes, "{at}");
        }
        for (at, held) in [
            (50, reach(Mode::Live, &[])),
            (100, reach(Mode::Off, &[])),
            (199, reach(Mode::Off, &[])),
            (250, trial),
            (300, reach(Mode::Live, &[])),
        ] {
            assert_eq!(control.reach_at(shop.id, Timestamp(at)).await.expect("read"), Some(held), "{at}");
        }
        let now = control.tenant_by_id(shop.id).await.expect("read").expect("is there").standing;
        assert_eq!((now.reach, now.since), (reach(Mode::Live, &[]), Timestamp(300)));
        let audited = control.audit_after(0, 10).await.expect("read");
        let payloads: Vec<_> = audited.iter().filter(|entry| entry.action == "tenant.mode_changed").collect();
        assert_eq!(payloads.len(), 3);
        assert_eq!(payloads[1].payload, r#"{"before":"off","mode":"suggest","only_from":2}"#);
        control.remove_tenant(shop.id, Act::operator(Timestamp(400))).await.expect("its history goes with it");
        assert_eq!(control.reach_at(shop.id, Timestamp(50)).await.expect("read"), None);
    }
}
