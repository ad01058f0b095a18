//! `aura completion`

use clap_complete::Shell;

use crate::{cli, complete, context::Context, failure::Failure};

/// Print completions for a shell
///
/// In bash, zsh and fish they ask Aura itself: names of tenants, conversations, models, people and products are completed
/// while a daemon runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura completion bash > ~/.local/share/bash-completion/completions/aura
  aura completion zsh > ~/.zfunc/_aura
  aura completion fish > ~/.config/fish/completions/aura.fish")]
pub struct CompletionArgs {
    /// Shell to print them for
    shell: Shell,
}

pub fn run(context: &Context, args: CompletionArgs) -> Result<(), Failure> {
    let shell = args.shell.to_string();
    let script = match complete::script(&shell) {
        Some(script) => script.to_owned(),
        None => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut cli::grammar(), "aura", &mut script);
            String::from_utf8(script).map_err(|error| Failure::new(1, "failed", error.to_string()))?
        }
    };
    if context.ui.json {
        return context.ui.json_line(&serde_json::json!({ "shell": shell, "script": script }));
    }
    context.ui.script(&script)
}
