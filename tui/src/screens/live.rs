//! What happens, as it happens: events, decisions, how long they took, what they cost; and one of them in full.

use std::collections::VecDeque;

use aura::terminal::stamp;
use ratatui::layout::Rect;

use super::{
    Command, Screen, Want,
    parts::{list_and_detail, pairs, titled},
};
use crate::{
    canvas::{Canvas, Hit},
    filter::Filter,
    keys::{Action, Scope},
    strings,
    table::{Column, Cursor, Move, Table},
    text,
    theme::Ink,
    world::{Seen, World},
};

const COLUMNS: &[Column] = &[
    Column::new("TIME", 8),
    Column::new("SHOP", 10).grows(1).folds(1),
    Column::new("KIND", 22),
    Column::new("BY", 8).folds(3),
    Column::new("TOOK", 8).right().folds(2),
    Column::new("COST", 8).right().folds(2),
    Column::new("WHAT", 16).grows(6),
];
/// From this width on the chosen event is shown beside the list.
const BESIDE: u16 = 130;
/// Fields of events that tell how long something took, in milliseconds.
const DURATIONS: [&str; 4] = ["elapsed_ms", "total_ms", "took_ms", "latency_ms"];

/// The screen of events.
#[derive(Default)]
pub(super) struct Live {
    filter: Filter,
    /// Positions of the events that pass, counted over all that were seen.
    rows: VecDeque<u64>,
    /// How many had been seen when the rows were made last.
    up_to: u64,
    cursor: Cursor,
    /// What was seen when somebody stopped the list.
    paused_at: Option<u64>,
    inspecting: bool,
}

/// The event at this position, while it is kept.
fn event_at(world: &World, position: u64) -> Option<&Seen> {
    let first = world.events_seen - world.events.len() as u64;
    let at = position.checked_sub(first)?;
    world.events.get(usize::try_from(at).ok()?)
}

impl Live {
    fn chosen<'w>(&self, world: &'w World) -> Option<&'w Seen> {
        event_at(world, *self.rows.get(self.cursor.row())?)
    }

    fn is_at_end(&self) -> bool {
        self.cursor.row() + 1 >= self.rows.len()
    }

    fn take_from(&mut self, world: &World, from: u64) {
        let first = world.events_seen - world.events.len() as u64;
        let end = self.paused_at.unwrap_or(world.events_seen);
        for position in from.max(first)..end {
            if event_at(world, position).is_some_and(|seen| self.filter.passes(seen, world.now)) {
                self.rows.push_back(position);
            }
        }
        self.up_to = end;
        while self.rows.front().is_some_and(|position| *position < first) {
            self.rows.pop_front();
            self.cursor.choose(self.cursor.row().saturating_sub(1));
        }
    }
}

impl Screen for Live {
    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Live]
    }

    fn wants(&self, _world: &World) -> Vec<Want> {
        Vec::new()
    }

    fn refresh(&mut self, world: &World) {
        let follow = self.is_at_end();
        self.take_from(world, self.up_to);
        if follow && self.paused_at.is_none() {
            self.cursor.go(Move::Bottom, self.rows.len());
        }
        self.cursor.keep_within(self.rows.len());
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Command> {
        match action {
            Action::Pause => {
                self.paused_at = if self.paused_at.is_some() { None } else { Some(world.events_seen) };
                self.refresh(world);
                if self.paused_at.is_none() {
                    self.cursor.go(Move::Bottom, self.rows.len());
                }
            }
            Action::Enter => self.inspecting = !self.inspecting,
            _ => {}
        }
        Vec::new()
    }

    fn go(&mut self, way: Move, _world: &World) {
        self.cursor.go(way, self.rows.len());
    }

    fn click(&mut self, hit: Hit, _world: &World) -> Vec<Command> {
        if let Hit::Row { row, .. } = hit {
            self.cursor.choose(row);
        }
        Vec::new()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, filter: Filter, world: &World) {
        self.filter = filter;
        self.rows.clear();
        self.take_from(world, 0);
        self.cursor.go(Move::Bottom, self.rows.len());
    }

    fn value(&self, world: &World) -> Option<String> {
        let event = &self.chosen(world)?.event;
        let id = event.fields.get("conversation").and_then(|id| id.as_str());
        Some(id.or(event.correlation.as_deref()).unwrap_or(&event.kind).to_owned())
    }

    fn command(&self, world: &World) -> Option<Vec<String>> {
        let event = &self.chosen(world)?.event;
        let since = event.at.to_string();
        let words = ["aura", "tail", "-t", &event.tenant, "--since", &since, "--kind", &event.kind];
        Some(words.map(str::to_owned).into())
    }

    fn back(&mut self, _world: &World) -> bool {
        std::mem::take(&mut self.inspecting)
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let places = list_and_detail(area, BESIDE, 68, self.inspecting);
        if let Some(list) = places.list {
            self.view_list(world, canvas, list);
        }
        if let Some(detail) = places.detail {
            self.view_event(world, canvas, detail, places.alone);
        }
    }
}

