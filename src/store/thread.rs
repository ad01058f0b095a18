//! One conversation as people read it: a page of what was said, with the turns that answered and what goes out.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, conversation, inbox,
    inbox::Listing,
    outbox::{self, OutboxRow},
    row::{json_strings, moment, parsed_opt, strings},
    turn::TurnSummary,
};
use crate::domain::{
    ConversationId, MessageId, Timestamp, TurnId,
    conversation::{Message, Overview},
    product::ProductKey,
    staff::Doer,
};

/// Which part of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what was said before this message; `None`: up to the newest.
    pub before: Option<MessageId>,
    /// The most messages, and of turns and outbox rows beside them.
    pub limit: u32,
}

/// A conversation with a page of what was said and why.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The conversation.
    pub overview: Overview,
    /// Messages, oldest first.
    pub messages: Vec<Said>,
    /// Whether something was said before them.
    pub has_more: bool,
    /// Outbox rows, oldest first: the newest ones, beside an earlier page those of its turns.
    pub outbox: Vec<OutboxRow>,
    /// Turns, oldest first: the newest ones, beside an earlier page those that it names.
    pub turns: Vec<TurnSummary>,
}

/// A message with the turn that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The message.
    pub message: Message,
    /// The turn that covers it, or that wrote it.
    pub turn: Option<TurnId>,
    /// Which person wrote it in Aura; `None`: nobody, or that was not kept then.
    pub written_by: Option<Doer>,
}

const TURN_COLUMNS: &str = "id, outcome, reason, model, evidence, guard_refusals, started_at_ms, finished_at_ms";

impl TenantStore {
    /// A page of a conversation in one snapshot; `None` if there is no such conversation.
    pub async fn thread(&self, conversation: ConversationId, page: Page) -> Result<Option<Thread>, Error> {
        self.read("read a conversation", move |tx| {
            let failed = Error::sql("read a conversation");
            let before = match page.before {
                None => None,
                Some(before) => Some(place(tx, conversation, before)?),
            };
            read(tx, conversation, page.limit, before).map_err(failed)
        })
        .await
    }

    /// Where the pictures of a message are; `None` if the conversation has no such message.
    pub async fn message_pictures(
        &self,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<Option<Vec<String>>, Error> {
        const SQL: &str = "SELECT pictures FROM message WHERE id = :message AND conversation_id = :conversation";
        self.read("find a picture", move |tx| {
            let row = named_params! { ":message": message.to_string(), ":conversation": conversation.to_string() };
            let find = || tx.prepare_cached(SQL)?.query_row(row, |row| strings(row, "pictures")).optional();
            find().map_err(Error::sql("find a picture"))
        })
        .await
    }

    /// The newest turns of a conversation, oldest first.
    pub async fn turns(&self, conversation: ConversationId, limit: u32) -> Result<Vec<TurnSummary>, Error> {
        self.read("read turns", move |tx| newest_turns(tx, conversation, limit).map_err(Error::sql("read turns"))).await
    }
}

/// Where a message stands among those of its conversation.
type Place = (Timestamp, MessageId);

fn place(tx: &Transaction<'_>, conversation: ConversationId, message: MessageId) -> Result<Place, Error> {
    const SQL: &str = "SELECT at_ms FROM message WHERE id = :message AND conversation_id = :conversation";
    let row = named_params! { ":message": message.to_string(), ":conversation": conversation.to_string() };
    let find = || tx.prepare_cached(SQL)?.query_row(row, |row| row.get(0)).optional();
    match find().map_err(Error::sql("find a message"))? {
        Some(at) => Ok((Timestamp(at), message)),
        None => Err(Error::NotFound { what: "message", name: message.to_string() }),
    }
}

fn read(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    limit: u32,
    before: Option<Place>,
) -> rusqlite::Result<Option<Thread>> {
    let only = Listing { ids: Some(vec![conversation]), limit: 1, ..Listing::default() };
    let Some(overview) = inbox::list(tx, &only)?.pop() else { return Ok(None) };
    let mut messages = said(tx, conversation, limit.saturating_add(1), before)?;
    let has_more = messages.len() > limit as usize;
    messages.truncate(limit as usize);
    messages.reverse();
    let (outbox, turns) = match before {
        None => (outbox::newest(tx, conversation, limit)?, newest_turns(tx, conversation, limit)?),
        Some(_) => {
            let named = json_strings(messages.iter().filter_map(|said| said.turn).map(|turn| turn.to_string()));
            (outbox::of_turns(tx, &named)?, turns_named(tx, &named)?)
        }
    };
    Ok(Some(Thread { overview, messages, has_more, outbox, turns }))
}

/// The index alone finds the page, however long the conversation is.
fn page_sql(earlier: bool) -> String {
    let columns = conversation::MESSAGE_COLUMNS;
    let before = if earlier { "AND (at_ms, id) < (:at, :before)" } else { "" };
    format!(
        "SELECT {columns}, coalesce(turn_id, (SELECT o.turn_id FROM outbox o
             WHERE side <> 'shopper' AND o.account_id = message.account_id AND o.mid = message.mid)) AS of_turn,
             (SELECT o.written_by FROM outbox o
              WHERE side = 'person' AND o.account_id = message.account_id AND o.mid = message.mid) AS written_by
         FROM message WHERE conversation_id = :id {before} ORDER BY at_ms DESC, id DESC LIMIT :limit"
    )
}

