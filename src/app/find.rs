//! Finding products for a shopper's words: `search` understands and ranks, the store looks up.

use super::Error;
use crate::{
    domain::{
        Language,
        search::{Hit, SearchPlan, Vocabulary},
        tenant::Tenant,
    },
    search::{self, Analyzer, Ranked},
    store::TenantStore,
};

/// Candidates that are ranked (facts: the best 200 by words hold what matters).
const CANDIDATES: usize = 200;
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
    language: Option<Language>,
    limit: usize,
) -> Result<Found, Error> {
    let reading = search::read(text, language, tenant.language, tenant.currency);
    let mut vocabulary = store.vocabulary(reading.words(), Vec::new()).await?;
    let doubts = reading.doubts(&vocabulary);
    if !doubts.around.is_empty() {
        let more = store.vocabulary(doubts.exact, doubts.around).await?;
        vocabulary.known.extend(more.known);
        vocabulary.similar = more.similar;
    }
    let plan = reading.plan(&vocabulary);
    if plan.is_empty() {
        return Ok(Found { plan, ..Found::default() });
    }
    // The ranking weighs the words as they were repaired.
    vocabulary.known.append(&mut vocabulary.similar);
    let wanted = candidates(store, &plan, &vocabulary, limit).await?;
    if !plan.has_limits() {
        return Ok(Found { hits: hits(wanted, limit), near: Vec::new(), plan });
    }
    let mut analyzer = Analyzer::new(tenant.language);
    let mut fitting: Vec<Ranked> = wanted;
    fitting.retain(|ranked| search::meets_limits(&plan, &ranked.candidate, &mut analyzer));
    let relaxed = plan.without_limits();
    let best = |found: &[Ranked]| found.iter().map(|ranked| ranked.coverage).fold(0.0, f64::max);
    let mut covered = best(&fitting);
    let mut nearest = Vec::new();
    // What has every word cannot be outdone by a product that does not fit.
    if covered < COVERED && !relaxed.is_empty() {
        nearest = candidates(store, &relaxed, &vocabulary, limit).await?;
        covered = best(&nearest);
    }
    fitting.retain(|ranked| ranked.coverage >= covered - COVERAGE_SLACK || plan.words.is_empty());
    // "The rain shell in 3XL" is near the rain shell, not near whatever else has a shell on it.
    nearest.retain(|ranked| ranked.coverage >= covered - COVERAGE_SLACK);
    let near = if fitting.is_empty() { hits(nearest, limit) } else { Vec::new() };
    Ok(Found { hits: hits(fitting, limit), near, plan })
}

async fn candidates(
    store: &TenantStore,
    plan: &SearchPlan,
    vocabulary: &Vocabulary,
    limit: usize,
) -> Result<Vec<Ranked>, Error> {
    let candidates = store.search_candidates(plan.clone(), CANDIDATES.max(limit)).await?;
    Ok(search::rank(plan, candidates, vocabulary))
}

fn hits(ranked: Vec<Ranked>, limit: usize) -> Vec<Hit> {
    let hit = |ranked: Ranked| Hit { product: ranked.candidate.product, score: ranked.score };
    ranked.into_iter().take(limit).map(hit).collect()
}
