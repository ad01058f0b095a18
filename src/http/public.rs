//! What strangers may reach: webhooks, health and version.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{FromRef, RawQuery, Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    limit::{self, Limiter},
    tcp::Peer,
    webhook,
};
use crate::{
    api,
    app::{App, watch::WRITER_SILENCE_MAX},
    domain::Ids,
    store,
};

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

/// What the public handlers can reach.
#[derive(Clone)]
pub(super) struct Public {
    app: App,
    draining: Draining,
}

impl FromRef<Public> for App {
    fn from_ref(public: &Public) -> Self {
        public.app.clone()
    }
}

/// One route of the public listener.
#[derive(Clone, Debug)]
pub struct PublicRoute {
    /// The path.
    pub path: &'static str,
    /// Why it is never limited; `None`: it is, as everything that is not in the table.
    pub exempt: Option<&'static str>,
    handler: fn() -> MethodRouter<Public>,
}

/// Every route of the public listener. The router is built from it: a new one is limited per address unless it says why not.
pub static PUBLIC_ROUTES: &[PublicRoute] = &[
    PublicRoute {
        path: "/webhooks/instagram",
        exempt: Some("Meta posts from a few addresses, and limits itself"),
        handler: || get(webhook::verify).post(webhook::receive),
    },
    PublicRoute {
        path: "/webhooks/instagram/{tenant}",
        exempt: Some("the same, for one tenant"),
        handler: || get(webhook::verify_tenant).post(webhook::receive_tenant),
    },
    PublicRoute { path: "/livez", exempt: Some("who watches is never turned away"), handler: || get(livez) },
    PublicRoute { path: "/readyz", exempt: Some("who watches is never turned away"), handler: || get(readyz) },
    PublicRoute { path: "/version", exempt: Some("who watches is never turned away"), handler: || get(version) },
];

/// The router of the public listener.
pub fn public_router(app: App, ids: Arc<dyn Ids>, draining: Draining) -> Router {
    let routes = |exempt: bool| {
        let part = PUBLIC_ROUTES.iter().filter(|route| route.exempt.is_some() == exempt);
        part.fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
            .method_not_allowed_fallback(|| async { super::Error::wrong_method() })
    };
    let limited = Limited {
        limiter: Arc::new(Limiter::new(app.config.rate_limit.per_ip_per_minute)),
        refused: app.metrics.shed.with_label_values(&["rate_limited"]),
    };
    routes(false)
        .fallback(|| async { super::Error::no_route() })
        .layer(axum::middleware::from_fn_with_state(limited, limit_address))
        .merge(routes(true))
        .with_state(Public { app, draining })
        .layer(axum::middleware::from_fn_with_state(ids, super::request_id::attach))
}

#[derive(Clone)]
struct Limited {
    limiter: Arc<Limiter>,
    refused: prometheus::IntCounter,
}

/// Lets a request pass, or answers 429; either way says how the address stands.
async fn limit_address(State(limited): State<Limited>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let verdict = limited.limiter.judge(limit::address_of(peer, request.headers()), Instant::now());
    let mut response = if verdict.refused() {
        limited.refused.inc();
        super::Error::too_many().into_response()
    } else {
        next.run(request).await
    };
    verdict.write(response.headers_mut());
    response
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

async fn livez(State(app): State<App>) -> Response {
    let silent = app.store.journal().silent_for();
    if silent > WRITER_SILENCE_MAX {
        let silent_ms = silent.as_millis() as u64;
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "stuck", "journal_silent_ms": silent_ms })))
            .into_response();
    }
    Json(json!({ "status": "ok" })).into_response()
}

async fn readyz(State(Public { app, draining }): State<Public>, RawQuery(query): RawQuery) -> Response {
    let readiness = app.readiness(draining.started()).await;
    let ready = readiness.ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "status": if ready { "ready" } else { "not_ready" } });
    if query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="))) {
        let word = |ok: bool| json!(if ok { "ok" } else { "failed" });
        let checks = readiness.checks.iter().map(|(name, ok)| ((*name).to_owned(), word(*ok)));
        body["checks"] = checks.collect::<serde_json::Map<_, _>>().into();
        body["details"] = json!({
            "journal": { "backlog": readiness.backlog },
            "journal_queue": { "waiting": readiness.queued },
            "journal_writer": { "silent_ms": readiness.silent.as_millis() as u64 },
        });
        if let Some(room) = readiness.room {
            body["details"]["disk"] = json!({ "free_bytes": room.free_bytes, "low_bytes": room.low_bytes });
        }
        // Shown, and no reason to send webhooks elsewhere: what waits for them is durable here.
        body["dependencies"] = json!({ "instagram": match readiness.instagram {
            None => json!({ "status": "unknown" }),
            Some(last) => {
                let status = if last.ok { "ok" } else { "failing" };
                json!({ "status": status, "at": api::Time::from(last.at) })
            }
        } });
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
    app.refresh_gauges().await;
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
