//! What the parser of the command line refuses, told like every other failure: what is wrong, how the command is used, a hint.

use clap::error::ContextKind;

use crate::{cli, failure::Failure};

/// The failure for what clap refuses of `words`.
pub fn failure(error: &clap::Error, words: &[&str]) -> Failure {
    let text = error.render().to_string();
    let mut message = Vec::new();
    let mut hints = Vec::new();
    for part in text.split("\n\n").map(str::trim_end) {
        if part.trim_start().starts_with("tip: ") {
            let tips = part.lines().map(|line| line.trim().trim_start_matches("tip: "));
            hints.extend(tips.map(sentence));
        } else if !part.starts_with("For more information") {
            message.push(part.trim_start_matches("error: ").trim_start_matches('\n'));
        }
    }
    hints.extend(fields(error, words));
    if hints.is_empty() {
        hints.push(format!("`{} --help` tells what it takes.", command(words)));
    }
    Failure::usage(message.join("\n")).hint(hints.join(" "))
}

/// The command that was meant, as far as it is one.
fn command(words: &[&str]) -> String {
    let root = cli::grammar();
    let (mut path, mut at) = (vec!["aura"], &root);
    for word in words.iter().skip(1) {
        if let Some(inner) = at.find_subcommand(word) {
            path.push(word);
            at = inner;
        }
    }
    path.join(" ")
}

/// As gh has it: the value stands behind a space there, and cannot here, where `--json` alone prints everything.
fn fields(error: &clap::Error, words: &[&str]) -> Option<String> {
    let unknown = error.get(ContextKind::InvalidArg)?.to_string();
    let meant = words.windows(2).find(|pair| pair[0] == "--json" && pair[1] == unknown)?;
    Some(format!("Fields are chosen with `--json={}`.", meant[1]))
}

/// `a similar argument exists: '--limit'` as a sentence of ours.
fn sentence(tip: &str) -> String {
    let mut letters = tip.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().replace('\'', "`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let error = cli::grammar().term_width(100).try_get_matches_from(words).expect_err("it makes no sense");
        failure(&error, words).text(false)
    }

    #[test]
    fn typing_errors_are_answered_with_what_was_meant() {
        insta::assert_snapshot!(refused(&["aura", "tenat", "list"]), @r"
        error: unrecognized subcommand 'tenat'
        Usage: aura [OPTIONS] <COMMAND>
        hint: Some similar subcommands exist: `status`, `tenant`.
        ");
        insta::assert_snapshot!(refused(&["aura", "tenant", "lst"]), @r"
        error: unrecognized subcommand 'lst'
        Usage: aura tenant [OPTIONS] <COMMAND>
        hint: A similar subcommand exists: `list`.
        ");
        insta::assert_snapshot!(refused(&["aura", "conversation", "list", "-t", "noor", "--limt", "3"]), @r"
        error: unexpected argument '--limt' found
        Usage: aura conversation list --tenant <SLUG> --limit <LIMIT>
        hint: A similar argument exists: `--limit`.
        ");
        insta::assert_snapshot!(refused(&["aura", "conversation", "list", "-t", "noor", "--state", "waitng"]), @r"
        error: invalid value 'waitng' for '--state <STATE>'
          [possible values: bot, person, waiting, draft, parked, labelled]
        hint: A similar value exists: `waiting`.
        ");
        insta::assert_snapshot!(refused(&["aura", "tenant", "add", "noor"]), @r"
        error: the following required arguments were not provided:
          --name <NAME>
        Usage: aura tenant add --name <NAME> <SLUG>
        hint: `aura tenant add --help` tells what it takes.
        ");
        insta::assert_snapshot!(refused(&["aura", "tenant", "list", "--json", "slug,name"]), @r"
        error: unexpected argument 'slug,name' found
        Usage: aura tenant list [OPTIONS]
        hint: Fields are chosen with `--json=slug,name`.
        ");
        insta::assert_snapshot!(refused(&["aura", "tenant", "show", "NOOR"]), @r"
        error: invalid value 'NOOR' for '<SLUG>': `NOOR` is not a tenant slug: 2 to 39 of a-z, 0-9 and `-`, not starting with `-`
        hint: `aura tenant show --help` tells what it takes.
        ");
    }
}
