//! The list of conversations. It remembers which one is chosen by its id, so that new messages do not move the choice, and
//! takes in what has changed row by row.

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use aura::{
    api::{Preview, Time},
    terminal::age,
};
use ratatui::layout::Rect;

use super::super::parts::{instead, titled};
use crate::{
    canvas::Canvas,
    filter::{Facts, Filter},
    rows::{News, Row},
    strings,
    table::{Column, Cursor, Move, Table},
    theme::Ink,
    work::{Load, Place},
    world::World,
};

/// The column of people of the shop.
const WHO: &str = "WHO";
const COLUMNS: &[Column] = &[
    Column::new("STATE", 8),
    Column::new("SHOPPER", 10).grows(2),
    Column::new(WHO, 6).grows(1).folds(2),
    Column::new("SHOP", 8).grows(1).folds(1),
    Column::new("LAST", 4).right(),
    Column::new("SAID", 16).grows(5).folds(3),
];
const SORTS: &[&str] = &["last message", "state", "shopper", "shop", "cost"];
/// What wants a person comes first.
const STATES: [&str; 6] = ["waiting", "draft", "parked", "person", "bot", "labelled"];

/// Rows that change together and are placed one by one; more are sorted in together.
const ONE_BY_ONE: usize = 16;

/// The rows that pass the filter, in their order.
#[derive(Default)]
pub(super) struct List {
    filter: Filter,
    /// Every row, in its order.
    all: Vec<Arc<Row>>,
    /// Those of them that pass.
    rows: Vec<Arc<Row>>,
    cursor: Cursor,
    chosen: Option<Place>,
    /// Whether a person has chosen. Until then the choice stays with the first row while the inbox is still being read.
    by_hand: bool,
    /// Whether somebody of the shop has any of them, or is responsible for it.
    has_people: bool,
    order: Order,
    /// Up to which edition of the rows this is made.
    edition: u64,
    /// At which moment the filter was asked.
    asked_at: Option<Time>,
}

/// By what rows are sorted.
#[derive(Clone, Copy, Default)]
struct Order {
    by: usize,
    turned: bool,
}

impl List {
    /// The chosen conversation.
    pub(super) const fn chosen(&self) -> Option<&Place> {
        self.chosen.as_ref()
    }

    pub(super) const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Filters by this from now on.
    pub(super) fn set_filter(&mut self, filter: Filter, world: &World) {
        self.take_in(world);
        self.filter = filter;
        self.pass(world.now);
    }

    /// Takes in what has changed since the last time.
    pub(super) fn refresh(&mut self, world: &World) {
        let changed = self.take_in(world);
        // Rows grow too old for `since:` without changing.
        let aged = self.filter.reads_the_clock() && self.asked_at != Some(world.now);
        if aged {
            self.pass(world.now);
        } else if changed {
            self.find_again();
        }
        if changed && !self.by_hand && !world.inbox_read {
            self.cursor.choose(0);
            self.remember();
        }
    }

    /// Whether anything had changed.
    fn take_in(&mut self, world: &World) -> bool {
        let order = self.order;
        match world.rows.since(self.edition) {
            News::Nothing => return false,
            News::Some(changed) => {
                let passing = changed.iter().filter(|row| self.filter.passes(&***row, world.now)).cloned().collect();
                let places: HashSet<&Place> = changed.iter().map(|row| &row.place).collect();
                order.replace(&mut self.rows, &places, passing);
                order.replace(&mut self.all, &places, changed.clone());
            }
            News::All => {
                self.all = world.rows.iter().cloned().collect();
                self.all.sort_unstable_by(|a, b| order.compare(a, b));
                self.pass(world.now);
            }
        }
        self.edition = world.rows.edition();
        true
    }

    /// Asks the filter about every row.
    fn pass(&mut self, now: Time) {
        self.rows.clear();
        self.rows.extend(self.all.iter().filter(|row| self.filter.passes(&***row, now)).cloned());
        self.asked_at = Some(now);
        self.find_again();
    }

    /// Finds the chosen row where it stands now; whatever has taken its place is chosen when it is gone.
    fn find_again(&mut self) {
        self.has_people = self.rows.iter().any(|row| row.has_people());
        let at = self.chosen.as_ref().and_then(|chosen| self.rows.iter().position(|row| row.place == *chosen));
        match at {
            Some(at) => self.cursor.choose(at),
            None => self.cursor.keep_within(self.rows.len()),
        }
        self.remember();
    }

