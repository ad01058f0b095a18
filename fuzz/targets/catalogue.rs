//! What both catalogue targets promise: everything comes out in proportion and in order, and how the input arrives in
//! pieces changes nothing.

use std::io::{Cursor, Read};

use aura::{
    catalog::{Context, Error, Format, Item, open},
    domain::Currency,
};

/// Plain text of a description is cut here.
const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;

/// Reads in pieces of a few bytes.
struct Pieces(Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = buffer.len().min(self.1);
        self.0.read(&mut buffer[..end])
    }
}

fn items(format: Format, raw: &[u8], piece: usize) -> Result<Vec<Item>, Error> {
    let context = Context { currency: Currency::EUR, website: Some("https://shop.example".into()) };
    let mut source = open(format, Pieces(Cursor::new(raw.to_vec()), piece), context)?;
    let mut items = Vec::new();
    while let Some(item) = source.next_item()? {
        items.push(item);
        assert!(items.len() <= raw.len() + 1, "more items than bytes");
    }
    assert_eq!(source.next_item()?, None, "the end is the end");
    Ok(items)
}

pub fn check(format: Format, raw: &[u8]) {
    let whole = items(format, raw, usize::MAX);
    let pieces = items(format, raw, 1 + raw.len() % 7);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces, "cut into pieces"),
        (Err(whole), Err(pieces)) => assert_eq!(whole.to_string(), pieces.to_string()),
        _ => panic!("cut into pieces it is another input: {whole:?} {pieces:?}"),
    }
    for item in whole.into_iter().flatten() {
        match item {
            Item::Product { at, product } => {
                assert!(at.starts_with("line "), "{at}");
                assert!(!product.key.0.trim().is_empty());
                assert!(!product.title.trim().is_empty());
                assert!(product.description.len() <= DESCRIPTION_BYTES_MAX);
                assert!(!product.variants.is_empty());
                for variant in &product.variants {
                    assert!(variant.price.is_none_or(|price| price.minor >= 0), "{variant:?}");
                }
                let _ = (product.price_range(), product.available());
            }
            Item::Skipped(skipped) => {
                assert!(!skipped.reason.is_empty());
                assert!(skipped.reason.len() <= 1_024, "a reason for people: {}", skipped.reason);
            }
        }
    }
}
