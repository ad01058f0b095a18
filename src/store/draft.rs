//! Drafts: answers that wait for a person. A draft is the pending, held outbox rows of one turn; a conversation has one at
//! most, because the shopper's next message supersedes it.
//!
//! Whoever decides first wins: a decision about a draft that no longer waits changes nothing.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, event,
    outbox::{self, EDITED, OutboxRow, REJECTED, SELECT, append_queued, cancel_pending, read, unsay},
    people,
    turn::takeover_cause,
};
use crate::domain::{
    ConversationId, Timestamp, TurnId,
    conversation::{Holder, WhenHeld},
    event::{EventKind, NewEvent},
    outbox::Author,
    turn::{HandOverReason, SuppressReason},
};

/// Tells that a draft waits. Names its first row, whose words are joined when the event is read.
pub(super) fn append_waiting(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    turn: TurnId,
    now: Timestamp,
) -> Result<(), Error> {
    event::append(tx, now, &about(tx, EventKind::DraftWaiting, "bot", conversation, turn)?).map(drop)
}

fn about(
    tx: &Transaction<'_>,
    kind: EventKind,
    actor: &'static str,
    conversation: ConversationId,
    turn: TurnId,
) -> Result<NewEvent, Error> {
    const ROWS: &str = "SELECT id FROM outbox WHERE turn_id = :turn ORDER BY position";
    let list = || -> rusqlite::Result<Vec<String>> {
        tx.prepare_cached(ROWS)?.query_map(named_params! { ":turn": turn.to_string() }, |row| row.get(0))?.collect()
    };
    let rows = list().map_err(Error::sql("read a draft"))?;
    let event = NewEvent::new(kind, actor).id("conversation", conversation).id("turn", turn);
    let mut event = event.number("parts", rows.len() as i64);
    event.correlation = outbox::brought_by(tx, turn)?;
    Ok(match rows.first() {
        Some(first) => event.id("outbox", first),
        None => event,
    })
}

/// The draft that waits in a conversation, if it is the one that `wanted` names.
fn waiting(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    wanted: Option<TurnId>,
) -> Result<Result<TurnId, Error>, Error> {
    let found = conversation::require(tx, conversation)?.draft.map(|draft| draft.turn);
    Ok(match (found, wanted) {
        (Some(found), None) => Ok(found),
        (Some(found), Some(wanted)) if found == wanted => Ok(found),
        (found, wanted) => Err(Error::Conflict(match (fate(tx, conversation, wanted)?, found) {
            (Some(fate), _) => format!("the draft {fate}"),
            (None, Some(_)) => "another draft waits by now".into(),
            (None, None) => "no draft waits in this conversation".into(),
        })),
    })
}

