//! The webhook parser against whole bodies: our own always, the public fixtures where they are at hand.

use std::{collections::BTreeMap, fs, path::Path};

use super::event::{Parsed, parse, parse_with};
use crate::domain::{
    Timestamp,
    inbound::{InboundEvent, InboundKind},
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/instagram");
const BATCH: &[u8] = include_bytes!("../../../testdata/instagram/batch.json");
const ESCAPED: &[u8] = include_bytes!("../../../testdata/instagram/escaped.json");
const RECEIVED: Timestamp = Timestamp(1_791_999_999_999);

/// One line per event: who, what, whether it wants an answer, and the detail that the fixture is about.
fn line(event: &InboundEvent) -> String {
    let shopper = event.shopper.as_ref().map_or("-", |shopper| shopper.0.as_str());
    let answer = if event.kind.answerable() { "answer" } else { "silent" };
    format!("{} {shopper} {} {answer}{}", event.account, event.kind.name(), detail(&event.kind))
}

fn detail(kind: &InboundKind) -> String {
    match kind {
        InboundKind::Message(message) | InboundKind::Standby(message) => {
            let mut parts = vec![message.text.clone().unwrap_or_default()];
            parts.extend(message.quick_reply.iter().map(|payload| format!("tap {payload}")));
            for attachment in &message.attachments {
                let extra = attachment.media_id.iter().chain(&attachment.retailer_ids).map(String::as_str);
                let words: Vec<&str> = std::iter::once(attachment.kind.as_str()).chain(extra).collect();
                parts.push(format!("[{}]", words.join(" ")));
            }
            parts.extend(message.reply_to_mid.is_some().then(|| "re message".to_owned()));
            parts.extend(
                message.reply_to_story.as_ref().map(|story| format!("re story {}", story.id.as_deref().unwrap_or("?"))),
            );
            if let Some(referral) = &message.referral {
                parts.extend(referral.ad_id.iter().map(|ad| format!("ad {ad}")));
                parts.extend(referral.product_id.iter().map(|product| format!("product {product}")));
            }
            parts.extend(message.unsupported.then(|| "hidden".to_owned()));
            format!(": {}", parts.join(" | "))
        }
        InboundKind::Postback { mid, title, payload, referral } => {
            let ad = referral.as_ref().and_then(|referral| referral.ad_id.clone());
            let mid = if mid.is_some() { "mid" } else { "no mid" };
            let ad = ad.map(|ad| format!(" | ad {ad}")).unwrap_or_default();
            format!(": {title} | {} | {mid}{ad}", payload.as_deref().unwrap_or_default())
        }
        InboundKind::Echo { text, app_id, attachments, .. } => {
            let kinds: Vec<&str> = attachments.iter().map(|attachment| attachment.kind.as_str()).collect();
            let text = text.as_deref().unwrap_or_default();
            format!(": {text} | app {} | {kinds:?}", app_id.as_deref().unwrap_or("-"))
        }
        InboundKind::Reaction { reaction, .. } => format!(": {}", reaction.as_deref().unwrap_or("taken back")),
        InboundKind::Edit { text, .. } => format!(": {text}"),
        InboundKind::Referral(referral) => format!(": {}", referral.reference.as_deref().unwrap_or_default()),
        InboundKind::ThreadControl { new_owner_app_id, action } => {
            format!(": {action} to {}", new_owner_app_id.as_deref().unwrap_or("-"))
        }
        InboundKind::Comment { comment_id, text, own, .. } => {
            format!(": {comment_id} {text}{}", if *own { " | own" } else { "" })
        }
        InboundKind::Change { field } | InboundKind::DashboardTest { field } => format!(": {field}"),
        InboundKind::Unknown { keys } => format!(": {keys}"),
        InboundKind::Malformed { reason } => format!(": {reason}"),
        InboundKind::Unsend { .. }
        | InboundKind::Read { .. }
        | InboundKind::IncompleteEdit { .. }
        | InboundKind::OptIn => String::new(),
    }
}

fn lines(parsed: &Parsed) -> Vec<String> {
    let unreadable = parsed.unreadable.iter().map(|reason| format!("unreadable: {reason}"));
    parsed.events.iter().map(line).chain(unreadable).collect()
}

#[test]
fn one_of_everything_is_read_for_what_it_is() {
    let lines = lines(&parse(BATCH, RECEIVED)).join("\n");
    let lines = lines.replace("17841400000000001", "A").replace("1000000000000001", "S");
    insta::assert_snapshot!(lines, @r#"
    A S message answer: Is the blue scarf still there?
    A S message answer:  | [image] | [image]
    A S message answer: Size M | tap SIZE:M
    A S message answer: price? | re story 17900000000000001
    A S message answer: this one | re message
    A S message answer:  | [post 17900000000000002]
    A S message answer:  | [template SC-BLUE]
    A S postback answer: Do you ship abroad? | IB_SHIPPING | no mid
    A S postback answer: Show me | AD | mid | ad 120200000000000001
    A S echo silent: Yes, it is. | app 2200000000000001 | []
    A S echo silent: no flag, but from the account | app - | []
    A S unsend silent
    A S message answer:  | hidden
    A S message answer:  | [ephemeral]
    A S message silent:  | [story_mention]
    A S reaction silent: ❤
    A S reaction silent: taken back
    A S read silent
    A S edit silent: the green one
    A - incomplete_edit silent
    A S referral silent: bio
    A S thread_control silent: pass_thread_control to 1217981644879628
    A S opt_in silent
    A S unknown silent: recipient,sender,something_new,timestamp
    A - malformed silent: an item that is no object
    A - malformed silent: a message that is no object
    A S standby silent: for the other app
    A S standby silent: Menu
    A S comment silent: c-1 Price?
    A - comment silent: c-2 Thanks | own
    A - change silent: mentions
    A S comment silent: c-3 flat
    0 - dashboard_test silent: messages
    "#);
}

#[test]
fn metas_own_spelling_is_decoded() {
    let text = "كم السعر؟ 👋 https://shop.example/p/1";
    let expected = format!("17841400000000001 1000000000000001 message answer: {text}");
    assert_eq!(lines(&parse(ESCAPED, RECEIVED)), [expected]);
}

#[test]
fn a_second_delivery_at_another_time_gives_the_same_keys() {
    let keys = |received| -> Vec<(String, &str, String)> {
        let events = parse(BATCH, received).events;
        events.into_iter().map(|event| (event.account.0.clone(), event.kind.name(), event.dedupe_key)).collect()
    };
    let first = keys(RECEIVED);
    assert_eq!(first, keys(Timestamp(5)));
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
}

#[test]
fn an_event_without_a_time_has_the_entry_s_and_else_the_receipt_s() {
    let at = |json: &str| parse(json.as_bytes(), RECEIVED).events[0].at;
    let item = r#""messaging":[{"sender":{"id":"2"},"recipient":{"id":"1"},"timestamp":"soon","message":{"mid":"m"}}]"#;
    assert_eq!(
        at(&format!(r#"{{"object":"instagram","entry":[{{"id":"1","time":1791000000,{item}}}]}}"#)).0,
        1_791_000_000_000
    );
    assert_eq!(at(&format!(r#"{{"object":"instagram","entry":[{{"id":"1",{item}}}]}}"#)), RECEIVED);
}

#[test]
fn where_ids_disagree_the_connected_account_wins() {
    let body = |flag: &str, sender: &str, recipient: &str| {
        format!(
            r#"{{"object":"instagram","entry":[{{"id":"page","messaging":[{{"sender":{{"id":"{sender}"}},
               "recipient":{{"id":"{recipient}"}},"timestamp":1791000000,"message":{{"mid":"m","text":"t"{flag}}}}}]}}]}}"#
        )
    };
    let read = |json: String, ours: &'static str| {
        let event = parse_with(json.as_bytes(), RECEIVED, &|id| id == ours).events.remove(0);
        (event.account.0, event.shopper.expect("it has a shopper").0, event.kind.name())
    };
    let owned = |account: &str, shopper: &str, name| (account.to_owned(), shopper.to_owned(), name);
    assert_eq!(read(body("", "2", "1"), "1"), owned("1", "2", "message"));
    assert_eq!(read(body("", "2", "1"), "page"), owned("page", "2", "message"));
    assert_eq!(read(body("", "1", "2"), "1"), owned("1", "2", "echo"));
    assert_eq!(read(body(r#","is_echo":true"#, "1", "2"), "1"), owned("1", "2", "echo"));
}

#[test]
fn what_the_account_itself_does_is_never_answered() {
    for part in [
        r#""message":{"mid":"m","text":"t"}"#,
        r#""postback":{"title":"t","payload":"p"}"#,
        r#""reaction":{"mid":"m"}"#,
        r#""message_edit":{"mid":"m","text":"t","num_edit":1}"#,
        r#""read":{"mid":"m"}"#,
        r#""referral":{"ref":"r"}"#,
    ] {
        let json = format!(
            r#"{{"object":"instagram","entry":[{{"id":"1","messaging":[{{"sender":{{"id":1}},"recipient":{{"id":"2"}},{part}}}]}}]}}"#
        );
        let event = parse(json.as_bytes(), RECEIVED).events.remove(0);
        assert!(matches!(event.kind, InboundKind::Echo { .. } | InboundKind::Unknown { .. }), "{part}");
    }
}

#[test]
fn a_message_without_an_id_is_kept_under_one_made_from_it() {
    let json = r#"{"object":"instagram","entry":[{"id":"1","messaging":[
        {"sender":{"id":"2"},"recipient":{"id":"1"},"timestamp":1791000000,"message":{"text":"a"}},
        {"sender":{"id":"2"},"recipient":{"id":"1"},"timestamp":1791000000,"message":{"text":"b"}}]}]}"#;
    let events = parse(json.as_bytes(), RECEIVED).events;
    assert!(events.iter().all(|event| event.kind.answerable()));
    assert_ne!(events[0].dedupe_key, events[1].dedupe_key);
}

