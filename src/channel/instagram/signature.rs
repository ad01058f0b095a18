//! Proof that a webhook comes from Meta: HMAC-SHA256 over the bytes as received, and the subscription handshake.
//!
//! Nothing here parses the body: Meta signs the escaped form, so the digest of anything decoded is another one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// What stands before the hex digits.
const PREFIX: &str = "sha256=";

/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Why a webhook is not believed. The sender is told none of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is no signature header.
    #[error("the webhook carries no signature")]
    Missing,
    /// The header is not `sha256=` and 64 hex digits.
    #[error("the webhook's signature is malformed")]
    Malformed,
    /// No secret of ours makes this signature.
    #[error("the webhook's signature fits none of the configured app secrets")]
    Mismatch,
}

/// Checks the value of [`SIGNATURE_HEADER`] against the raw body with every secret given (two app types, or an old and
/// a new secret, may be valid at once). Time does not depend on how much of a signature is right. An empty secret never
/// fits: anyone could sign with it.
pub fn verify(header: Option<&str>, body: &[u8], secrets: &[&[u8]]) -> Result<(), BadSignature> {
    let digits = header.ok_or(BadSignature::Missing)?.strip_prefix(PREFIX).ok_or(BadSignature::Malformed)?;
    let mut digest = [0_u8; DIGEST_BYTES];
    hex::decode_to_slice(digits, &mut digest).map_err(|_| BadSignature::Malformed)?;
    let fits = |secret: &&&[u8]| !secret.is_empty() && mac(secret, body).verify_slice(&digest).is_ok();
    secrets.iter().find(fits).map(|_| ()).ok_or(BadSignature::Mismatch)
}

/// The header value that Meta would send with `body`. For `aura trigger`, the simulator and tests.
#[must_use]
pub fn sign(body: &[u8], secret: &[u8]) -> String {
    format!("{PREFIX}{}", hex::encode(mac(secret, body).finalize().into_bytes()))
}

/// `appsecret_proof`: shows Graph that a token is used by the app it was made for.
#[must_use]
pub fn app_secret_proof(token: &str, app_secret: &str) -> String {
    hex::encode(mac(app_secret.as_bytes(), token.as_bytes()).finalize().into_bytes())
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

/// Why a subscription handshake is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    /// It is no subscription handshake, or it lacks the challenge.
    #[error("this is no webhook subscription")]
    NotSubscribe,
    /// The verify token is not ours.
    #[error("the verify token is wrong")]
    WrongToken,
}

