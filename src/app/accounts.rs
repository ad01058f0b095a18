//! Connecting a tenant's accounts and finding their tokens.

use secrecy::SecretString;

use super::{
    Error, TenantCtx,
    secrets::{Secrets, checked},
};
use crate::{
    domain::{
        account::{Account, AccountState},
        audit::Act,
        channel::{AccountId, ChannelKind},
        secret::{SecretName, SecretScope},
    },
    store::{self, Control},
};

/// An account whose token the channel has just accepted.
#[derive(Clone, Debug)]
pub struct CheckedAccount {
    /// The kind of place.
    pub channel: ChannelKind,
    /// The id that the channel gave for the token, not the one that a person typed.
    pub id: AccountId,
    /// What people call it there.
    pub username: Option<String>,
    /// The token.
    pub token: SecretString,
}

/// Connects an account, or connects it again with a new token.
///
/// # Errors
/// [`Error::Conflict`] when it is another tenant's; [`Error::Invalid`] when id or token cannot be ones.
pub async fn connect(
    ctx: &TenantCtx,
    control: &Control,
    secrets: &Secrets,
    checked_account: CheckedAccount,
    act: Act,
) -> Result<Account, Error> {
    let CheckedAccount { channel, id, username, token } = checked_account;
    let token = checked(&token)?;
    let token_secret = token_name(channel, &id)?;
    let secret = secrets.seal_next(ctx.scope(), token_secret.clone(), &token).await?;
    let account = Account {
        channel,
        id,
        tenant: ctx.id(),
        username,
        state: AccountState::Active,
        token_secret,
        connected_at: act.at,
    };
    if let Err(error) = control.connect_account(account.clone(), secret, act).await {
        return Err(conflict(control, &account, error).await?);
    }
    secrets.forget(ctx.scope());
    Ok(account)
}

/// Says what to do about a conflict: the account is another tenant's, or its token is being set twice at once.
async fn conflict(control: &Control, account: &Account, error: store::Error) -> Result<Error, Error> {
    let store::Error::Conflict(message) = error else { return Err(error.into()) };
    let owner = control.account_owner(account.channel, account.id.clone()).await?;
    let hint = if owner.is_some_and(|owner| owner != account.tenant) {
        "Disconnect it from the other tenant first with `aura connect remove`."
    } else {
        "Try again."
    };
    Ok(Error::Conflict { message, hint: Some(hint.into()) })
}

/// The tenant's accounts.
pub async fn list(ctx: &TenantCtx, control: &Control) -> Result<Vec<Account>, Error> {
    Ok(control.accounts(ctx.id()).await?)
}

/// Disconnects an account and forgets its token.
///
/// # Errors
/// [`Error::Store`] saying so when the tenant has no such account.
pub async fn disconnect(
    ctx: &TenantCtx,
    control: &Control,
    secrets: &Secrets,
    channel: ChannelKind,
    id: AccountId,
    act: Act,
) -> Result<(), Error> {
    control.remove_account(ctx.id(), channel, id, act).await?;
    secrets.forget(ctx.scope());
    Ok(())
}

/// The account's token.
///
/// # Errors
/// [`Error::NotFound`] when it has none any more.
pub async fn token_of(secrets: &Secrets, account: &Account) -> Result<SecretString, Error> {
    let found = secrets.read(SecretScope::Tenant(account.tenant), account.token_secret.clone()).await?;
    found.ok_or_else(|| Error::NotFound {
        what: "token of account",
        name: account.id.to_string(),
        hint: Some(format!("Connect it again with `aura connect {} --account-id {}`.", account.channel, account.id)),
    })
}

fn token_name(channel: ChannelKind, id: &AccountId) -> Result<SecretName, Error> {
    SecretName::parse(&format!("{channel}.token:{id}")).map_err(|_| Error::Invalid {
        message: format!("`{id}` cannot be the id of an account"),
        hint: Some("It is a number such as 17841400000000000.".into()),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{
        app::{
            ErrorKind,
            installation::tests::{ACT, fresh, store_of},
            secrets::Owner,
            tenants::{self, tests::shop},
        },
        config::Config,
    };

    fn account(token: &str) -> CheckedAccount {
        CheckedAccount {
            channel: ChannelKind::Instagram,
            id: AccountId("17841400000000001".into()),
            username: Some("noor".into()),
            token: SecretString::from(token),
        }
    }

    #[tokio::test]
    async fn a_connected_account_has_the_token_it_was_last_connected_with() {
        let (_folder, installation) = fresh().await;
        let (control, secrets) = (&installation.control, Secrets::new(&installation, &Config::default()));
        let ctx = shop(&installation, "noor").await;
        for token in ["IGAA-first", "IGAA-second\n"] {
            let connected = connect(&ctx, control, &secrets, account(token), ACT).await.expect("connected");
            assert_eq!(token_of(&secrets, &connected).await.expect("has one").expose_secret(), token.trim());
            assert_eq!(list(&ctx, control).await.expect("listed"), [connected]);
        }
        let shown = secrets.list(Owner::Tenant(&ctx)).await.expect("listed");
        assert_eq!(
            (shown.len(), shown[0].version, shown[0].name.as_str()),
            (1, 2, "instagram.token:17841400000000001")
        );
    }

    #[tokio::test]
    async fn another_tenants_account_cannot_be_taken_over_but_is_free_after_it_left() {
        let (_folder, installation) = fresh().await;
        let (control, secrets) = (&installation.control, Secrets::new(&installation, &Config::default()));
        let (one, two) = (shop(&installation, "one").await, shop(&installation, "two").await);
        let first = connect(&one, control, &secrets, account("IGAA"), ACT).await.expect("connected");
        let error = connect(&two, control, &secrets, account("IGAB"), ACT).await.expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(!error.to_string().contains("one"), "says nothing of the other tenant: {error}");
        assert_eq!(token_of(&secrets, &first).await.expect("untouched").expose_secret(), "IGAA");
        tenants::remove(one, &installation, &store_of(&installation).await, &secrets, ACT).await.expect("removed");
        assert_eq!(token_of(&secrets, &first).await.expect_err("gone").kind(), ErrorKind::NotFound);
        connect(&two, control, &secrets, account("IGAB"), ACT).await.expect("free now");
    }

    #[tokio::test]
    async fn disconnecting_forgets_the_token() {
        let (_folder, installation) = fresh().await;
        let (control, secrets) = (&installation.control, Secrets::new(&installation, &Config::default()));
        let ctx = shop(&installation, "noor").await;
        let connected = connect(&ctx, control, &secrets, account("IGAA"), ACT).await.expect("connected");
        token_of(&secrets, &connected).await.expect("has one");
        let id = connected.id.clone();
        disconnect(&ctx, control, &secrets, ChannelKind::Instagram, id.clone(), ACT).await.expect("disconnected");
        assert_eq!(token_of(&secrets, &connected).await.expect_err("gone").kind(), ErrorKind::NotFound);
        let again = disconnect(&ctx, control, &secrets, ChannelKind::Instagram, id, ACT).await;
        assert_eq!(again.expect_err("gone").kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_id_that_cannot_be_one_is_refused_before_anything_is_stored() {
        let (_folder, installation) = fresh().await;
        let (control, secrets) = (&installation.control, Secrets::new(&installation, &Config::default()));
        let ctx = shop(&installation, "noor").await;
        let odd = CheckedAccount { id: AccountId("a|b".into()), ..account("IGAA") };
        assert_eq!(connect(&ctx, control, &secrets, odd, ACT).await.expect_err("refused").kind(), ErrorKind::Usage);
        assert!(list(&ctx, control).await.expect("listed").is_empty());
    }
}
