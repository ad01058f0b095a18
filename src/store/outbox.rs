//! The outbox: what goes out, its transitions, and the echoes that bear on them.
//!
//! Every transition names the epoch it was read at: one that has moved on changes nothing.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, event, inbox, people,
    row::{id, json_strings, moment, parsed, parsed_opt, strings},
    told,
};
use crate::domain::{
    ConversationId, Ids, MessageId, OutboxId, Timestamp, TurnId,
    channel::{AccountId, ChannelKind, ShopperId},
    conversation::{Holder, TakeoverCause, WhenHeld},
    event::{EventKind, NewEvent},
    outbox::{Author, OutboxState},
    product::ProductKey,
    staff::Doer,
    turn::SuppressReason,
};

/// A row, as deciding about it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its id.
    pub id: OutboxId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The kind of place.
    pub channel: ChannelKind,
    /// The account that sends it.
    pub account: AccountId,
    /// The person it is for.
    pub shopper: ShopperId,
    /// The turn that made it; `None`: a person wrote it.
    pub turn: Option<TurnId>,
    /// Who wrote it.
    pub author: Author,
    /// Which person; `None`: the bot, or that was not kept then.
    pub written_by: Option<Doer>,
    /// What it says.
    pub text: String,
    /// The products it names.
    pub products: Vec<ProductKey>,
    /// Where it stands.
    pub state: OutboxState,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// Counts its transitions.
    pub epoch: i64,
    /// Times it was on the wire.
    pub attempts: u32,
    /// Times it was sent again without knowing.
    pub blind_retries: u32,
    /// Times the thread was read for it.
    pub looks: u32,
    /// Whether it waits for a person.
    pub held: bool,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When the guard last passed it.
    pub guarded_at: Timestamp,
    /// Not to be touched before.
    pub not_before: Timestamp,
    /// When it last went on the wire.
    pub sending_at: Option<Timestamp>,
    /// When the channel had it.
    pub sent_at: Option<Timestamp>,
    /// The channel's id of it.
    pub mid: Option<String>,
    /// Whether a person has approved it.
    pub approved: bool,
    /// When the shopper last opened the window.
    pub last_shopper_at: Option<Timestamp>,
    /// Ties it to what brought the first message it answers; `None`: it answers none.
    pub correlation: Option<String>,
    /// What people call the shopper, when known.
    pub shopper_name: Option<String>,
}

pub(super) const SELECT: &str = "
    SELECT o.id, o.conversation_id, c.channel, o.account_id, o.shopper_id, o.turn_id, o.author, o.written_by, o.text, o.products, o.state,
           o.reason, o.epoch, o.attempts, o.blind_retries, o.looks, o.held, o.queued_at_ms, o.guarded_at_ms,
           o.not_before_ms, o.sending_at_ms, o.sent_at_ms, o.mid, o.approved_at_ms IS NOT NULL AS approved,
           c.last_shopper_at_ms, c.shopper_name,
           (SELECT coalesce(m.correlation, m.id) FROM message m
            WHERE m.turn_id = o.turn_id ORDER BY m.at_ms, m.id LIMIT 1) AS correlation
    FROM outbox o JOIN conversation c ON c.id = o.conversation_id";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: id(row, "id")?,
        conversation: id(row, "conversation_id")?,
        channel: parsed(row, "channel", |word| word.parse().ok())?,
        account: AccountId(row.get("account_id")?),
        shopper: ShopperId(row.get("shopper_id")?),
        turn: row.get::<_, Option<String>>("turn_id")?.and_then(|text| text.parse().ok()),
        author: parsed(row, "author", Author::parse)?,
        written_by: parsed_opt(row, "written_by", |text| text.parse().ok())?,
        text: row.get("text")?,
        products: strings(row, "products")?.into_iter().map(ProductKey).collect(),
        state: parsed(row, "state", OutboxState::parse)?,
        reason: row.get("reason")?,
        epoch: row.get("epoch")?,
        attempts: row.get("attempts")?,
        blind_retries: row.get("blind_retries")?,
        looks: row.get("looks")?,
        held: row.get("held")?,
        queued_at: Timestamp(row.get("queued_at_ms")?),
        guarded_at: Timestamp(row.get("guarded_at_ms")?),
        not_before: Timestamp(row.get("not_before_ms")?),
        sending_at: moment(row, "sending_at_ms")?,
        sent_at: moment(row, "sent_at_ms")?,
        mid: row.get("mid")?,
        approved: row.get("approved")?,
        last_shopper_at: moment(row, "last_shopper_at_ms")?,
        correlation: row.get("correlation")?,
        shopper_name: row.get("shopper_name")?,
    })
}

