//! `aura serve`

use std::sync::Arc;

use aura::{
    config::{self, Environment, Flag, LogFormat},
    daemon::{self, Options, SystemClock, UuidV7},
    telemetry,
};

use crate::{Signals, context::Context, failure::Failure};

/// Run the daemon
///
/// Accepts webhooks, answers shoppers, and serves the other commands over a socket in its data directory. Runs in an
/// empty directory with no configuration. Ctrl-C lets it finish what it has begun; a second Ctrl-C ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura serve
  aura serve --listen 0.0.0.0:8080 --public-url https://dm.example.com")]
pub struct ServeArgs {
    /// Address to accept webhooks on; port 0 picks one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address under which the internet reaches this daemon
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

pub async fn run(context: &Context, args: ServeArgs) -> Result<u8, Failure> {
    let flag = |key, flag, value: Option<String>| value.map(|value| Flag { key, flag, value });
    let flags = [flag("listen", "--listen", args.listen), flag("public_url", "--public-url", args.public_url)];
    let loaded = context.load(flags.into_iter().flatten().collect())?;
    let data_dir = config::places(&loaded, &Environment::of_process())?.data_dir;
    let config = loaded.config;
    let json = match config.log.format {
        LogFormat::Auto => None,
        LogFormat::Text => Some(false),
        LogFormat::Json => Some(true),
    };
    telemetry::start_logs(config.log.level.as_str(), json);
    telemetry::log_panics();
    // Heard from here on, so that none is missed: one while it starts ends it, nothing has been promised yet; then a first
    // one lets everything end in order, and a second one ends it at once.
    let mut signals = Signals::listen()?;
    let options =
        Options { config, data_dir, clock: Arc::new(SystemClock), ids: Arc::new(UuidV7), publish: true, writer: None };
    let running = tokio::select! {
        running = daemon::serve(options) => running?,
        code = signals.next() => return Ok(code),
    };
    let ui = context.ui;
    // These two lines are the contract of a start: they come even with `--quiet`.
    ui.always(format!("data directory {}", running.bound.data_dir.display()));
    if let Some(metrics) = running.bound.metrics {
        ui.say(format!("metrics on http://{metrics}/metrics"));
    }
    ui.always(format!("listening on http://{}", running.bound.public));
    if let Some((made_at, slugs)) = running.paused_by_restore().await? {
        let resume = match slugs.as_slice() {
            [slug] => format!("aura tenant resume {slug}"),
            [slug, ..] => format!("aura tenant resume {slug}` and the others of {}, `aura tenant list", slugs.len()),
            [] => String::new(),
        };
        let made_at = aura::api::Time::from(made_at);
        ui.always(format!("restored from a backup of {made_at}: nobody is answered before `{resume}`"));
    }
    let stop = running.stopper();
    let ended = running.wait();
    tokio::pin!(ended);
    tokio::select! {
        ended = &mut ended => return Ok(ended.map(|()| aura::api::exit::DONE)?),
        _ = signals.next() => {}
    }
    ui.say("stopping");
    stop.cancel();
    tokio::select! {
        ended = ended => Ok(ended.map(|()| aura::api::exit::DONE)?),
        code = signals.next() => Ok(code),
    }
}
