//! `aura bench import`: how fast a catalogue is read and indexed, and how much memory that takes.

use std::{path::Path, time::Instant};

use aura::{api, client::Client};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{
    catalogue, failed, machine,
    place::{self, Place, PlaceArgs, TENANT},
    report::{Figure, Report},
};
use crate::failure::Failure;

/// Products a second, at least.
const RATE_MIN: f64 = 10_000.0;
/// Memory that an import may take, whatever the file's size, MiB.
const MEMORY_MAX_MB: f64 = 192.0;
/// Bytes read at a time, as `aura catalog import` does.
const CHUNK_BYTES: usize = 64 * 1024;
const GB: u64 = 1_000_000_000;
const MB: f64 = 1_000_000.0;

/// Measure how fast a catalogue is imported, and in how much memory
///
/// Writes a made-up Shopify export with about three variants a product, and imports it into a fresh tenant by the same
/// code as `aura catalog import`; then once more, unchanged.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench import
  aura bench import --size-gb 2 --dir /var/tmp")]
pub struct ImportArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Products in the file
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Write products until the file has so many GB, to see that memory does not grow with it
    #[arg(long, value_name = "GB", conflicts_with = "products", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    size_gb: Option<u64>,
}

pub async fn run(report: &Report, args: ImportArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let file = place.path("products.csv");
    let (products, bytes) = match args.size_gb {
        Some(gb) => write(&file, 0, gb * GB).await?,
        None => write(&file, args.products, 0).await?,
    };
    report.add([Figure::new("products", products as f64, ""), Figure::new("file", bytes as f64 / MB, "MB")])?;
    let aura = place.embed(None).await?;
    let measured = measure(report, &place::client(&aura), &file, products, bytes).await;
    aura.close().await;
    measured
}

async fn measure(report: &Report, client: &Client, file: &Path, products: u64, bytes: u64) -> Result<(), Failure> {
    place::add_tenant(client).await?;
    for again in [false, true] {
        machine::forget_peak();
        let began = Instant::now();
        let done = import(client, file).await?;
        let seconds = began.elapsed().as_secs_f64();
        let count = if again { done.unchanged } else { done.added };
        if count != products || !done.skipped.is_empty() {
            return Err(failed(format!("{count} of {products} products were imported: {:?}", done.skipped.first())));
        }
        let which = if again { "unchanged import" } else { "first import" };
        let rate = Figure::new(format!("{which}: products"), products as f64 / seconds, "/s");
        report.add([
            rate.at_least(RATE_MIN),
            Figure::new(format!("{which}: text"), bytes as f64 / MB / seconds, "MB/s"),
            Figure::new(format!("{which}: peak memory"), machine::peak_mb(), "MiB").at_most(MEMORY_MAX_MB),
        ])?;
    }
    Ok(())
}

/// Writes the file beside the runtime's threads.
pub async fn write(path: &Path, products: u64, bytes: u64) -> Result<(u64, u64), Failure> {
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || catalogue::write(&path, products, bytes)).await;
    let written = written.map_err(|error| failed(format!("the export could not be made: {error}")))?;
    written.map_err(|error| Failure::io("the export could not be written", &error))
}

/// Imports it into the tenant under measurement as `aura catalog import` does.
pub async fn import(client: &Client, file: &Path) -> Result<api::ImportReport, Failure> {
    import_into(client, TENANT, file).await
}

/// The same into any tenant.
pub async fn import_into(client: &Client, slug: &str, file: &Path) -> Result<api::ImportReport, Failure> {
    let source = File::open(file).await.map_err(|error| Failure::io("the export could not be read", &error))?;
    let query =
        api::ImportQuery { source: "products.csv".into(), format: Some("auto".into()), dry_run: false, prune: false };
    Ok(client.import(slug, &query, ReaderStream::with_capacity(source, CHUNK_BYTES)).await?)
}
