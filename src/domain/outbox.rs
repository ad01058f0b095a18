//! The life of one message to one shopper.

/// Where an outbox row stands. `pending → sending → sent`, or `unknown`, `failed`, `cancelled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// Waits for its turn, or for a retry (`not_before_ms`).
    Pending,
    /// Claimed; the request may be on the wire.
    Sending,
    /// The channel has it.
    Sent,
    /// It may or may not have arrived; being reconciled, or held for a person.
    Unknown,
    /// The channel refused it for good.
    Failed,
    /// Will not be sent; the reason is beside it.
    Cancelled,
}

impl OutboxState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Pending, Self::Sending, Self::Sent, Self::Unknown, Self::Failed, Self::Cancelled];

    /// The word in the store, in metrics and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the store's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Who wrote what goes out. Decides the window and the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// The assistant.
    Bot,
    /// A person of the shop, through Aura.
    Person,
}

impl Author {
    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Person => "person",
        }
    }

    /// Reads the store's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Bot, Self::Person].into_iter().find(|author| author.as_str() == word)
    }
}

/// What came of an attempt to send, as the channel's adapter classifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// Accepted; the channel's id of the message.
    Sent {
        /// Equal to the mid of the later echo.
        mid: String,
    },
    /// Certainly not sent; may be tried again, not before `retry_after_ms` if given.
    NotSent {
        /// What happened, for the event and the log: never text of the message.
        reason: String,
        /// The channel's own hint.
        retry_after_ms: Option<i64>,
    },
    /// May have been sent: timeout, reset, 5xx, code 1 or 2.
    Ambiguous {
        /// What happened.
        reason: String,
    },
    /// Refused for good.
    Refused {
        /// Whom the refusal concerns.
        scope: RefusalScope,
        /// What happened.
        reason: String,
    },
}

impl SendOutcome {
    /// The word in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::NotSent { .. } => "not_sent",
            Self::Ambiguous { .. } => "unknown",
            Self::Refused { .. } => "refused",
        }
    }
}

/// Whom a refusal concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalScope {
    /// This request only; repeating it is useless.
    Request,
    /// This thread, until the shopper writes again.
    Thread,
    /// The account: its token or its permissions need a person.
    Login,
    /// The account or the app is restricted.
    Account,
}

impl RefusalScope {
    /// The word in events and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Thread => "thread",
            Self::Login => "login",
            Self::Account => "account",
        }
    }
}
