//! Erasing a conversation: its rows, then its bytes, with a tombstone that keeps it from coming back.

use rusqlite::{OptionalExtension, Transaction, named_params};

use super::{Error, Store, TenantStore, blocking::Lane, conversation, event, journal, sqlite};
use crate::domain::{
    ConversationId, Timestamp,
    channel::{AccountId, ShopperId},
    conversation::Conversation,
    erasure::{Tombstone, Tombstones},
    event::{EventKind, NewEvent},
};

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Messages of the shopper, the assistant and people.
    pub messages: u64,
    /// Turns, with everything that was kept of them.
    pub turns: u64,
    /// When: now, or when it was erased already.
    pub at: Timestamp,
}

/// A conversation that was erased, for a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grave {
    pub(super) conversation: String,
    tombstone: [u8; 32],
    erased_at_ms: i64,
}

impl TenantStore {
    /// Erases a conversation and everything that is known of its shopper through it. What was erased already is found by
    /// its tombstone, so that an erasure that was cut short can be finished; then nothing is counted.
    ///
    /// The rows are gone when this returns, their bytes once [`scrub`](Self::scrub) has.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that never was; [`Error::Conflict`] while a reply is being sent.
    pub async fn erase(
        &self,
        conversation: ConversationId,
        tombstones: Tombstones,
        now: Timestamp,
    ) -> Result<Erased, Error> {
        self.write("erase a conversation", move |tx| {
            if let Some(at) = erased_at(tx, conversation)? {
                return Ok(Erased { messages: 0, turns: 0, at });
            }
            let found = conversation::require(tx, conversation)?;
            refuse_while_sending(tx, conversation)?;
            let erased = Erased {
                messages: count(tx, "SELECT count(*) FROM message WHERE conversation_id = :id", conversation)?,
                turns: count(tx, "SELECT count(*) FROM turn WHERE conversation_id = :id", conversation)?,
                at: now,
            };
            delete(tx, &found)?;
            bury(tx, conversation, tombstones.of(&found.key), now)?;
            let told = NewEvent::new(EventKind::ConversationErased, "operator")
                .id("conversation", conversation)
                .number("messages", erased.messages as i64)
                .number("turns", erased.turns as i64);
            event::append(tx, now, &told)?;
            Ok(erased)
        })
        .await
    }

    /// Writes the tenant's file anew, so that no free page and no log of it holds bytes of what was deleted. Takes about as
    /// long as copying the file, and writes wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process reads the file; [`Error::Full`] when there is no room for a second copy.
    pub async fn scrub(&self) -> Result<(), Error> {
        self.database().rewrite("overwrite what was erased").await
    }
}

impl Store {
    /// Deletes what the journal has set aside as unreadable and names that shopper, and empties its log. What still waits
    /// there is met by the tombstone.
    ///
    /// # Errors
    /// [`Error::Busy`] when the log could not be emptied.
    pub async fn scrub_journal(&self, ShopperId(shopper): ShopperId) -> Result<(), Error> {
        const ACTION: &str = "overwrite what was erased";
        const SQL: &str = "DELETE FROM unreadable WHERE instr(body, CAST(:shopper AS BLOB)) > 0";
        let path = self.journal_db();
        let scrub = move || {
            let file = sqlite::open_known(&path, &journal::SCHEMA)?;
            file.pragma_update(None, "secure_delete", true).map_err(Error::sql(ACTION))?;
            file.execute(SQL, named_params! { ":shopper": shopper }).map_err(Error::sql(ACTION))?;
            sqlite::empty_log(&file, ACTION)
        };
        self.blocking().thread(Lane::Bulk).await?.run(scrub).await
    }
}

/// Whether somebody was erased after this moment: what is from before it was in a queue, or is read out of the thread again.
pub(super) fn is_erased(tx: &Transaction<'_>, tombstone: Tombstone, at: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM erasure WHERE tombstone = :tombstone AND erased_at_ms >= :at";
    tx.prepare_cached(SQL)
        .and_then(|mut select| select.exists(named_params! { ":tombstone": tombstone.0, ":at": at.0 }))
        .map_err(Error::sql("look for a tombstone"))
}

/// Whether anybody was ever erased here: for nearly every tenant the end of the question.
pub(super) fn has_graves(tx: &Transaction<'_>) -> Result<bool, Error> {
    tx.prepare_cached("SELECT 1 FROM erasure LIMIT 1")
        .and_then(|mut select| select.exists([]))
        .map_err(Error::sql("look for a tombstone"))
}

