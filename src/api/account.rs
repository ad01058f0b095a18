//! Connected accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// One connected account of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// `instagram`.
    pub channel: String,
    /// The channel's own id of it.
    pub account_id: String,
    /// Its handle, when known.
    pub username: Option<String>,
    /// `connected`, `no_token` or `refused`.
    pub state: String,
    /// When it was connected.
    pub connected_at: Time,
}

/// An account to connect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// `instagram`.
    pub channel: String,
    /// The channel's own id of it.
    pub account_id: String,
    /// The access token; without one the account can receive but not send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connect")
            .field("channel", &self.channel)
            .field("account_id", &self.account_id)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .finish()
    }
}
