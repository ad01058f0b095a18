//! Gives every request an id, writes it into the answer, and finishes and logs errors, in one place.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use super::{
    Caller,
    error::{self, Pending},
};
use crate::{
    api::Problem,
    domain::{Ids, RequestId},
};

/// The header that every answer carries.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn attach(State(ids): State<Arc<dyn Ids>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::next(&*ids);
    request.extensions_mut().insert(id);
    let trusted = request.extensions().get::<Caller>() == Some(&Caller::Operator);
    let mut response = next.run(request).await;
    if let Some(Pending(problem)) = response.extensions_mut().remove::<Pending>() {
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        if status.is_server_error() {
            tracing::warn!(
                request.id = %id, status = status.as_u16(), code = %problem.code,
                error = %chain(&problem), "request failed"
            );
        }
        let causes = if trusted { problem.causes.clone() } else { Vec::new() };
        response =
            error::body(status, Problem { request_id: Some(id.to_string()), causes, ..Problem::clone(&problem) });
        // What describes the body that was replaced goes; `allow`, `retry-after` and their like stay.
        let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
        let of_body = [axum::http::header::CONTENT_TYPE, axum::http::header::CONTENT_LENGTH];
        response.headers_mut().extend(kept.filter(|(name, _)| !of_body.contains(name)));
    }
    let id = HeaderValue::from_str(&id.to_string()).expect("a prefixed UUID is a header value");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn chain(problem: &Problem) -> String {
    std::iter::once(&problem.message).chain(&problem.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
}
