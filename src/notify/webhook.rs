//! The webhook: JSON, signed as "Standard Webhooks" (<https://www.standardwebhooks.com>) has it, so that receivers find a
//! library that checks it in their language.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use url::Url;
use zeroize::Zeroizing;

use super::{Message, post};
use crate::{
    domain::{NotificationId, Timestamp, notify::NotifyOutcome},
    net::Guarded,
};

/// The notification's id: the same at every attempt.
pub const HEADER_ID: &str = "webhook-id";
/// When this attempt was made, Unix seconds.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// `v1,` and the signature in base64.
pub const HEADER_SIGNATURE: &str = "webhook-signature";

/// What a written key begins with.
const KEY_PREFIX: &str = "whsec_";
/// Bytes of a key that we make.
const KEY_BYTES: usize = 32;
/// Fewest and most bytes of a key that is given to us.
const KEY_BYTES_GIVEN: std::ops::RangeInclusive<usize> = 24..=64;

/// Signs what a webhook gets. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// Text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is `whsec_` and the base64 of 24 to 64 random bytes")]
pub struct InvalidKey;

impl SigningKey {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new(vec![0; KEY_BYTES]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let encoded = text.trim().strip_prefix(KEY_PREFIX).ok_or(InvalidKey)?;
        let bytes = Zeroizing::new(BASE64.decode(encoded).map_err(|_| InvalidKey)?);
        if KEY_BYTES_GIVEN.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(InvalidKey) }
    }

    /// `whsec_…`, to be shown once.
    #[must_use]
    pub fn written(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{KEY_PREFIX}{}", BASE64.encode(self.0.as_slice())))
    }

    /// The signature of a body that goes out at a moment under an id.
    #[must_use]
    pub fn sign(&self, id: NotificationId, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

pub(super) async fn send(
    client: &Guarded,
    url: &Url,
    key: &SigningKey,
    message: &Message,
    now: Timestamp,
) -> NotifyOutcome {
    let (body, seconds) = (message.json.clone().into_bytes(), now.0.div_euclid(1_000));
    let text = |text: String| HeaderValue::try_from(text).expect("ids and base64 are plain ASCII");
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static(HEADER_ID), text(message.id.to_string())),
        (HeaderName::from_static(HEADER_TIMESTAMP), seconds.into()),
        (HeaderName::from_static(HEADER_SIGNATURE), text(key.sign(message.id, seconds, &body))),
    ]);
    post(client, url, headers, body).await
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_survives_writing_and_reading_and_does_not_print() {
        let key = SigningKey::generate().expect("random numbers");
        let written = key.written();
        assert_eq!(SigningKey::parse(&written).expect("a key").written(), written);
        assert_ne!(SigningKey::generate().expect("random numbers").written(), written);
        assert_eq!(format!("{key:?}"), "SigningKey(***)");
        for bad in ["", "whsec_", "secret", "whsec_c2hvcnQ=", "whsec_!!!!", &written[6..]] {
            assert!(SigningKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // Computed with another implementation: `printf '%s' ID.SECONDS.BODY | openssl dgst -sha256 -mac HMAC …`.
        let key = SigningKey::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("a key");
        let id = NotificationId(Uuid::from_u128(7));
        assert_eq!(key.sign(id, 1_795_253_405, b"{\"a\":1}"), EXPECTED);
    }

    const EXPECTED: &str = "v1,RoI0ux70LaYkRGz04V8bDI/30rAnS+Ptq8MSiunN0Bk=";
}
