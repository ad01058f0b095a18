//! `aura bench fairness`: how long the shoppers of quiet shops wait while thousands write to another one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aura::{
    api,
    client::{Client, Transport},
    daemon::{self, Options, Running, SystemClock, UuidV7},
    sim::{Deliveries, Order, Sim},
};

use super::{
    failed,
    place::{self, APP_SECRET, Place, PlaceArgs},
    report::{Figure, Percentiles, Report},
};
use crate::failure::Failure;

/// The shop with the rush.
const BUSY: &str = "busy";
/// p95 of the quiet shops' wait, as a multiple of their wait in a quiet house.
const FACTOR_MAX: f64 = 2.0;
/// Webhooks in one request of the simulator.
const BATCH: usize = 100;
/// Pause between two quiet shoppers, so that the rush is spread over all of them.
const PAUSE: Duration = Duration::from_millis(20);
/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// What everyone asks.
const QUESTION: &str = "Do you have scarves?";

/// Measure how long quiet shops wait while thousands write to another one
///
/// Runs the whole daemon with a simulated Instagram on this machine: the quiet shops' shoppers write one after another, first
/// alone, then while everyone writes to the busy shop. From the moment a shopper writes to the answer on the screen.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench fairness
  aura bench fairness --rush 10000 --shops 20 --json")]
pub struct FairnessArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Shoppers that write to the busy shop at the same time
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rush: u32,
    /// Shops with a shopper now and then
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=99))]
    shops: u32,
    /// Messages to each of them, alone and during the rush
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    messages: u32,
}

pub async fn run(report: &Report, args: FairnessArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let street = Street::start(&place, args.shops).await?;
    let measured = measure(report, &street, &args).await;
    street.running.stopper().cancel();
    let stopped = street.running.wait().await;
    measured?;
    Ok(stopped?)
}

async fn measure(report: &Report, street: &Street, args: &FairnessArgs) -> Result<(), Failure> {
    let alone = street.waits("alone", args).await?;
    street.sim.deliveries(Deliveries { batch: BATCH, ..Deliveries::default() });
    street.sim.hold_webhooks();
    for number in 0..args.rush {
        let _mid = street.sim.shopper(&format!("rusher{number}")).writes(&account(0), QUESTION);
    }
    street.sim.release_webhooks(Order::AsHappened);
    let begun = street.sim.until(|world| !world.replies_to("rusher0").is_empty(), DEADLINE).await;
    begun.map_err(|_| failed(format!("the rush was not answered within {DEADLINE:?}")))?;
    let during = street.waits("rush", args).await?;
    let world = street.sim.world();
    let rushers = world.sends.iter().filter(|send| send.account == account(0)).count();
    let left = (args.rush as usize).saturating_sub(rushers);
    let limit = FACTOR_MAX * alone.ms(0.95);
    report.add([
        Figure::new("quiet shops alone: wait, p50", alone.ms(0.50), "ms"),
        Figure::new("quiet shops alone: wait, p95", alone.ms(0.95), "ms"),
        Figure::new("during the rush: wait, p50", during.ms(0.50), "ms"),
        Figure::new("during the rush: wait, p95", during.ms(0.95), "ms").at_most(limit),
        Figure::new("during the rush: wait, max", during.ms(1.0), "ms"),
        Figure::new("of the rush, unanswered when the last quiet one was", left as f64, "").at_least(1.0),
    ])
}

/// A busy shop among quiet ones.
struct Street {
    sim: Sim,
    running: Running,
}

impl Street {
    async fn start(place: &Place, quiet: u32) -> Result<Self, Failure> {
        let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await;
        let sim = sim.map_err(|error| failed(format!("the simulated Instagram did not start: {error}")))?;
        let running = daemon::serve(Options {
            config: place::config(Some(sim.url()))?,
            data_dir: place.path("street"),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7),
            publish: false,
            writer: None,
        })
        .await?;
        sim.deliver_to(&format!("http://{}/webhooks/instagram", running.bound.public));
        let client = Client::new(Transport::Socket(running.bound.socket.clone()));
        for number in 0..=quiet {
            let slug = if number == 0 { BUSY.to_owned() } else { format!("quiet-{number}") };
            let new = api::NewTenant { slug: slug.clone(), name: slug.clone(), ..api::NewTenant::default() };
            client.add_tenant(&new).await?;
            let token = format!("bench-token-{number}");
            sim.account(&account(number), &slug, &token);
            let id = account(number);
            let connect = api::Connect { channel: "instagram".into(), account_id: id, token: Some(token) };
            client.connect(&slug, &connect).await?;
        }
        Ok(Self { sim, running })
    }

    /// Has a shopper of each quiet shop write in turn; how long each waited for the answer.
    async fn waits(&self, part: &str, args: &FairnessArgs) -> Result<Percentiles, Failure> {
        let mut wrote = HashMap::new();
        for message in 0..args.messages {
            for shop in 1..=args.shops {
                let name = format!("{part}-{shop}-{message}");
                let began = std::time::Instant::now();
                let _mid = self.sim.shopper(&name).writes(&account(shop), QUESTION);
                let answered = tokio::spawn({
                    let (sim, name) = (self.sim.clone(), name.clone());
                    async move {
                        let came = sim.until_replies(&name, 1, DEADLINE).await;
                        came.map(|()| began.elapsed())
                    }
                });
                wrote.insert(name, answered);
                tokio::time::sleep(PAUSE).await;
            }
        }
        let mut waits = Vec::with_capacity(wrote.len());
        for (name, answered) in wrote {
            let waited = answered.await.map_err(|error| failed(format!("a wait broke off: {error}")))?;
            waits.push(waited.map_err(|_| failed(format!("`{name}` was not answered within {DEADLINE:?}")))?);
        }
        Ok(Percentiles::of(waits))
    }
}

fn account(number: u32) -> String {
    format!("1784140000001{number:04}")
}
