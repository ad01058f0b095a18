//! Connected accounts: which belongs to which tenant.

use rusqlite::{Row, Transaction, named_params};

use super::{Control, Error, NewSecret, audit, rows, secrets, tenant_id, tenants};
use crate::domain::{
    TenantId, Timestamp,
    account::{Account, AccountState},
    audit::{Act, NewAudit},
    channel::{AccountId, ChannelKind},
    secret::{SecretName, SecretScope},
};

const COLUMNS: &str = "channel, account_id, tenant_id, username, state, token_secret, connected_at_ms";

impl Control {
    /// Connects an account, or connects it again, and stores its token with it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the account is another tenant's, or when its token was set meanwhile.
    pub async fn connect_account(&self, account: Account, token: NewSecret, act: Act) -> Result<(), Error> {
        self.database.write("connect an account", move |tx| connect(tx, &account, token, act)).await
    }

    /// A tenant's accounts, by channel and id.
    pub async fn accounts(&self, tenant: TenantId) -> Result<Vec<Account>, Error> {
        const ACTION: &str = "list a tenant's accounts";
        self.database
            .read(ACTION, move |tx| {
                let sql =
                    format!("SELECT {COLUMNS} FROM account WHERE tenant_id = :tenant ORDER BY channel, account_id");
                rows(tx, ACTION, &sql, named_params! { ":tenant": tenant.to_string() }, read_account)
            })
            .await
    }

    /// Every account of every tenant, by channel and id.
    pub async fn all_accounts(&self) -> Result<Vec<Account>, Error> {
        const ACTION: &str = "list the accounts";
        self.database
            .read(ACTION, |tx| {
                let sql = format!("SELECT {COLUMNS} FROM account ORDER BY channel, account_id");
                rows(tx, ACTION, &sql, &[], read_account)
            })
            .await
    }

    /// The account of that id.
    pub async fn account(&self, channel: ChannelKind, id: AccountId) -> Result<Option<Account>, Error> {
        self.database.read("find an account", move |tx| find(tx, channel, &id)).await
    }

    /// Whose account it is; `None`: nobody's here.
    pub async fn account_owner(&self, channel: ChannelKind, id: AccountId) -> Result<Option<TenantId>, Error> {
        Ok(self.account(channel, id).await?.map(|account| account.tenant))
    }

    /// Notes whether the channel accepts the account's token; `false` if that was known.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn set_account_state(
        &self,
        channel: ChannelKind,
        id: AccountId,
        state: AccountState,
        act: Act,
    ) -> Result<bool, Error> {
        const ACTION: &str = "change an account's state";
        const SQL: &str = "UPDATE account SET state = :state WHERE channel = :channel AND account_id = :id";
        self.database
            .write(ACTION, move |tx| {
                let before = find(tx, channel, &id)?.ok_or_else(|| missing(&id))?;
                if before.state == state {
                    return Ok(false);
                }
                let row = named_params! { ":state": state.as_str(), ":channel": channel.as_str(), ":id": id.0 };
                tx.execute(SQL, row).map_err(Error::sql(ACTION))?;
                let entry = NewAudit::new("account.state", Some(before.tenant))
                    .id("account", &id)
                    .word("state", state.as_str());
                audit::append(tx, act, &entry)?;
                Ok(true)
            })
            .await
    }

    /// Disconnects a tenant's account and forgets its token.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant has no such account.
    pub async fn remove_account(
        &self,
        tenant: TenantId,
        channel: ChannelKind,
        id: AccountId,
        act: Act,
    ) -> Result<(), Error> {
        const ACTION: &str = "disconnect an account";
        self.database
            .write(ACTION, move |tx| {
                let account = find(tx, channel, &id)?.filter(|account| account.tenant == tenant);
                let account = account.ok_or_else(|| missing(&id))?;
                let row = named_params! { ":channel": channel.as_str(), ":id": id.0 };
                tx.execute("DELETE FROM account WHERE channel = :channel AND account_id = :id", row)
                    .map_err(Error::sql(ACTION))?;
                let token = named_params! { ":scope": tenant.to_string(), ":name": account.token_secret.as_str() };
                tx.execute("DELETE FROM secret WHERE scope = :scope AND name = :name", token)
                    .map_err(Error::sql(ACTION))?;
                audit::append(tx, act, &NewAudit::new("account.disconnected", Some(tenant)).id("account", &id))
            })
            .await
    }
}

fn connect(tx: &Transaction<'_>, account: &Account, token: NewSecret, act: Act) -> Result<(), Error> {
    const ACTION: &str = "connect an account";
    const SQL: &str = "
        INSERT INTO account (channel, account_id, tenant_id, username, state, token_secret, connected_at_ms)
        VALUES (:channel, :account_id, :tenant_id, :username, :state, :token_secret, :connected_at_ms)
        ON CONFLICT (channel, account_id) DO UPDATE SET
            username = excluded.username, state = excluded.state, token_secret = excluded.token_secret,
            connected_at_ms = excluded.connected_at_ms";
    if (token.scope, &token.name) != (SecretScope::Tenant(account.tenant), &account.token_secret) {
        return Err(Error::Conflict("the token is not the one the account names".into()));
    }
    if tenants::by_id(tx, account.tenant)?.is_none() {
        return Err(tenants::missing(account.tenant));
    }
    match find(tx, account.channel, &account.id)? {
        Some(before) if before.tenant != account.tenant => {
            return Err(Error::Conflict(format!("account `{}` belongs to another tenant", account.id)));
        }
        _ => {}
    }
    let row = named_params! {
        ":channel": account.channel.as_str(), ":account_id": account.id.0, ":tenant_id": account.tenant.to_string(),
        ":username": account.username, ":state": account.state.as_str(),
        ":token_secret": account.token_secret.as_str(), ":connected_at_ms": account.connected_at.0,
    };
    tx.execute(SQL, row).map_err(Error::sql(ACTION))?;
    secrets::put(tx, token, act)?;
    audit::append(tx, act, &NewAudit::new("account.connected", Some(account.tenant)).id("account", &account.id))
}

