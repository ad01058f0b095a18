//! Conversations and their messages: reading, takeover and release.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, event, outbox, people,
    row::{id, moment, parsed, parsed_opt, strings},
    sight,
};
use crate::domain::{
    ConversationId, Ids, Timestamp, TurnId,
    channel::{AccountId, ChannelKind, ShopperId},
    conversation::{
        Conversation, ConversationKey, Draft, Holder, Label, Message, Parked, Side, Takeover, TakeoverCause,
        TakeoverEnd, WhenHeld,
    },
    event::{EventKind, NewEvent},
    inbound::AttachmentKind,
    policy,
    turn::SuppressReason,
};

/// Messages of shoppers that the assistant has yet to deal with: no turn covers them, or one that is not finished.
pub(super) const OPEN_MESSAGES: &str = "
    SELECT id, conversation_id, received_at_ms FROM message WHERE answerable = 1 AND turn_id IS NULL
    UNION ALL
    SELECT m.id, m.conversation_id, m.received_at_ms FROM turn t JOIN message m ON m.turn_id = t.id
    WHERE t.state = 'running' AND m.answerable = 1";

/// When the oldest message came that waits for the assistant.
pub(super) fn oldest_open() -> String {
    format!(
        "SELECT min(o.received_at_ms) FROM ({OPEN_MESSAGES}) o JOIN conversation c ON c.id = o.conversation_id
         WHERE c.takeover_cause IS NULL AND c.channel <> 'local'"
    )
}

pub(super) const COLUMNS: &str = "
    id, channel, account_id, shopper_id, shopper_name, shopper_name_at_ms, language, label, last_message_at_ms, last_shopper_at_ms, disclosed_at_ms,
    takeover_cause, takeover_since_ms, waiting_since_ms, promised_since_ms, parked_reason, parked_since_ms,
    holder, held_since_ms, assignee,
    (SELECT o.turn_id FROM outbox o
     WHERE o.conversation_id = conversation.id AND o.state = 'pending' AND o.held = 1 LIMIT 1) AS draft_turn_id,
    (SELECT min(o.queued_at_ms) FROM outbox o
     WHERE o.conversation_id = conversation.id AND o.state = 'pending' AND o.held = 1) AS draft_since_ms,
    (SELECT count(*) FROM message m WHERE m.conversation_id = conversation.id AND m.answerable = 1 AND m.turn_id IS NULL)
    + (SELECT count(*) FROM turn t JOIN message m ON m.turn_id = t.id
       WHERE t.conversation_id = conversation.id AND t.state = 'running' AND m.answerable = 1)
        AS open_messages";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    let cause = parsed_opt(row, "takeover_cause", TakeoverCause::parse)?;
    let since = moment(row, "takeover_since_ms")?.unwrap_or_default();
    let unanswered_since = moment(row, "waiting_since_ms")?;
    let waiting_since = unanswered_since.into_iter().chain(moment(row, "promised_since_ms")?).min();
    let parked_reason = parsed_opt(row, "parked_reason", SuppressReason::parse)?;
    let parked_since = moment(row, "parked_since_ms")?.unwrap_or_default();
    let holder = parsed_opt(row, "holder", |text| text.parse().ok())?;
    let held_since = moment(row, "held_since_ms")?.unwrap_or_default();
    let draft = parsed_opt(row, "draft_turn_id", |text| text.parse().ok())?;
    let draft_since = moment(row, "draft_since_ms")?.unwrap_or_default();
    Ok(Conversation {
        id: id(row, "id")?,
        key: ConversationKey {
            channel: parsed(row, "channel", |word| word.parse::<ChannelKind>().ok())?,
            account: AccountId(row.get("account_id")?),
            shopper: ShopperId(row.get("shopper_id")?),
        },
        shopper_name: row.get("shopper_name")?,
        shopper_name_at: moment(row, "shopper_name_at_ms")?,
        takeover: cause.map(|cause| Takeover { since, cause, waiting_since, unanswered_since }),
        holder: holder.map(|by| Holder { by, since: held_since }),
        assignee: parsed_opt(row, "assignee", |text| text.parse().ok())?,
        parked: parked_reason.map(|reason| Parked { reason, since: parked_since }),
        draft: draft.map(|turn| Draft { turn, since: draft_since }),
        label: parsed_opt(row, "label", Label::parse)?,
        last_shopper_at: moment(row, "last_shopper_at_ms")?,
        last_message_at: Timestamp(row.get("last_message_at_ms")?),
        language: parsed_opt(row, "language", |code| code.parse().ok())?,
        disclosed_at: moment(row, "disclosed_at_ms")?,
        open_messages: row.get("open_messages")?,
    })
}

