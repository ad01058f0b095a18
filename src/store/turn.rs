//! Turns: what one covers, its recorded effects, its commit; and what is due when.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, draft, event, memory, outbox, persona,
    record::{self, TurnRecord},
    row::{json_strings, strings},
};
use crate::domain::{
    ConversationId, Language, MessageId, Timestamp, TurnId,
    conversation::{Conversation, Memory, Message, TakeoverCause},
    event::{EventKind, NewEvent},
    outbox::Author,
    persona::Persona,
    product::ProductKey,
    turn::{HandOverReason, SuppressReason, TurnOutcome},
};

/// Messages before the open ones that a turn sees.
const HISTORY_MAX: u32 = 20;
/// Requests that a turn names; a shopper who writes more often in one breath is found by the first of them.
const CORRELATIONS_MAX: u32 = 16;
/// A send without an outcome after so long has lost its worker.
const SENDING_MAX_MS: i64 = 120_000;

/// The result of an effect, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRecord {
    /// Its place in the run, from 0.
    pub step: u32,
    /// Its kind.
    pub kind: String,
    /// Its result, JSON.
    pub result: String,
}

/// A turn about to run.
#[derive(Clone, Debug)]
pub struct BegunTurn {
    /// The run; the same as before where a crash interrupted it.
    pub turn: TurnId,
    /// Where it takes place.
    pub conversation: Conversation,
    /// The messages it covers, oldest first; never empty.
    pub open: Vec<Message>,
    /// What was said before, oldest first.
    pub history: Vec<Message>,
    /// What was said before that, in short.
    pub memory: Option<Memory>,
    /// The products of the last reply.
    pub recalled: Vec<ProductKey>,
    /// Results recorded before a crash, in order.
    pub effects: Vec<EffectRecord>,
    /// Ties it to what brought its first message, for the log.
    pub correlation: String,
}

/// What a run covers, as it was when the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// The messages.
    pub messages: Vec<MessageId>,
    /// Those of them that the shopper had taken back by then: the run knows nothing of their words.
    pub unsent: Vec<MessageId>,
}

impl Covered {
    /// These messages, as they are.
    #[must_use]
    pub fn of(messages: &[Message]) -> Self {
        let ids = |all: &mut dyn Iterator<Item = &Message>| all.map(|message| message.id).collect();
        Self { messages: ids(&mut messages.iter()), unsent: ids(&mut messages.iter().filter(|message| message.unsent)) }
    }
}

impl BegunTurn {
    /// When the shopper last wrote of what is open.
    #[must_use]
    pub fn written_at(&self) -> Timestamp {
        self.open.iter().map(|message| message.at).max().unwrap_or_default()
    }
}

/// The result of a turn, to be made durable in one transaction.
#[derive(Clone, Debug)]
pub struct TurnCommit {
    /// The run.
    pub turn: TurnId,
    /// Where it took place.
    pub conversation: ConversationId,
    /// The messages it covers.
    pub covered: Covered,
    /// What became of it.
    pub outcome: TurnOutcome,
    /// What goes out, already split for the channel.
    pub parts: Vec<String>,
    /// What goes out is a draft: it waits for a person, until then at the latest.
    pub held_until: Option<Timestamp>,
    /// The products the parts name.
    pub products: Vec<ProductKey>,
    /// The products it rests on.
    pub evidence: Vec<ProductKey>,
    /// The language it is written in.
    pub language: Language,
    /// Whether it opens with the disclosure.
    pub disclosed: bool,
    /// What wrote it.
    pub model: String,
    /// Drafts that the guard refused.
    pub guard_refusals: u32,
    /// What it leaves for people to see.
    pub record: Option<TurnRecord>,
    /// When the run began.
    pub started_at: Timestamp,
    /// The current moment.
    pub now: Timestamp,
}

/// Whether a turn's result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It does.
    Done,
    /// The conversation has moved on meanwhile: nothing was written, and the next turn covers all open messages.
    Superseded,
}

/// A finished turn, for a person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnSummary {
    /// The run.
    pub turn: TurnId,
    /// `answered`, `handed_over`, `suppressed`, `parked`, `superseded`.
    pub outcome: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What wrote it.
    pub model: Option<String>,
    /// The products it rests on.
    pub evidence: Vec<ProductKey>,
    /// Drafts that the guard refused.
    pub guard_refusals: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was durable.
    pub finished_at: Option<Timestamp>,
}

