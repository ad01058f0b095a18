//! The outbox: what goes out, its transitions, and the echoes that bear on them.
//!
//! Every transition names the epoch it was read at: one that has moved on changes nothing.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, event,
    row::{id, json_strings, moment, parsed, strings},
};
use crate::domain::{
    ConversationId, Ids, MessageId, OutboxId, Timestamp, TurnId,
    channel::{AccountId, ChannelKind, ShopperId},
    conversation::TakeoverCause,
    event::{EventKind, NewEvent},
    outbox::{Author, OutboxState, SendOutcome},
    product::ProductKey,
    turn::SuppressReason,
};

/// First wait after a refusal that may pass (Meta's throttles), doubled each time.
const RETRY_FIRST_MS: i64 = 2_000;
/// Longest wait between two tries.
const RETRY_MAX_MS: i64 = 15 * 60_000;
/// How far our clock and the channel's may differ when a send is looked for.
pub const CLOCK_SLACK_MS: i64 = 5_000;

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
    /// The channel's id of it.
    pub mid: Option<String>,
    /// When the shopper last opened the window.
    pub last_shopper_at: Option<Timestamp>,
}

/// What was learnt of a row whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is in the thread.
    Found {
        /// The channel's id of it.
        mid: String,
    },
    /// It is not among the thread's newest messages.
    Absent,
    /// The thread could not be read.
    Unreadable,
}

const SELECT: &str = "
    SELECT o.id, o.conversation_id, c.channel, o.account_id, o.shopper_id, o.turn_id, o.author, o.text, o.products, o.state,
           o.reason, o.epoch, o.attempts, o.blind_retries, o.looks, o.held, o.queued_at_ms, o.guarded_at_ms,
           o.not_before_ms, o.sending_at_ms, o.mid, c.last_shopper_at_ms
    FROM outbox o JOIN conversation c ON c.id = o.conversation_id";

fn read(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: id(row, "id")?,
        conversation: id(row, "conversation_id")?,
        channel: parsed(row, "channel", |word| word.parse().ok())?,
        account: AccountId(row.get("account_id")?),
        shopper: ShopperId(row.get("shopper_id")?),
        turn: row.get::<_, Option<String>>("turn_id")?.and_then(|text| text.parse().ok()),
        author: parsed(row, "author", Author::parse)?,
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
        mid: row.get("mid")?,
        last_shopper_at: moment(row, "last_shopper_at_ms")?,
    })
}

/// What to queue for a conversation, in order.
pub(super) struct Queued<'a> {
    pub(super) conversation: ConversationId,
    pub(super) turn: Option<TurnId>,
    pub(super) author: Author,
    pub(super) parts: &'a [String],
    pub(super) products: &'a [ProductKey],
}

/// Queues messages behind whatever the conversation has.
pub(super) fn enqueue(tx: &Transaction<'_>, queued: &Queued<'_>, ids: &dyn Ids, now: Timestamp) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO outbox (id, conversation_id, account_id, shopper_id, turn_id, author, position, text, products, state,
                            queued_at_ms, guarded_at_ms, not_before_ms)
        SELECT :id, c.id, c.account_id, c.shopper_id, :turn, :author,
               1 + coalesce((SELECT max(position) FROM outbox WHERE conversation_id = c.id), 0),
               :text, :products, 'pending', :now, :now, :now
        FROM conversation c WHERE c.id = :conversation";
    let products = json_strings(queued.products.iter().map(|key| &key.0));
    for part in queued.parts {
        let row = OutboxId::next(ids);
        let insert = || {
            tx.prepare_cached(INSERT)?.execute(named_params! {
                ":id": row.to_string(), ":turn": queued.turn.map(|turn| turn.to_string()),
                ":author": queued.author.as_str(), ":text": part, ":products": products, ":now": now.0,
                ":conversation": queued.conversation.to_string(),
            })
        };
        insert().map_err(Error::sql("queue a reply"))?;
        let mut event = NewEvent::new(EventKind::ReplyQueued, actor(queued.author))
            .id("conversation", queued.conversation)
            .id("outbox", row);
        if let Some(turn) = queued.turn {
            event = event.caused_by(turn.to_string());
        }
        event::append(tx, now, &event)?;
    }
    Ok(())
}