pub(super) fn get(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<Option<Conversation>> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM conversation WHERE id = :id"))?
        .query_row(named_params! { ":id": conversation.to_string() }, read)
        .optional()
}

pub(super) fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let attachments = strings(row, "attachments")?;
    Ok(Message {
        id: id(row, "id")?,
        side: parsed(row, "side", Side::parse)?,
        text: row.get("text")?,
        payload: row.get("payload")?,
        attachments: attachments.iter().map(|word| AttachmentKind::parse(word)).collect(),
        pictures: strings(row, "pictures")?,
        sights: sight::read(row)?,
        at: Timestamp(row.get("at_ms")?),
        unsent: row.get("unsent")?,
    })
}

pub(super) const MESSAGE_COLUMNS: &str = "id, side, text, payload, attachments, pictures, sights, at_ms, unsent";

/// Starts a takeover, or renews the one there is. An answer of which nothing has left, or that is being made, is as if it had
/// never been: its messages wait for the person. The rest of one that was being sent is cancelled.
///
/// Whoever asked for a person keeps the person: no later cause turns that into a takeover that ends by itself. A hand-over
/// waits for its person from now on ([`close_open`] and [`person_came`] end that).
pub(super) fn take_over(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    cause: TakeoverCause,
    actor: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    outbox::supersede(tx, conversation, None, "takeover", now)?;
    outbox::cancel_pending(tx, conversation, None, "takeover", now)?;
    drop_running(tx, conversation).map_err(Error::sql("start a takeover"))?;
    mark_taken_over(tx, conversation, cause, actor, now)
}

/// The same for a conversation in which what the bot has queued is to go out.
pub(super) fn mark_taken_over(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    cause: TakeoverCause,
    actor: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE conversation SET takeover_cause = CASE takeover_cause WHEN 'asked' THEN 'asked' ELSE :cause END,
            takeover_since_ms = :now, turn_due_at_ms = NULL,
            waiting_since_ms = (SELECT min(received_at_ms) FROM message
                                WHERE conversation_id = :id AND answerable = 1 AND turn_id IS NULL),
            promised_since_ms = CASE WHEN :promises AND channel <> 'local' THEN coalesce(promised_since_ms, :now)
                                ELSE promised_since_ms END
        WHERE id = :id";
    const BEFORE: &str = "SELECT takeover_cause IS NOT NULL FROM conversation WHERE id = :id";
    let failed = |error| Error::sql("start a takeover")(error);
    let before: bool = tx
        .prepare_cached(BEFORE)
        .and_then(|mut select| select.query_row(named_params! { ":id": conversation.to_string() }, |row| row.get(0)))
        .map_err(failed)?;
    tx.prepare_cached(SQL)
        .and_then(|mut update| {
            update.execute(named_params! {
                ":id": conversation.to_string(), ":cause": cause.as_str(), ":now": now.0, ":promises": cause.promises(),
            })
        })
        .map_err(failed)?;
    if !before {
        let started = NewEvent::new(EventKind::TakeoverStarted, actor)
            .id("conversation", conversation)
            .word("cause", cause.as_str());
        event::append(tx, now, &started)?;
    }
    Ok(())
}

