//! A thread: what was said, by whom, what is on its way, the draft that waits.

use std::cell::{Cell, RefCell};

use aura::api::{ConversationDetail, OutboxRow};
use ratatui::{layout::Rect, text::Line};

use super::{
    super::parts::{instead, left_until},
    write::Writing,
};
use crate::{
    canvas::{Canvas, Hit},
    rows::called,
    strings,
    table::Move,
    text,
    theme::Ink,
    work::{Load, Place},
    world::{Thread, World},
};

/// Cells before the words of a message.
const INDENT: &str = "  ";

/// What is seen of a thread. Lines are counted from its end, so that older messages that come in later move nothing.
#[derive(Default)]
pub(super) struct ThreadView {
    from_end: usize,
    /// What the last frame showed: its height, and whether the oldest line was on it.
    height: Cell<usize>,
    at_top: Cell<bool>,
    lines: RefCell<Option<Wrapped>>,
}

/// The lines of one edition of a thread at one width: wrapping a long thread anew for each key is what would be slow.
struct Wrapped {
    edition: u64,
    cells: usize,
    minute: i64,
    lines: Vec<Line<'static>>,
}

impl ThreadView {
    /// Shows the newest messages.
    pub(super) fn follow(&mut self) {
        self.from_end = 0;
        self.at_top.set(false);
    }

    /// Whether the oldest line that is here is seen.
    pub(super) fn at_top(&self) -> bool {
        self.at_top.get()
    }

    pub(super) fn go(&mut self, way: Move) {
        let half = (self.height.get() / 2).max(1);
        self.from_end = match way {
            Move::Up => self.from_end + 1,
            Move::HalfUp => self.from_end + half,
            Move::Top => usize::MAX / 2,
            Move::Down => self.from_end.saturating_sub(1),
            Move::HalfDown => self.from_end.saturating_sub(half),
            Move::Bottom => 0,
        };
        let lines = self.lines.borrow().as_ref().map_or(0, |wrapped| wrapped.lines.len());
        self.from_end = self.from_end.min(lines.saturating_sub(self.height.get()));
    }

    pub(super) fn view(
        &self,
        world: &World,
        canvas: &mut Canvas<'_, '_>,
        area: Rect,
        focused: bool,
        chosen: Option<&Place>,
        writing: Option<&Writing>,
    ) {
        let writing = writing.filter(|writing| Some(&writing.place) == chosen);
        let field = writing.map_or(0, |writing| writing.height(area));
        let place = Rect { height: area.height - field, ..area };
        if let Some(writing) = writing {
            writing.view(canvas, Rect { y: place.bottom(), height: field, ..area });
        }
        let row = chosen.and_then(|chosen| world.rows.get(chosen));
        let title = row.map_or_else(
            || "Thread".to_owned(),
            |row| format!("{} · {} · {}", row.shopper(), row.place.tenant, row.conversation.channel),
        );
        let inside = canvas.page(place, &title, focused && writing.is_none());
        canvas.hit(place, Hit::Pane(1));
        let Some(chosen) = chosen else { return canvas.empty(inside, "Choose a conversation.") };
        let Some(thread) = world.threads.get(chosen) else {
            return instead(canvas, inside, world, &Load::Thread(chosen.clone(), None), strings::LOADING);
        };
        let banner = banner(canvas, thread, inside.width.into());
        let rows = u16::try_from(banner.len()).unwrap_or(0).min(inside.height / 3);
        canvas.lines(Rect { height: rows, ..inside }, banner, 0);
        let inside = Rect { y: inside.y + rows, height: inside.height - rows, ..inside };
        self.lines(canvas, inside, thread, world.is_loading(&oldest(chosen, thread)));
    }

