//! `aura __complete`: what can stand where somebody presses tab. The scripts of `aura completion` ask it.
//!
//! Commands, options and words of a fixed set come from the grammar; names of tenants, conversations, models, people and
//! products from a running daemon, at most for [`PATIENCE_MS`]. It says nothing when none runs, and never fails: nobody wants to
//! read of an error in the middle of a line. No value leaves it that a shell could take for more than a word.

mod values;

use std::{
    collections::HashMap,
    ffi::OsString,
    io::{self, Write},
    time::Duration,
};

use aura::terminal::one_line;
use clap::{Arg, ArgAction, Command};

use crate::cli;
use values::Kind;

/// How long somebody waits at most for names, in milliseconds, unless `AURA_COMPLETION_MS` says otherwise.
const PATIENCE_MS: u64 = 400;
/// The most candidates; whoever sees more writes a letter first.
const CANDIDATES_MAX: usize = 200;
/// Widest a description is.
const ABOUT_COLUMNS: usize = 60;
/// The word behind `aura` that asks.
const ASKS: &str = "__complete";
/// Letters of a value that every shell takes as they are.
const PLAIN: &str = "._:/@%+=,-";

/// The script that makes a shell ask; `None`: one that asks nothing.
pub fn script(shell: &str) -> Option<&'static str> {
    Some(match shell {
        "bash" => include_str!("aura.bash"),
        "zsh" => include_str!("aura.zsh"),
        "fish" => include_str!("aura.fish"),
        _ => return None,
    })
}

/// What can stand at a place, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    value: String,
    about: String,
}

impl Candidate {
    fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), about: about.into() }
    }
}

/// Answers if the process was started to be asked. `true`: it was, and is done.
pub fn answers(mut words: impl Iterator<Item = OsString>) -> bool {
    if words.by_ref().nth(1).is_none_or(|word| word != ASKS) {
        return false;
    }
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let words = match words.split_first() {
        Some((first, rest)) if first == "--" => rest.to_vec(),
        Some((first, rest)) if first == "--line" => split(&rest.join(" ")),
        _ => words,
    };
    let lines: String = candidates(&words)
        .into_iter()
        .filter(|candidate| is_plain(&candidate.value))
        .take(CANDIDATES_MAX)
        .map(|Candidate { value, about }| {
            let about = console::truncate_str(&one_line(&about), ABOUT_COLUMNS, "…").into_owned();
            format!("{value}\t{about}\n")
        })
        .collect();
    // The shell may have gone on without us.
    let _ = io::stdout().write_all(lines.as_bytes());
    true
}

fn patience() -> Duration {
    let set = std::env::var("AURA_COMPLETION_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(set.unwrap_or(PATIENCE_MS))
}

/// Whether a shell takes the value for one word, whatever is around it.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.chars().all(|letter| letter.is_ascii_alphanumeric() || PLAIN.contains(letter) || letter == '_')
}

/// The words of a line behind the program's own, the last one as far as it is written. Quotes and backslashes are taken
/// off as far as they are there: nobody is refused for a quote that is still open.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let (mut quote, mut letters) = (None, line.chars());
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('\''), letter) => word.push(letter),
            (_, '\\') => word.extend(letters.next()),
            (Some(_), letter) => word.push(letter),
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, letter) if letter.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (None, letter) => word.push(letter),
        }
    }
    words.push(word);
    let is_setting = |word: &String| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    let before = words.iter().take_while(|word| is_setting(word)).count();
    words.split_off((before + 1).min(words.len()))
}

/// Where in the grammar a line is.
struct Place {
    /// `conversation show`.
    name: String,
    command: Command,
    /// What options were given, by their argument's name.
    given: HashMap<String, String>,
    /// Positional words before this one.
    positional: usize,
    /// The option whose value is being written.
    pending: Option<Arg>,
    /// Behind `--` nothing is an option.
    rest: bool,
}

impl Place {
    fn of(words: &[String]) -> Self {
        let mut grammar = cli::grammar();
        // Options of every command reach every command only then.
        grammar.build();
        let mut place = Self {
            name: String::new(),
            command: grammar,
            given: HashMap::new(),
            positional: 0,
            pending: None,
            rest: false,
        };
        words.iter().for_each(|word| place.take(word));
        place
    }

    fn take(&mut self, word: &str) {
        if let Some(arg) = self.pending.take() {
            self.given.insert(arg.get_id().to_string(), word.to_owned());
        } else if !self.rest && word == "--" {
            self.rest = true;
        } else if let (false, Some(option)) = (self.rest, word.strip_prefix("--")) {
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let found = self.command.get_arguments().find(|arg| arg.get_long() == Some(name)).cloned();
            self.option(found, value);
        } else if let (false, Some(short)) = (self.rest, word.strip_prefix('-').and_then(|rest| rest.chars().next())) {
            let found = self.command.get_arguments().find(|arg| arg.get_short() == Some(short)).cloned();
            let value = &word[1 + short.len_utf8()..];
            self.option(found, Some(value).filter(|value| !value.is_empty()));
        } else if let (0, Some(inner)) = (self.positional, self.command.find_subcommand(word).cloned()) {
            self.name = format!("{} {}", self.name, inner.get_name()).trim().to_owned();
            self.command = inner;
        } else {
            self.positional += 1;
        }
    }

    fn option(&mut self, found: Option<Arg>, value: Option<&str>) {
        let Some(arg) = found.filter(takes_value) else { return };
        match value {
            Some(value) => _ = self.given.insert(arg.get_id().to_string(), value.to_owned()),
            None if arg.is_require_equals_set() => {}
            None => self.pending = Some(arg),
        }
    }

