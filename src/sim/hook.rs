//! A stand-in for whatever receives webhooks and pushes: keeps every request, answers as it is told to.

use std::{
    collections::VecDeque,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// With this status.
    Status(u16),
    /// With 429 and a wish to be left alone for so many seconds.
    RetryAfter(u32),
    /// With a redirect to itself.
    Redirect,
    /// Not at all.
    Hang,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Received {
    /// A header as text; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Shared {
    received: watch::Sender<Vec<Received>>,
    answers: Mutex<VecDeque<HookAnswer>>,
    otherwise: Mutex<HookAnswer>,
}

/// The receiver; stops listening when dropped.
#[derive(Debug)]
pub struct Hook {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Hook {
    /// Listens on a free port of this machine, and takes everything with a 200.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            received: watch::Sender::new(Vec::new()),
            answers: Mutex::default(),
            otherwise: Mutex::new(HookAnswer::Status(200)),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::debug!(%error, "the stand-in receiver has stopped");
            }
        });
        Ok(Self { url, shared, serving })
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next requests so, one each.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = HookAnswer>) {
        lock(&self.shared.answers).extend(answers);
    }

    /// Answers all further requests so.
    pub fn answer_always(&self, answer: HookAnswer) {
        *lock(&self.shared.otherwise) = answer;
    }

    /// Everything that came so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Waits until `count` requests have come; `None`: not within `deadline`.
    pub async fn until_received(&self, count: usize, deadline: Duration) -> Option<Vec<Received>> {
        let mut received = self.shared.received.subscribe();
        let wait = received.wait_for(|received| received.len() >= count);
        Some(tokio::time::timeout(deadline, wait).await.ok()?.ok()?.clone())
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = lock(&shared.answers).pop_front().unwrap_or_else(|| *lock(&shared.otherwise));
    shared.received.send_modify(|received| received.push(Received { path: uri.path().to_owned(), headers, body }));
    match answer {
        HookAnswer::Status(code) => {
            StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        HookAnswer::RetryAfter(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        HookAnswer::Redirect => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        HookAnswer::Hang => std::future::pending().await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