/// Ends a takeover; what is open becomes due at once. `false` if there was none.
pub(super) fn give_back(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    end: TakeoverEnd,
    actor: &'static str,
    now: Timestamp,
) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE conversation SET takeover_cause = NULL, takeover_since_ms = NULL, waiting_since_ms = NULL,
            promised_since_ms = NULL, holder = NULL, held_since_ms = NULL,
            turn_due_at_ms = CASE WHEN EXISTS (SELECT 1 FROM message WHERE conversation_id = :id
                                               AND answerable = 1 AND turn_id IS NULL) THEN :now END
        WHERE id = :id AND takeover_cause IS NOT NULL";
    let ended = tx
        .prepare_cached(SQL)
        .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string(), ":now": now.0 }))
        .map_err(Error::sql("end a takeover"))?;
    if ended == 1 {
        let ended = NewEvent::new(EventKind::TakeoverEnded, actor).id("conversation", conversation);
        event::append(tx, now, &ended.word("cause", end.as_str()))?;
    }
    Ok(ended == 1)
}

/// Ends the takeover of a shopper who asked for a person: what is open was written to that person, who has seen it.
fn leave_to_person(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<(), Error> {
    let found = require(tx, conversation)?;
    if found.takeover.is_some_and(|takeover| takeover.cause == TakeoverCause::Asked) {
        close_open(tx, conversation, SuppressReason::LeftToPerson, ids, now)?;
    }
    Ok(())
}

/// Leaves what a turn covers to people, visibly, until somebody deals with it.
pub(super) fn park(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    reason: SuppressReason,
    now: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE conversation SET parked_reason = :reason, parked_since_ms = coalesce(parked_since_ms, :now)
        WHERE id = :id AND parked_reason IS NOT :reason";
    let parked = tx
        .prepare_cached(SQL)
        .and_then(|mut update| {
            update.execute(named_params! {
                ":id": conversation.to_string(), ":reason": reason.as_str(), ":now": now.0,
            })
        })
        .map_err(Error::sql("park a conversation"))?;
    if parked == 1 {
        let parked = NewEvent::new(EventKind::Parked, "system").id("conversation", conversation);
        event::append(tx, now, &parked.word("reason", reason.as_str()))?;
    }
    Ok(())
}

/// Puts a label on, or takes it off. `false` if it was so already.
pub(super) fn set_label(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    label: Option<Label>,
    actor: &'static str,
    now: Timestamp,
) -> Result<bool, Error> {
    const SQL: &str = "UPDATE conversation SET label = :label WHERE id = :id AND label IS NOT :label";
    let changed = tx
        .prepare_cached(SQL)
        .and_then(|mut update| {
            update.execute(named_params! { ":id": conversation.to_string(), ":label": label.map(Label::as_str) })
        })
        .map_err(Error::sql("label a conversation"))?;
    if changed == 1 {
        let kind = if label.is_some() { EventKind::Labelled } else { EventKind::Unlabelled };
        let mut labelled = NewEvent::new(kind, actor).id("conversation", conversation);
        if let Some(label) = label {
            labelled = labelled.word("label", label.as_str());
        }
        event::append(tx, now, &labelled)?;
    }
    Ok(changed == 1)
}

/// Somebody has dealt with what was left to people. `false` if nothing was.
pub(super) fn unpark(tx: &Transaction<'_>, conversation: ConversationId) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE conversation SET parked_reason = NULL, parked_since_ms = NULL WHERE id = :id AND parked_reason IS NOT NULL";
    let cleared = tx
        .prepare_cached(SQL)
        .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string() }))
        .map_err(Error::sql("clear a parked conversation"))?;
    Ok(cleared == 1)
}

