//! A product as one JSON text, and the hash that tells whether it changed.

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
struct Body {
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Address and alternative text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<(String, Option<String>)>,
    variants: Vec<VariantBody>,
    published: bool,
    gift_card: bool,
}

#[derive(Serialize, Deserialize)]
struct VariantBody {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    barcode: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<(String, String)>,
    /// Minor units and currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<(i64, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compare_at: Option<(i64, String)>,
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
    let text = |text: &String| text.clone();
    let body = Body {
        title: text(&product.title),
        brand: product.brand.clone(),
        category: product.category.clone(),
        tags: product.tags.clone(),
        description: text(&product.description),
        url: product.url.clone(),
        images: product.images.iter().map(|image| (image.url.clone(), image.alt.clone())).collect(),
        variants: product.variants.iter().map(variant_body).collect(),
        published: product.published,
        gift_card: product.gift_card,
    };
    serde_json::to_string(&body)
        .map_err(|source| Error::Sql { action: "write a product as JSON", source: Box::new(source) })
}

fn variant_body(variant: &Variant) -> VariantBody {
    let money = |money: Money| (money.minor, money.currency.code().to_owned());
    VariantBody {
        key: variant.key.clone(),
        sku: variant.sku.clone(),
        barcode: variant.barcode.clone(),
        options: variant.options.iter().map(|option| (option.name.clone(), option.value.clone())).collect(),
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
    let body: Body = serde_json::from_str(json)
        .map_err(|source| Error::Unreadable { what: "product", value: format!("{key}: {source}") })?;
    Ok(Product {
        title: body.title,
        brand: body.brand,
        category: body.category,
        tags: body.tags,
        description: body.description,
        url: body.url,
        images: body.images.into_iter().map(|(url, alt)| ProductImage { url, alt }).collect(),
        variants: body.variants.into_iter().map(variant).collect::<Result<_, _>>()?,
        status: status_of(status)?,
        published: body.published,
        gift_card: body.gift_card,
        key: ProductKey(key),
    })
}

fn variant(body: VariantBody) -> Result<Variant, Error> {
    let money = |(minor, code): (i64, String)| match Currency::parse(&code) {
        Ok(currency) => Ok(Money { minor, currency }),
        Err(_) => Err(Error::Unreadable { what: "currency", value: code }),
    };
    Ok(Variant {
        key: body.key,
        sku: body.sku,
        barcode: body.barcode,
        options: body.options.into_iter().map(|(name, value)| OptionValue { name, value }).collect(),
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
