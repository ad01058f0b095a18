//! Rows of one handle become one product.

use std::collections::HashMap;

use super::{
    super::{Context, Item, html},
    columns::{Column, Columns},
    price::Decimals,
    record::Record,
};
use crate::domain::{
    catalog::Skipped,
    product::{OptionValue, Product, ProductImage, ProductKey, ProductStatus, Stock, Variant},
};

/// Rows read of one product. Shopify allows 2,048 variants and 250 pictures.
const ROWS_MAX: usize = 5_000;
/// The longest description kept, in bytes of plain text.
const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;

/// What reading a row takes.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) columns: Columns,
    pub(super) decimals: Decimals,
    pub(super) context: Context,
}

/// A product that is being put together.
pub(super) struct Assembly {
    handle: String,
    line: u64,
    rows: usize,
    head: Option<Head>,
    option_names: [String; 3],
    variants: Vec<Variant>,
    /// Option values and the line that brought them.
    lines: HashMap<[String; 3], u64>,
    images: Vec<(u64, ProductImage)>,
    /// The stock of the first row, for a product none of whose rows says anything of a variant.
    stock: Option<Stock>,
    skipped: Vec<Skipped>,
    /// Something is wrong with the product itself: nothing of it can be shown.
    unusable: bool,
}

/// What stands on the first row only.
struct Head {
    title: String,
    brand: Option<String>,
    category: Option<String>,
    tags: Vec<String>,
    description: String,
    status: ProductStatus,
    published: bool,
    gift_card: bool,
}

