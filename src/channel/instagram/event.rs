//! From the bytes of a webhook to domain events: tolerant, item by item, so that one bad item never loses a batch.
//!
//! The rules are Meta's and those that implementers found out; the login model is never asked for, only the arrays that
//! are present. Nothing here panics on any input, knows a tenant, or decides what is answered.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    json::{self, first_id, id, id_of, integer, is_true, text, time},
    message,
};
use crate::domain::{
    Timestamp,
    channel::{AccountId, ShopperId},
    inbound::{InboundEvent, InboundKind, InboundMessage},
};

/// Ids that Meta's "Test" button uses; real ones have 15 digits and more.
const TEST_ACCOUNTS: [&str; 2] = ["0", "23245"];
const TEST_SENDER: &str = "12334";

/// Keys that report a change of the thread's owner.
const CONTROL_KEYS: [&str; 4] = ["pass_thread_control", "take_thread_control", "request_thread_control", "app_roles"];

/// How many key names of an unknown item are kept, and how long each may be.
const UNKNOWN_KEYS_MAX: usize = 8;
const UNKNOWN_KEY_BYTES_MAX: usize = 40;

/// What a webhook's body holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Every event, in the body's order, repeats included.
    pub events: Vec<InboundEvent>,
    /// Why the body, or an envelope in it, could not be read; none of its text.
    pub unreadable: Option<&'static str>,
}

/// Reads a body. `received_at` stands in where an event has no time of its own.
#[must_use]
pub fn parse(raw: &[u8], received_at: Timestamp) -> Parsed {
    parse_with(raw, received_at, &|_| false)
}

/// Like [`parse`], for a caller who knows the connected accounts: where the ids of an entry and of its items disagree,
/// the connected one is the account.
#[must_use]
pub fn parse_with(raw: &[u8], received_at: Timestamp, connected: &dyn Fn(&str) -> bool) -> Parsed {
    let body = match json::parse(raw) {
        Ok(body) => body,
        Err(reason) => return Parsed { events: Vec::new(), unreadable: Some(reason) },
    };
    let mut parsed = Parsed::default();
    let envelopes = match &body {
        Value::Array(envelopes) => envelopes.as_slice(),
        envelope => std::slice::from_ref(envelope),
    };
    for envelope in envelopes {
        // Absent in no capture we know, so its absence is no reason to lose a message.
        let ours = envelope["object"].as_str().is_none_or(|object| object == "instagram");
        match envelope["entry"].as_array() {
            _ if !ours => {}
            Some(entries) => {
                for value in entries {
                    Entry::new(value, received_at, connected).read(&mut parsed.events);
                }
            }
            None => parsed.unreadable = Some("the body has no list of entries"),
        }
    }
    parsed
}

/// One entry: what happened to one account.
struct Entry<'a> {
    value: &'a Value,
    id: Option<String>,
    time: Option<Timestamp>,
    received_at: Timestamp,
    connected: &'a dyn Fn(&str) -> bool,
}

/// Who is who in one item.
struct Who {
    account: Option<String>,
    shopper: Option<String>,
    /// It comes from the account's side.
    own: bool,
    /// It carries the ids of the dashboard's test button.
    test: bool,
}

impl<'a> Entry<'a> {
    fn new(value: &'a Value, received_at: Timestamp, connected: &'a dyn Fn(&str) -> bool) -> Self {
        Self { value, id: id_of(value), time: time(&value["time"]), received_at, connected }
    }

