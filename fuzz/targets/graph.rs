//! What the Graph API answers: status, headers and body. A 5xx proves nothing, a message is sent only where it has an id,
//! and none of Meta's own words come through.
#![no_main]

use arbitrary::Arbitrary;
use aura::{
    channel::{ReadError, instagram::graph::interpret},
    domain::{channel::AccountId, outbox::SendOutcome},
};
use libfuzzer_sys::fuzz_target;

/// The longest wait that an answer can impose: a day.
const WAIT_MS_MAX: i64 = 24 * 3_600_000;
/// Status, code, the table's words, a trace of 64 characters.
const REASON_BYTES_MAX: usize = 256;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    status: u16,
    usage: Option<&'a str>,
    retry_after: Option<&'a str>,
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let status = 200 + input.status % 400;
    let headers = [("x-business-use-case-usage", input.usage), ("retry-after", input.retry_after)];
    let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let Some(found) = interpret(status, &headers, input.body, &AccountId("17841400000000001".into())) else { return };
    let (reason, wait) = match &found.sent {
        SendOutcome::Sent { mid } => {
            assert!((200..300).contains(&status) && !mid.trim().is_empty());
            ("", None)
        }
        SendOutcome::NotSent { reason, retry_after_ms } => (reason.as_str(), *retry_after_ms),
        SendOutcome::Ambiguous { reason } | SendOutcome::Refused { reason, .. } => (reason.as_str(), None),
    };
    check(reason, wait);
    if status >= 500 {
        assert!(matches!(found.sent, SendOutcome::Ambiguous { .. }));
    }
    match &found.read {
        Ok(()) => assert!((200..300).contains(&status)),
        Err(ReadError::Limited { reason, retry_after_ms }) => check(reason, *retry_after_ms),
        Err(ReadError::Unreachable { reason } | ReadError::Refused { reason, .. }) => check(reason, None),
        Err(ReadError::Unreadable { .. } | ReadError::NoThread | ReadError::Unsupported) => {}
    }
    assert!(found.read.is_ok() || found.threads.is_empty());
    assert!(found.threads.len() <= input.body.len());
    for thread in found.threads {
        assert!(!thread.id.is_empty() && !thread.shopper.0.is_empty() && thread.shopper.0 != "17841400000000001");
        assert!(thread.messages.is_sorted_by(|one, next| one.created_at >= next.created_at), "newest first");
        for message in thread.messages {
            assert_eq!(message.from_shopper, message.from == thread.shopper.0);
            let mid = message.mid.clone();
            assert_eq!(
                message.into_event(AccountId("17841400000000001".into()), thread.shopper.clone()).dedupe_key,
                mid
            );
        }
    }
});

fn check(reason: &str, wait_ms: Option<i64>) {
    assert!(reason.len() <= REASON_BYTES_MAX && !reason.chars().any(char::is_control), "{reason:?}");
    assert!(wait_ms.is_none_or(|ms| (0..=WAIT_MS_MAX).contains(&ms)), "{wait_ms:?}");
}
