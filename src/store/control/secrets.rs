//! Sealed secrets. Nothing here can open one.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{Control, Error, audit, rows, tenant_id};
use crate::domain::{
    Timestamp,
    audit::{Act, NewAudit},
    secret::{Fingerprint, Sealed, SecretInfo, SecretName, SecretScope, StoredSecret},
};

/// A secret about to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret {
    /// Whose it is.
    pub scope: SecretScope,
    /// Its name.
    pub name: SecretName,
    /// The version it was sealed as: one more than the stored one, 1 for the first.
    pub version: u32,
    /// The secret itself.
    pub sealed: Sealed,
    /// Tells it from its predecessors.
    pub fingerprint: Fingerprint,
}

const COLUMNS: &str = "scope, name, fingerprint, version, set_at_ms, sealed";

impl Control {
    /// Stores a secret in place of the version before it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody stored another version meanwhile: read, seal and try again.
    /// [`Error::NotFound`] when the tenant is gone.
    pub async fn put_secret(&self, secret: NewSecret, act: Act) -> Result<SecretInfo, Error> {
        self.database.write("store a secret", move |tx| put(tx, secret, act)).await
    }

    /// A secret as it was sealed.
    pub async fn get_secret(&self, scope: SecretScope, name: SecretName) -> Result<Option<StoredSecret>, Error> {
        self.database.read("read a secret", move |tx| get(tx, scope, &name)).await
    }

    /// What may be shown of a scope's secrets, by name.
    pub async fn list_secrets(&self, scope: SecretScope) -> Result<Vec<SecretInfo>, Error> {
        const ACTION: &str = "list the secrets";
        let found = self
            .database
            .read(ACTION, move |tx| {
                let sql = format!("SELECT {COLUMNS} FROM secret WHERE scope = :scope ORDER BY name");
                rows(tx, ACTION, &sql, named_params! { ":scope": scope.to_string() }, read_secret)
            })
            .await?;
        Ok(found.into_iter().map(|secret| secret.info).collect())
    }

    /// Removes a secret; `false` if there was none.
    pub async fn remove_secret(&self, scope: SecretScope, name: SecretName, act: Act) -> Result<bool, Error> {
        const ACTION: &str = "remove a secret";
        const SQL: &str = "DELETE FROM secret WHERE scope = :scope AND name = :name";
        self.database
            .write(ACTION, move |tx| {
                let row = named_params! { ":scope": scope.to_string(), ":name": name.as_str() };
                if tx.execute(SQL, row).map_err(Error::sql(ACTION))? == 0 {
                    return Ok(false);
                }
                audit::append(tx, act, &entry("secret.removed", scope, &name))?;
                Ok(true)
            })
            .await
    }
}

pub(super) fn put(tx: &Transaction<'_>, secret: NewSecret, act: Act) -> Result<SecretInfo, Error> {
    const ACTION: &str = "store a secret";
    const SQL: &str = "
        INSERT INTO secret (scope, name, sealed, fingerprint, version, set_at_ms)
        VALUES (:scope, :name, :sealed, :fingerprint, :version, :set_at_ms)
        ON CONFLICT (scope, name) DO UPDATE SET
            sealed = excluded.sealed, fingerprint = excluded.fingerprint,
            version = excluded.version, set_at_ms = excluded.set_at_ms";
    let NewSecret { scope, name, version, sealed, fingerprint } = secret;
    if !has_key(tx, scope)? {
        return Err(Error::NotFound { what: "key of", name: scope.to_string() });
    }
    let stored = get(tx, scope, &name)?.map_or(0, |secret| secret.info.version);
    if version != stored + 1 {
        return Err(Error::Conflict(format!("`{name}` was set by somebody else meanwhile")));
    }
    let row = named_params! {
        ":scope": scope.to_string(), ":name": name.as_str(), ":sealed": sealed.0, ":fingerprint": fingerprint.0,
        ":version": version, ":set_at_ms": act.at.0,
    };
    tx.execute(SQL, row).map_err(Error::sql(ACTION))?;
    audit::append(tx, act, &entry("secret.set", scope, &name).number("version", i64::from(version)))?;
    Ok(SecretInfo { scope, name, fingerprint, version, set_at: act.at })
}

fn get(tx: &Transaction<'_>, scope: SecretScope, name: &SecretName) -> Result<Option<StoredSecret>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM secret WHERE scope = :scope AND name = :name");
    let row = named_params! { ":scope": scope.to_string(), ":name": name.as_str() };
    Ok(rows(tx, "read a secret", &sql, row, read_secret)?.into_iter().next())
}

