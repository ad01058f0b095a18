//! Tables and label-value blocks, for people on a terminal or plain for whatever reads them elsewhere.

use aura::{api::Time, terminal};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING};

/// Columns between two columns of a table.
const GAP: usize = 2;
/// A column of words is given so many columns before another one has to go.
const WORDS_COLUMNS: usize = 30;
/// Narrower than this, words become a ladder: the rows are shown as blocks instead.
const WORDS_COLUMNS_MIN: usize = 10;

/// For whom something is laid out: people at a terminal so wide read ages and cut names; elsewhere moments are whole, names
/// too, and tabs stand between cells.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The reader's own clock.
    pub now: Time,
    /// Columns; `None`: no terminal.
    pub width: Option<usize>,
}

impl Look {
    /// `3 min ago`, or the moment itself.
    pub fn ago(self, at: Time) -> String {
        self.width.map_or_else(|| at.to_string(), |_| terminal::ago(at, self.now))
    }

    /// The same, or a dash.
    pub fn ago_or_dash(self, at: Option<Time>) -> String {
        at.map_or_else(|| "-".into(), |at| self.ago(at))
    }

    /// `09:30:05` of today, or the moment itself.
    pub fn stamp(self, at: Time) -> String {
        self.width.map_or_else(|| at.to_string(), |_| terminal::stamp(at, self.now))
    }

    /// One line, at most `columns` wide on a terminal, with `…` where something was cut.
    pub fn clip(self, text: &str, columns: usize) -> String {
        let line = terminal::one_line(text);
        if self.width.is_none() { line } else { console::truncate_str(&line, columns, "…").into_owned() }
    }

    /// `label  value` lines, the values under each other; further lines of a value are indented.
    pub fn pairs(self, rows: &[(&str, String)]) -> String {
        let widest = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
        let line = |(label, value): &(&str, String)| match self.width {
            None => format!("{label}\t{}", terminal::one_line(value)).trim_end().to_owned(),
            Some(_) => {
                let value = value.replace('\n', &format!("\n{:widest$}  ", ""));
                format!("{label:widest$}  {value}").trim_end().to_owned()
            }
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A table without lines: a head in capitals, two spaces between columns, fitted to the width where there is one.
pub struct Grid {
    width: Option<usize>,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
    whole: Vec<usize>,
    folds: Vec<usize>,
}

impl Grid {
    /// An empty table.
    pub fn new(width: Option<usize>, head: &[&str]) -> Self {
        let head = head.iter().map(|&name| name.to_owned()).collect();
        Self { width, head, rows: Vec::new(), right: Vec::new(), whole: Vec::new(), folds: Vec::new() }
    }

    /// Numbers stand to the right.
    pub fn right(mut self, columns: &[usize]) -> Self {
        self.right.extend(columns);
        self
    }

    /// These columns are never broken into lines: what is copied from them has to stay whole.
    pub fn whole(mut self, columns: &[usize]) -> Self {
        self.whole.extend(columns);
        self
    }

    /// These columns are left out where there is no room, the first one first.
    pub fn folds(mut self, columns: &[usize]) -> Self {
        self.folds.extend(columns);
        self
    }

    /// Adds a row; each cell is made safe and one line.
    pub fn row<I: IntoIterator<Item = S>, S: AsRef<str>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().map(|cell| terminal::one_line(cell.as_ref())).collect());
    }

    /// The text, without spaces at the ends of lines.
    pub fn finish(self) -> String {
        let Some(width) = self.width else {
            let lines = std::iter::once(&self.head).chain(&self.rows);
            return lines.map(|cells| cells.join("\t").trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        };
        let mut shown: Vec<usize> = (0..self.head.len()).collect();
        let mut folds = self.folds.iter();
        while self.room(&shown, WORDS_COLUMNS) > width {
            let Some(folded) = folds.next() else { break };
            shown.retain(|column| column != folded);
        }
        if self.room(&shown, WORDS_COLUMNS_MIN) > width { self.blocks() } else { self.fitted(&shown, width) }
    }

    /// Columns that these take if no column of words is wider than `words`.
    fn room(&self, shown: &[usize], words: usize) -> usize {
        let of = |column: &usize| {
            let whole = self.whole.contains(column) || self.right.contains(column);
            let head = console::measure_text_width(&self.head[*column]);
            let natural = usize::max(self.natural(*column), head);
            if whole { natural } else { natural.min(usize::max(words, head)) }
        };
        shown.iter().map(of).sum::<usize>() + GAP * shown.len().saturating_sub(1)
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| console::measure_text_width(cell)).max().unwrap_or_default()
    }

    fn fitted(&self, shown: &[usize], width: usize) -> String {
        let mut table = Table::new();
        let these = |cells: &[String]| -> Vec<String> {
            shown.iter().map(|&column| cells.get(column).cloned().unwrap_or_default()).collect()
        };
        table.load_style(NOTHING).set_header(these(&self.head)).set_content_arrangement(ContentArrangement::Dynamic);
        // The gap behind the last column is cut away.
        table.set_width(u16::try_from(width + GAP).unwrap_or(u16::MAX));
        for row in &self.rows {
            table.add_row(these(row));
        }
        for (column, from) in table.column_iter_mut().zip(shown) {
            column.set_padding((0, GAP as u16));
            if self.right.contains(from) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if self.whole.contains(from) || self.right.contains(from) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// A block a row: its first cell, and under it all others with their names.
    fn blocks(&self) -> String {
        let label = |name: &String| name.to_lowercase();
        let widest = self.head.iter().skip(1).map(|name| name.len()).max().unwrap_or_default();
        let block = |row: &Vec<String>| {
            let others = self.head.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
            let lines = others.map(|(name, cell)| format!("  {:widest$}  {cell}", label(name)));
            let first = row.first().cloned().unwrap_or_default();
            std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n")
        };
        let head = self.head.first().cloned().unwrap_or_default();
        std::iter::once(head).chain(self.rows.iter().map(block)).collect::<Vec<_>>().join("\n")
    }
}

/// Texts beside each other under their heads, each as wide as the others; the texts are safe and may have lines.
pub fn columns(width: usize, texts: &[(String, String)]) -> String {
    let each = u16::try_from(width / texts.len().max(1)).unwrap_or(u16::MAX);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(texts.iter().map(|(head, _)| head)).add_row([""]).add_row(texts.iter().map(|(_, text)| text));
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16)).set_constraint(ColumnConstraint::Absolute(Width::Fixed(each)));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
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
