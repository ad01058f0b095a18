//! Where the columns stand: both generations of Shopify's headers, any order, case and spacing.

use super::super::Error;

/// A column that is read. Market columns (`Price / International`) have other names and are never one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Handle,
    Title,
    Body,
    Vendor,
    Category,
    Type,
    Tags,
    Published,
    Status,
    Option1Name,
    Option1Value,
    Option2Name,
    Option2Value,
    Option3Name,
    Option3Value,
    Sku,
    Barcode,
    Price,
    CompareAt,
    Tracker,
    Quantity,
    Policy,
    Image,
    ImagePosition,
    ImageAlt,
    GiftCard,
}

/// Names in lower case: the legacy one, then the one in use since 2025.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Handle, &["handle", "url handle"]),
    (Column::Title, &["title"]),
    (Column::Body, &["body (html)", "description"]),
    (Column::Vendor, &["vendor"]),
    (Column::Category, &["product category"]),
    (Column::Type, &["type"]),
    (Column::Tags, &["tags"]),
    (Column::Published, &["published", "published on online store"]),
    (Column::Status, &["status"]),
    (Column::Option1Name, &["option1 name"]),
    (Column::Option1Value, &["option1 value"]),
    (Column::Option2Name, &["option2 name"]),
    (Column::Option2Value, &["option2 value"]),
    (Column::Option3Name, &["option3 name"]),
    (Column::Option3Value, &["option3 value"]),
    (Column::Sku, &["variant sku", "sku"]),
    (Column::Barcode, &["variant barcode", "barcode"]),
    (Column::Price, &["variant price", "price"]),
    (Column::CompareAt, &["variant compare at price", "compare-at price", "compare at price"]),
    (Column::Tracker, &["variant inventory tracker", "inventory tracker"]),
    (Column::Quantity, &["variant inventory qty", "inventory quantity"]),
    (Column::Policy, &["variant inventory policy", "continue selling when out of stock"]),
    (Column::Image, &["image src", "product image url"]),
    (Column::ImagePosition, &["image position"]),
    (Column::ImageAlt, &["image alt text"]),
    (Column::GiftCard, &["gift card"]),
];

/// The header of one file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    places: [Option<usize>; NAMES.len()],
    /// How many fields a row has.
    pub(super) width: usize,
}

impl Columns {
    /// Finds the columns; the handle and the title must be there.
    pub(super) fn read(header: &[String]) -> Result<Self, Error> {
        let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
        let mut places = [None; NAMES.len()];
        for (column, known) in NAMES {
            // The first generation wins where a file has both.
            places[*column as usize] = known.iter().find_map(|known| names.iter().position(|name| name == known));
        }
        let columns = Self { places, width: header.len() };
        for (column, name) in [(Column::Handle, "URL handle"), (Column::Title, "Title")] {
            if !columns.has(column) {
                return Err(Error::NoColumn { column: name });
            }
        }
        Ok(columns)
    }

    /// How many of the header's names are known.
    pub(super) fn known(header: &[String]) -> usize {
        let names = header.iter().map(|name| normal(name));
        names.filter(|name| NAMES.iter().any(|(_, known)| known.contains(&name.as_str()))).count()
    }

    /// Whether the file has the column at all.
    pub(super) fn has(&self, column: Column) -> bool {
        self.places[column as usize].is_some()
    }

    /// The cell, trimmed; empty where the column or the cell is missing.
    pub(super) fn cell<'a>(&self, fields: &'a [String], column: Column) -> &'a str {
        self.places[column as usize].and_then(|place| fields.get(place)).map_or("", |cell| cell.trim())
    }
}

fn normal(name: &str) -> String {
    let name = name.trim_start_matches('\u{feff}').to_lowercase();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_own_place() {
        for (place, (column, _)) in NAMES.iter().enumerate() {
            assert_eq!(*column as usize, place);
        }
    }

    #[test]
    fn market_columns_are_never_the_price() {
        let header: Vec<String> =
            ["URL  handle ", "TITLE", "Price / International", "price"].iter().map(|&name| name.to_owned()).collect();
        let columns = Columns::read(&header).expect("handle and title are there");
        let fields: Vec<String> = ["h", "t", "99", " 49 "].iter().map(|&cell| cell.to_owned()).collect();
        assert_eq!(columns.cell(&fields, Column::Price), "49");
    }
}
