//! HTTP clients. Nothing else in Aura builds one.
//!
//! For now there is one kind: for fixed hosts that the operator configured (Meta, a model provider, the simulator). It
//! never follows a redirect, never repeats a request by itself and never asks the environment for a proxy, so that one
//! call is one attempt at the host it names.

use std::time::Duration;

/// How long a connection may take to stand: DNS, TCP and TLS together. A failure up to here is proof that nothing was
/// sent.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// How long one call may take from its start to its last byte, unless the request sets its own deadline.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// Idle connections are closed before the servers we know do it, which keeps resets on reused connections rare.
const IDLE_DEADLINE: Duration = Duration::from_secs(20);

/// An HTTP client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("could not set up the HTTP client")]
pub struct Error(#[source] reqwest::Error);

/// A client for hosts that the operator configured.
///
/// A total deadline of [`CALL_DEADLINE`] applies to each call; a request may set its own. Bodies come decompressed
/// (gzip only): whoever reads one caps its size while reading.
pub fn fixed_client() -> Result<reqwest::Client, Error> {
    configured(CONNECT_DEADLINE, |builder| builder.timeout(CALL_DEADLINE))
}

/// A client for hosts that the operator configured and whose answers come over a long time: models.
///
/// A connection is given up after `connect`; nothing else has a limit, so whoever calls sets one for every wait.
pub fn streaming_client(connect: Duration) -> Result<reqwest::Client, Error> {
    configured(connect, |builder| builder)
}

fn configured(
    connect: Duration,
    limits: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, Error> {
    // `main` has done this already; tests and tools that skip `main` get the same provider.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Refused only if another thread was faster with the same provider.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    #[expect(clippy::disallowed_methods, reason = "this is where clients are made")]
    let builder = reqwest::Client::builder()
        .user_agent(concat!("aura/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE_DEADLINE);
    limits(builder).build().map_err(Error)
}

#[cfg(test)]
mod tests {
    use std::{future::IntoFuture, time::Duration};

    use axum::{Router, http::StatusCode, routing::get};

    use super::*;

    #[tokio::test]
    async fn a_redirect_is_handed_back_not_followed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let away = || async { (StatusCode::FOUND, [("location", "/elsewhere")]) };
        let server = tokio::spawn(axum::serve(listener, Router::new().route("/", get(away))).into_future());
        let client = fixed_client().expect("the client can be built");
        let answer = client.get(format!("http://{address}/")).send().await.expect("the server answers");
        assert_eq!(answer.status(), 302);
        server.abort();
    }

    #[tokio::test]
    async fn a_refused_connection_is_known_to_have_sent_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        drop(listener);
        let client = fixed_client().expect("the client can be built");
        let error = client.get(format!("http://{address}/")).send().await.expect_err("nobody listens");
        assert!(error.is_connect());
    }

    #[tokio::test]
    async fn a_silent_host_is_given_up_at_the_request_s_own_deadline() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let client = fixed_client().expect("the client can be built");
        let call = client.get(format!("http://{address}/")).timeout(Duration::from_millis(30)).send();
        let error = call.await.expect_err("nobody answers");
        assert!(error.is_timeout() && !error.is_connect());
    }
}
