//! Accounts that are silent against their habit: noted once, and over with the next message that a webhook brings.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{Error, TenantStore, event};
use crate::domain::{
    Timestamp,
    channel::AccountId,
    event::{EventKind, NewEvent},
    notify::is_silent,
};

impl TenantStore {
    /// Since when an account is silent against its habit; `None`: it is not, or that is known already.
    pub async fn odd_silence(&self, account: AccountId, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        const ACTION: &str = "compare an account with its habit";
        self.read(ACTION, move |tx| silent_since(tx, &account, now).map_err(Error::sql(ACTION))).await
    }

    /// Notes that an account is silent against its habit, if it still is and that was not known. `true` if it was noted.
    pub async fn note_silence(&self, account: AccountId, now: Timestamp) -> Result<bool, Error> {
        const ACTION: &str = "compare an account with its habit";
        self.write("note a silent account", move |tx| {
            // Something may have come between the look and this.
            let Some(since) = silent_since(tx, &account, now).map_err(Error::sql(ACTION))? else { return Ok(false) };
            let noted = tx
                .prepare_cached("INSERT INTO account_silence (account_id, since_ms) VALUES (:account, :since)")
                .and_then(|mut insert| insert.execute(named_params! { ":account": account.0, ":since": since.0 }));
            noted.map_err(Error::sql("note a silent account"))?;
            let silent = NewEvent::new(EventKind::AccountSilent, "system")
                .id("account", &account)
                .number("silent_ms", now.since_ms(since));
            event::append(tx, now, &silent)?;
            Ok(true)
        })
        .await
    }
}

/// When something last came from an account that is silent against its habit and not known to be.
fn silent_since(tx: &Transaction<'_>, account: &AccountId, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    const KNOWN: &str = "SELECT 1 FROM account_silence WHERE account_id = :account";
    const LAST: &str = "
        SELECT max(received_at_ms) FROM message WHERE account_id = :account AND side = 'shopper' AND recovered = 0";
    const CAME: &str = "
        SELECT count(*) FROM (SELECT 1 FROM message
            WHERE account_id = :account AND side = 'shopper' AND recovered = 0
              AND received_at_ms >= :from AND received_at_ms < :until LIMIT :enough)";
    let of = named_params! { ":account": account.0 };
    if tx.prepare_cached(KNOWN)?.exists(of)? {
        return Ok(None);
    }
    let last: Option<i64> = tx.prepare_cached(LAST)?.query_row(of, |row| row.get(0))?;
    let Some(last) = last.map(Timestamp) else { return Ok(None) };
    let mut count = tx.prepare_cached(CAME)?;
    let came = |from: Timestamp, until: Timestamp| {
        let span = named_params! {
            ":account": account.0, ":from": from.0, ":until": until.0, ":enough": crate::domain::notify::USUAL_MIN,
        };
        count.query_row(span, |row| row.get::<_, u32>(0))
    };
    Ok(is_silent(last, now, came)?.then_some(last))
}

/// Something has come from an account. Its silence, if there was one, is over.
pub(super) fn heard(tx: &Transaction<'_>, account: &AccountId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM account_silence WHERE account_id = :account RETURNING since_ms";
    let since: Option<i64> = tx
        .prepare_cached(SQL)
        .and_then(|mut delete| delete.query_row(named_params! { ":account": account.0 }, |row| row.get(0)).optional())
        .map_err(Error::sql("end an account's silence"))?;
    let Some(since) = since else { return Ok(()) };
    let heard = NewEvent::new(EventKind::AccountHeard, "system")
        .id("account", account)
        .number("silent_ms", now.since_ms(Timestamp(since)));
    event::append(tx, now, &heard).map(drop)
}
