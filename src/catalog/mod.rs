//! From what a shop can hand over to domain products: one [`Source`] per format, each row it cannot use named.
//!
//! Sources pull from any [`Read`] and block, so they run on a thread of their own. Their memory does not grow with
//! the input. Nothing here knows the store.

mod aura_jsonl;
mod html;
mod shopify_csv;

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    str::FromStr,
};

pub use html::to_plain as plain_text;

use crate::domain::{Currency, catalog::Skipped, product::Product};

/// How a source is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Told from the first bytes.
    #[default]
    Auto,
    /// Shopify's product export, with either generation of headers.
    ShopifyCsv,
    /// Our own JSON Lines (`docs/catalog-jsonl.md`).
    AuraJsonl,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Auto, Self::ShopifyCsv, Self::AuraJsonl];

    /// The word in commands and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ShopifyCsv => "shopify_csv",
            Self::AuraJsonl => "aura_jsonl",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().to_ascii_lowercase().replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| format!("`{text}` is not one of auto, shopify_csv, aura_jsonl"))
    }
}

/// What a source needs to know of the shop.
#[derive(Clone, Debug)]
pub struct Context {
    /// The currency of prices that come without one.
    pub currency: Currency,
    /// The shop's site without a trailing slash; product links are made from it when a source has none.
    pub website: Option<String>,
}

/// One thing that a source yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole product.
    Product {
        /// Where it began: `line 12`.
        at: String,
        /// The product.
        product: Box<Product>,
    },
    /// A row that could not be used.
    Skipped(Skipped),
}

/// Yields a shop's products one by one.
pub trait Source: Send {
    /// Its format.
    fn format(&self) -> Format;

    /// The next item; `None` at the end. After an error there is nothing more to come.
    fn next_item(&mut self) -> Result<Option<Item>, Error>;
}

/// Why a source could not be read at all. A bad row is no error but an [`Item::Skipped`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input broke off.
    #[error("the catalogue could not be read to its end")]
    Read(#[source] io::Error),
    /// The copy on disk that two passes need failed.
    #[error("the temporary copy of the catalogue failed")]
    Spool(#[source] io::Error),
    /// There is nothing in it.
    #[error("the catalogue is empty")]
    Empty,
    /// It is none of the formats.
    #[error("this is not a catalogue that Aura knows: it begins with `{start}`")]
    Unrecognised {
        /// Its first characters.
        start: String,
    },
    /// It is the format asked for, but a column that nothing works without is missing.
    #[error("the header has no column `{column}`")]
    NoColumn {
        /// Which.
        column: &'static str,
    },
}

impl Error {
    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(_) => Some("Import it again; what was read so far is kept.".into()),
            Self::Spool(_) => Some("Free some space in the folder for temporary files, or set TMPDIR.".into()),
            Self::Empty => Some("Check that the export has finished.".into()),
            Self::Unrecognised { start } if start.starts_with('[') => {
                Some("Write one product per line instead of one JSON array (docs/catalog-jsonl.md).".into())
            }
            Self::Unrecognised { .. } => {
                Some("Give a Shopify product export (CSV, UTF-8) or Aura JSON Lines (docs/catalog-jsonl.md).".into())
            }
            Self::NoColumn { .. } => Some("Export the products again with all columns.".into()),
        }
    }
}

/// Bytes looked at to tell the format.
const SNIFF_BYTES: usize = 64 * 1024;

/// Opens a source. The format is told from the first bytes when it is [`Format::Auto`]; a file's name never counts.
pub fn open(format: Format, input: impl Read + Send + 'static, context: Context) -> Result<Box<dyn Source>, Error> {
    let mut head = Vec::new();
    let mut input = input;
    input.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head).map_err(Error::Read)?;
    let format = match format {
        Format::Auto => detect(&head)?,
        chosen => chosen,
    };
    if head.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    let whole: Box<dyn BufRead + Send> = Box::new(BufReader::new(io::Cursor::new(head).chain(input)));
    match format {
        Format::AuraJsonl => Ok(Box::new(aura_jsonl::AuraJsonl::new(whole, context))),
        Format::ShopifyCsv | Format::Auto => Ok(Box::new(shopify_csv::ShopifyCsv::open(whole, context)?)),
    }
}

/// Tells the format from a file's first bytes.
pub fn detect(head: &[u8]) -> Result<Format, Error> {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    if head.is_empty() {
        return Err(Error::Empty);
    }
    if head[0] == b'{' {
        return Ok(Format::AuraJsonl);
    }
    if shopify_csv::looks_like(head) {
        return Ok(Format::ShopifyCsv);
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(60)]);
    let start: String = start.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Err(Error::Unrecognised { start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_from_the_first_bytes() {
        for (head, format) in [
            ("\u{feff}Handle,Title,Body (HTML)\n", Some(Format::ShopifyCsv)),
            ("Title;URL handle;Description\n", Some(Format::ShopifyCsv)),
            ("\n {\"id\":\"1\"}", Some(Format::AuraJsonl)),
            ("ID,Type,SKU,Name\n", None),
            ("[{\"id\":1}]", None),
            ("%PDF-1.7", None),
        ] {
            assert_eq!(detect(head.as_bytes()).ok(), format, "{head}");
        }
        assert!(matches!(detect(b" \n"), Err(Error::Empty)));
    }
}