impl Assembly {
    pub(super) fn new(handle: &str, line: u64) -> Self {
        Self {
            handle: handle.to_owned(),
            line,
            rows: 0,
            head: None,
            option_names: Default::default(),
            variants: Vec::new(),
            lines: HashMap::new(),
            images: Vec::new(),
            stock: None,
            skipped: Vec::new(),
            unusable: false,
        }
    }

    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    /// Takes a row in.
    pub(super) fn add(&mut self, row: &Record, reading: &Reading) {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            if self.rows == ROWS_MAX + 1 {
                self.skip(row.line, format!("more than {ROWS_MAX} rows of one product: the rest was left out"), true);
            }
            return;
        }
        let cell = |column| reading.columns.cell(&row.fields, column);
        if self.head.is_none() && !cell(Column::Title).is_empty() {
            match head(row, reading) {
                Ok(head) => self.head = Some(head),
                Err(reason) => {
                    self.unusable = true;
                    self.skip(row.line, reason, true);
                    return;
                }
            }
        }
        for (name, column) in
            self.option_names.iter_mut().zip([Column::Option1Name, Column::Option2Name, Column::Option3Name])
        {
            if name.is_empty() {
                *name = cell(column).to_owned();
            }
        }
        self.add_image(row, reading);
        let values = [Column::Option1Value, Column::Option2Value, Column::Option3Value].map(|c| cell(c).to_owned());
        let is_variant = values.iter().any(|value| !value.is_empty()) || !cell(Column::Price).is_empty();
        if is_variant {
            self.add_variant(row, values, reading);
        } else if self.stock.is_none() {
            self.stock = stock(row, reading).ok();
        }
    }

    fn add_image(&mut self, row: &Record, reading: &Reading) {
        let cell = |column| reading.columns.cell(&row.fields, column);
        let url = cell(Column::Image);
        if url.is_empty() || self.images.iter().any(|(_, image)| image.url == url) {
            return;
        }
        let alt = Some(html::to_plain(cell(Column::ImageAlt))).filter(|alt| !alt.is_empty());
        // Pictures without a position keep the order of their rows.
        let position = cell(Column::ImagePosition).parse().unwrap_or(u64::MAX);
        self.images.push((position, ProductImage { url: url.to_owned(), alt }));
    }

    fn add_variant(&mut self, row: &Record, values: [String; 3], reading: &Reading) {
        if let Some(first) = self.lines.get(&values) {
            let reason = format!("the same option values as on line {first}: this row was left out");
            self.skip(row.line, reason, false);
            return;
        }
        match self.variant(row, &values, reading) {
            Ok(variant) => {
                self.lines.insert(values, row.line);
                self.variants.push(variant);
            }
            Err(reason) => self.skip(row.line, format!("{reason}; this variant was left out"), true),
        }
    }

    fn variant(&self, row: &Record, values: &[String; 3], reading: &Reading) -> Result<Variant, String> {
        let cell = |column| reading.columns.cell(&row.fields, column);
        let currency = reading.context.currency;
        let price = reading.decimals.parse(cell(Column::Price), currency)?;
        let compare_at = reading
            .decimals
            .parse(cell(Column::CompareAt), currency)
            .map_err(|reason| format!("compare-at {reason}"))?
            .filter(|before| price.is_some_and(|now| before.minor > now.minor));
        let plain = self.option_names[0].eq_ignore_ascii_case("title")
            && values[0].eq_ignore_ascii_case("default title")
            && values[1].is_empty();
        let options: Vec<OptionValue> = if plain {
            Vec::new()
        } else {
            (1..)
                .zip(values.iter().zip(&self.option_names))
                .filter(|(_, (value, _))| !value.is_empty())
                .map(|(place, (value, name))| OptionValue {
                    name: if name.is_empty() { format!("Option {place}") } else { name.clone() },
                    value: value.clone(),
                })
                .collect()
        };
        Ok(Variant {
            key: variant_key(&options),
            sku: code(cell(Column::Sku)),
            barcode: barcode(cell(Column::Barcode)),
            options,
            price,
            compare_at,
            stock: stock(row, reading)?,
        })
    }

    fn skip(&mut self, line: u64, reason: String, loses: bool) {
        let product = Some(ProductKey(self.handle.clone()));
        self.skipped.push(Skipped { at: at(line), reason, product, loses });
    }

    /// What became of the rows: first those that could not be used, then the product.
    pub(super) fn finish(mut self, reading: &Reading) -> Vec<Item> {
        let Some(head) = self.head.take().filter(|_| !self.unusable) else {
            if !self.unusable {
                let reason = format!("product `{}` has no title", self.handle);
                self.skip(self.line, reason, true);
            }
            return self.skipped.into_iter().map(Item::Skipped).collect();
        };
        let lost_variants = self.skipped.iter().any(|skipped| skipped.loses);
        if self.variants.is_empty() && !lost_variants {
            self.variants.push(Variant {
                key: variant_key(&[]),
                sku: None,
                barcode: None,
                options: Vec::new(),
                price: None,
                compare_at: None,
                stock: self.stock.unwrap_or(Stock::Untracked),
            });
        }
        self.images.sort_by_key(|(position, _)| *position);
        let url = reading.context.website.as_deref().map(|site| link(site, &self.handle));
        let product = Product {
            key: ProductKey(self.handle),
            title: head.title,
            brand: head.brand,
            category: head.category,
            tags: head.tags,
            description: head.description,
            url,
            images: self.images.into_iter().map(|(_, image)| image).collect(),
            variants: self.variants,
            status: head.status,
            published: head.published,
            gift_card: head.gift_card,
        };
        let mut items: Vec<Item> = self.skipped.into_iter().map(Item::Skipped).collect();
        if !product.variants.is_empty() {
            items.push(Item::Product { at: at(self.line), product: Box::new(product) });
        }
        items
    }
}

/// How a report names a line.
pub(super) fn at(line: u64) -> String {
    format!("line {line}")
}

