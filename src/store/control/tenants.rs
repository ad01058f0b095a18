//! Tenants, and the keys that seal their secrets.

use rusqlite::{ErrorCode, OptionalExtension, Row, Transaction, named_params};

use super::{Control, Error, audit, models, reach, rows, secrets, tenant_id, unowned};
use crate::domain::{
    Currency, Language, TenantId, Timestamp,
    audit::{Act, NewAudit},
    channel::AccountId,
    reach::Standing,
    secret::{Sealed, SecretScope},
    tenant::{Tenant, TenantSlug, TenantState},
};

/// What went when a tenant was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedTenant {
    /// The tenant that was.
    pub tenant: Tenant,
    /// Accounts that belong to nobody now.
    pub accounts: Vec<AccountId>,
    /// How many secrets went.
    pub secrets: u64,
    /// Whether the bytes of its key are gone from the file too; otherwise they go with the next checkpoint.
    pub key_overwritten: bool,
}

const COLUMNS: &str = "
    id, slug, name, currency, language, website, state, created_at_ms, mode, only_from, reach_since_ms";

impl Control {
    /// Adds a tenant together with its key, sealed by the master key. The folder of its id is its own from now on.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the slug is taken.
    pub async fn add_tenant(&self, tenant: Tenant, key: Sealed, act: Act) -> Result<(), Error> {
        const ACTION: &str = "add a tenant";
        const SQL: &str = "
            INSERT INTO tenant (id, slug, name, currency, language, website, state, created_at_ms, mode, only_from,
                                reach_since_ms)
            VALUES (:id, :slug, :name, :currency, :language, :website, :state, :created_at_ms, :mode, :only_from,
                    :reach_since_ms)";
        self.database
            .write(ACTION, move |tx| {
                let row = named_params! {
                    ":id": tenant.id.to_string(), ":slug": tenant.slug.as_str(), ":name": tenant.name,
                    ":currency": tenant.currency.code(), ":language": tenant.language.code(),
                    ":website": tenant.website, ":state": tenant.state.as_str(), ":created_at_ms": tenant.created_at.0,
                    ":mode": tenant.standing.reach.mode.as_str(),
                    ":only_from": reach::only_from_text(&tenant.standing.reach),
                    ":reach_since_ms": tenant.standing.since.0,
                };
                tx.execute(SQL, row).map_err(|error| match error.sqlite_error_code() {
                    Some(ErrorCode::ConstraintViolation) => {
                        Error::Conflict(format!("there is already a tenant `{}`", tenant.slug))
                    }
                    _ => Error::sql(ACTION)(error),
                })?;
                insert_key(tx, ACTION, SecretScope::Tenant(tenant.id), &key)?;
                unowned::forget(tx, tenant.id).map_err(Error::sql(ACTION))?;
                audit::append(tx, act, &NewAudit::new("tenant.added", Some(tenant.id)))
            })
            .await
    }

