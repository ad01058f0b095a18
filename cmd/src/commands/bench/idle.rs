//! `aura bench idle`: what a daemon with many tenants costs while nobody writes, and how soon it is ready.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aura::{api, client::Client, daemon::SystemClock, sim::Sim};

use super::{
    failed,
    place::{self, APP_SECRET, Place, PlaceArgs},
    process::Process,
    report::{Figure, Report},
};
use crate::failure::Failure;

/// Tenants that the budgets are stated for.
const BUDGET_TENANTS: u32 = 1_000;
/// Resident memory at most, MB.
const RESIDENT_MAX_MB: f64 = 60.0;
/// From the start to accepting requests, at most, ms.
const READY_MAX_MS: f64 = 500.0;
/// Of one core while nothing happens, at most, %: what "about nothing" means here.
const PROCESSOR_MAX: f64 = 1.0;
/// Tenants between two words of progress.
const PROGRESS_EVERY: u32 = 1_000;

/// Measure what a daemon with many tenants costs while nobody writes
///
/// Adds tenants, each with a connected account on a simulated Instagram, starts the daemon as a process of its own, and
/// looks at it: how soon it is ready, what memory, time and files it takes. The first comparison with Instagram
/// begins 20 seconds after the start and is looked at apart from the rest before it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench idle
  aura bench idle --tenants 10000 --watch-seconds 19")]
pub struct IdleArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Tenants, each with one account
    #[arg(long, default_value_t = BUDGET_TENANTS, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tenants: u32,
    /// Seconds to look at it before the first comparison with Instagram, and as many after that has begun
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=19))]
    watch_seconds: u32,
}

pub async fn run(report: &Report, args: IdleArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await;
    let sim = sim.map_err(|error| failed(format!("the simulated Instagram did not start: {error}")))?;
    let added = add_tenants(report, &place, &sim, args.tenants).await?;
    report.add([
        Figure::new("tenants", f64::from(args.tenants), ""),
        Figure::new("adding a tenant and its account", added.as_secs_f64() * 1_000.0 / f64::from(args.tenants), "ms"),
    ])?;
    let process = Process::start(&place, sim.url()).await?;
    report.add(watch(&process, &args).await?)?;
    process.stop().await
}

/// Adds the tenants with nothing running.
async fn add_tenants(report: &Report, place: &Place, sim: &Sim, tenants: u32) -> Result<Duration, Failure> {
    let aura = place.embed(Some(sim.url())).await?;
    let client = place::client(&aura);
    let began = Instant::now();
    let mut added = Ok(());
    for number in 0..tenants {
        added = add_tenant(&client, sim, number).await;
        if added.is_err() {
            break;
        }
        if number % PROGRESS_EVERY == PROGRESS_EVERY - 1 {
            report.ui().say(format!("{} of {tenants} tenants", number + 1));
        }
    }
    let took = began.elapsed();
    aura.close().await;
    added.map(|()| took)
}

async fn add_tenant(client: &Client, sim: &Sim, number: u32) -> Result<(), Failure> {
    let slug = format!("shop-{number}");
    let new = api::NewTenant { slug: slug.clone(), name: format!("Shop {number}"), ..api::NewTenant::default() };
    client.add_tenant(&new).await?;
    let (id, token) = (format!("1784150000{number:07}"), format!("bench-token-{number}"));
    sim.account(&id, &slug, &token);
    client.connect(&slug, &api::Connect { channel: "instagram".into(), account_id: id, token: Some(token) }).await?;
    Ok(())
}

async fn watch(process: &Process, args: &IdleArgs) -> Result<Vec<Figure>, Failure> {
    // The budgets are for a thousand tenants; what more of them cost is told without one.
    let budgeted =
        |figure: Figure, limit: f64| if args.tenants == BUDGET_TENANTS { figure.at_most(limit) } else { figure };
    let pause = Duration::from_secs(args.watch_seconds.into());
    let share = |from: Duration, to: Duration| (to - from).as_secs_f64() / pause.as_secs_f64() * 100.0;
    let ready = process.ready_in.as_secs_f64() * 1_000.0;
    let mut figures = vec![
        budgeted(Figure::new("ready in", ready, "ms"), READY_MAX_MS),
        Figure::new("resident when ready", process.resident_mb()?, "MB"),
    ];
    let began = process.processor_time()?;
    tokio::time::sleep(pause).await;
    let idle = process.processor_time()?;
    figures.extend([
        budgeted(Figure::new("resident while nothing happens", process.resident_mb()?, "MB"), RESIDENT_MAX_MB),
        budgeted(Figure::new("of one core while nothing happens", share(began, idle), "%"), PROCESSOR_MAX),
    ]);
    // Past the moment at which the threads of every account are compared for the first time.
    tokio::time::sleep(Duration::from_secs(21).saturating_sub(pause)).await;
    let before = process.processor_time()?;
    tokio::time::sleep(pause).await;
    figures.extend([
        Figure::new("of one core while threads are compared", share(before, process.processor_time()?), "%"),
        Figure::new("resident then", process.resident_mb()?, "MB"),
        Figure::new("open files then", process.open_files()? as f64, ""),
    ]);
    Ok(figures)
}
