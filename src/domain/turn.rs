//! One answer-producing run: what goes in and what comes out.

use super::{
    ConversationId, Language, Timestamp, TurnId,
    conversation::{Label, Memory, Message},
    evidence::Evidence,
    persona::Persona,
    product::ProductKey,
    tenant::Tenant,
};

/// Everything an answer is made from, but the catalogue.
#[derive(Clone, Debug)]
pub struct TurnInput {
    /// The run.
    pub turn: TurnId,
    /// Where it takes place.
    pub conversation: ConversationId,
    /// Whose shop.
    pub tenant: Tenant,
    /// Its voice.
    pub persona: Persona,
    /// The shopper's messages that wait for an answer, oldest first; never empty.
    pub open: Vec<Message>,
    /// What was said before, oldest first, at most the newest 20.
    pub history: Vec<Message>,
    /// What was said before that, in short, and up to where it reaches.
    pub memory: Option<Memory>,
    /// The products of the last reply, in its order: what "it" and "the second one" mean.
    pub recalled: Vec<ProductKey>,
    /// The language the shopper last wrote in, when recognised.
    pub language: Option<Language>,
    /// Whether this answer must open with the disclosure.
    pub disclose: bool,
    /// When the run began.
    pub now: Timestamp,
}

/// Why a conversation goes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOverReason {
    /// The shopper asked for one.
    Asked,
    /// The shopper is angry.
    Anger,
    /// About an order: nothing is known of it.
    Order,
    /// About a policy: nothing is known of it.
    Policy,
    /// The assistant could not make sense of it, even after asking.
    NotUnderstood,
    /// No draft passed the guard.
    Guard,
    /// About a topic that the shop leaves to people.
    Topic,
    /// Media that the assistant cannot read.
    Media,
    /// Making the answer failed.
    Failure,
}

impl HandOverReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Asked,
        Self::Anger,
        Self::Order,
        Self::Policy,
        Self::NotUnderstood,
        Self::Topic,
        Self::Guard,
        Self::Media,
        Self::Failure,
    ];

    /// The word in the store, in events and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Anger => "anger",
            Self::Order => "order",
            Self::Policy => "policy",
            Self::NotUnderstood => "not_understood",
            Self::Topic => "topic",
            Self::Guard => "guard",
            Self::Media => "media",
            Self::Failure => "failure",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Why a turn says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressReason {
    /// A person answered first.
    AnsweredByPerson,
    /// The shopper took the messages back.
    Unsent,
    /// The channel's window had closed.
    WindowClosed,
    /// A closing such as "thanks!" that needs no words.
    NothingToSay,
    /// Older than `conversation.max_reply_age_minutes`: parked for a person.
    TooOld,
    /// The tenant's assistant is off.
    ModeOff,
    /// The tenant's assistant answers chosen shoppers only, and this is none of them.
    NotChosen,
    /// A person refused the draft.
    DraftRejected,
    /// The account that would send the answer is not connected.
    AccountNotConnected,
    /// The channel refused the answer for good.
    SendRefused,
    /// Written to the person who was asked for; the bot came back later and answers only what comes then.
    LeftToPerson,
}

impl SuppressReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::AnsweredByPerson,
        Self::Unsent,
        Self::WindowClosed,
        Self::NothingToSay,
        Self::TooOld,
        Self::ModeOff,
        Self::NotChosen,
        Self::DraftRejected,
        Self::AccountNotConnected,
        Self::SendRefused,
        Self::LeftToPerson,
    ];

    /// The word in the store, in events and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnsweredByPerson => "answered_by_person",
            Self::Unsent => "unsent",
            Self::WindowClosed => "window_closed",
            Self::NothingToSay => "nothing_to_say",
            Self::TooOld => "too_old",
            Self::ModeOff => "mode_off",
            Self::NotChosen => "not_chosen",
            Self::DraftRejected => "draft_rejected",
            Self::AccountNotConnected => "account_not_connected",
            Self::SendRefused => "send_refused",
            Self::LeftToPerson => "left_to_person",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// What became of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The shopper gets an answer.
    Answered,
    /// A person is needed; the shopper is told.
    HandedOver(HandOverReason),
    /// Nothing is said.
    Suppressed(SuppressReason),
    /// No customer matter: the conversation gets this label, and the sender one neutral sentence or nothing.
    Parked(Label),
}

impl TurnOutcome {
    /// The word in the store, in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::HandedOver(_) => "handed_over",
            Self::Suppressed(_) => "suppressed",
            Self::Parked(_) => "parked",
        }
    }

    /// The reason, where there is one.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Answered => None,
            Self::HandedOver(reason) => Some(reason.as_str()),
            Self::Suppressed(reason) => Some(reason.as_str()),
            Self::Parked(label) => Some(label.as_str()),
        }
    }
}

/// A finished answer: guarded, ready to be split for the channel and queued.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of it.
    pub outcome: TurnOutcome,
    /// Messages in the order they go out; empty only when suppressed or parked.
    pub messages: Vec<String>,
    /// The products that the messages name, in the order they are named.
    pub products: Vec<ProductKey>,
    /// What the answer rests on.
    pub evidence: Evidence,
    /// The language it is written in.
    pub language: Language,
    /// Whether it opens with the disclosure.
    pub disclosed: bool,
    /// What wrote it: `builtin`, or `PROVIDER:MODEL`.
    pub model: String,
    /// How many drafts the guard refused on the way.
    pub guard_refusals: u32,
}