    /// Every tenant, by slug.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        self.database.read("list the tenants", all).await
    }

    /// The tenant of that slug.
    pub async fn tenant_by_slug(&self, slug: TenantSlug) -> Result<Option<Tenant>, Error> {
        const ACTION: &str = "find a tenant";
        self.database
            .read(ACTION, move |tx| {
                let sql = format!("SELECT {COLUMNS} FROM tenant WHERE slug = :slug");
                rows(tx, ACTION, &sql, named_params! { ":slug": slug.as_str() }, read_tenant)
            })
            .await
            .map(|found| found.into_iter().next())
    }

    /// The tenant of that id, as the last change left it.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<Tenant>, Error> {
        let changes = match self.known.get(&id) {
            Ok(known) => return Ok(Some(known)),
            Err(changes) => changes,
        };
        let found = self.database.read("find a tenant", move |tx| by_id(tx, id)).await?;
        if let Some(tenant) = &found {
            self.known.keep(id, tenant.clone(), changes);
        }
        Ok(found)
    }

    /// Pauses or resumes a tenant; `false` if it was so already.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant.
    pub async fn set_tenant_state(&self, id: TenantId, state: TenantState, act: Act) -> Result<bool, Error> {
        const ACTION: &str = "change a tenant's state";
        self.change_tenant(id, ACTION, move |tx| {
            let before = by_id(tx, id)?.ok_or_else(|| missing(id))?;
            if before.state == state {
                return Ok(false);
            }
            let row = named_params! { ":id": id.to_string(), ":state": state.as_str() };
            tx.execute("UPDATE tenant SET state = :state WHERE id = :id", row).map_err(Error::sql(ACTION))?;
            let action = match state {
                TenantState::Active => "tenant.resumed",
                TenantState::Paused => "tenant.paused",
            };
            audit::append(tx, act, &NewAudit::new(action, Some(id)))?;
            Ok(true)
        })
        .await
    }

    /// Removes a tenant (its folder is noted as nobody's until it is deleted), its accounts, its secrets and its key, without which no copy of its secrets can be read.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant.
    pub async fn remove_tenant(&self, id: TenantId, act: Act) -> Result<RemovedTenant, Error> {
        const ACTION: &str = "remove a tenant";
        let mut removed = self.change_tenant(id, ACTION, move |tx| remove(tx, ACTION, id, act)).await?;
        // The key is zeroed in the file by `secure_delete`; the log may still hold the page as it was.
        removed.key_overwritten = self.database.empty_log(ACTION).await?;
        Ok(removed)
    }

    /// The sealed key of a scope; `None` for a tenant that is gone and for an installation never set up.
    pub async fn data_key(&self, scope: SecretScope) -> Result<Option<Sealed>, Error> {
        const ACTION: &str = "read a key";
        const SQL: &str = "SELECT sealed FROM data_key WHERE scope = :scope";
        self.database
            .read(ACTION, move |tx| {
                tx.query_row(SQL, named_params! { ":scope": scope.to_string() }, |row| row.get(0).map(Sealed))
                    .optional()
                    .map_err(Error::sql(ACTION))
            })
            .await
    }

    /// Every sealed key, the installation's and those of its tenants.
    pub async fn data_keys(&self) -> Result<Vec<(SecretScope, Sealed)>, Error> {
        const ACTION: &str = "read the keys";
        const SQL: &str = "SELECT scope, sealed FROM data_key ORDER BY scope";
        self.database.read(ACTION, move |tx| rows(tx, ACTION, SQL, &[], read_key)).await
    }

    /// Puts keys sealed under another master key in the place of the old ones: all of them, in one commit.
    ///
    /// # Errors
    /// [`Error::Conflict`] when they are not all there are, or one was changed meanwhile: nothing is changed then.
    pub async fn replace_data_keys(&self, keys: Vec<ResealedKey>, act: Act) -> Result<(), Error> {
        const ACTION: &str = "replace the keys";
        const SQL: &str = "UPDATE data_key SET sealed = :new WHERE scope = :scope AND sealed = :old";
        let changed = || Error::Conflict("keys were added or changed meanwhile".into());
        self.database
            .write(ACTION, move |tx| {
                let count: usize =
                    tx.query_row("SELECT count(*) FROM data_key", [], |row| row.get(0)).map_err(Error::sql(ACTION))?;
                if count != keys.len() {
                    return Err(changed());
                }
                for ResealedKey { scope, old, new } in &keys {
                    let row = named_params! { ":scope": scope.to_string(), ":old": old.0, ":new": new.0 };
                    if tx.execute(SQL, row).map_err(Error::sql(ACTION))? != 1 {
                        return Err(changed());
                    }
                }
                audit::append(tx, act, &NewAudit::new("master_key.changed", None).number("keys", keys.len() as i64))
            })
            .await?;
        // The old ones are zeroed in the file by `secure_delete`; the log may still hold their pages.
        if !self.database.empty_log(ACTION).await? {
            tracing::warn!("the log still holds keys as the old master key sealed them; the next start empties it");
        }
        Ok(())
    }

    /// Stores the installation's key, once.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one: replacing it would make every secret unreadable.
    pub async fn add_installation_key(&self, key: Sealed, act: Act) -> Result<(), Error> {
        const ACTION: &str = "store the installation's key";
        self.database
            .write(ACTION, move |tx| {
                insert_key(tx, ACTION, SecretScope::Installation, &key)?;
                audit::append(tx, act, &NewAudit::new("installation.created", None))
            })
            .await
    }
}

/// A data key in its old and in its new envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResealedKey {
    /// Whose it is.
    pub scope: SecretScope,
    /// As it is stored.
    pub old: Sealed,
    /// As it is to be stored.
    pub new: Sealed,
}

fn read_key(row: &Row<'_>) -> Result<Result<(SecretScope, Sealed), Error>, rusqlite::Error> {
    let (scope, sealed): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
    Ok(secrets::scope(&scope).map(|scope| (scope, Sealed(sealed))))
}

fn insert_key(tx: &Transaction<'_>, action: &'static str, scope: SecretScope, key: &Sealed) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO data_key (scope, sealed) VALUES (:scope, :sealed) ON CONFLICT DO NOTHING";
    let row = named_params! { ":scope": scope.to_string(), ":sealed": key.0 };
    match tx.execute(SQL, row).map_err(Error::sql(action))? {
        1 => Ok(()),
        _ => Err(Error::Conflict(format!("{scope} has a key already"))),
    }
}

