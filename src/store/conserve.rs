//! The law that no message is lost: what was accepted is answered, handed over, kept silent about for a reason, or waits
//! for the assistant or a person.

use super::{Error, TenantStore, conversation};
use crate::domain::{MessageId, Timestamp};

/// Where a tenant's accepted messages are. The law: `accepted` is the sum of all the others but `lost`, which is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Messages that deserve an answer, on channels that reach shoppers.
    pub accepted: u64,
    /// Covered by a turn that put an answer into the outbox.
    pub answered: u64,
    /// Covered by a turn that asked for a person.
    pub handed_over: u64,
    /// Covered by a turn that said nothing, for a reason.
    pub suppressed: u64,
    /// The assistant's next turn covers them.
    pub pending: u64,
    /// They wait for the person who has the conversation.
    pub with_person: u64,
    /// None of these: nobody would ever answer them.
    pub lost: u64,
    /// One of the lost.
    pub first_lost: Option<MessageId>,
}

/// What a tenant has not done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenWork {
    /// Replies that wait to go out.
    pub pending: u64,
    /// Replies on their way.
    pub sending: u64,
    /// Replies of which it is not known whether they arrived.
    pub unknown: u64,
    /// Replies that wait for a person.
    pub held: u64,
    /// When the oldest message came that the assistant has yet to deal with.
    pub oldest_open: Option<Timestamp>,
}

impl TenantStore {
    /// What is not done with; reads what is open alone.
    pub async fn open_work(&self) -> Result<OpenWork, Error> {
        const ACTION: &str = "see what is open";
        const OUTBOX: &str = "
            SELECT coalesce(sum(state = 'pending' AND held = 0), 0), coalesce(sum(state = 'sending' AND held = 0), 0),
                   coalesce(sum(state = 'unknown' AND held = 0), 0), coalesce(sum(held), 0)
            FROM outbox WHERE state IN ('pending', 'sending', 'unknown') AND account_id <> 'local'";
        let oldest = conversation::oldest_open();
        self.read(ACTION, move |tx| {
            let look = || -> rusqlite::Result<OpenWork> {
                let oldest: Option<i64> = tx.prepare_cached(&oldest)?.query_row([], |row| row.get(0))?;
                tx.prepare_cached(OUTBOX)?.query_row([], |row| {
                    Ok(OpenWork {
                        pending: row.get(0)?,
                        sending: row.get(1)?,
                        unknown: row.get(2)?,
                        held: row.get(3)?,
                        oldest_open: oldest.map(Timestamp),
                    })
                })
            };
            look().map_err(Error::sql(ACTION))
        })
        .await
    }

    /// Counts where every accepted message is. Reads all of them.
    pub async fn conservation(&self) -> Result<Conservation, Error> {
        const ACTION: &str = "account for messages";
        // A turn that claims an answer but put nothing into the outbox has answered nobody.
        const SQL: &str = "
            SELECT place, count(*) AS messages, min(id) AS first FROM (
                SELECT m.id, CASE
                    WHEN t.state = 'finished' AND t.outcome = 'answered' AND EXISTS (
                        SELECT 1 FROM outbox o WHERE o.turn_id = t.id) THEN 'answered'
                    WHEN t.state = 'finished' AND t.outcome IN ('handed_over', 'suppressed') THEN t.outcome
                    WHEN t.state = 'finished' OR (m.turn_id IS NOT NULL AND t.id IS NULL) THEN 'lost'
                    WHEN c.takeover_cause IS NOT NULL THEN 'person'
                    WHEN c.turn_due_at_ms IS NOT NULL THEN 'pending'
                    ELSE 'lost' END AS place
                FROM message m JOIN conversation c ON c.id = m.conversation_id LEFT JOIN turn t ON t.id = m.turn_id
                WHERE m.answerable = 1 AND c.channel <> 'local')
            GROUP BY place";
        self.read(ACTION, |tx| {
            let count = || -> rusqlite::Result<Conservation> {
                let mut found = Conservation::default();
                let mut select = tx.prepare_cached(SQL)?;
                let mut rows = select.query([])?;
                while let Some(row) = rows.next()? {
                    let (place, messages): (String, u64) = (row.get("place")?, row.get("messages")?);
                    found.accepted += messages;
                    match place.as_str() {
                        "answered" => found.answered = messages,
                        "handed_over" => found.handed_over = messages,
                        "suppressed" => found.suppressed = messages,
                        "person" => found.with_person = messages,
                        "pending" => found.pending = messages,
                        _ => {
                            found.lost = messages;
                            found.first_lost = Some(super::row::id(row, "first")?);
                        }
                    }
                }
                Ok(found)
            };
            count().map_err(Error::sql(ACTION))
        })
        .await
    }
}
