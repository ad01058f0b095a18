//! What a person may have to see to in a tenant's file, in numbers.

use rusqlite::named_params;

use super::{Error, TenantStore, conversation};
use crate::domain::Timestamp;

/// What may need a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Since when the longest waiting shopper waits for a person.
    pub waiting_since: Option<Timestamp>,
    /// Since when the oldest message waits for the assistant.
    pub open_since: Option<Timestamp>,
    /// Messages that no webhook had brought, found since the given moment.
    pub recovered: u64,
    /// Replies that the channel refused since the given moment.
    pub refused: u64,
}

impl TenantStore {
    /// What may need a person; what is counted is counted since `since`.
    pub async fn trouble(&self, since: Timestamp) -> Result<Trouble, Error> {
        const ACTION: &str = "see what needs a person";
        const WAITING: &str = "
            SELECT min(at_ms) FROM (
                SELECT min(waiting_since_ms) AS at_ms FROM conversation
                WHERE waiting_since_ms IS NOT NULL AND channel <> 'local'
                UNION ALL
                SELECT min(promised_since_ms) FROM conversation
                WHERE promised_since_ms IS NOT NULL AND channel <> 'local')";
        let open = conversation::oldest_open();
        const LATELY: &str = "
            SELECT coalesce(sum(kind = 'message.recovered'), 0), coalesce(sum(kind = 'reply.failed'), 0)
            FROM event WHERE at_ms >= :since";
        self.read(ACTION, move |tx| {
            let look = || -> rusqlite::Result<Trouble> {
                let moment = |sql: &str| -> rusqlite::Result<Option<i64>> {
                    tx.prepare_cached(sql)?.query_row([], |row| row.get(0))
                };
                let (waiting, open) = (moment(WAITING)?, moment(&open)?);
                tx.prepare_cached(LATELY)?.query_row(named_params! { ":since": since.0 }, |row| {
                    Ok(Trouble {
                        waiting_since: waiting.map(Timestamp),
                        open_since: open.map(Timestamp),
                        recovered: row.get(0)?,
                        refused: row.get(1)?,
                    })
                })
            };
            look().map_err(Error::sql(ACTION))
        })
        .await
    }
}