    /// Keeps what is chosen now, whatever comes in above it: somebody works on it.
    pub(super) const fn hold(&mut self) {
        self.by_hand = true;
    }

    pub(super) fn go(&mut self, way: Move) {
        self.by_hand = true;
        self.cursor.go(way, self.rows.len());
        self.remember();
    }

    pub(super) fn choose(&mut self, row: usize) {
        self.by_hand = true;
        self.cursor.choose(row);
        self.cursor.keep_within(self.rows.len());
        self.remember();
    }

    fn remember(&mut self) {
        self.chosen = self.rows.get(self.cursor.row()).map(|row| row.place.clone());
    }

    pub(super) const fn sorts(&self) -> (&'static [&'static str], usize, bool) {
        (SORTS, self.order.by, self.order.turned)
    }

    /// Sorts by this from now on.
    pub(super) fn sort(&mut self, by: usize, turned: bool, world: &World) {
        self.take_in(world);
        self.order = Order { by, turned };
        let order = self.order;
        self.all.sort_unstable_by(|a, b| order.compare(a, b));
        self.pass(world.now);
    }

    pub(super) fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect, focused: bool) {
        let mut title = titled("Conversations", self.rows.len(), self.all.len(), &self.filter);
        if !world.unread.is_empty() {
            title.push_str(&format!("  {} shops unread", world.unread.len()));
        }
        let inside = canvas.pane(area, &title, focused);
        if self.rows.is_empty() {
            let otherwise = if self.filter.is_empty() { strings::NO_CONVERSATIONS } else { strings::NOTHING_PASSES };
            return instead(canvas, inside, world, &Load::Inbox, otherwise);
        }
        // Where nobody has anything the names get the room.
        let shown = |column: &&Column| self.has_people || column.title != WHO;
        let columns: Vec<Column> = COLUMNS.iter().filter(shown).copied().collect();
        let table =
            Table { columns: &columns, count: self.rows.len(), cursor: &self.cursor, focused, pane: 0, sorted: None };
        let now = canvas.now;
        table.draw(canvas, inside, |at| match self.rows.get(at) {
            Some(row) => {
                let who = self.has_people.then(|| (Ink::Person, row.people()));
                let before = [(state_ink(row.state()), marked(row)), (Ink::Strong, row.shopper().to_owned())];
                let behind = [
                    (Ink::Plain, row.place.tenant.clone()),
                    (Ink::Faint, age(row.conversation.last_message_at, now)),
                    (Ink::Faint, row.conversation.preview.as_ref().map(said).unwrap_or_default()),
                ];
                before.into_iter().chain(who).chain(behind).collect()
            }
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

impl Order {
    /// No two rows are equal, so that each has one place.
    fn compare(self, a: &Row, b: &Row) -> Ordering {
        let newest = || b.conversation.last_message_at.cmp(&a.conversation.last_message_at);
        let state = |row: &Row| STATES.iter().position(|state| *state == row.state());
        let first = match self.by {
            1 => state(a).cmp(&state(b)),
            2 => a.name().cmp(b.name()),
            3 => a.place.tenant.cmp(&b.place.tenant),
            4 => b.cost_usd().unwrap_or(0.0).total_cmp(&a.cost_usd().unwrap_or(0.0)),
            _ => Ordering::Equal,
        };
        let order = first.then_with(newest).then_with(|| a.place.cmp(&b.place));
        if self.turned { order.reverse() } else { order }
    }

    /// Puts `new` into sorted `rows`, in which nothing is left of `places`.
    fn replace(self, rows: &mut Vec<Arc<Row>>, places: &HashSet<&Place>, mut new: Vec<Arc<Row>>) {
        rows.retain(|row| !places.contains(&row.place));
        if new.len() <= ONE_BY_ONE {
            for row in new {
                let at = rows.partition_point(|other| self.compare(other, &row).is_lt());
                rows.insert(at, row);
            }
        } else {
            rows.append(&mut new);
            // Stable on purpose: it merges what is sorted already instead of sorting it again.
            rows.sort_by(|a, b| self.compare(a, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use aura::api;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Time = Time(1_795_253_405_123);

    fn conversation(number: u8, age_minutes: u8, state: u8) -> api::Conversation {
        let mut row = json!({
            "id": format!("conv_{number:03}"), "tenant": format!("shop-{}", number % 3), "channel": "instagram",
            "account_id": "1", "shopper_id": number.to_string(), "shopper_name": format!("name {}", state % 5),
            "state": "bot", "open_messages": 0, "message_count": 1, "cost_usd": format!("0.0{}", state % 7),
            "last_message_at": Time(NOW.0 - i64::from(age_minutes) * 60_000).to_string(),
        });
        if state.is_multiple_of(4) {
            row["label"] = "spam".into();
        }
        serde_json::from_value(row).expect("a shape of the API")
    }

    fn shown(list: &List) -> Vec<&str> {
        list.rows.iter().map(|row| row.place.id.as_str()).collect()
    }

    proptest! {
        /// Each batch is what one frame takes in: sometimes more than is remembered as changes or placed one by one.
        #[test]
        fn a_list_that_takes_changes_in_is_the_list_made_anew(
            batches in prop::collection::vec(prop::collection::vec((any::<u8>(), 0_u8..90, any::<u8>()), 0..40), 1..8),
            by in 0..SORTS.len(),
            turned in any::<bool>(),
            filter in prop::sample::select(vec!["", "name", "!name", "state:labelled", "since:30m", "tenant:shop-1"]),
        ) {
            let mut world = World::new(NOW);
            let filter = || Filter::parse(filter).expect("a filter");
            let mut list = List::default();
            list.set_filter(filter(), &world);
            list.sort(by, turned, &world);
            for batch in batches {
                for (number, age, state) in batch {
                    world.rows.put(conversation(number, age, state));
                }
                list.refresh(&world);
                let chosen = list.chosen().cloned();
                prop_assert_eq!(chosen.as_ref(), list.rows.get(list.cursor.row()).map(|row| &row.place));
                let mut anew = List { order: Order { by, turned }, ..List::default() };
                anew.set_filter(filter(), &world);
                prop_assert_eq!(shown(&list), shown(&anew));
                prop_assert_eq!(list.all.len(), world.rows.len());
                list.go(Move::HalfDown);
            }
        }
    }

    #[test]
    fn the_first_row_is_chosen_until_a_person_chooses_or_the_inbox_is_read() {
        let mut world = World::new(NOW);
        let mut list = List::default();
        let comes = |list: &mut List, world: &mut World, number: u8, age: u8| {
            world.rows.put(conversation(number, age, 1));
            list.refresh(world);
            list.chosen().expect("one is chosen").id.clone()
        };
        assert_eq!(comes(&mut list, &mut world, 1, 50), "conv_001");
        assert_eq!(comes(&mut list, &mut world, 2, 40), "conv_002", "nobody has chosen the first one that came");
        list.hold();
        assert_eq!(comes(&mut list, &mut world, 3, 30), "conv_002", "somebody works on it");
        let mut list = List::default();
        list.refresh(&world);
        world.inbox_read = true;
        assert_eq!(comes(&mut list, &mut world, 4, 20), "conv_003", "what is read does not move under anybody's hand");
    }

    #[test]
    fn a_row_that_grows_too_old_for_the_filter_leaves_it() {
        let mut world = World::new(NOW);
        world.rows.put(conversation(1, 29, 1));
        let mut list = List::default();
        list.set_filter(Filter::parse("since:30m").expect("a filter"), &world);
        assert_eq!(shown(&list), ["conv_001"]);
        world.now = Time(NOW.0 + 120_000);
        list.refresh(&world);
        assert!(shown(&list).is_empty());
    }

    #[test]
    fn a_list_in_which_nothing_changed_is_left_alone() {
        let mut world = World::new(NOW);
        world.rows.put(conversation(1, 1, 1));
        let mut list = List::default();
        list.refresh(&world);
        let made = list.rows[0].clone();
        world.rows.put(conversation(1, 1, 1));
        assert!(!list.take_in(&world), "the same said twice is no change");
        world.rows.put(conversation(1, 0, 1));
        assert!(list.take_in(&world));
        assert!(!Arc::ptr_eq(&made, &list.rows[0]));
    }
}
