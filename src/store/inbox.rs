//! Lists of conversations, as people watch them: which, in what order, and what is seen of each without opening it.

use rusqlite::{OptionalExtension, Row, ToSql, Transaction, named_params};

use super::{
    Error, TenantStore, conversation,
    row::{json_strings, parsed, parsed_opt},
};
use crate::domain::{
    ConversationId, StaffId, Timestamp,
    conversation::{Label, Overview, Preview, Side},
    cost::PicoDollars,
    inbound::AttachmentKind,
    staff::Doer,
    turn::HandOverReason,
};

/// Which conversations to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConversationFilter {
    /// All.
    #[default]
    All,
    /// Those in which the bot answers.
    WithBot,
    /// Those in which a person answers.
    TakenOver,
    /// Those in which a shopper waits for a person.
    Waiting,
    /// Those with a label.
    Labelled,
    /// Those in which a draft waits for approval.
    Draft,
    /// Those in which messages were left to people.
    Parked,
}

impl ConversationFilter {
    const fn condition(self) -> &'static str {
        match self {
            Self::All => "1",
            Self::WithBot => "takeover_cause IS NULL",
            Self::TakenOver => "takeover_cause IS NOT NULL",
            Self::Waiting => "(waiting_since_ms IS NOT NULL OR promised_since_ms IS NOT NULL)",
            Self::Draft => "id IN (SELECT conversation_id FROM outbox WHERE state = 'pending' AND held = 1)",
            Self::Parked => "parked_since_ms IS NOT NULL",
            Self::Labelled => "label IS NOT NULL",
        }
    }
}

/// Whose responsibility conversations are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// This one's.
    To(Doer),
    /// Nobody's who is still there: these are.
    ToNobody {
        /// Everybody whom the operator has let in.
        known: Vec<StaffId>,
    },
}

/// A list to make. What is left out narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only these.
    pub filter: ConversationFilter,
    /// Only those with this label.
    pub label: Option<Label>,
    /// Only those with a message at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those that are somebody's, or nobody's.
    pub assigned: Option<Assigned>,
    /// Only those whose id begins so.
    pub begins: Option<String>,
    /// Only these, as far as there are any.
    pub ids: Option<Vec<ConversationId>>,
    /// The most rows.
    pub limit: u32,
}

/// What a list shows beside the conversation itself, each by one step into an index.
const BESIDE: &str = "
    messages, cost_pico,
    (SELECT t.reason FROM turn t
     WHERE takeover_cause IN ('hand_over', 'asked') AND t.conversation_id = conversation.id AND t.outcome = 'handed_over'
     ORDER BY t.started_at_ms DESC LIMIT 1) AS handed_over";

impl TenantStore {
    /// Conversations, the one with the newest message first.
    pub async fn conversations(&self, wanted: Listing) -> Result<Vec<Overview>, Error> {
        self.read("list conversations", move |tx| list(tx, &wanted).map_err(Error::sql("list conversations"))).await
    }
}

pub(super) fn list(tx: &Transaction<'_>, wanted: &Listing) -> rusqlite::Result<Vec<Overview>> {
    let columns = conversation::COLUMNS;
    let mut sql = format!("SELECT {columns}, {BESIDE} FROM conversation WHERE {}", wanted.filter.condition());
    let (label, since) = (wanted.label.map(Label::as_str), wanted.since.map(|since| since.0));
    let ids = wanted.ids.as_ref().map(|ids| json_strings(ids.iter().map(ToString::to_string)));
    // Only what is asked for stands in the statement, so that each is planned with its own index.
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":limit", &wanted.limit)];
    if label.is_some() {
        sql.push_str(" AND label = :label");
        params.push((":label", &label));
    }
    if since.is_some() {
        sql.push_str(" AND last_message_at_ms >= :since");
        params.push((":since", &since));
    }
    // Behind every id that begins so, in the order of the index: no id has a letter behind `f`.
    let end = wanted.begins.as_ref().map(|begins| format!("{begins}g"));
    if wanted.begins.is_some() {
        sql.push_str(" AND id >= :begins AND id < :end");
        params.push((":begins", &wanted.begins));
        params.push((":end", &end));
    }
    if ids.is_some() {
        sql.push_str(" AND id IN (SELECT value FROM json_each(:ids))");
        params.push((":ids", &ids));
    }
    let assignee = match &wanted.assigned {
        None => None,
        Some(Assigned::To(doer)) => {
            sql.push_str(" AND assignee = :assignee");
            Some(doer.to_string())
        }
        Some(Assigned::ToNobody { known }) => {
            sql.push_str(
                " AND (assignee IS NULL OR assignee <> 'operator'
                       AND assignee NOT IN (SELECT value FROM json_each(:assignee)))",
            );
            Some(json_strings(known.iter().map(ToString::to_string)))
        }
    };
    if assignee.is_some() {
        params.push((":assignee", &assignee));
    }
    sql.push_str(" ORDER BY last_message_at_ms DESC LIMIT :limit");
    let mut select = tx.prepare_cached(&sql)?;
    let mut found: Vec<Overview> = select.query_map(&params[..], read)?.collect::<Result<_, _>>()?;
    for row in &mut found {
        row.preview = preview(tx, row.conversation.id)?;
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Overview> {
    Ok(Overview {
        conversation: conversation::read(row)?,
        preview: None,
        messages: row.get::<_, i64>("messages")?.unsigned_abs(),
        cost: PicoDollars::new(row.get::<_, i64>("cost_pico")?.unsigned_abs()),
        handed_over: parsed_opt(row, "handed_over", HandOverReason::parse)?,
    })
}

fn preview(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<Option<Preview>> {
    const SQL: &str = "
        SELECT side, substr(text, 1, :chars) AS text, attachments, unsent FROM message
        WHERE conversation_id = :id ORDER BY at_ms DESC, id DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        let attachments = super::row::strings(row, "attachments")?;
        Ok(Preview {
            side: parsed(row, "side", Side::parse)?,
            text: row.get("text")?,
            attachments: attachments.iter().map(|word| AttachmentKind::parse(word)).collect(),
            unsent: row.get("unsent")?,
        })
    };
    let params = named_params! { ":id": conversation.to_string(), ":chars": Preview::CHARS_MAX };
    tx.prepare_cached(SQL)?.query_row(params, read).optional()
}

/// A message has been added to the conversation.
pub(super) fn message_added(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<()> {
    const SQL: &str = "UPDATE conversation SET messages = messages + 1 WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! { ":id": conversation.to_string() }).map(drop)
}
