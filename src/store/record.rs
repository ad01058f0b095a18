//! What a finished turn leaves for people: written with it, read when somebody asks, forgotten with a message that is taken
//! back as far as it may repeat that message.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore,
    row::{id, parsed},
    thread,
    turn::TurnSummary,
};
use crate::domain::{
    ConversationId, MessageId, Timestamp, TurnId, cost::PicoDollars, event::EventKind, model::ModelRole,
};

/// What is kept of a turn, JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRecord {
    /// What the answer rested on: the shop's own data.
    pub basis: String,
    /// How it came about; `None`: forgotten.
    pub steps: Option<String>,
}

/// A call of a model that a turn has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// `PROVIDER:MODEL` as it served.
    pub model: String,
    /// What for.
    pub role: ModelRole,
    /// `ok`, or the class of its failure.
    pub outcome: String,
    /// Tokens that went in, cached ones among them.
    pub input_tokens: u64,
    /// Of these, from a cache.
    pub cached_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What it cost.
    pub cost: PicoDollars,
    /// Whether that is an estimate.
    pub estimated: bool,
    /// From its start to its end.
    pub latency_ms: u64,
    /// From its start to the first piece of the answer.
    pub first_token_ms: Option<u64>,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A turn with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedTurn {
    /// The turn.
    pub summary: TurnSummary,
    /// The shopper's messages that it covers.
    pub covers: Vec<MessageId>,
    /// What was kept of it; `None`: nothing was.
    pub record: Option<TurnRecord>,
    /// The calls of models that it made, in order.
    pub calls: Vec<ModelCall>,
}

pub(super) fn keep(tx: &Transaction<'_>, turn: TurnId, record: &TurnRecord) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO turn_record (turn_id, basis, steps) VALUES (:turn, :basis, :steps)
        ON CONFLICT (turn_id) DO UPDATE SET basis = excluded.basis, steps = excluded.steps";
    let row = named_params! { ":turn": turn.to_string(), ":basis": record.basis, ":steps": record.steps };
    tx.prepare_cached(SQL)?.execute(row).map(drop)
}

/// Forgets how the answers came about that may repeat a message: those that were made after it came.
pub(super) fn forget(tx: &Transaction<'_>, conversation: &str, message: &str) -> rusqlite::Result<()> {
    const SQL: &str = "
        UPDATE turn_record SET steps = NULL
        WHERE turn_id IN (SELECT t.id FROM turn t JOIN message m ON m.id = :message
                          WHERE t.conversation_id = :conversation AND t.started_at_ms >= m.received_at_ms)";
    tx.prepare_cached(SQL)?.execute(named_params! { ":conversation": conversation, ":message": message }).map(drop)
}

impl TenantStore {
    /// A turn of a conversation with what is kept of it; `None` if there is no such turn.
    pub async fn recorded_turn(
        &self,
        conversation: ConversationId,
        turn: TurnId,
    ) -> Result<Option<RecordedTurn>, Error> {
        self.read("read a turn", move |tx| read(tx, conversation, turn).map_err(Error::sql("read a turn"))).await
    }
}

fn read(tx: &Transaction<'_>, conversation: ConversationId, turn: TurnId) -> rusqlite::Result<Option<RecordedTurn>> {
    const RECORD: &str = "SELECT basis, steps FROM turn_record WHERE turn_id = :turn";
    const COVERS: &str = "SELECT id FROM message WHERE turn_id = :turn ORDER BY at_ms, id";
    let Some(summary) = thread::turn_of(tx, conversation, turn)? else { return Ok(None) };
    let turn_text = turn.to_string();
    let named = named_params! { ":turn": turn_text };
    let kept = |row: &Row<'_>| Ok(TurnRecord { basis: row.get("basis")?, steps: row.get("steps")? });
    Ok(Some(RecordedTurn {
        record: tx.prepare_cached(RECORD)?.query_row(named, kept).optional()?,
        covers: tx.prepare_cached(COVERS)?.query_map(named, |row| id(row, "id"))?.collect::<Result<_, _>>()?,
        calls: calls(tx, &summary)?,
        summary,
    }))
}

/// The log says which calls were made; they lie between the first message that the turn covers and its end.
fn calls(tx: &Transaction<'_>, turn: &TurnSummary) -> rusqlite::Result<Vec<ModelCall>> {
    const FROM: &str = "SELECT min(received_at_ms) FROM message WHERE turn_id = :turn";
    const SQL: &str = "
        SELECT at_ms, payload ->> 'model' AS model, payload ->> 'role' AS role, payload ->> 'outcome' AS outcome,
               payload ->> 'input_tokens' AS input, payload ->> 'cached_tokens' AS cached,
               payload ->> 'output_tokens' AS output, payload ->> 'cost_pico' AS cost,
               payload ->> 'estimated' AS estimated, payload ->> 'latency_ms' AS latency,
               payload ->> 'first_token_ms' AS first_token
        FROM event
        WHERE at_ms BETWEEN :from AND :until AND kind = :kind AND payload ->> 'turn' = :turn
        ORDER BY seq";
    let until = turn.finished_at.map_or(i64::MAX, |at| at.0);
    let call = |row: &Row<'_>| {
        Ok(ModelCall {
            model: row.get("model")?,
            role: parsed(row, "role", ModelRole::parse)?,
            outcome: row.get("outcome")?,
            input_tokens: row.get("input")?,
            cached_tokens: row.get("cached")?,
            output_tokens: row.get("output")?,
            cost: PicoDollars::new(row.get("cost")?),
            estimated: row.get("estimated")?,
            latency_ms: row.get("latency")?,
            first_token_ms: row.get("first_token")?,
            ended_at: Timestamp(row.get("at_ms")?),
        })
    };
    let turn_text = turn.turn.to_string();
    let first: Option<i64> =
        tx.prepare_cached(FROM)?.query_row(named_params! { ":turn": turn_text }, |row| row.get(0))?;
    let from = first.map_or(turn.started_at.0, |first| first.min(turn.started_at.0));
    let row = named_params! {
        ":from": from, ":until": until, ":kind": EventKind::ModelCalled.as_str(), ":turn": turn_text,
    };
    tx.prepare_cached(SQL)?.query_map(row, call)?.collect()
}
