//! Rules of Shopify's export, each on a few rows.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Currency,
    product::{Product, ProductStatus, Stock},
};

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,\
    Variant SKU,Variant Barcode,Variant Price,Variant Compare At Price,Variant Inventory Tracker,\
    Variant Inventory Qty,Variant Inventory Policy,Image Src,Status";

fn context() -> Context {
    Context { currency: Currency::EUR, website: Some("https://shop.example".into()) }
}

fn read(input: impl Read + Send + 'static) -> (Vec<Product>, Vec<Skipped>) {
    let mut source = super::super::open(Format::ShopifyCsv, input, context()).expect("a header of Shopify's");
    let (mut products, mut skipped) = (Vec::new(), Vec::new());
    while let Some(item) = source.next_item().expect("memory can be read") {
        match item {
            Item::Product { product, .. } => products.push(*product),
            Item::Skipped(row) => skipped.push(row),
        }
    }
    skipped.sort_by_key(|row| row.at.trim_start_matches("line ").parse::<u64>().ok());
    (products, skipped)
}

fn rows(rows: &[&str]) -> (Vec<Product>, Vec<Skipped>) {
    read(Cursor::new(format!("{HEADER}\n{}\n", rows.join("\n"))))
}

fn ats(skipped: &[Skipped]) -> Vec<&str> {
    skipped.iter().map(|skipped| skipped.at.as_str()).collect()
}

#[test]
fn the_sample_exports_give_the_counts_they_come_with() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/catalogs");
    for (file, products, variants, images, visible) in [
        ("shopify_legacy_apparel.csv", 20, 22, None, 20),
        ("shopify_legacy_lowercase_bools.csv", 20, 21, None, 20),
        ("shopify_template_markets.csv", 3, 16, Some(11), 1),
        ("shopify_new_headers.csv", 7, 12, Some(9), 3),
    ] {
        let Ok(text) = std::fs::read(format!("{folder}/{file}")) else {
            eprintln!("skipped: {file} is not here");
            continue;
        };
        let (found, skipped) = read(Cursor::new(text));
        let count = |of: fn(&Product) -> usize| found.iter().map(of).sum::<usize>();
        assert_eq!((found.len(), count(|product| product.variants.len())), (products, variants), "{file}");
        assert_eq!(count(|product| usize::from(product.visible())), visible, "{file}");
        if let Some(images) = images {
            assert_eq!(count(|product| product.images.len()), images, "{file}");
        }
        assert_eq!(skipped, [], "{file}");
    }
}

#[test]
fn a_product_is_read_by_the_rules_of_the_export() {
    let (products, skipped) = rows(&[
        "shirt,Shirt,<p>Soft</p>,Acme,Shirts,\"a, b\",TRUE,Size,S,'001,8.8E+12,59.00,49.00,shopify,0,deny,https://x/1.jpg,active",
        "shirt,,,,,,,,M,,,49.00,59.00,shopify,-2,continue,https://x/2.jpg,",
        "shirt,,,,,,,,,,,,,,,,https://x/3.jpg,",
        "mug,Mug,,,,,,Title,Default Title,,,0.00,,,,deny,,",
    ]);
    assert_eq!(skipped, []);
    let shirt = &products[0];
    assert_eq!(shirt.url.as_deref(), Some("https://shop.example/products/shirt"));
    assert_eq!((shirt.description.as_str(), shirt.tags.len(), shirt.images.len()), ("Soft", 2, 3));
    let small = &shirt.variants[0];
    assert_eq!((small.sku.as_deref(), small.barcode.as_deref(), small.compare_at), (Some("001"), None, None));
    assert_eq!(small.stock, Stock::Counted { quantity: 0, oversell: false });
    let medium = &shirt.variants[1];
    assert_eq!((medium.options[0].name.as_str(), medium.options[0].value.as_str()), ("Size", "M"));
    assert_eq!(medium.compare_at.map(|price| price.minor), Some(5900));
    assert!(medium.stock.available());
    let mug = &products[1];
    assert!(mug.variants[0].options.is_empty() && mug.variants[0].price.is_none());
    assert_eq!((mug.variants[0].stock, mug.status), (Stock::Untracked, ProductStatus::Active));
}

