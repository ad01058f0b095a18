//! Re-ranking by plain signals. The weights were measured on judged queries of two catalogues; bm25 alone is .05 worse.

use std::collections::HashSet;

use super::{analyze::Analyzer, plan::within_price, size};
use crate::domain::{
    product::{Product, Variant},
    search::{Candidate, Met, MetIn, PreparedText, SearchPlan, Vocabulary},
};

const BM25: f64 = 0.4;
const BRAND: f64 = 0.2;
const TITLE: f64 = 0.1;
const ADJACENT: f64 = 0.2;
const EVERY_WORD: f64 = 0.3;
const UNWANTED: f64 = -0.5;
/// What cannot be bought comes after what can, where both fit about as well.
const SOLD_OUT: f64 = -0.05;

/// What is made for children comes after the rest unless it was asked for: "a blue shirt" is the shopper's own.
const FOR_CHILDREN: f64 = -0.15;

/// Words that say "for children", folded and stemmed in any language alike; a German compound begins with one.
const CHILDREN: [&str; 12] =
    ["kid", "kids", "child", "children", "baby", "babi", "toddler", "kinder", "enfant", "bebe", "nin", "bambin"];

/// Words that turn the meaning of the next one around, stemmed in any language alike.
const NEGATIONS: [&str; 9] = ["without", "no", "not", "non", "ohn", "ohne", "san", "sin", "senza"];

/// A candidate with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The candidate.
    pub candidate: Candidate,
    /// Higher is better; comparable within one search.
    pub score: f64,
    /// The share of the question's words that the product has, by weight: 1.0 is all of them.
    pub coverage: f64,
    /// The groups of the plan that the title, the brand and the rest have, a bit each.
    found: [u64; 3],
}

impl Ranked {
    /// Each word of the plan it was ranked for, and where the product has it.
    #[must_use]
    pub fn met(&self, plan: &SearchPlan) -> Vec<Met> {
        let places = [MetIn::Title, MetIn::Brand, MetIn::Text];
        let groups = plan.colours.iter().chain(&plan.words).enumerate();
        let met = |(at, words): (usize, &Vec<String>)| {
            let bit = u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0);
            let place = places.into_iter().zip(self.found).find(|(_, found)| found & bit != 0);
            Some(Met { word: words.first()?.clone(), place: place.map(|(place, _)| place) })
        };
        groups.filter_map(met).collect()
    }
}

/// Orders candidates, the best first.
#[must_use]
pub fn rank(plan: &SearchPlan, candidates: Vec<Candidate>, vocabulary: &Vocabulary) -> Vec<Ranked> {
    let groups: Vec<Group<'_>> = plan
        .colours
        .iter()
        .chain(&plan.words)
        .map(|words| Group { words, weight: weight(words, vocabulary) })
        .collect();
    let best = candidates.iter().map(|candidate| candidate.bm25).fold(0.0, f64::max);
    let wanted = Wanted::of(&groups);
    let mut ranked: Vec<Ranked> =
        candidates.into_iter().map(|candidate| score(plan, &groups, &wanted, best, candidate)).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

struct Group<'a> {
    words: &'a [String],
    weight: f64,
}

/// Inverse document frequency: a rare word says more.
fn weight(words: &[String], vocabulary: &Vocabulary) -> f64 {
    let products: u64 = words.iter().map(|word| vocabulary.products_with(word)).sum();
    (1.0 + (vocabulary.products as f64 + 1.0) / (products as f64 + 1.0)).ln()
}