/// What is due in a tenant's file depends on these.
#[derive(Clone, Copy, Debug)]
pub struct DueRules {
    /// The current moment.
    pub now: Timestamp,
    /// After so many minutes of waiting the bot returns.
    pub takeover_minutes: u32,
    /// A paused tenant's bot does nothing.
    pub paused: bool,
    /// Whether whoever began a send may still be at it. Where not, what is being sent is due at once.
    pub senders_live: bool,
}

impl DueRules {
    const fn sending_max_ms(&self) -> i64 {
        if self.senders_live { SENDING_MAX_MS } else { 0 }
    }
}

/// A local trial is attended to by whoever started it, so it is never due here.
const DUE: &str = "
    SELECT id AS conversation_id, turn_due_at_ms AS at_ms FROM conversation
    WHERE turn_due_at_ms IS NOT NULL AND NOT :paused AND channel <> 'local'
    UNION ALL
    SELECT id, waiting_since_ms + :takeover_ms FROM conversation
    WHERE waiting_since_ms IS NOT NULL AND takeover_cause <> 'asked' AND NOT :paused
    UNION ALL
    SELECT conversation_id, not_before_ms FROM outbox
    WHERE state = 'pending' AND held = 1 AND account_id <> 'local' AND NOT :paused
    UNION ALL
    SELECT o.conversation_id, CASE o.state WHEN 'sending' THEN o.sending_at_ms + :sending_ms ELSE o.not_before_ms END
    FROM outbox o
    WHERE o.state IN ('pending', 'sending', 'unknown') AND o.held = 0 AND o.account_id <> 'local'
      AND (NOT :paused OR o.author = 'person' OR o.state <> 'pending')
      AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.conversation_id = o.conversation_id AND p.position < o.position
                      AND p.state IN ('pending', 'sending', 'unknown') AND p.held = 0)";

impl TenantStore {
    /// Conversations with something to do now, the longest waiting first.
    pub async fn due_conversations(&self, rules: DueRules, limit: u32) -> Result<Vec<ConversationId>, Error> {
        self.read("find what is due", move |tx| {
            let sql = format!(
                "SELECT conversation_id, min(at_ms) AS at_ms FROM ({DUE}) WHERE at_ms <= :now
                 GROUP BY conversation_id ORDER BY at_ms LIMIT :limit"
            );
            let find = || -> rusqlite::Result<Vec<ConversationId>> {
                tx.prepare_cached(&sql)?
                    .query_map(
                        named_params! {
                            ":now": rules.now.0, ":paused": rules.paused, ":sending_ms": rules.sending_max_ms(),
                            ":takeover_ms": i64::from(rules.takeover_minutes) * 60_000, ":limit": limit,
                        },
                        |row| super::row::id(row, "conversation_id"),
                    )?
                    .collect()
            };
            find().map_err(Error::sql("find what is due"))
        })
        .await
    }

    /// The earliest moment after `rules.now` at which something is due; `None`: nothing is.
    pub async fn next_due(&self, rules: DueRules) -> Result<Option<Timestamp>, Error> {
        self.read("find what is due next", move |tx| {
            let sql = format!("SELECT min(at_ms) FROM ({DUE}) WHERE at_ms > :now");
            let find = || -> rusqlite::Result<Option<i64>> {
                tx.prepare_cached(&sql)?.query_row(
                    named_params! {
                        ":now": rules.now.0, ":paused": rules.paused, ":sending_ms": rules.sending_max_ms(),
                        ":takeover_ms": i64::from(rules.takeover_minutes) * 60_000,
                    },
                    |row| row.get(0),
                )
            };
            Ok(find().map_err(Error::sql("find what is due next"))?.map(Timestamp))
        })
        .await
    }

