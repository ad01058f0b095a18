//! Conversations: watching, taking over, writing.

use axum::{Json, body::Body, extract::State, http::header, response::IntoResponse};
use bytes::Bytes;
use futures_util::StreamExt;

use super::tenants::Confirm;
use crate::{
    api,
    app::{ConversationFilter, Erased, Listing, Page, Responsible, Somebody, TenantCtx},
    domain::{
        ConversationId, MessageId, TurnId,
        conversation::{Label, Overview, WhenHeld},
        staff::{Doer, InvalidStaffName, OPERATOR},
    },
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{InConversation, OfPicture, OfTurn, Params, Payload},
        map::{self, Reader},
    },
    store::OutboxRow,
};

/// Who is responsible for what nobody is responsible for.
const NOBODY: &str = "nobody";

/// Rows of a list that names no limit.
const ROWS_DEFAULT: u32 = 50;
/// Messages of a conversation that is shown without a limit.
const MESSAGES_DEFAULT: u32 = 200;
/// The most rows of a list.
const ROWS_MAX: u32 = 1_000;

/// The newest first.
pub async fn list(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::ConversationQuery>,
) -> Result<Json<api::List<api::Conversation>>, Error> {
    let ids = query.ids.as_deref().map(parse_ids).transpose()?;
    let wanted = Listing { ids, ..listing(&edge, tenant.doer(), &query).await? };
    let conversations = edge.app.conversation_list(&tenant, wanted).await?;
    let reader = reader(&edge, tenant.doer()).await?;
    Ok(Json(map::list(conversations, |row| map::conversation(&edge.app, tenant.tenant(), &reader, row))))
}

/// Of all tenants, as they are read: those of one follow each other, the newest first.
pub async fn list_all(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Params(query): Params<api::ConversationQuery>,
) -> Result<impl IntoResponse, Error> {
    if query.ids.is_some() {
        return Err(Error::invalid("`ids` are of one tenant: ask for its conversations"));
    }
    let app = edge.app.clone();
    let wanted = listing(&edge, caller.doer(), &query).await?;
    let reader = reader(&edge, caller.doer()).await?;
    let tenants = edge.app.inbox(&caller, wanted).await?;
    let lines = tenants.map(move |of| {
        let mut lines = Vec::new();
        for line in map::inbox_line(&app, &reader, of) {
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok::<_, serde_json::Error>(Bytes::from(lines))
    });
    Ok(([(header::CONTENT_TYPE, super::NDJSON)], Body::from_stream(lines)))
}

/// What a query asks for, but for its ids.
async fn listing(edge: &Edge, asking: Doer, query: &api::ConversationQuery) -> Result<Listing, Error> {
    let limit = limited(query.limit, ROWS_DEFAULT)?;
    let filter = match query.state {
        None => ConversationFilter::All,
        Some(api::ConversationFilter::Bot) => ConversationFilter::WithBot,
        Some(api::ConversationFilter::Person) => ConversationFilter::TakenOver,
        Some(api::ConversationFilter::Waiting) => ConversationFilter::Waiting,
        Some(api::ConversationFilter::Draft) => ConversationFilter::Draft,
        Some(api::ConversationFilter::Parked) => ConversationFilter::Parked,
        Some(api::ConversationFilter::Labelled) => ConversationFilter::Labelled,
    };
    let label = query.label.as_deref().map(parse_label).transpose()?;
    let assigned = match query.assignee.as_deref() {
        None => None,
        Some(NOBODY) => Some(edge.app.assigned(asking, Responsible::Nobody).await?),
        Some(word) => Some(edge.app.assigned(asking, Responsible::Is(somebody(word)?)).await?),
    };
    let begins = query.begins.clone();
    Ok(Listing { filter, label, assigned, begins, since: query.since.map(Into::into), ids: None, limit })
}

/// Who is meant by a word.
fn somebody(word: &str) -> Result<Somebody, Error> {
    Ok(match word {
        "me" => Somebody::Me,
        OPERATOR => Somebody::Operator,
        name => Somebody::Named(name.parse().map_err(|error: InvalidStaffName| Error::invalid(error.to_string()))?),
    })
}

const fn when_held(anyway: bool) -> WhenHeld {
    if anyway { WhenHeld::GoOn } else { WhenHeld::Refuse }
}

async fn reader(edge: &Edge, asking: Doer) -> Result<Reader, Error> {
    Ok(Reader { asking, names: edge.app.names().await? })
}

/// A conversation after something was done in it.
async fn answered(edge: &Edge, tenant: &TenantCtx, overview: Overview) -> Result<Json<api::Conversation>, Error> {
    let reader = reader(edge, tenant.doer()).await?;
    Ok(Json(map::conversation(&edge.app, tenant.tenant(), &reader, overview)))
}

/// What was queued.
async fn queued(
    edge: &Edge,
    tenant: &TenantCtx,
    rows: Vec<OutboxRow>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let reader = reader(edge, tenant.doer()).await?;
    Ok(Json(map::list(rows, |row| map::outbox_row(row, &reader))))
}

fn limited(limit: Option<u32>, default: u32) -> Result<u32, Error> {
    match limit.unwrap_or(default) {
        limit @ 1..=ROWS_MAX => Ok(limit),
        limit => Err(Error::invalid(format!("the limit is 1 to {ROWS_MAX}, not {limit}"))),
    }
}

fn parse_ids(text: &str) -> Result<Vec<ConversationId>, Error> {
    let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::parse::<ConversationId>);
    let ids: Vec<_> = ids.collect::<Result<_, _>>().map_err(|error| Error::invalid(error.to_string()))?;
    if ids.len() > api::CONVERSATION_IDS_MAX {
        let max = api::CONVERSATION_IDS_MAX;
        return Err(Error::invalid(format!("a list is asked for {max} ids at most, not {}", ids.len())));
    }
    Ok(ids)
}