/// Checks Meta's `GET` handshake and returns the challenge to answer with, unchanged, as plain text.
///
/// `query` holds the decoded pairs; both `hub.mode` and the `hub_mode` that some gateways make of it are taken. An
/// empty expected token refuses everyone.
pub fn verify_subscription<'a>(
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
    token: &str,
) -> Result<String, BadHandshake> {
    let (mut mode, mut given, mut challenge) = (None, None, None);
    for (key, value) in query {
        let slot = match key {
            "hub.mode" | "hub_mode" => &mut mode,
            "hub.verify_token" | "hub_verify_token" => &mut given,
            "hub.challenge" | "hub_challenge" => &mut challenge,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    let (Some("subscribe"), Some(challenge)) = (mode, challenge) else { return Err(BadHandshake::NotSubscribe) };
    let given = given.unwrap_or_default();
    // Hashed first, so that not even the length of our token shows in the time.
    let same = Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(token.as_bytes()));
    if token.is_empty() || !bool::from(same) {
        return Err(BadHandshake::WrongToken);
    }
    Ok(challenge.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"object":"instagram","entry":[]}"#;

    #[test]
    fn what_we_sign_we_accept_with_any_of_several_secrets() {
        let header = sign(BODY, b"new");
        assert_eq!(verify(Some(&header), BODY, &[b"old", b"new"]), Ok(()));
        assert_eq!(verify(Some(&header), BODY, &[b"old"]), Err(BadSignature::Mismatch));
        assert_eq!(verify(Some(&header), b"other bytes", &[b"new"]), Err(BadSignature::Mismatch));
    }

    #[test]
    fn the_digest_is_the_one_of_rfc_4231() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(b"what do ya want for nothing?", b"Jefe"), expected);
    }

    #[test]
    fn a_header_that_is_not_exactly_64_hex_digits_is_malformed() {
        let good = sign(BODY, b"secret");
        let check = |header: &str| verify(Some(header), BODY, &[b"secret"]);
        assert_eq!(verify(None, BODY, &[b"secret"]), Err(BadSignature::Missing));
        for bad in ["", "sha256=", "sha1=0123", &good[7..], &good[..70], &format!("{good}0"), &format!(" {good}")] {
            assert_eq!(check(bad), Err(BadSignature::Malformed), "{bad}");
        }
        let not_hex = format!("{PREFIX}{}", "g".repeat(64));
        assert_eq!(check(&not_hex), Err(BadSignature::Malformed));
        let not_ascii = format!("{PREFIX}{}", "é".repeat(32));
        assert_eq!(check(&not_ascii), Err(BadSignature::Malformed));
    }

    #[test]
    fn an_empty_secret_or_none_at_all_fits_nothing() {
        assert_eq!(verify(Some(&sign(BODY, b"")), BODY, &[b""]), Err(BadSignature::Mismatch));
        assert_eq!(verify(Some(&sign(BODY, b"")), BODY, &[]), Err(BadSignature::Mismatch));
    }

    #[test]
    fn the_public_vectors_hold_over_the_exact_bytes() {
        const KEY: &[u8] = b"fixture-app-secret";
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/instagram");
        let vectors = [
            ("il-text.json", "26b032da27b167d9f11dcd9919dc99c584fbce4952c1a1a4ac96c60dd19a04ca"),
            ("il-text-unicode-raw.json", "139d2b25e876f6fde304806cfcb2220dd36f0ed2a99b712a2d11f17b57ae9b25"),
            ("bad-truncated-body.json", "d01ac54f625e79ae6a0b4198b317ffab91dbbc0ed5abd02e99560be8ee2806a1"),
            ("bad-lone-surrogate.json", "7750243727a85c9e4cc0b46b342dd8ed4acc9fae9c54c9a6c150bab9dc6a686e"),
            ("mix-batch-two-accounts.json", "be3d06c661ba4153fa572324592fc3a03470a2131365f6257e126096a34bcb75"),
        ];
        for (name, digest) in vectors {
            let Ok(body) = std::fs::read(format!("{folder}/{name}")) else {
                eprintln!("skipped: {folder}/{name} is not here");
                return;
            };
            assert_eq!(verify(Some(&format!("{PREFIX}{digest}")), &body, &[KEY]), Ok(()), "{name}");
            if name == "il-text-unicode-raw.json" {
                let value: serde_json::Value = serde_json::from_slice(&body).expect("this fixture is JSON");
                let plain = serde_json::to_vec(&value).expect("a value can be written");
                assert_ne!(sign(&plain, KEY), format!("{PREFIX}{digest}"));
            }
        }
    }

    #[test]
    fn the_handshake_returns_the_challenge_unchanged() {
        let dotted = [("hub.mode", "subscribe"), ("hub.challenge", "0011 5"), ("hub.verify_token", "t")];
        assert_eq!(verify_subscription(dotted, "t"), Ok("0011 5".to_owned()));
        let underscored = [("hub_mode", "subscribe"), ("hub_challenge", "7"), ("hub_verify_token", "t")];
        assert_eq!(verify_subscription(underscored, "t"), Ok("7".to_owned()));
    }

    #[test]
    fn the_handshake_refuses_a_wrong_a_missing_and_an_empty_token() {
        let with = |given| [("hub.mode", "subscribe"), ("hub.challenge", "7"), ("hub.verify_token", given)];
        assert_eq!(verify_subscription(with("x"), "t"), Err(BadHandshake::WrongToken));
        assert_eq!(verify_subscription(with(""), ""), Err(BadHandshake::WrongToken));
        let none = [("hub.mode", "subscribe"), ("hub.challenge", "7")];
        assert_eq!(verify_subscription(none, "t"), Err(BadHandshake::WrongToken));
        assert_eq!(verify_subscription([("hub.mode", "unsubscribe")], "t"), Err(BadHandshake::NotSubscribe));
        assert_eq!(verify_subscription([], "t"), Err(BadHandshake::NotSubscribe));
    }
}
