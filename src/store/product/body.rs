//! A product as one JSON text, and the hash that tells whether it changed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::Error;
use crate::domain::{
    Currency, Money,
    catalog::PreparedProduct,
    product::{OptionValue, Product, ProductImage, ProductKey, ProductStatus, Stock, Variant},
};

/// Bytes kept of the SHA-256: an accidental repeat is out of the question.
const HASH_BYTES: usize = 16;

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    title: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    description: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    /// Address and alternative text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
    variants: Vec<VariantBody<'a>>,
    published: bool,
    gift_card: bool,
}

#[derive(Serialize, Deserialize)]
struct VariantBody<'a> {
    key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    barcode: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Minor units and currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<(i64, Cow<'a, str>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compare_at: Option<(i64, Cow<'a, str>)>,
    stock: StockBody,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StockBody {
    Untracked,
    Counted(i64, bool),
    Stated(bool),
}

/// The product as JSON, without its key and status: they have columns.
pub(super) fn write(product: &Product) -> Result<String, Error> {
    let body = Body {
        title: text(&product.title),
        brand: product.brand.as_deref().map(text),
        category: product.category.as_deref().map(text),
        tags: product.tags.iter().map(|tag| text(tag)).collect(),
        description: text(&product.description),
        url: product.url.as_deref().map(text),
        images: product.images.iter().map(|image| (text(&image.url), image.alt.as_deref().map(text))).collect(),
        variants: product.variants.iter().map(variant_body).collect(),
        published: product.published,
        gift_card: product.gift_card,
    };
    serde_json::to_string(&body)
        .map_err(|source| Error::Sql { action: "write a product as JSON", source: Box::new(source) })
}

const fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn variant_body(variant: &Variant) -> VariantBody<'_> {
    let money = |money: Money| (money.minor, Cow::Owned(money.currency.code().to_owned()));
    VariantBody {
        key: text(&variant.key),
        sku: variant.sku.as_deref().map(text),
        barcode: variant.barcode.as_deref().map(text),
        options: variant.options.iter().map(|option| (text(&option.name), text(&option.value))).collect(),
        price: variant.price.map(money),
        compare_at: variant.compare_at.map(money),
        stock: match variant.stock {
            Stock::Untracked => StockBody::Untracked,
            Stock::Counted { quantity, oversell } => StockBody::Counted(quantity, oversell),
            Stock::Stated(available) => StockBody::Stated(available),
        },
    }
}

/// The product back from its columns and its JSON.
pub(super) fn read(key: String, status: &str, json: &str) -> Result<Product, Error> {
    let body: Body<'_> = serde_json::from_str(json)
        .map_err(|source| Error::Unreadable { what: "product", value: format!("{key}: {source}") })?;
    Ok(Product {
        title: body.title.into_owned(),
        brand: body.brand.map(Cow::into_owned),
        category: body.category.map(Cow::into_owned),
        tags: body.tags.into_iter().map(Cow::into_owned).collect(),
        description: body.description.into_owned(),
        url: body.url.map(Cow::into_owned),
        images: body
            .images
            .into_iter()
            .map(|(url, alt)| ProductImage { url: url.into_owned(), alt: alt.map(Cow::into_owned) })
            .collect(),
        variants: body.variants.into_iter().map(variant).collect::<Result<_, _>>()?,
        status: status_of(status)?,
        published: body.published,
        gift_card: body.gift_card,
        key: ProductKey(key),
    })
}

fn variant(body: VariantBody<'_>) -> Result<Variant, Error> {
    let money = |(minor, code): (i64, Cow<'_, str>)| match Currency::parse(&code) {
        Ok(currency) => Ok(Money { minor, currency }),
        Err(_) => Err(Error::Unreadable { what: "currency", value: code.into_owned() }),
    };
    Ok(Variant {
        key: body.key.into_owned(),
        sku: body.sku.map(Cow::into_owned),
        barcode: body.barcode.map(Cow::into_owned),
        options: body
            .options
            .into_iter()
            .map(|(name, value)| OptionValue { name: name.into_owned(), value: value.into_owned() })
            .collect(),
        price: body.price.map(money).transpose()?,
        compare_at: body.compare_at.map(money).transpose()?,
        stock: match body.stock {
            StockBody::Untracked => Stock::Untracked,
            StockBody::Counted(quantity, oversell) => Stock::Counted { quantity, oversell },
            StockBody::Stated(available) => Stock::Stated(available),
        },
    })
}

/// The status's word in the store.
pub(super) const fn status_word(status: ProductStatus) -> &'static str {
    match status {
        ProductStatus::Active => "active",
        ProductStatus::Unlisted => "unlisted",
        ProductStatus::Draft => "draft",
        ProductStatus::Archived => "archived",
    }
}

fn status_of(word: &str) -> Result<ProductStatus, Error> {
    [ProductStatus::Active, ProductStatus::Unlisted, ProductStatus::Draft, ProductStatus::Archived]
        .into_iter()
        .find(|&status| status_word(status) == word)
        .ok_or_else(|| Error::Unreadable { what: "product status", value: word.to_owned() })
}

/// Covers everything that is stored of a product, the indexed words included: another analysis is a change too.
pub(super) fn hash(prepared: &PreparedProduct, body: &str) -> [u8; HASH_BYTES] {
    let mut hash = Sha256::new();
    let status = status_word(prepared.product.status);
    for part in prepared.text.columns().into_iter().chain([status, body]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut short = [0; HASH_BYTES];
    short.copy_from_slice(&hash.finalize()[..HASH_BYTES]);
    short
}
