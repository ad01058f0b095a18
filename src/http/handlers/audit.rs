//! Checking that nothing was changed or lost, as newline-delimited JSON, and taking checkpoints.

use axum::{Json, body::Body, extract::State, http::header, response::IntoResponse};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use http_body_util::{BodyExt, Limited};

use crate::{
    api,
    app::{self, audit::Checked},
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        map,
    },
};

pub async fn verify_all(State(edge): State<Edge>, _: Asking, body: Body) -> Result<impl IntoResponse, Error> {
    let given = checkpoint(body).await?;
    Ok(answer(edge.app.audit_verify(None, given).await?))
}

pub async fn verify(State(edge): State<Edge>, Scope(tenant): Scope, body: Body) -> Result<impl IntoResponse, Error> {
    let given = checkpoint(body).await?;
    Ok(answer(edge.app.audit_verify(Some(&tenant), given).await?))
}

pub async fn take_checkpoint(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::Checkpoint>, Error> {
    let note = edge.app.take_checkpoint(caller.act(edge.app.clock.now())).await?;
    Ok(Json(map::checkpoint(note)))
}

/// The checkpoint to compare with, if one was sent.
async fn checkpoint(body: Body) -> Result<Option<String>, Error> {
    let limited = Limited::new(body, api::CHECKPOINT_BYTES_MAX);
    let bytes = limited.collect().await.map_err(|_| Error::invalid("the checkpoint is too long, or did not arrive"))?;
    let text =
        String::from_utf8(bytes.to_bytes().into()).map_err(|_| Error::invalid("the checkpoint is not UTF-8 text"))?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// A line each; an error after the answer has begun is a last line `{"error":{…}}`.
fn answer(checked: BoxStream<'static, Result<Checked, app::Error>>) -> impl IntoResponse {
    let lines = checked.map(|step| {
        let mut line = match step {
            Ok(step) => serde_json::to_vec(&map::audit_line(step)),
            Err(error) => serde_json::to_vec(&api::ProblemBody { error: Error::from(error).into_problem() }),
        }?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    ([(header::CONTENT_TYPE, super::NDJSON)], Body::from_stream(lines))
}