#[test]
fn a_message_without_a_sender_or_an_account_is_malformed_not_guessed() {
    let no_sender = r#"{"object":"instagram","entry":[{"id":"1","messaging":[{"message":{"mid":"m","text":"a"}}]}]}"#;
    let no_account = r#"{"object":"instagram","entry":[{"messaging":[{"sender":{"id":"2"},"message":{"mid":"m"}}]}]}"#;
    for json in [no_sender, no_account] {
        let events = parse(json.as_bytes(), RECEIVED).events;
        assert!(matches!(events[0].kind, InboundKind::Malformed { .. }), "{json}");
    }
}

#[test]
fn bodies_that_are_no_envelope_are_unreadable_and_foreign_ones_ignored() {
    let unreadable = |json: &str| parse(json.as_bytes(), RECEIVED).unreadable.is_some();
    assert!(unreadable("") && unreadable("7") && unreadable("{}") && unreadable("[{}]"));
    assert!(unreadable(&"[".repeat(100_000)) && unreadable(&"{\"entry\":".repeat(100_000)));
    for foreign in [r#"{"object":"page","entry":[{"id":"1","messaging":[null]}]}"#, "[]"] {
        assert_eq!(parse(foreign.as_bytes(), RECEIVED), Parsed::default());
    }
}

