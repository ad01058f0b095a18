//! Imports of a catalogue and what is known of it: counts and times, no products.

use super::{
    Timestamp,
    product::{Product, ProductKey},
    search::PreparedText,
};

/// One import of one tenant's catalogue, in the order they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub i64);

/// Whether an import may change the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// Yes.
    Really,
    /// Only tell what would change.
    Trial,
}

/// A product with its searchable text, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedProduct {
    /// The product.
    pub product: Product,
    /// Its words, folded and stemmed.
    pub text: PreparedText,
}

/// What storing some products changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpsertCounts {
    /// New ones.
    pub added: u64,
    /// Known ones that differ now.
    pub updated: u64,
    /// Known ones that are the same.
    pub unchanged: u64,
    /// Places in the batch whose key this import had already brought; they were left alone.
    pub repeated: Vec<usize>,
}

/// How pruning would change or has changed the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruned {
    /// So many products were (in a trial: would be) removed.
    Removed(u64),
    /// Nothing was removed: too many of the `stored` products are missing.
    Refused {
        /// How many would go.
        missing: u64,
        /// How many there are.
        stored: u64,
    },
}

/// The result of one import, as the store remembers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Where the products came from, in the operator's words: a file name, an address.
    pub source: String,
    /// The format's word.
    pub format: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs or when the process died under it.
    pub finished_at: Option<Timestamp>,
    /// Whether the source was read to its end.
    pub complete: bool,
    /// Products read.
    pub products: u64,
    /// Variants read.
    pub variants: u64,
    /// New products.
    pub added: u64,
    /// Changed products.
    pub updated: u64,
    /// Products that were the same.
    pub unchanged: u64,
    /// Products removed by pruning.
    pub removed: u64,
    /// Rows that could not be used.
    pub skipped: u64,
}

/// What a tenant's catalogue holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogStatus {
    /// All products.
    pub products: u64,
    /// Products that shoppers may be shown.
    pub visible: u64,
    /// All variants.
    pub variants: u64,
    /// Products for sale, published or not.
    pub active: u64,
    /// Products reachable by direct link only.
    pub unlisted: u64,
    /// Unfinished products.
    pub draft: u64,
    /// Products no longer sold.
    pub archived: u64,
    /// The newest import, finished or not.
    pub last_import: Option<ImportSummary>,
}

/// A row of a source that could not be used, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands: `line 12`.
    pub at: String,
    /// Why, for the person who keeps the source.
    pub reason: String,
    /// The product it belongs to, when that much could be read.
    pub product: Option<ProductKey>,
    /// Whether a product may be missing because of it; `false` for remarks and the like.
    pub loses: bool,
}
