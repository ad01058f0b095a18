//! What a message says: the same words for every way, and the JSON of the webhook.

use serde_json::{Map, Value, json};

use super::wording::{find, say};
use crate::domain::{
    Language, NotificationId, Timestamp,
    channel::ChannelKind,
    notify::{About, Notice, NoticeKind, Notification, Said, Target},
};

/// The version of the webhook's JSON: raised when a field changes its meaning, never for a new one.
const JSON_VERSION: u32 = 1;
/// The most characters of a shopper's words that go along.
const TEXT_CHARS_MAX: usize = 500;
/// Where a person of the shop answers.
const INBOX: &str = "https://www.instagram.com/direct/inbox/";

/// Whose notification it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// How commands address it.
    pub slug: String,
    /// Its own name.
    pub name: String,
    /// What its people speak.
    pub language: Language,
}

/// A message, ready for every way.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The notification's id: the same at every attempt.
    pub id: NotificationId,
    /// When the notification was put together.
    pub created_at: Timestamp,
    /// How commands address the shop.
    pub slug: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// What the webhook gets.
    pub json: String,
    /// 1 to 5, as ntfy counts.
    pub priority: u8,
    /// Words that ntfy shows as pictures.
    pub tags: Vec<&'static str>,
    /// What opens when it is tapped.
    pub click: Option<&'static str>,
}

impl std::fmt::Debug for Message {
    /// It may hold a shopper's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Message").field(&self.id).finish()
    }
}

/// Puts a notification into words. One without notices is a test.
#[must_use]
pub fn compose(shop: &Shop, target: &Target, notification: &Notification) -> Message {
    let told: Vec<_> = notification.notices.iter().map(|notice| Told::of(shop, target, notice)).collect();
    let title = title(shop, notification, &told);
    Message {
        id: notification.id,
        created_at: notification.created_at,
        slug: shop.slug.clone(),
        body: body(shop, target, notification, &told),
        json: json_of(shop, target, notification, &told, &title),
        title,
        priority: notification.notices.iter().map(priority).max().unwrap_or(3),
        tags: tags(notification),
        click: notification.notices.iter().any(is_on_instagram).then_some(INBOX),
    }
}

/// A notice in words.
struct Told<'a> {
    notice: &'a Notice,
    summary: String,
    lines: Vec<String>,
    command: String,
}

impl<'a> Told<'a> {
    fn of(shop: &Shop, target: &Target, notice: &'a Notice) -> Self {
        let language = shop.language;
        let line = |key: &str, hole: &str, value: &str| say(key, language, &[(hole, value)]);
        let time = |at: Timestamp| format!("{} {}", target.zone.shown(at), target.zone);
        let mut lines = vec![line("happened_at", "time", &time(notice.at))];
        match &notice.about {
            About::Conversation { waiting_since, said, .. } => {
                lines.extend(waiting_since.map(|since| line("waits_since", "time", &time(since))));
                lines.extend(said.as_ref().and_then(quoted));
            }
            About::Account { id, silent_since } => {
                lines.push(line("account", "account", &id.0));
                lines.extend(silent_since.map(|since| line("silent_since", "time", &time(since))));
            }
        }
        if notice.repeats > 0 {
            lines.push(line("again", "count", &notice.repeats.to_string()));
        }
        let command = command(&shop.slug, notice);
        lines.push(line("look", "command", &command));
        Self { notice, summary: summary(notice, language), lines, command }
    }

    fn json(&self) -> Value {
        let notice = self.notice;
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        put("kind", notice.kind.as_str().into());
        put("reason", notice.reason.as_str().into());
        put("summary", self.summary.as_str().into());
        put("at", moment(notice.at).into());
        put("repeats", notice.repeats.into());
        put("command", self.command.as_str().into());
        match &notice.about {
            About::Conversation { id, channel, account, waiting_since, said } => {
                put("conversation_id", id.to_string().into());
                put("channel", channel.as_str().into());
                put("account_id", account.0.as_str().into());
                put("waiting_since", waiting_since.map(moment).into());
                if let Some(said) = said {
                    put("shopper", said.shopper.as_deref().map(tidy).into());
                    put("text", said.text.as_deref().map(tidy).into());
                }
            }
            About::Account { id, silent_since } => {
                put("account_id", id.0.as_str().into());
                put("silent_since", silent_since.map(moment).into());
            }
        }
        Value::Object(fields)
    }
}

fn summary(notice: &Notice, language: Language) -> String {
    let own = find(&format!("{}.{}", notice.kind, notice.reason), language);
    own.or_else(|| find(&format!("{}.other", notice.kind), language)).unwrap_or_default().to_owned()
}

