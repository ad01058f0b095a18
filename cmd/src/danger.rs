//! What a command can break, in one table: what is done at once, what a person at a terminal is asked about, what has to be
//! confirmed by name. Nobody is asked where no terminal is: scripts go on as they always did.

use std::io::{self, IsTerminal};

use clap::ArgMatches;

use crate::{commands::agrees, failure::Failure, ui::Ui};

/// How much a command can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Shoppers or people notice at once; it can be undone. Asked about on a terminal.
    Disruptive(&'static str),
    /// It cannot be undone: `--confirm NAME`.
    Destructive,
}

/// A command, the flag and value that narrow it, and what it can break.
type Row = (&'static str, Option<(&'static str, &'static str)>, Danger);

/// Every command that is not plain; `--FLAG=VALUE` behind one narrows it.
pub const TABLE: &[Row] = &[
    (
        "tenant pause",
        None,
        Danger::Disruptive("The assistant says nothing to shoppers of this tenant until it is resumed."),
    ),
    ("tenant edit", Some(("mode", "off")), Danger::Disruptive("The assistant answers nobody of this tenant any more.")),
    ("tenant remove", None, Danger::Destructive),
    (
        "conversation release",
        None,
        Danger::Disruptive("The assistant answers in this conversation again, and no person has it."),
    ),
    ("conversation erase", None, Danger::Destructive),
    ("notify remove", None, Danger::Disruptive("Nobody is told through this target any more.")),
    ("secret remove", None, Danger::Disruptive("Whatever needs this secret stops working.")),
    (
        "secret rotate-master",
        None,
        Danger::Disruptive("Every secret is sealed anew; earlier recovery copies open earlier backups only."),
    ),
];

/// Asks a person at a terminal before something disruptive.
pub async fn ask(ui: Ui, command: &str, leaf: &ArgMatches, yes: bool) -> Result<(), Failure> {
    let Some(what) = question(command, leaf) else { return Ok(()) };
    if yes || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    ui.always(what);
    if agrees(&format!("Run `aura {command}`? [y/N] "), false).await? {
        return Ok(());
    }
    Err(Failure::usage("nothing was changed").hint("`--yes` says yes beforehand."))
}

fn question(command: &str, leaf: &ArgMatches) -> Option<&'static str> {
    let is_so = |when: &Option<(&str, &str)>| {
        when.is_none_or(|(flag, value)| {
            leaf.try_get_one::<String>(flag).ok().flatten().is_some_and(|given| given == value)
        })
    };
    TABLE.iter().find_map(|(name, when, danger)| match danger {
        Danger::Disruptive(what) if *name == command && is_so(when) => Some(*what),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn asked(words: &[&str]) -> bool {
        let matches = cli::grammar().try_get_matches_from(words).expect("it parses");
        let (name, leaf) = cli::leaf(&matches);
        question(&name, leaf).is_some()
    }

    #[test]
    fn what_people_notice_at_once_is_asked_about_and_the_rest_is_not() {
        assert!(asked(&["aura", "tenant", "pause", "noor"]));
        assert!(asked(&["aura", "tenant", "edit", "noor", "--mode", "off"]));
        assert!(!asked(&["aura", "tenant", "edit", "noor", "--mode", "live"]));
        assert!(!asked(&["aura", "tenant", "resume", "noor"]));
        assert!(!asked(&["aura", "tenant", "remove", "noor", "--confirm", "noor"]));
    }

    #[test]
    fn the_table_names_commands_that_are_there_and_what_destroys_wants_a_name() {
        for (name, _, danger) in TABLE {
            let mut at = cli::grammar();
            for word in name.split(' ') {
                at = at.find_subcommand(word).cloned().unwrap_or_else(|| panic!("there is no {name}"));
            }
            let confirms = at.get_arguments().any(|argument| argument.get_id() == "confirm");
            assert_eq!(confirms, *danger == Danger::Destructive, "{name}");
        }
    }
}
