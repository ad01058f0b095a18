//! Reading domain values out of rows.

use std::str::FromStr;

use rusqlite::{Row, types::Type};

use crate::domain::Timestamp;

/// Reads a column through `parse`; a value it does not know is an error that names the column.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| unreadable(index, &text))
}

/// Like [`parsed`], for a column that may be NULL.
pub(super) fn parsed_opt<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let index = row.as_ref().column_index(column)?;
    let text: Option<String> = row.get(index)?;
    text.map(|text| parse(&text).ok_or_else(|| unreadable(index, &text))).transpose()
}

/// Reads an id.
pub(super) fn id<T: FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    parsed(row, column, |text| text.parse().ok())
}

/// Reads a moment that may be NULL.
pub(super) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

/// Reads a list of strings stored as JSON.
pub(super) fn strings(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<String>> {
    parsed(row, column, |text| serde_json::from_str(text).ok())
}

/// Writes a list of strings as JSON.
pub(super) fn json_strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<serde_json::Value> = items.into_iter().map(|item| item.as_ref().into()).collect();
    serde_json::Value::Array(items).to_string()
}

fn unreadable(index: usize, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("`{text}` is not known here").into())
}
