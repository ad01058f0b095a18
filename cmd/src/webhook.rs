//! Instagram webhook bodies as Meta sends them, unsigned: the daemon signs. Shapes are those of Instagram Login.

use aura::api::Time;
use serde_json::{Value, json};

/// What kind of event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A message
    #[value(name = "dm.text")]
    DmText,
    /// A message in three parts, quickly after each other
    #[value(name = "dm.burst")]
    DmBurst,
    /// A tapped quick reply
    #[value(name = "quick_reply")]
    QuickReply,
    /// A tapped button or ice breaker
    #[value(name = "postback")]
    Postback,
    /// An answer that a person gave in the Instagram app
    #[value(name = "echo.human")]
    EchoHuman,
    /// The shopper has read our messages
    #[value(name = "read")]
    Read,
    /// A message that is then taken back
    #[value(name = "unsend")]
    Unsend,
    /// The same message, delivered twice
    #[value(name = "duplicate")]
    Duplicate,
}

impl Kind {
    /// The word on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Who writes what to whom, and when.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The shop's account.
    pub account: &'a str,
    /// The shopper's id.
    pub shopper: &'a str,
    /// The words; each kind has its own when left out.
    pub text: Option<&'a str>,
    /// The moment.
    pub now: Time,
}

/// The bodies of one event, in the order in which they are sent.
pub fn bodies(kind: Kind, scene: &Scene<'_>) -> Vec<Vec<u8>> {
    let message =
        |part: i64, text: &str| scene.by_shopper(part, json!({ "message": { "mid": scene.mid(part), "text": text } }));
    let values = match kind {
        Kind::DmText => vec![message(0, scene.text_or("Hi! What would you recommend?"))],
        Kind::DmBurst => {
            let parts = thirds(scene.text_or("Hi! I am looking for a present. Something up to 50 EUR, please"));
            (0..).zip(&parts).map(|(part, text)| message(part, text)).collect()
        }
        Kind::QuickReply => {
            let text = scene.text_or("Size M");
            let tapped = json!({ "mid": scene.mid(0), "text": text, "quick_reply": { "payload": text } });
            vec![scene.by_shopper(0, json!({ "message": tapped }))]
        }
        Kind::Postback => {
            let title = scene.text_or("Do you ship abroad?");
            let tapped = json!({ "mid": scene.mid(0), "title": title, "payload": title });
            vec![scene.by_shopper(0, json!({ "postback": tapped }))]
        }
        Kind::EchoHuman => {
            let text = scene.text_or("Hello, this is the shop: I will help you myself");
            let echo = json!({ "mid": scene.mid(0), "text": text, "is_echo": true });
            vec![scene.event(scene.account, scene.shopper, 0, json!({ "message": echo }))]
        }
        Kind::Read => vec![scene.by_shopper(0, json!({ "read": { "mid": scene.mid(0) } }))],
        Kind::Unsend => {
            let taken_back = json!({ "message": { "mid": scene.mid(0), "is_deleted": true } });
            vec![message(0, scene.text_or("Sorry, wrong shop")), scene.by_shopper(1, taken_back)]
        }
        Kind::Duplicate => {
            let once = message(0, scene.text_or("Hi! What would you recommend?"));
            vec![once.clone(), once]
        }
    };
    values.into_iter().map(|value| value.to_string().into_bytes()).collect()
}

impl Scene<'_> {
    fn text_or<'t>(&'t self, own: &'t str) -> &'t str {
        self.text.unwrap_or(own)
    }

    /// Unlike any mid of Instagram, and unlike that of any other moment.
    fn mid(&self, part: i64) -> String {
        format!("aura_trigger_{}_{}_{part}", self.shopper, self.now.0)
    }

    fn by_shopper(&self, part: i64, event: Value) -> Value {
        self.event(self.shopper, self.account, part, event)
    }

    /// Parts of one event are a second apart, as quick typing is.
    fn event(&self, from: &str, to: &str, part: i64, mut event: Value) -> Value {
        let at = self.now.0 + part * 1_000;
        event["sender"] = json!({ "id": from });
        event["recipient"] = json!({ "id": to });
        event["timestamp"] = at.into();
        json!({ "object": "instagram", "entry": [{ "id": self.account, "time": at, "messaging": [event] }] })
    }
}

/// The text in three parts of about the same number of words; fewer when it has fewer words.
fn thirds(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split_whitespace().collect();
    words.chunks(words.len().div_ceil(3).max(1)).map(|part| part.join(" ")).collect()
}

/// An id for a made-up shopper: the same name is always the same shopper. FNV-1a, shortened to 16 digits as IGSIDs
/// have; never a shopper of Instagram's, whose ids do not start with 9999.
pub fn shopper_id(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("9999{:012}", hash % 1_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(kind: Kind, text: Option<&str>) -> Vec<Value> {
        let scene = Scene { account: "178414", shopper: "99991", text, now: Time(1_000) };
        let read = |body: Vec<u8>| serde_json::from_slice(&body).expect("a JSON body");
        bodies(kind, &scene).into_iter().map(read).collect()
    }

    #[test]
    fn a_message_has_the_shape_of_metas() {
        insta::assert_snapshot!(sent(Kind::DmText, Some("hi"))[0].to_string(), @r#"{"entry":[{"id":"178414","messaging":[{"message":{"mid":"aura_trigger_99991_1000_0","text":"hi"},"recipient":{"id":"178414"},"sender":{"id":"99991"},"timestamp":1000}],"time":1000}],"object":"instagram"}"#);
    }

    #[test]
    fn a_burst_is_several_messages_with_ids_of_their_own() {
        let parts = sent(Kind::DmBurst, Some("one two three four five"));
        let text = |value: &Value| value["entry"][0]["messaging"][0]["message"]["text"].as_str().map(str::to_owned);
        let texts: Vec<_> = parts.iter().filter_map(text).collect();
        assert_eq!(texts, ["one two", "three four", "five"]);
    }

    #[test]
    fn a_duplicate_is_the_same_body_twice_and_an_unsend_names_its_message() {
        let twice = sent(Kind::Duplicate, None);
        assert_eq!(twice[0], twice[1]);
        let pair = sent(Kind::Unsend, None);
        let mid = |value: &Value| value["entry"][0]["messaging"][0]["message"]["mid"].clone();
        assert_eq!(mid(&pair[0]), mid(&pair[1]));
    }

    #[test]
    fn an_echo_goes_from_the_shop_to_the_shopper() {
        let echo = &sent(Kind::EchoHuman, None)[0]["entry"][0]["messaging"][0];
        assert_eq!((&echo["sender"]["id"], &echo["recipient"]["id"]), (&"178414".into(), &"99991".into()));
    }

    #[test]
    fn a_name_is_always_the_same_shopper() {
        assert_eq!(shopper_id("ana"), shopper_id("ana"));
        assert_ne!(shopper_id("ana"), shopper_id("bea"));
        assert_eq!(shopper_id("ana").len(), 16);
    }
}