pub(super) fn remove(
    tx: &Transaction<'_>,
    action: &'static str,
    id: TenantId,
    act: Act,
) -> Result<RemovedTenant, Error> {
    let tenant = by_id(tx, id)?.ok_or_else(|| missing(id))?;
    let accounts = rows(
        tx,
        action,
        "SELECT account_id FROM account WHERE tenant_id = :id ORDER BY account_id",
        named_params! { ":id": id.to_string() },
        |row| Ok(Ok(AccountId(row.get(0)?))),
    )?;
    let delete = |sql: &str| tx.execute(sql, named_params! { ":id": id.to_string() }).map_err(Error::sql(action));
    delete("DELETE FROM data_key WHERE scope = :id")?;
    delete("DELETE FROM account WHERE tenant_id = :id")?;
    let secrets = delete("DELETE FROM secret WHERE scope = :id")? as u64;
    delete("DELETE FROM due WHERE tenant_id = :id")?;
    models::forget(tx, &id.to_string()).map_err(Error::sql(action))?;
    delete("DELETE FROM tenant WHERE id = :id")?;
    unowned::note(tx, id, act.at).map_err(Error::sql(action))?;
    let entry = NewAudit::new("tenant.removed", Some(id))
        .number("accounts", accounts.len() as i64)
        .number("secrets", secrets as i64);
    audit::append(tx, act, &entry)?;
    Ok(RemovedTenant { tenant, accounts, secrets, key_overwritten: false })
}

pub(super) fn by_id(tx: &Transaction<'_>, id: TenantId) -> Result<Option<Tenant>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tenant WHERE id = :id");
    let found = rows(tx, "find a tenant", &sql, named_params! { ":id": id.to_string() }, read_tenant)?;
    Ok(found.into_iter().next())
}

pub(super) fn missing(id: TenantId) -> Error {
    Error::NotFound { what: "tenant", name: id.to_string() }
}

pub(super) fn all(tx: &Transaction<'_>) -> Result<Vec<Tenant>, Error> {
    rows(tx, "list the tenants", &format!("SELECT {COLUMNS} FROM tenant ORDER BY slug"), &[], read_tenant)
}

