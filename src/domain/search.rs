//! What a shopper is looking for, and what was found.

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

/// A product that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The product.
    pub product: Product,
    /// How well it fits; higher is better, comparable within one search only.
    pub score: f64,
}
