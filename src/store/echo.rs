//! Echoes: whatever is sent from the account's side comes back, and must be told apart from a person's own words.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{
    Error, conversation, event,
    outbox::{OutboxRow, SELECT, insert_message, read},
    outcome::confirm,
};
use crate::domain::{
    ConversationId, Ids, Timestamp,
    channel::{AccountId, ShopperId},
    conversation::TakeoverCause,
    event::{EventKind, NewEvent},
    outbox::{Author, OutboxState},
    turn::SuppressReason,
};

/// How far our clock and the channel's may differ when a send is looked for.
pub const CLOCK_SLACK_MS: i64 = 5_000;

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
    conversation::unpark(tx, echo.conversation)?;
    let wrote = NewEvent::new(EventKind::PersonWrote, "person")
        .id("conversation", echo.conversation)
        .word("through", "echo")
        .caused_by(echo.mid);
    event::append(tx, now, &wrote).map(drop)
}

/// Once nothing of a thread is open, the echoes that waited are a person's.
pub(super) fn settle_echoes(
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

/// The mid of an echo that waits and can be this row.
pub(super) fn waiting_for(tx: &Transaction<'_>, row: &OutboxRow) -> Result<Option<String>, Error> {
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
    let found = echoes.into_iter().find(|(_, text, at)| matches(row, text.as_deref(), Timestamp(*at)));
    Ok(found.map(|(mid, ..)| mid))
}
