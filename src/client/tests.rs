//! The client against small routers, in-process and over a socket.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, RawQuery},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post, put},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    api::{ImportQuery, ImportReport, NewSecret, Problem, SearchQuery, Time},
    http::{Socket, serve_socket},
};

fn report(products: u64) -> ImportReport {
    ImportReport {
        source: "a.csv".into(),
        format: "csv".into(),
        products,
        variants: 0,
        added: 0,
        updated: 0,
        unchanged: 0,
        removed: 0,
        skipped: Vec::new(),
        skipped_more: 0,
        dry_run: false,
        elapsed_ms: 1,
    }
}

fn event(seq: i64) -> api::Event {
    api::Event {
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
    }
}

/// Answers what the tests below ask for, and notes secrets and paths.
fn router(seen: &Arc<Mutex<Vec<String>>>) -> Router {
    let note = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = Arc::clone(seen);
        move |word: String| seen.lock().expect("no test panics while it holds this").push(word)
    };
    let (product, secret, search) = (note(seen), note(seen), note(seen));
    Router::new()
        .route("/api/v1/version", get(async || Json(api::Version { version: "0.1.0".into() })))
        .route(
            "/api/v1/tenants/noor/catalog/products/{key}",
            get(async move |Path(key): Path<String>| {
                product(key);
                let problem = Problem {
                    code: "not_found".into(),
                    message: "there is no product".into(),
                    hint: Some("Search for it.".into()),
                    request_id: Some("req_1".into()),
                    causes: vec!["because".into()],
                };
                (StatusCode::NOT_FOUND, Json(ProblemBody { error: problem }))
            }),
        )
        .route(
            "/api/v1/tenants/noor/catalog/search",
            get(async move |RawQuery(query): RawQuery| {
                search(query.unwrap_or_default());
                Json(api::SearchResult { query: "ä&b".into(), results: Vec::new(), elapsed_ms: 1 })
            }),
        )
        .route(
            "/api/v1/tenants/noor/catalog/import",
            post(async |body: Body| {
                let mut bytes = body.into_data_stream();
                let mut size = 0;
                while let Some(Ok(chunk)) = bytes.next().await {
                    size += chunk.len() as u64;
                }
                Json(report(size))
            })
            .layer(axum::extract::DefaultBodyLimit::disable()),
        )
        .route(
            "/api/v1/secrets/{name}",
            put(async move |Path(name): Path<String>, Json(new): Json<NewSecret>| {
                secret(new.value);
                Json(api::Secret { name, fingerprint: "f".into(), changed_at: Time(0) })
            })
            .delete(async || StatusCode::NO_CONTENT),
        )
        .route(
            "/api/v1/events",
            get(async || {
                let mut lines: Vec<u8> = Vec::new();
                for seq in 1..=2 {
                    lines.extend(serde_json::to_vec(&event(seq)).expect("an event is JSON"));
                    lines.extend(b"\n\n");
                }
                lines.extend(br#"{"error":{"code":"disk_failed","message":"the disk failed"}}"#);
                // In small pieces, as a network would.
                let pieces: Vec<_> = lines.chunks(7).map(|piece| Ok::<_, io::Error>(piece.to_vec())).collect();
                Body::from_stream(stream::iter(pieces))
            }),
        )
        .route("/api/v1/tenants", get(async || (StatusCode::BAD_GATEWAY, "<html>").into_response()))
}

struct Served {
    client: Client,
    seen: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Served {
    fn in_process() -> Self {
        let seen = Arc::default();
        let client = Client::new(Transport::InProcess(router(&seen)));
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { client, seen, stop: CancellationToken::new(), _dir: dir }
    }

    async fn on_a_socket() -> Self {
        let served = Self::in_process();
        let path = served._dir.path().join("aura.sock");
        tokio::spawn({
            let socket = Socket::bind(&path).expect("a socket");
            serve_socket(router(&served.seen), socket, served.stop.clone())
        });
        Self { client: Client::new(Transport::Socket(path)), ..served }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no test panics while it holds this").clone()
    }
}

async fn speaks(served: &Served) {
    let client = &served.client;
    assert_eq!(client.version().await.expect("a version").version, "0.1.0");

    let missing = client.product("noor", "../a b/ü?#%").await.expect_err("it is not there");
    assert_eq!((missing.code(), missing.exit_code(), missing.request_id()), ("not_found", 3, Some("req_1")));
    assert_eq!((missing.hint().as_deref(), missing.causes()), (Some("Search for it."), vec!["because".to_owned()]));

    let query = SearchQuery { q: "ä&b=c d".into(), limit: Some(3) };
    client.search("noor", &query).await.expect("a result");
    let value = NewSecret { value: "sk-1".into() };
    client.set_secret(None, "meta.app_secret", &value).await.expect("stored");
    client.remove_secret(None, "meta.app_secret").await.expect("removed");
    assert_eq!(served.seen(), ["../a b/ü?#%", "q=%C3%A4%26b%3Dc+d&limit=3", "sk-1"]);

    let nonsense = client.tenants().await.expect_err("that was no problem body");
    assert_eq!((nonsense.code(), nonsense.exit_code()), ("answer_unreadable", 1));
}

#[tokio::test]
async fn both_transports_say_and_understand_the_same() {
    speaks(&Served::in_process()).await;
    let served = Served::on_a_socket().await;
    speaks(&served).await;
    served.stop.cancel();
}

#[tokio::test]
async fn an_upload_is_streamed_and_may_be_larger_than_any_limit() {
    for served in [Served::in_process(), Served::on_a_socket().await] {
        let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
        let bytes = stream::iter((0..200).map(move |_| Ok(chunk.clone())));
        let query = ImportQuery { source: "a.csv".into(), ..ImportQuery::default() };
        let report = served.client.import("noor", &query, bytes).await.expect("a report");
        assert_eq!(report.products, 200 * 64 * 1024);
    }
}

#[tokio::test]
async fn a_source_that_fails_in_the_middle_is_an_error() {
    let served = Served::on_a_socket().await;
    let bytes = stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::other("unplugged"))]);
    let query = ImportQuery { source: "a.csv".into(), ..ImportQuery::default() };
    let error = served.client.import("noor", &query, bytes).await.expect_err("the source failed");
    assert_eq!(error.code(), "connection_broken");
    assert!(error.causes().iter().any(|cause| cause.contains("unplugged")), "{:?}", error.causes());
}

#[tokio::test]
async fn events_come_one_by_one_and_a_late_error_is_an_error() {
    for served in [Served::in_process(), Served::on_a_socket().await] {
        let events = served.client.events(None, &api::EventQuery::default()).await.expect("a stream");
        let events: Vec<_> = events.collect().await;
        let seqs: Vec<_> = events.iter().filter_map(|event| event.as_ref().ok()).map(|event| event.seq).collect();
        assert_eq!(seqs, [1, 2]);
        let last = events.last().expect("three items").as_ref().expect_err("the disk failed");
        assert_eq!((last.code(), last.exit_code()), ("disk_failed", 1));
    }
}

#[tokio::test]
async fn where_nobody_listens_the_daemon_is_unreachable() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let client = Client::new(Transport::Socket(dir.path().join("aura.sock")));
    let error = client.version().await.expect_err("nobody is there");
    assert_eq!((error.code(), error.exit_code()), ("daemon_unreachable", 7));
    assert_eq!(error.hint().as_deref(), Some("Start it with `aura serve`."));
}
