//! What strangers may reach: webhooks, health and version.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use super::webhook;
use crate::{app::App, domain::Ids, store};

/// A writer thread silent for longer than this with work waiting is stuck.
const WRITER_SILENCE_MAX: Duration = Duration::from_secs(10);

/// Whether this process is on its way out.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on `/readyz` says no.
    pub fn start(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn started(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The router of the public listener.
pub fn public_router(app: App, ids: Arc<dyn Ids>, draining: Draining) -> Router {
    let health =
        Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state((app.clone(), draining));
    Router::new()
        .route("/webhooks/instagram", get(webhook::verify).post(webhook::receive))
        .route("/webhooks/instagram/{tenant}", get(webhook::verify_tenant).post(webhook::receive_tenant))
        .route("/version", get(version))
        .with_state(app)
        .merge(health)
        .fallback(|| async { super::Error::no_route() })
        .method_not_allowed_fallback(|| async { super::Error::wrong_method() })
        .layer(axum::middleware::from_fn_with_state(ids, super::request_id::attach))
}

/// The webhook path as [`public_router`] serves it, but nothing is stored: what `aura bench accept` compares with.
/// Nothing in the product serves this.
pub fn unstored_router(app: App, ids: Arc<dyn Ids>) -> Router {
    Router::new()
        .route("/webhooks/instagram", post(webhook::receive_unstored))
        .with_state(app)
        .layer(axum::middleware::from_fn_with_state(ids, super::request_id::attach))
}

/// The router of the metrics listener.
pub fn metrics_router(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn livez(State((app, _)): State<(App, Draining)>) -> Response {
    let silent = app.store.journal().silent_for();
    if silent > WRITER_SILENCE_MAX {
        let silent_ms = silent.as_millis() as u64;
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "stuck", "journal_silent_ms": silent_ms })))
            .into_response();
    }
    Json(json!({ "status": "ok" })).into_response()
}

async fn readyz(State((app, draining)): State<(App, Draining)>, RawQuery(query): RawQuery) -> Response {
    let failed = *app.store.journal().failed().borrow();
    let checks = [
        ("draining", !draining.started()),
        ("journal", !failed),
        ("journal_queue", !app.store.journal().is_overloaded()),
        ("journal_writer", app.store.journal().silent_for() <= WRITER_SILENCE_MAX),
    ];
    let ready = checks.iter().all(|(_, ok)| *ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "status": if ready { "ready" } else { "not_ready" } });
    if query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="))) {
        let checks: serde_json::Map<_, _> =
            checks.iter().map(|(name, ok)| ((*name).to_owned(), json!(if *ok { "ok" } else { "failed" }))).collect();
        body["checks"] = checks.into();
    }
    (status, Json(body)).into_response()
}

async fn version() -> Response {
    let mut body = json!({ "name": "aura", "version": env!("CARGO_PKG_VERSION") });
    // What is linked in, for whoever looks after known faults of it.
    if let Ok((sqlite, vec)) = store::versions() {
        body["sqlite"] = sqlite.into();
        body["sqlite-vec"] = vec.into();
    }
    Json(body).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    app.refresh_gauges();
    match app.metrics.render() {
        Ok(text) => {
            ([(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