pub async fn show(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Params(query): Params<api::PageQuery>,
) -> Result<Json<api::ConversationDetail>, Error> {
    let limit = limited(query.limit, MESSAGES_DEFAULT)?;
    let before = query.before.as_deref().map(str::parse::<MessageId>).transpose();
    let page = Page { before: before.map_err(|error| Error::invalid(error.to_string()))?, limit };
    let thread = edge.app.conversation_show(&tenant, id, page).await?;
    let reader = reader(&edge, tenant.doer()).await?;
    Ok(Json(map::conversation_detail(&edge.app, tenant.tenant(), &reader, thread)))
}

pub async fn turn(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    OfTurn(turn): OfTurn,
) -> Result<Json<api::TurnDetail>, Error> {
    Ok(Json(map::turn_detail(edge.app.turn_show(&tenant, id, turn).await?)))
}

/// The picture itself, written anew.
pub async fn picture(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    OfPicture(message, number): OfPicture,
) -> Result<impl IntoResponse, Error> {
    let picture = edge.app.picture(&tenant, id, message, number).await?;
    Ok(([(header::CONTENT_TYPE, picture.format.media_type())], picture.bytes))
}

pub async fn takeover(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Params(query): Params<api::TakeoverQuery>,
) -> Result<Json<api::Conversation>, Error> {
    let taken = edge.app.conversation_takeover(&tenant, id, when_held(query.anyway)).await?;
    answered(&edge, &tenant, taken).await
}

pub async fn release(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
) -> Result<Json<api::Conversation>, Error> {
    let released = edge.app.conversation_release(&tenant, id).await?;
    answered(&edge, &tenant, released).await
}

pub async fn assign(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(new): Payload<api::NewAssignee>,
) -> Result<Json<api::Conversation>, Error> {
    let to = new.assignee.as_deref().map(somebody).transpose()?;
    let assigned = edge.app.conversation_assign(&tenant, id, to).await?;
    answered(&edge, &tenant, assigned).await
}

pub async fn erase(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Params(sure): Params<Confirm>,
) -> Result<Json<api::Erased>, Error> {
    let Erased { messages, turns, at } = edge.app.conversation_erase(&tenant, id, &sure.confirm).await?;
    Ok(Json(api::Erased { id: id.to_string(), messages, turns, erased_at: at.into() }))
}

pub async fn label(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(new): Payload<api::NewLabel>,
) -> Result<Json<api::Conversation>, Error> {
    let label = new.label.as_deref().map(parse_label).transpose()?;
    let labelled = edge.app.conversation_label(&tenant, id, label).await?;
    answered(&edge, &tenant, labelled).await
}

fn parse_label(word: &str) -> Result<Label, Error> {
    let known = || Label::ALL.map(Label::as_str).join(", ");
    Label::parse(word).ok_or_else(|| Error::invalid(format!("`{word}` is not a label: {}", known())))
}

pub async fn send(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(message): Payload<api::NewMessage>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let rows = edge.app.conversation_send(&tenant, id, &message.text, when_held(message.anyway)).await?;
    queued(&edge, &tenant, rows).await
}

pub async fn approve(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(decision): Payload<api::DraftDecision>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let when_held = when_held(decision.anyway);
    let rows = edge.app.draft_approve(&tenant, id, draft(decision.draft)?, when_held).await?;
    queued(&edge, &tenant, rows).await
}

pub async fn reject(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(decision): Payload<api::DraftDecision>,
) -> Result<Json<api::Conversation>, Error> {
    let rejected = edge.app.draft_reject(&tenant, id, draft(decision.draft)?).await?;
    answered(&edge, &tenant, rejected).await
}

pub async fn edit(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(edit): Payload<api::DraftEdit>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let rows = edge.app.draft_edit(&tenant, id, draft(edit.draft)?, &edit.text, when_held(edit.anyway)).await?;
    queued(&edge, &tenant, rows).await
}

/// The draft that a decision names.
fn draft(id: Option<String>) -> Result<Option<TurnId>, Error> {
    let parsed = id.map(|id| id.parse::<TurnId>()).transpose();
    parsed.map_err(|error| Error::invalid(error.to_string()))
}
