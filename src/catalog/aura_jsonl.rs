//! Aura's own JSON Lines: one product a line (`docs/catalog-jsonl.md`). A bad line costs that line only.

use std::{
    fmt,
    io::{BufRead, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{Context, Error, Format, Item, Source, html};
use crate::domain::{
    Currency, Money,
    catalog::Skipped,
    product::{OptionValue, Product, ProductImage, ProductKey, ProductStatus, Stock, Variant},
};

/// The longest line read.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest description kept, in bytes of plain text.
const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;
/// Variants of one product (Shopify's limit).
const VARIANTS_MAX: usize = 2_048;

/// Products as JSON Lines.
pub(super) struct AuraJsonl {
    input: Box<dyn BufRead + Send>,
    context: Context,
    line: u64,
    buffer: Vec<u8>,
}

impl AuraJsonl {
    pub(super) fn new(input: Box<dyn BufRead + Send>, context: Context) -> Self {
        Self { input, context, line: 0, buffer: Vec::new() }
    }

    /// Reads the next line; `None` at the end, `Some(false)` for one that is too long.
    fn read_line(&mut self) -> Result<Option<bool>, Error> {
        self.buffer.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer).map_err(Error::Read)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if self.buffer.len() <= LINE_BYTES_MAX || self.buffer.ends_with(b"\n") {
            return Ok(Some(true));
        }
        loop {
            let available = self.input.fill_buf().map_err(Error::Read)?;
            let end = available.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(available.len(), |at| at + 1);
            let over = available.is_empty() || end.is_some();
            self.input.consume(used);
            if over {
                return Ok(Some(false));
            }
        }
    }

    fn parse(&self, line: &[u8]) -> Result<Product, Skipped> {
        let skipped = |reason: String, product: Option<String>| Skipped {
            at: format!("line {}", self.line),
            reason,
            product: product.map(ProductKey),
            loses: true,
        };
        let row: Row = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => return Err(skipped(explain(line, &error), key_of(line))),
        };
        let key = row.id.0.trim().to_owned();
        product(row, &self.context).map_err(|reason| skipped(reason, (!key.is_empty()).then_some(key)))
    }
}

impl Source for AuraJsonl {
    fn format(&self) -> Format {
        Format::AuraJsonl
    }

    fn next_item(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let Some(whole) = self.read_line()? else { return Ok(None) };
            let at = format!("line {}", self.line);
            if !whole {
                let reason = "the line is longer than 4 MB".into();
                return Ok(Some(Item::Skipped(Skipped { at, reason, product: None, loses: true })));
            }
            let line = self.buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.buffer).trim_ascii();
            if line.is_empty() {
                continue;
            }
            return Ok(Some(match self.parse(line) {
                Ok(product) => Item::Product { at, product: Box::new(product) },
                Err(skipped) => Item::Skipped(skipped),
            }));
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Text,
    title: String,
    brand: Option<String>,
    category: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    description: String,
    url: Option<String>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    status: Status,
    #[serde(default = "yes")]
    published: bool,
    #[serde(default)]
    gift_card: bool,
    currency: Option<String>,
    sku: Option<Text>,
    barcode: Option<Text>,
    price: Option<Text>,
    compare_at: Option<Text>,
    available: Option<bool>,
    quantity: Option<i64>,
    #[serde(default)]
    oversell: bool,
    #[serde(default)]
    variants: Vec<VariantRow>,
}

/// A variant; what is missing is taken from the product, except article number, barcode and stock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantRow {
    id: Option<Text>,
    sku: Option<Text>,
    barcode: Option<Text>,
    #[serde(default)]
    options: Options,
    price: Option<Text>,
    compare_at: Option<Text>,
    available: Option<bool>,
    quantity: Option<i64>,
    #[serde(default)]
    oversell: bool,
}

const ROW_KEYS: [&str; 19] = [
    "id",
    "title",
    "brand",
    "category",
    "tags",
    "description",
    "url",
    "images",
    "status",
    "published",
    "gift_card",
    "currency",
    "sku",
    "barcode",
    "price",
    "compare_at",
    "available",
    "quantity",
    "oversell",
];
const VARIANT_KEYS: [&str; 9] =
    ["id", "sku", "barcode", "options", "price", "compare_at", "available", "quantity", "oversell"];
const IMAGE_KEYS: [&str; 2] = ["url", "alt"];

const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    #[default]
    Active,
    Unlisted,
    Draft,
    Archived,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Image {
    Url(String),
    Described(Described),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    url: String,
    alt: Option<String>,
}

