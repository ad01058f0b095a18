//! `aura bench turn`: how long Aura's own part of an answer takes, and how many it gives a second.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use aura::{
    api,
    client::{Client, Transport},
    daemon::{self, Options, Running, SystemClock, UuidV7},
    domain::{Clock, Timestamp},
    sim::{Deliveries, Order, Sim},
};
use futures_util::TryStreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    catalogue, failed, import,
    place::{self, APP_SECRET, Place, PlaceArgs, TENANT},
    report::{Figure, Percentiles, Report},
};
use crate::failure::Failure;

/// Accounts of the tenant: Instagram takes 100 sends a second from each.
const ACCOUNTS: u32 = 8;
/// The median from due to durable, ms, beside its commits.
const P50_MAX_MS: f64 = 5.0;
/// Commits from due to durable: the wake hint and the turn's own.
const COMMITS: f64 = 2.0;
/// Turns a second, at least.
const RATE_MIN: f64 = 300.0;
/// Webhooks in one request of the simulator while many shoppers write at once.
const BATCH: usize = 100;
/// How long everything may take.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long one answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// Measure what Aura itself adds to an answer, and how many it gives a second
///
/// Runs the whole daemon with a made-up catalogue, the built-in composer and a simulated Instagram on this machine:
/// first one shopper at a time, then all of them at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench turn
  aura bench turn --products 100000 --shoppers 5000 --json")]
pub struct TurnArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Products in the catalogue
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Shoppers that write at the same time
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    shoppers: u32,
    /// Shoppers that write one after another
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    single: u32,
}

pub async fn run(report: &Report, args: TurnArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let answering = Answering::start(&place, Some(args.products)).await?;
    let measured = measure(report, &place, &answering, &args).await;
    let stopped = answering.stop().await;
    measured.and(stopped)
}

async fn measure(report: &Report, place: &Place, answering: &Answering, args: &TurnArgs) -> Result<(), Failure> {
    for number in 0..args.single {
        answering.ask(number, args.products);
        answering.until_replies(number as usize + 1, ANSWER_DEADLINE).await?;
    }
    let one_by_one = answering.turns().await?;
    let limit = P50_MAX_MS + COMMITS * place.machine.fdatasync_p50_ms;
    report.add([
        Figure::new("alone: due to reply durable, p50", one_by_one.ms(0.50), "ms").at_most(limit),
        Figure::new("alone: due to reply durable, p99", one_by_one.ms(0.99), "ms"),
    ])?;
    answering.sim.hold_webhooks();
    for number in args.single..args.single + args.shoppers {
        answering.ask(number, args.products);
    }
    answering.sim.deliveries(Deliveries { batch: BATCH, ..Deliveries::default() });
    let (began, began_at) = (Instant::now(), SystemClock.now());
    answering.sim.release_webhooks(Order::AsHappened);
    answering.until_replies((args.single + args.shoppers) as usize, DEADLINE).await?;
    let sent = f64::from(args.shoppers) / began.elapsed().as_secs_f64();
    let durable = answering.rate_of_turns(began_at).await?;
    report.add([
        Figure::new("all at once: due to reply durable", durable, "turns/s").at_least(RATE_MIN),
        Figure::new("all at once: webhook to reply sent", sent, "turns/s"),
    ])
}

/// A daemon with a tenant, a simulated Instagram, and shoppers.
pub struct Answering {
    sim: Sim,
    running: Running,
    client: Client,
}