fn find(tx: &Transaction<'_>, channel: ChannelKind, id: &AccountId) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE channel = :channel AND account_id = :id");
    let row = named_params! { ":channel": channel.as_str(), ":id": id.0 };
    Ok(rows(tx, "find an account", &sql, row, read_account)?.into_iter().next())
}

fn missing(id: &AccountId) -> Error {
    Error::NotFound { what: "account", name: id.0.clone() }
}

fn read_account(row: &Row<'_>) -> Result<Result<Account, Error>, rusqlite::Error> {
    let (channel, id, tenant): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (username, state, token): (Option<String>, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let connected_at_ms: i64 = row.get(6)?;
    let unreadable = |what, value: &str| Error::Unreadable { what, value: value.to_owned() };
    let account = || -> Result<Account, Error> {
        Ok(Account {
            channel: channel.parse().map_err(|_| unreadable("an account's channel", &channel))?,
            id: AccountId(id),
            tenant: tenant_id(tenant)?,
            username,
            state: AccountState::parse(&state).ok_or_else(|| unreadable("an account's state", &state))?,
            token_secret: SecretName::parse(&token).map_err(|_| unreadable("a secret's name", &token))?,
            connected_at: Timestamp(connected_at_ms),
        })
    };
    Ok(account())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{secret::Sealed, tenant::Tenant},
        store::control::{
            secrets::tests::secret,
            tenants::tests::{ACT, tenant},
            tests::fresh,
        },
    };

    const TOKEN: &str = "instagram.token:178";

    fn account(owner: &Tenant) -> Account {
        Account {
            channel: ChannelKind::Instagram,
            id: AccountId("178".into()),
            tenant: owner.id,
            username: Some("noor".into()),
            state: AccountState::Active,
            token_secret: SecretName::parse(TOKEN).expect("a name"),
            connected_at: ACT.at,
        }
    }

    async fn two_shops(control: &Control) -> (Tenant, Tenant) {
        let shops = (tenant(1, "one"), tenant(2, "two"));
        for shop in [&shops.0, &shops.1] {
            control.add_tenant(shop.clone(), Sealed(vec![1]), ACT).await.expect("added");
        }
        shops
    }

    async fn connect(control: &Control, owner: &Tenant, version: u32) -> Result<(), Error> {
        let token = secret(SecretScope::Tenant(owner.id), TOKEN, version);
        control.connect_account(account(owner), token, ACT).await
    }

    #[tokio::test]
    async fn an_account_leads_to_its_tenant() {
        let (_folder, control) = fresh().await;
        let (one, two) = two_shops(&control).await;
        connect(&control, &one, 1).await.expect("connected");
        let owner = |id: &str| control.account_owner(ChannelKind::Instagram, AccountId(id.into()));
        assert_eq!(owner("178").await.expect("read"), Some(one.id));
        assert_eq!(owner("179").await.expect("read"), None);
        assert_eq!(control.accounts(one.id).await.expect("read"), [account(&one)]);
        assert!(control.accounts(two.id).await.expect("read").is_empty());
        assert_eq!(control.all_accounts().await.expect("read").len(), 1);
    }

    #[tokio::test]
    async fn an_account_of_another_tenant_is_a_conflict_and_leaves_no_token_behind() {
        let (_folder, control) = fresh().await;
        let (one, two) = two_shops(&control).await;
        connect(&control, &one, 1).await.expect("connected");
        let stolen = connect(&control, &two, 1).await;
        assert!(matches!(stolen, Err(Error::Conflict(_))), "{stolen:?}");
        assert!(control.list_secrets(SecretScope::Tenant(two.id)).await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn connecting_again_replaces_the_token_and_heals_a_refused_account() {
        let (_folder, control) = fresh().await;
        let (one, _) = two_shops(&control).await;
        connect(&control, &one, 1).await.expect("connected");
        let id = || AccountId("178".into());
        let refuse = || control.set_account_state(ChannelKind::Instagram, id(), AccountState::Refused, ACT);
        assert!(refuse().await.expect("refused"));
        assert!(!refuse().await.expect("refused again"));
        connect(&control, &one, 2).await.expect("connected again");
        let found = control.account(ChannelKind::Instagram, id()).await.expect("read").expect("is there");
        assert_eq!(found.state, AccountState::Active);
        assert_eq!(control.list_secrets(SecretScope::Tenant(one.id)).await.expect("read")[0].version, 2);
    }

    #[tokio::test]
    async fn only_its_tenant_can_disconnect_an_account_and_its_token_goes_too() {
        let (_folder, control) = fresh().await;
        let (one, two) = two_shops(&control).await;
        connect(&control, &one, 1).await.expect("connected");
        let remove = |tenant| control.remove_account(tenant, ChannelKind::Instagram, AccountId("178".into()), ACT);
        assert!(matches!(remove(two.id).await, Err(Error::NotFound { .. })));
        remove(one.id).await.expect("disconnected");
        assert!(control.list_secrets(SecretScope::Tenant(one.id)).await.expect("read").is_empty());
        assert!(control.all_accounts().await.expect("read").is_empty());
    }
}
