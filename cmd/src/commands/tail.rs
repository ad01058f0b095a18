//! `aura tail`

use aura::{
    api::EventQuery,
    domain::{event::EventKind, tenant::TenantSlug},
    terminal::{Since, parse_since},
};
use clap::builder::PossibleValuesParser;
use futures_util::{StreamExt, pin_mut};

use crate::{context::Context, failure::Failure, render, time::now};

/// Watch what happens, a line each, until Ctrl-C
///
/// Times are UTC. With `--json` each line is an object.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tail -t noor --since 1h
  aura tail --kind reply.failed --kind reply.held --json")]
pub struct TailArgs {
    /// Only this tenant; all when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
    /// Start this far back: 90s, 15m, 1h, 2d, or a UTC time
    #[arg(long, value_name = "AGE", value_parser = parse_since)]
    since: Option<Since>,
    /// Only events of this kind; may be given again
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kinds())]
    kind: Vec<String>,
    /// End after what has already happened; with it `--since` starts at the beginning when left out
    #[arg(long)]
    no_follow: bool,
}

fn kinds() -> PossibleValuesParser {
    EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().into()
}

pub async fn run(context: &Context, args: TailArgs) -> Result<(), Failure> {
    let ui = context.ui;
    // Following without a daemon would hold the data directory and see nothing happen.
    let client = if args.no_follow { context.client().await? } else { context.daemon().await? };
    let beginning = args.no_follow.then_some(aura::api::Time(0));
    let query = EventQuery {
        since: args.since.map(|since| since.moment(now())).or(beginning),
        kinds: Some(args.kind.join(",")).filter(|kinds| !kinds.is_empty()),
        follow: !args.no_follow,
    };
    let events = client.events(args.slug.as_ref().map(TenantSlug::as_str), &query).await?;
    pin_mut!(events);
    while let Some(event) = events.next().await {
        let event = event?;
        if ui.json { ui.json_line(&event) } else { ui.text(&render::event(&event, now())) }?;
    }
    if !args.no_follow {
        ui.say("the daemon has stopped");
    }
    Ok(())
}