#[test]
fn ten_thousand_mutations_never_panic() {
    let mut bodies = vec![BATCH.to_vec(), ESCAPED.to_vec()];
    if let Ok(folder) = fs::read_dir(FIXTURES) {
        bodies.extend(folder.flatten().filter_map(|file| fs::read(file.path()).ok()));
    }
    let mut random = Random(0x5eed);
    for _ in 0..10_000 {
        let mut body = bodies[random.below(bodies.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut body, &bodies, &mut random);
        }
        let parsed = parse(&body, RECEIVED);
        assert!(parsed.events.iter().all(|event| !event.dedupe_key.is_empty()));
    }
}

fn mutate(body: &mut Vec<u8>, bodies: &[Vec<u8>], random: &mut Random) {
    const SPICE: [&[u8]; 10] =
        [b"null", b"{}", b"[]", b"-1e999", b"\\ud800", b"\"\"", b"99999999999999999999", b"\xff", b"\\", b"true"];
    let at = random.below(body.len() + 1);
    let end = (at + random.below(40)).min(body.len());
    match random.below(4) {
        0 if at < body.len() => body[at] ^= 1 << random.below(8),
        1 => body.truncate(at),
        2 => drop(body.splice(at..end, SPICE[random.below(SPICE.len())].iter().copied())),
        _ => {
            let other = &bodies[random.below(bodies.len())];
            let from = random.below(other.len() + 1);
            let slice = &other[from..(from + random.below(200)).min(other.len())];
            drop(body.splice(at..end, slice.iter().copied()));
        }
    }
}

