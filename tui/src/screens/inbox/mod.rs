//! Conversations: the list over all shops or one, the thread, what answers rest on, and the words of a person.

mod evidence;
mod list;
mod thread;
mod write;

use std::collections::{BTreeSet, HashMap};

use aura::{api::Time, terminal::ago};
use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use self::{
    list::List,
    thread::ThreadView,
    write::{Purpose, Writing},
};
use super::{Command, Confirm, Pick, Screen, Want};
use crate::{
    canvas::{Canvas, Hit},
    editor::Editor,
    filter::Filter,
    keys::{Action, Scope},
    rows::{Row, called},
    scroll::Scroll,
    strings,
    table::Move,
    work::{Deed, Incoming, Load, Place},
    world::{Thread, World},
};

/// From this width on all three panes are seen.
const THREE_PANES: u16 = 140;
/// Narrower than this the thread takes the whole width while it takes the keys.
const TWO_PANES: u16 = 76;
/// Labels that people give.
const LABELS: [&str; 7] = ["spam", "phishing", "collaboration", "business", "job", "insult", "other"];

/// The panes, from left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    List,
    Thread,
    Evidence,
}

impl Pane {
    const ALL: [Self; 3] = [Self::List, Self::Thread, Self::Evidence];

    fn beside(self, steps: isize) -> Self {
        let at = (self as isize + steps).rem_euclid(3);
        Self::ALL[usize::try_from(at).unwrap_or(0)]
    }
}

/// The screen of conversations.
#[derive(Default)]
pub(super) struct Inbox {
    list: List,
    focus: Pane,
    thread: ThreadView,
    evidence_scroll: Scroll,
    evidence_hidden: bool,
    writing: Option<Writing>,
    /// Words that were begun and left, by conversation.
    begun: HashMap<Place, Editor>,
}