const fn actor(author: Author) -> &'static str {
    match author {
        Author::Bot => "bot",
        Author::Person => "operator",
    }
}

/// Cancels what the bot has queued and not begun to send.
pub(super) fn cancel_pending(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    reason: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE outbox SET state = 'cancelled', reason = :reason, epoch = epoch + 1
        WHERE conversation_id = :id AND author = 'bot' AND state = 'pending' RETURNING id";
    let cancel = || -> rusqlite::Result<Vec<String>> {
        tx.prepare_cached(SQL)?
            .query_map(named_params! { ":id": conversation.to_string(), ":reason": reason }, |row| row.get(0))?
            .collect()
    };
    for row in cancel().map_err(Error::sql("cancel queued replies"))? {
        let cancelled = NewEvent::new(EventKind::ReplyCancelled, "system")
            .id("conversation", conversation)
            .id("outbox", row)
            .word("reason", reason);
        event::append(tx, now, &cancelled)?;
    }
    Ok(())
}

/// Cancels the last answer if none of it has left, and opens its messages again, so that one turn answers them all.
/// `false` if there is no such answer.
pub(super) fn supersede(tx: &Transaction<'_>, conversation: ConversationId, now: Timestamp) -> Result<bool, Error> {
    const TURNS: &str = "
        SELECT turn_id FROM outbox WHERE conversation_id = :id AND author = 'bot' AND turn_id IS NOT NULL
        GROUP BY turn_id HAVING min(state = 'pending') = 1 AND max(attempts) = 0";
    const REOPEN: &str = "UPDATE message SET turn_id = NULL WHERE turn_id = :turn";
    const MARK: &str = "UPDATE turn SET outcome = 'superseded', reason = NULL WHERE id = :turn";
    let find = || -> rusqlite::Result<Vec<String>> {
        tx.prepare_cached(TURNS)?
            .query_map(named_params! { ":id": conversation.to_string() }, |row| row.get(0))?
            .collect()
    };
    let turns = find().map_err(Error::sql("find a superseded reply"))?;
    if turns.is_empty() {
        return Ok(false);
    }
    cancel_pending(tx, conversation, "superseded", now)?;
    for turn in turns {
        let reopen = || -> rusqlite::Result<usize> {
            tx.prepare_cached(REOPEN)?.execute(named_params! { ":turn": turn })?;
            tx.prepare_cached(MARK)?.execute(named_params! { ":turn": turn })
        };
        reopen().map_err(Error::sql("supersede a reply"))?;
    }
    Ok(true)
}

/// An echo: something was sent from the account's side.
pub(super) struct Echo<'a> {
    pub(super) conversation: ConversationId,
    pub(super) account: &'a AccountId,
    pub(super) shopper: &'a ShopperId,
    pub(super) mid: &'a str,
    pub(super) text: Option<&'a str>,
    pub(super) at: Timestamp,
    pub(super) own_app: bool,
}

