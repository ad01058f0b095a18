//! Requests that are only tried out: which routes can be, and how such a request ends.

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Error, Route};
use crate::{api::DRY_RUN, store};

/// Routes whose doing is in the databases alone, so that undoing that undoes all of it, and whose first write comes behind
/// every check.
const CAN_BE: &[(&str, &str)] = &[
    ("PATCH", "/tenants/{slug}"),
    ("DELETE", "/tenants/{slug}"),
    ("POST", "/tenants/{slug}/pause"),
    ("POST", "/tenants/{slug}/resume"),
    ("PUT", "/tenants/{slug}/persona"),
    ("POST", "/tenants/{slug}/persona/restore"),
    ("PUT", "/models/{name}"),
    ("PUT", "/model-budget"),
    ("PUT", "/tenants/{slug}/models/{name}"),
    ("PUT", "/tenants/{slug}/model-budget"),
    ("POST", "/tenants/{slug}/conversations/{id}/takeover"),
    ("POST", "/tenants/{slug}/conversations/{id}/release"),
    ("PUT", "/tenants/{slug}/conversations/{id}/assignee"),
    ("PUT", "/tenants/{slug}/conversations/{id}/label"),
    ("POST", "/tenants/{slug}/conversations/{id}/messages"),
    ("POST", "/tenants/{slug}/conversations/{id}/draft/approve"),
    ("POST", "/tenants/{slug}/conversations/{id}/draft/reject"),
    ("POST", "/tenants/{slug}/conversations/{id}/draft/edit"),
    ("DELETE", "/tenants/{slug}/notify/{name}"),
    ("POST", "/staff"),
    ("PATCH", "/staff/{name}"),
    ("DELETE", "/staff/{name}"),
    ("PUT", "/secrets/{name}"),
    ("DELETE", "/secrets/{name}"),
    ("PUT", "/tenants/{slug}/secrets/{name}"),
    ("DELETE", "/tenants/{slug}/secrets/{name}"),
];

/// Whether a route can be tried out.
#[derive(Clone, Copy, Debug)]
pub(super) enum CanBe {
    /// It only reads.
    Reads,
    /// It can.
    Yes,
    /// It cannot.
    No,
}

impl CanBe {
    pub(super) fn of(route: &Route) -> Self {
        let short = route.path.strip_prefix("/api/v1").unwrap_or(route.path);
        let listed = CAN_BE.iter().any(|(method, path)| *method == route.method.as_str() && *path == short);
        match listed {
            true => Self::Yes,
            false if route.method == Method::GET => Self::Reads,
            false => Self::No,
        }
    }
}

/// Has a request that is only tried out undo what it does.
pub(super) async fn try_out(State(can_be): State<CanBe>, request: Request, next: Next) -> Response {
    match can_be {
        _ if !request.headers().contains_key(DRY_RUN) => next.run(request).await,
        CanBe::Reads => next.run(request).await,
        CanBe::Yes => store::rehearse(next.run(request)).await,
        CanBe::No => Error::not_tried_out().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ROUTES;

    #[test]
    fn what_can_be_tried_out_are_routes_that_are_there() {
        let found = ROUTES.iter().filter(|route| matches!(CanBe::of(route), CanBe::Yes)).count();
        assert_eq!(found, CAN_BE.len());
    }
}