impl Inbox {
    fn row<'w>(&self, world: &'w World) -> Option<&'w Row> {
        world.rows.get(self.list.chosen()?).map(|row| &**row)
    }

    fn known<'w>(&self, world: &'w World) -> Option<&'w Thread> {
        world.threads.get(self.list.chosen()?)
    }

    fn begin_writing(&mut self, purpose: Purpose, row: &Row, text: Option<String>) {
        let begun = self.begun.remove(&row.place);
        let editor = text.map(Editor::with).or(begun).unwrap_or_default();
        self.focus = Pane::Thread;
        self.writing = Some(Writing { place: row.place.clone(), shopper: row.shopper().to_owned(), purpose, editor });
    }

    fn leave_writing(&mut self) {
        if let Some(writing) = self.writing.take()
            && !writing.editor.text().trim().is_empty()
            && writing.purpose == Purpose::Reply
        {
            self.begun.insert(writing.place, writing.editor);
        }
    }

    /// The words are ready: one more key, which is another one, sends them.
    fn stage(&mut self, world: &World) -> Vec<Command> {
        let Some(writing) = &self.writing else { return Vec::new() };
        let text = writing.editor.text().trim().to_owned();
        if text.is_empty() {
            return vec![Command::Warn(strings::NOTHING_WRITTEN.into())];
        }
        let (place, shopper) = (writing.place.clone(), writing.shopper.clone());
        let deed = match &writing.purpose {
            Purpose::Reply => Deed::Send(place, text.clone()),
            Purpose::InPlaceOf(draft) => Deed::EditDraft(place, draft.clone(), text.clone()),
        };
        let title = format!("Send to {shopper} of {}", writing.place.tenant);
        vec![ask_to_send(title, text, deed, shopper, world.rows.get(&writing.place).map(|row| &**row), world.now)]
    }

    fn approve(&self, row: &Row, world: &World) -> Vec<Command> {
        let Some(draft) = &row.conversation.draft else { return vec![no_draft()] };
        let Some(thread) = self.known(world) else { return vec![Command::Warn(strings::LOADING.into())] };
        let words = thread::draft_words(&thread.detail, &draft.id);
        let deed = Deed::Approve(row.place.clone(), draft.id.clone());
        let title = format!("Approve the draft to {} of {}", row.shopper(), row.place.tenant);
        vec![ask_to_send(title, words, deed, row.shopper().to_owned(), Some(row), world.now)]
    }

    fn reject(row: &Row) -> Vec<Command> {
        let Some(draft) = &row.conversation.draft else { return vec![no_draft()] };
        let confirm = Confirm {
            title: "Reject the draft".into(),
            body: format!("{} gets no answer from the assistant; the messages are left to people.", row.shopper()),
            key: 'y',
            verb: "reject it",
            then: Command::Do(Deed::Reject(row.place.clone(), draft.id.clone())),
        };
        vec![Command::Confirm(Box::new(confirm))]
    }

    fn assign(row: &Row, world: &World) -> Vec<Command> {
        let choice = |shown: &str, name: Option<&str>| {
            (shown.to_owned(), Command::Do(Deed::Assign(row.place.clone(), name.map(str::to_owned))))
        };
        let mut choices = vec![choice("me", Some("me"))];
        // Who else works here is known from what they have: the list of the staff is the operator's.
        let people = world.rows.iter().filter(|other| other.place.tenant == row.place.tenant).flat_map(|other| {
            let holder = other.conversation.takeover.as_ref().and_then(|takeover| takeover.holder.as_ref());
            holder.map(|holder| &holder.person).into_iter().chain(&other.conversation.assignee)
        });
        let names: BTreeSet<&str> = people.filter_map(|person| person.name.as_deref()).collect();
        choices.extend(names.into_iter().map(|name| choice(name, Some(name))));
        if row.conversation.assignee.is_some() {
            choices.push(choice("nobody", None));
        }
        vec![Command::Pick(Pick { title: "Responsible".into(), choices })]
    }

    fn label(row: &Row) -> Vec<Command> {
        let label = |name: &str| (name.to_owned(), Command::Do(Deed::Label(row.place.clone(), Some(name.to_owned()))));
        let mut choices: Vec<_> = LABELS.iter().map(|name| label(name)).collect();
        if row.conversation.label.is_some() {
            choices.insert(0, ("take the label off".into(), Command::Do(Deed::Label(row.place.clone(), None))));
        }
        vec![Command::Pick(Pick { title: "Label".into(), choices })]
    }

    fn open_picture(&self, world: &World) -> Vec<Command> {
        let Some(thread) = self.known(world) else { return vec![Command::Warn("open a conversation first".into())] };
        match thread::newest_picture(&thread.detail) {
            Some((message, number)) => {
                let place = Place { tenant: self.tenant(), id: thread.detail.conversation.id.clone() };
                vec![Command::Say("fetching the picture …".into()), Command::Do(Deed::Picture(place, message, number))]
            }
            None => vec![Command::Warn("there is no picture in this conversation".into())],
        }
    }

    fn tenant(&self) -> String {
        self.list.chosen().map(|place| place.tenant.clone()).unwrap_or_default()
    }

    /// Changes the list; another conversation is shown from its end.
    fn with_list(&mut self, change: impl FnOnce(&mut List)) {
        let before = self.list.chosen().cloned();
        change(&mut self.list);
        if self.list.chosen() != before.as_ref() {
            self.thread.follow();
            self.evidence_scroll.reset();
        }
    }

    /// Which panes are seen in `area`, with their places.
    fn layout(&self, area: Rect) -> Vec<(Pane, Rect)> {
        let three = area.width >= THREE_PANES && !self.evidence_hidden;
        let panes: Vec<(Pane, u16)> = match self.focus {
            _ if three => {
                let side = area.width * 3 / 10;
                vec![(Pane::List, side), (Pane::Thread, area.width - 2 * side), (Pane::Evidence, side)]
            }
            Pane::Evidence => vec![(Pane::Thread, area.width / 2), (Pane::Evidence, area.width - area.width / 2)],
            Pane::Thread if area.width < TWO_PANES => vec![(Pane::Thread, area.width)],
            Pane::List if area.width < TWO_PANES => vec![(Pane::List, area.width)],
            _ => {
                let list = (area.width * 4 / 10).max(34);
                vec![(Pane::List, list), (Pane::Thread, area.width - list)]
            }
        };
        let mut x = area.x;
        panes
            .into_iter()
            .map(|(pane, width)| {
                let place = Rect { x, width, ..area };
                x += width;
                (pane, place)
            })
            .collect()
    }
}

fn no_draft() -> Command {
    Command::Warn("no draft waits here".into())
}

/// Sending takes a key that is not the one that led here. Where another person has the conversation, that is asked about
/// with it.
fn ask_to_send(title: String, body: String, deed: Deed, shopper: String, row: Option<&Row>, now: Time) -> Command {
    let (body, verb, deed) = match row.and_then(Row::other_holder) {
        None => (body, "send it", deed),
        Some(holder) => {
            let held = format!("{} has this conversation since {}.", called(&holder.person), ago(holder.since, now));
            (format!("{held} Write in it all the same?\n\n{body}"), "send it anyway", anyway(deed))
        }
    };
    Command::Confirm(Box::new(Confirm { title, body, key: 's', verb, then: Command::Hold(deed, shopper) }))
}

