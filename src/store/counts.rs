//! How a tenant stands, in numbers.

use rusqlite::named_params;

use super::{Error, TenantStore, conversation, row::parsed};
use crate::domain::{Timestamp, channel::AccountId, outbox::OutboxState};

/// How turns ended. Local trials are few, and an index tells which those are.
const TURNS: &str = "
    SELECT count(*), coalesce(sum(outcome = 'handed_over'), 0) FROM turn
    WHERE state = 'finished' AND finished_at_ms >= :since AND outcome <> 'superseded'
          AND conversation_id NOT IN (SELECT id FROM conversation WHERE channel = 'local')";
/// What shoppers wrote. Each half is counted in an index of its own.
const TRAFFIC: &str = "
    SELECT max(newest), sum(received), sum(lately), sum(received * recovered) FROM (
        SELECT 0 AS recovered, max(received_at_ms) AS newest, count(*) AS received,
               count(*) FILTER (WHERE received_at_ms >= :since) AS lately
        FROM message WHERE account_id = :account AND side = 'shopper' AND recovered = 0
        UNION ALL
        SELECT 1, max(received_at_ms), count(*), count(*) FILTER (WHERE received_at_ms >= :since)
        FROM message WHERE account_id = :account AND side = 'shopper' AND recovered = 1)";
/// The newest event that is no message.
const NEWEST_EVENT: &str = "SELECT max(received_at_ms) FROM channel_event WHERE account_id = :account";

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
    /// How turns ended lately.
    pub lately: TurnCounts,
}

/// How turns ended since a moment, those that were superseded and local trials left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnCounts {
    /// All that ended.
    pub turns: u64,
    /// Those that asked for a person.
    pub handed_over: u64,
}

/// What reached us on one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTraffic {
    /// The newest event of any kind, by our clock.
    pub last_event_at: Option<Timestamp>,
    /// Messages of shoppers.
    pub received: u64,
    /// Of these, those that have come since a given moment.
    pub received_lately: u64,
    /// Of these, found by reading the thread: no webhook had brought them.
    pub recovered: u64,
}

impl TenantStore {
    /// Counts conversations, open messages, outbox rows, and the turns that have ended since `since`.
    pub async fn counts(&self, since: Timestamp) -> Result<TenantCounts, Error> {
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
                    lately: tx.prepare_cached(TURNS)?.query_row(named_params! { ":since": since.0 }, |row| {
                        Ok(TurnCounts { turns: row.get(0)?, handed_over: row.get(1)? })
                    })?,
                })
            };
            count().map_err(Error::sql("count conversations"))
        })
        .await
    }

    /// What reached us on an account; what has come lately has since `since`.
    pub async fn account_traffic(&self, account: AccountId, since: Timestamp) -> Result<AccountTraffic, Error> {
        self.read("count an account's traffic", move |tx| {
            let count = || -> rusqlite::Result<AccountTraffic> {
                let key = named_params! { ":account": account.0 };
                let event: Option<i64> = tx.prepare_cached(NEWEST_EVENT)?.query_row(key, |row| row.get(0))?;
                let key = named_params! { ":account": account.0, ":since": since.0 };
                tx.prepare_cached(TRAFFIC)?.query_row(key, |row| {
                    Ok(AccountTraffic {
                        last_event_at: row.get::<_, Option<i64>>(0)?.max(event).map(Timestamp),
                        received: row.get(1)?,
                        received_lately: row.get(2)?,
                        recovered: row.get(3)?,
                    })
                })
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
        domain::turn::{HandOverReason, SuppressReason, TurnOutcome},
        store::{
            Covered, EffectRecord,
            life_tests::{ACCOUNT, Shop},
        },
    };

    #[tokio::test]
    async fn a_message_that_an_unfinished_run_covers_still_waits_for_an_answer() {
        let shop = Shop::open();
        shop.writes(1_000, "m1", "linen?").await;
        let conversation = shop.conversation().await;
        let begun =
            shop.store.begin_turn(conversation, Timestamp(9_000)).await.expect("read").expect("a turn is due").0;
        let open = async || {
            let counts = shop.store.counts(Timestamp(0)).await.expect("counted");
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

    /// What a message is read for is no count: ten thousand shops are looked at at once.
    #[tokio::test]
    async fn what_came_and_how_turns_ended_is_counted_since_a_moment_and_in_indexes_alone() {
        const WEEK: i64 = 1_000_000;
        let shop = Shop::open();
        // One before the moment; after it two, one of which calls a person.
        for (at, mid, outcome) in [
            (WEEK - 90_000, "m1", TurnOutcome::Suppressed(SuppressReason::TooOld)),
            (WEEK + 10_000, "m2", TurnOutcome::Suppressed(SuppressReason::TooOld)),
            (WEEK + 90_000, "m3", TurnOutcome::HandedOver(HandOverReason::Asked)),
        ] {
            shop.writes(at, mid, "linen?").await;
            shop.finishes(at + 5_000, outcome, &[]).await;
        }
        let account = AccountId(ACCOUNT.into());
        let traffic = shop.store.account_traffic(account.clone(), Timestamp(WEEK)).await.expect("counted");
        let expected = AccountTraffic {
            last_event_at: Some(Timestamp(WEEK + 90_000)),
            received: 3,
            received_lately: 2,
            recovered: 0,
        };
        assert_eq!(traffic, expected);
        let lately = shop.store.counts(Timestamp(WEEK)).await.expect("counted").lately;
        assert_eq!(lately, TurnCounts { turns: 2, handed_over: 1 });
        for sql in [TRAFFIC, TURNS, NEWEST_EVENT] {
            let explain = move |tx: &rusqlite::Transaction<'_>| -> rusqlite::Result<Vec<String>> {
                tx.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?.raw_query().mapped(|row| row.get("detail")).collect()
            };
            let plan = shop.store.read("explain", move |tx| explain(tx).map_err(Error::sql("explain"))).await;
            let plan = plan.expect("explained");
            let tables: Vec<_> = plan
                .iter()
                .filter(|line| line.contains("message") || line.contains("turn") || line.contains("event"))
                .collect();
            assert!(!tables.is_empty() && tables.iter().all(|line| line.contains("COVERING INDEX")), "{plan:#?}");
        }
    }
}
