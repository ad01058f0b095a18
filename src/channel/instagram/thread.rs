//! Reading the Conversations API's answers. A message that it lists without details is left out: it cannot be read.

use serde_json::Value;

use super::json::{first_id, id, id_of, is_true, text, time};
use crate::{
    channel::{Thread, ThreadMessage},
    domain::{
        Timestamp,
        channel::ShopperId,
        inbound::{Attachment, AttachmentKind},
    },
};

/// The names we go by in a conversation's list of participants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) ids: Vec<String>,
    pub(super) username: Option<String>,
}

impl Names {
    fn hold(&self, participant: &Value) -> bool {
        let by_id = id_of(participant).is_some_and(|id| self.ids.contains(&id));
        let named = |own: &str| participant["username"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(own));
        by_id || self.username.as_deref().is_some_and(named)
    }
}

/// The elements of `{"data":[…]}`, or of a plain list.
pub(super) fn data(value: &Value) -> &[Value] {
    value["data"].as_array().or_else(|| value.as_array()).map_or(&[], Vec::as_slice)
}

/// The messages of a conversation, newest first; `None` where the answer holds none at all.
pub(super) fn messages(conversation: &Value, shopper: &ShopperId) -> Option<Vec<ThreadMessage>> {
    let listed = &conversation["messages"];
    if !listed.is_object() && !listed.is_array() {
        return None;
    }
    let mut messages: Vec<_> = data(listed).iter().filter_map(|message| self::message(message, shopper)).collect();
    messages.sort_by_key(|message| std::cmp::Reverse(message.created_at));
    Some(messages)
}

/// A conversation without its messages; `None` if it is not between `ours` and exactly one other person.
pub(super) fn thread(conversation: &Value, ours: &Names) -> Option<Thread> {
    let participants = data(&conversation["participants"]);
    let mut others = participants.iter().filter(|participant| !ours.hold(participant));
    let (Some(other), None) = (others.next(), others.next()) else { return None };
    if participants.len() < 2 {
        return None;
    }
    let shopper = ShopperId(id_of(other)?);
    Some(Thread {
        id: id_of(conversation)?,
        shopper_name: text(&other["username"]).or_else(|| text(&other["name"])),
        updated_at: time(&conversation["updated_time"]).unwrap_or_default(),
        messages: Vec::new(),
        shopper,
    })
}

fn message(value: &Value, shopper: &ShopperId) -> Option<ThreadMessage> {
    let from = id_of(&value["from"])?;
    let created_at: Timestamp = time(&value["created_time"])?;
    let text = text(&value["message"]);
    let attachments = attachments(value);
    Some(ThreadMessage {
        mid: id_of(value)?,
        from_shopper: from == shopper.0,
        from,
        unsupported: is_true(&value["is_unsupported"]) || (text.is_none() && attachments.is_empty()),
        text,
        created_at,
        attachments,
    })
}

fn attachments(message: &Value) -> Vec<Attachment> {
    let attachment = |kind, url: Option<String>, media_id, title| Attachment {
        kind,
        url,
        media_id,
        title,
        retailer_ids: Vec::new(),
    };
    let mut found = Vec::new();
    for value in data(&message["attachments"]) {
        let title = text(&value["name"]);
        let kinds = [("image_data", AttachmentKind::Image), ("video_data", AttachmentKind::Video)];
        found.push(match kinds.into_iter().find(|(key, _)| value[*key].is_object()) {
            Some((key, kind)) => attachment(kind, text(&value[key]["url"]), None, title),
            None => match text(&value["file_url"]) {
                Some(url) => attachment(AttachmentKind::File, Some(url), None, title),
                None => attachment(AttachmentKind::Unsupported, None, None, title),
            },
        });
    }
    for value in data(&message["shares"]) {
        let title = text(&value["name"]);
        found.push(attachment(AttachmentKind::Post, text(&value["link"]), first_id(value, &["id"]), title));
    }
    let mention = &message["story"]["mention"];
    if mention.is_object() {
        found.push(attachment(AttachmentKind::StoryMention, text(&mention["link"]), id(&mention["id"]), None));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shopper_is_the_participant_who_is_not_us_by_id_or_name() {
        let ours = Names { ids: vec!["1".into()], username: Some("Shop".into()) };
        let conversation = |people: Value| {
            json!({"id": "c", "updated_time": "2026-10-05T10:59:59+0000",
            "participants": {"data": people}})
        };
        let by_id = conversation(json!([{"id": 1}, {"id": "2", "username": "ana"}]));
        let by_name = conversation(json!([{"id": "9", "username": "shop"}, {"id": "2", "username": "ana"}]));
        for shape in [by_id, by_name] {
            let thread = thread(&shape, &ours).expect("it is a thread of two");
            assert_eq!((thread.shopper.0.as_str(), thread.shopper_name.as_deref()), ("2", Some("ana")));
        }
        for shape in [json!([{"id": "2"}, {"id": "3"}]), json!([{"id": "2"}]), json!([]), json!([{"id": "1"}])] {
            assert_eq!(thread(&conversation(shape), &ours), None);
        }
    }

    #[test]
    fn messages_without_details_are_left_out() {
        let conversation = json!({"messages": {"data": [
            {"id": "old"},
            {"id": "a", "created_time": "2026-10-05T10:00:00+0000", "from": {"id": "2"}, "message": "hi"},
            {"id": "b", "created_time": "2026-10-05T10:00:01+0000", "from": {"id": "1"}, "message": "",
             "attachments": {"data": [{"image_data": {"url": "u"}}]}},
        ]}});
        let found = messages(&conversation, &ShopperId("2".into())).expect("there is a list");
        let seen: Vec<_> = found.iter().map(|message| (message.mid.as_str(), message.from_shopper)).collect();
        assert_eq!(seen, [("b", false), ("a", true)]);
        assert_eq!(found[0].attachments[0].kind, AttachmentKind::Image);
        assert_eq!(messages(&json!({"id": "c"}), &ShopperId("2".into())), None);
    }
}
