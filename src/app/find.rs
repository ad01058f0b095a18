//! Finding products for a shopper's words: `search` understands and ranks, the store looks up.

use std::sync::Arc;

use super::Error;
use crate::{
    domain::{
        Language,
        product::Product,
        search::{Filters, Hit, SearchPlan, Vocabulary},
        tenant::Tenant,
    },
    search::{self, Analyzer, Ranked, Reading},
    store::{self, CatalogueView, TenantStore},
};

/// Candidates that are ranked (facts: the best 200 by words hold what matters).
const CANDIDATES: usize = 200;
/// Products read at once to see which fit: about half do, and ten are asked for.
const PRODUCTS_AT_ONCE: usize = 20;
/// A product that meets every condition but has this much less of the words than one that does not is not what was
/// asked for: "linen shirt under 40" is no question for linen napkins.
const COVERAGE_SLACK: f64 = 0.15;
/// Every word; the shares of words are sums that may fall short of 1 by rounding.
const COVERED: f64 = 0.999;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// How the words were understood.
    pub plan: SearchPlan,
    /// What fits, the best first.
    pub hits: Vec<Hit>,
    /// Only when nothing fits: the nearest without the conditions on price, size, colour and availability.
    pub near: Vec<Hit>,
}

/// Finds visible products. `language`: the conversation's, if known.
pub async fn find(
    store: &TenantStore,
    tenant: &Tenant,
    text: &str,
    filters: Filters,
    language: Option<Language>,
    limit: usize,
) -> Result<Found, Error> {
    let reading = search::read(text, language, tenant.language, tenant.currency);
    let language = tenant.language;
    Ok(store.look_into_catalogue(move |catalogue| look(catalogue, reading, &filters, language, limit)).await?)
}

fn look(
    catalogue: &CatalogueView<'_>,
    reading: Reading,
    filters: &Filters,
    language: Language,
    limit: usize,
) -> Result<Found, store::Error> {
    let mut vocabulary = catalogue.vocabulary(reading.words(), &[])?;
    let doubts = reading.doubts(&vocabulary);
    if !doubts.around.is_empty() {
        let more = catalogue.vocabulary(doubts.exact, &doubts.around)?;
        vocabulary.known.extend(more.known);
        vocabulary.similar = more.similar;
    }
    let plan = reading.plan(&vocabulary).narrowed(filters);
    if plan.is_empty() {
        return Ok(Found { plan, ..Found::default() });
    }
    // The ranking weighs the words as they were repaired.
    vocabulary.known.append(&mut vocabulary.similar);
    let wanted = candidates(catalogue, &plan, &vocabulary, limit)?;
    if !plan.has_limits() {
        return Ok(Found { hits: first(catalogue, &plan, &wanted, limit)?, near: Vec::new(), plan });
    }
    let Fitting { mut hits, mut covered } = fitting(catalogue, language, &plan, &wanted, limit)?;
    let relaxed = plan.without_limits();
    let mut nearest = Vec::new();
    // What has every word cannot be outdone by a product that does not fit.
    let outdone = covered < COVERED && (hits.is_empty() || !plan.words.is_empty());
    if outdone && !relaxed.is_empty() {
        nearest = candidates(catalogue, &relaxed, &vocabulary, limit)?;
        covered = best(&nearest);
    }
    hits.retain(|(_, coverage)| *coverage >= covered - COVERAGE_SLACK || plan.words.is_empty());
    // "The rain shell in 3XL" is near the rain shell, not near whatever else has a shell on it.
    nearest.retain(|ranked| ranked.coverage >= covered - COVERAGE_SLACK);
    let near = if hits.is_empty() { first(catalogue, &relaxed, &nearest, limit)? } else { Vec::new() };
    Ok(Found { hits: hits.into_iter().take(limit).map(|(hit, _)| hit).collect(), near, plan })
}

fn best(found: &[Ranked]) -> f64 {
    found.iter().map(|ranked| ranked.coverage).fold(0.0, f64::max)
}

/// What meets the plan's limits, the best first, each with its coverage.
struct Fitting {
    hits: Vec<(Hit, f64)>,
    /// The best coverage of all that fits, whether it is among `hits` or not.
    covered: f64,
}

/// Reads products in ranked order until `limit` of them fit and no later one could cover more of the words.
fn fitting(
    catalogue: &CatalogueView<'_>,
    language: Language,
    plan: &SearchPlan,
    ranked: &[Ranked],
    limit: usize,
) -> Result<Fitting, store::Error> {
    let mut analyzer = Analyzer::new(language);
    let mut fitting = Fitting { hits: Vec::new(), covered: 0.0 };
    let mut rest = ranked;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(rest.len().min(limit.max(PRODUCTS_AT_ONCE)));
        for (ranked, product) in chunk.iter().zip(products(catalogue, chunk)?) {
            let fits =
                |product: &Arc<Product>| search::meets_limits(plan, product, &ranked.candidate.text, &mut analyzer);
            if let Some(product) = product.filter(fits) {
                fitting.covered = fitting.covered.max(ranked.coverage);
                fitting.hits.push((hit(plan, ranked, &product), ranked.coverage));
            }
        }
        let close =
            |(_, coverage): &&(Hit, f64)| *coverage >= fitting.covered - COVERAGE_SLACK || plan.words.is_empty();
        if fitting.covered >= best(later) && fitting.hits.iter().filter(close).count() >= limit {
            break;
        }
        rest = later;
    }
    Ok(fitting)
}

fn candidates(
    catalogue: &CatalogueView<'_>,
    plan: &SearchPlan,
    vocabulary: &Vocabulary,
    limit: usize,
) -> Result<Vec<Ranked>, store::Error> {
    let candidates = catalogue.candidates(plan, CANDIDATES.max(limit))?;
    Ok(search::rank(plan, candidates, vocabulary))
}

/// The first `limit` of them.
fn first(
    catalogue: &CatalogueView<'_>,
    plan: &SearchPlan,
    ranked: &[Ranked],
    limit: usize,
) -> Result<Vec<Hit>, store::Error> {
    let chunk = &ranked[..limit.min(ranked.len())];
    let products = products(catalogue, chunk)?;
    Ok(chunk
        .iter()
        .zip(products)
        .filter_map(|(ranked, product)| Some(hit(plan, ranked, product.as_deref()?)))
        .collect())
}

fn hit(plan: &SearchPlan, ranked: &Ranked, product: &Product) -> Hit {
    Hit { product: product.clone(), score: ranked.score, words: ranked.met(plan) }
}

fn products(catalogue: &CatalogueView<'_>, ranked: &[Ranked]) -> Result<Vec<Option<Arc<Product>>>, store::Error> {
    catalogue.products(&ranked.iter().map(|ranked| ranked.candidate.id).collect::<Vec<_>>())
}