fn title(shop: &Shop, notification: &Notification, told: &[Told<'_>]) -> String {
    let what = match told {
        [] => say("test", shop.language, &[]),
        [only] if notification.total() <= 1 => only.summary.clone(),
        _ => counts(notification, shop.language),
    };
    format!("{}: {what}", shop.name)
}

/// `5 hand-overs, 1 parked reply`.
fn counts(notification: &Notification, language: Language) -> String {
    let count = |(kind, count): &(NoticeKind, u32)| match count {
        1 => say(&format!("count_one.{kind}"), language, &[]),
        count => say(&format!("count.{kind}"), language, &[("count", &count.to_string())]),
    };
    notification.counts.iter().map(count).collect::<Vec<_>>().join(", ")
}

fn body(shop: &Shop, target: &Target, notification: &Notification, told: &[Told<'_>]) -> String {
    if told.is_empty() {
        return say("test_body", shop.language, &[("shop", &shop.name), ("target", target.name.as_str())]) + "\n";
    }
    let mut parts: Vec<_> = told.iter().map(|told| format!("{}.\n{}", told.summary, told.lines.join("\n"))).collect();
    let more = notification.total().saturating_sub(told.len() as u32);
    if more > 0 {
        let all = format!("aura conversation list -t {} --state waiting", shop.slug);
        let more = say("more", shop.language, &[("count", &more.to_string())]);
        parts.push(format!("{more}\n{}", say("look", shop.language, &[("command", &all)])));
    }
    parts.join("\n\n") + "\n"
}

fn json_of(shop: &Shop, target: &Target, notification: &Notification, told: &[Told<'_>], title: &str) -> String {
    let counts: Map<_, _> =
        notification.counts.iter().map(|(kind, count)| (kind.as_str().to_owned(), (*count).into())).collect();
    json!({
        "type": if told.is_empty() { "test" } else { "notification" },
        "version": JSON_VERSION,
        "id": notification.id.to_string(),
        "created_at": moment(notification.created_at),
        "tenant": {"slug": shop.slug, "name": shop.name},
        "target": target.name.as_str(),
        "title": title,
        "total": notification.total(),
        "counts": counts,
        "notices": told.iter().map(Told::json).collect::<Vec<_>>(),
    })
    .to_string()
}

/// What to run to look.
fn command(slug: &str, notice: &Notice) -> String {
    match &notice.about {
        About::Conversation { id, .. } => format!("aura conversation show -t {slug} {id}"),
        About::Account { id, .. } if notice.kind == NoticeKind::Account && notice.reason == "refused" => {
            format!("aura connect instagram -t {slug} --account-id {id} --token-file -")
        }
        About::Account { .. } => "aura status".to_owned(),
    }
}

/// `“Ana: Where is my coat?”`
fn quoted(said: &Said) -> Option<String> {
    let text = tidy(said.text.as_deref()?);
    Some(match &said.shopper {
        Some(name) => format!("> {}: {text}", tidy(name)),
        None => format!("> {text}"),
    })
}

/// One line of a shopper's, without control and direction characters, cut where it is long.
fn tidy(text: &str) -> String {
    let plain = |character: char| match character {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        character if character.is_control() => Some(' '),
        character => Some(character),
    };
    let mut tidied: String = text.chars().filter_map(plain).take(TEXT_CHARS_MAX).collect();
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        tidied.push('…');
    }
    tidied
}

fn priority(notice: &Notice) -> u8 {
    match (notice.kind, notice.reason.as_str()) {
        (_, "heard" | "restored") => 2,
        (NoticeKind::HandOver | NoticeKind::Account | NoticeKind::Silent, _) => 4,
        (NoticeKind::Draft | NoticeKind::Parked, _) => 3,
    }
}

fn tags(notification: &Notification) -> Vec<&'static str> {
    let tag = |(kind, _): &(NoticeKind, u32)| match kind {
        NoticeKind::HandOver => "raising_hand",
        NoticeKind::Draft => "pencil2",
        NoticeKind::Parked => "inbox_tray",
        NoticeKind::Account => "warning",
        NoticeKind::Silent => "mute",
    };
    if notification.counts.is_empty() { vec!["wave"] } else { notification.counts.iter().map(tag).collect() }
}

const fn is_on_instagram(notice: &Notice) -> bool {
    matches!(notice.about, About::Conversation { channel: ChannelKind::Instagram, .. })
}

/// RFC 3339, UTC.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}