/// Binds an echo to what we sent, lets it wait while that is open, or takes it for a person's.
pub(super) fn on_echo(tx: &Transaction<'_>, echo: &Echo<'_>, ids: &dyn Ids, now: Timestamp) -> Result<(), Error> {
    const BOUND: &str = "SELECT id FROM outbox WHERE account_id = :account AND mid = :mid";
    const KNOWN: &str = "SELECT 1 FROM message WHERE account_id = :account AND mid = :mid";
    const WAIT: &str = "
        INSERT INTO pending_echo (account_id, mid, shopper_id, text, at_ms, received_at_ms)
        VALUES (:account, :mid, :shopper, :text, :at, :now) ON CONFLICT DO NOTHING";
    let failed = |error| Error::sql("match an echo")(error);
    let key = named_params! { ":account": echo.account.0, ":mid": echo.mid };
    let bound: Option<String> = tx
        .prepare_cached(BOUND)
        .and_then(|mut select| select.query_row(key, |row| row.get(0)).optional())
        .map_err(failed)?;
    let known = tx.prepare_cached(KNOWN).and_then(|mut select| select.exists(key)).map_err(failed)?;
    if bound.is_some() || known {
        return Ok(());
    }
    let open = open_rows(tx, echo.conversation).map_err(failed)?;
    if let Some(row) = open.iter().find(|row| row.state == OutboxState::Unknown && matches(row, echo.text, echo.at)) {
        return confirm(tx, row, echo.mid, Some("echo"), ids, now);
    }
    if !open.is_empty() {
        let wait = || {
            tx.prepare_cached(WAIT)?.execute(named_params! {
                ":account": echo.account.0, ":mid": echo.mid, ":shopper": echo.shopper.0, ":text": echo.text,
                ":at": echo.at.0, ":now": now.0,
            })
        };
        return wait().map(drop).map_err(failed);
    }
    if echo.own_app {
        return Ok(());
    }
    person_wrote(tx, echo, ids, now)
}

/// Rows whose outcome is open: the request may be on the wire, or may have arrived.
fn open_rows(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<Vec<OutboxRow>> {
    let sql = format!(
        "{SELECT} WHERE o.conversation_id = :id AND o.state IN ('sending', 'unknown') AND o.held = 0 ORDER BY o.position"
    );
    tx.prepare_cached(&sql)?.query_map(named_params! { ":id": conversation.to_string() }, read)?.collect()
}

/// Whether a text seen in the thread at `at` can be this row.
fn matches(row: &OutboxRow, text: Option<&str>, at: Timestamp) -> bool {
    let sent_at = row.sending_at.unwrap_or(row.queued_at);
    at >= sent_at.plus_ms(-CLOCK_SLACK_MS) && text.is_some_and(|text| same_text(text, &row.text))
}

/// Equal but for white space: some accounts strip or reformat what is sent.
#[must_use]
pub fn same_text(left: &str, right: &str) -> bool {
    left.split_whitespace().eq(right.split_whitespace())
}

/// Somebody else wrote from the account's side: that person has the conversation now.
fn person_wrote(tx: &Transaction<'_>, echo: &Echo<'_>, ids: &dyn Ids, now: Timestamp) -> Result<(), Error> {
    insert_message(tx, echo.conversation, echo.account, echo.mid, Author::Person, echo.text, echo.at, ids, now)?;
    conversation::take_over(tx, echo.conversation, TakeoverCause::Echo, "person", now)?;
    conversation::close_open(tx, echo.conversation, SuppressReason::AnsweredByPerson, ids, now)?;
    let wrote = NewEvent::new(EventKind::PersonWrote, "person")
        .id("conversation", echo.conversation)
        .word("through", "echo")
        .caused_by(echo.mid);
    event::append(tx, now, &wrote).map(drop)
}

#[expect(clippy::too_many_arguments, reason = "one row, one insert")]
fn insert_message(
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
        tx.prepare_cached(INSERT)?.execute(named_params! {
            ":id": MessageId::next(ids).to_string(), ":conversation": conversation.to_string(), ":account": account.0,
            ":mid": mid, ":side": author.as_str(), ":text": text, ":at": at.0, ":now": now.0,
        })?;
        tx.prepare_cached(TOUCH)?.execute(named_params! { ":conversation": conversation.to_string(), ":at": at.0 })
    };
    insert().map(drop).map_err(Error::sql("store a sent message"))
}