/// Xorshift: the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).expect("a test's limit is small"))
            .expect("it is below the limit")
    }
}

/// What the fixtures' README says of each file, in our words: `A` and the others stand for the ids it lists.
const TABLE: &[(&str, &[&str])] = &[
    ("bad-lone-surrogate.json", &["A C2 postback answer: Track my order\u{fffd} | IB_TRACK | mid"]),
    ("bad-numeric-ids-array.json", &["B D4 message answer: ids as numbers, seconds, top-level array"]),
    ("bad-page-object.json", &[]),
    ("bad-truncated-body.json", &["unreadable: the body ends too early"]),
    ("fl-comment-ad.json", &["B D1 comment silent: 17990011223344556 Gibt es die auch in Grün?"]),
    ("fl-echo-generic-template.json", &["B D3 echo silent:  | app OWN | [\"template\"]"]),
    ("fl-pass-thread-control.json", &["B D4 thread_control silent: pass_thread_control to 1217981644879628"]),
    ("fl-product-card.json", &["B D3 message answer: how much is shipping for this? | [template HC-MUG-BLUE-350]"]),
    ("fl-product-referral.json", &["B D2 message answer: Is this mug dishwasher safe? | product 4410099887766554"]),
    ("fl-standby-text.json", &["B D4 standby silent: thanks, waiting for Jonas"]),
    ("fl-text.json", &["B D1 message answer: Hallo, liefert ihr auch nach Österreich? Was kostet der Versand?"]),
    (
        "il-ad-click-message.json",
        &["A C4 message answer: Can I get more info on this? | ad 120219988776655440 | product 5566778899001122"],
    ),
    ("il-audio-voice.json", &["A C3 message answer:  | [audio]"]),
    ("il-comment-flat.json", &["A C2 comment silent: 18045566778899001 Price please?"]),
    ("il-dashboard-test-changes.json", &["0 - dashboard_test silent: messages"]),
    (
        "il-echo-human-instagram-app.json",
        &["A C1 echo silent: Hello dear, this is Layla from the shop, I will help you myself | app - | []"],
    ),
    (
        "il-echo-own-app.json",
        &["A C1 echo silent: Yes, size M in sand is in stock. Shall I reserve it? | app OWN | []"],
    ),
    ("il-ephemeral.json", &["A C3 message answer:  | [ephemeral]"]),
    ("il-ig-reel-permalink.json", &["A C1 message answer:  | [reel 17945575061465359]"]),
    ("il-images-multiple.json", &["A C1 message answer: do you have these two? | [image] | [image]"]),
    ("il-inline-reply.json", &["A C1 message answer: this one please | re message"]),
    ("il-message-edit-broken-no-sender.json", &["A - incomplete_edit silent"]),
    ("il-message-edit.json", &["A C2 edit silent: I meant size L, not M"]),
    (
        "il-postback-ad-referral.json",
        &["A C3 postback answer: Show me the dress | AD_OPEN | mid | ad 120214455667788990"],
    ),
    ("il-postback-ice-breaker-no-mid.json", &["A C2 postback answer: Do you ship abroad? | IB_SHIPPING | no mid"]),
    ("il-quick-reply.json", &["A C1 message answer: Size M | tap SIZE:M:NA-124"]),
    ("il-reaction-react.json", &["A C1 reaction silent: ❤️"]),
    ("il-reaction-unreact.json", &["A C1 reaction silent: taken back"]),
    ("il-referral-igme.json", &["A C4 referral silent: tiktok_bio"]),
    ("il-seen.json", &["A C1 read silent"]),
    ("il-share-ig-post.json", &["A C2 message answer:  | [post 17944733392292521]"]),
    ("il-share-transition-both.json", &["A C2 message answer:  | [post 17935249694309223]"]),
    ("il-story-mention.json", &["A C4 message silent:  | [story_mention]"]),
    ("il-story-reply.json", &["A C4 message answer: price? | re story 17969219123093973"]),
    (
        "il-text-unicode-raw.json",
        &["A C2 message answer: مرحبا 👋🏽 بكم عباية الكتان؟ رابط: https://noor.example/p/124?c=sand — café 50/50"],
    ),
    ("il-text.json", &["A C1 message answer: Hi! Is the linen abaya in sand still available in size M?"]),
    ("il-unsend.json", &["A C2 unsend silent"]),
    ("il-unsupported.json", &["A C3 message answer:  | hidden"]),
    (
        "mix-batch-two-accounts.json",
        &[
            "A C1 message answer: second message of C1",
            "A C1 message answer: first message of C1",
            "A C1 message answer: first message of C1",
            "A C1 read silent",
            "A2 E2 postback answer: Opening hours | MENU_HOURS | mid",
            "A2 E3 echo silent: automatic away message | app 1099556677889900 | []",
            "A2 - comment silent: 17988776655443322 Thank you! | own",
        ],
    ),
    (
        "mix-one-bad-item.json",
        &[
            "A - malformed silent: an item that is no object",
            "A C1 unknown silent: sender",
            "A - malformed silent: a message that is no object",
            "A C3 message answer: still here? | [unsupported] | [image] | [link]",
            "A C4 unknown silent: future_event,recipient,sender,timestamp",
        ],
    ),
];