/// The newest rows of a conversation, oldest first.
pub(super) fn newest(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    limit: u32,
) -> rusqlite::Result<Vec<OutboxRow>> {
    let sql = format!("{SELECT} WHERE o.conversation_id = :id ORDER BY o.position DESC LIMIT :limit");
    let row = named_params! { ":id": conversation.to_string(), ":limit": limit };
    let mut rows: Vec<_> = tx.prepare_cached(&sql)?.query_map(row, read)?.collect::<Result<_, _>>()?;
    rows.reverse();
    Ok(rows)
}

/// The rows of these turns of one conversation (ids as JSON), oldest first.
pub(super) fn of_turns(tx: &Transaction<'_>, turns: &str) -> rusqlite::Result<Vec<OutboxRow>> {
    let sql = format!("{SELECT} WHERE o.turn_id IN (SELECT value FROM json_each(:turns)) ORDER BY o.position");
    tx.prepare_cached(&sql)?.query_map(named_params! { ":turns": turns }, read)?.collect()
}

/// What to queue for a conversation, in order.
pub(super) struct Queued<'a> {
    pub(super) conversation: ConversationId,
    pub(super) turn: Option<TurnId>,
    pub(super) author: Author,
    pub(super) parts: &'a [String],
    pub(super) products: &'a [ProductKey],
    /// A draft: it goes when a person approves, until then at the latest.
    pub(super) held_until: Option<Timestamp>,
}

/// Queues messages behind whatever the conversation has.
pub(super) fn enqueue(tx: &Transaction<'_>, queued: &Queued<'_>, ids: &dyn Ids, now: Timestamp) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO outbox (id, conversation_id, account_id, shopper_id, turn_id, author, written_by, position, text, products, state,
                            held, queued_at_ms, guarded_at_ms, not_before_ms)
        SELECT :id, c.id, c.account_id, c.shopper_id, :turn, :author, :written_by,
               1 + coalesce((SELECT max(position) FROM outbox WHERE conversation_id = c.id), 0),
               :text, :products, 'pending', :held, :now, :now, :not_before
        FROM conversation c WHERE c.id = :conversation";
    let products = json_strings(queued.products.iter().map(|key| &key.0));
    let written_by = match queued.author {
        Author::Person => Some(told::doer().to_string()),
        Author::Bot => None,
    };
    for part in queued.parts {
        let row = OutboxId::next(ids);
        let insert = || {
            tx.prepare_cached(INSERT)?.execute(named_params! {
                ":id": row.to_string(), ":turn": queued.turn.map(|turn| turn.to_string()),
                ":author": queued.author.as_str(), ":written_by": written_by, ":text": part, ":products": products, ":now": now.0,
                ":held": queued.held_until.is_some(), ":not_before": queued.held_until.unwrap_or(now).0,
                ":conversation": queued.conversation.to_string(),
            })
        };
        insert().map_err(Error::sql("queue a reply"))?;
        if queued.held_until.is_none() {
            append_queued(tx, queued.conversation, &row.to_string(), queued.turn, queued.author, now)?;
        }
    }
    Ok(())
}

/// What brought the first message that a turn answers.
pub(super) fn brought_by(tx: &Transaction<'_>, turn: TurnId) -> Result<Option<String>, Error> {
    const SQL: &str = "
        SELECT coalesce(correlation, id) FROM message WHERE turn_id = :turn ORDER BY at_ms, id LIMIT 1";
    tx.prepare_cached(SQL)
        .and_then(|mut select| {
            select.query_row(named_params! { ":turn": turn.to_string() }, |row| row.get(0)).optional()
        })
        .map_err(Error::sql("read what brought a message"))
}

/// Tells that a row waits to go out.
pub(super) fn append_queued(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    row: &str,
    turn: Option<TurnId>,
    author: Author,
    now: Timestamp,
) -> Result<(), Error> {
    let mut event =
        NewEvent::new(EventKind::ReplyQueued, actor(author)).id("conversation", conversation).id("outbox", row);
    if let Some(turn) = turn {
        event = event.id("turn", turn);
        event.correlation = brought_by(tx, turn)?;
    }
    event::append(tx, now, &event).map(drop)
}

pub(super) const fn actor(author: Author) -> &'static str {
    match author {
        Author::Bot => "bot",
        Author::Person => "operator",
    }
}

