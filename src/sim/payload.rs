//! Webhook bodies as Meta writes them: pure builders, for the simulator and for `aura trigger`.
//!
//! A builder gives one messaging item; [`entry`] puts items of one account into an entry, [`body`] entries into the
//! bytes that are signed.

use serde_json::{Value, json};

use crate::{channel::instagram::signature, domain::Timestamp};

/// Which thread an item belongs to, and when it happened.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// The account's id (`17841…`).
    pub account: &'a str,
    /// The shopper's id, scoped to the account.
    pub shopper: &'a str,
    /// When it happened.
    pub at: Timestamp,
}

impl Of<'_> {
    fn by_shopper(&self, key: &str, value: Value) -> Value {
        json!({"sender": {"id": self.shopper}, "recipient": {"id": self.account}, "timestamp": self.at.0, key: value})
    }

    fn by_account(&self, key: &str, value: Value) -> Value {
        json!({"sender": {"id": self.account}, "recipient": {"id": self.shopper}, "timestamp": self.at.0, key: value})
    }

    fn media(&self, mid: &str, text: Option<&str>, attachments: Vec<Value>) -> Value {
        let mut message = json!({"mid": mid, "attachments": attachments});
        if let Some(text) = text {
            message["text"] = text.into();
        }
        self.by_shopper("message", message)
    }
}

/// The name and the value of the header that Meta would sign `body` with.
#[must_use]
pub fn signature(body: &[u8], app_secret: &str) -> (&'static str, String) {
    (signature::SIGNATURE_HEADER, signature::sign(body, app_secret.as_bytes()))
}

/// A text message.
#[must_use]
pub fn text(of: Of<'_>, mid: &str, text: &str) -> Value {
    of.by_shopper("message", json!({"mid": mid, "text": text}))
}

/// A reply to an earlier message.
#[must_use]
pub fn inline_reply(of: Of<'_>, mid: &str, text: &str, to_mid: &str) -> Value {
    of.by_shopper("message", json!({"mid": mid, "text": text, "reply_to": {"mid": to_mid, "is_self_reply": false}}))
}

/// A tap on a quick reply.
#[must_use]
pub fn quick_reply(of: Of<'_>, mid: &str, title: &str, payload: &str) -> Value {
    of.by_shopper("message", json!({"mid": mid, "text": title, "quick_reply": {"payload": payload}}))
}

/// A tap on an ice breaker (no `mid`), a menu item or a template's button.
#[must_use]
pub fn postback(of: Of<'_>, mid: Option<&str>, title: &str, payload: &str) -> Value {
    let mut postback = json!({"title": title, "payload": payload});
    if let Some(mid) = mid {
        postback["mid"] = mid.into();
    }
    of.by_shopper("postback", postback)
}

/// Pictures, with or without words.
#[must_use]
pub fn images(of: Of<'_>, mid: &str, text: Option<&str>, urls: &[&str]) -> Value {
    of.media(mid, text, urls.iter().map(|url| json!({"type": "image", "payload": {"url": url}})).collect())
}

/// A voice note.
#[must_use]
pub fn voice(of: Of<'_>, mid: &str, url: &str) -> Value {
    of.media(mid, None, vec![json!({"type": "audio", "payload": {"url": url}})])
}

/// A shared post.
#[must_use]
pub fn post_share(of: Of<'_>, mid: &str, media_id: &str, caption: &str, url: &str) -> Value {
    let payload = json!({"ig_post_media_id": media_id, "title": caption, "url": url});
    of.media(mid, None, vec![json!({"type": "ig_post", "payload": payload})])
}

/// A product card with words.
#[must_use]
pub fn product_card(of: Of<'_>, mid: &str, text: &str, retailer_id: &str, title: &str) -> Value {
    let element = json!({"id": "4400000000000001", "retailer_id": retailer_id, "title": title});
    let payload = json!({"product": {"elements": [element]}});
    of.media(mid, Some(text), vec![json!({"type": "template", "payload": payload})])
}

