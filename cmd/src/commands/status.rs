//! `aura status`

use crate::{context::Context, failure::Failure, render, time::now};

/// Show whether all is well, and what is not
///
/// The first line is the verdict; under it stands what is wrong or waits for a person, each with the command that helps,
/// what matters most first. Ends with 0 whatever it finds: it shows a state. With `-v` what models cost, accounts and versions
/// too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura status
  aura status --all
  aura status --json")]
pub struct StatusArgs {
    /// Every shop and every problem, however many there are
    #[arg(long)]
    all: bool,
}

pub async fn run(context: &Context, StatusArgs { all }: StatusArgs) -> Result<(), Failure> {
    let status = context.client().await?.status().await?;
    let detail = render::Detail { all, verbose: context.ui.verbose };
    context.ui.data(&status, || render::status(&status, now(), context.ui.width(), detail))?;
    if status.tenants.is_empty() && status.problems.iter().all(|problem| problem.tenant.is_none()) {
        context.ui.done("no tenants yet", "aura tenant add SLUG --name NAME");
    }
    Ok(())
}
