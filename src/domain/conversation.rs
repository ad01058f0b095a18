//! The thread of one shopper with one account.

use super::{
    ConversationId, Language, MessageId, Timestamp, TurnId,
    channel::{AccountId, ChannelKind, ShopperId},
    cost::PicoDollars,
    inbound::AttachmentKind,
    staff::Doer,
    turn::{HandOverReason, SuppressReason},
};

/// What identifies a conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationKey {
    /// The kind of place.
    pub channel: ChannelKind,
    /// The shop's account there.
    pub account: AccountId,
    /// The person.
    pub shopper: ShopperId,
}

/// Why a person has the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeoverCause {
    /// An echo that is not ours: somebody answered from the app or another tool.
    Echo,
    /// A person took it in Aura.
    Staff,
    /// The assistant could not answer.
    HandOver,
    /// The shopper asked for a person: only a person ends it.
    Asked,
    /// The channel gave the thread to another app.
    ThreadControl,
}

impl TakeoverCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [Self::Echo, Self::Staff, Self::HandOver, Self::Asked, Self::ThreadControl];

    /// The word in the store, in events and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Staff => "staff",
            Self::HandOver => "hand_over",
            Self::Asked => "asked",
            Self::ThreadControl => "thread_control",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }

    /// Whether the shopper waits for a person from its beginning on, without a further word.
    #[must_use]
    pub const fn promises(self) -> bool {
        match self {
            Self::HandOver | Self::Asked => true,
            Self::Echo | Self::Staff | Self::ThreadControl => false,
        }
    }
}

/// Why a person no longer has the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeoverEnd {
    /// A person let the assistant answer again.
    Released,
    /// The shopper waited, and no person answered in time.
    Unanswered,
    /// The channel gave the thread back to us.
    ThreadControl,
}

impl TakeoverEnd {
    /// The word in events and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Unanswered => "unanswered",
            Self::ThreadControl => "thread_control",
        }
    }
}

/// What a conversation was parked as: it is no customer matter, and nobody is waiting for the assistant.
///
/// The only list of labels. It stays until a person clears it, and keeps nobody from being answered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Followers, crypto, loans, "promote it on".
    Spam,
    /// Somebody poses as Meta: "your account will be suspended, verify here".
    Phishing,
    /// Influencers, ambassadors, partnerships, products for posts.
    Collaboration,
    /// Wholesale, suppliers, the press.
    Business,
    /// Applications and questions for work.
    Job,
    /// Insults and harassment without a matter.
    Insult,
    /// Whatever else a person, or a shop's own workflow, parks.
    Other,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 7] =
        [Self::Spam, Self::Phishing, Self::Collaboration, Self::Business, Self::Job, Self::Insult, Self::Other];

    /// The word in the store, in events and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Phishing => "phishing",
            Self::Collaboration => "collaboration",
            Self::Business => "business",
            Self::Job => "job",
            Self::Insult => "insult",
            Self::Other => "other",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == word)
    }
}

/// A person answers; the bot is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: TakeoverCause,
    /// When the shopper began to wait for the person: at the hand-over, or with a message; `None` while nobody waits.
    pub waiting_since: Option<Timestamp>,
    /// The shopper's oldest message to the person without an answer; `None`: there is none.
    pub unanswered_since: Option<Timestamp>,
}

/// Who has a conversation that a person answers: who took it over in Aura, or wrote in it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub by: Doer,
    /// Since when.
    pub since: Timestamp,
}

/// What becomes of a person's deed in a conversation that another person has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenHeld {
    /// It is refused, and nothing changes: two people would answer one shopper.
    #[default]
    Refuse,
    /// It is done all the same; the person has been told who has the conversation.
    GoOn,
}

/// Messages of the shopper were left to people, and nobody has dealt with them yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Why the assistant did not answer them.
    pub reason: SuppressReason,
    /// Since when.
    pub since: Timestamp,
}

/// An answer of the assistant that waits for a person's approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The run that made it; what an approval names, so that nobody approves another one unseen.
    pub turn: TurnId,
    /// Since when it waits.
    pub since: Timestamp,
}

