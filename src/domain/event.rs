//! The tenant's log of state changes: ids and figures, never message text, names or URLs.

use super::{
    ConversationId, StaffId, Timestamp,
    cost::PicoDollars,
    staff::{Doer, OPERATOR, STAFF},
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the store, in `aura tail` and in filters.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// A shopper wrote, sent something or tapped a button.
    MessageReceived = "message.received",
    /// A shopper took a message back; its text is erased.
    MessageUnsent = "message.unsent",
    /// A shopper has read our messages.
    MessageRead = "message.read",
    /// Any other event of the channel, recorded only.
    ChannelRecorded = "channel.recorded",
    /// A run produced its result.
    TurnFinished = "turn.finished",
    /// A reply waits to go out.
    ReplyQueued = "reply.queued",
    /// The channel has it.
    ReplySent = "reply.sent",
    /// It is not known whether it arrived.
    ReplyUnknown = "reply.unknown",
    /// An unknown outcome was resolved.
    ReplyReconciled = "reply.reconciled",
    /// The channel refused it.
    ReplyFailed = "reply.failed",
    /// It will not go out.
    ReplyCancelled = "reply.cancelled",
    /// A person has to look: a held reply, a refused one.
    ReplyHeld = "reply.held",
    /// An answer waits for a person's approval.
    DraftWaiting = "draft.waiting",
    /// A person lets the draft go out as it is.
    DraftApproved = "draft.approved",
    /// A person sends other words in its place.
    DraftEdited = "draft.edited",
    /// A person refuses the draft; the messages are left to people.
    DraftRejected = "draft.rejected",
    /// The draft has lost its reason: the shopper wrote again, a person answered, the window closed, …
    DraftWithdrawn = "draft.withdrawn",
    /// What the shopper wrote is no customer matter, or a person says so.
    Labelled = "conversation.labelled",
    /// A person took the label off.
    Unlabelled = "conversation.unlabelled",
    /// A conversation was erased, with everything that was known of its shopper.
    ConversationErased = "conversation.erased",
    /// The assistant asked for a person.
    HandedOver = "conversation.handed_over",
    /// Messages of the shopper were left to people.
    Parked = "conversation.parked",
    /// A person answers from now on.
    TakeoverStarted = "takeover.started",
    /// The bot answers again.
    TakeoverEnded = "takeover.ended",
    /// A conversation that people have went from one of them to another.
    TakeoverPassed = "takeover.passed",
    /// Somebody is responsible for the conversation from now on.
    Assigned = "conversation.assigned",
    /// Nobody is responsible for it any more.
    Unassigned = "conversation.unassigned",
    /// A person of the shop wrote.
    PersonWrote = "person.wrote",
    /// A DM was found that no webhook had brought.
    MessageRecovered = "message.recovered",
    /// The catalogue changed.
    CatalogImported = "catalog.imported",
    /// An account was connected.
    AccountConnected = "account.connected",
    /// The account's token or permissions need a person.
    AccountRefused = "account.refused",
    /// An account that was refused sends again.
    AccountRestored = "account.restored",
    /// Nothing comes from an account that is usually written to at this time.
    AccountSilent = "account.silent",
    /// Something comes from an account that was silent.
    AccountHeard = "account.heard",
    /// A target has been told.
    NotificationSent = "notification.sent",
    /// A target could not be told.
    NotificationGivenUp = "notification.given_up",
    /// A call of a model ended.
    ModelCalled = "model.called",
    /// The voice changed.
    PersonaChanged = "persona.changed",
    /// The tenant was paused.
    TenantPaused = "tenant.paused",
    /// How far the assistant may go, or with whom, was changed.
    TenantModeChanged = "tenant.mode_changed",
    /// The tenant answers again.
    TenantResumed = "tenant.resumed",
}

impl EventKind {
    /// The kinds that a word of a filter means: one by its name, or all of a family (`message.*`). Empty: nothing is called so.
    #[must_use]
    pub fn matching(word: &str) -> Vec<Self> {
        let family = word.strip_suffix('*').filter(|family| family.ends_with('.'));
        let wanted = |kind: &Self| match family {
            Some(family) => kind.as_str().starts_with(family),
            None => kind.as_str() == word,
        };
        Self::ALL.iter().copied().filter(wanted).collect()
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// One value in an event. There is no variant for free text, on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// An id of ours or of the channel.
    Id(String),
    /// One of a fixed set of words.
    Word(&'static str),
    /// A count, a duration in ms, a size in bytes.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// An event about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What changed.
    pub kind: EventKind,
    /// Who did it: `shopper`, `bot`, `operator`, `staff`, `system`, …
    pub actor: &'static str,
    /// Ties everything that one inbound message caused together.
    pub correlation: Option<String>,
    /// Ids and figures.
    pub fields: Vec<(&'static str, Field)>,
}

impl NewEvent {
    /// An event without fields.
    #[must_use]
    pub const fn new(kind: EventKind, actor: &'static str) -> Self {
        Self { kind, actor, correlation: None, fields: Vec::new() }
    }

    /// Adds an id.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: impl std::fmt::Display) -> Self {
        self.fields.push((name, Field::Id(id.to_string())));
        self
    }

    /// Adds a word.
    #[must_use]
    pub fn word(mut self, name: &'static str, word: &'static str) -> Self {
        self.fields.push((name, Field::Word(word)));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.fields.push((name, Field::Number(number)));
        self
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, name: &'static str, flag: bool) -> Self {
        self.fields.push((name, Field::Flag(flag)));
        self
    }

    /// The id of that name.
    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<&str> {
        self.fields.iter().find_map(|(known, field)| match field {
            Field::Id(id) if *known == name => Some(id.as_str()),
            _ => None,
        })
    }

    /// The word of that name.
    #[must_use]
    pub fn word_of(&self, name: &str) -> Option<&'static str> {
        self.fields.iter().find_map(|(known, field)| match field {
            Field::Word(word) if *known == name => Some(*word),
            _ => None,
        })
    }

    /// The same event as this person's doing, if it was called the operator's: the log names the person by id.
    #[must_use]
    pub fn done_by(mut self, doer: Doer) -> Self {
        if let (Some(id), OPERATOR) = (doer.staff(), self.actor) {
            self.actor = doer.actor();
            self = self.id(STAFF, id);
        }
        self
    }

    /// Whether the operator or somebody of the staff did it.
    #[must_use]
    pub fn is_by_a_person(&self) -> bool {
        matches!(self.actor, OPERATOR | STAFF)
    }

    /// Ties it to what caused it.
    #[must_use]
    pub fn caused_by(mut self, correlation: impl Into<String>) -> Self {
        self.correlation = Some(correlation.into());
        self
    }
}

/// Which events are wanted; what says nothing leaves nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only these kinds; all when empty.
    pub kinds: Vec<EventKind>,
    /// Only of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what this one did.
    pub actor: Option<String>,
    /// Only what this one of the staff did.
    pub staff: Option<StaffId>,
    /// Only what cost as much or more.
    pub cost_min: Option<PicoDollars>,
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the tenant's log, from 1, without gaps.
    pub seq: i64,
    /// The word of its kind; a newer binary's word may be unknown here.
    pub kind: String,
    /// When it was appended.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Ties everything that one inbound message caused together.
    pub correlation: Option<String>,
    /// Ids and figures, as a JSON object.
    pub payload: String,
}
