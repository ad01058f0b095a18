//! The webhook endpoint: authenticate, store, acknowledge. What a delivery means is none of its business.

use std::time::{Duration, Instant};

use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    app::{App, Rejected},
    channel::instagram::signature,
    domain::{RequestId, TenantId, chain, tenant::TenantSlug},
    store::AppendError,
};

/// The most bytes of a delivery (Meta batches up to 1,000 updates; no limit is documented).
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a delivery may take to arrive (Meta gives up after 5 s).
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// When the sender should try again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Meta's handshake on the plain path: the installation's verify token.
pub(super) async fn verify(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    handshake(&app, None, query.as_deref()).await
}

/// The handshake on a tenant's path: that tenant's verify token.
pub(super) async fn verify_tenant(
    State(app): State<App>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match find(&app, &slug).await {
        Ok(Some(tenant)) => handshake(&app, Some(tenant), query.as_deref()).await,
        // A stranger learns nothing about which tenants there are.
        Ok(None) => StatusCode::FORBIDDEN.into_response(),
        Err(answer) => answer,
    }
}

/// Deliveries signed with the installation's secrets.
pub(super) async fn receive(
    State(app): State<App>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    timed(&app, accept(&app, None, request, &headers, body)).await
}

/// What [`receive`] does, all but the journal.
pub(super) async fn receive_unstored(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    let answer = async {
        match read(&headers, body).await {
            Ok((signed_by, body)) => answer(&app, app.authenticate(None, Some(signed_by), &body).await),
            Err(refusal) => refusal,
        }
    };
    timed(&app, answer).await
}

/// Deliveries signed with a tenant's own secret.
pub(super) async fn receive_tenant(
    State(app): State<App>,
    Extension(request): Extension<RequestId>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        match find(&app, &slug).await {
            Ok(Some(tenant)) => accept(&app, Some(tenant), request, &headers, body).await,
            Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
            Err(answer) => answer,
        }
    };
    timed(&app, answer).await
}

async fn timed(app: &App, answer: impl Future<Output = Response>) -> Response {
    let began = Instant::now();
    let answer = answer.await;
    app.metrics.webhook_duration.observe(began.elapsed().as_secs_f64());
    let result = match answer.status() {
        StatusCode::OK => "accepted",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_REQUEST => "incomplete",
        _ => "unavailable",
    };
    app.metrics.webhook_requests.with_label_values(&[result]).inc();
    answer
}

async fn accept(app: &App, scope: Option<TenantId>, request: RequestId, headers: &HeaderMap, body: Body) -> Response {
    match read(headers, body).await {
        Ok((signed_by, body)) => {
            let bytes = body.len();
            let outcome = app.accept(scope, request, Some(signed_by), body).await;
            if outcome.is_ok() {
                // Not at `info`: tens of thousands a second may come in, and the metrics count them. What becomes of
                // each is said once, by the turn and by the reply, with this id.
                tracing::debug!(request.id = %request, bytes, "delivery accepted");
            }
            answer(app, outcome)
        }
        Err(refusal) => refusal,
    }
}

/// The signature and the whole body. Without a signature nothing is read.
async fn read(headers: &HeaderMap, body: Body) -> Result<(&str, Bytes), Response> {
    // Meta sends one. With two, a proxy in front might have checked the other.
    let mut signatures = headers.get_all(signature::SIGNATURE_HEADER).iter();
    let (Some(signed_by), None) = (signatures.next(), signatures.next()) else {
        return Err(StatusCode::UNAUTHORIZED.into_response());
    };
    let Ok(signed_by) = signed_by.to_str() else { return Err(StatusCode::UNAUTHORIZED.into_response()) };
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Err(_) => Err(closing(StatusCode::REQUEST_TIMEOUT)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(closing(StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(_)) => Err(closing(StatusCode::BAD_REQUEST)),
        Ok(Ok(body)) => Ok((signed_by, body.to_bytes())),
    }
}

fn answer(app: &App, outcome: Result<(), Rejected>) -> Response {
    match outcome {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Rejected::BadSignature) => StatusCode::UNAUTHORIZED.into_response(),
        Err(Rejected::NoSecret) => {
            tracing::error!("a delivery was turned away: no app secret is set (`aura secret set meta.app_secret`)");
            StatusCode::UNAUTHORIZED.into_response()
        }
        // Counted, and logged once by the journal: a line for each would be a second flood.
        Err(Rejected::NotDurable(AppendError::Overloaded(reason))) => {
            app.metrics.shed.with_label_values(&[reason.as_str()]).inc();
            unavailable()
        }
        Err(Rejected::NotDurable(error @ AppendError::Store(_))) => {
            tracing::error!(error = %chain(&error), "a delivery could not be made durable");
            app.metrics.shed.with_label_values(&["not_durable"]).inc();
            unavailable()
        }
    }
}

async fn find(app: &App, slug: &str) -> Result<Option<TenantId>, Response> {
    let Ok(slug) = TenantSlug::parse(slug) else { return Ok(None) };
    match app.tenant_id(slug).await {
        Ok(id) => Ok(id),
        Err(error) => {
            tracing::error!(error = %chain(&error), "a delivery's tenant could not be looked up");
            Err(unavailable())
        }
    }
}

async fn handshake(app: &App, scope: Option<TenantId>, query: Option<&str>) -> Response {
    let token = match app.verify_token(scope).await {
        Ok(Some(token)) => token,
        Ok(None) => return StatusCode::FORBIDDEN.into_response(),
        Err(error) => {
            tracing::error!(error = %chain(&error), "the verify token could not be read");
            return unavailable();
        }
    };
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    match signature::verify_subscription(pairs, secrecy::ExposeSecret::expose_secret(&token)) {
        Ok(challenge) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response(),
        Err(error) => {
            tracing::warn!(%error, "a verification handshake was refused");
            StatusCode::FORBIDDEN.into_response()
        }
    }
}

fn unavailable() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER)]).into_response()
}

/// The rest of the body will not be read, so the connection cannot be used again.
fn closing(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))]).into_response()
}
