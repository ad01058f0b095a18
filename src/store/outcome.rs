//! What comes of a reply that was on the wire: every transition out of `sending` and `unknown`.
//!
//! Each names the epoch it was read at: a row that has moved on is not changed.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, echo, event,
    outbox::{OutboxRow, SELECT, actor, cancel_pending, insert_message, read},
};
use crate::domain::{
    ConversationId, Ids, OutboxId, Timestamp,
    conversation::TakeoverCause,
    event::{EventKind, NewEvent},
    outbox::{Author, OutboxState, SendOutcome},
    turn::SuppressReason,
};

/// First wait after a refusal that may pass (Meta's throttles), doubled each time.
const RETRY_FIRST_MS: i64 = 2_000;
/// Longest wait between two tries.
const RETRY_MAX_MS: i64 = 15 * 60_000;
/// Why a row is held whose fate was lost with what happened after a backup.
const RESTORED: &str = "restored";

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

/// The channel has the row: `sent`, and its message joins the conversation.
pub(super) fn confirm(
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
    event::append(tx, now, &of_turn(event, row))?;
    echo::settle_echoes(tx, row.conversation, ids, now)
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
    of_turn(event, row)
}

/// Names the turn that made the row, and ties the event to what brought the message it answers.
fn of_turn(mut event: NewEvent, row: &OutboxRow) -> NewEvent {
    if let Some(turn) = row.turn {
        event = event.id("turn", turn);
    }
    event.correlation.clone_from(&row.correlation);
    event
}

/// The other parts of an answer do not go out without this one. What other turns have is their own.
fn cancel_rest(tx: &Transaction<'_>, row: &OutboxRow, reason: &'static str, now: Timestamp) -> Result<(), Error> {
    match row.turn {
        Some(turn) => cancel_pending(tx, row.conversation, Some(turn), reason, now),
        None => Ok(()),
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

/// Nobody knows what became of what was unsent when a backup was made: all of it may have gone out since, so nothing of it
/// goes by itself any more. A draft stays one: only a person sends it.
pub(super) fn hold_unsent(tx: &Transaction<'_>, ids: &dyn Ids, now: Timestamp) -> Result<u64, Error> {
    const ACTION: &str = "hold what was unsent";
    let open = "o.state IN ('pending', 'sending', 'unknown') AND o.held = 0 AND o.account_id <> 'local'";
    let sql = format!("{SELECT} WHERE {open} ORDER BY o.conversation_id, o.position");
    let list = || -> rusqlite::Result<Vec<OutboxRow>> { tx.prepare(&sql)?.query_map([], read)?.collect() };
    // All of them before the first conversation becomes a person's: that would cancel the others of the same answer.
    for row in list().map_err(Error::sql(ACTION))? {
        unknown(tx, &row, RESTORED, now, ids, now)?;
    }
    let rows = list().map_err(Error::sql(ACTION))?;
    for row in &rows {
        hold(tx, row, RESTORED, now)?;
    }
    Ok(rows.len() as u64)
}

/// The wait before the next try: doubled each time, with up to half of it as jitter (from the row's random id).
fn backoff_ms(row: &OutboxRow) -> i64 {
    let base = RETRY_FIRST_MS.saturating_mul(1 << row.attempts.saturating_sub(1).min(20)).min(RETRY_MAX_MS);
    let jitter = (row.id.0.as_u128() ^ u128::from(row.attempts)) % (base as u128 / 2 + 1);
    base + jitter as i64
}

impl TenantStore {
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
                    echo::settle_echoes(tx, row.conversation, &*ids, now)
                }
                SendOutcome::Ambiguous { reason } => unknown(tx, &row, &reason, now.plus_ms(first_look_ms), &*ids, now),
                SendOutcome::Refused { scope, reason } => {
                    transition(tx, &row, OutboxState::Failed, Some(&reason), now)?;
                    event::append(tx, now, &row_event(EventKind::ReplyFailed, &row).word("scope", scope.as_str()))?;
                    cancel_rest(tx, &row, "earlier_part_failed", now)?;
                    // A person sees what became of their own words; what the bot could not say is left to people.
                    if row.author == Author::Bot {
                        conversation::park(tx, row.conversation, SuppressReason::SendRefused, now)?;
                    }
                    echo::settle_echoes(tx, row.conversation, &*ids, now)
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
            cancel_rest(tx, &row, reason, now)?;
            if hand_over {
                conversation::take_over(tx, row.conversation, TakeoverCause::HandOver, "system", now)?;
            }
            if let Some(reason) = SuppressReason::parse(reason).filter(|_| hand_over) {
                conversation::park(tx, row.conversation, reason, now)?;
            }
            Ok(())
        })
        .await
    }

    /// Rows on the wire whose sender is gone have an unknown outcome: all of them when the last process has ended (call
    /// before anything is claimed), or those of the one conversation that the caller alone works on.
    pub async fn recover_sending(
        &self,
        only: Option<ConversationId>,
        first_look_ms: i64,
        now: Timestamp,
    ) -> Result<u32, Error> {
        let sql = format!(
            "{SELECT} WHERE o.state = 'sending' AND (:only IS NULL OR o.conversation_id = :only) ORDER BY o.position"
        );
        let ids = self.ids();
        self.write("recover the outbox", move |tx| {
            let only = only.map(|conversation| conversation.to_string());
            let list = || -> rusqlite::Result<Vec<OutboxRow>> {
                tx.prepare_cached(&sql)?.query_map(named_params! { ":only": only }, read)?.collect()
            };
            let rows = list().map_err(Error::sql("recover the outbox"))?;
            for row in &rows {
                unknown(tx, row, "whoever was sending it is gone", now.plus_ms(first_look_ms), &*ids, now)?;
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
                    echo::settle_echoes(tx, row.conversation, &*ids, now)
                }
            }
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
    if let Some(mid) = echo::waiting_for(tx, row)? {
        return confirm(tx, row, &mid, Some("echo"), ids, now);
    }
    transition(tx, row, OutboxState::Unknown, Some(reason), look_at)?;
    event::append(tx, now, &row_event(EventKind::ReplyUnknown, row)).map(drop)
}
