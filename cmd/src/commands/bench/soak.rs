//! `aura bench soak`: the traffic of an hour in minutes, and whether memory, files and logs on disk come to rest.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aura::{api, daemon::SystemClock, sim::Sim};

use super::{
    catalogue, failed, import,
    place::{APP_SECRET, DATA_DIR, Place, PlaceArgs},
    process::Process,
    report::{Figure, Report},
};
use crate::failure::Failure;

/// Products of each shop.
const PRODUCTS: u64 = 500;
/// How often the daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The first part of the run, in which caches fill.
const WARM_UP: f64 = 0.25;
/// Of the memory after that part, at most, at the end.
const GROWTH_MAX: f64 = 1.10;
/// How long everything may take to come to rest at the end.
const REST_MAX: Duration = Duration::from_secs(60);
/// How long nothing may change before it counts as rest: longer than what failed waits for its next try.
const STILL: Duration = Duration::from_secs(6);
const BYTES_PER_MB: f64 = 1_000_000.0;

/// Run the traffic of an hour in minutes and watch the memory
///
/// Many shops, many shoppers who write again and again, all answered through a simulated Instagram by a daemon that is a
/// process of its own. The defaults are an hour at five messages a second, at whatever speed --rate says. The memory
/// at the end is held against the memory after the first quarter.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench soak
  aura bench soak --messages 100000 --rate 200 --tenants 100")]
pub struct SoakArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Messages of shoppers
    #[arg(long, default_value_t = 18_000, value_parser = clap::value_parser!(u32).range(100..))]
    messages: u32,
    /// Messages a second
    #[arg(long, value_name = "PER_SECOND", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Shops with a catalogue each
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    tenants: u32,
    /// Shoppers of each shop
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shoppers: u32,
}

pub async fn run(report: &Report, args: SoakArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await;
    let sim = sim.map_err(|error| failed(format!("the simulated Instagram did not start: {error}")))?;
    let process = Process::start(&place, sim.url()).await?;
    sim.deliver_to(&format!("http://{}/webhooks/instagram", process.public));
    add_shops(&place, &sim, &process, args.tenants).await?;
    let samples = soak(&sim, &process, &args).await?;
    let rest = until_at_rest(&process).await?;
    let figures = figures(&sim, &process, &args, &samples, &rest, &place.path(DATA_DIR))?;
    report.add(figures)?;
    process.stop().await
}

fn slug(tenant: u32) -> String {
    format!("soak-{tenant}")
}

fn account(tenant: u32) -> String {
    format!("1784160000{tenant:07}")
}

async fn add_shops(place: &Place, sim: &Sim, process: &Process, tenants: u32) -> Result<(), Failure> {
    let file = place.path("products.csv");
    import::write(&file, PRODUCTS, 0).await?;
    for tenant in 0..tenants {
        let slug = slug(tenant);
        let new = api::NewTenant {
            slug: slug.clone(),
            name: format!("Soak {tenant}"),
            currency: Some("USD".into()),
            language: Some("en".into()),
            ..api::NewTenant::default()
        };
        process.client.add_tenant(&new).await?;
        let token = format!("bench-token-{tenant}");
        sim.account(&account(tenant), &slug, &token);
        let connect = api::Connect { channel: "instagram".into(), account_id: account(tenant), token: Some(token) };
        process.client.connect(&slug, &connect).await?;
        import::import_into(&process.client, &slug, &file).await?;
    }
    Ok(())
}

/// One look at the daemon.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Of all messages, how many were sent by then.
    done: f64,
    resident_mb: f64,
    open_files: usize,
}

/// Has shopper after shopper write at the rate, and looks at the daemon meanwhile.
async fn soak(sim: &Sim, process: &Process, args: &SoakArgs) -> Result<Vec<Sample>, Failure> {
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut look_at = began;
    for number in 0..args.messages {
        let due = began + Duration::from_secs_f64(f64::from(number) / f64::from(args.rate));
        tokio::time::sleep_until(due.into()).await;
        let tenant = number % args.tenants;
        let shopper = sim.shopper(&format!("soak{tenant}x{}", number / args.tenants % args.shoppers));
        let _mid = shopper.writes(&account(tenant), &catalogue::question(number.into(), PRODUCTS));
        if Instant::now() >= look_at {
            look_at += LOOK_EVERY;
            samples.push(Sample {
                done: f64::from(number) / f64::from(args.messages),
                resident_mb: process.resident_mb()?,
                open_files: process.open_files()?,
            });
        }
    }
    Ok(samples)
}

/// How the daemon came to rest.
struct Rest {
    took: Duration,
    /// Messages that wait for a person: what the composer handed over.
    left_to_people: u64,
}

/// Waits until nothing moves any more.
async fn until_at_rest(process: &Process) -> Result<Rest, Failure> {
    let began = Instant::now();
    let (mut open, mut since) = (None, began);
    loop {
        let status = process.client.status().await?;
        let outbox = status.tenants.iter().map(|tenant| &tenant.outbox);
        let under_way: u64 = outbox.map(|outbox| outbox.pending + outbox.sending + outbox.unknown).sum();
        let open_now: u64 = status.tenants.iter().map(|tenant| tenant.open_messages).sum();
        if open != Some(open_now) || under_way + status.journal.backlog > 0 {
            (open, since) = (Some(open_now), Instant::now());
        } else if since.elapsed() >= STILL {
            return Ok(Rest { took: since - began, left_to_people: open_now });
        }
        if began.elapsed() > REST_MAX {
            return Err(failed(format!("{under_way} replies were still under way after {REST_MAX:?}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn figures(
    sim: &Sim,
    process: &Process,
    args: &SoakArgs,
    samples: &[Sample],
    rest: &Rest,
    data_dir: &Path,
) -> Result<Vec<Figure>, Failure> {
    let warm = samples.iter().find(|sample| sample.done >= WARM_UP).or(samples.last());
    let warm = warm.ok_or_else(|| failed("nothing was looked at"))?;
    let peak = samples.iter().map(|sample| sample.resident_mb).fold(0.0, f64::max);
    let files = samples.iter().map(|sample| sample.open_files).max().unwrap_or_default();
    let at_end = process.resident_mb()?;
    let sent = sim.world().sends.len();
    let logs = log_bytes(data_dir).map_err(|error| Failure::io("the logs on disk cannot be measured", &error))?;
    Ok(vec![
        Figure::new("messages", f64::from(args.messages), ""),
        Figure::new("replies sent", sent as f64, ""),
        Figure::new("messages left to people", rest.left_to_people as f64, ""),
        Figure::new("at rest after", rest.took.as_secs_f64(), "s"),
        Figure::new("resident after a quarter", warm.resident_mb, "MB"),
        Figure::new("resident at the end", at_end, "MB"),
        Figure::new("end against quarter", at_end / warm.resident_mb, "").at_most(GROWTH_MAX),
        Figure::new("peak", peak.max(at_end), "MB"),
        Figure::new("open files, most", files as f64, ""),
        Figure::new("write-ahead logs on disk", logs as f64 / BYTES_PER_MB, "MB"),
    ])
}

/// Bytes of every write-ahead log below a folder.
fn log_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            bytes += log_bytes(&entry.path())?;
        } else if entry.file_name().to_string_lossy().ends_with("-wal") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
