//! The grammar of the command line: `aura <noun> <verb>`.

use std::path::PathBuf;

use aura::domain::tenant::TenantSlug;
use clap::CommandFactory;

use crate::{
    commands::{
        audit::AuditArgs, backup::BackupArgs, bench::BenchArgs, catalog::CatalogArgs, chat::ChatArgs,
        completion::CompletionArgs, config::ConfigArgs, connect::ConnectArgs, conversation::ConversationArgs,
        demo::DemoArgs, doctor::DoctorArgs, explain::ExplainArgs, help::HelpArgs, init::InitArgs, listen::ListenArgs,
        man::ManArgs, model::ModelArgs, notify::NotifyArgs, persona::PersonaArgs, restore::RestoreArgs,
        secret::SecretArgs, serve::ServeArgs, staff::StaffArgs, status::StatusArgs, tail::TailArgs, tenant::TenantArgs,
        trigger::TriggerArgs, tui::TuiArgs, usage::UsageArgs, version::VersionArgs,
    },
    danger,
    form::JsonArg,
};

const AFTER_HELP: &str = "\
Help topics: `aura help environment`, `aura help exit-codes`, `aura help formatting`

Exit codes:
  0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused credentials, 5 refused by policy,
  6 conflict, 7 daemon unreachable, 8 a check found problems, 75 temporary, try again,
  130 and 143 interrupted";

/// Answer the Instagram DMs of many shops, from their own catalogues, in their own voice
#[derive(Debug, clap::Parser)]
#[command(name = "aura", version, max_term_width = 100, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Directory that holds all data [env: AURA_DATA_DIR]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Configuration file to read instead of the usual ones
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Show the key in this file, as a person whom the operator let in [env: AURA_KEY, AURA_KEY_FILE]
    #[arg(long, value_name = "FILE", global = true, hide = true)]
    pub key_file: Option<PathBuf>,
    /// Print JSON: one document, or one object a line for streams; with `=FIELD,…` these fields, with `=help` which
    /// there are
    #[arg(long, value_name = "FIELD,…", global = true, num_args = 0..=1, require_equals = true,
        default_missing_value = JsonArg::WHOLE, value_parser = JsonArg::parse, hide_possible_values = true)]
    pub json: Option<JsonArg>,
    /// Print what a jq expression makes of the JSON
    #[arg(long, value_name = "EXPRESSION", global = true, conflicts_with = "template")]
    pub jq: Option<String>,
    /// Print what a template makes of the JSON; see `aura help formatting`
    #[arg(long, value_name = "TEMPLATE", global = true)]
    pub template: Option<String>,
    /// Print long results at once instead of through a pager [env: AURA_PAGER, PAGER]
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Do at once what a person would be asked about
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Print no colours [env: NO_COLOR]
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The tenant that a command is about.
#[derive(Clone, Debug, clap::Args)]
pub struct TenantArg {
    /// Tenant to work on
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    pub slug: TenantSlug,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Init(InitArgs),
    Serve(ServeArgs),
    Demo(DemoArgs),
    Tenant(TenantArgs),
    Persona(PersonaArgs),
    Connect(ConnectArgs),
    Catalog(CatalogArgs),
    Model(ModelArgs),
    Chat(ChatArgs),
    Trigger(TriggerArgs),
    Tail(TailArgs),
    Tui(TuiArgs),
    Listen(ListenArgs),
    Conversation(ConversationArgs),
    Notify(NotifyArgs),
    Status(StatusArgs),
    Doctor(DoctorArgs),
    Usage(UsageArgs),
    Audit(AuditArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Secret(SecretArgs),
    Staff(StaffArgs),
    Config(ConfigArgs),
    Explain(ExplainArgs),
    Help(HelpArgs),
    Man(ManArgs),
    Completion(CompletionArgs),
    Version(VersionArgs),
    #[command(hide = true)]
    Bench(BenchArgs),
}

/// What belongs together; a command that stands nowhere here comes under the last.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Start here", &["demo", "init", "serve", "status"]),
    ("Shops", &["tenant", "persona", "connect", "catalog", "knowledge", "notify"]),
    ("Conversations", &["conversation", "tui", "chat", "trigger", "tail", "listen"]),
    ("Models", &["model", "usage"]),
    ("Operations", &["staff", "secret", "backup", "restore", "doctor", "audit", "config"]),
    ("More", &[]),
];
/// Where the descriptions of commands begin.
const ABOUT_COLUMN: usize = 16;
/// Widest a line of help is.
const HELP_COLUMNS: usize = 100;

/// The grammar alone, as it parses.
pub fn grammar() -> clap::Command {
    danger::with_dry_runs(Cli::command())
}

