//! Conversations: watching, taking over, writing.

use axum::{Json, extract::State};

use crate::{
    api,
    app::ConversationFilter,
    domain::{TurnId, conversation::Label},
    http::{
        Edge, Error,
        caller::Scope,
        extract::{InConversation, Params, Payload},
        map,
    },
};

/// Rows of a list that names no limit.
const ROWS_DEFAULT: u32 = 50;
/// The most rows of a list.
const ROWS_MAX: u32 = 1_000;

/// The newest first.
pub async fn list(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::ConversationQuery>,
) -> Result<Json<api::List<api::Conversation>>, Error> {
    let limit = query.limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Error::invalid(format!("the limit is 1 to {ROWS_MAX}, not {limit}")));
    }
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
    let conversations = edge.app.conversation_list(&tenant, filter, label, limit).await?;
    Ok(Json(map::list(conversations, map::conversation)))
}

pub async fn show(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
) -> Result<Json<api::ConversationDetail>, Error> {
    Ok(Json(map::conversation_detail(edge.app.conversation_show(&tenant, id).await?)))
}

pub async fn takeover(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
) -> Result<Json<api::Conversation>, Error> {
    Ok(Json(map::conversation(edge.app.conversation_takeover(&tenant, id).await?)))
}

pub async fn release(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
) -> Result<Json<api::Conversation>, Error> {
    Ok(Json(map::conversation(edge.app.conversation_release(&tenant, id).await?)))
}

pub async fn label(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(new): Payload<api::NewLabel>,
) -> Result<Json<api::Conversation>, Error> {
    let label = new.label.as_deref().map(parse_label).transpose()?;
    Ok(Json(map::conversation(edge.app.conversation_label(&tenant, id, label).await?)))
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
    let rows = edge.app.conversation_send(&tenant, id, &message.text).await?;
    Ok(Json(map::list(rows, map::outbox_row)))
}

pub async fn approve(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(decision): Payload<api::DraftDecision>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let rows = edge.app.draft_approve(&tenant, id, draft(decision.draft)?).await?;
    Ok(Json(map::list(rows, map::outbox_row)))
}

pub async fn reject(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(decision): Payload<api::DraftDecision>,
) -> Result<Json<api::Conversation>, Error> {
    Ok(Json(map::conversation(edge.app.draft_reject(&tenant, id, draft(decision.draft)?).await?)))
}

pub async fn edit(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    InConversation(id): InConversation,
    Payload(edit): Payload<api::DraftEdit>,
) -> Result<Json<api::List<api::OutboxRow>>, Error> {
    let rows = edge.app.draft_edit(&tenant, id, draft(edit.draft)?, &edit.text).await?;
    Ok(Json(map::list(rows, map::outbox_row)))
}

/// The draft that a decision names.
fn draft(id: Option<String>) -> Result<Option<TurnId>, Error> {
    let parsed = id.map(|id| id.parse::<TurnId>()).transpose();
    parsed.map_err(|error| Error::invalid(error.to_string()))
}