/// Text, or a number as it would be printed.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// `{"Size": "M"}`, in the order they stand.
#[derive(Default)]
struct Options(Vec<OptionValue>);

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Options;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of option names and values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Options, A::Error> {
                let mut options = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Text>()? {
                    options.push(OptionValue { name, value: value.0 });
                }
                Ok(Options(options))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

fn product(row: Row, context: &Context) -> Result<Product, String> {
    let key = row.id.0.trim().to_owned();
    let title = html::to_plain(&row.title).split_whitespace().collect::<Vec<_>>().join(" ");
    if key.is_empty() {
        return Err("`id` is empty".into());
    }
    if title.is_empty() {
        return Err("`title` is empty".into());
    }
    if row.variants.len() > VARIANTS_MAX {
        return Err(format!("{} variants; a product has at most {VARIANTS_MAX}", row.variants.len()));
    }
    let currency = match row.currency.as_deref() {
        Some(code) => Currency::parse(code).map_err(|error| error.to_string())?,
        None => context.currency,
    };
    let (price, compare_at) = (row.price, row.compare_at);
    let mut variants = Vec::new();
    for (place, variant) in (1..).zip(row.variants) {
        let price = variant.price.as_ref().or(price.as_ref());
        let compare_at = variant.compare_at.as_ref().or(compare_at.as_ref());
        let prices = prices(price, compare_at, currency).map_err(|reason| format!("variant {place}: {reason}"))?;
        let options: Vec<_> = variant.options.0.into_iter().filter(|option| !option.value.trim().is_empty()).collect();
        let own = filled(variant.id);
        let values = || options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(" / ");
        let key = own.unwrap_or_else(|| if options.is_empty() { place.to_string() } else { values() });
        if variants.iter().any(|earlier: &Variant| earlier.key == key) {
            return Err(format!("variant {place}: there is another variant `{key}`"));
        }
        variants.push(Variant {
            key,
            sku: filled(variant.sku),
            barcode: filled(variant.barcode),
            options,
            price: prices.0,
            compare_at: prices.1,
            stock: stock(variant.available.or(row.available), variant.quantity, variant.oversell),
        });
    }
    if variants.is_empty() {
        let (price, compare_at) = prices(price.as_ref(), compare_at.as_ref(), currency)?;
        variants.push(Variant {
            key: "default".into(),
            sku: filled(row.sku),
            barcode: filled(row.barcode),
            options: Vec::new(),
            price,
            compare_at,
            stock: stock(row.available, row.quantity, row.oversell),
        });
    } else if row.sku.is_some() || row.barcode.is_some() || row.quantity.is_some() {
        return Err("`sku`, `barcode` and `quantity` stand on the variants when there are any".into());
    }
    let mut description = html::to_plain(&row.description);
    if description.len() > DESCRIPTION_BYTES_MAX {
        description.truncate(description.floor_char_boundary(DESCRIPTION_BYTES_MAX));
    }
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(Product {
        key: ProductKey(key),
        title,
        brand: text(row.brand),
        category: text(row.category),
        tags: row.tags.into_iter().filter_map(|tag| text(Some(tag))).collect(),
        description,
        url: web_address(text(row.url))?,
        images: row.images.into_iter().map(image).collect(),
        variants,
        status: match row.status {
            Status::Active => ProductStatus::Active,
            Status::Unlisted => ProductStatus::Unlisted,
            Status::Draft => ProductStatus::Draft,
            Status::Archived => ProductStatus::Archived,
        },
        published: row.published,
        gift_card: row.gift_card,
    })
}

fn filled(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0.trim().to_owned()).filter(|text| !text.is_empty())
}

fn image(image: Image) -> ProductImage {
    match image {
        Image::Url(url) => ProductImage { url, alt: None },
        Image::Described(Described { url, alt }) => ProductImage { url, alt: alt.filter(|alt| !alt.is_empty()) },
    }
}

fn web_address(url: Option<String>) -> Result<Option<String>, String> {
    match url {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            Err(format!("`url` must begin with https://: `{}`", url.chars().take(60).collect::<String>()))
        }
        url => Ok(url),
    }
}

type Prices = (Option<Money>, Option<Money>);

fn prices(price: Option<&Text>, compare_at: Option<&Text>, currency: Currency) -> Result<Prices, String> {
    let parse = |name: &str, text: Option<&Text>| match text.map(|text| text.0.trim()) {
        None | Some("") => Ok(None),
        Some(text) => match Money::parse_decimal(text, currency) {
            // Zero is unknown, never free.
            Ok(money) => Ok((money.minor != 0).then_some(money)),
            Err(error) => Err(format!("`{name}`: {error}")),
        },
    };
    let price = parse("price", price)?;
    let before = parse("compare_at", compare_at)?;
    Ok((price, before.filter(|before| price.is_some_and(|now| before.minor > now.minor))))
}

const fn stock(available: Option<bool>, quantity: Option<i64>, oversell: bool) -> Stock {
    match (available, quantity) {
        (Some(false), _) => Stock::Stated(false),
        (_, Some(quantity)) => Stock::Counted { quantity, oversell },
        (Some(true), None) => Stock::Stated(true),
        (None, None) => Stock::Untracked,
    }
}

