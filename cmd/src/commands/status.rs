//! `aura status`

use crate::{context::Context, failure::Failure, render};

/// Show whether all is well, and what is not
///
/// The first line is the verdict; under it stands what is wrong or waits for a person, each with the command that helps,
/// what matters most first. Ends with 0 whatever it finds: it shows a state. With `-v` what models cost, accounts and versions
/// too; with `--system` the machinery instead: queues, files, tokens, addresses.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura status
  aura status --all
  aura status --system
  aura status --json")]
pub struct StatusArgs {
    /// Every shop, problem and account, however many there are
    #[arg(long)]
    all: bool,
    /// What waits, what the files take, whose tokens work, what runs and listens
    #[arg(long)]
    system: bool,
}

pub async fn run(context: &Context, StatusArgs { all, system }: StatusArgs) -> Result<(), Failure> {
    if system {
        let found = context.client().await?.system().await?;
        return context.ui.data(&found, || render::system(&found, context.ui.look(), all));
    }
    let status = context.client().await?.status().await?;
    let detail = render::Detail { all, verbose: context.ui.verbose };
    context.ui.data(&status, || render::status(&status, context.ui.look(), detail))?;
    if status.tenants.is_empty() && status.problems.iter().all(|problem| problem.tenant.is_none()) {
        context.ui.done("no tenants yet", "aura tenant add SLUG --name NAME");
    }
    Ok(())
}