/// The channel has the row: `sent`, and its message joins the conversation.
fn confirm(
    tx: &Transaction<'_>,
    row: &OutboxRow,
    mid: &str,
    found_by: Option<&'static str>,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<(), Error> {
    const SENT: &str = "
        UPDATE outbox SET state = 'sent', reason = NULL, epoch = epoch + 1, sent_at_ms = :now, mid = :mid, held = 0
        WHERE id = :id";
    const FORGET: &str = "DELETE FROM pending_echo WHERE account_id = :account AND mid = :mid";
    let sent = || -> rusqlite::Result<usize> {
        tx.prepare_cached(SENT)?.execute(named_params! { ":id": row.id.to_string(), ":mid": mid, ":now": now.0 })?;
        tx.prepare_cached(FORGET)?.execute(named_params! { ":account": row.account.0, ":mid": mid })
    };
    sent().map_err(Error::sql("mark a reply sent"))?;
    insert_message(tx, row.conversation, &row.account, mid, row.author, Some(&row.text), now, ids, now)?;
    let mut event = match found_by {
        None => NewEvent::new(EventKind::ReplySent, actor(row.author)),
        Some(by) => NewEvent::new(EventKind::ReplyReconciled, "system").word("resolution", "sent").word("by", by),
    };
    event = event
        .id("conversation", row.conversation)
        .id("outbox", row.id)
        .number("attempt", row.attempts.into())
        .number("queued_ms", now.since_ms(row.queued_at));
    if let Some(turn) = row.turn {
        event = event.caused_by(turn.to_string());
    }
    event::append(tx, now, &event)?;
    settle_echoes(tx, row.conversation, ids, now)
}

