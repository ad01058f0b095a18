//! Connecting an Instagram account by its token.

use secrecy::SecretString;

use super::{
    App, Error, TenantCtx,
    accounts::{self, CheckedAccount},
    attend::Attended,
};
use crate::{
    channel::ReadError,
    domain::{
        TenantId,
        account::{Account, AccountState},
        audit::Act,
        channel::{AccountId, ChannelKind},
        event::{EventKind, NewEvent},
        outbox::RefusalScope,
    },
    store::TenantStore,
};

impl App {
    /// Checks a token with the channel, seals it, and has the channel send us the account's events.
    pub async fn connect_instagram(
        &self,
        tenant: &TenantCtx,
        account: AccountId,
        token: SecretString,
    ) -> Result<Account, Error> {
        let me = self.graph.me(&token).await.map_err(|error| not_checked(&account, error))?;
        if me.user_id != account {
            return Err(Error::Credentials {
                message: format!("the token belongs to the account {}, not to {account}", me.user_id),
                hint: Some(format!("Connect `--account-id {}`, or use that account's token.", me.user_id)),
            });
        }
        let act = tenant.act(self.clock.now());
        let checked = CheckedAccount {
            channel: ChannelKind::Instagram,
            id: me.user_id,
            username: me.username,
            token: token.clone(),
        };
        let connected = accounts::connect(tenant, self.store.control(), &self.secrets, checked, act).await?;
        self.forget_owners();
        self.graph.subscribe(&account, &token).await.map_err(|error| not_checked(&account, error))?;
        let store = self.tenant_store(tenant).await?;
        store
            .append_event(NewEvent::new(EventKind::AccountConnected, "operator").id("account", &account), act.at)
            .await?;
        // Replies that the old token was refused for have been put off; there is no reason left to.
        store.account_mended(account, act.at).await?;
        self.changed(tenant.tenant().id).await?;
        Ok(connected)
    }

    /// Remembers that an account's token or permissions were refused; tells so once.
    pub(super) async fn account_refused(
        &self,
        tenant: TenantId,
        store: &TenantStore,
        account: &AccountId,
        reason: &str,
    ) -> Result<(), Error> {
        let refused = NewEvent::new(EventKind::AccountRefused, "system").id("account", account);
        if self.account_changed(store, account, AccountState::Refused, refused).await? {
            tracing::error!(
                tenant.id = %tenant, account.id = %account, reason,
                "the account's token or permissions were refused; connect it again"
            );
        }
        Ok(())
    }

    /// An account that was refused sends again.
    pub(super) async fn account_works(&self, attended: &Attended, account: &AccountId) -> Result<(), Error> {
        let restored = NewEvent::new(EventKind::AccountRestored, "system").id("account", account);
        self.account_changed(&attended.store, account, AccountState::Active, restored).await.map(drop)
    }

    /// `true` if the state has changed. The event first: whoever dies between the two tells it twice, never not at all.
    async fn account_changed(
        &self,
        store: &TenantStore,
        account: &AccountId,
        state: AccountState,
        event: NewEvent,
    ) -> Result<bool, Error> {
        let control = self.store.control();
        match control.account(ChannelKind::Instagram, account.clone()).await? {
            Some(known) if known.state != state => {
                store.append_event(event, self.clock.now()).await?;
                control
                    .set_account_state(ChannelKind::Instagram, account.clone(), state, Act::system(self.clock.now()))
                    .await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn not_checked(account: &AccountId, error: ReadError) -> Error {
    match error {
        ReadError::Refused { scope: RefusalScope::Login | RefusalScope::Request, .. } => Error::Credentials {
            message: format!("Instagram refused the token for the account {account}"),
            hint: Some(
                "Make a new token in Meta's App Dashboard, under Instagram, API setup with Instagram login.".into(),
            ),
        },
        other => Error::Temporary {
            message: format!("the account {account} could not be checked with Instagram"),
            source: Some(other.into()),
        },
    }
}