/// Covers every open message by one silent turn: the messages are accounted for and will not be answered.
pub(super) fn close_open(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    reason: SuppressReason,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<u32, Error> {
    const TURN: &str = "
        INSERT INTO turn (id, conversation_id, state, outcome, reason, started_at_ms, finished_at_ms)
        SELECT :turn, :id, 'finished', 'suppressed', :reason, :now, :now
        WHERE EXISTS (SELECT 1 FROM message WHERE conversation_id = :id AND answerable = 1 AND turn_id IS NULL)";
    const COVER: &str = "
        UPDATE message SET turn_id = :turn WHERE conversation_id = :id AND answerable = 1 AND turn_id IS NULL";
    // Who takes a message back still waits for the person that the assistant has promised.
    const SETTLE: &str = "
        UPDATE conversation SET turn_due_at_ms = NULL, waiting_since_ms = NULL,
            promised_since_ms = CASE WHEN :keeps_promise THEN promised_since_ms END
        WHERE id = :id";
    let turn = TurnId::next(ids);
    let (turn_text, id_text) = (turn.to_string(), conversation.to_string());
    let close = || -> rusqlite::Result<u32> {
        drop_running(tx, conversation)?;
        tx.prepare_cached(TURN)?.execute(named_params! {
            ":turn": turn_text, ":id": id_text, ":reason": reason.as_str(), ":now": now.0,
        })?;
        let covered = tx.prepare_cached(COVER)?.execute(named_params! { ":turn": turn_text, ":id": id_text })?;
        let keeps_promise = reason == SuppressReason::Unsent;
        tx.prepare_cached(SETTLE)?.execute(named_params! { ":id": id_text, ":keeps_promise": keeps_promise })?;
        Ok(covered as u32)
    };
    let covered = close().map_err(Error::sql("close open messages"))?;
    if covered > 0 {
        let finished = NewEvent::new(EventKind::TurnFinished, "system")
            .id("conversation", conversation)
            .id("turn", turn)
            .word("outcome", "suppressed")
            .word("reason", reason.as_str())
            .number("messages", covered.into());
        event::append(tx, now, &finished)?;
    }
    Ok(covered)
}

/// The person that a hand-over waited for is there.
pub(super) fn person_came(tx: &Transaction<'_>, conversation: ConversationId) -> Result<(), Error> {
    const SQL: &str = "UPDATE conversation SET promised_since_ms = NULL WHERE id = :id";
    tx.prepare_cached(SQL)
        .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string() }))
        .map(drop)
        .map_err(Error::sql("end a wait for a person"))
}

