//! What a reply rests on.

use std::fmt;

use super::{
    Timestamp,
    product::{Product, ProductKey},
};

/// The products and facts that an answer may speak of, read from the tenant's own store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Visible products only.
    pub products: Vec<Product>,
    /// What the shop says of itself, as its persona has it.
    pub facts: Vec<String>,
    /// When they were read.
    pub read_at: Timestamp,
}

/// Where words of the tenant's own stand that a draft may cite. What is imported of the shop's policies becomes another kind
/// of source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// A product's own text: its title and description.
    Product(ProductKey),
    /// A fact of the persona, by its number from 1.
    Fact(usize),
}

/// Says which words of which source carry a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The source.
    pub source: SourceId,
    /// Its words, as they stand there.
    pub words: String,
}

impl Evidence {
    /// The product with a key, if this turn brought it.
    #[must_use]
    pub fn product(&self, key: &ProductKey) -> Option<&Product> {
        self.products.iter().find(|product| product.key == *key)
    }

    /// Everything that can be cited.
    pub fn sources(&self) -> impl Iterator<Item = SourceId> {
        let products = self.products.iter().map(|product| SourceId::Product(product.key.clone()));
        products.chain((1..=self.facts.len()).map(SourceId::Fact))
    }

    /// The text of a source; `None` if this turn did not bring it.
    #[must_use]
    pub fn text_of(&self, source: &SourceId) -> Option<String> {
        match source {
            SourceId::Product(key) => {
                self.product(key).map(|product| format!("{}.\n{}", product.title, product.description))
            }
            SourceId::Fact(number) => number.checked_sub(1).and_then(|index| self.facts.get(index)).cloned(),
        }
    }
}

impl SourceId {
    const PRODUCT: &'static str = "product:";
    const FACT: &'static str = "fact:";

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_prefix(Self::FACT) {
            return number.parse().ok().map(Self::Fact);
        }
        text.strip_prefix(Self::PRODUCT).map(|key| Self::Product(ProductKey(key.to_owned())))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(key) => write!(f, "{}{key}", Self::PRODUCT),
            Self::Fact(number) => write!(f, "{}{number}", Self::FACT),
        }
    }
}
