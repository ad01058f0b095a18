//! The log of state changes, as newline-delimited JSON.

use axum::{Extension, body::Body, extract::State, http::header, response::IntoResponse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};

use crate::{
    api,
    app::{
        self,
        events::{EventFilter, EventView},
    },
    domain::event::EventKind,
    http::{
        Edge, Error, Stopping,
        caller::{Asking, Scope},
        extract::Params,
        map,
    },
};

pub async fn tail_all(
    State(edge): State<Edge>,
    _: Asking,
    stopping: Option<Extension<Stopping>>,
    Params(query): Params<api::EventQuery>,
) -> Result<impl IntoResponse, Error> {
    let filter = filter(query)?;
    Ok(answer(edge.app.events_of_all(filter), stopping))
}

pub async fn tail(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    stopping: Option<Extension<Stopping>>,
    Params(query): Params<api::EventQuery>,
) -> Result<impl IntoResponse, Error> {
    let filter = filter(query)?;
    Ok(answer(edge.app.events_of(&tenant, filter), stopping))
}

fn filter(query: api::EventQuery) -> Result<EventFilter, Error> {
    let kinds = parse_kinds(query.kinds.as_deref())?;
    Ok(EventFilter { since: query.since.map(Into::into), kinds, follow: query.follow })
}

fn answer(
    events: BoxStream<'static, Result<EventView, app::Error>>,
    stopping: Option<Extension<Stopping>>,
) -> impl IntoResponse {
    // A stream without end would hold up the daemon's shutdown.
    let events = events.take_until(async move {
        match stopping {
            Some(Extension(stopping)) => stopping.wait().await,
            None => std::future::pending().await,
        }
    });
    ([(header::CONTENT_TYPE, super::NDJSON)], Body::from_stream(lines(events)))
}

fn parse_kinds(words: Option<&str>) -> Result<Vec<EventKind>, Error> {
    let words = words.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            EventKind::parse(word).ok_or_else(|| {
                let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                Error::invalid(format!("`{word}` is not a kind of event: {}", known.join(", ")))
            })
        })
        .collect()
}

/// A line each; an error after the answer has begun is a last line `{"error":{…}}`.
fn lines(
    events: impl Stream<Item = Result<EventView, app::Error>> + Send,
) -> impl Stream<Item = Result<Bytes, serde_json::Error>> + Send {
    events.map(|event| {
        let mut line = match event {
            Ok(event) => serde_json::to_vec(&map::event(event)),
            Err(error) => serde_json::to_vec(&api::ProblemBody { error: Error::from(error).into_problem() }),
        }?;
        line.push(b'\n');
        Ok(Bytes::from(line))
    })
}
