//! The whole monitor as one value: `update` takes what happened and says what to do, `view` draws and changes nothing.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
};

use aura::api::Time;
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use crate::{
    canvas::{Canvas, Hit},
    chrome,
    desktop::quoted,
    filter::Filter,
    fuzzy::nearest,
    keys::{Action, Key, Keymap, Scope, TABLE},
    outgoing::Outgoing,
    overlay::{Choice, Chosen, Overlay, Then},
    screens::{Command, Screen, ScreenId, Want},
    strings,
    table::{Cursor, Move},
    theme::{Ink, Theme},
    work::{Deed, Incoming, Load, Outcome},
    world::World,
};

/// How long a word at the foot stays.
const SAID_MS: i64 = 6_000;
/// How often the figures of the header are read.
const STATUS_MS: i64 = 5_000;
/// Conversations of one shop that are read again together.
const ROWS_TOGETHER: usize = 100;
/// Command lines that are remembered.
pub const HISTORY_MAX: usize = 200;
/// Rows that a wheel moves by.
const WHEEL_ROWS: usize = 3;

/// Short names of commands.
const ALIASES: &[(&str, &str)] = &[
    ("q", "quit"),
    ("q!", "quit"),
    ("wq", "quit"),
    ("i", "inbox"),
    ("l", "live"),
    ("t", "tenants"),
    ("c", "catalogue"),
    ("catalog", "catalogue"),
    ("m", "models"),
    ("s", "system"),
    ("h", "help"),
    ("f", "filter"),
    ("release", "takeover"),
];

/// What reaches the monitor.
#[derive(Debug)]
pub enum Event {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Pasted text.
    Paste(String),
    /// An answer, or something that happened.
    Incoming(Incoming),
    /// Time has passed.
    Tick(Time),
}

impl Event {
    /// How much there is to take in: rows and events.
    #[must_use]
    pub fn weight(&self) -> usize {
        if let Self::Incoming(incoming) = self { incoming.weight() } else { 1 }
    }
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read this.
    Load(Load),
    /// Do this.
    Do(Deed),
    /// Copy this.
    Copy(String),
    /// Remember this command line.
    Remember(String),
    /// Go back to the shell for a while.
    Suspend,
    /// End.
    Quit,
}

/// The monitor.
pub struct App {
    /// What is known.
    pub world: World,
    screens: Vec<Box<dyn Screen>>,
    current: ScreenId,
    overlay: Option<Overlay>,
    keymap: Keymap,
    theme: Theme,
    outgoing: Outgoing,
    said: Option<(Ink, String, Time)>,
    history: Vec<String>,
    hits: RefCell<Vec<(Rect, Hit)>>,
    last_click: Option<(Hit, Time)>,
}

impl App {
    /// A monitor that shows `screen`.
    #[must_use]
    pub fn new(now: Time, screen: ScreenId, keymap: Keymap, theme: Theme, history: Vec<String>) -> Self {
        Self {
            world: World::new(now),
            screens: ScreenId::ALL.into_iter().map(ScreenId::make).collect(),
            current: screen,
            overlay: None,
            keymap,
            theme,
            outgoing: Outgoing::default(),
            said: None,
            history,
            hits: RefCell::default(),
            last_click: None,
        }
    }

    /// Which screen is shown.
    #[must_use]
    pub const fn current(&self) -> ScreenId {
        self.current
    }

    /// Takes what has happened; several events at once cost one frame.
    pub fn update(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut changed = false;
        for event in events {
            match event {
                Event::Key(key) => effects.extend(self.key(key)),
                Event::Mouse(mouse) => effects.extend(self.mouse(mouse)),
                Event::Paste(text) => self.paste(&text),
                Event::Tick(now) => {
                    effects.extend(self.tick(now));
                    changed = true;
                }
                Event::Incoming(incoming) => {
                    effects.extend(self.incoming(incoming));
                    changed = true;
                }
            }
        }
        if changed {
            self.refresh();
        }
        effects.extend(self.wants());
        effects
    }

