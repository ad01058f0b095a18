//! `aura audit`

use std::path::PathBuf;

use aura::{
    api::{self, exit},
    domain::tenant::TenantSlug,
};
use futures_util::{StreamExt, pin_mut};
use indicatif::{ProgressBar, ProgressStyle};

use super::input;
use crate::{context::Context, failure::Failure, render};

/// Check that nothing was changed or lost, and take checkpoints to check against
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Verify(Verify),
    Checkpoint(Checkpoint),
}

/// Check the logs of every tenant and of the installation
///
/// Every entry's hash covers the entry before it, so a change, a gap or another history shows; the newest checkpoint shows
/// a tail that was cut off or a log that was replaced. Also accounts for every accepted message. Reads only, and works
/// beside a running daemon. Ends with 8 when something is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura audit verify
  aura audit verify -t noor --json
  aura audit verify --from-checkpoint /mnt/elsewhere/aura-checkpoint.txt")]
struct Verify {
    /// Only this tenant's log; all when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
    /// Checkpoint that was kept elsewhere, to compare with as well; `-` for stdin
    #[arg(long, value_name = "FILE")]
    from_checkpoint: Option<PathBuf>,
}

/// Take a signed checkpoint of every log and print it
///
/// Keep it where nobody who can write on this machine can change it: with it, `aura audit verify --from-checkpoint` finds
/// whatever happens to the entries it covers, even if every file here is replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura audit checkpoint > checkpoint.txt
  aura audit checkpoint --json")]
struct Checkpoint {}

pub async fn run(context: &Context, args: AuditArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Verify(args) => verify(context, args).await,
        Verb::Checkpoint(Checkpoint {}) => checkpoint(context).await,
    }
}

async fn verify(context: &Context, args: Verify) -> Result<(), Failure> {
    let ui = context.ui;
    let given = args.from_checkpoint.map(|path| input::file(&path, api::CHECKPOINT_BYTES_MAX)).transpose()?;
    let client = context.client().await?;
    let slug = args.slug.as_ref().map(TenantSlug::as_str);
    let lines = client.audit_verify(slug, given.map(Into::into)).await?;
    pin_mut!(lines);
    let spinner = if ui.shows_progress() { spinner() } else { ProgressBar::hidden() };
    let mut chains = Vec::new();
    while let Some(line) = lines.next().await {
        let line = line?;
        spinner.set_message(format!("{}: {} entries", line.chain, line.entries));
        spinner.tick();
        if line.result.is_some() {
            chains.push(line);
        }
    }
    spinner.finish_and_clear();
    let ok = |line: &api::AuditLine| line.result.as_ref().is_some_and(|result| result.ok);
    let report = api::AuditReport { ok: chains.iter().all(ok), chains };
    ui.data(&report, || render::audit(&report))?;
    if report.ok {
        return Ok(());
    }
    let wrong = report.chains.iter().filter(|line| !ok(line)).count();
    let message = format!("{wrong} of {} logs do not hold", report.chains.len());
    Err(Failure::new(exit::PROBLEMS_FOUND, "problems_found", message).hint(
        "Keep the data directory as it is, compare it with a backup, and find out who or what wrote to these files.",
    ))
}

async fn checkpoint(context: &Context) -> Result<(), Failure> {
    let ui = context.ui;
    let taken = context.client().await?.checkpoint().await?;
    if ui.json {
        return ui.json_line(&taken);
    }
    ui.script(&taken.text)?;
    ui.done(
        format!("signed by {}", taken.public_key),
        "keep it on another machine, for `aura audit verify --from-checkpoint FILE`",
    );
    Ok(())
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
    ProgressBar::new_spinner().with_style(style)
}