/// Once nothing of a thread is open, the echoes that waited are a person's.
fn settle_echoes(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<(), Error> {
    const TAKE: &str = "
        DELETE FROM pending_echo
        WHERE (account_id, shopper_id) = (SELECT account_id, shopper_id FROM conversation WHERE id = :id)
        RETURNING account_id, mid, shopper_id, text, at_ms";
    let failed = |error| Error::sql("settle echoes")(error);
    if !open_rows(tx, conversation).map_err(failed)?.is_empty() {
        return Ok(());
    }
    type Waiting = (String, String, String, Option<String>, i64);
    let take = || -> rusqlite::Result<Vec<Waiting>> {
        tx.prepare_cached(TAKE)?
            .query_map(named_params! { ":id": conversation.to_string() }, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?
            .collect()
    };
    for (account, mid, shopper, text, at_ms) in take().map_err(failed)? {
        let echo = Echo {
            conversation,
            account: &AccountId(account),
            shopper: &ShopperId(shopper),
            mid: &mid,
            text: text.as_deref(),
            at: Timestamp(at_ms),
            own_app: false,
        };
        on_echo(tx, &echo, ids, now)?;
    }
    Ok(())
}

fn get(tx: &Transaction<'_>, outbox: OutboxId, epoch: i64) -> Result<Option<OutboxRow>, Error> {
    let sql = format!("{SELECT} WHERE o.id = :id AND o.epoch = :epoch");
    tx.prepare_cached(&sql)
        .and_then(|mut select| {
            select.query_row(named_params! { ":id": outbox.to_string(), ":epoch": epoch }, read).optional()
        })
        .map_err(Error::sql("read an outbox row"))
}

/// Moves a row on. The caller has read it at its epoch within this transaction.
fn transition(
    tx: &Transaction<'_>,
    row: &OutboxRow,
    state: OutboxState,
    reason: Option<&str>,
    not_before: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE outbox SET state = :state, reason = :reason, not_before_ms = :not_before, epoch = epoch + 1
        WHERE id = :id AND epoch = :epoch";
    let moved = tx.prepare_cached(SQL).and_then(|mut update| {
        update.execute(named_params! {
            ":state": state.as_str(), ":reason": reason, ":not_before": not_before.0,
            ":id": row.id.to_string(), ":epoch": row.epoch,
        })
    });
    moved.map(drop).map_err(Error::sql("move an outbox row"))
}

fn row_event(kind: EventKind, row: &OutboxRow) -> NewEvent {
    let event = NewEvent::new(kind, "system")
        .id("conversation", row.conversation)
        .id("outbox", row.id)
        .number("attempt", row.attempts.into());
    match row.turn {
        Some(turn) => event.caused_by(turn.to_string()),
        None => event,
    }
}

/// A person has to look: the conversation is theirs, and the rest of that answer stays unsent.
fn hold(tx: &Transaction<'_>, row: &OutboxRow, reason: &'static str, now: Timestamp) -> Result<(), Error> {
    const HOLD: &str = "UPDATE outbox SET held = 1, reason = :reason, epoch = epoch + 1 WHERE id = :id";
    tx.prepare_cached(HOLD)
        .and_then(|mut update| update.execute(named_params! { ":id": row.id.to_string(), ":reason": reason }))
        .map_err(Error::sql("hold a reply"))?;
    event::append(tx, now, &row_event(EventKind::ReplyHeld, row).word("reason", reason))?;
    conversation::take_over(tx, row.conversation, TakeoverCause::HandOver, "system", now)
}

/// The wait before the next try: doubled each time, with up to half of it as jitter (from the row's random id).
fn backoff_ms(row: &OutboxRow) -> i64 {
    let base = RETRY_FIRST_MS.saturating_mul(1 << row.attempts.saturating_sub(1).min(20)).min(RETRY_MAX_MS);
    let jitter = (row.id.0.as_u128() ^ u128::from(row.attempts)) % (base as u128 / 2 + 1);
    base + jitter as i64
}

impl TenantStore {
    /// The row that a conversation has to deal with next: its oldest open one, whatever its state.
    pub async fn outbox_head(&self, conversation: ConversationId) -> Result<Option<OutboxRow>, Error> {
        let sql = format!(
            "{SELECT} WHERE o.conversation_id = :id AND o.state IN ('pending', 'sending', 'unknown') AND o.held = 0
             ORDER BY o.position LIMIT 1"
        );
        self.read("read the outbox", move |tx| {
            tx.prepare_cached(&sql)
                .and_then(|mut select| {
                    select.query_row(named_params! { ":id": conversation.to_string() }, read).optional()
                })
                .map_err(Error::sql("read the outbox"))
        })
        .await
    }

    /// The newest outbox rows of a conversation, oldest first.
    pub async fn outbox_rows(&self, conversation: ConversationId, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let sql = format!("{SELECT} WHERE o.conversation_id = :id ORDER BY o.position DESC LIMIT :limit");
        self.read("read the outbox", move |tx| {
            let list = || -> rusqlite::Result<Vec<OutboxRow>> {
                tx.prepare_cached(&sql)?
                    .query_map(named_params! { ":id": conversation.to_string(), ":limit": limit }, read)?
                    .collect()
            };
            let mut rows = list().map_err(Error::sql("read the outbox"))?;
            rows.reverse();
            Ok(rows)
        })
        .await
    }

    /// `pending → sending`, durable before the first byte goes out. `false` if the row has moved on.
    pub async fn claim_send(&self, outbox: OutboxId, epoch: i64, now: Timestamp) -> Result<bool, Error> {
        const SQL: &str = "
            UPDATE outbox SET state = 'sending', attempts = attempts + 1, sending_at_ms = :now, looks = 0, epoch = epoch + 1
            WHERE id = :id AND epoch = :epoch AND state = 'pending'";
        self.write("claim a reply", move |tx| {
            let claimed = tx.prepare_cached(SQL).and_then(|mut update| {
                update.execute(named_params! { ":id": outbox.to_string(), ":epoch": epoch, ":now": now.0 })
            });
            Ok(claimed.map_err(Error::sql("claim a reply"))? == 1)
        })
        .await
    }

    /// What came of a claimed row (`epoch` is the claim's: the one read plus one).
    pub async fn finish_send(
        &self,
        outbox: OutboxId,
        epoch: i64,
        outcome: SendOutcome,
        first_look_ms: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ids = self.ids();
        self.write("record a send", move |tx| {
            let Some(row) = get(tx, outbox, epoch)? else { return Ok(()) };
            match outcome {
                SendOutcome::Sent { mid } => confirm(tx, &row, &mid, None, &*ids, now),
                SendOutcome::NotSent { reason, retry_after_ms } => {
                    let wait_ms = retry_after_ms.unwrap_or_else(|| backoff_ms(&row));
                    transition(tx, &row, OutboxState::Pending, Some(&reason), now.plus_ms(wait_ms))?;
                    settle_echoes(tx, row.conversation, &*ids, now)
                }
                SendOutcome::Ambiguous { reason } => unknown(tx, &row, &reason, now.plus_ms(first_look_ms), &*ids, now),
                SendOutcome::Refused { scope, reason } => {
                    transition(tx, &row, OutboxState::Failed, Some(&reason), now)?;
                    event::append(tx, now, &row_event(EventKind::ReplyFailed, &row).word("scope", scope.as_str()))?;
                    cancel_pending(tx, row.conversation, "earlier_part_failed", now)?;
                    settle_echoes(tx, row.conversation, &*ids, now)
                }
            }
        })
        .await
    }

    /// Takes a pending row out: the window has closed, or the guard no longer passes it.
    pub async fn cancel_send(
        &self,
        outbox: OutboxId,
        epoch: i64,
        reason: &'static str,
        hand_over: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write("cancel a reply", move |tx| {
            let Some(row) = get(tx, outbox, epoch)? else { return Ok(()) };
            transition(tx, &row, OutboxState::Cancelled, Some(reason), now)?;
            event::append(tx, now, &row_event(EventKind::ReplyCancelled, &row).word("reason", reason))?;
            cancel_pending(tx, row.conversation, reason, now)?;
            if hand_over {
                conversation::take_over(tx, row.conversation, TakeoverCause::HandOver, "system", now)?;
            }
            Ok(())
        })
        .await
    }

    /// Cancels the last answer if none of it has left, and makes a new turn due at once. `false`: part of it is out.
    pub async fn reopen_unsent(&self, conversation: ConversationId, now: Timestamp) -> Result<bool, Error> {
        const DUE: &str = "UPDATE conversation SET turn_due_at_ms = :now WHERE id = :id";
        self.write("reopen an answer", move |tx| {
            if !supersede(tx, conversation, now)? {
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

    /// Every row on the wire when the process ended has an unknown outcome. Call once, before anything is claimed.
    pub async fn recover_sending(&self, first_look_ms: i64, now: Timestamp) -> Result<u32, Error> {
        let sql = format!("{SELECT} WHERE o.state = 'sending' ORDER BY o.position");
        let ids = self.ids();
        self.write("recover the outbox", move |tx| {
            let list =
                || -> rusqlite::Result<Vec<OutboxRow>> { tx.prepare_cached(&sql)?.query_map([], read)?.collect() };
            let rows = list().map_err(Error::sql("recover the outbox"))?;
            for row in &rows {
                unknown(tx, row, "the process ended while sending", now.plus_ms(first_look_ms), &*ids, now)?;
            }
            Ok(rows.len() as u32)
        })
        .await
    }

    /// What a look at the thread has shown of an unknown row. `looks_max` looks decide, `next_look_ms` apart.
    pub async fn resolve_unknown(
        &self,
        outbox: OutboxId,
        epoch: i64,
        look: Look,
        looks_max: u32,
        next_look_ms: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        const LOOKED: &str =
            "UPDATE outbox SET looks = looks + 1, not_before_ms = :at, epoch = epoch + 1 WHERE id = :id";
        const RETRY: &str = "
            UPDATE outbox SET state = 'pending', blind_retries = blind_retries + 1, not_before_ms = :now,
                guarded_at_ms = 0, epoch = epoch + 1
            WHERE id = :id";
        let ids = self.ids();
        self.write("resolve an unknown reply", move |tx| {
            let Some(row) = get(tx, outbox, epoch)? else { return Ok(()) };
            let failed = |error| Error::sql("resolve an unknown reply")(error);
            match look {
                Look::Found { mid } => confirm(tx, &row, &mid, Some("thread"), &*ids, now),
                Look::Absent | Look::Unreadable if row.looks + 1 < looks_max => tx
                    .prepare_cached(LOOKED)
                    .and_then(|mut update| {
                        update.execute(named_params! { ":id": row.id.to_string(), ":at": now.0 + next_look_ms })
                    })
                    .map(drop)
                    .map_err(failed),
                Look::Unreadable => hold(tx, &row, "thread_unreadable", now),
                Look::Absent if row.blind_retries > 0 => hold(tx, &row, "absent_after_retry", now),
                Look::Absent => {
                    tx.prepare_cached(RETRY)
                        .and_then(|mut update| {
                            update.execute(named_params! { ":id": row.id.to_string(), ":now": now.0 })
                        })
                        .map_err(failed)?;
                    let retried = row_event(EventKind::ReplyReconciled, &row).word("resolution", "retried_blind");
                    event::append(tx, now, &retried)?;
                    settle_echoes(tx, row.conversation, &*ids, now)
                }
            }
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
        now: Timestamp,
    ) -> Result<(), Error> {
        const RESOLVE: &str = "
            UPDATE outbox SET state = 'failed', held = 0, epoch = epoch + 1 WHERE conversation_id = :id AND held = 1";
        let ids = self.ids();
        self.write("queue a person's message", move |tx| {
            conversation::require(tx, conversation)?;
            conversation::take_over(tx, conversation, TakeoverCause::Staff, "operator", now)?;
            conversation::close_open(tx, conversation, SuppressReason::AnsweredByPerson, &*ids, now)?;
            tx.prepare_cached(RESOLVE)
                .and_then(|mut update| update.execute(named_params! { ":id": conversation.to_string() }))
                .map_err(Error::sql("resolve held replies"))?;
            let wrote = NewEvent::new(EventKind::PersonWrote, "operator").id("conversation", conversation);
            event::append(tx, now, &wrote.word("through", "aura"))?;
            let queued = Queued { conversation, turn: None, author: Author::Person, parts: &parts, products: &[] };
            enqueue(tx, &queued, &*ids, now)
        })
        .await
    }
}

/// `sending → unknown`, unless an echo that already waits shows that it arrived.
fn unknown(
    tx: &Transaction<'_>,
    row: &OutboxRow,
    reason: &str,
    look_at: Timestamp,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<(), Error> {
    const ECHOES: &str = "
        SELECT mid, text, at_ms FROM pending_echo WHERE account_id = :account AND shopper_id = :shopper ORDER BY at_ms";
    let list = || -> rusqlite::Result<Vec<(String, Option<String>, i64)>> {
        tx.prepare_cached(ECHOES)?
            .query_map(named_params! { ":account": row.account.0, ":shopper": row.shopper.0 }, |echo| {
                Ok((echo.get(0)?, echo.get(1)?, echo.get(2)?))
            })?
            .collect()
    };
    let echoes = list().map_err(Error::sql("match an echo"))?;
    if let Some((mid, ..)) = echoes.iter().find(|(_, text, at)| matches(row, text.as_deref(), Timestamp(*at))) {
        return confirm(tx, row, mid, Some("echo"), ids, now);
    }
    transition(tx, row, OutboxState::Unknown, Some(reason), look_at)?;
    event::append(tx, now, &row_event(EventKind::ReplyUnknown, row)).map(drop)
}
