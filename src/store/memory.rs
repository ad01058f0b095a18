//! What was said in a conversation before its newest messages, in short: kept, read with a turn, and forgotten with what it
//! was made of.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{Error, TenantStore, conversation, row::id};
use crate::domain::{
    ConversationId, MessageId, Timestamp,
    conversation::{Memory, Message},
};

/// Messages that are read to make a memory: more than a turn sees, so that what was left out of one is in it.
const RECALLED_MAX: u32 = 60;

impl TenantStore {
    /// What was said in a conversation, oldest first, but for what still waits for an answer; and what is remembered of it.
    pub async fn recall(&self, conversation: ConversationId) -> Result<(Vec<Message>, Option<Memory>), Error> {
        let open = format!("SELECT id FROM ({}) WHERE conversation_id = :id", conversation::OPEN_MESSAGES);
        self.read("recall a conversation", move |tx| {
            let recall = || -> rusqlite::Result<(Vec<Message>, Option<Memory>)> {
                let open: Vec<MessageId> = tx
                    .prepare_cached(&open)?
                    .query_map(named_params! { ":id": conversation.to_string() }, |row| id(row, "id"))?
                    .collect::<Result<_, _>>()?;
                let mut messages = conversation::newest_messages(tx, conversation, RECALLED_MAX)?;
                messages.retain(|message| !open.contains(&message.id));
                Ok((messages, read(tx, conversation)?))
            };
            recall().map_err(Error::sql("recall a conversation"))
        })
        .await
    }

    /// Keeps what was made of a conversation's older messages. `of`: the messages that it was made of; `before`: the last
    /// message of the memory that it was made of. `false` when one of them was taken back meanwhile, or another memory is
    /// there: then it is not kept.
    pub async fn remember(
        &self,
        conversation: ConversationId,
        memory: Memory,
        of: Vec<MessageId>,
        before: Option<MessageId>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        const STANDS: &str =
            "SELECT 1 FROM message WHERE id = :message AND conversation_id = :conversation AND unsent = 0";
        const KEEP: &str = "
            INSERT INTO conversation_memory (conversation_id, summary, through_at_ms, through_id, made_by, made_at_ms)
            VALUES (:conversation, :summary, :through_at, :through, :made_by, :now)
            ON CONFLICT (conversation_id) DO UPDATE SET summary = excluded.summary,
                through_at_ms = excluded.through_at_ms, through_id = excluded.through_id, made_by = excluded.made_by,
                made_at_ms = excluded.made_at_ms";
        self.write("remember a conversation", move |tx| {
            let keep = || -> rusqlite::Result<bool> {
                if read(tx, conversation)?.map(|known| known.through) != before {
                    return Ok(false);
                }
                let conversation = conversation.to_string();
                for message in &of {
                    let row = named_params! { ":message": message.to_string(), ":conversation": conversation };
                    if !tx.prepare_cached(STANDS)?.exists(row)? {
                        return Ok(false);
                    }
                }
                tx.prepare_cached(KEEP)?.execute(named_params! {
                    ":conversation": conversation, ":summary": memory.summary, ":through_at": memory.through_at.0,
                    ":through": memory.through.to_string(), ":made_by": memory.made_by, ":now": now.0,
                })?;
                Ok(true)
            };
            keep().map_err(Error::sql("remember a conversation"))
        })
        .await
    }
}

/// What is remembered of a conversation.
pub(super) fn read(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<Option<Memory>> {
    const SQL: &str = "
        SELECT summary, through_at_ms, through_id, made_by FROM conversation_memory WHERE conversation_id = :id";
    tx.prepare_cached(SQL)?
        .query_row(named_params! { ":id": conversation.to_string() }, |row| {
            Ok(Memory {
                summary: row.get("summary")?,
                through_at: Timestamp(row.get("through_at_ms")?),
                through: id(row, "through_id")?,
                made_by: row.get("made_by")?,
            })
        })
        .optional()
}

/// Forgets a memory that was made of a message: nobody can take one message's words out of it.
pub(super) fn forget(tx: &Transaction<'_>, conversation: &str, message: &str) -> rusqlite::Result<()> {
    const SQL: &str = "
        DELETE FROM conversation_memory WHERE conversation_id = :conversation AND EXISTS (
            SELECT 1 FROM message m
            WHERE m.id = :message AND (m.at_ms, m.id) <= (through_at_ms, through_id))";
    let row = named_params! { ":conversation": conversation, ":message": message };
    tx.prepare_cached(SQL)?.execute(row).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{inbound::InboundKind, turn::SuppressReason},
        store::life_tests::Shop,
    };

    /// Three messages of one shopper, and a memory of the first two.
    async fn remembered() -> (Shop, ConversationId, Vec<MessageId>, Memory) {
        let shop = Shop::open();
        for (at, mid) in [(1, "m1"), (2, "m2"), (3, "m3")] {
            shop.writes(at, mid, "linen?").await;
        }
        let conversation = shop.conversation().await;
        let messages = shop.store.messages(conversation, 10).await.expect("read");
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
        let memory = Memory {
            summary: "Wants linen.".into(),
            through_at: messages[1].at,
            through: messages[1].id,
            made_by: "x:y".into(),
        };
        let kept = shop.store.remember(conversation, memory.clone(), ids[..2].to_vec(), None, Timestamp(4)).await;
        assert!(kept.expect("written"));
        (shop, conversation, ids, memory)
    }

    async fn known(shop: &Shop) -> Option<Memory> {
        let begun = shop.store.begin_turn(shop.conversation().await, Timestamp(9_000)).await.expect("read");
        begun.expect("a turn is due").0.memory
    }

    #[tokio::test]
    async fn a_memory_is_read_with_the_turn_and_followed_by_one_that_was_made_of_it() {
        let (shop, conversation, ids, memory) = remembered().await;
        assert_eq!(known(&shop).await, Some(memory.clone()));
        let next =
            Memory { summary: "Wants linen, again.".into(), through_at: Timestamp(3), through: ids[2], ..memory };
        let keep = |before| shop.store.remember(conversation, next.clone(), vec![ids[2]], before, Timestamp(5));
        assert!(!keep(None).await.expect("written"), "another one was there when it was made");
        assert!(keep(Some(ids[1])).await.expect("written"));
        assert_eq!(known(&shop).await, Some(next));
    }

    #[tokio::test]
    async fn what_waits_for_an_answer_is_not_recalled() {
        let (shop, conversation, ids, memory) = remembered().await;
        let recalled = async || {
            let (messages, known) = shop.store.recall(conversation).await.expect("read");
            assert_eq!(known, Some(memory.clone()));
            messages.into_iter().map(|message| message.id).collect::<Vec<_>>()
        };
        assert_eq!(recalled().await, [], "a turn is due");
        shop.store.park_open(conversation, SuppressReason::TooOld, Timestamp(5)).await.expect("closed");
        assert_eq!(recalled().await, ids);
    }

    #[tokio::test]
    async fn what_is_taken_back_is_in_no_memory_before_or_after() {
        let unsend = |mid: &str| InboundKind::Unsend { mid: mid.into() };
        let (shop, conversation, ids, memory) = remembered().await;
        shop.happens(5, unsend("m3"), "m3").await;
        assert_eq!(known(&shop).await, Some(memory.clone()), "it was not made of that one");
        shop.happens(6, unsend("m1"), "m1").await;
        assert_eq!(known(&shop).await, None);
        let late = shop.store.remember(conversation, memory, ids[..2].to_vec(), None, Timestamp(7)).await;
        assert!(!late.expect("written"), "it was under way when the message was taken back");
        assert_eq!(known(&shop).await, None);
    }
}