/// What another person has is neither taken nor given back to the assistant in passing.
fn ask_to_take(row: &Row, now: Time) -> Vec<Command> {
    let Some(holder) = row.other_holder() else { return Vec::new() };
    let who = called(&holder.person);
    let confirm = Confirm {
        title: format!("{who} has this conversation"),
        body: format!("Since {}. Take it over from {who}? {who} sees it in the list.", ago(holder.since, now)),
        key: 's',
        verb: "take it over",
        then: Command::Do(anyway(Deed::TakeOver(row.place.clone()))),
    };
    vec![Command::Confirm(Box::new(confirm))]
}

fn anyway(deed: Deed) -> Deed {
    Deed::Anyway(Box::new(deed))
}

impl Screen for Inbox {
    fn scopes(&self) -> &'static [Scope] {
        if self.writing.is_some() { &[Scope::Writing] } else { &[Scope::Inbox] }
    }

    fn wants(&self, world: &World) -> Vec<Want> {
        let mut wants = vec![Want::once(Load::Inbox)];
        if let Some(place) = self.list.chosen() {
            wants.push(Want::once(Load::Thread(place.clone(), None)));
            if let Some(thread) = world.threads.get(place) {
                if let Some(turn) = evidence::shown_turn(&thread.detail) {
                    wants.push(Want::once(Load::Turn(place.clone(), turn.id.clone())));
                }
                // Somebody looks at the oldest message that is here: those before it are fetched.
                if thread.has_more && self.thread.at_top() {
                    let oldest = thread.detail.messages.first().map(|message| message.id.clone());
                    wants.push(Want::once(Load::Thread(place.clone(), oldest)));
                }
            }
        }
        wants
    }

    fn refresh(&mut self, world: &World) {
        self.with_list(|list| list.refresh(world));
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Command> {
        self.list.hold();
        match action {
            Action::NextPane | Action::Right => self.focus = self.focus.beside(1),
            Action::LastPane | Action::Left => self.focus = self.focus.beside(-1),
            Action::Enter if self.focus == Pane::List && self.list.chosen().is_some() => self.focus = Pane::Thread,
            Action::Evidence => {
                self.evidence_hidden = !self.evidence_hidden;
                self.focus = if self.focus == Pane::Evidence { Pane::Thread } else { Pane::Evidence };
                if self.evidence_hidden && self.focus == Pane::Evidence {
                    self.evidence_hidden = false;
                }
            }
            Action::Leave => self.leave_writing(),
            Action::Stage => return self.stage(world),
            Action::NewLine => {
                if let Some(writing) = &mut self.writing {
                    writing.editor.insert("\n");
                }
            }
            _ => {
                let Some(row) = self.row(world).cloned() else {
                    return vec![Command::Warn("choose a conversation first".into())];
                };
                return self.act_on(action, &row, world);
            }
        }
        Vec::new()
    }

    fn go(&mut self, way: Move, _world: &World) {
        match self.focus {
            Pane::List => self.with_list(|list| list.go(way)),
            Pane::Thread => self.thread.go(way),
            Pane::Evidence => self.evidence_scroll.go(way),
        }
    }

    fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    fn type_key(&mut self, key: KeyEvent) {
        if let Some(writing) = &mut self.writing {
            writing.editor.key(key);
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(writing) = &mut self.writing {
            writing.editor.insert(text);
        }
    }

    fn click(&mut self, hit: Hit, _world: &World) -> Vec<Command> {
        let (Hit::Pane(pane) | Hit::Row { pane, .. }) = hit else { return Vec::new() };
        if self.writing.is_none() {
            self.focus = Pane::ALL.get(pane).copied().unwrap_or_default();
        }
        if let Hit::Row { pane: 0, row } = hit {
            self.with_list(|list| list.choose(row));
        }
        Vec::new()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(self.list.filter())
    }

    fn set_filter(&mut self, filter: Filter, world: &World) {
        self.with_list(|list| list.set_filter(filter, world));
    }

    fn sorts(&self) -> (&'static [&'static str], usize, bool) {
        self.list.sorts()
    }

    fn sort(&mut self, by: usize, turned: bool, world: &World) {
        self.with_list(|list| list.sort(by, turned, world));
    }

    fn value(&self, world: &World) -> Option<String> {
        match (self.focus, self.known(world)) {
            (Pane::Thread, Some(thread)) => thread.detail.messages.iter().rev().find_map(|one| one.text.clone()),
            _ => self.list.chosen().map(|place| place.id.clone()),
        }
    }

    fn command(&self, _world: &World) -> Option<Vec<String>> {
        let Place { tenant, id } = self.list.chosen()?;
        Some(["aura", "conversation", "show", "-t", tenant, id].map(str::to_owned).into())
    }

    fn held(&mut self, deed: &Deed) {
        let deed = deed.plain().0;
        if let Deed::Send(place, _) = deed {
            self.begun.remove(place);
        }
        if let (Some(writing), Deed::Send(place, _) | Deed::EditDraft(place, ..)) = (&self.writing, deed)
            && writing.place == *place
        {
            self.writing = None;
        }
    }

    fn taken_back(&mut self, deed: &Deed) {
        if let Deed::Send(place, text) = deed.plain().0 {
            self.begun.entry(place.clone()).or_insert_with(|| Editor::with(text.clone()));
        }
    }

    fn heard(&mut self, incoming: &Incoming, world: &World) -> Vec<Command> {
        let Incoming::NotDone(deed, trouble) = incoming else { return Vec::new() };
        // What could not be sent is not lost: it is there again when somebody writes.
        if let Deed::Send(place, text) = deed.plain().0 {
            self.begun.entry(place.clone()).or_insert_with(|| Editor::with(text.clone()));
        }
        if !trouble.held {
            return Vec::new();
        }
        // Another person was faster than what was shown here.
        let (body, key) = (format!("{}.", trouble.what), 's');
        let (title, verb, then) = match deed.plain().0 {
            Deed::Send(place, _) | Deed::EditDraft(place, ..) | Deed::Approve(place, _) => {
                let shopper = world.rows.get(place).map_or_else(|| place.id.clone(), |row| row.shopper().to_owned());
                let title = format!("Nothing was sent to {shopper}");
                (title, "send it anyway", Command::Hold(anyway(deed.clone()), shopper))
            }
            deed => ("Nothing was done".into(), "do it anyway", Command::Do(anyway(deed.clone()))),
        };
        vec![Command::Confirm(Box::new(Confirm { title, body, key, verb, then }))]
    }

    fn back(&mut self, _world: &World) -> bool {
        match self.focus {
            Pane::List => false,
            Pane::Thread => {
                self.focus = Pane::List;
                true
            }
            Pane::Evidence => {
                self.focus = Pane::Thread;
                true
            }
        }
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        for (pane, place) in self.layout(area) {
            let focused = pane == self.focus;
            match pane {
                Pane::List => self.list.view(world, canvas, place, focused),
                Pane::Thread => {
                    self.thread.view(world, canvas, place, focused, self.list.chosen(), self.writing.as_ref());
                }
                Pane::Evidence => {
                    evidence::view(world, canvas, place, focused, self.list.chosen(), &self.evidence_scroll);
                }
            }
        }
    }
}