/// The newest first.
fn said(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    limit: u32,
    before: Option<Place>,
) -> rusqlite::Result<Vec<Said>> {
    let read = |row: &Row<'_>| {
        Ok(Said {
            message: conversation::read_message(row)?,
            turn: parsed_opt(row, "of_turn", |text| text.parse().ok())?,
            written_by: parsed_opt(row, "written_by", |text| text.parse().ok())?,
        })
    };
    let mut select = tx.prepare_cached(&page_sql(before.is_some()))?;
    let id = conversation.to_string();
    match before {
        None => select.query_map(named_params! { ":id": id, ":limit": limit }, read)?.collect(),
        Some((at, message)) => {
            let row = named_params! { ":id": id, ":limit": limit, ":at": at.0, ":before": message.to_string() };
            select.query_map(row, read)?.collect()
        }
    }
}

fn newest_turns(tx: &Transaction<'_>, conversation: ConversationId, limit: u32) -> rusqlite::Result<Vec<TurnSummary>> {
    let sql = format!(
        "SELECT {TURN_COLUMNS} FROM turn WHERE conversation_id = :id ORDER BY started_at_ms DESC, id DESC LIMIT :limit"
    );
    let row = named_params! { ":id": conversation.to_string(), ":limit": limit };
    let mut turns: Vec<_> = tx.prepare_cached(&sql)?.query_map(row, read_turn)?.collect::<Result<_, _>>()?;
    turns.reverse();
    Ok(turns)
}

pub(super) fn turn_of(
    tx: &Transaction<'_>,
    conversation: ConversationId,
    turn: TurnId,
) -> rusqlite::Result<Option<TurnSummary>> {
    let sql = format!("SELECT {TURN_COLUMNS} FROM turn WHERE id = :turn AND conversation_id = :conversation");
    let row = named_params! { ":turn": turn.to_string(), ":conversation": conversation.to_string() };
    tx.prepare_cached(&sql)?.query_row(row, read_turn).optional()
}

fn turns_named(tx: &Transaction<'_>, named: &str) -> rusqlite::Result<Vec<TurnSummary>> {
    let sql = format!(
        "SELECT {TURN_COLUMNS} FROM turn WHERE id IN (SELECT value FROM json_each(:named)) ORDER BY started_at_ms, id"
    );
    tx.prepare_cached(&sql)?.query_map(named_params! { ":named": named }, read_turn)?.collect()
}

fn read_turn(row: &Row<'_>) -> rusqlite::Result<TurnSummary> {
    Ok(TurnSummary {
        turn: super::row::id(row, "id")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        model: row.get("model")?,
        evidence: strings(row, "evidence")?.into_iter().map(ProductKey).collect(),
        guard_refusals: row.get("guard_refusals")?,
        started_at: Timestamp(row.get("started_at_ms")?),
        finished_at: moment(row, "finished_at_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::life_tests::Shop;

    #[tokio::test]
    async fn a_page_is_found_by_the_index_alone() {
        let shop = Shop::open();
        shop.writes(1_000, "m-1", "Hello").await;
        let plan = |sql: String| {
            shop.store.read("explain", move |tx| {
                let explain = || -> rusqlite::Result<Vec<String>> {
                    let mut select = tx.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                    select.raw_query().mapped(|row| row.get("detail")).collect()
                };
                Ok(explain().map_err(Error::sql("explain"))?.join("; "))
            })
        };
        for earlier in [false, true] {
            let plan = plan(page_sql(earlier)).await.expect("explained");
            assert!(plan.contains("message USING INDEX message_by_conversation"), "{plan}");
            assert!(plan.contains("(at_ms,id)<(?,?)") == earlier, "{plan}");
            assert!(plan.contains("USING INDEX outbox_mid") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
