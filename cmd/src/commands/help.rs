//! `aura help`

use aura::{api::exit, config::COMMAND_LINE};

use crate::{cli, context::Context, failure::Failure, form::nearest};

/// Show the help of a command, or about environment, exit-codes or formatting
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura help tenant add
  aura help formatting")]
pub struct HelpArgs {
    /// Command, or one of environment, exit-codes and formatting
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

/// A name, and what is said about it.
type Topic = (&'static str, fn() -> String);

/// What is no command.
const TOPICS: [Topic; 3] = [("environment", environment), ("exit-codes", exit_codes), ("formatting", formatting)];

pub fn run(context: &Context, HelpArgs { words }: &HelpArgs) -> Result<(), Failure> {
    if let [word] = words.as_slice()
        && let Some((_, topic)) = TOPICS.iter().find(|(name, _)| name == word)
    {
        return context.ui.prose(&topic());
    }
    let mut command = cli::command();
    command.build();
    let mut path = "aura".to_owned();
    for word in words {
        let topics = TOPICS.iter().map(|(name, _)| *name).filter(|_| path == "aura");
        let known: Vec<String> = command
            .get_subcommands()
            .map(|inner| inner.get_name().to_owned())
            .chain(topics.map(str::to_owned))
            .collect();
        let Some(inner) = command.find_subcommand(word).cloned() else {
            let meant = nearest(word, known.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let failure = Failure::new(exit::USAGE, "usage", format!("`{path}` has no `{word}`{meant}"));
            return Err(failure.hint(format!("There are {}.", known.join(", "))));
        };
        path = format!("{path} {word}");
        command = inner;
    }
    context.ui.prose(&command.render_long_help().to_string())
}

fn environment() -> String {
    let own = COMMAND_LINE.iter().map(|(name, about)| format!("  {name:18}  {about}"));
    let rest = "  NO_COLOR            no colours
  COLUMNS             how wide the terminal is, where it does not say so itself
  PAGER               the pager, where AURA_PAGER is not set
  VISUAL, EDITOR      the editor of `aura persona edit` and `aura conversation edit`

Every key of the configuration is a variable too: `a.b_c` is AURA_A__B_C, and AURA_A__B_C_FILE names a file
that holds a secret. A flag comes before a variable, a variable before the file. `aura config sources` shows
where each value comes from.";
    format!("What the environment sets\n\n{}\n{rest}", own.collect::<Vec<_>>().join("\n"))
}

fn exit_codes() -> String {
    "\
How commands end

    0  done
    1  failed
    2  wrong usage
    3  not found
    4  refused credentials
    5  refused by policy
    6  conflict: it is not as the command expects it any more
    7  no daemon could be reached
    8  a check found problems
   75  temporary: the same may work later
  130  interrupted by Ctrl-C
  143  asked to end

An error has a code that stays the same over versions: `--json` prints it, and `aura explain CODE` says what it
means, why it happens and what to do."
        .to_owned()
}

fn formatting() -> String {
    "\
How results are printed

  On a terminal, tables fit its width: columns of little weight go first, and very narrow terminals get blocks.
  Elsewhere cells stand between tabs, in full, and moments are UTC times. Words to a person go to stderr.

  --json                 the whole document, or one object a line where lines keep coming
  --json=FIELD,…         these fields of it, of each thing of a list, of each line; a dot leads inside
  --json=help            which fields there are
  --jq EXPRESSION        what a jq expression makes of it; strings as they are, anything else as JSON
  --template TEMPLATE    what a Jinja template makes of it

Templates know, besides what Jinja knows:

  tablerow(a, b, …)      a row; rows that follow each other are aligned
  x | timeago            3 min ago
  x | truncate(20)       cut to columns
  x | pad(20), x | pad(20, \"right\")
  x | color(\"green\")     bold, faint, red, green, yellow, blue, magenta, cyan; nothing where no colours are
  x | join(\", \")

Examples:
  aura tenant list --json=slug,mode
  aura conversation list -t noor --jq '.items[] | select(.state == \"person\") | .id'
  aura tenant list --template '{% for t in items %}{{ tablerow(t.slug, t.created_at|timeago) }}{% endfor %}'"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_fit_and_name_what_there_is() {
        for (name, topic) in TOPICS {
            let text = topic();
            assert!(text.lines().all(|line| line.chars().count() <= 115), "{name}");
            insta::assert_snapshot!(format!("topic-{name}"), text);
        }
        let codes = exit_codes();
        for row in aura::api::KINDS {
            assert!(codes.contains(&format!("{:>5}  ", row.exit)), "{row:?}");
        }
    }
}