    fn lines(&self, canvas: &mut Canvas<'_, '_>, area: Rect, thread: &Thread, loading: bool) {
        let (cells, height) = (usize::from(area.width), usize::from(area.height));
        let minute = canvas.now.0 / 60_000;
        let mut cached = self.lines.borrow_mut();
        let fresh =
            |wrapped: &Wrapped| (wrapped.edition, wrapped.cells, wrapped.minute) == (thread.edition, cells, minute);
        if !cached.as_ref().is_some_and(fresh) {
            let lines = lines_of(canvas, thread, cells);
            *cached = Some(Wrapped { edition: thread.edition, cells, minute, lines });
        }
        let Some(wrapped) = cached.as_ref() else { return };
        self.height.set(height);
        let end = wrapped.lines.len().saturating_sub(self.from_end);
        let top = end.saturating_sub(height);
        self.at_top.set(top == 0);
        let mut shown: Vec<_> = wrapped.lines[top..end.max(top)].to_vec();
        if top == 0
            && loading
            && let Some(first) = shown.first_mut()
        {
            *first = canvas.inked(&[(Ink::Faint, "reading older messages …")]);
        }
        canvas.lines(area, shown, 0);
    }
}

fn oldest(place: &Place, thread: &Thread) -> Load {
    Load::Thread(place.clone(), thread.detail.messages.first().map(|message| message.id.clone()))
}

/// Who has the conversation, and until when.
fn banner(canvas: &Canvas<'_, '_>, thread: &Thread, cells: usize) -> Vec<Line<'static>> {
    let conversation = &thread.detail.conversation;
    let mut said: Vec<(Ink, String)> = Vec::new();
    if let Some(takeover) = &conversation.takeover {
        let (who, since) = match &takeover.holder {
            Some(holder) if holder.you => ("You have", holder.since),
            Some(holder) => (called(&holder.person), holder.since),
            None => ("A person has", takeover.since),
        };
        let has = if takeover.holder.as_ref().is_some_and(|holder| !holder.you) { " has" } else { "" };
        let mut words = format!("{who}{has} this ({}) since {}", takeover.cause, canvas.ago(since));
        if let Some(since) = takeover.waiting_since {
            words.push_str(&format!("; the shopper has waited since {}", canvas.ago(since)));
        }
        if let Some(ends) = super::super::takeover_ends_at(conversation) {
            words.push_str(&format!("; back to the assistant in {}", left_until(ends, canvas.now)));
        }
        said.push((Ink::Person, words));
    }
    if let Some(person) = &conversation.assignee {
        said.push((Ink::Person, format!("Responsible: {}", called(person))));
    }
    if let Some(parked) = &conversation.parked {
        let words = format!("Left to people: {}, {}", parked.reason, canvas.ago(parked.since));
        said.push((Ink::Wanted, words));
    }
    if let Some(label) = &conversation.label {
        said.push((Ink::Faint, format!("Labelled as {label}")));
    }
    let wrapped = said.iter().flat_map(|(ink, words)| text::wrap(words, cells).into_iter().map(|line| (*ink, line)));
    let mut lines: Vec<_> = wrapped.map(|(ink, line)| canvas.inked(&[(ink, &line)])).collect();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

