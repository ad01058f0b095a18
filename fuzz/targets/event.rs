//! Instagram's items with the right keys and odd values in every place: ids as numbers, lists as objects, times as text.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use aura::{
    channel::instagram::event::{parse, parse_with},
    domain::{Timestamp, inbound::InboundKind},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

const RECEIVED: Timestamp = Timestamp(1_790_000_000_000);
const DEPTH_MAX: u32 = 5;
const KEYS: &[&str] = &[
    "action",
    "ad_id",
    "ads_context_data",
    "app_id",
    "app_roles",
    "asset_id",
    "attachments",
    "comment_id",
    "elements",
    "emoji",
    "field",
    "from",
    "generic",
    "id",
    "ig_post_media_id",
    "is_deleted",
    "is_echo",
    "is_self",
    "is_unsupported",
    "media",
    "message",
    "message_edit",
    "mid",
    "new_owner_app_id",
    "num_edit",
    "optin",
    "parent_id",
    "pass_thread_control",
    "payload",
    "postback",
    "product",
    "product_id",
    "quick_reply",
    "reaction",
    "read",
    "recipient",
    "ref",
    "referral",
    "reply_to",
    "request_thread_control",
    "retailer_id",
    "sender",
    "source",
    "sticker_id",
    "story",
    "take_thread_control",
    "text",
    "timestamp",
    "title",
    "type",
    "url",
    "value",
];
const IDS: &[&str] = &["17841400000000001", "17841400000000002", "9000000000000001", "0", "23245", "12334", "", " 7 "];
const WORDS: &[&str] = &[
    "image",
    "share",
    "ig_post",
    "ig_reel",
    "story_mention",
    "fallback",
    "template",
    "ephemeral",
    "audio",
    "react",
    "unreact",
    "comments",
    "live_comments",
    "messages",
    "messaging_handover",
    "standby",
    "mid.1",
    "https://cdn.example/?asset_id=17&x=1",
    "2026-10-05T10:59:59+0000",
    "1790000000",
    "\u{202e}abc",
    "👋🏽",
    " ",
];

/// A value with keys and words that the parser looks for.
#[derive(Debug)]
struct Odd(Value);

impl<'a> Arbitrary<'a> for Odd {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        value(u, DEPTH_MAX).map(Self)
    }
}

fn value(u: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 7 } else { 12 })? {
        0 => Value::Null,
        1 => u.arbitrary::<bool>()?.into(),
        2 => u.arbitrary::<i64>()?.into(),
        3 => u.arbitrary::<u64>()?.into(),
        4 => json!({"id": *u.choose(IDS)?}),
        5 => (*u.choose(IDS)?).into(),
        6 => (*u.choose(WORDS)?).into(),
        7 => u.arbitrary::<&str>()?.into(),
        8 => Value::Array((0..u.int_in_range(0..=3)?).map(|_| value(u, depth - 1)).collect::<Result<_>>()?),
        _ => {
            let mut members = Map::new();
            for _ in 0..u.int_in_range(0..=5)? {
                members.insert((*u.choose(KEYS)?).to_owned(), value(u, depth - 1)?);
            }
            Value::Object(members)
        }
    })
}

#[derive(Debug, Arbitrary)]
enum Place {
    Messaging,
    Standby,
    Changes,
    Entry,
}

fuzz_target!(|input: (Place, Vec<Odd>, u8)| {
    let (place, items, connected) = input;
    let items: Vec<Value> = items.into_iter().map(|odd| odd.0).collect();
    let is_connected = |id: &str| IDS.iter().position(|known| *known == id).is_some_and(|at| connected >> at & 1 == 1);
    let entry = |items: &[Value]| match place {
        Place::Messaging => json!({"id": IDS[0], "messaging": items}),
        Place::Standby => json!({"id": IDS[0], "standby": items}),
        Place::Changes => json!({"id": IDS[0], "changes": items}),
        Place::Entry => {
            let mut entry = items.first().cloned().unwrap_or_default();
            if let Some(members) = entry.as_object_mut() {
                members.entry("id").or_insert_with(|| IDS[1].into());
            }
            entry
        }
    };
    let read = |items: &[Value]| {
        let body = json!({"object": "instagram", "entry": [entry(items)]}).to_string();
        parse_with(body.as_bytes(), RECEIVED, &is_connected)
    };
    let all = read(&items);
    assert_eq!(all.unreadable, None, "the envelope is in order");
    if !matches!(place, Place::Entry) {
        assert_eq!(all.events.len(), items.len(), "one event per item");
        let each: Vec<_> = items.iter().flat_map(|item| read(std::slice::from_ref(item)).events).collect();
        assert_eq!(all.events, each, "an item's neighbours change nothing");
    }
    for event in &all.events {
        assert!(!event.dedupe_key.is_empty());
        assert!(event.at.0 > 0);
        // What is answered has somebody to answer, and somebody to be.
        if event.kind.answerable() {
            assert!(event.shopper.is_some() && !event.account.0.is_empty(), "{event:?}");
            assert_ne!(event.shopper.as_ref().map(|shopper| shopper.0.as_str()), Some(event.account.0.as_str()));
        }
        if let InboundKind::Message(message) | InboundKind::Standby(message) = &event.kind {
            assert!(!message.mid.is_empty());
        }
    }
    let bare = json!({"object": "instagram", "entry": [entry(&items)]}).to_string();
    assert_eq!(parse(bare.as_bytes(), RECEIVED), parse_with(bare.as_bytes(), RECEIVED, &|_| false));
});
