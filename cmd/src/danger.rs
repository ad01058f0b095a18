//! What every command that changes something can break, and how it is tried out, in one table. Nobody is asked where no
//! terminal is: scripts go on as they always did.

use std::io::{self, IsTerminal};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::{commands::agrees, failure::Failure, ui::Ui};

/// How much a command can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It is done at once: it can be taken back, or nobody but who asked notices.
    Plain,
    /// Shoppers or people notice at once; it can be undone. Asked about on a terminal.
    Disruptive,
    /// It cannot be undone: `--confirm NAME`.
    Destructive,
}

/// How a command is tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// `--dry-run`: Aura does and checks everything, and undoes it before it is durable.
    Undone,
    /// `--dry-run` of its own, which says more.
    Own,
    /// It cannot be, for this reason.
    No(&'static str),
}

/// A command that changes something.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// `tenant pause`.
    pub command: &'static str,
    /// The flag and value that make it so; without them the command is plain.
    pub when: Option<(&'static str, &'static str)>,
    /// What it can break.
    pub danger: Danger,
    /// What it changes: what a person is asked about, and what a dry run says.
    pub what: &'static str,
    /// How it is tried out.
    pub dry_run: DryRun,
}

const fn row(command: &'static str, danger: Danger, dry_run: DryRun, what: &'static str) -> Row {
    Row { command, when: None, danger, what, dry_run }
}

use Danger::{Destructive, Disruptive, Plain};
use DryRun::{No, Own, Undone};

/// Every command that changes something.
pub const TABLE: &[Row] = &[
    row("init", Plain, Own, "The data directory, its master key and the first shop are made."),
    row("serve", Plain, No("it runs until it is ended"), "The daemon runs."),
    row("demo", Plain, No("it works in a folder of its own"), "A shop of its own is played through."),
    row("tenant add", Plain, No("a folder is made for it; `aura tenant remove` takes it back"), "A shop is added."),
    Row {
        when: Some(("mode", "off")),
        ..row("tenant edit", Disruptive, Undone, "The assistant answers nobody of this tenant any more.")
    },
    row("tenant edit", Plain, Undone, "How far the assistant may go, or with whom, is changed."),
    row(
        "tenant pause",
        Disruptive,
        Undone,
        "The assistant says nothing to shoppers of this tenant until it is resumed.",
    ),
    row("tenant resume", Plain, Undone, "The assistant answers this tenant's shoppers again."),
    row("tenant remove", Destructive, Undone, "The tenant's store, its keys and its secrets are deleted."),
    row("persona set", Plain, Undone, "The tenant's assistant speaks with this voice from the next turn on."),
    row("persona edit", Plain, No("the editor shows what would be set"), "The voice is set as the editor leaves it."),
    row("connect instagram", Plain, No("Instagram itself is asked and subscribed"), "The account is connected."),
    row("catalog import", Plain, Own, "The tenant's products are those of the file."),
    row("model use", Plain, Undone, "This model answers from the next turn on."),
    row("model budget", Plain, Undone, "What models may cost is limited so."),
    row("model pull", Plain, No("Ollama does it"), "Ollama fetches a model."),
    row("model test", Plain, No("a provider is asked, and costs"), "A provider is asked four questions."),
    row("model compare", Plain, No("providers are asked, and cost"), "Providers are asked one question."),
    row("chat", Plain, No("it is a trial itself"), "The tenant's assistant is tried in a conversation of its own."),
    row("trigger", Plain, No("what a webhook does is seen by sending it"), "The daemon gets a webhook."),
    row("conversation takeover", Plain, Undone, "The assistant is silent in this conversation."),
    row(
        "conversation release",
        Disruptive,
        Undone,
        "The assistant answers in this conversation again, and no person has it.",
    ),
    row("conversation assign", Plain, Undone, "Who is responsible for this conversation is changed."),
    row("conversation label", Plain, Undone, "The conversation's label is changed."),
    row("conversation send", Plain, Undone, "The message goes out to the shopper."),
    row("conversation approve", Plain, Undone, "The draft goes out to the shopper."),
    row("conversation edit", Plain, Undone, "Your words go out in the draft's place."),
    row("conversation reject", Plain, Undone, "The draft is refused, and its messages are left to people."),
    row("conversation picture", Plain, No("it only writes the file that you name"), "A picture is written to a file."),
    row(
        "conversation erase",
        Destructive,
        No("what is set aside of it in other files would be, too"),
        "The conversation and all that is known of its shopper through it is overwritten.",
    ),
    row("notify add", Plain, No("`aura notify remove` takes it back"), "People are told through this target."),
    row("notify remove", Disruptive, Undone, "Nobody is told through this target any more."),
    row("notify test", Plain, No("it is a trial itself"), "The target gets a test."),
    row("staff add", Plain, Undone, "This person is let in."),
    row("staff edit", Plain, Undone, "What this person may do is changed at once."),
    row("staff remove", Plain, Undone, "The door closes to this person at once."),
    row("secret set", Plain, Undone, "The secret is kept sealed in place of the one before."),
    row("secret remove", Disruptive, Undone, "Whatever needs this secret stops working."),
    row(
        "secret rotate-master",
        Disruptive,
        No("the new key is kept beside the old one first"),
        "Every secret is sealed anew; earlier recovery copies open earlier backups only.",
    ),
    row(
        "secret recovery-copy",
        Plain,
        No("it only writes the file that you name"),
        "A copy of the master key is written.",
    ),
    row("secret restore-master", Plain, No("it only puts back what is missing"), "The master key is put back."),
    row("audit checkpoint", Plain, No("it adds a checkpoint and nothing else"), "A checkpoint is taken."),
    row("backup", Plain, No("it only writes the file that you name"), "Everything but the master key is in one file."),
    row("restore", Destructive, Own, "A backup takes the place of what the data directory holds."),
    row("doctor", Plain, No("without `--fix` it changes nothing"), "What is wrong and can be mended is mended."),
    row("man", Plain, No("with `--to` it only writes pages there"), "Manual pages are written."),
];

