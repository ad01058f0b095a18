//! Conversations and events.

use aura::{
    api::{Conversation, ConversationDetail, Draft, Event, Message, OutboxRow, Person, Preview, Turn},
    terminal::one_line,
};
use serde_json::Value;

use super::layout::{Grid, Look, count, or_dash};
use crate::ui::Ink;

/// Widest a name is shown in a table.
const NAME_COLUMNS: usize = 18;
/// The same in a table that has little room for it.
const NAME_COLUMNS_MIN: usize = 10;
/// A person of the shop who was removed, and the name with the person.
const GONE: &str = "somebody who is gone";
/// The same where there is little room.
const GONE_SHORT: &str = "(gone)";
/// From this width on, a list has room for what was said last.
const ROOMY_COLUMNS: usize = 150;
/// Widest the beginning of a message is shown in a table.
const PREVIEW_COLUMNS: usize = 40;
/// Widest a message is shown in a line of events.
const TEXT_COLUMNS: usize = 60;

/// With the tenant of each where they are of several, and with the beginning of the newest message where there is room.
pub fn conversations(rows: &[Conversation], of_several: bool, look: Look) -> String {
    let roomy = look.width.is_none_or(|width| width >= ROOMY_COLUMNS);
    let mut head = vec!["CONVERSATION", "SHOPPER", "ANSWERED BY", "WAITING", "LAST"];
    if of_several {
        head.insert(0, "TENANT");
    }
    head.extend(roomy.then_some("NEWEST MESSAGE"));
    let folds = [4, 2].map(|column| column + usize::from(of_several));
    let whole = [0, 3].map(|column| column + usize::from(of_several));
    let mut grid = Grid::new(look.width, &head).whole(&[0]).whole(&whole).folds(&folds);
    for row in rows {
        let waiting = waits(row, look);
        let label = row.label.as_ref().map(|label| format!(" [{label}]")).unwrap_or_default();
        let assigned = row.assignee.as_ref().map(|person| format!(" @{}", called(person))).unwrap_or_default();
        let answerer = answered_by(row) + &assigned + &label;
        let (name, last) = (
            look.clip(shopper(row), if of_several { NAME_COLUMNS_MIN } else { NAME_COLUMNS }),
            look.ago(row.last_message_at),
        );
        let preview = row.preview.as_ref().map(|preview| newest(preview, look)).unwrap_or_default();
        let tenant = of_several.then_some(&row.tenant);
        grid.row(
            tenant.into_iter().chain([&row.id, &name, &answerer, &waiting, &last]).chain(roomy.then_some(&preview)),
        );
    }
    grid.finish()
}

/// `bot: We have it…`, `shopper: [image]`.
fn newest(preview: &Preview, look: Look) -> String {
    let kinds: String = preview.attachments.iter().map(|kind| format!(" [{kind}]")).collect();
    let text = if preview.unsent { "(taken back)" } else { preview.text.as_deref().unwrap_or_default() };
    look.clip(&format!("{}: {}", preview.side, format!("{text}{kinds}").trim_start()), PREVIEW_COLUMNS)
}

fn shopper(conversation: &Conversation) -> &str {
    conversation.shopper_name.as_deref().unwrap_or(&conversation.shopper_id)
}

/// What waits for a person: `draft`, why messages were left to people, or since when a shopper waits.
fn waits(row: &Conversation, look: Look) -> String {
    let waiting = row.takeover.as_ref().and_then(|takeover| takeover.waiting_since);
    match (&row.draft, waiting, &row.parked) {
        (Some(_), ..) => "draft".into(),
        (None, Some(since), _) => look.ago(since),
        (None, None, Some(parked)) => parked.reason.clone(),
        (None, None, None) => "-".into(),
    }
}

/// `bot`, `person (asked)`, `ana (staff)`.
fn answered_by(conversation: &Conversation) -> String {
    conversation.takeover.as_ref().map_or_else(
        || "bot".into(),
        |takeover| {
            let who = takeover.holder.as_ref().map_or("person", |holder| called(&holder.person));
            format!("{} ({})", one_line(who), takeover.cause)
        },
    )
}

/// What people call a person of the shop.
fn called(person: &Person) -> &str {
    person.name.as_deref().unwrap_or(GONE)
}

pub fn conversation(detail: &ConversationDetail, look: Look) -> String {
    let conversation = &detail.conversation;
    let about = look.pairs(&[
        ("conversation", conversation.id.clone()),
        ("shopper", format!("{} ({})", one_line(shopper(conversation)), conversation.shopper_id)),
        ("account", format!("{} on {}", conversation.account_id, conversation.channel)),
        ("answered by", answered_by(conversation)),
        ("responsible", one_line(conversation.assignee.as_ref().map_or("-", called))),
        ("label", or_dash(conversation.label.as_deref()).into()),
        ("waiting since", look.ago_or_dash(conversation.takeover.as_ref().and_then(|takeover| takeover.waiting_since))),
        ("left to people", left_to_people(conversation, look)),
        ("language", or_dash(conversation.language.as_deref()).into()),
        ("shopper last wrote", look.ago_or_dash(conversation.last_shopper_at)),
        ("not yet answered", count(conversation.open_messages.into(), "message", "messages")),
    ]);
    let said: Vec<_> = detail.messages.iter().map(|message| said(message, look)).collect();
    let mut text =
        format!("{about}\n\nMessages (UTC)\n{}", if said.is_empty() { "none".into() } else { said.join("\n") });
    if let Some(waiting) = &conversation.draft {
        text.push_str(&draft(waiting, detail, look));
    }
    if !detail.outbox.is_empty() {
        text.push_str(&format!("\n\nOutbox\n{}", outbox(&detail.outbox, look)));
    }
    if !detail.turns.is_empty() {
        text.push_str(&format!("\n\nTurns\n{}", turns(&detail.turns, look)));
    }
    text
}