impl Live {
    fn view_list(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let mut title = titled("Events", self.rows.len(), world.events.len(), &self.filter);
        if let Some(at) = self.paused_at {
            title.push_str(&format!("  PAUSED, {} new", text::number(world.events_seen - at)));
        }
        let inside = canvas.pane(area, &title, true);
        if self.rows.is_empty() {
            let words = if world.events.is_empty() { strings::NO_EVENTS } else { strings::NOTHING_PASSES };
            return canvas.empty(inside, words);
        }
        let table = Table {
            columns: COLUMNS,
            count: self.rows.len(),
            cursor: &self.cursor,
            focused: true,
            pane: 0,
            sorted: None,
        };
        let now = canvas.now;
        table.draw(canvas, inside, |at| {
            let Some(seen) = self.rows.get(at).and_then(|position| event_at(world, *position)) else {
                return Vec::new();
            };
            let event = &seen.event;
            let took = took_ms(seen).map(|ms| format!("{} ms", text::number(ms))).unwrap_or_default();
            let cost = seen.dollars().map(|dollars| text::dollars(&format!("{dollars:.12}"))).unwrap_or_default();
            vec![
                (Ink::Faint, stamp(event.at, now)),
                (Ink::Plain, event.tenant.clone()),
                (kind_ink(&event.kind), event.kind.clone()),
                (Ink::Faint, event.actor.clone()),
                (Ink::Plain, took),
                (Ink::Plain, cost),
                (Ink::Plain, what(seen)),
            ]
        });
    }

    fn view_event(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect, focused: bool) {
        let inside = canvas.page(area, "Event", focused);
        let Some(seen) = self.chosen(world) else { return canvas.empty(inside, "Choose an event.") };
        let event = &seen.event;
        let seq = event.seq.to_string();
        let mut rows: Vec<(&str, Ink, String)> = vec![
            ("kind", kind_ink(&event.kind), event.kind.clone()),
            ("at", Ink::Plain, event.at.to_string()),
            ("shop", Ink::Plain, event.tenant.clone()),
            ("by", Ink::Plain, event.actor.clone()),
            ("place in log", Ink::Plain, seq),
        ];
        if let Some(correlation) = &event.correlation {
            rows.push(("correlation", Ink::Faint, correlation.clone()));
        }
        for (name, value) in &event.fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.push((name.as_str(), Ink::Plain, value));
        }
        if let Some(text) = &event.text {
            rows.push(("words", Ink::Strong, text.clone()));
        }
        let lines = pairs(canvas, &rows, inside.width.into());
        canvas.lines(inside, lines, 0);
    }
}

/// How long it took, where the event says so.
fn took_ms(seen: &Seen) -> Option<u64> {
    DURATIONS.iter().find_map(|name| seen.event.fields.get(*name)?.as_u64())
}

/// The words of a message, or what was decided.
fn what(seen: &Seen) -> String {
    let event = &seen.event;
    if let Some(text) = &event.text {
        return text.clone();
    }
    let telling = |name: &str| !DURATIONS.contains(&name) && name != "cost_pico";
    let short = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // What was decided comes before ids.
    let is_id = |value: &str| value.contains('_') && value.len() > 30;
    let mut parts: Vec<(bool, String)> = event
        .fields
        .iter()
        .filter(|(name, _)| telling(name))
        .map(|(name, value)| (is_id(&short(value)), format!("{name}={}", short(value))))
        .collect();
    parts.sort_by_key(|(is_id, _)| *is_id);
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(" ")
}

fn kind_ink(kind: &str) -> Ink {
    match kind {
        "reply.failed" | "account.refused" | "notification.given_up" => Ink::Bad,
        "conversation.handed_over"
        | "conversation.parked"
        | "reply.held"
        | "reply.unknown"
        | "draft.waiting"
        | "account.silent" => Ink::Wanted,
        "reply.sent" | "draft.approved" => Ink::Good,
        _ if kind.starts_with("message.") => Ink::Shopper,
        _ if kind.starts_with("takeover.") || kind.starts_with("person.") => Ink::Person,
        _ => Ink::Plain,
    }
}
