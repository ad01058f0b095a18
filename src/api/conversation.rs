//! Conversations, with what was said, what goes out, and what it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, Time};

/// Which conversations are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationFilter {
    /// The assistant answers.
    Bot,
    /// A person answers.
    Person,
    /// A shopper waits for a person.
    Waiting,
    /// Labelled as no customer matter.
    Labelled,
    /// A draft waits for approval.
    Draft,
    /// Messages were left to people.
    Parked,
}

/// A list to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationQuery {
    /// Only these; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationFilter>,
    /// Only those that somebody is responsible for: the name of one of the staff, `operator`, `me`, or `nobody`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Only those with this label: `spam`, `phishing`, `collaboration`, `business`, `job`, `insult`, `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The most rows; over all tenants: of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those with a message at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only those whose id begins so, `conv_0192f5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// Only these, `conv_…,conv_…`, as far as there are any; of one tenant alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
}

/// The most ids that a list is asked for.
pub const CONVERSATION_IDS_MAX: usize = 100;

/// One conversation, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// `conv_…`.
    pub id: String,
    /// The tenant's slug.
    #[serde(default)]
    pub tenant: String,
    /// `instagram` or `local`.
    pub channel: String,
    /// The shop's account.
    pub account_id: String,
    /// The channel's id of the shopper.
    pub shopper_id: String,
    /// What people call the shopper, when known.
    pub shopper_name: Option<String>,
    /// Who answers: `bot` or `person`.
    pub state: String,
    /// Why a person answers.
    pub takeover: Option<Takeover>,
    /// Who is responsible for it, whoever answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Person>,
    /// The draft that waits for approval.
    pub draft: Option<Draft>,
    /// What was left to people and not dealt with yet.
    pub parked: Option<Parked>,
    /// What it was parked as.
    pub label: Option<String>,
    /// Shopper messages not yet covered by a turn.
    pub open_messages: u32,
    /// The last thing the shopper did that opens the channel's window.
    pub last_shopper_at: Option<Time>,
    /// The newest message of either side.
    pub last_message_at: Time,
    /// The language the shopper last wrote in.
    pub language: Option<String>,
    /// The beginning of its newest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// How many messages there are, of both sides.
    #[serde(default)]
    pub message_count: u64,
    /// What its models have cost.
    #[serde(default)]
    pub cost_usd: String,
    /// Why the assistant has handed it over, while a person has it for that: `asked`, `not_found`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<String>,
}

/// The beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// `shopper`, `bot` or `person`.
    pub side: String,
    /// Its first words; `null` for pure media and for what was taken back.
    pub text: Option<String>,
    /// What was attached.
    pub attachments: Vec<String>,
    /// Taken back by the shopper.
    pub unsent: bool,
}

/// A line of the conversations of all tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InboxLine {
    /// A conversation; those of one tenant follow each other, the newest first.
    Conversation(Box<Conversation>),
    /// A tenant whose conversations cannot be read.
    Skipped(SkippedTenant),
}

/// A tenant that a list over all tenants goes without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedTenant {
    /// Its slug.
    pub tenant: String,
    /// Why it is missing.
    pub skipped: Problem,
}

/// A person answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Takeover {
    /// `echo`, `staff`, `hand_over`, `asked` or `thread_control`.
    pub cause: String,
    /// Since when.
    pub since: Time,
    /// When the shopper began to wait for the person.
    pub waiting_since: Option<Time>,
    /// Who took it over in Aura, or wrote in it last; left out: nobody has yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// When the assistant answers again by itself; `null`: only when a person lets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Time>,
}

/// A person of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// `operator`, or the person's id, `staff_…`.
    pub id: String,
    /// What people call the person; `null`: the person was removed, and the name with the person.
    pub name: Option<String>,
}

/// The person of the shop who has a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// Since when.
    pub since: Time,
    /// Whether that is whoever asks.
    #[serde(default)]
    pub you: bool,
}

/// A takeover that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeoverQuery {
    /// Whether to go on where another person has the conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyway: bool,
}

