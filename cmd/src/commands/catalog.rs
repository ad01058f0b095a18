//! `aura catalog`

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use aura::api;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Bytes that are read and sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Import, search and show what a tenant sells
#[derive(Debug, clap::Args)]
pub struct CatalogArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Import(Import),
    Status(Status),
    Search(Search),
    Show(Show),
}

/// Import products from a file
///
/// The file is streamed, whatever its size: a Shopify product CSV, or JSON Lines (docs/catalog-jsonl.md). Importing it
/// again changes only what differs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura catalog import -t noor products_export.csv
  curl -fsS https://noor.example/products.jsonl | aura catalog import -t noor - --dry-run")]
struct Import {
    #[command(flatten)]
    tenant: TenantArg,
    /// File to read; `-` for stdin
    source: PathBuf,
    /// Format of the file; `auto` looks at the file
    #[arg(long, default_value = "auto")]
    format: String,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Remove products that the file does not name
    #[arg(long)]
    prune: bool,
}

/// Show how many products a tenant has, and where they came from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura catalog status -t noor
  AURA_TENANT=noor aura catalog status -t noor --json")]
struct Status {
    #[command(flatten)]
    tenant: TenantArg,
}

/// Search the products as the assistant does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura catalog search -t noor \"linen dress under 80\"
  aura catalog search -t noor \"schwarze Schuhe in 42\" --limit 3 --json")]
struct Search {
    #[command(flatten)]
    tenant: TenantArg,
    /// What a shopper would ask for
    text: String,
    /// The most results
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Show one product with its variants, prices and stock
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura catalog show -t noor linen-abaya
  aura catalog show -t noor linen-abaya --json")]
struct Show {
    #[command(flatten)]
    tenant: TenantArg,
    /// The product's own id or handle
    product: String,
}

pub async fn run(context: &Context, args: CatalogArgs) -> Result<(), Failure> {
    let ui = context.ui;
    match args.verb {
        Verb::Import(args) => import(context, &args).await,
        Verb::Status(args) => {
            let slug = args.tenant.slug.as_str();
            let status = context.client().await?.catalog(slug).await?;
            ui.data(&status, || render::catalog_status(&status, ui.look()))?;
            if status.products == 0 {
                ui.done("no products yet", format!("aura catalog import -t {slug} FILE"));
            }
            Ok(())
        }
        Verb::Search(args) => search(context, args).await,
        Verb::Show(args) => {
            let product = context.client().await?.product(args.tenant.slug.as_str(), &args.product).await?;
            ui.data(&product, || render::product(&product, ui.look()))
        }
    }
}

async fn search(context: &Context, args: Search) -> Result<(), Failure> {
    let (ui, slug) = (context.ui, args.tenant.slug.as_str());
    let query = api::SearchQuery { q: args.text, limit: Some(args.limit) };
    let found = context.client().await?.search(slug, &query).await?;
    if found.results.is_empty() && !ui.json {
        ui.done("nothing found", format!("aura catalog status -t {slug}"));
        return Ok(());
    }
    ui.table(&found, || render::search_results(&found, ui.look()))
}

async fn import(context: &Context, args: &Import) -> Result<(), Failure> {
    let (ui, slug) = (context.ui, args.tenant.slug.as_str());
    refuse_url(&args.source)?;
    // Before the daemon is asked: a missing file should say so, whether or not one runs.
    let (bytes, size) = open(&args.source).await?;
    let client = context.client().await?;
    let query = api::ImportQuery {
        source: input::shown(&args.source),
        format: Some(args.format.clone()),
        dry_run: args.dry_run,
        prune: args.prune,
    };
    let bar = if ui.shows_progress() { bar(size) } else { ProgressBar::hidden() };
    let outcome = client.import(slug, &query, counted(bytes, bar.clone())).await;
    bar.finish_and_clear();
    let report = outcome?;
    ui.data(&report, || render::import_report(&report, ui.look()))?;
    let source = input::shown(&args.source);
    let changed = report.added + report.updated + report.removed;
    if report.dry_run {
        ui.done("nothing was written", format!("aura catalog import -t {slug} {source}"));
    } else if changed == 0 {
        let what = format!("nothing has changed: {slug} has these {} products already", report.unchanged);
        ui.done(what, format!("aura catalog status -t {slug}"));
    } else {
        let what = format!("imported {} products into {slug}", report.products);
        ui.done(what, format!("aura chat -t {slug}"));
    }
    Ok(())
}

/// The daemon opens no address and no path that a client names; the command streams what the person can read.
fn refuse_url(source: &Path) -> Result<(), Failure> {
    match source.to_str() {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
            Err(Failure::usage("this version imports files and stdin, not addresses")
                .hint(format!("Fetch it yourself: `curl -fsS {url} | aura catalog import -`.")))
        }
        _ => Ok(()),
    }
}

async fn open(source: &Path) -> Result<(BoxStream<'static, io::Result<Bytes>>, Option<u64>), Failure> {
    if source == Path::new("-") {
        return Ok((ReaderStream::with_capacity(tokio::io::stdin(), CHUNK_BYTES).boxed(), None));
    }
    let failed = |error: io::Error| Failure::io(format!("{} could not be read", source.display()), &error);
    let file = File::open(source).await.map_err(failed)?;
    let metadata = file.metadata().await.map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!("{} is a directory, not a file", source.display())));
    }
    let size = Some(metadata).filter(Metadata::is_file).map(|metadata| metadata.len());
    Ok((ReaderStream::with_capacity(file, CHUNK_BYTES).boxed(), size))
}

fn counted(
    bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    bar: ProgressBar,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    bytes.inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            bar.inc(chunk.len() as u64);
        }
    })
}

fn bar(size: Option<u64>) -> ProgressBar {
    const KNOWN: &str = "{bar:40} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    const UNKNOWN: &str = "{spinner} {bytes}  {bytes_per_sec}";
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), KNOWN),
        None => (ProgressBar::new_spinner(), UNKNOWN),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the templates above are well formed"))
}