/// The grammar, with the commands grouped in the help of `aura` itself.
pub fn command() -> clap::Command {
    let grammar = grammar();
    let placed = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let group = |(title, names): &(&str, &[&str])| {
        let is_in = |command: &&clap::Command| match names.is_empty() {
            true => !placed(command.get_name()),
            false => names.contains(&command.get_name()),
        };
        let mut these: Vec<_> =
            grammar.get_subcommands().filter(|command| !command.is_hide_set()).filter(is_in).collect();
        these.sort_by_key(|command| names.iter().position(|name| *name == command.get_name()));
        let lines: Vec<String> = these.into_iter().map(listed).collect();
        format!("{title}:\n{}", lines.join("\n"))
    };
    let groups: Vec<String> = GROUPS.iter().map(group).collect();
    let template = format!(
        "{{about-with-newline}}\nExamples:\n  aura demo\n  aura serve --listen 127.0.0.1:8080\n\n{{usage-heading}} {{usage}}\n\n{}\n\n\
         Options of every command:\n{{options}}{{after-help}}",
        groups.join("\n\n")
    );
    grammar.help_template(template)
}

/// A command and what it does, within the width.
fn listed(command: &clap::Command) -> String {
    let mut lines = vec![format!("  {:width$}", command.get_name(), width = ABOUT_COLUMN - 2)];
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    for word in about.split(' ') {
        let line = lines.last_mut().expect("it begins with one");
        if line.chars().count() + 1 + word.chars().count() > HELP_COLUMNS {
            lines.push(format!("{:ABOUT_COLUMN$}{word}", ""));
        } else {
            let gap = if line.chars().count() > ABOUT_COLUMN { " " } else { "" };
            line.push_str(gap);
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The command that was parsed, without the program's name (`tenant list`), and what it was given.
pub fn leaf(matches: &clap::ArgMatches) -> (String, &clap::ArgMatches) {
    let (mut names, mut at) = (Vec::new(), matches);
    while let Some((name, inner)) = at.subcommand() {
        names.push(name);
        at = inner;
    }
    (names.join(" "), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command and subcommand with its full name, in the order of the help.
    fn all(command: &clap::Command, name: &str, found: &mut Vec<(String, clap::Command)>) {
        found.push((name.to_owned(), command.clone()));
        for inner in command.get_subcommands() {
            all(inner, &format!("{name} {}", inner.get_name()), found);
        }
    }

    fn commands() -> Vec<(String, clap::Command)> {
        let mut root = command().term_width(100);
        root.build();
        let mut found = Vec::new();
        all(&root, "aura", &mut found);
        found
    }

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_of_every_command() {
        for (name, mut command) in commands() {
            let help = command.render_long_help().to_string();
            insta::assert_snapshot!(format!("help-{}", name.replace(' ', "-")), help);
        }
    }

    #[test]
    fn every_command_without_further_commands_has_two_examples_of_itself() {
        for (name, mut command) in commands().into_iter().filter(|(_, command)| !command.has_subcommands()) {
            let help = command.render_long_help().to_string();
            let examples = help.split("Examples:").nth(1).unwrap_or_default();
            let own = examples.lines().filter(|line| line.contains(&name)).count();
            assert!(own >= 2, "{name} has {own} examples");
        }
    }

    #[test]
    fn every_command_without_further_commands_says_which_fields_its_json_has() {
        let without = ["serve", "demo", "help", "man", "tui"];
        for (name, _) in commands().into_iter().filter(|(_, command)| !command.has_subcommands()) {
            let name = name.trim_start_matches("aura ");
            if !without.contains(&name) && !name.starts_with("bench") {
                assert!(crate::form::has_fields(name), "{name} has no row in form/shapes.rs");
            }
        }
    }

    #[test]
    fn help_fits_and_follows_the_style() {
        for (name, mut command) in commands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.starts_with(char::is_uppercase) && !about.ends_with('.'), "{name}: {about}");
            for line in command.render_long_help().to_string().lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
    }

    #[test]
    fn every_example_parses() {
        for (name, mut command) in commands() {
            let help = command.render_long_help().to_string();
            let examples = help.split("Examples:").nth(1).unwrap_or_default();
            // A long one goes on behind a backslash.
            let examples = examples.split("\n\n").next().unwrap_or_default().replace("\\\n", " ");
            for line in examples.lines().map(str::trim) {
                let Some(at) = line.rfind("aura ") else { continue };
                let words = words(line[at..].split([';', '<', '>', '|']).next().unwrap_or_default());
                use clap::Parser;
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{name}: {line}: {error}");
                }
            }
        }
    }

    /// Splits at spaces, but not inside double quotes.
    fn words(line: &str) -> Vec<String> {
        let quoted = |(index, part): (usize, &str)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        };
        line.split('"').enumerate().flat_map(quoted).collect()
    }
}
