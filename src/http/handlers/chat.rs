//! Talking to the assistant as a shopper.

use axum::{Json, extract::State};
use tokio::time::Instant;

use super::catalog::elapsed_ms;
use crate::{
    api,
    http::{Edge, Error, caller::Scope, extract::Payload, map, persona_file},
};

/// The most bytes of a message (Instagram: 1,000 bytes of UTF-8).
pub(super) const TEXT_BYTES_MAX: usize = 1_000;
/// The most bytes of a session's name.
const SESSION_BYTES_MAX: usize = 64;

pub async fn chat(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(question): Payload<api::ChatQuestion>,
) -> Result<Json<api::ChatAnswer>, Error> {
    let began = Instant::now();
    let api::ChatQuestion { session, text, persona } = question;
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid(format!("a message has 1 to {TEXT_BYTES_MAX} bytes")));
    }
    if session.is_empty() || session.len() > SESSION_BYTES_MAX || !session.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid(format!("a session's name has 1 to {SESSION_BYTES_MAX} plain characters")));
    }
    let preview = persona.map(|yaml| persona_file::read(&yaml, tenant.tenant().language)).transpose()?;
    let answer = edge.app.chat(&tenant, &session, &text, preview).await?;
    Ok(Json(map::chat_answer(answer, elapsed_ms(began))))
}
