//! Telling a tenant's people: what is worth telling, whom, and when. No address and no text of a shopper is here.

mod concern;
mod habit;
mod pace;
mod quiet;

pub use concern::{Concern, concern};
pub use habit::{HABIT_DAYS, MISSES_MAX, USUAL_MIN, WINDOWS_HOURS, is_silent};
pub use pace::{GATHER_MS, REPEAT_MS, STORM_MESSAGES, STORM_MS, backoff_ms, told_at};
pub use quiet::{InvalidQuietHours, InvalidZone, QuietHours, Zone};

use std::{fmt, str::FromStr};

use super::{
    ConversationId, NotificationId, TargetId, Timestamp,
    channel::{AccountId, ChannelKind},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the store, on the wire and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What people can be told of.
    NoticeKind,
    /// The assistant handed a conversation to a person.
    HandOver = "hand_over",
    /// A draft waits for a person's approval.
    Draft = "draft",
    /// A reply waits for a person, or will not go out.
    Parked = "parked",
    /// The channel refuses an account's token or permissions.
    Account = "account",
    /// Nothing comes from an account that is usually written to at this time, or something comes again.
    Silent = "silent",
}

words! {
    /// How a target is reached.
    Via,
    /// A signed POST of JSON.
    Webhook = "webhook",
    /// E-mail through the installation's mail server.
    Smtp = "smtp",
    /// A push through an ntfy server.
    Ntfy = "ntfy",
}

words! {
    /// Where a notification stands.
    NotificationState,
    /// Waits for its next attempt.
    Pending = "pending",
    /// An attempt may be on the wire.
    Sending = "sending",
    /// The other side has it.
    Sent = "sent",
    /// No attempt is left.
    GivenUp = "given_up",
}

/// What people call a target: 1 to 32 of `a-z`, `0-9` and `-`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

/// Text that cannot name a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a target: 1 to 32 of a-z, 0-9 and `-`, not beginning with `-`")]
pub struct InvalidTargetName(String);

impl TargetName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetName {
    type Err = InvalidTargetName;

    fn from_str(text: &str) -> Result<Self, InvalidTargetName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidTargetName(text.to_owned())) }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody or something of the tenant that is told. Its address is a secret and is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: TargetId,
    /// What people call it.
    pub name: TargetName,
    /// How it is reached.
    pub via: Via,
    /// As much of its address as may be shown: a host, a mailbox, the beginning of a topic.
    pub shown: String,
    /// What it wants to hear of; never empty.
    pub kinds: Vec<NoticeKind>,
    /// Whether the shopper's words go along.
    pub include_text: bool,
    /// In which times are told to it.
    pub zone: Zone,
    /// When it is not told.
    pub quiet: Option<QuietHours>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A target with how its notifications fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// The target.
    pub target: Target,
    /// Notices that no notification holds yet.
    pub waiting: u64,
    /// Notifications given up in the last days that are kept.
    pub given_up: u64,
    /// When it is told next, if something waits.
    pub due_at: Option<Timestamp>,
    /// The newest notification.
    pub last: Option<LastNotification>,
}

/// The newest notification of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastNotification {
    /// Where it stands.
    pub state: NotificationState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was put together.
    pub created_at: Timestamp,
    /// When it was sent or given up.
    pub finished_at: Option<Timestamp>,
    /// What the last attempt met, where it failed.
    pub error: Option<String>,
}

/// One thing that people should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Why, as a word.
    pub reason: String,
    /// When it happened.
    pub at: Timestamp,
    /// How often it happened again before this was sent.
    pub repeats: u32,
    /// What it concerns.
    pub about: About,
}

/// What a notice concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A conversation, as it is now.
    Conversation {
        /// Which.
        id: ConversationId,
        /// Where it takes place.
        channel: ChannelKind,
        /// With which account.
        account: AccountId,
        /// Since when the shopper waits: for a person, or since their last message.
        waiting_since: Option<Timestamp>,
        /// The shopper's name and newest words, for a target that asked for text.
        said: Option<Said>,
    },
    /// An account.
    Account {
        /// Which.
        id: AccountId,
        /// Since when it is silent, while it is.
        silent_since: Option<Timestamp>,
    },
}

/// What a shopper said last.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// What people call the shopper, when known.
    pub shopper: Option<String>,
    /// Their newest words, where there are any.
    pub text: Option<String>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said(***)")
    }
}

/// A notification to be sent now: everything that its message is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its id, the same at every attempt: receivers recognise a repetition by it.
    pub id: NotificationId,
    /// When it was put together.
    pub created_at: Timestamp,
    /// What it tells, oldest first; no more than a person reads at once.
    pub notices: Vec<Notice>,
    /// How many it tells of each kind, those beyond [`Self::notices`] included.
    pub counts: Vec<(NoticeKind, u32)>,
}

impl Notification {
    /// The most notices that one message spells out.
    pub const NOTICES_MAX: u32 = 10;

    /// How many notices it holds.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyOutcome {
    /// The other side has it.
    Sent,
    /// It may work later.
    Failed {
        /// What happened: never an address, a token or a text.
        reason: String,
        /// The other side's own wish, milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// The other side does not want it. Tried a few times more: a receiver may be down for an update.
    Refused {
        /// What happened.
        reason: String,
    },
}

impl NotifyOutcome {
    /// The word in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
        }
    }

    /// Why it did not arrive.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Sent => None,
            Self::Failed { reason, .. } | Self::Refused { reason } => Some(reason),
        }
    }
}

/// Whether a host is this very machine, so that what goes there crosses no network.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets_are_short_words() {
        for good in ["webhook", "mail-2", "7", &"a".repeat(32)] {
            assert!(good.parse::<TargetName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "Mail", "a b", "a/b", "ä", &"a".repeat(33)] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_shopper_said_does_not_print() {
        let said = Said { shopper: Some("Ana".into()), text: Some("Hello".into()) };
        assert_eq!(format!("{said:?}"), "Said(***)");
    }
}