fn head(row: &Record, reading: &Reading) -> Result<Head, String> {
    let cell = |column| reading.columns.cell(&row.fields, column);
    let text = |column| Some(one_line(cell(column))).filter(|text| !text.is_empty());
    let listed = flag(cell(Column::Published)).ok_or_else(|| unknown("published", cell(Column::Published)))?;
    let gift_card = flag(cell(Column::GiftCard)).ok_or_else(|| unknown("gift card", cell(Column::GiftCard)))?;
    // A blank `Published` means published.
    let published = listed.unwrap_or(true);
    let status = match cell(Column::Status).to_ascii_lowercase().as_str() {
        "active" => ProductStatus::Active,
        "draft" => ProductStatus::Draft,
        "archived" => ProductStatus::Archived,
        "unlisted" => ProductStatus::Unlisted,
        // Exports older than the column: what is published is for sale.
        "" if published => ProductStatus::Active,
        "" => ProductStatus::Draft,
        _ => return Err(unknown("status", cell(Column::Status))),
    };
    let mut description = html::to_plain(cell(Column::Body));
    if description.len() > DESCRIPTION_BYTES_MAX {
        description.truncate(description.floor_char_boundary(DESCRIPTION_BYTES_MAX));
    }
    Ok(Head {
        title: text(Column::Title).ok_or("the title holds no text")?,
        brand: text(Column::Vendor),
        category: category(text(Column::Category), text(Column::Type)),
        tags: cell(Column::Tags).split(',').map(one_line).filter(|tag| !tag.is_empty()).collect(),
        description,
        status,
        published,
        gift_card: gift_card.unwrap_or(false),
    })
}

fn unknown(what: &str, cell: &str) -> String {
    format!("{what} `{}` is not understood; the product was left out", cell.chars().take(40).collect::<String>())
}

/// `Some(None)` for a blank cell, `None` for one that is neither true nor false.
fn flag(cell: &str) -> Option<Option<bool>> {
    match cell.to_ascii_lowercase().as_str() {
        "" => Some(None),
        "true" | "yes" | "1" => Some(Some(true)),
        "false" | "no" | "0" => Some(Some(false)),
        _ => None,
    }
}

/// Shopify's taxonomy path with the shop's own type behind it, unless it says the same.
fn category(path: Option<String>, kind: Option<String>) -> Option<String> {
    match (path, kind) {
        (Some(path), Some(kind)) => {
            let last = path.rsplit('>').next().unwrap_or_default().trim();
            Some(if last.eq_ignore_ascii_case(&kind) { path } else { format!("{path} > {kind}") })
        }
        (path, kind) => path.or(kind),
    }
}

fn one_line(cell: &str) -> String {
    html::to_plain(cell).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stock(row: &Record, reading: &Reading) -> Result<Stock, String> {
    let cell = |column| reading.columns.cell(&row.fields, column);
    if cell(Column::Tracker).is_empty() {
        return Ok(Stock::Untracked);
    }
    if !reading.columns.has(Column::Quantity) {
        // Shops with several locations export their quantities elsewhere; what is published is on offer.
        return Ok(Stock::Stated(true));
    }
    let written = cell(Column::Quantity);
    let digits = written.trim_start_matches('\'').trim_end_matches(".0");
    let quantity = match digits {
        "" => 0,
        digits => digits.parse().map_err(|_| format!("quantity `{written}` is not a whole number"))?,
    };
    let oversell = matches!(cell(Column::Policy).to_ascii_lowercase().as_str(), "continue" | "true" | "yes");
    Ok(Stock::Counted { quantity, oversell })
}

fn variant_key(options: &[OptionValue]) -> String {
    if options.is_empty() {
        return "default".into();
    }
    options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(" / ")
}

/// An article number without the apostrophe that keeps spreadsheets from counting with it.
fn code(cell: &str) -> Option<String> {
    let code = cell.strip_prefix('\'').unwrap_or(cell).trim();
    (!code.is_empty()).then(|| code.to_owned())
}

/// A barcode, unless a spreadsheet has ruined it (`8.8E+12`).
fn barcode(cell: &str) -> Option<String> {
    code(cell).filter(|code| !code.to_ascii_uppercase().contains("E+"))
}

/// `{site}/products/{handle}`, the handle escaped for a path.
fn link(site: &str, handle: &str) -> String {
    let mut link = format!("{}/products/", site.trim_end_matches('/'));
    for byte in handle.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link
}
