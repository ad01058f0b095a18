//! The one key table: what can be asked for, with which key, where. The help, the footer, the palette, the command line
//! and `docs/keys.md` are made from it, so none of them can say anything else.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::screens::ScreenId;

/// Where a key means something. An inner place is asked before an outer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    /// On the screen of conversations.
    Inbox,
    /// While a message to a shopper is written.
    Writing,
    /// While words to search for are written.
    Searching,
    /// On the screen of events.
    Live,
    /// On the screen of shops.
    Tenants,
    /// On the screen of products.
    Catalogue,
    /// On the screen of models.
    Models,
    /// On the screen of the installation.
    System,
}

impl Scope {
    /// As headings name it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Inbox => "Inbox",
            Self::Writing => "Writing a message",
            Self::Searching => "Writing what to search for",
            Self::Live => "Live",
            Self::Tenants => "Tenants",
            Self::Catalogue => "Catalogue",
            Self::Models => "Models",
            Self::System => "System",
        }
    }
}

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Text that names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write a character, or enter, esc, tab, space, up, f5, ctrl-d, alt-enter …")]
pub struct InvalidKey(String);

/// Keys that have a name instead of a character.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl Key {
    /// Reads `g`, `G`, `ctrl-d`, `alt-enter`, `f5`.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let wrong = || InvalidKey(text.to_owned());
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (held, after) = match rest.split_once('-') {
                Some(("ctrl", after)) if !after.is_empty() => (KeyModifiers::CONTROL, after),
                Some(("alt", after)) if !after.is_empty() => (KeyModifiers::ALT, after),
                _ => break,
            };
            modifiers |= held;
            rest = after;
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let mut characters = rest.chars();
        let code = match (named, characters.next(), characters.next()) {
            (Some(code), ..) => code,
            (None, Some(character), None) => KeyCode::Char(character),
            (None, Some('f'), Some(_)) => KeyCode::F(rest[1..].parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        Ok(Self { code, modifiers })
    }

    /// The key that a terminal reports. Shift is in the character already.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            // Terminals differ in how they report shift and tab.
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Self { code: KeyCode::BackTab, modifiers },
            code => Self { code, modifiers },
        }
    }

    /// The character, if nothing is held down beside it.
    #[must_use]
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if self.modifiers.is_empty() => Some(character),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(character)) => write!(f, "{character}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

/// One thing that can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What.
    pub action: Action,
    /// Its name for `:` and for settings.
    pub name: &'static str,
    /// The keys that ask for it, as they come.
    pub keys: &'static [&'static str],
    /// Where they mean it.
    pub scope: Scope,
    /// What it does, imperative, without a full stop.
    pub help: &'static str,
    /// Its word in the footer, where it is one of the few that are shown.
    pub footer: Option<&'static str>,
}

macro_rules! actions {
    ($($scope:ident $action:ident $name:literal [$($key:literal)*] $help:literal $($footer:literal)?;)*) => {
        /// What can be asked for, with a key, from the palette or on the command line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $help] $action,)* }

        /// Every row, as the help shows them.
        pub const TABLE: &[Row] = &[$(Row {
            action: Action::$action,
            name: $name,
            keys: &[$($key,)*],
            scope: Scope::$scope,
            help: $help,
            footer: actions!(@footer $($footer)?),
        },)*];
    };
    (@footer) => { None };
    (@footer $footer:literal) => { Some($footer) };
}

