//! The parts of one messaging item: message, attachments, referral. Every key may be missing or of another type.

use serde_json::Value;

use super::json::{first_id, id, id_of, is_true, text};
use crate::domain::inbound::{Attachment, AttachmentKind, InboundMessage, Referral, StoryRef};

/// What the shopper sent. `item` is the messaging item around it, where a referral may stand too.
pub(super) fn message(item: &Value, mid: String) -> InboundMessage {
    let message = &item["message"];
    let story = &message["reply_to"]["story"];
    let text = text(&message["text"]);
    let quick_reply = self::text(&message["quick_reply"]["payload"]);
    let attachments = attachments(&message["attachments"]);
    // A message that shows nothing at all is one that the channel hides, whether it says so or not.
    let hidden = text.is_none() && quick_reply.is_none() && attachments.is_empty();
    InboundMessage {
        mid,
        text,
        quick_reply,
        attachments,
        reply_to_mid: id(&message["reply_to"]["mid"]),
        reply_to_story: story.is_object().then(|| StoryRef { id: id_of(story), url: self::text(&story["url"]) }),
        referral: referral(item, message),
        unsupported: hidden || is_true(&message["is_unsupported"]),
    }
}

/// Where the shopper came from: inside the payload (message or postback), or beside it.
pub(super) fn referral(item: &Value, payload: &Value) -> Option<Referral> {
    let found = [&payload["referral"], &item["referral"]].into_iter().find(|referral| referral.is_object())?;
    let context = &found["ads_context_data"];
    Some(Referral {
        reference: text(&found["ref"]),
        source: text(&found["source"]),
        ad_id: id(&found["ad_id"]),
        product_id: id_of(&found["product"]).or_else(|| id(&context["product_id"])),
    })
}

/// What is attached: a list, or the single object that some samples show.
pub(super) fn attachments(value: &Value) -> Vec<Attachment> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    };
    let mut found: Vec<Attachment> = Vec::with_capacity(items.len());
    for attachment in items.iter().filter(|item| item.is_object()).map(attachment) {
        // In the change from `share` to `ig_post` one shared post arrives as both.
        match found.iter_mut().find(|earlier| is_same_post(earlier, &attachment)) {
            Some(earlier) => complete(earlier, attachment),
            None => found.push(attachment),
        }
    }
    found
}

fn attachment(value: &Value) -> Attachment {
    let kind = kind(value["type"].as_str().unwrap_or_default());
    // Usually an object; absent, null or (from Messenger) plain text, which is an address or nothing to us.
    let payload = &value["payload"];
    let address = || text(payload).filter(|text| text.starts_with("https://") || text.starts_with("http://"));
    let elements = ["product", "generic"].into_iter().find_map(|form| payload[form]["elements"].as_array());
    let elements = elements.map_or(&[][..], Vec::as_slice);
    Attachment {
        kind,
        url: text(&payload["url"])
            .or_else(|| text(&payload["story_media_url"]))
            .or_else(|| text(&value["url"]))
            .or_else(address),
        media_id: first_id(payload, &["ig_post_media_id", "reel_video_id", "story_media_id", "sticker_id", "id"]),
        title: text(&payload["title"])
            .or_else(|| text(&value["title"]))
            .or_else(|| elements.iter().find_map(|element| text(&element["title"]))),
        retailer_ids: elements.iter().filter_map(|element| id(&element["retailer_id"])).collect(),
    }
}

fn kind(word: &str) -> AttachmentKind {
    match word {
        "image" => AttachmentKind::Image,
        "video" => AttachmentKind::Video,
        "audio" => AttachmentKind::Audio,
        "file" => AttachmentKind::File,
        "ig_post" | "share" => AttachmentKind::Post,
        "ig_reel" | "reel" => AttachmentKind::Reel,
        "story_mention" => AttachmentKind::StoryMention,
        "story" | "ig_story" | "media" => AttachmentKind::Story,
        "template" => AttachmentKind::Template,
        "ephemeral" => AttachmentKind::Ephemeral,
        "sticker" => AttachmentKind::Sticker,
        "fallback" => AttachmentKind::Link,
        _ => AttachmentKind::Unsupported,
    }
}

fn is_same_post(one: &Attachment, other: &Attachment) -> bool {
    one.kind == AttachmentKind::Post
        && other.kind == AttachmentKind::Post
        && match (post_id(one), post_id(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one.url.is_some() && one.url == other.url,
        }
}

/// The shared post's id; on a CDN link without one, its `asset_id` is the same number.
fn post_id(attachment: &Attachment) -> Option<&str> {
    attachment.media_id.as_deref().or_else(|| {
        let (_, query) = attachment.url.as_deref()?.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("asset_id="))
    })
}

fn complete(earlier: &mut Attachment, later: Attachment) {
    earlier.media_id = earlier.media_id.take().or(later.media_id);
    earlier.title = earlier.title.take().or(later.title);
    earlier.url = earlier.url.take().or(later.url);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_referral_is_found_beside_the_message_too() {
        let item = json!({"message": {"text": "hi"}, "referral": {"ref": "bio", "source": "SHORTLINK"}});
        let found = message(&item, "m".into()).referral.expect("there is one");
        assert_eq!(found.reference.as_deref(), Some("bio"));
    }

    #[test]
    fn a_share_without_media_id_is_matched_by_its_cdn_link() {
        let both = json!([
            {"type": "share", "payload": {"url": "https://cdn.example/?asset_id=17&signature=a"}},
            {"type": "ig_post", "payload": {"ig_post_media_id": 17, "title": "Set"}},
            {"type": "ig_post", "payload": {"ig_post_media_id": "18"}},
        ]);
        let found = attachments(&both);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].media_id.as_deref(), found[0].title.as_deref()), (Some("17"), Some("Set")));
    }

    #[test]
    fn a_payload_may_be_anything() {
        let odd = json!([
            {"type": "image"}, {"type": "image", "payload": null}, {"type": "image", "payload": "https://x.example/a"},
            {"type": 7, "payload": [1]}, "text", null,
        ]);
        let found = attachments(&odd);
        assert_eq!(found.len(), 4);
        assert_eq!(found[2].url.as_deref(), Some("https://x.example/a"));
        assert_eq!(found[3].kind, AttachmentKind::Unsupported);
        assert_eq!(attachments(&json!({"type": "audio", "payload": {"url": "u"}})).len(), 1);
        assert!(attachments(&json!("text")).is_empty());
    }

    #[test]
    fn a_message_that_shows_nothing_is_one_the_channel_hides() {
        assert!(message(&json!({"message": {}}), "m".into()).unsupported);
        assert!(!message(&json!({"message": {"text": "a"}}), "m".into()).unsupported);
    }
}
