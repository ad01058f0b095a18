//! HTTP clients. Nothing else in Aura builds one.
//!
//! [`fixed_client`] is for hosts that the operator configured (Meta, a model provider, the simulator). [`Guarded`] is for
//! every address that somebody else named. Neither follows a redirect unseen, repeats a request by itself or asks the
//! environment for a proxy, so that one call is one attempt at the host it names.

mod body;
mod content;
mod error;
mod guarded;
mod limits;
mod quota;
mod range;
mod refusal;
mod resolver;
mod rules;

use std::time::Duration;

pub use content::Content;
pub use error::{Error, Wait};
pub use guarded::{Answer, Fetch, Fetched, Guarded};
pub use limits::{Limits, RATIO_FROM, RATIO_MAX};
pub use quota::{FETCHES_PARALLEL, FETCHES_PER_MINUTE};
pub use refusal::{Refusal, Rule};
pub use rules::{Allowed, InvalidAllowed, PORTS, Plain, Rules, Target, URL_BYTES_MAX};

/// How long a connection may take to stand: DNS, TCP and TLS together. A failure up to here is proof that nothing was
/// sent.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// How long one call may take from its start to its last byte, unless the request sets its own deadline.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// Idle connections are closed before the servers we know do it, which keeps resets on reused connections rare.
const IDLE_DEADLINE: Duration = Duration::from_secs(20);

/// What the clients here are, for whoever has to name one.
pub use reqwest::Client;

/// A client for hosts that the operator configured.
///
/// A total deadline of [`CALL_DEADLINE`] applies to each call; a request may set its own. Bodies come decompressed
/// (gzip only): whoever reads one caps its size while reading.
///
/// # Errors
/// When no HTTP client can be made.
pub fn fixed_client() -> Result<reqwest::Client, Error> {
    configured(CONNECT_DEADLINE, |builder| builder.timeout(CALL_DEADLINE))
}

/// The same, whose answers also bring the certificate of whoever gave them.
///
/// # Errors
/// When no HTTP client can be made.
pub fn certified_client() -> Result<reqwest::Client, Error> {
    configured(CONNECT_DEADLINE, |builder| builder.timeout(CALL_DEADLINE).tls_info(true))
}

/// A client for hosts that the operator configured and whose answers come over a long time: models.
///
/// A connection is given up after `connect`; nothing else has a limit, so whoever calls sets one for every wait.
///
/// # Errors
/// When no HTTP client can be made.
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
    limits(builder).build().map_err(Error::Client)
}

#[cfg(test)]
mod tests;
