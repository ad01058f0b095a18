//! What a shopper is looking for, and what was found.

use std::sync::Arc;

use super::{Money, product::Product};

/// A product question after understanding: what the store looks up and what the ranking weighs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPlan {
    /// Prepared words (folded, stemmed), each a group of alternatives: the shopper's own word, its repair, its
    /// translations. A product matches a group when it has one of them.
    pub words: Vec<Vec<String>>,
    /// At most this price.
    pub price_max: Option<Money>,
    /// At least this price.
    pub price_min: Option<Money>,
    /// Sizes asked for, as the shopper wrote them, folded: `m`, `xl`, `42`.
    pub sizes: Vec<String>,
    /// Colours asked for, as groups of folded words with their translations.
    pub colours: Vec<Vec<String>>,
    /// Words that a product must not have ("without", "no").
    pub excluded: Vec<String>,
    /// An article number asked for, as the shopper wrote it.
    pub sku: Option<String>,
    /// Whether only what can be bought now is wanted.
    pub available_only: bool,
}

/// Conditions that are set apart from the words of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// At least this price.
    pub price_min: Option<Money>,
    /// At most this price.
    pub price_max: Option<Money>,
    /// Only what can be bought now.
    pub available_only: bool,
}

/// A product that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The product.
    pub product: Product,
    /// How well it fits; higher is better, comparable within one search only.
    pub score: f64,
    /// Why it was found: every word and colour of the plan, in its order.
    pub words: Vec<Met>,
}

/// A word of a question, and where a product has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// The word as it was looked for: the first of its group.
    pub word: String,
    /// Where it weighs most; `None`: the product does not have it.
    pub place: Option<MetIn>,
}

/// A part of a product that words are looked for in, what weighs most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetIn {
    /// Its name.
    Title,
    /// Its brand.
    Brand,
    /// Its category, the values of its options, its description.
    Text,
}

impl MetIn {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Brand => "brand",
            Self::Text => "text",
        }
    }
}

impl SearchPlan {
    /// Whether it asks for nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.sku.is_none() && !self.has_limits()
    }

    /// Whether it holds a condition that products either meet or do not: price, size, colour, availability.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        self.price_max.is_some()
            || self.price_min.is_some()
            || !self.sizes.is_empty()
            || !self.colours.is_empty()
            || self.available_only
    }

    /// The same question under these conditions too. Of two limits in one currency the narrower holds; in two currencies,
    /// which nobody can compare, the filter's.
    #[must_use]
    pub fn narrowed(mut self, filters: &Filters) -> Self {
        let narrower = |own: Option<Money>, other: Option<Money>, pick: fn(i64, i64) -> i64| match (own, other) {
            (Some(own), Some(other)) if own.currency == other.currency => {
                Some(Money { minor: pick(own.minor, other.minor), ..own })
            }
            (own, other) => other.or(own),
        };
        self.price_min = narrower(self.price_min, filters.price_min, i64::max);
        self.price_max = narrower(self.price_max, filters.price_max, i64::min);
        self.available_only |= filters.available_only;
        self
    }

    /// The same question without those conditions. Colours stay as words: they still say what is liked.
    #[must_use]
    pub fn without_limits(&self) -> Self {
        let words = self.words.iter().chain(&self.colours).cloned().collect();
        Self { words, excluded: self.excluded.clone(), sku: self.sku.clone(), ..Self::default() }
    }
}

/// The words of a product as they are indexed: folded, stemmed, separated by one space.
///
/// Besides words, `options` holds sizes marked with `=` (`=m`, `=42`) and article numbers and barcodes marked with `#`
/// (letters and digits only: `#lswhtm`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreparedText {
    /// The title.
    pub title: String,
    /// The brand.
    pub brand: String,
    /// Category, tags, and the heads of compound words.
    pub category: String,
    /// Option values, sizes, codes.
    pub options: String,
    /// The description, cut at a sensible length.
    pub description: String,
}

impl PreparedText {
    /// Its columns in the order of the index.
    #[must_use]
    pub fn columns(&self) -> [&str; 5] {
        [&self.title, &self.brand, &self.category, &self.options, &self.description]
    }

    /// Every word of every column, with repetitions.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.columns().into_iter().flat_map(|column| column.split(' ')).filter(|word| !word.is_empty())
    }
}

/// A word that the catalogue knows, and how many products have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWord {
    /// The prepared word.
    pub word: String,
    /// In how many visible products it stands.
    pub products: u64,
}

/// Words around a possible misspelling: the same first letter, about the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// What they begin with.
    pub prefix: String,
    /// The shortest, in characters.
    pub length_min: usize,
    /// The longest, in characters.
    pub length_max: usize,
}

/// What the catalogue knows of the words of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// The looked-up words that exist.
    pub known: Vec<KnownWord>,
    /// Words that begin like the ones that may be misspelt, of about the same length.
    pub similar: Vec<KnownWord>,
    /// About how many products there are.
    pub products: u64,
}

impl Vocabulary {
    /// In how many visible products `word` stands.
    #[must_use]
    pub fn products_with(&self, word: &str) -> u64 {
        self.known.iter().find(|known| known.word == word).map_or(0, |known| known.products)
    }
}

/// A product that may answer a question, before ranking: its words only, since most candidates are never shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The store's number of the product.
    pub id: i64,
    /// Whether any form of it can be bought.
    pub available: bool,
    /// Its indexed words.
    pub text: Arc<PreparedText>,
    /// How well its words fit (BM25); higher is better, zero where no words were asked for.
    pub bm25: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn filters_only_ever_narrow_a_question() {
        let euros = |minor| Some(Money { minor, currency: Currency::EUR });
        let asked = SearchPlan { price_max: euros(6_000), ..SearchPlan::default() };
        let cheaper = Filters { price_max: euros(4_000), price_min: euros(1_000), available_only: true };
        let narrowed = asked.clone().narrowed(&cheaper);
        assert_eq!(
            (narrowed.price_max, narrowed.price_min, narrowed.available_only),
            (euros(4_000), euros(1_000), true)
        );
        let wider = Filters { price_max: euros(9_000), ..Filters::default() };
        assert_eq!(asked.clone().narrowed(&wider).price_max, euros(6_000));
        assert_eq!(asked.clone().narrowed(&Filters::default()), asked);
    }
}
