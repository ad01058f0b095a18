//! Tables and label-value blocks.

use aura::terminal::one_line;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets::NOTHING};

/// Columns between two columns of a table.
const GAP: u16 = 2;

/// A table without lines: a head in capitals, two spaces between columns, fitted to the width where there is one.
pub struct Grid {
    table: Table,
}

impl Grid {
    /// An empty table.
    pub fn new(width: Option<usize>, head: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(head);
        match width.and_then(|width| u16::try_from(width).ok()) {
            Some(width) => table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        Self { table }
    }

    /// Numbers stand to the right.
    pub fn right(mut self, columns: &[usize]) -> Self {
        for &column in columns {
            if let Some(column) = self.table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// These columns are never broken into lines: what is copied from them has to stay whole.
    pub fn whole(mut self, columns: &[usize]) -> Self {
        for &column in columns {
            if let Some(column) = self.table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        self
    }

    /// Adds a row; each cell is made safe and one line.
    pub fn row<I: IntoIterator<Item = S>, S: AsRef<str>>(&mut self, cells: I) {
        self.table.add_row(cells.into_iter().map(|cell| one_line(cell.as_ref())));
    }

    /// The text, without spaces at the ends of lines.
    pub fn finish(self) -> String {
        self.table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

/// `label  value` lines, the values under each other; further lines of a value are indented.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let widest = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let line = |(label, value): &(&str, String)| {
        let value = value.replace('\n', &format!("\n{:widest$}  ", ""));
        format!("{label:widest$}  {value}").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// At most `columns` wide, with `…` where something was cut.
pub fn clip(text: &str, columns: usize) -> String {
    console::truncate_str(&one_line(text), columns, "…").into_owned()
}

/// The value, or a dash.
pub fn or_dash(value: Option<&str>) -> &str {
    value.filter(|value| !value.is_empty()).unwrap_or("-")
}

/// `640 B`, `12.5 KiB`, `3.1 GiB`: cut off behind the first decimal, so that nothing looks larger than it is.
pub fn bytes(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = units.into_iter().find(|(shift, _)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let tenths = bytes.saturating_mul(10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `1 product`, `2 products`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
