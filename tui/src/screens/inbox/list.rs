//! The list of conversations. It remembers which one is chosen by its id, so that new messages do not move the choice.

use std::cmp::Ordering;

use aura::{api::Preview, terminal::age};
use ratatui::layout::Rect;

use super::super::parts::{instead, titled};
use crate::{
    canvas::Canvas,
    filter::{Facts, Filter},
    strings,
    table::{Column, Cursor, Move, Table},
    theme::Ink,
    work::{Load, Place},
    world::{Row, World},
};

const COLUMNS: &[Column] = &[
    Column::new("STATE", 8),
    Column::new("SHOPPER", 10).grows(2),
    Column::new("WHO", 6).grows(1).folds(2),
    Column::new("SHOP", 8).grows(1).folds(1),
    Column::new("LAST", 4).right(),
    Column::new("SAID", 16).grows(5).folds(3),
];
const SORTS: &[&str] = &["last message", "state", "shopper", "shop", "cost"];
/// What wants a person comes first.
const STATES: [&str; 6] = ["waiting", "draft", "parked", "person", "bot", "labelled"];

/// The rows that pass the filter, in their order.
#[derive(Default)]
pub(super) struct List {
    pub(super) filter: Filter,
    rows: Vec<Place>,
    cursor: Cursor,
    chosen: Option<Place>,
    by: usize,
    turned: bool,
    all: usize,
}

impl List {
    /// The chosen conversation.
    pub(super) const fn chosen(&self) -> Option<&Place> {
        self.chosen.as_ref()
    }

    pub(super) fn refresh(&mut self, world: &World) {
        self.all = world.rows.len();
        let mut rows: Vec<&Row> = world.rows.values().filter(|row| self.filter.passes(*row, world.now)).collect();
        rows.sort_unstable_by(|a, b| {
            let order = compare(self.by, a, b);
            if self.turned { order.reverse() } else { order }
        });
        self.rows = rows.into_iter().map(|row| row.place.clone()).collect();
        let at = self.chosen.as_ref().and_then(|chosen| self.rows.iter().position(|place| place == chosen));
        match at {
            Some(at) => self.cursor.choose(at),
            None => self.cursor.keep_within(self.rows.len()),
        }
        self.remember();
    }

    pub(super) fn go(&mut self, way: Move) {
        self.cursor.go(way, self.rows.len());
        self.remember();
    }

    pub(super) fn choose(&mut self, row: usize) {
        self.cursor.choose(row);
        self.cursor.keep_within(self.rows.len());
        self.remember();
    }

    fn remember(&mut self) {
        self.chosen = self.rows.get(self.cursor.row()).cloned();
    }

    pub(super) const fn sorts(&self) -> (&'static [&'static str], usize, bool) {
        (SORTS, self.by, self.turned)
    }

    pub(super) const fn sort(&mut self, by: usize, turned: bool) {
        self.by = by;
        self.turned = turned;
    }

    pub(super) fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect, focused: bool) {
        let mut title = titled("Conversations", self.rows.len(), self.all, &self.filter);
        if !world.unread.is_empty() {
            title.push_str(&format!("  {} shops unread", world.unread.len()));
        }
        let inside = canvas.pane(area, &title, focused);
        if self.rows.is_empty() {
            let otherwise = if self.filter.is_empty() { strings::NO_CONVERSATIONS } else { strings::NOTHING_PASSES };
            return instead(canvas, inside, world, &Load::Inbox, otherwise);
        }
        let table =
            Table { columns: COLUMNS, count: self.rows.len(), cursor: &self.cursor, focused, pane: 0, sorted: None };
        let now = canvas.now;
        table.draw(canvas, inside, |at| match self.rows.get(at).and_then(|place| world.rows.get(place)) {
            Some(row) => vec![
                (state_ink(row.state()), marked(row)),
                (Ink::Strong, row.shopper().to_owned()),
                (Ink::Person, row.people()),
                (Ink::Plain, row.place.tenant.clone()),
                (Ink::Faint, age(row.conversation.last_message_at, now)),
                (Ink::Faint, row.conversation.preview.as_ref().map(said).unwrap_or_default()),
            ],
            None => Vec::new(),
        });
    }
}

/// Its state, with a star where another person has it.
fn marked(row: &Row) -> String {
    format!("{}{}", row.state(), if row.other_holder().is_some() { "*" } else { "" })
}

/// `bot: Yes, it is …`, `[image]`.
fn said(preview: &Preview) -> String {
    let who = if preview.side == "shopper" { String::new() } else { format!("{}: ", preview.side) };
    let attached = preview.attachments.iter().map(|kind| format!("[{kind}]"));
    let taken_back = preview.unsent.then(|| "(taken back)".to_owned());
    let parts: Vec<String> = attached.chain(taken_back).chain(preview.text.clone()).collect();
    who + &parts.join(" ")
}

fn state_ink(state: &str) -> Ink {
    match state {
        "waiting" | "draft" | "parked" => Ink::Wanted,
        "person" => Ink::Person,
        "bot" => Ink::Assistant,
        _ => Ink::Faint,
    }
}

fn compare(by: usize, a: &Row, b: &Row) -> Ordering {
    let newest = || b.conversation.last_message_at.cmp(&a.conversation.last_message_at);
    let state = |row: &Row| STATES.iter().position(|state| *state == row.state());
    let first = match by {
        1 => state(a).cmp(&state(b)),
        2 => a.shopper().to_lowercase().cmp(&b.shopper().to_lowercase()),
        3 => a.place.tenant.cmp(&b.place.tenant),
        4 => b.cost_usd().unwrap_or(0.0).total_cmp(&a.cost_usd().unwrap_or(0.0)),
        _ => Ordering::Equal,
    };
    first.then_with(newest).then_with(|| a.place.cmp(&b.place))
}
