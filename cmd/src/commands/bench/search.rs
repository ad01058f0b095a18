//! `aura bench search`: how long the assistant's own search takes in a large catalogue.

use std::time::{Duration, Instant};

use aura::{app::Caller, daemon::Embedded, domain::tenant::TenantSlug};

use super::{
    catalogue, failed, import,
    place::{self, Place, PlaceArgs, TENANT},
    report::{Figure, Percentiles, Report},
};
use crate::failure::Failure;

/// The median, at most, ms.
const P50_MAX_MS: f64 = 5.0;
/// The slowest of a hundred, at most, ms.
const P99_MAX_MS: f64 = 15.0;
/// Questions that warm up and are not counted.
const WARM_UP: u64 = 20;
/// Results asked for, as a turn does.
const RESULTS: usize = 10;

/// Measure how long a search takes, as the assistant searches
///
/// Imports a made-up catalogue and asks for its products in one to four words: some misspelt, some with a price, a
/// colour, a size. One question at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench search
  aura bench search --products 10000 --queries 2000 --json")]
pub struct SearchArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Products in the catalogue
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Questions to ask
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    queries: u64,
    /// Name the slowest questions
    #[arg(long)]
    slowest: bool,
}

pub async fn run(report: &Report, args: SearchArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let file = place.path("products.csv");
    let aura = place.embed(None).await?;
    let client = place::client(&aura);
    place::add_tenant(&client).await?;
    import::write(&file, args.products, 0).await?;
    import::import(&client, &file).await?;
    let asked = ask(&aura, &args).await;
    aura.close().await;
    let Asked { mut took, found } = asked?;
    let all = Percentiles::of(took.iter().map(|(took, _)| *took).collect());
    report.add([
        Figure::new("products", args.products as f64, ""),
        Figure::new("search, p50", all.ms(0.50), "ms").at_most(P50_MAX_MS),
        Figure::new("search, p99", all.ms(0.99), "ms").at_most(P99_MAX_MS),
        Figure::new("search, max", all.ms(1.0), "ms"),
        Figure::new("questions with an answer", found as f64 / args.queries as f64 * 100.0, "%"),
    ])?;
    if args.slowest {
        took.sort_by_key(|one| std::cmp::Reverse(one.0));
        for (took, question) in took.iter().take(20) {
            report.ui().say(format!("{:.2} ms  {question}", took.as_secs_f64() * 1_000.0));
        }
    }
    Ok(())
}

struct Asked {
    took: Vec<(Duration, String)>,
    found: u64,
}

async fn ask(aura: &Embedded, args: &SearchArgs) -> Result<Asked, Failure> {
    let slug = TenantSlug::parse(TENANT).map_err(|error| failed(format!("the tenant's name is wrong: {error}")))?;
    let refused = |error: aura::app::Error| failed(format!("a search failed: {error}"));
    let tenant = aura.app().authorize(&Caller::Operator, &slug).await.map_err(refused)?;
    let mut asked = Asked { took: Vec::new(), found: 0 };
    for number in 0..WARM_UP + args.queries {
        let question = catalogue::question(number, args.products);
        let began = Instant::now();
        let hits = aura.app().catalog_search(&tenant, &question, RESULTS).await.map_err(refused)?;
        let took = began.elapsed();
        if number >= WARM_UP {
            asked.took.push((took, question));
            asked.found += u64::from(!hits.is_empty());
        }
    }
    Ok(asked)
}