/// What a command is to be.
fn found(command: &str, leaf: &ArgMatches) -> Option<&'static Row> {
    let is_so = |row: &&Row| {
        row.when.is_none_or(|(flag, value)| {
            leaf.try_get_one::<String>(flag).ok().flatten().is_some_and(|given| given == value)
        })
    };
    TABLE.iter().filter(|row| row.command == command).find(is_so)
}

/// The name of the option that tries a command out.
const DRY_RUN: &str = "dry_run";

/// The grammar with `--dry-run` where Aura undoes what was tried.
pub fn with_dry_runs(grammar: Command) -> Command {
    let undone = TABLE.iter().filter(|row| row.dry_run == Undone && row.when.is_none());
    undone.fold(grammar, |grammar, row| at(grammar, &row.command.split(' ').collect::<Vec<_>>()))
}

fn at(command: Command, path: &[&str]) -> Command {
    match path.split_first() {
        None => command.arg(
            Arg::new(DRY_RUN)
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Check everything and say what would change; nothing is written"),
        ),
        Some((name, rest)) => command.mut_subcommand(name, |inner| at(inner, rest)),
    }
}

/// What a dry run of this command would change; `None`: it is meant.
pub fn tried_out(command: &str, leaf: &ArgMatches) -> Option<&'static str> {
    let row = found(command, leaf).filter(|row| row.dry_run == Undone)?;
    leaf.try_get_one::<bool>(DRY_RUN).ok().flatten().copied().unwrap_or(false).then_some(row.what)
}

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
    Err(Failure::usage("nothing was changed").hint("`--yes` says yes beforehand, `--dry-run` only tries it."))
}

fn question(command: &str, leaf: &ArgMatches) -> Option<&'static str> {
    let row = found(command, leaf).filter(|row| row.danger == Disruptive)?;
    tried_out(command, leaf).is_none().then_some(row.what)
}