/// The ids that the README names.
const NAMES: &[(&str, &str)] = &[
    ("17841460012345678", "A"),
    ("17841405998877665", "B"),
    ("17841477001122334", "A2"),
    ("2214408855901123", "OWN"),
    ("1650093384427719", "E2"),
    ("3391027745508862", "E3"),
    ("1284305829174402", "C1"),
    ("9073318842650117", "C2"),
    ("726644190385521", "C3"),
    ("5614879045271190", "C4"),
    ("2847561029384756", "D1"),
    ("7719302846510293", "D2"),
    ("883920174655102", "D3"),
    ("4402918837465520", "D4"),
];

#[test]
fn every_public_fixture_is_what_its_readme_says() {
    if !Path::new(FIXTURES).exists() {
        eprintln!("skipped: {FIXTURES} is not here");
        return;
    }
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let mut seen = 0;
    for file in fs::read_dir(FIXTURES).expect("the folder can be listed").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".json") {
            continue;
        }
        let expected = table.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no row in the table"));
        let body = fs::read(file.path()).expect("the fixture can be read");
        let named = lines(&parse(&body, RECEIVED))
            .into_iter()
            .map(|line| NAMES.iter().fold(line, |line, (id, name)| line.replace(id, name)));
        assert_eq!(named.collect::<Vec<_>>(), *expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, TABLE.len());
}

#[test]
fn the_fixture_with_numbers_keeps_ids_and_turns_seconds_into_milliseconds() {
    let Ok(body) = fs::read(format!("{FIXTURES}/bad-numeric-ids-array.json")) else {
        eprintln!("skipped: {FIXTURES} is not here");
        return;
    };
    let event = parse(&body, RECEIVED).events.remove(0);
    assert_eq!(event.account.0, "17841405998877665");
    assert_eq!(event.at, Timestamp(1_791_197_999_000));
}