/// An answer to a story of the shop.
#[must_use]
pub fn story_reply(of: Of<'_>, mid: &str, text: &str, story_id: &str, url: &str) -> Value {
    let story = json!({"id": story_id, "url": url});
    of.by_shopper("message", json!({"mid": mid, "text": text, "reply_to": {"story": story}}))
}

/// A story that mentions the shop.
#[must_use]
pub fn story_mention(of: Of<'_>, mid: &str, url: &str) -> Value {
    of.media(mid, None, vec![json!({"type": "story_mention", "payload": {"url": url}})])
}

/// View-once media.
#[must_use]
pub fn ephemeral(of: Of<'_>, mid: &str) -> Value {
    of.media(mid, None, vec![json!({"type": "ephemeral"})])
}

/// A message that the channel will not show.
#[must_use]
pub fn unsupported(of: Of<'_>, mid: &str) -> Value {
    of.by_shopper("message", json!({"mid": mid, "is_unsupported": true}))
}

/// Something sent from the account's side: by the app of `app_id`, or without one by a person.
#[must_use]
pub fn echo(of: Of<'_>, mid: &str, text: &str, app_id: Option<&str>) -> Value {
    let mut message = json!({"mid": mid, "text": text, "is_echo": true});
    if let Some(app_id) = app_id {
        // A number on the wire, where it is one.
        message["app_id"] = app_id.parse::<u64>().map_or_else(|_| app_id.into(), Value::from);
    }
    of.by_account("message", message)
}

/// The shopper takes a message back.
#[must_use]
pub fn unsend(of: Of<'_>, mid: &str) -> Value {
    of.by_shopper("message", json!({"mid": mid, "is_deleted": true}))
}

/// The shopper has read up to a message.
#[must_use]
pub fn read(of: Of<'_>, mid: &str) -> Value {
    of.by_shopper("read", json!({"mid": mid}))
}

/// The shopper reacts to a message, or takes the reaction back.
#[must_use]
pub fn reaction(of: Of<'_>, mid: &str, emoji: Option<&str>) -> Value {
    let reaction = match emoji {
        Some(emoji) => json!({"mid": mid, "action": "react", "reaction": "other", "emoji": emoji}),
        None => json!({"mid": mid, "action": "unreact"}),
    };
    of.by_shopper("reaction", reaction)
}

/// The shopper changes a message, for the `count`-th time.
#[must_use]
pub fn edit(of: Of<'_>, mid: &str, text: &str, count: u32) -> Value {
    of.by_shopper("message_edit", json!({"mid": mid, "text": text, "num_edit": count.to_string()}))
}

/// The shopper opens the thread through a link.
#[must_use]
pub fn referral(of: Of<'_>, reference: &str) -> Value {
    of.by_shopper("referral", json!({"ref": reference, "source": "SHORTLINK", "type": "OPEN_THREAD"}))
}

/// Control of the thread goes to another app.
#[must_use]
pub fn pass_thread_control(of: Of<'_>, new_owner_app_id: &str) -> Value {
    of.by_shopper("pass_thread_control", json!({"new_owner_app_id": new_owner_app_id}))
}

/// The same item twice in one batch.
#[must_use]
pub fn duplicate(item: &Value) -> Vec<Value> {
    vec![item.clone(), item.clone()]
}

/// Messaging items of one account.
#[must_use]
pub fn entry(account: &str, at: Timestamp, items: Vec<Value>) -> Value {
    json!({"time": at.0, "id": account, "messaging": items})
}

/// Items of threads that another app owns.
#[must_use]
pub fn standby(account: &str, at: Timestamp, items: Vec<Value>) -> Value {
    json!({"time": at.0, "id": account, "standby": items})
}

/// A comment under the shop's post, as an entry of its own.
#[must_use]
pub fn comment(of: Of<'_>, comment_id: &str, username: &str, text: &str, media_id: &str) -> Value {
    let value = json!({"id": comment_id, "from": {"id": of.shopper, "username": username}, "text": text,
        "media": {"id": media_id, "media_product_type": "FEED"}});
    json!({"id": of.account, "time": of.at.0 / 1_000, "changes": [{"field": "comments", "value": value}]})
}

