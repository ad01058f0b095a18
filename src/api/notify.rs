//! Whom a tenant's people are told through. Addresses and keys go in; of addresses only a part comes out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// A target to add.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotifyTarget {
    /// `webhook`, `smtp` or `ntfy`.
    pub via: String,
    /// What it will be called; as `via` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A URL, mailboxes separated by commas, or a topic.
    pub address: String,
    /// The webhook's signing key (`whsec_…`), made when left out; the ntfy account's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `hand_over`, `draft`, `parked`, `account`, `silent`; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// Whether the shopper's name and words go along.
    #[serde(default)]
    pub include_text: bool,
    /// In which times are told and `quiet` is meant, such as `Europe/Berlin`; UTC when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When nothing is told, such as `22:00-07:30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
}

impl std::fmt::Debug for NewNotifyTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewNotifyTarget").field("via", &self.via).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A target, as far as anybody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyTarget {
    /// What it is called.
    pub name: String,
    /// `webhook`, `smtp` or `ntfy`.
    pub via: String,
    /// As much of its address as may be shown.
    pub address: String,
    /// What it wants to hear of.
    pub on: Vec<String>,
    /// Whether the shopper's name and words go along.
    pub include_text: bool,
    /// In which times are told.
    pub time_zone: String,
    /// When nothing is told.
    pub quiet: Option<String>,
    /// When it was added.
    pub created_at: Time,
    /// What has happened and no notification holds yet.
    pub waiting: u64,
    /// When it is told next, if something waits.
    pub next_at: Option<Time>,
    /// Notifications of the last days that were given up.
    pub given_up: u64,
    /// The newest notification.
    pub last: Option<LastNotification>,
}

/// The newest notification of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastNotification {
    /// `pending`, `sending`, `sent` or `given_up`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was put together.
    pub created_at: Time,
    /// When it was sent or given up.
    pub finished_at: Option<Time>,
    /// What the last attempt met, where it failed.
    pub error: Option<String>,
}

/// A target as it was added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyTargetAdded {
    /// The target.
    #[serde(flatten)]
    pub target: NotifyTarget,
    /// The webhook's signing key, if Aura made it. Shown now and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
}

impl std::fmt::Debug for NotifyTargetAdded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NotifyTargetAdded").field(&self.target).finish()
    }
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyTested {
    /// The target.
    pub name: String,
    /// `sent`, `failed` or `refused`.
    pub outcome: String,
    /// Why it did not arrive.
    pub reason: Option<String>,
}