impl Answering {
    /// Starts it; with products if there shall be any.
    pub async fn start(place: &Place, products: Option<u64>) -> Result<Self, Failure> {
        let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await;
        let sim = sim.map_err(|error| failed(format!("the simulated Instagram did not start: {error}")))?;
        let running = daemon::serve(Options {
            config: place::config(Some(sim.url()))?,
            data_dir: place.path("daemon"),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7),
            publish: false,
            writer: None,
        })
        .await?;
        sim.deliver_to(&format!("http://{}/webhooks/instagram", running.bound.public));
        let client = Client::new(Transport::Socket(running.bound.socket.clone()));
        let answering = Self { sim, running, client };
        answering.prepare(place, products).await?;
        Ok(answering)
    }

    async fn prepare(&self, place: &Place, products: Option<u64>) -> Result<(), Failure> {
        place::add_tenant(&self.client).await?;
        for number in 0..ACCOUNTS {
            let (id, token) = (account(number), format!("bench-token-{number}"));
            self.sim.account(&id, &format!("bench{number}"), &token);
            let connect = api::Connect { channel: "instagram".into(), account_id: id, token: Some(token) };
            self.client.connect(TENANT, &connect).await?;
        }
        if let Some(products) = products {
            let file = place.path("products.csv");
            import::write(&file, products, 0).await?;
            import::import(&self.client, &file).await?;
        }
        Ok(())
    }

    /// Where webhooks are taken.
    pub const fn public(&self) -> SocketAddr {
        self.running.bound.public
    }

    /// The shopper of that number asks for a product.
    fn ask(&self, number: u32, products: u64) {
        let shopper = self.sim.shopper(&format!("shopper{number}"));
        let _mid = shopper.writes(&account(number % ACCOUNTS), &catalogue::question(number.into(), products));
    }

    /// Has shopper after shopper ask, until the guard is dropped.
    pub fn keep_asking(&self, pause: Duration) -> DropGuard {
        let stop = CancellationToken::new();
        let (sim, until) = (self.sim.clone(), stop.clone());
        tokio::spawn(async move {
            for number in 0_u32.. {
                let shopper = sim.shopper(&format!("shopper{number}"));
                let _mid = shopper.writes(&account(number % ACCOUNTS), &catalogue::question(number.into(), 1));
                tokio::select! {
                    () = until.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
        stop.drop_guard()
    }

    /// Replies that reached shoppers.
    pub fn replies(&self) -> usize {
        self.sim.world().sends.len()
    }

    async fn until_replies(&self, count: usize, deadline: Duration) -> Result<(), Failure> {
        let waited = self.sim.until(|world| world.sends.len() >= count, deadline).await;
        waited.map_err(|_| failed(format!("{} of {count} replies came in {deadline:?}", self.replies())))
    }

    /// Turns that became durable in a second, from a moment to the last of them.
    async fn rate_of_turns(&self, since: Timestamp) -> Result<f64, Failure> {
        let finished: Vec<i64> = self.events("turn.finished").await?.iter().map(|event| event.at.0).collect();
        let at = || finished.iter().filter(|at| **at >= since.0);
        let took_ms = at().max().map_or(0, |last| last - since.0);
        Ok(at().count() as f64 * 1_000.0 / took_ms as f64)
    }

    async fn events(&self, kinds: &str) -> Result<Vec<api::Event>, Failure> {
        let query =
            api::EventQuery { since: Some(api::Time(0)), kinds: Some(kinds.into()), ..api::EventQuery::default() };
        Ok(self.client.events(Some(TENANT), &query).await?.try_collect().await?)
    }

    /// From the moment a message was recorded, with which its turn became due, to the moment its reply was durable.
    async fn turns(&self) -> Result<Percentiles, Failure> {
        let events = self.events("message.received,turn.finished").await?;
        let mut received = HashMap::new();
        let mut took = Vec::new();
        for event in events {
            let Some(message) = event.correlation else { continue };
            if event.kind == "message.received" {
                received.insert(message, event.at.0);
            } else if let Some(at) = received.get(&message) {
                took.push(Duration::from_millis(u64::try_from(event.at.0 - at).unwrap_or_default()));
            }
        }
        Ok(Percentiles::of(took))
    }

    /// Ends the daemon, then the simulator.
    pub async fn stop(self) -> Result<(), Failure> {
        self.running.stopper().cancel();
        Ok(self.running.wait().await?)
    }
}

fn account(number: u32) -> String {
    format!("1784140000000{number:04}")
}
