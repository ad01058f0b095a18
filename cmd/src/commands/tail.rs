//! `aura tail`

use aura::api::{Event, EventQuery, Time};
use futures_util::{StreamExt, pin_mut};

use super::watched::Which;
use crate::{context::Context, failure::Failure, render, ui::Ui};

/// Watch what happens, a line each, until Ctrl-C
///
/// Times are UTC. With `--json` each line is an object. When the daemon restarts, it goes on with what happened
/// meanwhile: no event is left out and none comes twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tail -t noor --since 1h
  aura tail --kind \"message.*,reply.failed\" --json
  aura tail -t noor --conversation conv_0192f5c8-7e10-7cc3-98c4-dc0c0c07398f --no-follow")]
pub struct TailArgs {
    #[command(flatten)]
    which: Which,
    /// End after what has already happened; with it `--since` starts at the beginning when left out
    #[arg(long)]
    no_follow: bool,
}

pub async fn run(context: &Context, args: TailArgs) -> Result<(), Failure> {
    let (ui, which) = (context.ui, args.which);
    if !args.no_follow {
        // Without a daemon it would hold the data directory and see nothing happen.
        let client = context.daemon().await?;
        return which.follow(ui, &client, async |event| show(ui, &event)).await;
    }
    let client = context.client().await?;
    let query = which.query(&client).await?;
    let query = EventQuery { since: query.since.or(Some(Time(0))), ..query };
    let events = client.events(which.tenant(), &query).await?;
    pin_mut!(events);
    while let Some(event) = events.next().await {
        show(ui, &event?)?;
    }
    Ok(())
}

/// One event, one line.
pub fn show(ui: Ui, event: &Event) -> Result<(), Failure> {
    if ui.json {
        return ui.json_line(event);
    }
    let parts = render::event(event, ui.look());
    let parts: Vec<_> = parts.iter().map(|(ink, text)| (*ink, text.as_str())).collect();
    ui.inked(&parts)
}
