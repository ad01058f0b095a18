//! Following events over lost connections and restarts of the daemon: what happened meanwhile comes first, each event
//! comes once, and in the order of its tenant's log. It hides no refusal: what will not pass ends it.

use std::{io, pin::Pin, time::Duration};

use axum::http::Method;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::{Client, Error, Owner, all_lines, json_body, parse_line, request, under};
use crate::api::{self, EVENTS_HEARTBEAT_S, EVENTS_SINCE, EventQuery};

/// The first rest after a lost connection; each one after it is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(250);
/// The longest rest.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// A daemon that has said nothing for so long is not there any more: three of its heartbeats.
const SILENCE_MAX: Duration = Duration::from_secs(3 * EVENTS_HEARTBEAT_S);

/// What a watcher sees.
#[derive(Debug)]
pub enum Watched {
    /// It happened.
    Event(api::Event),
    /// The daemon answers: first what happened while it did not, then what happens.
    Connected,
    /// The connection is gone, or there was none to be had. The next attempt follows by itself.
    Lost {
        /// Why.
        error: Error,
        /// When the next attempt is made.
        retry_in: Duration,
    },
}

impl Client {
    /// Follows the events of one tenant, or of all, whatever becomes of the connection. An error is the last item: the
    /// tenant is gone, or the query makes no sense.
    pub fn watch(
        &self,
        owner: Owner<'_>,
        query: EventQuery,
    ) -> impl Stream<Item = Result<Watched, Error>> + Send + use<> {
        let watch = Watch {
            client: self.clone(),
            tenant: owner.map(str::to_owned),
            query: EventQuery { follow: true, ..query },
            lines: None,
            rest: None,
            retry_in: RETRY_FIRST,
        };
        stream::unfold(Some(watch), |watch| async {
            let mut watch = watch?;
            match watch.next().await {
                Ok(seen) => Some((Ok(seen), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

type Lines = Pin<Box<dyn Stream<Item = Result<String, Error>> + Send>>;

struct Watch {
    client: Client,
    tenant: Option<String>,
    /// With the place that has been reached in each log.
    query: EventQuery,
    /// `None`: not connected.
    lines: Option<Lines>,
    rest: Option<Duration>,
    retry_in: Duration,
}

impl Watch {
    async fn next(&mut self) -> Result<Watched, Error> {
        loop {
            let Some(lines) = &mut self.lines else {
                if let Some(rest) = self.rest.take() {
                    sleep(rest).await;
                }
                return match timeout(SILENCE_MAX, self.connect()).await {
                    Ok(Ok(())) => Ok(Watched::Connected),
                    Ok(Err(error)) => self.lost(error),
                    Err(_) => self.lost(silent()),
                };
            };
            let line = match timeout(SILENCE_MAX, lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(Some(Err(error))) => return self.lost(error),
                Ok(None) => return self.lost(Error::Broken("the daemon has ended the stream".into())),
                Err(_) => return self.lost(silent()),
            };
            self.retry_in = RETRY_FIRST;
            if line.is_empty() {
                continue;
            }
            let event = match parse_line::<api::Event>(&line) {
                Ok(event) => event,
                Err(error) => return self.lost(error),
            };
            self.query.after.insert(event.tenant_id.clone(), event.seq);
            return Ok(Watched::Event(event));
        }
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let path = under(self.tenant.as_deref(), &["events"]);
        let request = request(Method::POST, &path, &(), json_body(&self.query)?)?;
        let (head, body) = self.client.answer(request).await?.into_parts();
        if self.query.since.is_none() {
            // "From now on" was then: logs of which nothing has come yet begin there.
            let since = head.headers.get(EVENTS_SINCE).and_then(|since| since.to_str().ok());
            let since = since.ok_or_else(|| Error::unreadable(format!("it has no `{EVENTS_SINCE}`")))?;
            self.query.since = Some(since.parse().map_err(Error::unreadable)?);
        }
        self.lines = Some(Box::pin(all_lines(body)));
        Ok(())
    }

    /// What will pass is waited for; anything else is the end.
    fn lost(&mut self, error: Error) -> Result<Watched, Error> {
        self.lines = None;
        if !passes(&error) {
            return Err(error);
        }
        let retry_in = self.retry_in;
        self.retry_in = RETRY_MAX.min(retry_in * 2);
        self.rest = Some(retry_in);
        Ok(Watched::Lost { error, retry_in })
    }
}

fn silent() -> Error {
    Error::Broken(format!("it has said nothing for {} s", SILENCE_MAX.as_secs()).into())
}

/// Whether the same request may be answered later: nobody is there for now, or the daemon itself has trouble.
fn passes(error: &Error) -> bool {
    match error {
        Error::Unreachable { source, .. } => source.kind() != io::ErrorKind::PermissionDenied,
        Error::Broken(_) => true,
        Error::Refused { status, .. } => *status == 429 || *status >= 500,
        Error::Unreadable(_) | Error::Unwritable(_) | Error::Rehearsed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
    };

    use axum::{Json, Router, body::Body, http::StatusCode, response::IntoResponse, routing::post};
    use bytes::Bytes;
    use tokio::time::Instant;

    use super::*;
    use crate::{
        api::{Problem, ProblemBody, Time},
        client::Transport,
    };

    /// What the daemon does with one connection.
    enum Life {
        /// Sends these places of the log, then dies in the middle of a line.
        Dies(Vec<i64>),
        /// Sends these and is silent from then on.
        Hangs(Vec<i64>),
        Refuses(StatusCode),
    }

    fn line(seq: i64) -> Bytes {
        let event = api::Event {
            tenant: "noor".into(),
            tenant_id: "ten_1".into(),
            seq,
            kind: "reply.sent".into(),
            at: Time(0),
            actor: "bot".into(),
            correlation: None,
            fields: serde_json::Map::new(),
            names: std::collections::BTreeMap::new(),
            text: None,
        };
        Bytes::from(serde_json::to_string(&event).expect("an event is JSON") + "\n\n")
    }

    /// A daemon with these lives, and what it was asked in each.
    fn daemon(lives: Vec<Life>) -> (Client, Arc<Mutex<Vec<EventQuery>>>) {
        let (lives, asked) = (Arc::new(Mutex::new(VecDeque::from(lives))), Arc::<Mutex<Vec<_>>>::default());
        let noted = Arc::clone(&asked);
        let answer = async move |Json(query): Json<EventQuery>| {
            noted.lock().expect("no test panics while it holds this").push(query);
            let life = lives.lock().expect("no test panics while it holds this").pop_front();
            let (seqs, dies) = match life.expect("a life") {
                Life::Refuses(status) => {
                    let problem = Problem {
                        code: "no".into(),
                        message: "no".into(),
                        hint: None,
                        request_id: None,
                        causes: Vec::new(),
                    };
                    return (status, Json(ProblemBody { error: problem })).into_response();
                }
                Life::Dies(seqs) => (seqs, true),
                Life::Hangs(seqs) => (seqs, false),
            };
            let lines = stream::iter(seqs.into_iter().map(line).map(Ok::<_, io::Error>));
            let end = stream::once(async move {
                if !dies {
                    std::future::pending::<()>().await;
                }
                Ok(Bytes::from_static(b"{\"tenant\":"))
            });
            let broken = stream::once(async { Err(io::Error::other("killed")) });
            let head = [(EVENTS_SINCE, "2026-11-22T00:00:00.000Z")];
            (head, Body::from_stream(lines.chain(end).chain(broken))).into_response()
        };
        (Client::new(Transport::InProcess(Router::new().route("/api/v1/events", post(answer)))), asked)
    }

    /// What is seen, with the second at which it is.
    async fn watched(client: &Client) -> Vec<String> {
        let begun = Instant::now();
        let mut watched = std::pin::pin!(client.watch(None, EventQuery::default()));
        let mut seen = Vec::new();
        while let Some(item) = watched.next().await {
            let what = match item {
                Ok(Watched::Event(event)) => event.seq.to_string(),
                Ok(Watched::Connected) => "connected".into(),
                Ok(Watched::Lost { retry_in, .. }) => format!("lost for {} ms", retry_in.as_millis()),
                Err(error) => format!("end: {}", error.code()),
            };
            seen.push(format!("{:.2} {what}", begun.elapsed().as_secs_f64()));
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_is_taken_up_where_it_ended_until_it_is_refused() {
        let (client, asked) = daemon(vec![
            Life::Dies(vec![1, 2]),
            Life::Dies(vec![]),
            Life::Refuses(StatusCode::SERVICE_UNAVAILABLE),
            Life::Hangs(vec![3]),
            Life::Refuses(StatusCode::NOT_FOUND),
        ]);
        assert_eq!(
            watched(&client).await,
            [
                "0.00 connected",
                "0.00 1",
                "0.00 2",
                "0.00 lost for 250 ms",
                "0.25 connected",
                "0.25 lost for 500 ms",
                "0.75 lost for 1000 ms",
                "1.75 connected",
                "1.75 3",
                "31.75 lost for 250 ms",
                "32.00 end: no",
            ]
        );
        let asked = asked.lock().expect("no test panics while it holds this").clone();
        let from: Vec<_> = asked
            .iter()
            .map(|query| (query.since.map(|at| at.to_string()), query.after.get("ten_1").copied()))
            .collect();
        let since = Some("2026-11-22T00:00:00.000Z".to_owned());
        let then = |seq| (since.clone(), Some(seq));
        assert_eq!(from, [(None, None), then(2), then(2), then(2), then(3)]);
        assert!(asked.iter().all(|query| query.follow));
    }

    #[tokio::test(start_paused = true)]
    async fn rests_grow_to_five_seconds_and_no_further() {
        let mut lives: Vec<_> = (0..8).map(|_| Life::Refuses(StatusCode::SERVICE_UNAVAILABLE)).collect();
        lives.push(Life::Refuses(StatusCode::BAD_REQUEST));
        let seen = watched(&daemon(lives).0).await;
        let rests: Vec<_> = seen.iter().filter_map(|line| line.split_once("lost for ")).map(|(_, rest)| rest).collect();
        let expected = ["250 ms", "500 ms", "1000 ms", "2000 ms", "4000 ms", "5000 ms", "5000 ms", "5000 ms"];
        assert_eq!(rests, expected);
        assert_eq!(seen.last().map(String::as_str), Some("22.75 end: no"));
    }
}