actions! {
    Inbox      Reply        "reply"        ["r"]                "Write to the shopper as a person" "reply";
    Inbox      TakeOver     "takeover"     ["t"]                "Take the conversation over, or release it" "take over";
    Inbox      Approve      "approve"      ["a"]                "Approve the draft that waits" "approve";
    Inbox      Reject       "reject"       ["x"]                "Reject the draft that waits";
    Inbox      EditDraft    "edit-draft"   ["e"]                "Send other words in the draft's place";
    Inbox      OpenPicture  "open"         ["o"]                "Open a harmless copy of the newest picture, or the one selected";
    Inbox      Assign       "assign"       ["A"]                "Make somebody responsible for the conversation, or nobody";
    Inbox      Label        "label"        ["L"]                "Label the conversation as no customer matter, or clear its label";
    Inbox      Scope        "scope"        ["T"]                "Show conversations of this shop alone, or of all";
    Inbox      Evidence     "evidence"     ["v"]                "Show or hide what the answer rests on";
    Writing    Stage        "stage"        ["enter"]            "Make the message ready; nothing is sent yet" "ready";
    Writing    NewLine      "newline"      ["alt-enter" "ctrl-j"] "Begin a new line" "new line";
    Writing    Leave        "leave"        ["esc" "ctrl-c"]     "Stop writing; the words are kept" "stop";
    Searching  Find         "find"         ["enter"]            "Search for these words" "search";
    Live       Pause        "pause"        ["space" "p"]        "Stop the list while you look; nothing is lost" "pause";
    Tenants    PauseTenant  "tenant-pause" ["p"]                "Silence the shop's assistant, or let it answer again" "pause shop";
    Tenants    Mode         "mode"         ["m"]                "Choose how far the assistant may go" "mode";
    Tenants    Visit        "visit"        ["c"]                "Show this shop's conversations" "conversations";
    Catalogue  Search       "search"       ["i" "s"]            "Write what a shopper would ask for" "search";
    Catalogue  NextTenant   "next-tenant"  ["n"]                "Search in the next shop" "next shop";
    Catalogue  LastTenant   "last-tenant"  ["N"]                "Search in the shop before";
    Models     Swap         "swap"         ["m"]                "Choose another model for this shop and role" "swap";
    Models     Compare      "compare"      ["c"]                "Ask two models one question" "compare";
    System     Check        "check"        ["d"]                "Run the checks of `aura doctor`" "check-up";
    Everywhere Up           "up"           ["up" "k"]           "Go up";
    Everywhere Down         "down"         ["down" "j"]         "Go down";
    Everywhere Left         "left"         ["left" "h"]         "Go to the pane on the left";
    Everywhere Right        "right"        ["right" "l"]        "Go to the pane on the right";
    Everywhere Top          "top"          ["g" "home"]         "Go to the top";
    Everywhere Bottom       "bottom"       ["G" "end"]          "Go to the bottom";
    Everywhere HalfDown     "half-down"    ["ctrl-d" "pgdn"]    "Go half a page down";
    Everywhere HalfUp       "half-up"      ["ctrl-u" "pgup"]    "Go half a page up";
    Everywhere NextPane     "next-pane"    ["tab"]              "Go to the next pane";
    Everywhere LastPane     "last-pane"    ["backtab"]          "Go to the pane before";
    Everywhere Enter        "enter"        ["enter"]            "Go in" "open";
    Everywhere Back         "back"         ["esc"]              "Go back; take a filter off";
    Everywhere Filter       "filter"       ["/"]                "Filter the list" "filter";
    Everywhere Sort         "sort"         ["S"]                "Sort the list";
    Everywhere Undo         "undo"         ["u"]                "Take back what is about to be sent";
    Everywhere CopyValue    "copy"         ["y"]                "Copy the value";
    Everywhere CopyCommand  "copy-command" ["Y"]                "Copy the aura command that says the same";
    Everywhere Refresh      "refresh"      ["R" "f5"]           "Read everything again";
    Everywhere GoInbox      "inbox"        ["1"]                "Show conversations";
    Everywhere GoLive       "live"         ["2"]                "Show what happens as it happens";
    Everywhere GoTenants    "tenants"      ["3"]                "Show the shops";
    Everywhere GoCatalogue  "catalogue"    ["4"]                "Show products as the assistant finds them";
    Everywhere GoModels     "models"       ["5"]                "Show what answers";
    Everywhere GoSystem     "system"       ["6"]                "Show how the installation is";
    Everywhere Palette      "palette"      ["ctrl-k"]           "Find any action or shop";
    Everywhere Prompt       "prompt"       [":"]                "Write a command";
    Everywhere Help         "help"         ["?"]                "Show the keys" "help";
    Everywhere Suspend      "suspend"      ["ctrl-z"]           "Go back to the shell for a while";
    Everywhere Quit         "quit"         ["q" "ctrl-c"]       "Leave" "quit";
}

impl Action {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // Each action has exactly one row: both come from one macro.
        TABLE.iter().find(|row| row.action == self).unwrap_or(&TABLE[0])
    }

    /// The action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }

    /// The screen that it shows.
    #[must_use]
    pub const fn screen(self) -> Option<ScreenId> {
        Some(match self {
            Self::GoInbox => ScreenId::Inbox,
            Self::GoLive => ScreenId::Live,
            Self::GoTenants => ScreenId::Tenants,
            Self::GoCatalogue => ScreenId::Catalogue,
            Self::GoModels => ScreenId::Models,
            Self::GoSystem => ScreenId::System,
            _ => return None,
        })
    }
}