/// `too_old, 3 h ago`.
fn left_to_people(conversation: &Conversation, look: Look) -> String {
    let parked = conversation.parked.as_ref();
    parked.map_or_else(|| "-".into(), |parked| format!("{}, {}", parked.reason, look.ago(parked.since)))
}

/// The draft in full. Its name is what `--draft` takes.
fn draft(draft: &Draft, detail: &ConversationDetail, look: Look) -> String {
    let is_part = |row: &&OutboxRow| row.turn.as_deref() == Some(&draft.id) && row.held && row.state == "pending";
    let parts: Vec<_> = detail.outbox.iter().filter(is_part).map(|row| indented(&row.text)).collect();
    format!("\n\nDraft {}, {}\n{}", draft.id, look.ago(draft.since), parts.join("\n  --\n"))
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("  {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn said(message: &Message, look: Look) -> String {
    let mut parts: Vec<String> = Vec::new();
    if message.unsent {
        parts.push("(taken back)".into());
    }
    parts.extend(message.text.clone());
    parts.extend(message.attachments.iter().map(|kind| format!("[{kind}]")));
    parts.extend(message.seen.iter().map(|seen| format!("(seen: {})", one_line(&seen.shows))));
    if message.pictures > 0 {
        // What `aura conversation picture` takes.
        parts.push(format!("({})", message.id));
    }
    let who = match (&message.author_name, &message.author_id) {
        (Some(name), _) => name,
        (None, Some(_)) => GONE_SHORT,
        (None, None) => &message.side,
    };
    let (at, side) = (look.stamp(message.at), look.clip(&one_line(who), NAME_COLUMNS_MIN));
    let indent = " ".repeat(at.len() + 2 + 9);
    format!("{at}  {side:7}  {}", parts.join(" ").replace('\n', &format!("\n{indent}")))
}

fn outbox(rows: &[OutboxRow], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["BY", "STATE", "REASON", "QUEUED", "TEXT"]).folds(&[3, 2]);
    for row in rows {
        let state = match (row.held, row.state.as_str()) {
            (true, "pending") => "draft".into(),
            (true, state) => format!("{state}, held"),
            (false, state) => state.to_owned(),
        };
        let queued = look.ago(row.queued_at);
        let by = match (&row.author_name, &row.author_id) {
            (Some(name), _) => name,
            (None, Some(_)) => GONE_SHORT,
            (None, None) => &row.author,
        };
        grid.row([by, &state, or_dash(row.reason.as_deref()), &queued, &look.clip(&row.text, 48)]);
    }
    grid.finish()
}

fn turns(rows: &[Turn], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["TURN", "BEGAN", "OUTCOME", "MODEL", "EVIDENCE"]).whole(&[0]).folds(&[4, 3]);
    for turn in rows {
        let outcome = match (&turn.outcome, &turn.reason) {
            (None, _) => "running".into(),
            (Some(outcome), None) => outcome.clone(),
            (Some(outcome), Some(reason)) => format!("{outcome} ({reason})"),
        };
        let (began, evidence) = (look.ago(turn.started_at), turn.evidence.join(", "));
        grid.row([&turn.id, &began, &outcome, or_dash(turn.model.as_deref()), or_dash(Some(&evidence))]);
    }
    grid.finish()
}

/// One event, one line: `09:30:05  noor  message.received  shopper  "Is it…" conversation=conv_…`. What does not
/// fit wraps, so the words come before the ids.
pub fn event(event: &Event, look: Look) -> Vec<(Ink, String)> {
    let fields = event.fields.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={}", one_line(event.names.get(text).unwrap_or(text))),
        other => format!("{name}={other}"),
    });
    let kind = one_line(&event.kind);
    let mut parts = vec![
        (Ink::Faint, format!("{}  ", look.stamp(event.at))),
        (Ink::Plain, format!("{}  ", event.tenant)),
        (kind_ink(&kind), format!("{kind:24}  ")),
        (actor_ink(&event.actor), format!("{:8}  ", one_line(&event.actor))),
    ];
    if let Some(text) = &event.text {
        parts.push((Ink::Plain, format!("\"{}\" ", look.clip(text, TEXT_COLUMNS))));
    }
    parts.push((Ink::Faint, fields.collect::<Vec<_>>().join(" ")));
    parts
}

/// What a person may have to look at stands out.
fn kind_ink(kind: &str) -> Ink {
    match kind.split_once('.').map_or(kind, |(_, what)| what) {
        "failed" | "unknown" | "held" | "refused" | "silent" | "given_up" | "handed_over" | "parked" => Ink::Bad,
        "sent" | "reconciled" | "restored" | "heard" => Ink::Good,
        _ => Ink::Strong,
    }
}

fn actor_ink(actor: &str) -> Ink {
    match actor {
        "shopper" => Ink::Shopper,
        "bot" => Ink::Assistant,
        "system" => Ink::Faint,
        _ => Ink::Person,
    }
}