/// What became of a draft that waits no more; without a name, of the newest.
fn fate(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    turn: Option<TurnId>,
) -> Result<Option<&'static str>, Error> {
    const SQL: &str = "
        SELECT approved_at_ms IS NOT NULL, reason FROM outbox
        WHERE conversation_id = :id AND author = 'bot' AND (:turn IS NULL OR turn_id = :turn)
        ORDER BY position DESC LIMIT 1";
    let found: Option<(bool, Option<String>)> = tx
        .prepare_cached(SQL)
        .and_then(|mut select| {
            let named = named_params! { ":id": conversation.to_string(), ":turn": turn.map(|turn| turn.to_string()) };
            select.query_row(named, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(Error::sql("read what became of a draft"))?;
    Ok(found.and_then(|(approved, reason)| match reason.as_deref() {
        _ if approved => Some("was approved already"),
        Some(REJECTED) => Some("was rejected already"),
        Some(EDITED) => Some("was edited already"),
        Some("superseded") => Some("was superseded: the shopper wrote again"),
        Some("takeover") => Some("was withdrawn: a person has the conversation"),
        Some("unsent") => Some("was withdrawn: the shopper took a message back"),
        Some("window_closed") => Some("was withdrawn: the channel's window has closed"),
        Some("mode_off" | "not_chosen") => Some("was withdrawn: the assistant is off for this shopper"),
        _ => None,
    }))
}

/// Marks a turn whose answer will not go out: its messages are accounted for, and not answered by it.
fn suppress_turn(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    turn: TurnId,
    reason: SuppressReason,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE turn SET outcome = 'suppressed', reason = :reason WHERE id = :turn";
    let mark = || -> rusqlite::Result<usize> {
        unsay(tx, conversation, turn)?;
        tx.prepare_cached(SQL)?.execute(named_params! { ":turn": turn.to_string(), ":reason": reason.as_str() })
    };
    mark().map(drop).map_err(Error::sql("mark a turn whose answer does not go out"))
}

/// Performs the hand-over that a turn has asked for, if it has.
fn hand_over(tx: &Transaction<'_>, conversation: ConversationId, turn: TurnId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "SELECT reason FROM turn WHERE id = :turn AND outcome = 'handed_over'";
    let reason: Option<Option<String>> = tx
        .prepare_cached(SQL)
        .and_then(|mut select| {
            select.query_row(named_params! { ":turn": turn.to_string() }, |row| row.get(0)).optional()
        })
        .map_err(Error::sql("read a turn's outcome"))?;
    match reason.flatten().as_deref().and_then(HandOverReason::parse) {
        Some(reason) => conversation::mark_taken_over(tx, conversation, takeover_cause(reason), "operator", now),
        None => Ok(()),
    }
}

/// Whether no row of a turn has been on the wire.
fn nothing_left(tx: &Transaction<'_>, turn: TurnId) -> Result<bool, Error> {
    const SQL: &str = "SELECT coalesce(max(attempts), 0) = 0 FROM outbox WHERE turn_id = :turn";
    tx.prepare_cached(SQL)
        .and_then(|mut select| select.query_row(named_params! { ":turn": turn.to_string() }, |row| row.get(0)))
        .map_err(Error::sql("read a turn's replies"))
}

fn rows_of(tx: &Transaction<'_>, turn: TurnId) -> Result<Vec<OutboxRow>, Error> {
    let sql = format!("{SELECT} WHERE o.turn_id = :turn AND o.state = 'pending' ORDER BY o.position");
    let list = || -> rusqlite::Result<Vec<OutboxRow>> {
        tx.prepare_cached(&sql)?.query_map(named_params! { ":turn": turn.to_string() }, read)?.collect()
    };
    list().map_err(Error::sql("read a draft"))
}

impl TenantStore {
    /// Lets the draft go out; a hand-over that it speaks of takes place. Returns its rows, and the other person who has the
    /// conversation.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no draft waits, or not the one that `wanted` names; [`Error::Held`] when another person has
    /// the conversation and `when_held` does not go on.
    pub async fn approve_draft(
        &self,
        conversation: ConversationId,
        wanted: Option<TurnId>,
        when_held: WhenHeld,
        now: Timestamp,
    ) -> Result<(Vec<OutboxRow>, Option<Holder>), Error> {
        const SQL: &str = "
            UPDATE outbox SET held = 0, approved_at_ms = :now, not_before_ms = :now, epoch = epoch + 1
            WHERE turn_id = :turn AND state = 'pending' AND held = 1";
        self.write("approve a draft", move |tx| {
            let other = people::other_holder(&conversation::require(tx, conversation)?, when_held)?;
            let turn = waiting(tx, conversation, wanted)??;
            tx.prepare_cached(SQL)
                .and_then(|mut update| update.execute(named_params! { ":turn": turn.to_string(), ":now": now.0 }))
                .map_err(Error::sql("approve a draft"))?;
            event::append(tx, now, &about(tx, EventKind::DraftApproved, "operator", conversation, turn)?)?;
            conversation::unpark(tx, conversation)?;
            hand_over(tx, conversation, turn, now)?;
            let rows = rows_of(tx, turn)?;
            for row in &rows {
                append_queued(tx, conversation, &row.id.to_string(), Some(turn), row.author, now)?;
            }
            Ok((rows, other))
        })
        .await
    }

    /// Refuses the draft and leaves its messages to people.
    ///
    /// # Errors
    /// See [`TenantStore::approve_draft`].
    pub async fn reject_draft(
        &self,
        conversation: ConversationId,
        wanted: Option<TurnId>,
        now: Timestamp,
    ) -> Result<TurnId, Error> {
        self.write("reject a draft", move |tx| {
            let turn = waiting(tx, conversation, wanted)??;
            event::append(tx, now, &about(tx, EventKind::DraftRejected, "operator", conversation, turn)?)?;
            cancel_pending(tx, conversation, Some(turn), REJECTED, now)?;
            suppress_turn(tx, conversation, turn, SuppressReason::DraftRejected)?;
            conversation::park(tx, conversation, SuppressReason::DraftRejected, now)?;
            Ok(turn)
        })
        .await
    }

    /// Sends a person's words in the draft's place. The conversation stays the assistant's, unless the draft was a
    /// hand-over. Returns the draft's turn, the new rows, and the other person who has the conversation.
    ///
    /// # Errors
    /// See [`TenantStore::approve_draft`].
    pub async fn edit_draft(
        &self,
        conversation: ConversationId,
        wanted: Option<TurnId>,
        parts: Vec<String>,
        when_held: WhenHeld,
        now: Timestamp,
    ) -> Result<(TurnId, Vec<OutboxRow>, Option<Holder>), Error> {
        let ids = self.ids();
        let newest = format!("{SELECT} WHERE o.conversation_id = :id ORDER BY o.position DESC LIMIT :count");
        self.write("edit a draft", move |tx| {
            let found = conversation::require(tx, conversation)?;
            let other = people::other_holder(&found, when_held)?;
            let turn = waiting(tx, conversation, wanted)??;
            event::append(tx, now, &about(tx, EventKind::DraftEdited, "operator", conversation, turn)?)?;
            cancel_pending(tx, conversation, Some(turn), EDITED, now)?;
            hand_over(tx, conversation, turn, now)?;
            people::hold(tx, &found, now)?;
            conversation::person_came(tx, conversation)?;
            suppress_turn(tx, conversation, turn, SuppressReason::AnsweredByPerson)?;
            conversation::unpark(tx, conversation)?;
            let wrote = NewEvent::new(EventKind::PersonWrote, "operator").id("conversation", conversation);
            event::append(tx, now, &wrote.word("through", "aura"))?;
            let queued = outbox::Queued {
                conversation,
                turn: None,
                author: Author::Person,
                parts: &parts,
                products: &[],
                held_until: None,
            };
            outbox::enqueue(tx, &queued, &*ids, now)?;
            let list = || -> rusqlite::Result<Vec<OutboxRow>> {
                let named = named_params! { ":id": conversation.to_string(), ":count": parts.len() as i64 };
                tx.prepare_cached(&newest)?.query_map(named, read)?.collect()
            };
            let mut rows = list().map_err(Error::sql("read the outbox"))?;
            rows.reverse();
            Ok((turn, rows, other))
        })
        .await
    }

    /// Takes back what of a turn's answer has not left: a draft, or what is queued. Its messages are left to people.
    /// `false` if nothing of it was there to take back.
    pub async fn withdraw_answer(
        &self,
        conversation: ConversationId,
        turn: TurnId,
        reason: SuppressReason,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.write("withdraw an answer", move |tx| {
            if rows_of(tx, turn)?.is_empty() {
                return Ok(false);
            }
            cancel_pending(tx, conversation, Some(turn), reason.as_str(), now)?;
            if nothing_left(tx, turn)? {
                suppress_turn(tx, conversation, turn, reason)?;
            }
            conversation::park(tx, conversation, reason, now)?;
            Ok(true)
        })
        .await
    }

    /// Makes a queued answer of which nothing has left a draft, or lets a draft wait longer. `false` if a part of it is
    /// out: half an answer is worse than a whole one.
    pub async fn hold_answer(
        &self,
        conversation: ConversationId,
        turn: TurnId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        const SQL: &str = "
            UPDATE outbox SET held = 1, not_before_ms = :until, epoch = epoch + 1 WHERE turn_id = :turn AND state = 'pending'";
        self.write("hold an answer", move |tx| {
            let rows = rows_of(tx, turn)?;
            if rows.is_empty() || !nothing_left(tx, turn)? {
                return Ok(false);
            }
            tx.prepare_cached(SQL)
                .and_then(|mut update| update.execute(named_params! { ":turn": turn.to_string(), ":until": until.0 }))
                .map_err(Error::sql("hold an answer"))?;
            if rows.iter().any(|row| !row.held) {
                append_waiting(tx, conversation, turn, now)?;
            }
            Ok(true)
        })
        .await
    }
}