/// Every conversation that was erased.
pub(super) fn graves(tx: &Transaction<'_>) -> Result<Vec<Grave>, Error> {
    const SQL: &str = "SELECT conversation_id, tombstone, erased_at_ms FROM erasure ORDER BY erased_at_ms";
    let read = || -> rusqlite::Result<Vec<Grave>> {
        let mut select = tx.prepare_cached(SQL)?;
        let rows = select.query_map([], |row| {
            Ok(Grave { conversation: row.get(0)?, tombstone: row.get(1)?, erased_at_ms: row.get(2)? })
        })?;
        rows.collect()
    };
    read().map_err(Error::sql("read tombstones"))
}

/// Erases again, in a file out of a backup, what was erased since; how many of `graves` it still knew.
pub(super) fn erase_again(tx: &Transaction<'_>, graves: &[Grave], now: Timestamp) -> Result<u64, Error> {
    let mut erased = 0;
    for grave in graves {
        let id = grave.conversation.parse::<ConversationId>();
        let id =
            id.map_err(|_| Error::Unreadable { what: "a conversation's id", value: grave.conversation.clone() })?;
        if erased_at(tx, id)?.is_some() {
            continue;
        }
        bury(tx, id, Tombstone(grave.tombstone), Timestamp(grave.erased_at_ms))?;
        let Some(found) = conversation::get(tx, id).map_err(Error::sql("read a conversation"))? else { continue };
        delete(tx, &found)?;
        event::append(tx, now, &NewEvent::new(EventKind::ConversationErased, "system").id("conversation", id))?;
        erased += 1;
    }
    Ok(erased)
}

fn erased_at(tx: &Transaction<'_>, conversation: ConversationId) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT erased_at_ms FROM erasure WHERE conversation_id = :id";
    let id = conversation.to_string();
    let find = || tx.prepare_cached(SQL)?.query_row(named_params! { ":id": id }, |row| row.get(0)).optional();
    Ok(find().map_err(Error::sql("look for a tombstone"))?.map(Timestamp))
}

/// What Instagram is being told at this moment may still be told, and would come back as somebody else's.
fn refuse_while_sending(tx: &Transaction<'_>, conversation: ConversationId) -> Result<(), Error> {
    const SQL: &str = "SELECT count(*) FROM outbox WHERE conversation_id = :id AND state = 'sending'";
    match count(tx, SQL, conversation)? {
        0 => Ok(()),
        _ => Err(Error::Conflict("a reply in it is being sent at this moment".into())),
    }
}

fn count(tx: &Transaction<'_>, sql: &str, conversation: ConversationId) -> Result<u64, Error> {
    tx.prepare_cached(sql)
        .and_then(|mut select| {
            select.query_row(named_params! { ":id": conversation.to_string() }, |row| row.get::<_, i64>(0))
        })
        .map(|count| count as u64)
        .map_err(Error::sql("count what is erased"))
}

fn bury(tx: &Transaction<'_>, conversation: ConversationId, tombstone: Tombstone, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO erasure (conversation_id, tombstone, erased_at_ms) VALUES (:id, :tombstone, :at)";
    let row = named_params! { ":id": conversation.to_string(), ":tombstone": tombstone.0, ":at": at.0 };
    tx.prepare_cached(SQL).and_then(|mut insert| insert.execute(row)).map(drop).map_err(Error::sql("write a tombstone"))
}

/// Every row that is of this conversation or names its shopper. Turns with their effects and records, messages, replies and
/// the summary go with the conversation itself.
fn delete(tx: &Transaction<'_>, found: &Conversation) -> Result<(), Error> {
    const TAKEN_BACK: &str = "
        DELETE FROM unsent WHERE (account_id, mid) IN (SELECT account_id, mid FROM message WHERE conversation_id = :id)";
    const NOTICES: &str = "DELETE FROM notice WHERE subject = :id";
    const CONVERSATION: &str = "DELETE FROM conversation WHERE id = :id";
    const CHANNEL_EVENTS: &str = "DELETE FROM channel_event WHERE account_id = :account AND shopper_id = :shopper";
    const ECHOES: &str = "DELETE FROM pending_echo WHERE account_id = :account AND shopper_id = :shopper";
    let id = found.id.to_string();
    let (AccountId(account), ShopperId(shopper)) = (&found.key.account, &found.key.shopper);
    let delete = || -> rusqlite::Result<()> {
        for sql in [TAKEN_BACK, NOTICES, CONVERSATION] {
            tx.prepare_cached(sql)?.execute(named_params! { ":id": id })?;
        }
        for sql in [CHANNEL_EVENTS, ECHOES] {
            tx.prepare_cached(sql)?.execute(named_params! { ":account": account, ":shopper": shopper })?;
        }
        Ok(())
    };
    delete().map_err(Error::sql("erase a conversation"))
}
