//! Products: importing, searching, showing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// How an import is to be done; the file itself is the request's body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportQuery {
    /// What the report calls the source.
    pub source: String,
    /// The file's format; `auto` looks at the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Whether to only say what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether products that the file does not name are removed.
    #[serde(default)]
    pub prune: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// What was imported.
    pub source: String,
    /// The format it was read as.
    pub format: String,
    /// Products in the source.
    pub products: u64,
    /// Their variants.
    pub variants: u64,
    /// Products that were new.
    pub added: u64,
    /// Products that differed.
    pub updated: u64,
    /// Products that were the same.
    pub unchanged: u64,
    /// Products that the source no longer names.
    pub removed: u64,
    /// What could not be read.
    pub skipped: Vec<Skipped>,
    /// How many more there were than are named.
    #[serde(default)]
    pub skipped_more: u64,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// Part of a source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Where: a line, a row or an id.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// The state of a tenant's catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogStatus {
    /// Products.
    pub products: u64,
    /// Products that a shopper may be shown.
    pub visible: u64,
    /// Their variants.
    pub variants: u64,
    /// Products for sale, published or not.
    pub active: u64,
    /// Products reachable by direct link only.
    pub unlisted: u64,
    /// Unfinished products.
    pub draft: u64,
    /// Products no longer sold.
    pub archived: u64,
    /// Where the last import came from.
    pub source: Option<String>,
    /// The format of the last import.
    pub format: Option<String>,
    /// When the last import ended.
    pub imported_at: Option<Time>,
}

/// A price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// A decimal string: `49.00`.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// A search to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// What a shopper would ask for.
    pub q: String,
    /// The most results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What was found, the best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// What was asked for.
    pub query: String,
    /// The products.
    pub results: Vec<SearchHit>,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// A product that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// The product.
    #[serde(flatten)]
    pub product: ProductRef,
    /// How well it fits; higher is better, comparable within one search only.
    pub score: f64,
    /// Why it was found: each word and colour that was looked for.
    #[serde(default)]
    pub words: Vec<MetWord>,
}

/// A word that was looked for, and where a product has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetWord {
    /// The word as the search knows it: without case, accents and endings.
    pub word: String,
    /// `title`, `brand` or `text` (category, options, description); `null`: it is not there.
    pub at: Option<String>,
}

/// A product in brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductRef {
    /// The source's own id or handle.
    pub product_id: String,
    /// Its name.
    pub title: String,
    /// Where a shopper can buy it.
    pub url: Option<String>,
    /// The lowest price of what can be bought; `null` when unknown.
    pub price: Option<Price>,
    /// Whether any form of it can be bought now.
    pub available: bool,
}

/// A product in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// The product in brief.
    #[serde(flatten)]
    pub brief: ProductRef,
    /// Brand or vendor.
    pub brand: Option<String>,
    /// The shop's own kind of product.
    pub category: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Plain text.
    pub description: String,
    /// Addresses of its pictures, the main one first.
    pub images: Vec<String>,
    /// `active`, `unlisted`, `draft` or `archived`.
    pub status: String,
    /// Whether a shopper may be shown it.
    pub visible: bool,
    /// Its buyable forms.
    pub variants: Vec<Variant>,
}

/// One buyable form of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// Stable within the product.
    pub key: String,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// Option names and values, in the shop's order.
    pub options: Vec<(String, String)>,
    /// The price now; `null` when unknown.
    pub price: Option<Price>,
    /// The price before a reduction.
    pub compare_at: Option<Price>,
    /// Whether it can be bought now.
    pub available: bool,
    /// How many are left, where the shop counts.
    pub quantity: Option<i64>,
}

/// Which products to name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductQuery {
    /// Only those whose id begins so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// The most: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A product, as far as naming it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductName {
    /// The source's own id or handle.
    pub product_id: String,
    /// What it is called.
    pub title: String,
}