#[test]
fn a_handle_that_comes_again_further_down_is_one_product() {
    let (products, skipped) = rows(&[
        "a,A,,,,,TRUE,Size,S,,,10,,,,,,active",
        "b,B,,,,,TRUE,Title,Default Title,,,5.50,,,,,,active",
        "a,,,,,,,,M,,,12.00,,,,,,",
        "a,,,,,,,,S,,,10.00,,,,,,",
    ]);
    let keys: Vec<_> = products.iter().map(|product| (product.key.0.as_str(), product.variants.len())).collect();
    assert_eq!(keys, [("b", 1), ("a", 2)]);
    assert_eq!(ats(&skipped), ["line 5"], "the repeated row is named");
    assert!(!skipped[0].loses);
}

#[test]
fn bad_rows_are_named_and_cost_nothing_else() {
    let (products, skipped) = rows(&[
        "Note: change the prices,,,,,,,,,,,,,,,,,",
        "a,A,,,,,TRUE,Size,S,,,10.00,,,,,,active",
        "a,,,,,,,,M,,,cheap,,,,,,",
        "broken,row",
        ",,,,,,,,,,,,,,,,,",
        "b,B,\"open quote,,,,TRUE,Size,S,,,10.00,,,,,,active",
        "c,C,,,,,TRUE,Size,S,,,10.00,,,,,,active",
        ",No handle,,,,,TRUE,Size,S,,,10.00,,,,,,active",
        "d,D,\"two\nlines\",,,,TRUE,Size,S,,,10.00,,,,,,sold",
        "e,,,,,,TRUE,Size,S,,,10.00,,,,,,active",
    ]);
    let keys: Vec<_> = products.iter().map(|product| (product.key.0.as_str(), product.variants.len())).collect();
    assert_eq!(keys, [("a", 1), ("c", 1)]);
    assert_eq!(ats(&skipped), ["line 2", "line 4", "line 5", "line 7", "line 9", "line 10", "line 12"]);
    assert!(skipped.iter().all(|row| row.loses == (row.at != "line 2")));
}

#[test]
fn spreadsheets_may_change_delimiter_encoding_and_decimal_sign() {
    let text = format!("\u{feff}{}\n", HEADER.replace(',', ";")).into_bytes();
    let mut text = text;
    text.extend_from_slice(b"cafe;Caf\xe9;;;;;TRUE;Title;Default Title;;;1.299;;;;;;active\r\n");
    text.extend_from_slice(b"tea;Tea;;;;;TRUE;Title;Default Title;;;4,50;;;;;;active\r\n");
    let (products, skipped) = read(Cursor::new(text));
    assert_eq!(skipped, []);
    assert_eq!(products[0].title, "Café");
    let prices: Vec<_> = products.iter().map(|product| product.variants[0].price.map(|price| price.minor)).collect();
    assert_eq!(prices, [Some(129_900), Some(450)]);
}

/// Hands its bytes out in pieces of the given sizes.
struct Pieces(Cursor<Vec<u8>>, Vec<usize>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.1.pop().unwrap_or(7).clamp(1, buffer.len());
        self.0.read(&mut buffer[..size])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_behind_a_header_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut text = format!("{HEADER}\n").into_bytes();
        text.extend(bytes);
        read(Cursor::new(text));
    }

    #[test]
    fn cells_of_any_kind_are_survived(cells in prop::collection::vec("[a-b,;\"\n\r 0-9.é]{0,12}", 0..80)) {
        read(Cursor::new(format!("{HEADER}\n{}", cells.join(","))));
    }

    #[test]
    fn the_pieces_of_the_stream_do_not_matter(
        sizes in prop::collection::vec(1_usize..90, 0..60),
        cells in prop::collection::vec("[a-c,\"\n]{0,6}", 0..40),
    ) {
        let text = format!("{HEADER}\na,A,\"x\ny\",,,,TRUE,Size,S,,,10.00,,,,,,active\n{}", cells.join("\n")).into_bytes();
        let whole = read(Cursor::new(text.clone()));
        prop_assert_eq!(read(Pieces(Cursor::new(text), sizes)), whole);
    }
}