/// Cancels what the bot has queued and not begun to send: of one turn, or all of it. Tells of a draft that goes with it,
/// unless `reason` is a person's decision about it, which its own event tells.
pub(super) fn cancel_pending(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    only: Option<TurnId>,
    reason: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    const DRAFT: &str = "
        SELECT DISTINCT turn_id FROM outbox
        WHERE conversation_id = :id AND state = 'pending' AND held = 1 AND (:only IS NULL OR turn_id = :only)";
    const SQL: &str = "
        UPDATE outbox SET state = 'cancelled', reason = :reason, held = 0, epoch = epoch + 1
        WHERE conversation_id = :id AND author = 'bot' AND state = 'pending' AND (:only IS NULL OR turn_id = :only)
        RETURNING id, (SELECT coalesce(m.correlation, m.id) FROM message m WHERE m.turn_id = outbox.turn_id
                       ORDER BY m.at_ms, m.id LIMIT 1)";
    let (id_text, only) = (conversation.to_string(), only.map(|turn| turn.to_string()));
    let drafts = || -> rusqlite::Result<Vec<TurnId>> {
        tx.prepare_cached(DRAFT)?
            .query_map(named_params! { ":id": id_text, ":only": only }, |row| id(row, "turn_id"))?
            .collect()
    };
    let cancel = || -> rusqlite::Result<Vec<(String, Option<String>)>> {
        tx.prepare_cached(SQL)?
            .query_map(named_params! { ":id": id_text, ":only": only, ":reason": reason }, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect()
    };
    let drafts = drafts().map_err(Error::sql("cancel queued replies"))?;
    let rows = cancel().map_err(Error::sql("cancel queued replies"))?;
    for turn in drafts.into_iter().filter(|_| !DECIDED.contains(&reason)) {
        let mut withdrawn = NewEvent::new(EventKind::DraftWithdrawn, "system")
            .id("conversation", conversation)
            .id("turn", turn)
            .word("reason", reason);
        withdrawn.correlation = brought_by(tx, turn)?;
        event::append(tx, now, &withdrawn)?;
    }
    for (row, correlation) in rows {
        let mut cancelled = NewEvent::new(EventKind::ReplyCancelled, "system")
            .id("conversation", conversation)
            .id("outbox", row)
            .word("reason", reason);
        cancelled.correlation = correlation;
        event::append(tx, now, &cancelled)?;
    }
    Ok(())
}

/// Why a draft's rows are cancelled when a person has decided about it.
pub(super) const REJECTED: &str = SuppressReason::DraftRejected.as_str();
/// The same where the person sends other words.
pub(super) const EDITED: &str = "edited";
const DECIDED: [&str; 2] = [REJECTED, EDITED];

/// Cancels the last answer if none of it has left, and opens its messages again, so that one turn answers them all.
/// `only`: if it is that turn's. `false` if there is no such answer.
pub(super) fn supersede(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    only: Option<TurnId>,
    reason: &'static str,
    now: Timestamp,
) -> Result<bool, Error> {
    const TURNS: &str = "
        SELECT turn_id FROM outbox WHERE conversation_id = :id AND author = 'bot' AND turn_id IS NOT NULL
            AND (:only IS NULL OR turn_id = :only)
        GROUP BY turn_id HAVING min(state = 'pending') = 1 AND max(attempts) = 0";
    const REOPEN: &str = "UPDATE message SET turn_id = NULL WHERE turn_id = :turn";
    const MARK: &str = "UPDATE turn SET outcome = 'superseded', reason = NULL WHERE id = :turn";
    let only = only.map(|turn| turn.to_string());
    let find = || -> rusqlite::Result<Vec<TurnId>> {
        tx.prepare_cached(TURNS)?
            .query_map(named_params! { ":id": conversation.to_string(), ":only": only }, |row| id(row, "turn_id"))?
            .collect()
    };
    let turns = find().map_err(Error::sql("find a superseded reply"))?;
    for turn in &turns {
        cancel_pending(tx, conversation, Some(*turn), reason, now)?;
        unsay(tx, conversation, *turn).map_err(Error::sql("supersede a reply"))?;
        let reopen = || -> rusqlite::Result<usize> {
            tx.prepare_cached(REOPEN)?.execute(named_params! { ":turn": turn.to_string() })?;
            tx.prepare_cached(MARK)?.execute(named_params! { ":turn": turn.to_string() })
        };
        reopen().map_err(Error::sql("supersede a reply"))?;
    }
    Ok(!turns.is_empty())
}

/// Takes back what a turn has noted in the conversation, where its answer never goes out: which products "it" means, and
/// that the disclosure was shown.
pub(super) fn unsay(tx: &Transaction<'_>, conversation: ConversationId, turn: TurnId) -> rusqlite::Result<()> {
    const SQL: &str = "
        UPDATE conversation SET
            recalled = coalesce((SELECT recalled_before FROM turn WHERE id = :turn), recalled),
            disclosed_at_ms = nullif(disclosed_at_ms, (SELECT finished_at_ms FROM turn WHERE id = :turn))
        WHERE id = :id";
    let named = named_params! { ":id": conversation.to_string(), ":turn": turn.to_string() };
    tx.prepare_cached(SQL)?.execute(named).map(drop)
}

/// What a conversation has to do next, read at one moment.
#[derive(Clone, Debug)]
pub struct NextStep {
    /// The row that it has to deal with: that of a draft (pending and held) whose time is up; else its oldest open one,
    /// whatever its state.
    pub head: Option<OutboxRow>,
    /// Whether a person has the conversation.
    pub taken_over: bool,
    /// Whether a turn is due.
    pub turn_due: bool,
}

impl TenantStore {
    /// What a conversation has to do next.
    pub async fn next_step(&self, conversation: ConversationId, now: Timestamp) -> Result<NextStep, Error> {
        let sql = format!(
            "{SELECT} WHERE o.conversation_id = :id AND o.state IN ('pending', 'sending', 'unknown')
                AND (o.held = 0 OR (o.state = 'pending' AND o.not_before_ms <= :now))
             ORDER BY o.held DESC, o.position LIMIT 1"
        );
        const STATE: &str = "
            SELECT takeover_cause IS NOT NULL, coalesce(turn_due_at_ms <= :now, 0) FROM conversation WHERE id = :id";
        self.read("read the outbox", move |tx| {
            let next = || -> rusqlite::Result<NextStep> {
                let named = named_params! { ":id": conversation.to_string(), ":now": now.0 };
                let head = tx.prepare_cached(&sql)?.query_row(named, read).optional()?;
                let state =
                    tx.prepare_cached(STATE)?.query_row(named, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let (taken_over, turn_due) = state.unwrap_or_default();
                Ok(NextStep { head, taken_over, turn_due })
            };
            next().map_err(Error::sql("read the outbox"))
        })
        .await
    }

    /// The newest outbox rows of a conversation, oldest first.
    pub async fn outbox_rows(&self, conversation: ConversationId, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        self.read("read the outbox", move |tx| newest(tx, conversation, limit).map_err(Error::sql("read the outbox")))
            .await
    }

    /// `pending → sending`, durable before the first byte goes out. `false` if the row has moved on.
    pub async fn claim_send(&self, outbox: OutboxId, epoch: i64, now: Timestamp) -> Result<bool, Error> {
        const SQL: &str = "
            UPDATE outbox SET state = 'sending', attempts = attempts + 1, sending_at_ms = :now, looks = 0, epoch = epoch + 1
            WHERE id = :id AND epoch = :epoch AND state = 'pending' AND held = 0";
        self.write("claim a reply", move |tx| {
            let claimed = tx.prepare_cached(SQL).and_then(|mut update| {
                update.execute(named_params! { ":id": outbox.to_string(), ":epoch": epoch, ":now": now.0 })
            });
            Ok(claimed.map_err(Error::sql("claim a reply"))? == 1)
        })
        .await
    }

    /// Cancels the last answer if none of it has left, and makes a new turn due at once. `false`: part of it is out.
    pub async fn reopen_unsent(&self, conversation: ConversationId, now: Timestamp) -> Result<bool, Error> {
        const DUE: &str = "UPDATE conversation SET turn_due_at_ms = :now WHERE id = :id";
        self.write("reopen an answer", move |tx| {
            if !supersede(tx, conversation, None, "guard", now)? {
                return Ok(false);
            }
            tx.prepare_cached(DUE)
                .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string(), ":now": now.0 }))
                .map_err(Error::sql("reopen an answer"))?;
            Ok(true)
        })
        .await
    }

    /// Notes that the guard has passed a pending row again. `false` if the row has moved on.
    pub async fn mark_guarded(&self, outbox: OutboxId, epoch: i64, now: Timestamp) -> Result<bool, Error> {
        const SQL: &str = "
            UPDATE outbox SET guarded_at_ms = :now WHERE id = :id AND epoch = :epoch AND state = 'pending'";
        self.write("note a guard pass", move |tx| {
            let marked = tx.prepare_cached(SQL).and_then(|mut update| {
                update.execute(named_params! { ":id": outbox.to_string(), ":epoch": epoch, ":now": now.0 })
            });
            Ok(marked.map_err(Error::sql("note a guard pass"))? == 1)
        })
        .await
    }

    /// An account can send again: what waits for it is due at once.
    pub async fn account_mended(&self, account: AccountId, now: Timestamp) -> Result<(), Error> {
        const SQL: &str = "
            UPDATE outbox SET not_before_ms = :now
            WHERE account_id = :account AND state = 'pending' AND held = 0 AND not_before_ms > :now";
        self.write("let an account's replies go", move |tx| {
            tx.prepare_cached(SQL)
                .and_then(|mut update| update.execute(named_params! { ":account": account.0, ":now": now.0 }))
                .map(drop)
                .map_err(Error::sql("let an account's replies go"))
        })
        .await
    }

    /// Those of `mids` that are neither a reply of ours nor a message we have.
    pub async fn unknown_mids(&self, account: AccountId, mids: Vec<String>) -> Result<Vec<String>, Error> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM outbox WHERE account_id = :account AND mid = :mid)
                OR EXISTS (SELECT 1 FROM message WHERE account_id = :account AND mid = :mid)
                OR EXISTS (SELECT 1 FROM unsent WHERE account_id = :account AND mid = :mid)";
        self.read("compare message ids", move |tx| {
            let mut known = tx.prepare_cached(SQL).map_err(Error::sql("compare message ids"))?;
            let mut unknown = Vec::new();
            for mid in mids {
                let found: bool = known
                    .query_row(named_params! { ":account": account.0, ":mid": mid }, |row| row.get(0))
                    .map_err(Error::sql("compare message ids"))?;
                if !found {
                    unknown.push(mid);
                }
            }
            Ok(unknown)
        })
        .await
    }

    /// Queues a person's messages: the conversation is theirs, and what was open counts as answered by them.
    pub async fn queue_person(
        &self,
        conversation: ConversationId,
        parts: Vec<String>,
        when_held: WhenHeld,
        now: Timestamp,
    ) -> Result<Option<Holder>, Error> {
        const RESOLVE: &str = "
            UPDATE outbox SET state = 'failed', held = 0, epoch = epoch + 1
            WHERE conversation_id = :id AND state = 'unknown' AND held = 1";
        let ids = self.ids();
        self.write("queue a person's message", move |tx| {
            let found = conversation::require(tx, conversation)?;
            let other = people::other_holder(&found, when_held)?;
            conversation::take_over(tx, conversation, TakeoverCause::Staff, "operator", now)?;
            people::hold(tx, &found, now)?;
            conversation::close_open(tx, conversation, SuppressReason::AnsweredByPerson, &*ids, now)?;
            tx.prepare_cached(RESOLVE)
                .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string() }))
                .map_err(Error::sql("resolve held replies"))?;
            conversation::unpark(tx, conversation)?;
            let wrote = NewEvent::new(EventKind::PersonWrote, "operator").id("conversation", conversation);
            event::append(tx, now, &wrote.word("through", "aura"))?;
            let queued = Queued {
                conversation,
                turn: None,
                author: Author::Person,
                parts: &parts,
                products: &[],
                held_until: None,
            };
            enqueue(tx, &queued, &*ids, now)?;
            Ok(other)
        })
        .await
    }
}

#[expect(clippy::too_many_arguments, reason = "one row, one insert")]
pub(super) fn insert_message(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    account: &AccountId,
    mid: &str,
    author: Author,
    text: Option<&str>,
    at: Timestamp,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO message (id, conversation_id, account_id, mid, side, text, at_ms, received_at_ms)
        VALUES (:id, :conversation, :account, :mid, :side, :text, :at, :now) ON CONFLICT DO NOTHING";
    const TOUCH: &str = "
        UPDATE conversation SET last_message_at_ms = max(last_message_at_ms, :at) WHERE id = :conversation";
    let insert = || -> rusqlite::Result<usize> {
        let inserted = tx.prepare_cached(INSERT)?.execute(named_params! {
            ":id": MessageId::next(ids).to_string(), ":conversation": conversation.to_string(), ":account": account.0,
            ":mid": mid, ":side": author.as_str(), ":text": text, ":at": at.0, ":now": now.0,
        })?;
        if inserted == 1 {
            inbox::message_added(tx, conversation)?;
        }
        tx.prepare_cached(TOUCH)?.execute(named_params! { ":conversation": conversation.to_string(), ":at": at.0 })
    };
    insert().map(drop).map_err(Error::sql("store a sent message"))
}
