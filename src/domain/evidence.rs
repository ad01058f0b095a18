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
    /// When they were read.
    pub read_at: Timestamp,
}

/// Where words of the tenant's own stand that a draft may cite. What the shop knows beyond its products (policies, FAQs)
/// becomes another kind of source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// A product's own text: its title and description.
    Product(ProductKey),
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
        self.products.iter().map(|product| SourceId::Product(product.key.clone()))
    }

    /// The text of a source; `None` if this turn did not bring it.
    #[must_use]
    pub fn text_of(&self, source: &SourceId) -> Option<String> {
        match source {
            SourceId::Product(key) => {
                self.product(key).map(|product| format!("{}.\n{}", product.title, product.description))
            }
        }
    }
}

impl SourceId {
    const PRODUCT: &'static str = "product:";

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix(Self::PRODUCT).map(|key| Self::Product(ProductKey(key.to_owned())))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(key) => write!(f, "{}{key}", Self::PRODUCT),
        }
    }
}