    /// The argument whose value a positional word is.
    fn next_positional(&self) -> Option<&Arg> {
        let many = |arg: &&Arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1);
        self.command.get_positionals().nth(self.positional).or_else(|| self.command.get_positionals().find(many))
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// What can stand in place of the last word.
fn candidates(words: &[String]) -> Vec<Candidate> {
    let Some((word, before)) = words.split_last() else { return Vec::new() };
    let place = Place::of(before);
    let mut found = if let Some(arg) = &place.pending {
        of_argument(&place, arg, word)
    } else if let (false, Some((option, value))) = (place.rest, word.split_once('=').filter(|_| word.starts_with("--")))
    {
        let arg = place.command.get_arguments().find(|arg| arg.get_long() == option.strip_prefix("--"));
        let found = arg.map(|arg| of_argument(&place, arg, value)).unwrap_or_default();
        found.into_iter().map(|one| Candidate { value: format!("{option}={}", one.value), ..one }).collect()
    } else if !place.rest && word.starts_with('-') {
        options(&place)
    } else {
        let mut found = if place.positional == 0 { commands(&place) } else { Vec::new() };
        found.extend(place.next_positional().map(|arg| of_argument(&place, arg, word)).unwrap_or_default());
        found
    };
    found.retain(|candidate| candidate.value.starts_with(word.as_str()));
    found
}

fn commands(place: &Place) -> Vec<Candidate> {
    let seen = place.command.get_subcommands().filter(|command| !command.is_hide_set());
    seen.map(|command| {
        Candidate::new(command.get_name(), command.get_about().map(ToString::to_string).unwrap_or_default())
    })
    .collect()
}

/// Long names alone: whoever knows the short ones has written them already.
fn options(place: &Place) -> Vec<Candidate> {
    let seen = place.command.get_arguments().filter(|arg| !arg.is_hide_set());
    let option = |arg: &Arg| {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Candidate::new(format!("--{}", arg.get_long()?), about))
    };
    seen.filter_map(option).collect()
}

fn of_argument(place: &Place, arg: &Arg, word: &str) -> Vec<Candidate> {
    let known = arg.get_possible_values();
    if !known.is_empty() && takes_value(arg) {
        let seen = known.iter().filter(|value| !value.is_hide_set());
        return seen
            .map(|value| {
                Candidate::new(value.get_name(), value.get_help().map(ToString::to_string).unwrap_or_default())
            })
            .collect();
    }
    match Kind::of(&place.name, arg.get_id().as_str()) {
        Some(kind) => values::ask(kind, word, &place.given),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> Vec<String> {
        candidates(&split(line)).into_iter().map(|candidate| candidate.value).collect()
    }

    #[test]
    fn commands_options_and_words_of_a_set_are_offered_where_they_can_stand() {
        assert_eq!(offered("aura conv"), ["conversation"]);
        assert_eq!(offered("AURA_TENANT=x aura conversation ta"), ["takeover"]);
        assert!(offered("aura ").contains(&"tenant".to_owned()) && !offered("aura ").contains(&"bench".to_owned()));
        assert_eq!(offered("aura conversation list --stat"), ["--state"]);
        assert_eq!(offered("aura conversation list --state wa"), ["waiting"]);
        assert_eq!(offered("aura conversation list --state=wa"), ["--state=waiting"]);
        assert_eq!(offered("aura conversation label -t noor conv_1 sp"), ["spam"]);
        assert_eq!(offered("aura -q conversation list --no-pag"), ["--no-pager"], "options of every command");
        assert_eq!(offered("aura completion b"), ["bash"]);
        assert!(offered("aura conversation send -t noor conv_1 -- --").is_empty(), "nothing is an option there");
        assert!(offered("aura nonsense wor").is_empty());
    }

    #[test]
    fn a_line_is_cut_into_words_as_a_shell_would() {
        assert_eq!(
            split("aura tenant add 'two words' \"a \\\" b\" c\\ d "),
            ["tenant", "add", "two words", "a \" b", "c d", ""]
        );
        assert_eq!(split("aura tail \"open"), ["tail", "open"]);
        assert_eq!(split("aura"), [""; 0]);
        assert_eq!(split("aura "), [""]);
    }

    #[test]
    fn what_a_shell_could_take_for_more_than_a_word_is_not_offered() {
        for good in
            ["noor", "conv_0192f5c8-0000", "gemini:gemini-3.5-flash", "gid://shopify/Product/7982", "--state=waiting"]
        {
            assert!(is_plain(good), "{good}");
        }
        for wrong in
            ["", "a b", "a;reboot", "$(reboot)", "`id`", "*", "a\nb", "~", "\u{1b}[31m", "ä", "a'b", "!1", "{a,b}"]
        {
            assert!(!is_plain(wrong), "{wrong}");
        }
    }

    #[test]
    fn every_kind_of_name_stands_somewhere_in_the_grammar() {
        fn walk(command: &Command, name: &str, found: &mut Vec<Kind>) {
            for arg in command.get_arguments() {
                found.extend(Kind::of(name, arg.get_id().as_str()));
            }
            for inner in command.get_subcommands() {
                walk(inner, format!("{name} {}", inner.get_name()).trim(), found);
            }
        }
        let mut found = Vec::new();
        walk(&cli::grammar(), "", &mut found);
        for kind in Kind::ALL {
            assert!(found.contains(&kind), "{kind:?} is asked for nowhere");
        }
        assert!(found.iter().filter(|kind| **kind == Kind::Conversation).count() >= 10);
        assert!(found.iter().filter(|kind| **kind == Kind::Tenant).count() >= 20);
    }
}
