//! The law that no message is lost: what was accepted is answered, handed over, kept silent about for a reason, or waits
//! for the assistant or a person.

use super::{Error, TenantStore};
use crate::domain::MessageId;

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

impl TenantStore {
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
