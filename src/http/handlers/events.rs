//! The log of state changes, as newline-delimited JSON.

use std::time::Duration;

use axum::{
    Extension,
    body::Body,
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{Method, header},
    response::IntoResponse,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Limited};

use crate::{
    api,
    app::{
        self, Caller,
        events::{EventFilter, EventView, Events},
    },
    domain::{
        TenantId,
        cost::PicoDollars,
        event::{EventKind, Wanted},
    },
    http::{
        Edge, Error, Stopping,
        caller::{Asking, Scope},
        extract::Params,
        map,
    },
};

/// What of the logs is wanted: the query string says so, or a body where the places that were reached are too many for one.
pub struct Asked(EventFilter);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let query = match parts.method {
            Method::POST => read(body).await?,
            _ => Params::from_request_parts(&mut parts, state).await?.0,
        };
        filter(query).map(Self)
    }
}

pub async fn tail_all(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    stopping: Option<Extension<Stopping>>,
    Asked(filter): Asked,
) -> Result<impl IntoResponse, Error> {
    let follow = filter.follow;
    Ok(answer(edge.app.events_of_all(&caller, filter), follow, until_ended(edge.clone(), caller, stopping)))
}

pub async fn tail(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Asking(caller): Asking,
    stopping: Option<Extension<Stopping>>,
    Asked(filter): Asked,
) -> Result<impl IntoResponse, Error> {
    let follow = filter.follow;
    Ok(answer(edge.app.events_of(&tenant, filter), follow, until_ended(edge.clone(), caller, stopping)))
}

async fn read(body: Body) -> Result<api::EventQuery, Error> {
    let limited = Limited::new(body, api::EVENTS_BYTES_MAX);
    let bytes = limited.collect().await.map_err(|_| Error::invalid("the query is too long, or did not arrive"))?;
    serde_json::from_slice(&bytes.to_bytes()).map_err(|error| Error::invalid(error.to_string()))
}

fn filter(query: api::EventQuery) -> Result<EventFilter, Error> {
    let place = |(tenant, seq): (String, i64)| match tenant.parse::<TenantId>() {
        Ok(tenant) => Ok((tenant, seq)),
        Err(error) => Err(Error::invalid(error.to_string())),
    };
    let conversation = query.conversation.map(|id| id.parse().map_err(|error| invalid(&error))).transpose()?;
    let cost_min = query.min_cost_usd.map(|cost| PicoDollars::parse(&cost).map_err(|error| invalid(&error)));
    Ok(EventFilter {
        since: query.since.map(Into::into),
        after: query.after.into_iter().map(place).collect::<Result<_, _>>()?,
        wanted: Wanted {
            kinds: parse_kinds(query.kinds.as_deref())?,
            conversation,
            actor: query.actor,
            // Who that is by name is found when the logs are read.
            staff: None,
            cost_min: cost_min.transpose()?,
        },
        follow: query.follow,
    })
}

fn invalid(error: &dyn std::error::Error) -> Error {
    Error::invalid(error.to_string())
}

/// When a stream ends that has no end of its own: the daemon stops, which it would hold up, or the caller may no longer
/// see what they might at its beginning.
async fn until_ended(edge: Edge, caller: Caller, stopping: Option<Extension<Stopping>>) {
    let stops = async {
        match stopping {
            Some(Extension(stopping)) => stopping.wait().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stops => {}
        () = edge.app.until_changed(caller) => {}
    }
}

fn answer(events: Events, follow: bool, ends: impl Future<Output = ()> + Send + 'static) -> impl IntoResponse {
    let Events { since, stream } = events;
    let lines = lines(stream).take_until(ends);
    let head = [
        (header::CONTENT_TYPE.as_str(), super::NDJSON.to_owned()),
        (api::EVENTS_SINCE, api::Time::from(since).to_string()),
    ];
    let body = if follow { Body::from_stream(never_silent(lines)) } else { Body::from_stream(lines) };
    (head, body)
}

fn parse_kinds(words: Option<&str>) -> Result<Vec<EventKind>, Error> {
    let words = words.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut kinds = Vec::new();
    for word in words {
        let matching = EventKind::matching(word);
        if matching.is_empty() {
            let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
            return Err(Error::invalid(format!("`{word}` is not a kind of event: {}", known.join(", "))));
        }
        kinds.extend(matching);
    }
    Ok(kinds)
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

/// The same lines, and an empty one whenever nothing has come for a while: whoever reads them knows that somebody is there.
fn never_silent<E: Send>(
    lines: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    const HEARTBEAT: Duration = Duration::from_secs(api::EVENTS_HEARTBEAT_S);
    stream::unfold(lines.boxed(), |mut lines| async move {
        let line = match tokio::time::timeout(HEARTBEAT, lines.next()).await {
            Ok(line) => line?,
            Err(_) => Ok(Bytes::from_static(b"\n")),
        };
        Some((line, lines))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_in_which_nothing_happens_says_that_it_lives() {
        let begun = tokio::time::Instant::now();
        let event = stream::once(async {
            tokio::time::sleep(Duration::from_secs(25)).await;
            Ok::<_, Infallible>(Bytes::from_static(b"{}\n"))
        });
        let mut seen = Vec::new();
        let mut lines = std::pin::pin!(never_silent(event));
        while let Some(Ok(line)) = lines.next().await {
            seen.push((begun.elapsed().as_secs(), line));
        }
        let blank = Bytes::from_static(b"\n");
        assert_eq!(seen, [(10, blank.clone()), (20, blank), (25, Bytes::from_static(b"{}\n"))]);
    }

    #[test]
    fn a_word_means_one_kind_or_a_family() {
        assert_eq!(parse_kinds(None).expect("nothing").len(), 0);
        let family = parse_kinds(Some("draft.*, turn.finished")).expect("known");
        assert!(family.len() > 3 && family.contains(&EventKind::TurnFinished), "{family:?}");
        assert!(family.iter().all(|kind| kind.as_str().starts_with("draft.") || *kind == EventKind::TurnFinished));
        for wrong in ["*", "draft", "draft*", "nothing.*"] {
            assert!(parse_kinds(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
