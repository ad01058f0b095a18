//! Where conversations take place: one trait, one adapter per kind of place.
//!
//! An adapter carries out one call and says truthfully what came of it. It never retries, never decides who may write
//! when (`domain::policy` does, from the channel's rules), and never puts a token or message text into an error.

pub mod instagram;
mod local;
mod split;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::domain::{
    Timestamp,
    channel::{AccountId, ChannelKind, ChannelRules, ShopperId},
    inbound::{Attachment, InboundEvent, InboundKind, InboundMessage},
    outbox::{RefusalScope, SendOutcome},
    policy::Tag,
};
pub use instagram::Instagram;
pub use local::Local;
pub use split::split;

/// One account on one channel.
pub trait Channel: fmt::Debug + Send + Sync {
    /// What kind of place it is.
    fn kind(&self) -> ChannelKind;

    /// What it demands of what we send.
    fn rules(&self) -> &'static ChannelRules {
        ChannelRules::of(self.kind())
    }

    /// Sends one text message, once. Whatever happens is an outcome, and one that is not certain says so.
    fn send_text<'a>(&'a self, shopper: &'a ShopperId, text: &'a str, tag: Option<Tag>) -> BoxFuture<'a, SendOutcome>;

    /// Shows the shopper that the messages are read and an answer is being written. A courtesy: failing changes
    /// nothing.
    fn show_seen_and_typing<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<(), ReadError>>;

    /// What people call the shopper there: the user name, without an `@`. `None`: the channel has none to give.
    fn shopper_name<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<Option<String>, ReadError>>;

    /// The newest messages of the thread with `shopper`, newest first, as the channel shows them now.
    fn newest_messages<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<Vec<ThreadMessage>, ReadError>>;
}

/// Why a call that sends no message failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No answer, or one that promises nothing: may work later.
    #[error("the channel did not answer: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
    },
    /// Too many calls.
    #[error("the channel limits our calls: {reason}")]
    Limited {
        /// What happened.
        reason: String,
        /// The channel's own hint.
        retry_after_ms: Option<i64>,
    },
    /// Refused until something changes.
    #[error("the channel refused: {reason}")]
    Refused {
        /// Whom the refusal concerns.
        scope: RefusalScope,
        /// What happened.
        reason: String,
    },
    /// An answer that makes no sense.
    #[error("the channel's answer is not readable: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The channel shows no thread with this shopper, or an empty one. That proves nothing: it also hides threads for
    /// missing permissions and in the requests folder.
    #[error("the channel does not show the thread")]
    NoThread,
    /// The channel cannot be read back.
    #[error("this channel has no history to read")]
    Unsupported,
}

impl ReadError {
    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "channel_unreachable",
            Self::Limited { .. } => "channel_limited",
            Self::Refused { scope: RefusalScope::Login, .. } => "channel_login",
            Self::Refused { .. } => "channel_refused",
            Self::Unreadable { .. } => "channel_unreadable",
            Self::NoThread => "channel_no_thread",
            Self::Unsupported => "channel_unsupported",
        }
    }

    /// Whether the same call may succeed later without anyone doing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Limited { .. })
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { scope: RefusalScope::Login, .. } => Some(
                "Connect the account again with `aura connect instagram`, and check in the Instagram app that \
                 connected tools may access messages."
                    .into(),
            ),
            Self::Refused { scope: RefusalScope::Account, .. } => {
                Some("Look into the account's status in the Instagram app and the app's in Meta's dashboard.".into())
            }
            Self::Refused { scope: RefusalScope::Request | RefusalScope::Thread, .. }
            | Self::Unreachable { .. }
            | Self::Limited { .. }
            | Self::Unreadable { .. }
            | Self::NoThread
            | Self::Unsupported => None,
        }
    }
}

/// A message as the channel's history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadMessage {
    /// The channel's message id; equal to the one in events.
    pub mid: String,
    /// Who wrote it, in the history's own ids: the account's may differ from the one in events.
    pub from: String,
    /// Whether the shopper wrote it; otherwise it comes from the account's side.
    pub from_shopper: bool,
    /// Its words.
    pub text: Option<String>,
    /// When, in whole seconds.
    pub created_at: Timestamp,
    /// What is attached, as far as the history tells.
    pub attachments: Vec<Attachment>,
    /// The channel will not show us what it is.
    pub unsupported: bool,
}

impl ThreadMessage {
    /// The event that should have brought this message: for one whose webhook never came.
    #[must_use]
    pub fn into_event(self, account: AccountId, shopper: ShopperId) -> InboundEvent {
        let Self { mid, from_shopper, text, created_at, attachments, unsupported, from: _ } = self;
        let dedupe_key = mid.clone();
        let kind = if from_shopper {
            InboundKind::Message(InboundMessage { mid, text, attachments, unsupported, ..InboundMessage::default() })
        } else {
            InboundKind::Echo { mid, text, app_id: None, attachments }
        };
        InboundEvent { account, shopper: Some(shopper), at: created_at, dedupe_key, kind }
    }
}

/// A thread as the channel's history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The channel's id of it.
    pub id: String,
    /// With whom.
    pub shopper: ShopperId,
    /// What the shopper is called there.
    pub shopper_name: Option<String>,
    /// When something last happened in it.
    pub updated_at: Timestamp,
    /// Its newest messages, newest first, as many as the channel shows.
    pub messages: Vec<ThreadMessage>,
}
