//! How a tenant stands, in numbers.

use rusqlite::named_params;

use super::{Error, TenantStore, conversation, row::parsed};
use crate::domain::{Timestamp, channel::AccountId, outbox::OutboxState};

/// How a tenant stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantCounts {
    /// All conversations on channels that reach shoppers.
    pub conversations: u64,
    /// Those in which a person answers.
    pub taken_over: u64,
    /// Those in which a shopper waits for a person.
    pub waiting: u64,
    /// Those with a label.
    pub labelled: u64,
    /// Shopper messages that no finished turn covers.
    pub open_messages: u64,
    /// Outbox rows by state.
    pub outbox: Vec<(OutboxState, u64)>,
    /// Conversations in which messages were left to people.
    pub parked: u64,
    /// Conversations in which a draft waits for approval.
    pub drafts: u64,
    /// Outbox rows that wait for a person, those of drafts among them.
    pub held: u64,
    /// Outbox rows of drafts.
    pub draft_rows: u64,
}

/// What reached us on one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTraffic {
    /// The newest event of any kind, by our clock.
    pub last_event_at: Option<Timestamp>,
    /// Messages of shoppers.
    pub received: u64,
    /// Of these, found by reading the thread: no webhook had brought them.
    pub recovered: u64,
}

impl TenantStore {
    /// Counts conversations, open messages and outbox rows.
    pub async fn counts(&self) -> Result<TenantCounts, Error> {
        const CONVERSATIONS: &str = "
            SELECT count(*), count(takeover_cause), count(coalesce(waiting_since_ms, promised_since_ms)),
                   count(parked_since_ms), count(label)
            FROM conversation WHERE channel <> 'local'";
        const OUTBOX: &str = "SELECT state, count(*) AS rows FROM outbox WHERE account_id <> 'local' GROUP BY state";
        const DRAFTS: &str = "
            SELECT count(DISTINCT conversation_id), count(*) FROM outbox WHERE state = 'pending' AND held = 1";
        const HELD: &str = "SELECT count(*) FROM outbox WHERE held = 1";
        let open = format!("SELECT count(*) FROM ({})", conversation::OPEN_MESSAGES);
        self.read("count conversations", move |tx| {
            let count = || -> rusqlite::Result<TenantCounts> {
                let (conversations, taken_over, waiting, parked, labelled) =
                    tx.query_row(CONVERSATIONS, [], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                    })?;
                let (drafts, draft_rows) = tx.query_row(DRAFTS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let found: Vec<(OutboxState, u64)> = tx
                    .prepare_cached(OUTBOX)?
                    .query_map([], |row| Ok((parsed(row, "state", OutboxState::parse)?, row.get("rows")?)))?
                    .collect::<Result<_, _>>()?;
                let of = |state| found.iter().find(|(known, _)| *known == state).map_or(0, |(_, rows)| *rows);
                Ok(TenantCounts {
                    conversations,
                    taken_over,
                    waiting,
                    labelled,
                    open_messages: tx.query_row(&open, [], |row| row.get(0))?,
                    outbox: OutboxState::ALL.into_iter().map(|state| (state, of(state))).collect(),
                    parked,
                    drafts,
                    draft_rows,
                    held: tx.query_row(HELD, [], |row| row.get(0))?,
                })
            };
            count().map_err(Error::sql("count conversations"))
        })
        .await
    }

    /// What reached us on an account.
    pub async fn account_traffic(&self, account: AccountId) -> Result<AccountTraffic, Error> {
        const SQL: &str = "
            SELECT max(received_at_ms), count(*), coalesce(sum(recovered), 0) FROM message WHERE account_id = :account AND side = 'shopper'";
        const EVENTS: &str = "SELECT max(received_at_ms) FROM channel_event WHERE account_id = :account";
        self.read("count an account's traffic", move |tx| {
            let count = || -> rusqlite::Result<AccountTraffic> {
                let key = named_params! { ":account": account.0 };
                let (message, received, recovered): (Option<i64>, u64, u64) =
                    tx.query_row(SQL, key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                let event: Option<i64> = tx.query_row(EVENTS, key, |row| row.get(0))?;
                Ok(AccountTraffic { last_event_at: message.max(event).map(Timestamp), received, recovered })
            };
            count().map_err(Error::sql("count an account's traffic"))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::turn::SuppressReason,
        store::{Covered, EffectRecord, life_tests::Shop},
    };

    #[tokio::test]
    async fn a_message_that_an_unfinished_run_covers_still_waits_for_an_answer() {
        let shop = Shop::open();
        shop.writes(1_000, "m1", "linen?").await;
        let conversation = shop.conversation().await;
        let begun =
            shop.store.begin_turn(conversation, Timestamp(9_000)).await.expect("read").expect("a turn is due").0;
        let open = async || {
            let counts = shop.store.counts().await.expect("counted");
            let found = shop.store.conversation(conversation).await.expect("read").expect("it is there");
            let oldest = shop.store.open_work().await.expect("seen").oldest_open;
            let since = shop.store.trouble(Timestamp(0)).await.expect("seen").open_since;
            (counts.open_messages, found.open_messages, oldest, since)
        };
        let waits = (1, 1, Some(Timestamp(1_000)), Some(Timestamp(1_000)));
        assert_eq!(open().await, waits);
        let effect = EffectRecord { step: 0, kind: "compose".into(), result: "{}".into() };
        let covered = Covered::of(&begun.open);
        shop.store
            .record_effects(begun.turn, conversation, covered, vec![effect], Timestamp(9_000))
            .await
            .expect("kept");
        assert_eq!(open().await, waits, "its process may have ended");
        shop.store.park_open(conversation, SuppressReason::TooOld, Timestamp(9_001)).await.expect("closed");
        assert_eq!(open().await, (0, 0, None, None));
    }
}