    /// Filters what is shown.
    pub fn filter_by(&mut self, filter: Filter) {
        let world = &self.world;
        self.screens[self.current as usize].set_filter(filter, world);
    }

    fn screen(&self) -> &dyn Screen {
        &*self.screens[self.current as usize]
    }

    fn screen_mut(&mut self) -> (&mut dyn Screen, &World) {
        (&mut *self.screens[self.current as usize], &self.world)
    }

    fn refresh(&mut self) {
        let (screen, world) = self.screen_mut();
        screen.refresh(world);
    }

    /// What the shown screen and the header need and nobody has asked for yet.
    fn wants(&mut self) -> Vec<Effect> {
        let mut wants = self.screen().wants(&self.world);
        wants.push(Want::every(Load::Status, STATUS_MS));
        let away = matches!(self.world.link, crate::world::Link::Lost(..) | crate::world::Link::Over(_));
        let mut effects = Vec::new();
        for Want { load, every_ms } in wants {
            // While nobody answers only the header asks, and seldom.
            if (!away || load == Load::Status) && self.world.wants(&load, every_ms) {
                effects.push(Effect::Load(load));
            }
        }
        if !away {
            effects.extend(self.world.take_stale(ROWS_TOGETHER).into_iter().map(Effect::Load));
        }
        effects
    }

    fn tick(&mut self, now: Time) -> Vec<Effect> {
        self.world.now = now;
        if self.said.as_ref().is_some_and(|(_, _, until)| until.0 <= now.0) {
            self.said = None;
        }
        self.outgoing.due(now).into_iter().map(|held| Effect::Do(held.deed)).collect()
    }

    fn incoming(&mut self, incoming: Incoming) -> Vec<Effect> {
        match &incoming {
            Incoming::Done(_, Outcome::Said(words)) => self.say(Ink::Good, words.clone()),
            Incoming::Done(_, Outcome::Compared(_)) => {}
            // The screen asks whether to go on.
            Incoming::NotDone(_, trouble) if trouble.held => {}
            Incoming::NotDone(_, trouble) => {
                let hint = trouble.hint.as_ref().map(|hint| format!(" - {hint}")).unwrap_or_default();
                self.say(Ink::Bad, format!("{}{hint}", trouble.what));
            }
            _ => {}
        }
        if let Incoming::Done(deed, _) = &incoming {
            self.after(deed);
        }
        let (screen, world) = self.screen_mut();
        let commands = screen.heard(&incoming, world);
        self.world.take_in(incoming);
        self.run(commands)
    }

    /// What a deed has made old is read again.
    fn after(&mut self, deed: &Deed) {
        match deed.plain().0 {
            Deed::Pause(..) | Deed::Mode(..) => self.world.forget(&Load::Status),
            Deed::UseModel(tenant, ..) => {
                self.world.forget(&Load::Models(tenant.clone()));
                self.world.forget(&Load::Health);
            }
            Deed::TakeOver(place)
            | Deed::Release(place)
            | Deed::Send(place, _)
            | Deed::Approve(place, _)
            | Deed::Reject(place, _)
            | Deed::EditDraft(place, ..)
            | Deed::Assign(place, _)
            | Deed::Label(place, _) => self.world.touch(place),
            Deed::Compare(..) | Deed::Picture(..) | Deed::Anyway(_) => {}
        }
    }

    fn say(&mut self, ink: Ink, words: impl Into<String>) {
        self.said = Some((ink, words.into(), Time(self.world.now.0 + SAID_MS)));
    }

    /// Shows what went wrong outside.
    pub fn warn(&mut self, words: String) {
        self.say(Ink::Bad, words);
    }

