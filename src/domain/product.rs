//! What a shop sells, in one shape for every source.

use super::{Currency, Money};

/// The source's own id or handle of a product, unique within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductKey(pub String);

impl std::fmt::Display for ProductKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a product stands in the shop's own system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductStatus {
    /// For sale.
    Active,
    /// Reachable by direct link only (Shopify, since 2025-10); never shown unasked.
    Unlisted,
    /// Not finished.
    Draft,
    /// No longer sold.
    Archived,
}

/// What is known of the stock of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stock {
    /// The shop does not count it: it can always be bought.
    Untracked,
    /// So many are left; may be negative. `oversell`: can be bought even when none is left.
    Counted {
        /// How many.
        quantity: i64,
        /// Whether buying goes on at zero.
        oversell: bool,
    },
    /// The source says only yes or no.
    Stated(bool),
}

impl Stock {
    /// Whether a shopper can buy it now.
    #[must_use]
    pub const fn available(self) -> bool {
        match self {
            Self::Untracked => true,
            Self::Counted { quantity, oversell } => oversell || quantity > 0,
            Self::Stated(available) => available,
        }
    }
}

/// An option and its value on one variant: `Size` = `M`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionValue {
    /// The option's name, as the shop writes it.
    pub name: String,
    /// The value, as the shop writes it.
    pub value: String,
}

/// One buyable form of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Stable within the product: the source's id, else made from the option values.
    pub key: String,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// Barcode (GTIN).
    pub barcode: Option<String>,
    /// Option values in the shop's order; empty for a product without options.
    pub options: Vec<OptionValue>,
    /// The price now; `None` when unknown, and never zero: a blank or zero price is not "free".
    pub price: Option<Money>,
    /// The price before a reduction; only kept when above `price`.
    pub compare_at: Option<Money>,
    /// What is known of its stock.
    pub stock: Stock,
}

/// A picture of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductImage {
    /// Where it is.
    pub url: String,
    /// What it shows, in the shop's words.
    pub alt: Option<String>,
}

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The source's own id or handle.
    pub key: ProductKey,
    /// Its name.
    pub title: String,
    /// Brand or vendor.
    pub brand: Option<String>,
    /// The shop's own kind of product, or a category path `A > B`.
    pub category: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Plain text, no markup.
    pub description: String,
    /// Where a shopper can buy it.
    pub url: Option<String>,
    /// Pictures, the main one first.
    pub images: Vec<ProductImage>,
    /// Its buyable forms; at least one.
    pub variants: Vec<Variant>,
    /// Where it stands in the shop's system.
    pub status: ProductStatus,
    /// Whether the shop shows it in its online store.
    pub published: bool,
    /// A voucher, not a thing.
    pub gift_card: bool,
}

impl Product {
    /// Whether a shopper may be shown it: active and published.
    #[must_use]
    pub fn visible(&self) -> bool {
        self.status == ProductStatus::Active && self.published
    }

    /// Whether any form of it can be bought now.
    #[must_use]
    pub fn available(&self) -> bool {
        self.variants.iter().any(|variant| variant.stock.available())
    }

    /// The lowest and highest known price, over the buyable variants if there are any, else over all.
    #[must_use]
    pub fn price_range(&self) -> Option<(Money, Money)> {
        let range = |buyable_only: bool| {
            let prices = self
                .variants
                .iter()
                .filter(|variant| !buyable_only || variant.stock.available())
                .filter_map(|variant| variant.price);
            let low = prices.clone().min_by_key(|price| price.minor);
            low.zip(prices.max_by_key(|price| price.minor))
        };
        range(true).or_else(|| range(false))
    }

    /// The currency of its prices, if it has any price.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.variants.iter().find_map(|variant| variant.price).map(|price| price.currency)
    }
}
