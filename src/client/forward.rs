//! Handing events on to a developer's own server, signed. One call is one attempt: whoever asks decides what follows.
//!
//! The address is the operator's own choice, so it may be on this very machine; no redirect is followed.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    api::{Event, Time},
    domain::chain,
    net,
};

/// The header with the signature: `t=SECONDS,v1=HEX`, HMAC-SHA256 with the secret over `SECONDS.BODY`.
pub const SIGNATURE: &str = "aura-signature";
/// Random bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;
/// The fewest characters of a secret.
const SECRET_CHARS_MIN: usize = 16;

/// Why nothing can be handed on.
#[derive(Debug, thiserror::Error)]
pub enum NoForward {
    /// The address cannot be called.
    #[error("`{0}` is not an http or https address")]
    Address(String),
    /// The secret would be guessed.
    #[error("the secret has fewer than {SECRET_CHARS_MIN} characters")]
    Short,
    /// The system has no random numbers, or no client can be made.
    #[error("nothing can be sent")]
    Unable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why an event did not arrive.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotForwarded(String);

/// Signs events. Wiped when dropped, never printed by `Debug`.
#[derive(Clone)]
pub struct ForwardSecret(Zeroizing<String>);

impl std::fmt::Debug for ForwardSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForwardSecret(***)")
    }
}

impl ForwardSecret {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate() -> Result<Self, NoForward> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(bytes.as_mut()).map_err(|error| NoForward::Unable(error.into()))?;
        Ok(Self(Zeroizing::new(format!("whsec_{}", hex::encode(*bytes)))))
    }

    /// One that both sides know already: its characters are the key.
    ///
    /// # Errors
    /// When it is too short.
    pub fn parse(text: &str) -> Result<Self, NoForward> {
        match text.trim() {
            short if short.chars().count() < SECRET_CHARS_MIN => Err(NoForward::Short),
            text => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }

    /// As the receiver needs it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.0
    }

    /// The value of [`SIGNATURE`].
    #[must_use]
    pub fn sign(&self, at: Time, body: &[u8]) -> String {
        let seconds = at.0.div_euclid(1_000);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
    }
}

/// Hands events on to one address.
#[derive(Clone, Debug)]
pub struct Forwarder {
    http: net::Client,
    url: Url,
    secret: ForwardSecret,
}

impl Forwarder {
    /// To this address, signed with this secret.
    ///
    /// # Errors
    /// When it is no address, or no HTTP client can be made.
    pub fn new(url: &str, secret: ForwardSecret) -> Result<Self, NoForward> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = parsed.ok_or_else(|| NoForward::Address(url.to_owned()))?;
        let http = net::fixed_client().map_err(|error| NoForward::Unable(error.into()))?;
        Ok(Self { http, url, secret })
    }

    /// Sends one event, once; the status that it was answered with.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn forward(&self, event: &Event, at: Time) -> Result<u16, NotForwarded> {
        let body = serde_json::to_vec(event).map_err(|error| NotForwarded(error.to_string()))?;
        let signature = self.secret.sign(at, &body);
        let request = self.http.post(self.url.clone()).header("content-type", "application/json");
        let answer = request.header(SIGNATURE, signature).body(body).send().await;
        // The address is the developer's own and stands above already.
        answer.map(|answer| answer.status().as_u16()).map_err(|error| NotForwarded(chain(&error.without_url())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_the_moment_and_the_bytes() {
        let secret = ForwardSecret::parse("whsec_0123456789").expect("long enough");
        // Made with another tool: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_0123456789
        let signed = secret.sign(Time(1_700_000_000_999), b"{}");
        assert_eq!(signed, "t=1700000000,v1=e8ec69c6219f3a491b21a99b08933bae2fd13c0876e0b79372e8be8ddb850a4a");
        assert_ne!(secret.sign(Time(1_700_000_001_000), b"{}"), signed);
        assert!(ForwardSecret::parse("short").is_err());
        let fresh = ForwardSecret::generate().expect("random numbers");
        assert!(fresh.written().len() > 60 && format!("{fresh:?}") == "ForwardSecret(***)");
    }

    #[test]
    fn only_web_addresses_are_called() {
        let to = |url: &str| Forwarder::new(url, ForwardSecret::parse("0123456789abcdef").expect("long enough"));
        assert!(to("http://127.0.0.1:3000/hook").is_ok());
        for wrong in ["127.0.0.1:3000", "ftp://a/b", "file:///etc/passwd", ""] {
            assert!(to(wrong).is_err(), "{wrong}");
        }
    }
}