    fn paste(&mut self, text: &str) {
        match &mut self.overlay {
            Some(overlay) => overlay.paste(text),
            None => self.screens[self.current as usize].paste(text),
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        let mut scopes = self.screen().scopes().to_vec();
        if !self.screen().is_writing() {
            scopes.push(Scope::Everywhere);
        }
        scopes
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if let Some(overlay) = &mut self.overlay {
            let then = overlay.key(key, &self.keymap, &self.history);
            return self.follow(then);
        }
        match self.keymap.find(Key::of(key), &self.scopes()) {
            Some(action) => self.act(action),
            None if self.screen().is_writing() => {
                self.screens[self.current as usize].type_key(key);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn follow(&mut self, then: Then) -> Vec<Effect> {
        match then {
            Then::Stay => Vec::new(),
            Then::Close => {
                self.overlay = None;
                Vec::new()
            }
            Then::Choose(chosen) => {
                self.overlay = None;
                match chosen {
                    Chosen::Action(action) => self.act(action),
                    Chosen::Command(command) => self.run(vec![command]),
                }
            }
            Then::Run(line) => {
                self.overlay = None;
                self.run_line(&line)
            }
            Then::Filter(filter, close) => {
                self.filter_by(filter);
                if close {
                    self.overlay = None;
                }
                Vec::new()
            }
            Then::Sort(by, turned) => {
                self.overlay = None;
                let (screen, world) = self.screen_mut();
                screen.sort(by, turned, world);
                Vec::new()
            }
            Then::SendAndQuit => {
                let held = self.outgoing.flush().into_iter().map(|held| Effect::Do(held.deed));
                held.chain([Effect::Quit]).collect()
            }
            Then::DropAndQuit => vec![Effect::Quit],
        }
    }

    /// Does what was asked for.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        if let Some(screen) = action.screen() {
            self.show(screen);
            return Vec::new();
        }
        let way = match action {
            Action::Up => Some(Move::Up),
            Action::Down => Some(Move::Down),
            Action::HalfUp => Some(Move::HalfUp),
            Action::HalfDown => Some(Move::HalfDown),
            Action::Top => Some(Move::Top),
            Action::Bottom => Some(Move::Bottom),
            _ => None,
        };
        if let Some(way) = way {
            let (screen, world) = self.screen_mut();
            screen.go(way, world);
            return Vec::new();
        }
        match action {
            Action::Help => self.overlay = Some(Overlay::Help(0.into())),
            Action::Palette => self.overlay = Some(Overlay::Palette(self.palette())),
            Action::Prompt => self.overlay = Some(Overlay::Prompt(crate::editor::Editor::default(), 0, None)),
            Action::Filter => match self.screen().filter() {
                Some(filter) => {
                    self.overlay = Some(Overlay::Filter(crate::editor::Editor::with(filter.text()), None));
                }
                None => self.say(Ink::Wanted, "there is no list to filter here"),
            },
            Action::Sort => self.open_sort(),
            Action::CopyValue | Action::CopyCommand => return self.copy(action),
            Action::Undo => match self.outgoing.take_back() {
                Some(held) => {
                    // Only this screen writes to shoppers.
                    self.screens[ScreenId::Inbox as usize].taken_back(&held.deed);
                    self.say(Ink::Good, format!("taken back; {} gets nothing", held.shopper));
                }
                None => self.say(Ink::Wanted, strings::NOTHING_TO_UNDO),
            },
            Action::Refresh => {
                self.world.forget_what_was_read();
                self.say(Ink::Good, "reading again");
            }
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.quit(),
            Action::Back => self.back(),
            _ => {
                let (screen, world) = self.screen_mut();
                let commands = screen.act(action, world);
                return self.run(commands);
            }
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        match self.outgoing.held().len() {
            0 => vec![Effect::Quit],
            count => {
                self.overlay = Some(Overlay::Leaving(count));
                Vec::new()
            }
        }
    }

    fn back(&mut self) {
        let (screen, world) = self.screen_mut();
        if !screen.back(world) && screen.filter().is_some_and(|filter| !filter.is_empty()) {
            screen.set_filter(Filter::default(), world);
        }
    }

    fn show(&mut self, screen: ScreenId) {
        self.current = screen;
        self.refresh();
    }

    fn open_sort(&mut self) {
        let (columns, by, turned) = self.screen().sorts();
        if columns.is_empty() {
            return self.say(Ink::Wanted, "there is no list to sort here");
        }
        let mut cursor = Cursor::default();
        cursor.choose(by);
        self.overlay = Some(Overlay::Sort(columns, cursor, turned));
    }

    fn copy(&mut self, action: Action) -> Vec<Effect> {
        let copied = match action {
            Action::CopyValue => self.screen().value(&self.world),
            _ => self.screen().command(&self.world).map(|words| quoted(words.iter().map(String::as_str))),
        };
        match copied {
            Some(copied) => {
                self.say(Ink::Good, format!("copied {}", crate::text::clip(&copied, 60)));
                vec![Effect::Copy(copied)]
            }
            None => {
                self.say(Ink::Wanted, strings::NOTHING_TO_COPY);
                Vec::new()
            }
        }
    }

    /// Every action that means something now, every screen and every shop.
    fn palette(&self) -> Choice {
        let scopes = self.scopes();
        let mut all: Vec<(String, Chosen)> = TABLE
            .iter()
            .filter(|row| scopes.contains(&row.scope) && row.action != Action::Palette)
            .map(|row| (format!("{}  [{}]", row.help, self.keymap.shown(row.action)), Chosen::Action(row.action)))
            .collect();
        for tenant in self.world.tenants() {
            let visit = Command::Visit(format!("tenant:{tenant}"));
            all.push((format!("Shop {tenant}: conversations"), Chosen::Command(visit)));
        }
        Choice::new("Find", all)
    }

    fn run(&mut self, commands: Vec<Command>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for command in commands {
            match command {
                Command::Do(deed) => effects.push(Effect::Do(deed)),
                Command::Hold(deed, shopper) => {
                    self.screens[self.current as usize].held(&deed);
                    self.outgoing.hold(deed, shopper, self.world.now);
                }
                Command::Confirm(confirm) => self.overlay = Some(Overlay::Confirm(confirm)),
                Command::Pick(pick) => self.overlay = Some(Overlay::Pick(Choice::of(pick))),
                Command::Chose(choice) => self.screens[self.current as usize].chose(choice),
                Command::Visit(filter) => {
                    self.show(ScreenId::Inbox);
                    match Filter::parse(&filter) {
                        Ok(filter) => self.filter_by(filter),
                        Err(error) => self.say(Ink::Bad, error.to_string()),
                    }
                }
                Command::Say(words) => self.say(Ink::Good, words),
                Command::Warn(words) => self.say(Ink::Wanted, words),
                Command::Reload(loads) => loads.iter().for_each(|load| self.world.forget(load)),
            }
        }
        effects
    }

    /// Carries a command line out: the name of an action, `tenant SLUG`, `filter TERMS`, `theme NAME`.
    fn run_line(&mut self, line: &str) -> Vec<Effect> {
        let line = line.trim();
        if line.is_empty() {
            return Vec::new();
        }
        self.history.push(line.to_owned());
        let surplus = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..surplus);
        let mut effects = vec![Effect::Remember(line.to_owned())];
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (name, rest) =
            (ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name), rest.trim());
        match (name, rest) {
            ("tenant", slug) if !slug.is_empty() => {
                effects.extend(self.run(vec![Command::Visit(format!("tenant:{slug}"))]));
            }
            ("filter", terms) if !terms.is_empty() => match Filter::parse(terms) {
                Ok(filter) => self.filter_by(filter),
                Err(error) => self.say(Ink::Bad, error.to_string()),
            },
            ("theme", theme) => match Theme::named(theme) {
                Some(theme) => self.theme = theme,
                None => {
                    let names: Vec<_> = Theme::ALL.iter().map(|(name, _)| *name).collect();
                    self.say(Ink::Bad, format!("there is no theme `{theme}`; there are {}", names.join(", ")));
                }
            },
            (name, "") => match Action::named(name) {
                Some(action) if self.can(action) => effects.extend(self.act(action)),
                Some(action) => {
                    self.say(Ink::Wanted, format!("`{name}` means something on {}", action.row().scope.title()));
                }
                None => {
                    let names = TABLE.iter().map(|row| row.name).chain(["tenant", "filter", "theme"]);
                    let near = nearest(name, names).map(|near| format!("; did you mean `{near}`?"));
                    self.say(
                        Ink::Bad,
                        format!("there is no `:{name}`{}; ? shows what there is", near.unwrap_or_default()),
                    );
                }
            },
            (name, _) => self.say(Ink::Bad, format!("`:{name}` takes nothing behind it")),
        }
        effects
    }

    fn can(&self, action: Action) -> bool {
        action.row().scope == Scope::Everywhere || self.screen().scopes().contains(&action.row().scope)
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        let place = Position { x: mouse.column, y: mouse.row };
        // What was drawn last lies on top.
        let hit = self.hits.borrow().iter().rev().find(|(area, _)| area.contains(place)).map(|(_, hit)| *hit);
        if self.overlay.is_some() {
            return Vec::new();
        }
        match (mouse.kind, hit) {
            (MouseEventKind::Down(MouseButton::Left), Some(Hit::Tab(screen))) => {
                self.show(screen);
                Vec::new()
            }
            (MouseEventKind::Down(MouseButton::Left), Some(hit)) => {
                let (screen, world) = self.screen_mut();
                let commands = screen.click(hit, world);
                let effects = self.run(commands);
                // A second click on the same row goes in.
                let now = self.world.now;
                let twice = matches!(self.last_click, Some((last, at)) if last == hit && now.0 - at.0 < 1_000);
                self.last_click = if twice { None } else { Some((hit, now)) };
                match (twice, hit) {
                    (true, Hit::Row { .. }) => effects.into_iter().chain(self.act(Action::Enter)).collect(),
                    _ => effects,
                }
            }
            (MouseEventKind::ScrollDown | MouseEventKind::ScrollUp, Some(hit)) => {
                let way = if mouse.kind == MouseEventKind::ScrollDown { Move::Down } else { Move::Up };
                let (screen, world) = self.screen_mut();
                if let Hit::Row { pane, .. } | Hit::Pane(pane) = hit {
                    screen.click(Hit::Pane(pane), world);
                }
                for _ in 0..WHEEL_ROWS {
                    screen.go(way, world);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Draws everything.
    pub fn view(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let mut canvas = Canvas::new(frame, self.theme, self.world.now, &self.hits);
        if area.width < chrome::LEAST_CELLS || area.height < chrome::LEAST_ROWS {
            canvas.empty(area, strings::TOO_SMALL);
            return;
        }
        let [head, body, foot] = chrome::parts(area);
        chrome::head(&mut canvas, head, self.current, &self.world);
        self.screen().view(&self.world, &mut canvas, body);
        let said = self.said.as_ref().map(|(ink, words, _)| (*ink, words.as_str()));
        chrome::foot(&mut canvas, foot, &self.keymap, &self.scopes(), said, self.outgoing.held());
        if let Some(overlay) = &self.overlay {
            overlay.view(&mut canvas, area, &self.keymap, &self.scopes());
        }
    }
}

/// Earlier command lines, as they are kept: one a line, the newest last.
#[must_use]
pub fn read_history(text: &str) -> Vec<String> {
    let lines: VecDeque<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let surplus = lines.len().saturating_sub(HISTORY_MAX);
    lines.into_iter().skip(surplus).map(str::to_owned).collect()
}

/// Settings of keys by the name of the action.
pub type KeySettings = BTreeMap<String, Vec<String>>;
