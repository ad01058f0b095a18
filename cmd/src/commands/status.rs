//! `aura status`

use crate::{context::Context, failure::Failure, render, time::now};

/// Show how the installation and its tenants are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura status
  aura status --json")]
pub struct StatusArgs {}

pub async fn run(context: &Context, StatusArgs {}: StatusArgs) -> Result<(), Failure> {
    let status = context.client().await?.status().await?;
    context.ui.data(&status, || render::status(&status, now(), context.ui.width()))?;
    if status.tenants.is_empty() {
        context.ui.done("no tenants yet", "aura tenant add SLUG --name NAME");
    }
    Ok(())
}
