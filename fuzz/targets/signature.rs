//! The signature header and the subscription handshake: only what we would have signed ourselves is believed.
#![no_main]

use arbitrary::Arbitrary;
use aura::channel::instagram::signature::{sign, verify, verify_subscription};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    header: Option<&'a str>,
    body: &'a [u8],
    secrets: Vec<&'a [u8]>,
    /// Which character of a good header is changed, and to what.
    at: usize,
    to: char,
    query: Vec<(&'a str, &'a str)>,
    token: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let Input { header, body, secrets, at, to, query, token } = input;
    let accepted = verify(header, body, &secrets).is_ok();
    let ours = secrets.iter().filter(|secret| !secret.is_empty()).map(|secret| sign(body, secret));
    let ours: Vec<String> = ours.collect();
    // Hex digits may be of either case; the prefix may not.
    let digits = |text: &str| text.strip_prefix("sha256=").map(str::to_ascii_lowercase);
    let expected =
        header.and_then(digits).is_some_and(|given| ours.iter().any(|own| digits(own) == Some(given.clone())));
    assert_eq!(accepted, expected);
    for own in &ours {
        assert!(verify(Some(own), body, &secrets).is_ok());
        let mut changed: Vec<char> = own.chars().collect();
        let at = at % changed.len();
        changed[at] = to;
        let changed: String = changed.into_iter().collect();
        let same = digits(&changed) == digits(own);
        assert_eq!(
            verify(Some(&changed), body, &secrets).is_ok(),
            same || ours.iter().any(|own| digits(own) == digits(&changed))
        );
        let mut longer = body.to_vec();
        longer.push(b' ');
        assert!(verify(Some(own), &longer, &secrets).is_err());
    }
    if let Ok(challenge) = verify_subscription(query.iter().copied(), token) {
        assert!(!token.is_empty());
        let given = query.iter().find(|(key, _)| matches!(*key, "hub.verify_token" | "hub_verify_token"));
        assert_eq!(given.map(|(_, value)| *value), Some(token));
        assert!(
            query.iter().any(|(key, value)| matches!(*key, "hub.challenge" | "hub_challenge") && *value == challenge)
        );
    }
});
