//! A connected account of a tenant.

use super::{
    TenantId, Timestamp,
    channel::{AccountId, ChannelKind},
    secret::SecretName,
};

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Its token worked when last used.
    Active,
    /// The channel refused its token or its permissions; a person has to connect it again.
    Refused,
}

impl AccountState {
    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Refused => "refused",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Refused].into_iter().find(|state| state.as_str() == word)
    }
}

/// One connected account, as `control.db` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The kind of place.
    pub channel: ChannelKind,
    /// The channel's own id of it; belongs to one tenant only.
    pub id: AccountId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it there, without the `@`.
    pub username: Option<String>,
    /// Whether it can be used.
    pub state: AccountState,
    /// The name of its token among the tenant's secrets.
    pub token_secret: SecretName,
    /// When it was last connected.
    pub connected_at: Timestamp,
}