/// Who is to be responsible for a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignee {
    /// The name of one of the staff, `operator`, or `me`; `null`: nobody.
    pub assignee: Option<String>,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// Which conversation.
    pub id: String,
    /// Messages in it.
    pub messages: u64,
    /// Turns, with everything that was kept of them.
    pub turns: u64,
    /// When; long ago where it was erased before, and nothing is counted then.
    pub erased_at: Time,
}

/// An answer that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// The run that made it, `turn_…`: what a decision names, so that nobody decides about another one unseen.
    pub id: String,
    /// Since when it waits.
    pub since: Time,
}

/// Messages that the assistant has left to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parked {
    /// `too_old`, `window_closed`, `mode_off`, `not_chosen`, `draft_rejected`, …
    pub reason: String,
    /// Since when.
    pub since: Time,
}

/// A decision about a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftDecision {
    /// The draft that was seen; a conflict if another one waits by now. Whichever waits when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// Whether to go on where another person has the conversation; else that is a conflict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyway: bool,
}

/// A person's words in a draft's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftEdit {
    /// The draft that was seen; a conflict if another one waits by now. Whichever waits when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// The words.
    pub text: String,
    /// Whether to go on where another person has the conversation; else that is a conflict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyway: bool,
}

/// One conversation with everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationDetail {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// Whether something was said before these messages.
    #[serde(default)]
    pub has_more: bool,
    /// What goes out, in order: the newest rows; of an earlier page those of its turns.
    pub outbox: Vec<OutboxRow>,
    /// The runs that made the answers, oldest first: the newest ones; of an earlier page those that it names.
    pub turns: Vec<Turn>,
}

/// A part of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The most messages: 200 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only what was said before this message, `msg_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `msg_…`.
    pub id: String,
    /// `shopper`, `bot` or `person`.
    pub side: String,
    /// Which person wrote it in Aura: `operator`, or an id, `staff_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_id: Option<String>,
    /// What people call that person; left out: nobody of ours wrote it, or the person was removed, and the name too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// Its words; `null` for pure media and for what was taken back.
    pub text: Option<String>,
    /// What was attached.
    pub attachments: Vec<String>,
    /// When it was written.
    pub at: Time,
    /// Taken back by the shopper.
    pub unsent: bool,
    /// The run that covers it or that wrote it, `turn_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
    /// How many of its pictures can be asked for, from 0 on; their addresses expire within days.
    #[serde(default)]
    pub pictures: u32,
    /// What models that see have said of its pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
}

/// What a picture shows, in a model's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Which of the message's pictures, from 0.
    pub picture: u32,
    /// What can be seen.
    pub shows: String,
    /// Who looked: `PROVIDER:MODEL`.
    pub made_by: String,
}

/// One message to the shopper, on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxRow {
    /// `out_…`.
    pub id: String,
    /// The run that made it; `null`: a person wrote it.
    pub turn: Option<String>,
    /// `bot` or `person`.
    pub author: String,
    /// Which person wrote it in Aura: `operator`, or an id, `staff_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_id: Option<String>,
    /// What people call that person; left out: nobody of ours wrote it, or the person was removed, and the name too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// Its words.
    pub text: String,
    /// `pending`, `sending`, `sent`, `unknown`, `failed` or `cancelled`.
    pub state: String,
    /// Why it is there.
    pub reason: Option<String>,
    /// Waits for a person: pending, it is part of a draft; unknown, somebody has to look whether it arrived.
    pub held: bool,
    /// When it was queued.
    pub queued_at: Time,
    /// When the channel had it.
    pub sent_at: Option<Time>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// `turn_…`.
    pub id: String,
    /// `answered`, `handed_over`, `suppressed` or `parked`; `null` while it runs.
    pub outcome: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What wrote the answer.
    pub model: Option<String>,
    /// Ids of the products that the answer rests on.
    pub evidence: Vec<String>,
    /// How many drafts the guard refused on the way.
    pub guard_refusals: u32,
    /// When it began.
    pub started_at: Time,
}

/// The label that a conversation is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// The label; `null` takes it off.
    pub label: Option<String>,
}

/// A person's message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Its words.
    pub text: String,
    /// Whether to go on where another person has the conversation; else that is a conflict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyway: bool,
}
