//! `aura completion`

use clap_complete::Shell;

use crate::{cli, context::Context, failure::Failure};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura completion bash > ~/.local/share/bash-completion/completions/aura
  aura completion zsh > ~/.zfunc/_aura")]
pub struct CompletionArgs {
    /// Shell to print them for
    shell: Shell,
}

pub fn run(context: &Context, args: CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::grammar(), "aura", &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::new(1, "failed", error.to_string()))?;
    if context.ui.json {
        return context.ui.json_line(&serde_json::json!({ "shell": args.shell.to_string(), "script": script }));
    }
    context.ui.script(&script)
}
