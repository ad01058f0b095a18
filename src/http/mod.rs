//! The axum edge. Handlers are thin: parse, call one use case, map. Nothing here decides anything about a shop.
//!
//! [`operator_router`] is the whole of `/api/v1`; the socket and the in-process client both speak to it.

mod caller;
mod error;
mod extract;
mod handlers;
mod limit;
mod map;
mod patience;
mod persona_file;
mod public;
mod rehearsal;
mod request_id;
mod routes;
mod socket;
mod tcp;
mod webhook;

pub use caller::PeerUid;
pub use error::Error;
pub use public::{Draining, PUBLIC_ROUTES, PublicRoute, metrics_router, public_router, unstored_router};
pub use request_id::REQUEST_ID;
pub use routes::{Body, ROUTES, Route};
pub use socket::{Socket, Stopping, serve_socket};
pub use tcp::serve_tcp;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    api::BODY_BYTES_MAX,
    app::{App, Caller},
    domain::Ids,
};

/// What every handler can reach.
#[derive(Clone)]
pub struct Edge {
    /// The use cases.
    pub app: App,
}

/// `/api/v1` for the operator: whoever can reach this router may do everything. Never put it on TCP.
pub fn operator_router(app: App, ids: Arc<dyn Ids>) -> Router {
    router(app, ids).layer(axum::Extension(Caller::Operator))
}

/// `/api/v1` for people whom the operator let in, behind a listener that says which user is at the other end
/// ([`PeerUid`]). Whoever is not known gets nowhere.
pub fn staff_router(app: App, ids: Arc<dyn Ids>) -> Router {
    // Within the layer that gives a request its id, so that a refusal has one.
    let known = middleware::from_fn_with_state(Edge { app: app.clone() }, caller::recognise);
    router_behind(app, ids, |router| router.layer(known))
}

/// `/api/v1` without a caller: every route refuses until an outer layer has said who asks.
fn router(app: App, ids: Arc<dyn Ids>) -> Router {
    router_behind(app, ids, |router| router)
}

fn router_behind(app: App, ids: Arc<dyn Ids>, door: impl FnOnce(Router<Edge>) -> Router<Edge>) -> Router {
    let routes = ROUTES.iter().fold(Router::new(), |router, route| {
        let limit = match route.body {
            Body::Json => DefaultBodyLimit::max(BODY_BYTES_MAX),
            Body::Stream => DefaultBodyLimit::disable(),
        };
        let guard = middleware::from_fn_with_state(route.least, caller::guard);
        let try_out = middleware::from_fn_with_state(rehearsal::CanBe::of(route), rehearsal::try_out);
        router.route(route.path, (route.handler)().layer(limit).layer(try_out).layer(guard))
    });
    let routes = routes
        .fallback(|| async { Error::no_route() })
        .method_not_allowed_fallback(|| async { Error::wrong_method() })
        .layer(CatchPanicLayer::custom(|_panic| Error::panicked().into_response()));
    door(routes).layer(middleware::from_fn_with_state(ids, request_id::attach)).with_state(Edge { app })
}

#[cfg(test)]
mod tests;
