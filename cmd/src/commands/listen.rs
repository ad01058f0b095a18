//! `aura listen`

use std::{path::PathBuf, time::Duration};

use aura::{
    api::Event,
    client::{ForwardSecret, Forwarder},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{input, tail, watched::Which};
use crate::{
    context::Context,
    failure::Failure,
    time::now,
    ui::{Ink, Ui},
};

/// How often an event is sent before the next one.
const TRIES: u32 = 3;
/// The rest before the second try; before the third it is twice as long.
const REST: Duration = Duration::from_millis(500);

/// Watch what happens and hand each event on to a server of yours, until Ctrl-C
///
/// Each event is POSTed as JSON with the header `Aura-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256, with the secret, over
/// SECONDS, a dot and the body. An answer of 200 to 299 takes it; anything else is tried twice more, and then the next
/// one follows. Events come in order, and after a restart of the daemon it goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura listen --forward-to http://127.0.0.1:3000/hooks/aura
  aura listen -t noor --kind \"reply.*,conversation.handed_over\" --forward-to http://127.0.0.1:3000 --secret-file secret.txt")]
pub struct ListenArgs {
    #[command(flatten)]
    which: Which,
    /// Where each event goes; without it they are shown only
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Sign with the secret in this file (- is stdin) instead of a fresh one
    #[arg(long, value_name = "FILE", requires = "forward_to")]
    secret_file: Option<PathBuf>,
}

pub async fn run(context: &Context, args: ListenArgs) -> Result<(), Failure> {
    let ui = context.ui;
    let forwarder = args.forward_to.as_deref().map(|url| forwarder(ui, url, &args)).transpose()?;
    let client = context.daemon().await?;
    let Some(forwarder) = forwarder else {
        return args.which.follow(ui, &client, async |event| tail::show(ui, &event)).await;
    };
    args.which.follow(ui, &client, async |event| forward(ui, &forwarder, &event).await).await
}

fn forwarder(ui: Ui, url: &str, args: &ListenArgs) -> Result<Forwarder, Failure> {
    let refused = |error: aura::client::NoForward| Failure::usage(error.to_string());
    let (secret, fresh) = match &args.secret_file {
        Some(file) => (ForwardSecret::parse(&input::secret(Some(file), "")?).map_err(refused)?, false),
        None => (ForwardSecret::generate().map_err(refused)?, true),
    };
    let forwarder = Forwarder::new(url, secret.clone())
        .map_err(|error| refused(error).hint("Name one such as http://127.0.0.1:3000/hooks/aura."))?;
    ui.say(format!("handing events on to {url}"));
    if fresh {
        // Nobody can check a signature without it, so it is said whoever listens.
        ui.always(format!("signing secret: {}", secret.written()));
    }
    Ok(forwarder)
}

/// Sends it until it is taken or has been tried often enough, and shows what came of it.
async fn forward(ui: Ui, forwarder: &Forwarder, event: &Event) -> Result<(), Failure> {
    if !ui.json {
        tail::show(ui, event)?;
    }
    let mut rest = REST;
    for tried in 1..=TRIES {
        let begun = Instant::now();
        let answer = forwarder.forward(event, now()).await;
        let took = begun.elapsed().as_millis();
        let (status, what) = match &answer {
            Ok(status) => (Some(*status), status.to_string()),
            Err(error) => (None, error.to_string()),
        };
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        let last = taken || tried == TRIES;
        if ui.json {
            let forward = json!({
                "status": status, "error": answer.err().map(|error| error.to_string()), "elapsed_ms": took as u64,
                "attempt": tried, "taken": taken,
            });
            ui.json_line(&json!({ "event": event, "forward": forward }))?;
        } else {
            let next = match (taken, last) {
                (true, _) => String::new(),
                (false, false) => format!("; again in {} ms", rest.as_millis()),
                (false, true) => format!("; given up after {TRIES} tries"),
            };
            let ink = if taken { Ink::Good } else { Ink::Bad };
            ui.inked(&[(Ink::Plain, "  -> "), (ink, &what), (Ink::Faint, &format!(" in {took} ms{next}"))])?;
        }
        if last {
            return Ok(());
        }
        sleep(rest).await;
        rest *= 2;
    }
    Ok(())
}