impl Inbox {
    fn act_on(&mut self, action: Action, row: &Row, world: &World) -> Vec<Command> {
        match action {
            Action::Reply => self.begin_writing(Purpose::Reply, row, None),
            Action::EditDraft => match (&row.conversation.draft, self.known(world)) {
                (Some(draft), Some(thread)) => {
                    let words = thread::draft_words(&thread.detail, &draft.id);
                    self.begin_writing(Purpose::InPlaceOf(draft.id.clone()), row, Some(words));
                }
                _ => return vec![no_draft()],
            },
            Action::TakeOver if row.other_holder().is_some() => return ask_to_take(row, world.now),
            Action::TakeOver if row.conversation.takeover.is_some() => {
                return vec![Command::Do(Deed::Release(row.place.clone()))];
            }
            Action::TakeOver => return vec![Command::Do(Deed::TakeOver(row.place.clone()))],
            Action::Approve => return self.approve(row, world),
            Action::Reject => return Self::reject(row),
            Action::Assign => return Self::assign(row, world),
            Action::Label => return Self::label(row),
            Action::OpenPicture => return self.open_picture(world),
            Action::Scope => {
                let one = format!("tenant:{}", row.place.tenant);
                let filter = if self.list.filter().text() == one { String::new() } else { one };
                return vec![Command::Visit(filter)];
            }
            _ => {}
        }
        Vec::new()
    }
}