/// `docs/commands.md`.
#[cfg(test)]
fn page() -> String {
    let mut text = String::from(
        "# Commands that change something\n\nMade from the table in `cmd/src/danger.rs`; a test keeps it fresh. **plain** is done at \
         once. **disruptive** is what\nshoppers or people notice at once: at a terminal it is asked about first, and `--yes` says yes \
         beforehand; scripts are asked\nnothing. **destructive** cannot be undone, and wants `--confirm NAME`. With `--dry-run` \
         Aura does and checks everything and\nundoes it before it is durable: nothing is written, and nothing leaves.\n\n\
         | command | level | what it changes | `--dry-run` |\n|---|---|---|---|\n",
    );
    for row in TABLE {
        let level = format!("{:?}", row.danger).to_lowercase();
        let when = row.when.map(|(flag, value)| format!(" --{flag} {value}")).unwrap_or_default();
        let dry_run = match row.dry_run {
            Undone | Own => "yes".to_owned(),
            No(reason) => format!("no: {reason}"),
        };
        text.push_str(&format!("| `aura {}{when}` | {level} | {} | {dry_run} |\n", row.command, row.what));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    /// Commands that change nothing, and those that are made of others.
    const READ: [&str; 28] = [
        "audit verify",
        "bench",
        "catalog search",
        "catalog show",
        "catalog status",
        "completion",
        "config show",
        "config sources",
        "config validate",
        "connect list",
        "conversation list",
        "conversation show",
        "explain",
        "help",
        "listen",
        "model list",
        "model prices",
        "model status",
        "notify list",
        "persona history",
        "persona show",
        "secret list",
        "staff list",
        "status",
        "tail",
        "tenant list",
        "tenant show",
        "tui",
    ];

    fn asked(words: &[&str]) -> bool {
        let matches = cli::grammar().try_get_matches_from(words).expect("it parses");
        let (name, leaf) = cli::leaf(&matches);
        question(&name, leaf).is_some()
    }

    fn leaves(command: &Command, name: &str, found: &mut Vec<String>) {
        let mut inner = command.get_subcommands().peekable();
        if inner.peek().is_none() || name == "bench" {
            return found.push(name.to_owned());
        }
        inner.for_each(|inner| leaves(inner, format!("{name} {}", inner.get_name()).trim(), found));
    }

    #[test]
    fn every_command_has_its_level_or_changes_nothing() {
        let mut all = Vec::new();
        leaves(&cli::grammar(), "", &mut all);
        for name in &all {
            let listed = TABLE.iter().any(|row| row.command == name);
            let reads = ["usage", "version"].contains(&name.as_str()) || READ.contains(&name.as_str());
            assert!(
                listed != reads,
                "`{name}` has no row in `danger.rs`, or is called one that changes nothing as well"
            );
        }
        for name in TABLE.iter().map(|row| row.command).chain(READ) {
            assert!(all.iter().any(|known| known == name), "there is no `aura {name}`");
        }
    }

    #[test]
    fn what_people_notice_at_once_is_asked_about_and_the_rest_is_not() {
        assert!(asked(&["aura", "tenant", "pause", "noor"]));
        assert!(asked(&["aura", "tenant", "edit", "noor", "--mode", "off"]));
        assert!(!asked(&["aura", "tenant", "pause", "noor", "--dry-run"]));
        assert!(!asked(&["aura", "tenant", "edit", "noor", "--mode", "live"]));
        assert!(!asked(&["aura", "tenant", "resume", "noor"]));
        assert!(!asked(&["aura", "tenant", "remove", "noor", "--confirm", "noor"]));
    }

    #[test]
    fn what_destroys_wants_a_name_and_a_dry_run_is_where_the_table_says() {
        for row in TABLE {
            let mut at = cli::grammar();
            for word in row.command.split(' ') {
                at = at.find_subcommand(word).cloned().unwrap_or_else(|| panic!("there is no {}", row.command));
            }
            let has = |name: &str| at.get_arguments().any(|argument| argument.get_id() == name);
            assert_eq!(has("confirm"), row.danger == Destructive, "{}", row.command);
            assert_eq!(has(DRY_RUN), !matches!(row.dry_run, No(_)), "{}", row.command);
            assert!(row.what.ends_with('.'), "{}", row.command);
        }
    }

    #[test]
    fn the_page_of_commands_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(path, page()).expect("the page is written");
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == page(), "docs/commands.md is old: run this test with INSTA_UPDATE=always");
    }
}