fn score(plan: &SearchPlan, groups: &[Group<'_>], wanted: &Wanted<'_>, best: f64, candidate: Candidate) -> Ranked {
    let text = &candidate.text;
    let title: Vec<&str> = text.title.split(' ').collect();
    let [in_title, in_brand, elsewhere] = [
        wanted.found(&[&text.title]),
        wanted.found(&[&text.brand]),
        wanted.found(&[&text.category, &text.options, &text.description]),
    ];
    let coverage = share(groups, in_title | in_brand | elsewhere);
    let mut score = TITLE * share(groups, in_title);
    score += BRAND * share(groups, in_brand);
    score += ADJACENT * adjacency(groups, &title);
    if best > 0.0 {
        score += BM25 * candidate.bm25 / best;
    }
    if coverage > 0.999 {
        score += EVERY_WORD;
    }
    if plan.excluded.iter().any(|word| has_wanted(&title, word)) {
        score += UNWANTED;
    }
    if !candidate.available {
        score += SOLD_OUT;
    }
    if title.iter().any(|word| for_children(word)) && !wanted.for_children {
        score += FOR_CHILDREN;
    }
    Ranked { candidate, score, coverage, found: [in_title, in_brand, elsewhere] }
}

fn for_children(word: &str) -> bool {
    CHILDREN.contains(&word) || word.starts_with("kinder")
}

/// The words of the question, for a look at every word of every candidate: nearly all of them begin with another letter.
struct Wanted<'a> {
    /// Each with the groups that it stands in, a bit each.
    words: Vec<(&'a str, u64)>,
    /// Whether a word begins with that byte.
    first: [bool; 256],
    for_children: bool,
}

impl<'a> Wanted<'a> {
    fn of(groups: &[Group<'a>]) -> Self {
        let (mut words, mut first): (Vec<(&str, u64)>, _) = (Vec::new(), [false; 256]);
        for (place, group) in groups.iter().enumerate().take(u64::BITS as usize) {
            for word in group.words.iter().filter(|word| !word.is_empty()) {
                first[usize::from(word.as_bytes()[0])] = true;
                match words.iter_mut().find(|(known, _)| known == word) {
                    Some((_, places)) => *places |= 1 << place,
                    None => words.push((word, 1 << place)),
                }
            }
        }
        let for_children = words.iter().any(|(word, _)| for_children(word));
        Self { words, first, for_children }
    }

    /// The groups, a bit each, that have a word in one of the columns.
    fn found(&self, columns: &[&str]) -> u64 {
        let words = columns.iter().flat_map(|column| column.split(' '));
        let begins = |word: &&str| word.as_bytes().first().is_some_and(|byte| self.first[usize::from(*byte)]);
        let places =
            |word: &str| self.words.iter().find(|(wanted, _)| *wanted == word).map_or(0, |(_, places)| *places);
        words.filter(begins).fold(0, |groups, word| groups | places(word))
    }
}

/// The share of the question's words, by weight, that these groups are.
fn share(groups: &[Group<'_>], found: u64) -> f64 {
    let all: f64 = groups.iter().map(|group| group.weight).sum();
    let has = |place: usize| place < u64::BITS as usize && found & (1 << place) != 0;
    let part: f64 = groups.iter().enumerate().filter(|(place, _)| has(*place)).map(|(_, group)| group.weight).sum();
    if all > 0.0 { part / all } else { 0.0 }
}

/// The share of neighbouring words of the question that are neighbours in the title.
fn adjacency(groups: &[Group<'_>], title: &[&str]) -> f64 {
    if groups.len() < 2 {
        return 0.0;
    }
    let is = |group: &Group<'_>, word: &str| group.words.iter().any(|known| known == word);
    let adjacent =
        groups.windows(2).filter(|pair| title.windows(2).any(|words| is(&pair[0], words[0]) && is(&pair[1], words[1])));
    adjacent.count() as f64 / (groups.len() - 1) as f64
}

/// Whether the title has the word without denying it: `shirt with buttons`, not `shirt without buttons`.
fn has_wanted(title: &[&str], word: &str) -> bool {
    title.iter().enumerate().any(|(at, found)| {
        let denied = at > 0 && NEGATIONS.contains(&title[at - 1]) || title.get(at + 1) == Some(&"free");
        *found == word && !denied
    })
}

/// Whether a product has a form that meets the plan's price, size, colour and availability together.
#[must_use]
pub fn meets_limits(plan: &SearchPlan, product: &Product, text: &PreparedText, analyzer: &mut Analyzer) -> bool {
    if !plan.has_limits() {
        return true;
    }
    let colours: HashSet<&str> = plan.colours.iter().flatten().map(String::as_str).collect();
    let by_variant = !colours.is_empty() && product.variants.iter().any(|v| has_colour(v, &colours, analyzer));
    if !colours.is_empty() && !by_variant && !text_has(text, &colours) {
        return false;
    }
    let priced = plan.price_max.is_some() || plan.price_min.is_some();
    // The price that is quoted is that of what can be bought, as long as anything can.
    let buyable_only = plan.available_only || priced && product.available();
    product.variants.iter().any(|variant| {
        (!buyable_only || variant.stock.available())
            && (!priced || variant.price.is_some_and(|price| within_price(plan, price)))
            && (plan.sizes.is_empty() || has_size(variant, &plan.sizes))
            && (!by_variant || has_colour(variant, &colours, analyzer))
    })
}

fn has_size(variant: &Variant, sizes: &[String]) -> bool {
    let own = variant.options.iter().flat_map(|option| size::of_option(&option.name, &option.value));
    own.into_iter().any(|size| sizes.contains(&size))
}

fn has_colour(variant: &Variant, colours: &HashSet<&str>, analyzer: &mut Analyzer) -> bool {
    variant
        .options
        .iter()
        .any(|option| analyzer.stems(&option.value).iter().any(|stem| colours.contains(stem.as_str())))
}

fn text_has(text: &PreparedText, colours: &HashSet<&str>) -> bool {
    [&text.title, &text.category].into_iter().any(|column| column.split(' ').any(|word| colours.contains(word)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::search::PreparedText;

    #[test]
    fn a_product_says_by_which_words_it_was_found_and_where_it_has_them() {
        let group = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let plan = SearchPlan {
            colours: vec![group(&["blue", "blau"])],
            words: vec![group(&["linen"]), group(&["noor"]), group(&["kid"])],
            ..SearchPlan::default()
        };
        let text = PreparedText {
            title: "linen shirt".into(),
            brand: "noor linen".into(),
            category: "shirt".into(),
            options: "blau m".into(),
            description: String::new(),
        };
        let candidate = Candidate { id: 1, available: true, text: Arc::new(text), bm25: 1.0 };
        let ranked = rank(&plan, vec![candidate], &Vocabulary::default());
        let met: Vec<_> = ranked[0].met(&plan).into_iter().map(|met| (met.word, met.place)).collect();
        let expected =
            [("blue", Some(MetIn::Text)), ("linen", Some(MetIn::Title)), ("noor", Some(MetIn::Brand)), ("kid", None)];
        assert_eq!(met, expected.map(|(word, place)| (word.to_owned(), place)));
    }
}
