//! `aura usage`

use aura::api;

use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Show what a tenant's models have cost, by day and model
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura usage -t noor
  aura usage -t noor --days 7 --json")]
pub struct UsageArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Days up to today (UTC)
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days: u32,
}

pub async fn run(context: &Context, args: UsageArgs) -> Result<(), Failure> {
    let ui = context.ui;
    let query = api::UsageQuery { days: Some(args.days) };
    let usage = context.client().await?.usage(args.tenant.slug.as_str(), &query).await?;
    ui.data(&usage, || render::usage(&usage, ui.look()))
}