/// Why keys cannot be set so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No action has this name.
    #[error("there is no action `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownAction {
        /// What was written.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
    },
    /// One of its keys is none.
    #[error("keys of `{action}`: {source}")]
    Key {
        /// Whose.
        action: String,
        /// Which.
        #[source]
        source: InvalidKey,
    },
    /// One key would mean two things in one place.
    #[error("`{key}` would mean both `{first}` and `{second}`")]
    Twice {
        /// Which.
        key: String,
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// The keys as they are set.
#[derive(Clone, Debug)]
pub struct Keymap {
    by_key: HashMap<(Scope, Key), Action>,
    of: Vec<Vec<Key>>,
}

impl Keymap {
    /// The table with `changed` in it: action name → keys in place of its own.
    pub fn new(changed: &BTreeMap<String, Vec<String>>) -> Result<Self, KeysError> {
        for name in changed.keys() {
            if Action::named(name).is_none() {
                let nearest = crate::fuzzy::nearest(name, TABLE.iter().map(|row| row.name));
                return Err(KeysError::UnknownAction { name: name.clone(), nearest: nearest.map(str::to_owned) });
            }
        }
        let mut map = Self { by_key: HashMap::new(), of: Vec::with_capacity(TABLE.len()) };
        for row in TABLE {
            let own = || row.keys.iter().map(|&key| key.to_owned()).collect();
            let texts: Vec<String> = changed.get(row.name).cloned().unwrap_or_else(own);
            let parse =
                |text: &String| Key::parse(text).map_err(|source| KeysError::Key { action: row.name.into(), source });
            let keys = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            for key in &keys {
                if let Some(other) = map.by_key.insert((row.scope, *key), row.action) {
                    let (first, second) = (other.row().name, row.name);
                    return Err(KeysError::Twice { key: key.to_string(), first, second });
                }
            }
            map.of.push(keys);
        }
        Ok(map)
    }

    /// What a key asks for in `scopes`, the innermost first.
    #[must_use]
    pub fn find(&self, key: Key, scopes: &[Scope]) -> Option<Action> {
        scopes.iter().find_map(|&scope| self.by_key.get(&(scope, key)).copied())
    }

    /// The keys of an action.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        let at = TABLE.iter().position(|row| row.action == action);
        at.and_then(|at| self.of.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Its first key, or nothing.
    #[must_use]
    pub fn shown(&self, action: Action) -> String {
        self.keys(action).first().map(ToString::to_string).unwrap_or_default()
    }
}

/// `docs/keys.md`.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Keys of `aura tui`\n\nMade from the key table in `tui/src/keys.rs`; a test keeps it fresh. The name of an action is what \
         `:` and the\nsetting `tui.keys` take.\n",
    );
    let mut scopes: Vec<Scope> = TABLE.iter().map(|row| row.scope).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for scope in scopes {
        text.push_str(&format!("\n## {}\n\n| keys | action | |\n|---|---|---|\n", scope.title()));
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            let keys: Vec<String> = row.keys.iter().map(|key| format!("`{key}`")).collect();
            text.push_str(&format!("| {} | `{}` | {} |\n", keys.join(" "), row.name, row.help));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_no_key_twice_in_one_place() {
        Keymap::new(&BTreeMap::new()).expect("the table is sound");
    }

    #[test]
    fn every_key_is_read_as_it_is_shown() {
        for text in TABLE.iter().flat_map(|row| row.keys) {
            assert_eq!(Key::parse(text).expect("a key").to_string(), *text);
        }
        for wrong in ["", "ctrl-", "hyper-x", "ab", "fx"] {
            assert!(Key::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Key::parse("-").expect("a key").to_string(), "-");
        assert_eq!(Key::parse("ctrl--").expect("a key").to_string(), "ctrl--");
    }

    #[test]
    fn a_changed_key_takes_the_place_of_its_own_and_mistakes_are_named() {
        let changed = |name: &str, key: &str| Keymap::new(&BTreeMap::from([(name.to_owned(), vec![key.to_owned()])]));
        let map = changed("quit", "ctrl-q").expect("a free key");
        let ctrl_q = Key::parse("ctrl-q").expect("a key");
        let q = Key::parse("q").expect("a key");
        assert_eq!(map.find(ctrl_q, &[Scope::Inbox, Scope::Everywhere]), Some(Action::Quit));
        assert_eq!(map.find(q, &[Scope::Everywhere]), None);
        assert_eq!(
            changed("quti", "x").expect_err("no such action").to_string(),
            "there is no action `quti`; did you mean `quit`?"
        );
        assert!(changed("quit", "hyper-x").expect_err("no such key").to_string().starts_with("keys of `quit`"));
        assert_eq!(changed("quit", "/").expect_err("taken").to_string(), "`/` would mean both `filter` and `quit`");
    }

    #[test]
    fn no_place_shows_more_than_six_keys_of_its_own_in_the_footer() {
        for scope in TABLE.iter().map(|row| row.scope) {
            let shown = TABLE.iter().filter(|row| row.scope == scope && row.footer.is_some()).count();
            assert!(shown <= 6, "{scope:?}: {shown}");
        }
    }

    #[test]
    fn the_page_of_keys_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/keys.md");
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(path, page()).expect("the page is written");
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(there, page(), "refresh it with INSTA_UPDATE=always");
    }
}