fn read_tenant(row: &Row<'_>) -> Result<Result<Tenant, Error>, rusqlite::Error> {
    let (id, slug, name): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (currency, language): (String, String) = (row.get(3)?, row.get(4)?);
    let (website, state, created_at_ms): (Option<String>, String, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let reach_since_ms: i64 = row.get(10)?;
    let unreadable = |what, value: &str| Error::Unreadable { what, value: value.to_owned() };
    let tenant = || -> Result<Tenant, Error> {
        Ok(Tenant {
            id: tenant_id(id)?,
            slug: TenantSlug::parse(&slug).map_err(|_| unreadable("a tenant's slug", &slug))?,
            name,
            currency: Currency::parse(&currency).map_err(|_| unreadable("a tenant's currency", &currency))?,
            language: language.parse::<Language>().map_err(|_| unreadable("a tenant's language", &language))?,
            website,
            state: TenantState::parse(&state).ok_or_else(|| unreadable("a tenant's state", &state))?,
            standing: Standing { reach: reach::read(row, 8, 9)?, since: Timestamp(reach_since_ms) },
            created_at: Timestamp(created_at_ms),
        })
    };
    Ok(tenant())
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;
    use crate::store::control::tests::fresh;

    pub(in crate::store::control) fn tenant(number: u128, slug: &str) -> Tenant {
        Tenant {
            id: TenantId(Uuid::from_u128(number)),
            slug: TenantSlug::parse(slug).expect("a slug"),
            name: format!("Shop {number}"),
            currency: Currency::EUR,
            language: Language::De,
            website: Some("https://shop.example".into()),
            state: TenantState::Active,
            standing: Standing::default(),
            created_at: Timestamp(7),
        }
    }

    pub(in crate::store::control) const ACT: Act = Act::operator(Timestamp(9));

    #[tokio::test]
    async fn a_tenant_is_found_by_slug_and_by_id_as_it_was_added() {
        let (_folder, control) = fresh().await;
        let shop = tenant(1, "noor");
        control.add_tenant(shop.clone(), Sealed(vec![1]), ACT).await.expect("added");
        assert_eq!(control.tenant_by_slug(shop.slug.clone()).await.expect("read"), Some(shop.clone()));
        assert_eq!(control.tenant_by_id(shop.id).await.expect("read"), Some(shop.clone()));
        assert_eq!(control.tenants().await.expect("read"), std::slice::from_ref(&shop));
        assert_eq!(control.data_key(SecretScope::Tenant(shop.id)).await.expect("read"), Some(Sealed(vec![1])));
    }

    #[tokio::test]
    async fn a_slug_that_is_taken_is_a_conflict_and_changes_nothing() {
        let (_folder, control) = fresh().await;
        control.add_tenant(tenant(1, "noor"), Sealed(vec![1]), ACT).await.expect("added");
        let second = control.add_tenant(tenant(2, "noor"), Sealed(vec![2]), ACT).await;
        assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
        let scope = SecretScope::Tenant(TenantId(Uuid::from_u128(2)));
        assert_eq!(control.data_key(scope).await.expect("read"), None);
        assert_eq!(control.audit_after(0, 10).await.expect("read").len(), 1);
    }

    #[tokio::test]
    async fn pausing_twice_says_so_and_an_unknown_tenant_is_not_found() {
        let (_folder, control) = fresh().await;
        let shop = tenant(1, "noor");
        control.add_tenant(shop.clone(), Sealed(vec![1]), ACT).await.expect("added");
        assert!(control.set_tenant_state(shop.id, TenantState::Paused, ACT).await.expect("paused"));
        assert!(!control.set_tenant_state(shop.id, TenantState::Paused, ACT).await.expect("paused again"));
        let state = control.tenant_by_id(shop.id).await.expect("read").map(|tenant| tenant.state);
        assert_eq!(state, Some(TenantState::Paused));
        let nobody = control.set_tenant_state(TenantId(Uuid::from_u128(9)), TenantState::Paused, ACT).await;
        assert!(matches!(nobody, Err(Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn the_key_of_a_removed_tenant_is_in_no_byte_of_the_files() {
        let (folder, control) = fresh().await;
        let (gone, stays) = (tenant(1, "gone"), tenant(2, "stays"));
        let (gone_key, stays_key) = ([0xA7_u8; 90], [0xB3_u8; 90]);
        control.add_tenant(gone.clone(), Sealed(gone_key.into()), ACT).await.expect("added");
        control.add_tenant(stays.clone(), Sealed(stays_key.into()), ACT).await.expect("added");
        control.hint_due(gone.id, Timestamp(3)).await.expect("hinted");
        let removed = control.remove_tenant(gone.id, ACT).await.expect("removed");
        assert_eq!((removed.tenant, removed.secrets, removed.key_overwritten), (gone, 0, true));
        assert!(control.due_all().await.expect("read").is_empty());
        assert_eq!(control.tenants().await.expect("read"), [stays]);
        drop(control);
        let bytes: Vec<u8> = fs::read_dir(folder.path())
            .expect("the folder")
            .flat_map(|entry| fs::read(entry.expect("an entry").path()).expect("a file"))
            .collect();
        let holds = |key: &[u8]| bytes.windows(key.len()).any(|window| window == key);
        assert!(holds(&stays_key) && !holds(&gone_key));
    }

    #[tokio::test]
    async fn the_installations_key_is_stored_once() {
        let (_folder, control) = fresh().await;
        control.add_installation_key(Sealed(vec![1]), ACT).await.expect("stored");
        let again = control.add_installation_key(Sealed(vec![2]), ACT).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
        assert_eq!(control.data_key(SecretScope::Installation).await.expect("read"), Some(Sealed(vec![1])));
    }

    #[tokio::test]
    async fn keys_are_replaced_all_together_or_not_at_all() {
        let (_folder, control) = fresh().await;
        control.add_installation_key(Sealed(vec![1]), ACT).await.expect("stored");
        let shop = tenant(1, "one");
        control.add_tenant(shop.clone(), Sealed(vec![2]), ACT).await.expect("added");
        let (house, one) = (SecretScope::Installation, SecretScope::Tenant(shop.id));
        let key = |scope, old, new| ResealedKey { scope, old: Sealed(vec![old]), new: Sealed(vec![new]) };
        for wrong in [vec![key(house, 1, 11)], vec![key(house, 1, 11), key(one, 9, 12)]] {
            assert!(matches!(control.replace_data_keys(wrong, ACT).await, Err(Error::Conflict(_))));
        }
        let stored = async || {
            let keys = control.data_keys().await.expect("read");
            [house, one].map(|scope| keys.iter().find(|(known, _)| *known == scope).map(|(_, key)| key.0.clone()))
        };
        assert_eq!(stored().await, [Some(vec![1]), Some(vec![2])]);
        control.replace_data_keys(vec![key(house, 1, 11), key(one, 2, 12)], ACT).await.expect("replaced");
        assert_eq!(stored().await, [Some(vec![11]), Some(vec![12])]);
    }
}
