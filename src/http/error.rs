//! How an error leaves the edge: status from the one table in `api`, body with code, message and hint.

use std::sync::Arc;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    api::{self, Problem},
    app::{self, ErrorKind, Least},
};

/// The code of what was only tried out, and would have changed something.
const REHEARSED: &str = "rehearsed";

/// Why a request failed.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
    causes: Vec<String>,
}

impl Error {
    fn of(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(api::status_of(kind)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: message.into(),
            hint: None,
            causes: Vec::new(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Part of the request makes no sense.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::of(ErrorKind::Usage, "invalid", message)
    }

    /// The body cannot be taken, with the status that says why (400, 413, 415).
    pub(super) fn body(status: StatusCode, message: impl Into<String>) -> Self {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid" };
        Self { status, ..Self::of(ErrorKind::Usage, code, message) }
    }

    pub(super) fn no_route() -> Self {
        Self::of(ErrorKind::NotFound, "no_such_route", "there is nothing at this path")
            .hint("Client and daemon may be of different versions: compare `aura version` and `aura status`.")
    }

    pub(super) fn wrong_method() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { status, ..Self::of(ErrorKind::Usage, "method_not_allowed", "this path does not take this method") }
    }

    pub(super) fn too_many() -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self { status, ..Self::of(ErrorKind::Temporary, "rate_limited", "too many requests from this address") }
            .hint("Wait as long as `retry-after` says.")
    }

    pub(super) fn no_caller() -> Self {
        Self::of(ErrorKind::Credentials, "credentials_missing", "nobody has said who asks")
    }

    /// Nobody at the staff's door whom the operator let in.
    pub(super) fn not_known(by_key: bool) -> Self {
        let (message, hint) = match by_key {
            true => ("this key opens nothing", "Ask the operator for a new one: `aura staff edit NAME --key`."),
            false => ("nobody knows you here", "Ask the operator to let you in: `aura staff add NAME --user LOGIN`."),
        };
        Self::of(ErrorKind::Credentials, "not_staff", message).hint(hint)
    }

    /// Somebody who is known, and may not do that.
    pub(super) fn not_allowed(least: Least) -> Self {
        let whose = match least {
            Least::Role(role) => format!("it takes the role `{}`", role.as_str()),
            Least::AdminOfAll => "it takes an admin of all tenants".to_owned(),
            Least::Operator => "it is the operator's alone".to_owned(),
        };
        Self::of(ErrorKind::Policy, "role_too_low", format!("you may not do that: {whose}"))
            .hint("Ask whoever runs this Aura; `aura staff edit` changes what you may do.")
    }

    pub(super) fn not_tried_out() -> Self {
        Self::of(ErrorKind::Usage, "not_tried_out", "this cannot be tried out: it reaches beyond what could be undone")
            .hint("docs/commands.md says what takes `--dry-run`.")
    }

    pub(super) fn panicked() -> Self {
        Self::of(ErrorKind::Failed, "failed", "the request failed inside Aura")
            .hint("The log has the details under this request id.")
    }

    /// The body of this error, for an answer whose status has already gone out.
    pub(super) fn into_problem(self) -> Problem {
        let Self { code, message, hint, causes, .. } = self;
        Problem { code: code.into(), message, hint, request_id: None, causes }
    }
}

impl From<app::Error> for Error {
    fn from(error: app::Error) -> Self {
        let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let message = match &error {
            // Moments as people read them belong to this side of the edge.
            app::Error::Held { since, .. } => format!("{error} since {}", api::Time::from(*since)),
            error => error.to_string(),
        };
        Self {
            causes: causes.map(ToString::to_string).collect(),
            hint: error.hint(),
            ..Self::of(error.kind(), error.code(), message)
        }
    }
}

/// Carries the problem to the layer that knows the request's id.
#[derive(Clone)]
pub(super) struct Pending(pub(super) Arc<Problem>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.code == REHEARSED {
            let rehearsed = api::Rehearsed { dry_run: true, changes: true, what: String::new() };
            return ([(api::DRY_RUN, "undone")], Json(rehearsed)).into_response();
        }
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Pending(Arc::new(self.into_problem())));
        response
    }
}

/// An error body under a status.
pub(super) fn body(status: StatusCode, problem: Problem) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json(&api::ProblemBody { error: problem })).into_response()
}

fn json(body: &api::ProblemBody) -> String {
    serde_json::to_string(body).expect("a struct of strings is always JSON")
}