/// What the dashboard's test button sends.
#[must_use]
pub fn dashboard_test(at: Timestamp) -> Value {
    let value = json!({"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824",
        "message": {"mid": "random_mid", "text": "random_text"}});
    json!({"id": "0", "time": at.0 / 1_000, "changes": [{"field": "messages", "value": value}]})
}

/// The bytes of a webhook with these entries, in Meta's spelling: compact, `\uXXXX` for all that is not ASCII, `\/`.
#[must_use]
pub fn body(entries: &[Value]) -> Vec<u8> {
    let plain = json!({"object": "instagram", "entry": entries}).to_string();
    let mut escaped = String::with_capacity(plain.len() * 2);
    let mut units = [0_u16; 2];
    for character in plain.chars() {
        match character {
            '/' => escaped.push_str("\\/"),
            ascii if ascii.is_ascii() => escaped.push(ascii),
            other => escaped.extend(other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    escaped.into_bytes()
}

/// The bytes of a webhook with one item.
#[must_use]
pub fn single(of: Of<'_>, item: Value) -> Vec<u8> {
    body(&[entry(of.account, of.at, vec![item])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{channel::instagram::event, domain::inbound::InboundKind};

    const OF: Of<'_> =
        Of { account: "17841400000000001", shopper: "1000000000000001", at: Timestamp(1_791_000_000_000) };

    #[test]
    fn bodies_are_ascii_with_escaped_slashes_and_mean_the_same() {
        let bytes = single(OF, text(OF, "m", "مرحبا 👋 https://shop.example/p"));
        assert!(bytes.is_ascii());
        let shown = String::from_utf8(bytes.clone()).expect("it is ASCII");
        assert!(shown.contains("\\ud83d\\udc4b https:\\/\\/shop.example\\/p"));
        let parsed = event::parse(&bytes, OF.at);
        let InboundKind::Message(message) = &parsed.events[0].kind else { panic!("{parsed:?}") };
        assert_eq!(message.text.as_deref(), Some("مرحبا 👋 https://shop.example/p"));
    }

    #[test]
    fn every_builder_is_read_as_what_it_builds() {
        let items = [
            (text(OF, "m", "t"), "message"),
            (inline_reply(OF, "m", "t", "n"), "message"),
            (quick_reply(OF, "m", "t", "p"), "message"),
            (postback(OF, None, "t", "p"), "postback"),
            (images(OF, "m", None, &["u"]), "message"),
            (voice(OF, "m", "u"), "message"),
            (post_share(OF, "m", "1", "c", "u"), "message"),
            (product_card(OF, "m", "t", "SKU", "Mug"), "message"),
            (story_reply(OF, "m", "t", "1", "u"), "message"),
            (story_mention(OF, "m", "u"), "message"),
            (ephemeral(OF, "m"), "message"),
            (unsupported(OF, "m"), "message"),
            (echo(OF, "m", "t", Some("22")), "echo"),
            (unsend(OF, "m"), "unsend"),
            (read(OF, "m"), "read"),
            (reaction(OF, "m", Some("❤")), "reaction"),
            (reaction(OF, "m", None), "reaction"),
            (edit(OF, "m", "t", 1), "edit"),
            (referral(OF, "bio"), "referral"),
            (pass_thread_control(OF, "1"), "thread_control"),
        ];
        for (item, name) in items {
            let event = event::parse(&single(OF, item.clone()), OF.at).events.remove(0);
            assert_eq!((event.kind.name(), event.account.0.as_str()), (name, OF.account), "{item}");
            assert_eq!(event.shopper.map(|shopper| shopper.0).as_deref(), Some(OF.shopper), "{item}");
        }
        let entries = [
            comment(OF, "c", "ana", "t", "m"),
            dashboard_test(OF.at),
            standby(OF.account, OF.at, duplicate(&text(OF, "m", "t"))),
        ];
        let names: Vec<_> = event::parse(&body(&entries), OF.at).events.iter().map(|event| event.kind.name()).collect();
        assert_eq!(names, ["comment", "dashboard_test", "standby", "standby"]);
    }
}
