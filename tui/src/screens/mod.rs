//! The screens, one file each, and the one place where they are registered. A screen holds what a person has chosen and
//! written; what is known of Aura is in the [`World`].

mod catalogue;
mod inbox;
mod live;
mod models;
mod parts;
mod system;
mod tenants;

use aura::api::Time;
use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::{
    canvas::{Canvas, Hit},
    filter::Filter,
    keys::{Action, Scope},
    table::Move,
    work::{Deed, Incoming, Load},
    world::World,
};

/// Names a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScreenId {
    /// Conversations.
    Inbox,
    /// Events.
    Live,
    /// Shops.
    Tenants,
    /// Products.
    Catalogue,
    /// Models.
    Models,
    /// The installation.
    System,
}

impl ScreenId {
    /// Every screen, in the order of the tabs.
    pub const ALL: [Self; 6] = [Self::Inbox, Self::Live, Self::Tenants, Self::Catalogue, Self::Models, Self::System];

    /// Its name for `--dump` and `:`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Live => "live",
            Self::Tenants => "tenants",
            Self::Catalogue => "catalogue",
            Self::Models => "models",
            Self::System => "system",
        }
    }

    /// The screen of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| screen.name() == name)
    }

    /// The action that shows it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Inbox => Action::GoInbox,
            Self::Live => Action::GoLive,
            Self::Tenants => Action::GoTenants,
            Self::Catalogue => Action::GoCatalogue,
            Self::Models => Action::GoModels,
            Self::System => Action::GoSystem,
        }
    }

    /// As its tab names it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::Live => "Live",
            Self::Tenants => "Tenants",
            Self::Catalogue => "Catalogue",
            Self::Models => "Models",
            Self::System => "System",
        }
    }

    /// A new one.
    #[must_use]
    pub fn make(self) -> Box<dyn Screen> {
        match self {
            Self::Inbox => Box::new(inbox::Inbox::default()),
            Self::Live => Box::new(live::Live::default()),
            Self::Tenants => Box::new(tenants::Tenants::default()),
            Self::Catalogue => Box::new(catalogue::Catalogue::default()),
            Self::Models => Box::new(models::Models::default()),
            Self::System => Box::new(system::System::default()),
        }
    }
}

/// What a screen asks of the monitor.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Changes something in Aura, at once.
    Do(Deed),
    /// Writes to a shopper: it goes out when the time for taking it back is over. The name is the shopper's.
    Hold(Deed, String),
    /// Asks once more, with a key of its own, before `then`.
    Confirm(Box<Confirm>),
    /// Lets one of these be chosen.
    Pick(Pick),
    /// This was chosen; the screen knows for what.
    Chose(String),
    /// Shows the inbox with this filter.
    Visit(String),
    /// Shows a word for a while.
    Say(String),
    /// The same, for what is wrong.
    Warn(String),
    /// Lets these be read again now.
    Reload(Vec<Load>),
}

/// A question before something is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    /// What is about to happen.
    pub title: String,
    /// With what.
    pub body: String,
    /// The key that does it; never the one that led here.
    pub key: char,
    /// What the key does.
    pub verb: &'static str,
    /// What follows.
    pub then: Command,
}

/// Things of which one is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// What is chosen.
    pub title: String,
    /// What there is, and what follows.
    pub choices: Vec<(String, Command)>,
}

/// How often what a screen shows is read again while it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// What.
    pub load: Load,
    /// After so many milliseconds; `None`: only when something says that it is old.
    pub every_ms: Option<i64>,
}

impl Want {
    /// Once.
    #[must_use]
    pub const fn once(load: Load) -> Self {
        Self { load, every_ms: None }
    }

    /// Again and again.
    #[must_use]
    pub const fn every(load: Load, every_ms: i64) -> Self {
        Self { load, every_ms: Some(every_ms) }
    }
}

/// One screen.
pub trait Screen {
    /// Where keys mean something now, the innermost first.
    fn scopes(&self) -> &'static [Scope];

    /// What it shows and has to be read for it.
    fn wants(&self, world: &World) -> Vec<Want>;

    /// Makes its rows anew from what is known.
    fn refresh(&mut self, world: &World);

    /// Does what was asked for.
    fn act(&mut self, action: Action, world: &World) -> Vec<Command>;

    /// Something was chosen that it had asked for.
    fn chose(&mut self, _choice: String) {}

    /// Moves in the list that takes the keys.
    fn go(&mut self, way: Move, world: &World);

    /// Whether a field takes what is typed.
    fn is_writing(&self) -> bool {
        false
    }

    /// Takes a key into the field that is written in.
    fn type_key(&mut self, _key: KeyEvent) {}

    /// Takes pasted text into it.
    fn paste(&mut self, _text: &str) {}

    /// A click on something of its own.
    fn click(&mut self, hit: Hit, world: &World) -> Vec<Command>;

    /// What it is filtered by; `None`: it has no list.
    fn filter(&self) -> Option<&Filter> {
        None
    }

    /// Filters by this.
    fn set_filter(&mut self, _filter: Filter, _world: &World) {}

    /// What it can be sorted by, and by which it is: the place, and whether it is turned round.
    fn sorts(&self) -> (&'static [&'static str], usize, bool) {
        (&[], 0, false)
    }

    /// Sorts by this.
    fn sort(&mut self, _by: usize, _turned: bool, _world: &World) {}

    /// What `y` copies.
    fn value(&self, world: &World) -> Option<String>;

    /// The words of the command that `Y` copies.
    fn command(&self, world: &World) -> Option<Vec<String>>;

    /// What it asked to send is about to go out.
    fn held(&mut self, _deed: &Deed) {}

    /// It was taken back.
    fn taken_back(&mut self, _deed: &Deed) {}

    /// Something that it asked for has come.
    fn heard(&mut self, _incoming: &Incoming, _world: &World) -> Vec<Command> {
        Vec::new()
    }

    /// Whether esc still has something to leave.
    fn back(&mut self, world: &World) -> bool;

    /// Draws it.
    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect);
}

/// When a shopper who waits is given back to the assistant; `None`: not by a clock.
#[must_use]
pub fn takeover_ends_at(conversation: &aura::api::Conversation) -> Option<Time> {
    conversation.takeover.as_ref()?.ends_at
}