    fn read(&self, events: &mut Vec<InboundEvent>) {
        let Some(entry) = self.value.as_object() else {
            return events.push(self.malformed(self.value, "an entry that is no object"));
        };
        let before = events.len();
        for (key, standby) in [("messaging", false), ("standby", true)] {
            match entry.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Array(items)) => events.extend(items.iter().map(|item| self.item(item, standby))),
                Some(_) => events.push(self.malformed(self.value, "an entry whose items are no list")),
            }
        }
        match entry.get("changes") {
            None | Some(Value::Null) => {}
            Some(Value::Array(changes)) => events.extend(changes.iter().map(|change| self.change(change))),
            Some(_) => events.push(self.malformed(self.value, "an entry whose changes are no list")),
        }
        if entry.contains_key("field") {
            events.push(self.change(self.value));
        }
        let familiar = ["messaging", "standby", "changes", "changed_fields"].iter().any(|key| entry.contains_key(*key));
        if events.len() == before && !familiar {
            events.push(self.unknown(self.value, &self.who(&Value::Null)));
        }
    }

    /// One item of `messaging` or `standby`. The order of the tests is part of the format.
    fn item(&self, item: &Value, standby: bool) -> InboundEvent {
        if !item.is_object() {
            return self.malformed(item, "an item that is no object");
        }
        let who = self.who(item);
        let has = |key: &str| !item[key].is_null();
        if who.test {
            let keys = ["message", "postback", "reaction", "message_edit", "read", "referral", "optin"];
            let field = keys.into_iter().find(|key| has(key)).unwrap_or("messaging");
            return self.test(item, field);
        }
        if has("message") {
            self.message(item, who, standby)
        } else if has("postback") {
            self.postback(item, who, standby)
        } else if has("reaction") {
            self.reaction(item, who)
        } else if has("message_edit") {
            self.edit(item, who)
        } else if has("read") {
            self.read_receipt(item, who)
        } else if let Some(action) = CONTROL_KEYS.into_iter().find(|key| has(key)) {
            self.thread_control(item, who, action)
        } else if who.own {
            self.unknown(item, &who)
        } else if let Some(referral) = message::referral(item, &Value::Null) {
            self.event(item, &who, moment_key(item, "referral"), InboundKind::Referral(referral))
        } else if has("optin") {
            self.event(item, &who, moment_key(item, "optin"), InboundKind::OptIn)
        } else {
            self.unknown(item, &who)
        }
    }

    fn message(&self, item: &Value, who: Who, standby: bool) -> InboundEvent {
        let message = &item["message"];
        if !message.is_object() {
            return self.malformed(item, "a message that is no object");
        }
        let mid = id(&message["mid"]);
        if is_true(&message["is_deleted"]) {
            return match mid {
                Some(mid) => self.event(item, &who, format!("{mid}:deleted"), InboundKind::Unsend { mid }),
                None => self.malformed(item, "an unsend without a message id"),
            };
        }
        if is_true(&message["is_self"]) {
            return self.test(item, "message");
        }
        // Never seen without one, but a DM must not be lost for that.
        let mid = mid.unwrap_or_else(|| moment_key(item, &message.to_string()));
        if who.own {
            let kind = InboundKind::Echo {
                mid: mid.clone(),
                text: text(&message["text"]),
                app_id: id(&message["app_id"]),
                attachments: message::attachments(&message["attachments"]),
            };
            return self.event(item, &who, mid, kind);
        }
        if who.shopper.is_none() {
            return self.malformed(item, "a message without a sender");
        }
        let message = message::message(item, mid.clone());
        let kind = if standby { InboundKind::Standby(message) } else { InboundKind::Message(message) };
        self.event(item, &who, mid, kind)
    }

    fn postback(&self, item: &Value, who: Who, standby: bool) -> InboundEvent {
        let postback = &item["postback"];
        if !postback.is_object() {
            return self.malformed(item, "a postback that is no object");
        }
        if who.own {
            return self.unknown(item, &who);
        }
        if who.shopper.is_none() {
            return self.malformed(item, "a postback without a sender");
        }
        let mid = id(&postback["mid"]);
        let payload = id(&postback["payload"]);
        let key = mid.clone().unwrap_or_else(|| moment_key(item, payload.as_deref().unwrap_or_default()));
        let title = text(&postback["title"]);
        let referral = message::referral(item, postback);
        let kind = if standby {
            let mid = key.clone();
            let message = InboundMessage { mid, text: title, quick_reply: payload, referral, ..Default::default() };
            InboundKind::Standby(message)
        } else {
            InboundKind::Postback { mid, title: title.unwrap_or_default(), payload, referral }
        };
        self.event(item, &who, key, kind)
    }

    fn reaction(&self, item: &Value, who: Who) -> InboundEvent {
        let reaction = &item["reaction"];
        let Some(mid) = id(&reaction["mid"]) else { return self.malformed(item, "a reaction to no message") };
        if who.own {
            return self.unknown(item, &who);
        }
        let action = reaction["action"].as_str().unwrap_or("react");
        let emoji = text(&reaction["emoji"]).or_else(|| text(&reaction["reaction"]));
        let key = hash(&[&mid, &moment_key(item, action), emoji.as_deref().unwrap_or_default()]);
        let reaction = (action != "unreact").then(|| emoji.unwrap_or_else(|| "other".to_owned()));
        self.event(item, &who, key, InboundKind::Reaction { mid, reaction })
    }

    fn edit(&self, item: &Value, who: Who) -> InboundEvent {
        let edit = &item["message_edit"];
        let Some(mid) = id(&edit["mid"]) else { return self.malformed(item, "an edit of no message") };
        let count = integer(&edit["num_edit"]).map_or_else(|| moment_key(item, "edit"), |count| count.to_string());
        let key = format!("{mid}:{count}");
        match text(&edit["text"]) {
            _ if who.own => self.unknown(item, &who),
            Some(text) if who.shopper.is_some() => self.event(item, &who, key, InboundKind::Edit { mid, text }),
            _ => self.event(item, &who, key, InboundKind::IncompleteEdit { mid }),
        }
    }

    fn read_receipt(&self, item: &Value, who: Who) -> InboundEvent {
        match id(&item["read"]["mid"]) {
            Some(mid) if !who.own => {
                let key = format!("{mid}:{}", who.shopper.as_deref().unwrap_or_default());
                self.event(item, &who, key, InboundKind::Read { mid })
            }
            _ => self.unknown(item, &who),
        }
    }

    fn thread_control(&self, item: &Value, who: Who, action: &str) -> InboundEvent {
        let new_owner_app_id = id(&item[action]["new_owner_app_id"]);
        let key = moment_key(item, action);
        self.event(item, &who, key, InboundKind::ThreadControl { new_owner_app_id, action: action.to_owned() })
    }

    /// One element of `changes`, or an entry with `field` and `value` of its own.
    fn change(&self, change: &Value) -> InboundEvent {
        let Some(field) = text(&change["field"]) else { return self.malformed(change, "a change without a field") };
        let value = &change["value"];
        if field == "messaging_handover" && value.is_object() {
            let who = self.who(value);
            let action = CONTROL_KEYS.into_iter().find(|key| !value[*key].is_null());
            if let (Some(action), false) = (action, who.test) {
                return self.thread_control(value, who, action);
            }
        }
        // Messages come as `messaging`; as a change they are what the dashboard's test button sends.
        let test = self.id.as_deref().is_some_and(|id| TEST_ACCOUNTS.contains(&id));
        if test || field.starts_with("message") || field == "standby" {
            return self.test(change, &field);
        }
        match field.as_str() {
            "comments" | "live_comments" => self.comment(value),
            _ => {
                let who = self.who(&Value::Null);
                self.event(change, &who, content_key(change), InboundKind::Change { field })
            }
        }
    }

    fn comment(&self, value: &Value) -> InboundEvent {
        let Some(comment_id) = first_id(value, &["id", "comment_id"]) else {
            return self.malformed(value, "a comment without an id");
        };
        let author = id_of(&value["from"]);
        let own = author.is_some() && author == self.id;
        let who = Who { account: self.id.clone(), shopper: author.filter(|_| !own), own, test: false };
        let kind = InboundKind::Comment {
            comment_id: comment_id.clone(),
            text: value["text"].as_str().unwrap_or_default().to_owned(),
            own,
            parent_id: id(&value["parent_id"]),
            media_id: id_of(&value["media"]),
        };
        self.event(value, &who, comment_id, kind)
    }

    /// Tells account and shopper apart. What comes from the entry's own account is the business's, flagged or not.
    fn who(&self, item: &Value) -> Who {
        let (sender, recipient) = (id_of(&item["sender"]), id_of(&item["recipient"]));
        let is = |id: &Option<String>, wanted: &Option<String>| id.is_some() && id == wanted;
        let connected = |id: &Option<String>| id.as_deref().is_some_and(self.connected);
        let flagged = is_true(&item["message"]["is_echo"]) || is_true(&item["is_echo"]);
        // An entry may be filed under the Page: then only the list of accounts tells.
        let known = connected(&sender) && !connected(&recipient) && !is(&recipient, &self.id);
        let own = flagged || is(&sender, &self.id) || known;
        let ours = if own { &sender } else { &recipient };
        let candidates = [ours, &self.id];
        let account = candidates.into_iter().find(|id| connected(id));
        let account = account.or_else(|| candidates.into_iter().find(|id| id.is_some())).cloned().flatten();
        let theirs = if own { [&recipient, &sender] } else { [&sender, &recipient] };
        let shopper = theirs.into_iter().find(|id| id.is_some() && **id != account).cloned().flatten();
        let test = sender.as_deref() == Some(TEST_SENDER)
            || [&recipient, &self.id].iter().any(|id| id.as_deref().is_some_and(|id| TEST_ACCOUNTS.contains(&id)));
        Who { account, shopper, own, test }
    }

    fn event(&self, item: &Value, who: &Who, dedupe_key: String, kind: InboundKind) -> InboundEvent {
        let Some(account) = who.account.clone() else {
            return self.malformed(item, "an item that names no account");
        };
        let at = time(&item["timestamp"]).or(self.time).unwrap_or(self.received_at);
        InboundEvent { account: AccountId(account), shopper: who.shopper.clone().map(ShopperId), at, dedupe_key, kind }
    }

    fn test(&self, item: &Value, field: &str) -> InboundEvent {
        let account = self.id.clone().unwrap_or_else(|| TEST_ACCOUNTS[0].to_owned());
        let who = Who { account: Some(account), shopper: None, own: false, test: true };
        self.event(item, &who, content_key(item), InboundKind::DashboardTest { field: field.to_owned() })
    }

    fn unknown(&self, item: &Value, who: &Who) -> InboundEvent {
        let names = item.as_object().into_iter().flat_map(|object| object.keys());
        let plain =
            |key: &&String| key.len() <= UNKNOWN_KEY_BYTES_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
        let keys: Vec<&str> = names.filter(plain).take(UNKNOWN_KEYS_MAX).map(String::as_str).collect();
        self.event(item, who, content_key(item), InboundKind::Unknown { keys: keys.join(",") })
    }

    fn malformed(&self, item: &Value, reason: &'static str) -> InboundEvent {
        let account = AccountId(self.id.clone().unwrap_or_default());
        let at = self.time.unwrap_or(self.received_at);
        let kind = InboundKind::Malformed { reason };
        InboundEvent { account, shopper: None, at, dedupe_key: content_key(item), kind }
    }
}

/// The key of an event that has no id of its own: who, when (as the wire has it, so that a second delivery gives the
/// same) and what.
fn moment_key(item: &Value, what: &str) -> String {
    let sender = id_of(&item["sender"]).unwrap_or_default();
    hash(&[&sender, &item["timestamp"].to_string(), what])
}

/// The key of something we cannot read: all of it.
fn content_key(item: &Value) -> String {
    hash(&[&item.to_string()])
}

/// SHA-256 over the parts and their lengths, in hex.
fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}