/// Forgets an unfinished run: its messages are open again.
pub(super) fn drop_running(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<()> {
    const RELEASE: &str = "
        UPDATE message SET turn_id = NULL
        WHERE turn_id IN (SELECT id FROM turn WHERE conversation_id = :id AND state = 'running')";
    const DROP: &str = "DELETE FROM turn WHERE conversation_id = :id AND state = 'running'";
    let id_text = conversation.to_string();
    tx.prepare_cached(RELEASE)?.execute(named_params! { ":id": id_text })?;
    tx.prepare_cached(DROP)?.execute(named_params! { ":id": id_text })?;
    Ok(())
}

impl TenantStore {
    /// One conversation.
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Option<Conversation>, Error> {
        self.read("read a conversation", move |tx| get(tx, conversation).map_err(Error::sql("read a conversation")))
            .await
    }

    /// The conversation of a shopper with an account.
    pub async fn conversation_by_key(&self, key: ConversationKey) -> Result<Option<Conversation>, Error> {
        self.read("find a conversation", move |tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM conversation
                 WHERE channel = :channel AND account_id = :account AND shopper_id = :shopper"
            );
            let find = || {
                let key = named_params! {
                    ":channel": key.channel.as_str(), ":account": key.account.0, ":shopper": key.shopper.0,
                };
                tx.prepare_cached(&sql)?.query_row(key, read).optional()
            };
            find().map_err(Error::sql("find a conversation"))
        })
        .await
    }

    /// The newest messages of a conversation, oldest first.
    pub async fn messages(&self, conversation: ConversationId, limit: u32) -> Result<Vec<Message>, Error> {
        self.read("read messages", move |tx| {
            newest_messages(tx, conversation, limit).map_err(Error::sql("read messages"))
        })
        .await
    }

    /// Notes what the channel says the shopper is called; `None`: it does not say, and what was known stays.
    pub async fn name_shopper(
        &self,
        conversation: ConversationId,
        name: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        const SQL: &str = "
            UPDATE conversation SET shopper_name = coalesce(:name, shopper_name), shopper_name_at_ms = :now WHERE id = :id";
        self.write("note a shopper's name", move |tx| {
            tx.prepare_cached(SQL)
                .and_then(|mut update| {
                    update.execute(named_params! { ":id": conversation.to_string(), ":name": name, ":now": now.0 })
                })
                .map(drop)
                .map_err(Error::sql("note a shopper's name"))
        })
        .await
    }

    /// A person takes the conversation. Returns whom it was taken from.
    ///
    /// # Errors
    /// [`Error::Held`] when another person has it and `when_held` does not go on.
    pub async fn take_over(
        &self,
        conversation: ConversationId,
        when_held: WhenHeld,
        now: Timestamp,
    ) -> Result<Option<Holder>, Error> {
        self.write("start a takeover", move |tx| {
            let found = require(tx, conversation)?;
            let other = people::other_holder(&found, when_held)?;
            take_over(tx, conversation, TakeoverCause::Staff, "operator", now)?;
            people::hold(tx, &found, now)?;
            Ok(other)
        })
        .await
    }

    /// A person puts a label on, or takes it off. `false` if it was so already.
    pub async fn label(
        &self,
        conversation: ConversationId,
        label: Option<Label>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.write("label a conversation", move |tx| {
            require(tx, conversation)?;
            set_label(tx, conversation, label, "operator", now)
        })
        .await
    }

    /// The bot may answer again; what is open becomes due at once, unless it was written to a person who was asked for; what was
    /// left to people counts as dealt with.
    /// `false` if there was nothing to give back.
    pub async fn release(&self, conversation: ConversationId, now: Timestamp) -> Result<bool, Error> {
        let ids = self.ids();
        self.write("end a takeover", move |tx| {
            leave_to_person(tx, conversation, &*ids, now)?;
            let dealt_with = unpark(tx, conversation)?;
            Ok(give_back(tx, conversation, TakeoverEnd::Released, "operator", now)? || dealt_with)
        })
        .await
    }

    /// Ends the takeover if its time is up (`domain::policy` decides). `true` if it did.
    pub async fn release_if_due(
        &self,
        conversation: ConversationId,
        takeover_minutes: u32,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.write("end a takeover", move |tx| {
            let found = get(tx, conversation).map_err(Error::sql("read a conversation"))?;
            let returns_at =
                found.and_then(|it| it.takeover).and_then(|it| policy::bot_returns_at(&it, takeover_minutes));
            match returns_at {
                Some(at) if at <= now => give_back(tx, conversation, TakeoverEnd::Unanswered, "system", now),
                _ => Ok(false),
            }
        })
        .await
    }
}

pub(super) fn newest_messages(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    limit: u32,
) -> rusqlite::Result<Vec<Message>> {
    let sql = format!(
        "SELECT {MESSAGE_COLUMNS} FROM message WHERE conversation_id = :id ORDER BY at_ms DESC, id DESC LIMIT :limit"
    );
    let mut newest: Vec<Message> = tx
        .prepare_cached(&sql)?
        .query_map(named_params! { ":id": conversation.to_string(), ":limit": limit }, read_message)?
        .collect::<Result<_, _>>()?;
    newest.reverse();
    Ok(newest)
}

pub(super) fn require(tx: &Transaction<'_>, conversation: ConversationId) -> Result<Conversation, Error> {
    get(tx, conversation)
        .map_err(Error::sql("read a conversation"))?
        .ok_or_else(|| Error::NotFound { what: "conversation", name: conversation.to_string() })
}