/// Why a line was refused, with the nearest known name for a key that does not exist.
fn explain(line: &[u8], error: &serde_json::Error) -> String {
    let Ok(serde_json::Value::Object(row)) = serde_json::from_slice(line) else {
        return match error.classify() {
            serde_json::error::Category::Data => "the line is not a JSON object".into(),
            _ => format!("the line is not valid JSON (column {})", error.column()),
        };
    };
    let items = |key: &str| row.get(key).and_then(|value| value.as_array()).into_iter().flatten();
    let row_keys: Vec<&str> = ROW_KEYS.into_iter().chain(["variants"]).collect();
    let levels = std::iter::once((&row, row_keys.as_slice()))
        .chain(items("variants").filter_map(|value| value.as_object()).map(|object| (object, VARIANT_KEYS.as_slice())))
        .chain(items("images").filter_map(|value| value.as_object()).map(|object| (object, IMAGE_KEYS.as_slice())));
    for (object, known) in levels {
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return unknown_key(key, known);
        }
    }
    // serde's own words, without the position: the line is named already.
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or(&message).to_owned()
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    /// Below this likeness a hint would be a guess.
    const LIKE_ENOUGH: f64 = 0.7;
    let likeness = |name: &str| strsim::jaro_winkler(key, name);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let key: String = key.chars().take(40).collect();
    match nearest.filter(|name| likeness(name) >= LIKE_ENOUGH) {
        Some(name) => format!("unknown key `{key}`; did you mean `{name}`?"),
        None => format!("unknown key `{key}`"),
    }
}

/// The product's id, if that much of a refused line can be read.
fn key_of(line: &[u8]) -> Option<String> {
    let row: serde_json::Value = serde_json::from_slice(line).ok()?;
    match row.get("id")? {
        serde_json::Value::String(id) => Some(id.trim().to_owned()).filter(|id| !id.is_empty()),
        serde_json::Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(text: &str) -> Vec<Item> {
        let context = Context { currency: Currency::EUR, website: None };
        let mut source = AuraJsonl::new(Box::new(Cursor::new(text.to_owned())), context);
        let mut items = Vec::new();
        while let Some(item) = source.next_item().expect("memory can be read") {
            items.push(item);
        }
        items
    }

    fn reason(line: &str) -> String {
        match read(line).pop() {
            Some(Item::Skipped(skipped)) => skipped.reason,
            other => panic!("{line} was taken: {other:?}"),
        }
    }

    #[test]
    fn the_documented_examples_are_valid() {
        let documentation = include_str!("../../docs/catalog-jsonl.md");
        let lines: Vec<_> = documentation.lines().filter(|line| line.starts_with('{')).collect();
        assert!(lines.len() >= 3);
        for item in read(&lines.join("\n")) {
            assert!(matches!(item, Item::Product { .. }), "{item:?}");
        }
        for key in ROW_KEYS.iter().chain(&VARIANT_KEYS).chain(&IMAGE_KEYS) {
            assert!(documentation.contains(&format!("`{key}`")), "`{key}` is not documented");
        }
    }

    #[test]
    fn variants_inherit_the_price_and_keep_the_order_of_options() {
        let items = read(
            "{\"id\":7,\"title\":\"Shirt\",\"price\":49.9,\"currency\":\"chf\",\"variants\":[\
             {\"options\":{\"Size\":\"M\",\"Color\":\"Red\"},\"quantity\":2},{\"options\":{\"Size\":\"L\"},\"price\":\"0\",\"available\":false}]}",
        );
        let [Item::Product { product, at }] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((product.key.0.as_str(), at.as_str()), ("7", "line 1"));
        assert_eq!(product.variants[0].key, "M / Red");
        assert_eq!(product.variants[0].price.map(|price| price.to_string()).as_deref(), Some("49.90 CHF"));
        assert_eq!(product.variants[1].price, None, "zero is not free");
        assert!(!product.variants[1].stock.available());
    }

    #[test]
    fn bad_lines_are_named_and_explained() {
        for (line, expected) in [
            (r#"{"id":"1","titel":"A"}"#, "unknown key `titel`; did you mean `title`?"),
            (r#"{"id":"1","title":"A","variants":[{"optons":{}}]}"#, "unknown key `optons`; did you mean `options`?"),
            (r#"{"id":"1"}"#, "missing field `title`"),
            (r#"{"id":"1","title":" "}"#, "`title` is empty"),
            (r#"{"id":"1","title":"A","price":"4,50"}"#, "`price`: `4,50` is not a decimal number such as 49.00"),
            (r#"{"id":"1","title":"A","price":-1}"#, "`price`: `-1` is negative"),
            (r#"{"id":"1","title":"A","url":"javascript:x"}"#, "`url` must begin with https://: `javascript:x`"),
            (r#"{"id":"1","title":"A""#, "the line is not valid JSON (column 21)"),
            ("[1]", "the line is not a JSON object"),
        ] {
            assert_eq!(reason(line), expected, "{line}");
        }
        let items = read("{\"id\":\"1\",\"title\":\"A\"}\n\n{oops\n{\"id\":\"2\",\"title\":\"B\"}");
        let [Item::Product { .. }, Item::Skipped(skipped), Item::Product { at, .. }] = items.as_slice() else {
            panic!("{items:?}")
        };
        assert_eq!((skipped.at.as_str(), at.as_str()), ("line 3", "line 4"));
    }
}
