//! `aura demo`: the daemon and a simulated Instagram in one process, two sample shops, five shoppers.

mod act;
mod check;
mod play;
mod screen;
mod script;
mod shops;
mod stage;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Instant,
};

use aura::{
    api::exit,
    client::{Client, Transport},
    config::{Config, Conversation, Drain, MasterKeyPolicy, Meta, MetricsListen, Secrets},
    daemon::{self, Options, Running, SystemClock, UuidV7},
    sim::Sim,
    telemetry,
};
use tempfile::TempDir;

use crate::{context::Context, failure::Failure, interrupted_or_left, ui::Ui};
use act::{Act, Pace};
use screen::{Facts, Screen};
use shops::{APP_SECRET, SHOPS};
use stage::Stage;

/// How long the demo's assistant waits for more; the default's 3 s are for people who type.
const DEBOUNCE_MS: u32 = 600;

/// Show the whole thing with a simulated Instagram and two sample shops
///
/// Works in a temporary directory, needs no account, no key and no network, runs beside a daemon, and removes everything
/// when it ends. After the script you can write to the shops yourself; with `--once` the outcome is checked instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura demo
  aura demo --once --json")]
pub struct DemoArgs {
    /// Run a fixed script of conversations, check the outcome, exit 0 or 1
    #[arg(long)]
    pub once: bool,
    /// Address to accept webhooks on; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
}

pub async fn run(context: &Context, args: DemoArgs) -> Result<u8, Failure> {
    let ui = context.ui;
    if ui.verbose {
        telemetry::start_logs("info", Some(ui.json));
    }
    let dir = tempfile::Builder::new()
        .prefix("aura-demo-")
        .tempdir()
        .map_err(|error| Failure::io("a temporary directory could not be made", &error))?;
    let outcome = within(&dir, ui, args).await;
    let removed = dir.close().map_err(|error| Failure::io("the temporary directory could not be removed", &error));
    outcome.and_then(|code| removed.map(|()| code))
}

/// The demo itself; whatever ends it, the daemon has come to rest afterwards.
async fn within(dir: &TempDir, ui: Ui, args: DemoArgs) -> Result<u8, Failure> {
    let signal = interrupted_or_left();
    tokio::pin!(signal);
    let demo = tokio::select! {
        started = Demo::start(dir.path(), args.listen) => started?,
        code = &mut signal => return code,
    };
    let outcome = tokio::select! {
        outcome = demo.show(ui, args.once) => outcome,
        code = &mut signal => code,
    };
    // A daemon that failed is the reason for whatever else did.
    demo.stop().await.and(outcome)
}

/// A simulated Instagram and a daemon that know each other.
struct Demo {
    sim: Sim,
    running: Running,
    client: Client,
}

impl Demo {
    async fn start(dir: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        let clock = Arc::new(SystemClock);
        let sim = Sim::start(clock.clone(), APP_SECRET).await.map_err(no_instagram)?;
        let options = Options {
            config: config(&sim, listen),
            data_dir: dir.to_owned(),
            clock,
            ids: Arc::new(UuidV7),
            publish: false,
            writer: None,
        };
        let running = daemon::serve(options).await?;
        let client = Client::new(Transport::Socket(running.bound.socket.clone()));
        Ok(Self { sim, running, client })
    }

    /// Opens the shops, plays the script, then lets the person at the keyboard play on.
    async fn show(&self, ui: Ui, once: bool) -> Result<u8, Failure> {
        let began = Instant::now();
        let (client, screen) = (&self.client, Screen::new(ui));
        let aura = format!("http://{}", reachable(self.running.bound.public));
        shops::subscribe(&self.sim, client, &format!("{aura}/webhooks/instagram")).await?;
        let mut products = [0; SHOPS.len()];
        for (shop, count) in SHOPS.iter().zip(&mut products) {
            *count = shop.open(&self.sim, client).await?;
        }
        let data_dir = self.running.bound.data_dir.display().to_string();
        let (instagram, debounce_ms) = (self.sim.url(), DEBOUNCE_MS);
        screen.head(&Facts { instagram, aura: &aura, data_dir: &data_dir, products, debounce_ms })?;

        let mut stage = Stage::new(self.sim.clone(), client.clone(), screen);
        let outcome = Act::new(&mut stage, Pace::new(ui.json, once)).play().await?;
        let (all, failed) = (outcome.checks.all(), outcome.checks.failed().len());
        screen.summary(&outcome.rows, all, once || failed > 0, began.elapsed().as_millis())?;
        if once && failed > 0 {
            let message = format!("{failed} of {} checks of the demo failed", all.len());
            return Err(Failure::new(exit::FAILED, "demo_failed", message));
        }
        screen.next_steps()?;
        if !once {
            play::play(&mut stage, &data_dir).await?;
        }
        Ok(exit::DONE)
    }

    /// Lets the daemon finish what it has begun; a second signal does not wait for it.
    async fn stop(self) -> Result<(), Failure> {
        self.running.stopper().cancel();
        tokio::select! {
            ended = self.running.wait() => Ok(ended?),
            signal = interrupted_or_left() => signal.map(drop),
        }
    }
}

/// The demo's own settings. Nothing of the user's counts, so that it runs the same everywhere and beside everything.
fn config(sim: &Sim, listen: SocketAddr) -> Config {
    let instagram = sim.url().to_owned();
    Config {
        listen,
        metrics_listen: MetricsListen::Off,
        secrets: Secrets { master_key: MasterKeyPolicy::File },
        drain: Drain { notice_ms: 0 },
        conversation: Conversation { debounce_ms: DEBOUNCE_MS, ..Conversation::default() },
        meta: Meta {
            graph_url: instagram.clone(),
            facebook_graph_url: instagram.clone(),
            login_url: instagram.clone(),
            api_url: instagram,
            ..Meta::default()
        },
        ..Config::default()
    }
}

/// Where the simulated Instagram, which is on this machine, finds a listener; it may listen on every address.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, bound.port())
}

fn no_instagram(error: aura::sim::StartError) -> Failure {
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let causes = causes.map(ToString::to_string).collect();
    Failure { causes, ..Failure::new(exit::FAILED, "simulator_failed", error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_over_loopback() {
        for (bound, reached) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("127.0.0.2:80", "127.0.0.2:80")]
        {
            assert_eq!(reachable(bound.parse().expect("an address")).to_string(), reached);
        }
    }
}