    /// What a turn of this conversation would cover now, and the voice it speaks in; `None` if nothing is due or a person
    /// has it.
    pub async fn begin_turn(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Option<(BegunTurn, Persona)>, Error> {
        let fresh = TurnId::next(&*self.ids());
        self.read("begin a turn", move |tx| {
            let begun = begin(tx, conversation, fresh, now).map_err(Error::sql("begin a turn"))?;
            begun.map(|begun| Ok((begun, persona::newest(tx)?.persona))).transpose()
        })
        .await
    }

    /// Makes effects' results durable before anything rests on them. Those of a run that will not stand are not kept: its
    /// commit will tell.
    pub async fn record_effects(
        &self,
        turn: TurnId,
        conversation: ConversationId,
        covered: Covered,
        effects: Vec<EffectRecord>,
        now: Timestamp,
    ) -> Result<(), Error> {
        const TURN: &str = "
            INSERT INTO turn (id, conversation_id, state, started_at_ms) VALUES (:turn, :conversation, 'running', :now)
            ON CONFLICT (id) DO NOTHING";
        const RUNNING: &str = "SELECT 1 FROM turn WHERE id = :turn AND state = 'running'";
        const COVER: &str = "UPDATE message SET turn_id = :turn WHERE id = :message AND turn_id IS NULL";
        const EFFECT: &str = "
            INSERT INTO turn_effect (turn_id, step, kind, result, at_ms) VALUES (:turn, :step, :kind, :result, :now)
            ON CONFLICT (turn_id, step) DO NOTHING";
        self.write("record an effect", move |tx| {
            let turn_text = turn.to_string();
            let record = || -> rusqlite::Result<()> {
                let begins = effects.first().is_none_or(|effect| effect.step == 0);
                let goes_on = || tx.prepare_cached(RUNNING)?.exists(named_params! { ":turn": turn_text });
                if moved_on(tx, conversation, turn, &covered)? || !(begins || goes_on()?) {
                    return Ok(());
                }
                tx.prepare_cached(TURN)?.execute(named_params! {
                    ":turn": turn_text, ":conversation": conversation.to_string(), ":now": now.0,
                })?;
                let mut cover = tx.prepare_cached(COVER)?;
                for message in &covered.messages {
                    cover.execute(named_params! { ":turn": turn_text, ":message": message.to_string() })?;
                }
                let mut insert = tx.prepare_cached(EFFECT)?;
                for EffectRecord { step, kind, result } in &effects {
                    insert.execute(named_params! {
                        ":turn": turn_text, ":step": step, ":kind": kind, ":result": result, ":now": now.0,
                    })?;
                }
                Ok(())
            };
            record().map_err(Error::sql("record an effect"))
        })
        .await
    }

    /// Makes a turn's result durable: what it covers, what goes out, what became of the conversation, and the events.
    pub async fn commit_turn(&self, commit: TurnCommit) -> Result<Committed, Error> {
        let ids = self.ids();
        self.write("commit a turn", move |tx| {
            if moved_on(tx, commit.conversation, commit.turn, &commit.covered).map_err(Error::sql("commit a turn"))? {
                conversation::drop_running(tx, commit.conversation).map_err(Error::sql("commit a turn"))?;
                return Ok(Committed::Superseded);
            }
            write_turn(tx, &commit).map_err(Error::sql("commit a turn"))?;
            append_outcome(tx, &commit)?;
            let held_until = commit.held_until.filter(|_| !commit.parts.is_empty());
            // The hand-over of a draft takes place when a person lets the draft go.
            if let (TurnOutcome::HandedOver(reason), None) = (commit.outcome, held_until) {
                conversation::take_over(tx, commit.conversation, takeover_cause(reason), "bot", commit.now)?;
            }
            if let TurnOutcome::Parked(label) = commit.outcome {
                conversation::set_label(tx, commit.conversation, Some(label), "bot", commit.now)?;
            }
            let queued = outbox::Queued {
                conversation: commit.conversation,
                turn: Some(commit.turn),
                author: Author::Bot,
                parts: &commit.parts,
                products: &commit.products,
                held_until,
            };
            outbox::enqueue(tx, &queued, &*ids, commit.now)?;
            if held_until.is_some() {
                draft::append_waiting(tx, commit.conversation, commit.turn, commit.now)?;
            } else if !commit.parts.is_empty() {
                conversation::unpark(tx, commit.conversation)?;
            }
            Ok(Committed::Done)
        })
        .await
    }

    /// Covers every open message by a silent turn and leaves the conversation to a person.
    pub async fn park_open(
        &self,
        conversation: ConversationId,
        reason: SuppressReason,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ids = self.ids();
        self.write("park open messages", move |tx| {
            conversation::take_over(tx, conversation, TakeoverCause::HandOver, "system", now)?;
            conversation::close_open(tx, conversation, reason, &*ids, now)?;
            conversation::park(tx, conversation, reason, now)
        })
        .await
    }

    /// Covers every open message by a silent turn and leaves them to people. Nobody takes the conversation over: the
    /// shopper's next message is judged anew.
    pub async fn leave_open(
        &self,
        conversation: ConversationId,
        reason: SuppressReason,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ids = self.ids();
        self.write("leave open messages to people", move |tx| {
            match conversation::close_open(tx, conversation, reason, &*ids, now)? {
                0 => Ok(()),
                _ => conversation::park(tx, conversation, reason, now),
            }
        })
        .await
    }
}

fn begin(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    fresh: TurnId,
    now: Timestamp,
) -> rusqlite::Result<Option<BegunTurn>> {
    const DUE_AT: &str = "SELECT turn_due_at_ms, recalled FROM conversation WHERE id = :id";
    const RUNNING: &str = "SELECT id FROM turn WHERE conversation_id = :id AND state = 'running'";
    let id_text = conversation.to_string();
    let Some(found) = conversation::get(tx, conversation)? else { return Ok(None) };
    let (due_at, recalled) = tx.prepare_cached(DUE_AT)?.query_row(named_params! { ":id": id_text }, |row| {
        Ok((super::row::moment(row, "turn_due_at_ms")?, strings(row, "recalled")?))
    })?;
    if found.takeover.is_some() || due_at.is_none_or(|at| at > now) {
        return Ok(None);
    }
    let running: Option<String> =
        tx.prepare_cached(RUNNING)?.query_row(named_params! { ":id": id_text }, |row| row.get(0)).optional()?;
    let turn = running.as_deref().and_then(|text| text.parse().ok()).unwrap_or(fresh);
    let open = open_messages(tx, conversation, turn)?;
    if open.is_empty() {
        return Ok(None);
    }
    let mut history = conversation::newest_messages(tx, conversation, HISTORY_MAX + open.len() as u32)?;
    history.retain(|message| open.iter().all(|it| it.id != message.id));
    let correlation = match open.first() {
        Some(first) => correlation_of(tx, first.id)?,
        None => turn.to_string(),
    };
    Ok(Some(BegunTurn {
        correlation,
        turn,
        conversation: found,
        open,
        history,
        memory: memory::read(tx, conversation)?,
        recalled: recalled.into_iter().map(ProductKey).collect(),
        effects: effects(tx, turn)?,
    }))
}

/// What brought a message: a request, or else the message itself.
fn correlation_of(tx: &Transaction<'_>, message: MessageId) -> rusqlite::Result<String> {
    tx.prepare_cached("SELECT coalesce(correlation, id) FROM message WHERE id = :id")?
        .query_row(named_params! { ":id": message.to_string() }, |row| row.get(0))
}

/// What brought the messages of a turn, the first one first, each once.
fn correlations(tx: &Transaction<'_>, turn: TurnId) -> rusqlite::Result<Vec<String>> {
    const SQL: &str = "
        SELECT coalesce(correlation, id) AS brought_by FROM message WHERE turn_id = :turn
        GROUP BY brought_by ORDER BY min(at_ms), min(id) LIMIT :limit";
    tx.prepare_cached(SQL)?
        .query_map(named_params! { ":turn": turn.to_string(), ":limit": CORRELATIONS_MAX }, |row| row.get(0))?
        .collect()
}

/// The shopper messages that wait for an answer: not covered, or covered by this unfinished run.
fn open_messages(tx: &Transaction<'_>, conversation: ConversationId, turn: TurnId) -> rusqlite::Result<Vec<Message>> {
    let sql = format!(
        "SELECT {} FROM message WHERE conversation_id = :id AND answerable = 1 AND (turn_id IS NULL OR turn_id = :turn)
         ORDER BY at_ms, id",
        conversation::MESSAGE_COLUMNS
    );
    tx.prepare_cached(&sql)?
        .query_map(
            named_params! { ":id": conversation.to_string(), ":turn": turn.to_string() },
            conversation::read_message,
        )?
        .collect()
}

fn effects(tx: &Transaction<'_>, turn: TurnId) -> rusqlite::Result<Vec<EffectRecord>> {
    const SQL: &str = "SELECT step, kind, result FROM turn_effect WHERE turn_id = :turn ORDER BY step";
    tx.prepare_cached(SQL)?
        .query_map(named_params! { ":turn": turn.to_string() }, |row| {
            Ok(EffectRecord { step: row.get(0)?, kind: row.get(1)?, result: row.get(2)? })
        })?
        .collect()
}

/// Who has the conversation after a hand-over.
pub(super) const fn takeover_cause(reason: HandOverReason) -> TakeoverCause {
    match reason {
        HandOverReason::Asked => TakeoverCause::Asked,
        HandOverReason::Anger
        | HandOverReason::Order
        | HandOverReason::Policy
        | HandOverReason::NotUnderstood
        | HandOverReason::Topic
        | HandOverReason::Guard
        | HandOverReason::Media
        | HandOverReason::Failure => TakeoverCause::HandOver,
    }
}

/// Whether the shopper has written more, taken something back, or a person has the conversation since the turn began.
fn moved_on(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    turn: TurnId,
    covered: &Covered,
) -> rusqlite::Result<bool> {
    let taken_over = conversation::get(tx, conversation)?.is_none_or(|it| it.takeover.is_some());
    let open = open_messages(tx, conversation, turn)?;
    let as_it_was = |message: &Message| {
        covered.messages.contains(&message.id) && (!message.unsent || covered.unsent.contains(&message.id))
    };
    Ok(taken_over || open.len() != covered.messages.len() || !open.iter().all(as_it_was))
}

fn write_turn(tx: &Transaction<'_>, commit: &TurnCommit) -> rusqlite::Result<()> {
    const TURN: &str = "
        INSERT INTO turn (id, conversation_id, state, outcome, reason, model, evidence, guard_refusals, started_at_ms,
                          finished_at_ms, recalled_before)
        SELECT :turn, id, 'finished', :outcome, :reason, :model, :evidence, :refusals, :started, :now, recalled
        FROM conversation WHERE id = :conversation
        ON CONFLICT (id) DO UPDATE SET state = 'finished', started_at_ms = min(started_at_ms, excluded.started_at_ms),
            outcome = excluded.outcome, reason = excluded.reason,
            model = excluded.model, evidence = excluded.evidence, guard_refusals = excluded.guard_refusals,
            finished_at_ms = excluded.finished_at_ms, recalled_before = excluded.recalled_before";
    const COVER: &str = "UPDATE message SET turn_id = :turn WHERE id = :message";
    const EFFECTS: &str = "DELETE FROM turn_effect WHERE turn_id = :turn";
    const CONVERSATION: &str = "
        UPDATE conversation SET turn_due_at_ms = NULL, language = :language,
            recalled = CASE WHEN :products = '[]' THEN recalled ELSE :products END,
            disclosed_at_ms = CASE WHEN :disclosed THEN :now ELSE disclosed_at_ms END
        WHERE id = :conversation";
    let (turn, conversation) = (commit.turn.to_string(), commit.conversation.to_string());
    tx.prepare_cached(TURN)?.execute(named_params! {
        ":turn": turn, ":conversation": conversation, ":outcome": commit.outcome.as_str(),
        ":reason": commit.outcome.reason(), ":model": commit.model,
        ":evidence": json_strings(commit.evidence.iter().map(|key| &key.0)), ":refusals": commit.guard_refusals,
        ":started": commit.started_at.0, ":now": commit.now.0,
    })?;
    let mut cover = tx.prepare_cached(COVER)?;
    for message in &commit.covered.messages {
        cover.execute(named_params! { ":turn": turn, ":message": message.to_string() })?;
    }
    if let Some(kept) = &commit.record {
        record::keep(tx, commit.turn, kept)?;
    }
    tx.prepare_cached(EFFECTS)?.execute(named_params! { ":turn": turn })?;
    tx.prepare_cached(CONVERSATION)?.execute(named_params! {
        ":conversation": conversation, ":language": commit.language.code(),
        ":products": json_strings(commit.products.iter().map(|key| &key.0)), ":disclosed": commit.disclosed,
        ":now": commit.now.0,
    })?;
    Ok(())
}

fn append_outcome(tx: &Transaction<'_>, commit: &TurnCommit) -> Result<(), Error> {
    let brought_by = correlations(tx, commit.turn).map_err(Error::sql("commit a turn"))?;
    let (correlation, others) = match brought_by.split_first() {
        Some((first, others)) => (first.clone(), others.join(",")),
        None => (commit.turn.to_string(), String::new()),
    };
    let mut finished = NewEvent::new(EventKind::TurnFinished, "bot")
        .id("conversation", commit.conversation)
        .id("turn", commit.turn)
        .word("outcome", commit.outcome.as_str())
        .number("messages", commit.covered.messages.len() as i64)
        .number("products", commit.products.len() as i64)
        .number("guard_refusals", commit.guard_refusals.into())
        .number("elapsed_ms", commit.now.since_ms(commit.started_at))
        .caused_by(correlation.clone());
    if let Some(reason) = commit.outcome.reason() {
        finished = finished.word("reason", reason);
    }
    if !others.is_empty() {
        finished = finished.id("also_caused_by", others);
    }
    event::append(tx, commit.now, &finished)?;
    if let TurnOutcome::HandedOver(reason) = commit.outcome {
        let handed_over = NewEvent::new(EventKind::HandedOver, "bot")
            .id("conversation", commit.conversation)
            .word("reason", reason.as_str())
            .caused_by(correlation);
        event::append(tx, commit.now, &handed_over)?;
    }
    Ok(())
}
