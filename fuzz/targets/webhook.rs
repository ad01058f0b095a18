//! The bytes of a webhook. Whatever arrives: no panic, output in proportion, the same events for the same JSON however
//! it is written, and a good message beside the bad one is never lost.
#![no_main]

use aura::{
    channel::instagram::event::{Parsed, parse},
    domain::{Timestamp, inbound::InboundKind},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const RECEIVED: Timestamp = Timestamp(1_790_000_000_000);

fuzz_target!(|raw: &[u8]| {
    let parsed = parse(raw, RECEIVED);
    bounded(&parsed, raw.len());
    let Ok(mut body) = serde_json::from_slice::<Value>(raw) else { return };
    if holds_inexact_number(&body) {
        return;
    }
    let again = serde_json::to_vec(&body).expect("JSON can be written");
    assert_eq!(parse(&again, RECEIVED), parsed, "the same JSON, written another way");
    let Some(entries) = body.get_mut("entry").and_then(Value::as_array_mut) else { return };
    entries.push(good_entry());
    let with_good = parse(&serde_json::to_vec(&body).expect("JSON can be written"), RECEIVED);
    let before = with_good.events.len().checked_sub(1);
    if before == Some(parsed.events.len()) {
        assert_eq!(with_good.events[..parsed.events.len()], parsed.events[..], "a further entry changes no other");
        assert!(
            matches!(&with_good.events[parsed.events.len()].kind, InboundKind::Message(good) if good.mid == "good")
        );
    } else {
        assert!(
            with_good.events.is_empty(),
            "the good message is lost, and it is not that nothing here is Instagram's"
        );
        assert_ne!(body["object"], "instagram");
    }
});

/// An event per item, and no more text than came in (but for the replacement of invalid bytes, keys and hashes).
fn bounded(parsed: &Parsed, bytes: usize) {
    assert!(parsed.events.len() <= bytes, "{} events of {bytes} bytes", parsed.events.len());
    for event in &parsed.events {
        assert!(event.dedupe_key.len() <= 3 * bytes + 160);
        assert!(!event.dedupe_key.is_empty());
        assert!(event.at.0 > 0);
        if let InboundKind::Unknown { keys } = &event.kind {
            assert!(keys.len() <= 8 * 41 && keys.is_ascii());
        }
    }
}

fn good_entry() -> Value {
    json!({"id": "17841400000000001", "time": 1_790_000_000_000_i64, "messaging": [{
        "sender": {"id": "9000000000000001"}, "recipient": {"id": "17841400000000001"},
        "timestamp": 1_790_000_000_000_i64, "message": {"mid": "good", "text": "Is the coat there?"}}]})
}

/// Written again, a fraction may come out as its neighbour.
fn holds_inexact_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(holds_inexact_number),
        Value::Object(members) => members.values().any(holds_inexact_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