/// One conversation, as lists and decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose it is.
    pub key: ConversationKey,
    /// What people call the shopper, when known.
    pub shopper_name: Option<String>,
    /// When the channel was last asked for the name.
    pub shopper_name_at: Option<Timestamp>,
    /// `None`: the bot answers.
    pub takeover: Option<Takeover>,
    /// Which person of the shop that is, as far as it happened in Aura.
    pub holder: Option<Holder>,
    /// Who is responsible for it, whoever answers.
    pub assignee: Option<Doer>,
    /// What was left to people.
    pub parked: Option<Parked>,
    /// What waits for approval.
    pub draft: Option<Draft>,
    /// What it was parked as; `None`: a customer's, or not looked at yet.
    pub label: Option<Label>,
    /// The last thing the shopper did that opens the channel's window.
    pub last_shopper_at: Option<Timestamp>,
    /// The newest message of either side.
    pub last_message_at: Timestamp,
    /// The language the shopper last wrote in, when recognised.
    pub language: Option<Language>,
    /// When the automated-assistant disclosure was last shown.
    pub disclosed_at: Option<Timestamp>,
    /// Shopper messages that no finished turn covers.
    pub open_messages: u32,
}

/// A conversation as a list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The conversation.
    pub conversation: Conversation,
    /// The beginning of its newest message.
    pub preview: Option<Preview>,
    /// Messages of both sides.
    pub messages: u64,
    /// What its models have cost.
    pub cost: PicoDollars,
    /// Why the assistant has handed it over, while the shopper has the person it was handed to.
    pub handed_over: Option<HandOverReason>,
}

/// The beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Who wrote it.
    pub side: Side,
    /// Its first words; `None` for pure media and for what was taken back.
    pub text: Option<String>,
    /// What was attached.
    pub attachments: Vec<AttachmentKind>,
    /// Taken back by the shopper.
    pub unsent: bool,
}

impl Preview {
    /// Characters of a message that are shown.
    pub const CHARS_MAX: usize = 120;
}

/// Which side wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The shopper.
    Shopper,
    /// The assistant.
    Bot,
    /// A person of the shop, or another tool of it.
    Person,
}

impl Side {
    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Bot => "bot",
            Self::Person => "person",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Shopper, Self::Bot, Self::Person].into_iter().find(|side| side.as_str() == word)
    }
}

/// What was said before the newest messages, in short, as a model put it. Data like what it was made of: it instructs
/// nobody and proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The words.
    pub summary: String,
    /// When the last message that it was made of was written.
    pub through_at: Timestamp,
    /// That message.
    pub through: MessageId,
    /// Who made it: `PROVIDER:MODEL`.
    pub made_by: String,
}

impl Memory {
    /// Whether a message is among those that it stands for.
    #[must_use]
    pub fn covers(&self, message: &Message) -> bool {
        (message.at, message.id) <= (self.through_at, self.through)
    }
}

/// What one picture of a message shows, as a model put it for those that do not see. Data like the picture itself: it
/// instructs nobody and proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Which of the message's pictures, from 0.
    pub picture: usize,
    /// What can be seen, on one line.
    pub shows: String,
    /// The thing in it that a shop may sell, in the words of a search; empty when there is none.
    pub product: String,
    /// Who looked: `PROVIDER:MODEL`.
    pub made_by: String,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub side: Side,
    /// Its words; `None` for pure media and for what was taken back.
    pub text: Option<String>,
    /// What a tapped button meant.
    pub payload: Option<String>,
    /// What was attached.
    pub attachments: Vec<AttachmentKind>,
    /// Where its pictures are, for a while: addresses that somebody else chose.
    pub pictures: Vec<String>,
    /// What was seen in them; one at most for each.
    pub sights: Vec<Sight>,
    /// When it was written, by the channel's clock.
    pub at: Timestamp,
    /// Taken back by the shopper.
    pub unsent: bool,
}

impl Message {
    /// Pictures of one message whose addresses are kept: nobody sends more at once and wants each looked at.
    pub const PICTURES_MAX: usize = 10;

    /// How many pictures it has, whether their addresses are known or not.
    #[must_use]
    pub fn picture_count(&self) -> usize {
        let pictures = self.attachments.iter().filter(|kind| **kind == AttachmentKind::Image);
        pictures.count().max(self.pictures.len())
    }
}
