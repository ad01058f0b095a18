//! `aura explain`

use aura::api::{ErrorKind, Explained, List, exit_code_of, explained};

use crate::{context::Context, failure::Failure, form::nearest, render};

/// Explain the code of an error or of a problem: what it means, why it happens, what to do
///
/// Codes stand in errors under `--json`, and in the problems of `aura status --json`. Without one all are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura explain window_closed
  aura explain
  aura explain disk_full --json")]
pub struct ExplainArgs {
    /// Code to explain; all when left out
    code: Option<String>,
}

pub fn run(context: &Context, ExplainArgs { code }: ExplainArgs) -> Result<(), Failure> {
    let ui = context.ui;
    let all = explained();
    let Some(code) = code else {
        let list = List { items: all };
        return ui.table(&list, || render::codes(&list.items, ui.look()));
    };
    let found = all.iter().find(|row| row.code == code).cloned();
    let found: Explained = found.ok_or_else(|| {
        let meant = nearest(&code, all.iter().map(|row| row.code.as_str()));
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let exit = exit_code_of(ErrorKind::NotFound);
        Failure::new(exit, "not_found", format!("no code is called `{code}`{meant}")).hint("`aura explain` lists all.")
    })?;
    ui.data(&found, || render::code(&found, ui.look()))
}
