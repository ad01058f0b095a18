//! The edge as a whole: every route of the table, and what all answers have in common. What use cases do is theirs.

use std::{
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    body::Body as HttpBody,
    http::{Method, Request, StatusCode, header},
    response::Response,
    routing::get,
};
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// No test here reaches a use case: an installation without tenants will do.
async fn app() -> (tempfile::TempDir, App) {
    crate::app::testing::app().await
}

fn request(method: Method, path: &str) -> Request<HttpBody> {
    let request = Request::builder().method(method).uri(path).body(HttpBody::empty());
    request.expect("a request")
}

async fn body(response: Response) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn concrete(path: &str) -> String {
    path.replace("{slug}", "noor").replace("{id}", "nonsense").replace("{key}", "k").replace("{name}", "n")
}

#[test]
fn the_table_lists_every_route() {
    let lines: Vec<_> = ROUTES
        .iter()
        .map(|route| {
            let scope = if route.tenant_scoped { "tenant" } else { "all" };
            let body = format!("{:?}", route.body);
            format!("{:6} {scope:6} {body:6} {}", route.method.as_str(), route.path)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_route_is_scoped_to_a_tenant_exactly_when_its_path_names_one() {
    for route in ROUTES {
        assert_eq!(route.tenant_scoped, route.path.starts_with("/api/v1/tenants/{slug}"), "{}", route.path);
    }
}

#[tokio::test]
async fn without_a_caller_every_route_refuses() {
    let (_folder, app) = app().await;
    let router = router(app, Arc::new(Counter::default()));
    for route in ROUTES {
        let response = router.clone().oneshot(request(route.method.clone(), &concrete(route.path))).await;
        let response = response.expect("infallible");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
        let body = body(response).await;
        assert!(body.contains("\"credentials_missing\""), "{}: {body}", route.path);
    }
}

#[tokio::test]
async fn a_slug_that_is_none_is_refused_by_every_tenant_route_before_any_use_case() {
    let (_folder, app) = app().await;
    let router = operator_router(app, Arc::new(Counter::default()));
    for route in ROUTES.iter().filter(|route| route.tenant_scoped) {
        let path = concrete(route.path).replace("noor", "..%2Fetc");
        let response = router.clone().oneshot(request(route.method.clone(), &path)).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{} {}", route.method, route.path);
        assert!(body(response).await.contains("is not a tenant slug"), "{}", route.path);
    }
}

#[tokio::test]
async fn errors_have_one_shape_and_every_answer_an_id() {
    let (_folder, app) = app().await;
    let noor = crate::app::tenants::NewTenant {
        slug: crate::domain::tenant::TenantSlug::parse("noor").expect("a slug"),
        name: "Noor".into(),
        currency: crate::domain::Currency::EUR,
        language: crate::domain::Language::En,
        website: None,
        mode: crate::domain::reach::Mode::Live,
    };
    app.tenant_add(&Caller::Operator, noor, crate::domain::persona::Persona::default()).await.expect("added");
    let router = operator_router(app, Arc::new(Counter::default()));
    let mut seen = Vec::new();
    let too_large = HttpBody::from(vec![b' '; BODY_BYTES_MAX + 1]);
    let json = |path: &str, body: HttpBody| {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body);
        request.expect("a request")
    };
    for request in [
        request(Method::GET, "/api/v1/version"),
        request(Method::GET, "/nowhere"),
        request(Method::PATCH, "/api/v1/tenants"),
        request(Method::POST, "/api/v1/tenants"),
        json("/api/v1/tenants", HttpBody::from("{")),
        json("/api/v1/tenants", HttpBody::from(r#"{"slug":"noor","name":"N","colour":1}"#)),
        json("/api/v1/tenants", too_large),
        request(Method::GET, "/api/v1/tenants/noor/conversations/nonsense"),
        request(Method::GET, "/api/v1/events?kinds=reply.sent,sneeze"),
        request(Method::GET, "/api/v1/tenants/noor/conversations?limit=0"),
    ] {
        let asked = format!("{} {}", request.method(), request.uri());
        let response = router.clone().oneshot(request).await.expect("infallible");
        let id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let (status, allow) = (response.status(), response.headers().get(header::ALLOW).cloned());
        let body = body(response).await;
        let id = id.expect("every answer has an id");
        assert!(status.is_success() || body.contains(&id), "{asked}: {body}");
        assert_eq!(allow.is_some(), status == StatusCode::METHOD_NOT_ALLOWED, "{asked}");
        let body: String = body.replace(&id, "req_…").chars().take(160).collect();
        seen.push(format!("{asked}\n  {} {body}", status.as_u16()));
    }
    insta::assert_snapshot!(seen.join("\n"));
}

#[tokio::test]
async fn a_panic_is_an_answer_like_any_other() {
    let router = Router::new()
        .route("/", get(async || -> StatusCode { panic!("on purpose") }))
        .layer(CatchPanicLayer::custom(|_panic| Error::panicked().into_response()))
        .layer(middleware::from_fn_with_state(Arc::new(Counter::default()) as Arc<dyn Ids>, request_id::attach));
    let response = router.oneshot(request(Method::GET, "/")).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = body(response).await;
    assert!(body.contains("\"request_id\":\"req_") && !body.contains("on purpose"), "{body}");
}

#[tokio::test]
async fn the_socket_is_the_owners_alone_replaces_a_dead_one_and_goes_with_the_daemon() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("aura.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket that nobody will listen on"));
    let dead = std::fs::metadata(&path).map(|file| std::os::unix::fs::MetadataExt::ino(&file)).expect("it is there");

    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let socket = Socket::bind(&path).expect("a socket");
        serve_socket(Router::new(), socket, stop.clone())
    });
    let alive = std::fs::metadata(&path).map(|file| std::os::unix::fs::MetadataExt::ino(&file)).expect("it is there");
    assert_ne!(alive, dead);
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    stop.cancel();
    serving.await.expect("it ended well");
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_no_socket_is_never_replaced() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("aura.sock");
    std::fs::write(&path, "precious").expect("written");
    let error = Socket::bind(&path).expect_err("it is a file");
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "precious");
}

#[tokio::test]
async fn a_stream_without_end_ends_when_the_daemon_stops() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("aura.sock");
    let router = Router::new().route(
        "/",
        get(async |axum::Extension(stopping): axum::Extension<Stopping>| {
            use futures_util::{StreamExt, stream};
            let first = stream::iter([Ok::<_, std::io::Error>("first\n")]);
            HttpBody::from_stream(first.chain(stream::pending()).take_until(async move { stopping.wait().await }))
        }),
    );
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        let socket = Socket::bind(&path).expect("a socket");
        serve_socket(router, socket, stop)
    });
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(&path).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: aura\r\n\r\n").await.expect("sent");
    let mut seen = Vec::new();
    while !seen.ends_with(b"first\n\r\n") {
        assert_ne!(stream.read_buf(&mut seen).await.expect("read"), 0, "it ended early");
    }
    stop.cancel();
    stream.read_to_end(&mut seen).await.expect("the stream ends properly");
    assert!(seen.ends_with(b"0\r\n\r\n"));
    serving.await.expect("it ended well");
}