fn lines_of(canvas: &Canvas<'_, '_>, thread: &Thread, cells: usize) -> Vec<Line<'static>> {
    let detail = &thread.detail;
    let mut lines = Vec::new();
    if thread.has_more {
        lines.push(canvas.inked(&[(Ink::Faint, "older messages are above")]));
    }
    for message in &detail.messages {
        let (ink, who) = match message.side.as_str() {
            "shopper" => (Ink::Shopper, detail.conversation.shopper_name.as_deref().unwrap_or("shopper")),
            "bot" => (Ink::Assistant, "assistant"),
            _ => (Ink::Person, author(message.author_name.as_deref(), message.author_id.as_deref())),
        };
        lines.push(canvas.inked(&[(ink, who), (Ink::Faint, "  "), (Ink::Faint, &canvas.ago(message.at))]));
        if message.unsent {
            lines.push(canvas.inked(&[(Ink::Faint, "  (taken back)")]));
        }
        for kind in &message.attachments {
            let hint = if message.pictures > 0 { "  o opens a copy" } else { "" };
            lines.push(canvas.inked(&[(Ink::Strong, &format!("{INDENT}[{kind}]")), (Ink::Faint, hint)]));
        }
        for seen in &message.seen {
            let words = format!("{} sees: {}", seen.made_by, seen.shows);
            for line in text::wrap(&words, cells.saturating_sub(INDENT.len())) {
                lines.push(canvas.inked(&[(Ink::Plain, INDENT), (Ink::Faint, &line)]));
            }
        }
        said(canvas, &mut lines, message.text.as_deref().unwrap_or_default(), cells);
        lines.push(Line::default());
    }
    for row in detail.outbox.iter().filter(|row| !matches!(row.state.as_str(), "sent" | "cancelled")) {
        let ink = if row.author == "bot" { Ink::Assistant } else { Ink::Person };
        let who = match row.author.as_str() {
            "bot" => "assistant",
            _ => author(row.author_name.as_deref(), row.author_id.as_deref()),
        };
        // What went wrong is read to its end, below the name where it does not fit beside it.
        let stands = on_its_way(row);
        if text::width(who) + 2 + text::width(&stands) <= cells {
            lines.push(canvas.inked(&[(ink, who), (Ink::Faint, "  "), (Ink::Wanted, &stands)]));
        } else {
            lines.push(canvas.inked(&[(ink, who)]));
            for line in text::wrap(&stands, cells.saturating_sub(INDENT.len())) {
                lines.push(canvas.inked(&[(Ink::Plain, INDENT), (Ink::Wanted, &line)]));
            }
        }
        said(canvas, &mut lines, &row.text, cells);
        lines.push(Line::default());
    }
    if detail.conversation.draft.is_some() {
        let keys = [
            (Ink::Key, "a"),
            (Ink::Plain, " approve  "),
            (Ink::Key, "e"),
            (Ink::Plain, " edit  "),
            (Ink::Key, "x"),
            (Ink::Plain, " reject"),
        ];
        lines.push(canvas.inked(&keys));
    }
    if lines.last().is_some_and(|line| line.spans.is_empty()) {
        lines.pop();
    }
    lines
}

/// Who of the shop wrote: by name, as far as it was written in Aura.
fn author<'a>(name: Option<&'a str>, id: Option<&'a str>) -> &'a str {
    match (name, id) {
        (Some(name), _) => name,
        (None, Some(_)) => strings::GONE,
        (None, None) => "person",
    }
}

fn said(canvas: &Canvas<'_, '_>, lines: &mut Vec<Line<'static>>, words: &str, cells: usize) {
    if words.is_empty() {
        return;
    }
    for line in text::wrap(words, cells.saturating_sub(INDENT.len())) {
        lines.push(canvas.inked(&[(Ink::Plain, INDENT), (Ink::Plain, &line)]));
    }
}

/// How a message that has not gone out stands.
fn on_its_way(row: &OutboxRow) -> String {
    let reason = row.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    match (row.state.as_str(), row.held) {
        ("pending", true) => "draft, waits for approval".into(),
        (state, true) => format!("{state}{reason}: somebody has to look whether it arrived"),
        (state, false) => format!("{state}{reason}"),
    }
}

/// The words of a draft that waits.
pub(super) fn draft_words(detail: &ConversationDetail, draft: &str) -> String {
    let parts = detail.outbox.iter().filter(|row| row.turn.as_deref() == Some(draft) && row.state == "pending");
    parts.map(|row| row.text.as_str()).collect::<Vec<_>>().join("\n\n")
}

/// The newest picture: its message, and which attachment of it.
pub(super) fn newest_picture(detail: &ConversationDetail) -> Option<(String, u32)> {
    let newest = detail.messages.iter().rev().find(|message| message.pictures > 0)?;
    Some((newest.id.clone(), newest.pictures - 1))
}