/// A scope without a key is a tenant that was removed: what would be stored for it could never be read.
fn has_key(tx: &Transaction<'_>, scope: SecretScope) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM data_key WHERE scope = :scope";
    let found: Option<i64> = tx
        .query_row(SQL, named_params! { ":scope": scope.to_string() }, |row| row.get(0))
        .optional()
        .map_err(Error::sql("read a key"))?;
    Ok(found.is_some())
}

fn entry(action: &'static str, scope: SecretScope, name: &SecretName) -> NewAudit {
    let tenant = match scope {
        SecretScope::Installation => None,
        SecretScope::Tenant(tenant) => Some(tenant),
    };
    NewAudit::new(action, tenant).id("name", name)
}

/// Whose something is, as it is stored.
pub(super) fn scope(text: &str) -> Result<SecretScope, Error> {
    match text {
        "installation" => Ok(SecretScope::Installation),
        _ => tenant_id(text.to_owned()).map(SecretScope::Tenant),
    }
}

fn read_secret(row: &Row<'_>) -> Result<Result<StoredSecret, Error>, rusqlite::Error> {
    let (scope, name, fingerprint): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (version, set_at_ms, sealed): (u32, i64, Vec<u8>) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let secret = || -> Result<StoredSecret, Error> {
        let scope = self::scope(&scope)?;
        let name =
            SecretName::parse(&name).map_err(|_| Error::Unreadable { what: "a secret's name", value: name.clone() })?;
        let fingerprint = Fingerprint(fingerprint);
        let info = SecretInfo { scope, name, fingerprint, version, set_at: Timestamp(set_at_ms) };
        Ok(StoredSecret { info, sealed: Sealed(sealed) })
    };
    Ok(secret())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        domain::TenantId,
        store::control::{
            tenants::tests::{ACT, tenant},
            tests::fresh,
        },
    };

    pub(in crate::store::control) fn secret(scope: SecretScope, name: &str, version: u32) -> NewSecret {
        let name = SecretName::parse(name).expect("a name");
        let sealed = Sealed(vec![u8::try_from(version).expect("small"); 4]);
        NewSecret { scope, name, version, sealed, fingerprint: Fingerprint(format!("{version:08x}")) }
    }

    #[tokio::test]
    async fn a_secret_is_replaced_version_by_version_and_listed_without_its_value() {
        let (_folder, control) = fresh().await;
        control.add_installation_key(Sealed(vec![1]), ACT).await.expect("stored");
        let scope = SecretScope::Installation;
        control.put_secret(secret(scope, "meta.app_secret", 1), ACT).await.expect("stored");
        let info = control.put_secret(secret(scope, "meta.app_secret", 2), ACT).await.expect("stored");
        assert_eq!((info.version, info.fingerprint.0.as_str()), (2, "00000002"));
        assert_eq!(control.list_secrets(scope).await.expect("listed"), std::slice::from_ref(&info));
        let stored = control.get_secret(scope, info.name.clone()).await.expect("read").expect("is there");
        assert_eq!(stored.sealed, Sealed(vec![2; 4]));
        assert!(control.remove_secret(scope, info.name.clone(), ACT).await.expect("removed"));
        assert!(!control.remove_secret(scope, info.name, ACT).await.expect("nothing to remove"));
    }

    #[tokio::test]
    async fn a_version_that_was_overtaken_is_a_conflict() {
        let (_folder, control) = fresh().await;
        control.add_installation_key(Sealed(vec![1]), ACT).await.expect("stored");
        let scope = SecretScope::Installation;
        control.put_secret(secret(scope, "meta.app_secret", 1), ACT).await.expect("stored");
        for version in [1, 3] {
            let outcome = control.put_secret(secret(scope, "meta.app_secret", version), ACT).await;
            assert!(matches!(outcome, Err(Error::Conflict(_))), "{version}");
        }
    }

    #[tokio::test]
    async fn one_tenants_secrets_are_not_anothers_and_go_with_it() {
        let (_folder, control) = fresh().await;
        let (one, two) = (tenant(1, "one"), tenant(2, "two"));
        for shop in [&one, &two] {
            control.add_tenant(shop.clone(), Sealed(vec![1]), ACT).await.expect("added");
            let scope = SecretScope::Tenant(shop.id);
            control.put_secret(secret(scope, "meta.verify_token", 1), ACT).await.expect("stored");
        }
        assert_eq!(control.remove_tenant(one.id, ACT).await.expect("removed").secrets, 1);
        let left = |id: TenantId| control.list_secrets(SecretScope::Tenant(id));
        assert_eq!((left(one.id).await.expect("read").len(), left(two.id).await.expect("read").len()), (0, 1));
        let late = control.put_secret(secret(SecretScope::Tenant(one.id), "meta.verify_token", 1), ACT).await;
        assert!(matches!(late, Err(Error::NotFound { .. })), "{late:?}");
    }
}
