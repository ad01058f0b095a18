//! Tables of any length: only the rows that are seen are made, and columns fold in a set order where room is short.

use std::cell::Cell as Slot;

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    canvas::{Canvas, Hit},
    text,
    theme::Ink,
};

/// Cells between two columns.
const GAP: usize = 2;
/// Cells of the mark before the chosen row.
const MARK: usize = 2;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// The least cells that it needs.
    pub least: usize,
    /// Its share of what is left; 0: it never grows.
    pub grows: usize,
    /// Numbers stand to the right.
    pub right: bool,
    /// When it is left out: the highest first; 0 never.
    pub fold: u8,
}

impl Column {
    /// A column of `least` cells that stays.
    #[must_use]
    pub const fn new(title: &'static str, least: usize) -> Self {
        Self { title, least, grows: 0, right: false, fold: 0 }
    }

    /// Takes a share of what is left.
    #[must_use]
    pub const fn grows(mut self, share: usize) -> Self {
        self.grows = share;
        self
    }

    /// Numbers stand to the right.
    #[must_use]
    pub const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Is left out where room is short, the highest first.
    #[must_use]
    pub const fn folds(mut self, order: u8) -> Self {
        self.fold = order;
        self
    }
}

/// One cell: its words and how they look.
pub type Cell = (Ink, String);

/// Where somebody is in a list: the chosen row, and what is seen of it.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    row: usize,
    /// What the last frame showed. Drawing notes it, so that keys that move by pages know what a page is.
    top: Slot<usize>,
    height: Slot<usize>,
}

/// Ways to move in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// Half of what is seen.
    HalfUp,
    /// Half of what is seen.
    HalfDown,
    /// The first row.
    Top,
    /// The last row.
    Bottom,
}

impl Cursor {
    /// The chosen row.
    #[must_use]
    pub const fn row(&self) -> usize {
        self.row
    }

    /// Chooses a row.
    pub const fn choose(&mut self, row: usize) {
        self.row = row;
    }

    /// Moves in a list of `count` rows.
    pub fn go(&mut self, way: Move, count: usize) {
        let half = (self.height.get() / 2).max(1);
        let last = count.saturating_sub(1);
        self.row = match way {
            Move::Up => self.row.saturating_sub(1),
            Move::Down => self.row + 1,
            Move::HalfUp => self.row.saturating_sub(half),
            Move::HalfDown => self.row + half,
            Move::Top => 0,
            Move::Bottom => last,
        }
        .min(last);
    }

    /// Stays within a list that has become shorter.
    pub fn keep_within(&mut self, count: usize) {
        self.row = self.row.min(count.saturating_sub(1));
    }

    /// The first row to show when `height` of `count` fit; moves as little as it can.
    pub fn first_shown(&self, height: usize, count: usize) -> usize {
        self.height.set(height);
        let lowest = self.row.saturating_sub(height.saturating_sub(1));
        let top = self.top.get().clamp(lowest, self.row).min(count.saturating_sub(height));
        self.top.set(top);
        top
    }
}

/// What a table shows.
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// How many rows there are.
    pub count: usize,
    /// Which one is chosen.
    pub cursor: &'a Cursor,
    /// Whether it takes the keys.
    pub focused: bool,
    /// Which pane it is, for clicks.
    pub pane: usize,
    /// By which column it is sorted.
    pub sorted: Option<usize>,
}

impl Table<'_> {
    /// Draws the head and the rows that are seen; `row` makes the cells of one.
    pub fn draw(&self, canvas: &mut Canvas<'_, '_>, area: Rect, row: impl Fn(usize) -> Vec<Cell>) {
        let Some(height) = usize::from(area.height).checked_sub(1) else { return };
        let widths = fit(self.columns, usize::from(area.width).saturating_sub(MARK));
        let mut lines = vec![self.head(canvas, &widths)];
        canvas.hit(area, Hit::Pane(self.pane));
        let first = self.cursor.first_shown(height, self.count);
        for (at, y) in (first..self.count).zip(area.y + 1..area.bottom()) {
            let chosen = at == self.cursor.row();
            let place = Rect { x: area.x, y, width: area.width, height: 1 };
            canvas.hit(place, Hit::Row { pane: self.pane, row: at });
            lines.push(self.line(canvas, &widths, &row(at), chosen));
        }
        canvas.lines(area, lines, 0);
    }

    fn head(&self, canvas: &Canvas<'_, '_>, widths: &[usize]) -> Line<'static> {
        let mut spans = vec![Span::raw(" ".repeat(MARK))];
        for (at, (column, &cells)) in self.columns.iter().zip(widths).enumerate().filter(|(_, (_, cells))| **cells > 0)
        {
            let title = if self.sorted == Some(at) { format!("{}*", column.title) } else { column.title.to_owned() };
            let shown = if column.right { text::right(&title, cells) } else { text::left(&title, cells) };
            spans.push(Span::styled(shown, canvas.style(Ink::Title)));
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        Line::from(spans)
    }

    fn line(&self, canvas: &Canvas<'_, '_>, widths: &[usize], cells: &[Cell], chosen: bool) -> Line<'static> {
        let mark = if chosen { "> " } else { "  " };
        let mut spans = vec![Span::raw(mark)];
        // Turned round, colours of its own would make patches of the one bar that the chosen row is.
        let bar = chosen && self.focused;
        for ((column, &wide), (ink, words)) in self.columns.iter().zip(widths).zip(cells) {
            if wide > 0 {
                let shown = if column.right { text::right(words, wide) } else { text::left(words, wide) };
                spans.push(if bar { Span::raw(shown) } else { Span::styled(shown, canvas.style(*ink)) });
                spans.push(Span::raw(" ".repeat(GAP)));
            }
        }
        let line = Line::from(spans);
        match (chosen, self.focused) {
            (true, true) => line.style(canvas.style(Ink::Chosen)),
            (true, false) => line.style(canvas.style(Ink::ChosenElsewhere)),
            (false, _) => line,
        }
    }
}

/// The cells of each column in `room`; 0: left out.
fn fit(columns: &[Column], room: usize) -> Vec<usize> {
    let mut shown: Vec<bool> = vec![true; columns.len()];
    let needed = |shown: &[bool]| -> usize {
        let kept = columns.iter().zip(shown).filter(|(_, shown)| **shown);
        kept.map(|(column, _)| column.least + GAP).sum::<usize>().saturating_sub(GAP)
    };
    while needed(&shown) > room {
        let folding = columns.iter().enumerate().filter(|(at, column)| shown[*at] && column.fold > 0);
        let Some((at, _)) = folding.max_by_key(|(_, column)| column.fold) else { break };
        shown[at] = false;
    }
    let left = room.saturating_sub(needed(&shown));
    let shares: usize = columns.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(column, _)| column.grows).sum();
    let cells = |(column, shown): (&Column, &bool)| match shown {
        true => column.least + (left * column.grows).checked_div(shares).unwrap_or(0),
        false => 0,
    };
    columns.iter().zip(&shown).map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fold_in_their_order_and_the_rest_is_shared() {
        let columns = [Column::new("a", 10).grows(1), Column::new("b", 5).folds(1), Column::new("c", 5).folds(2)];
        assert_eq!(fit(&columns, 40), [26, 5, 5]);
        assert_eq!(fit(&columns, 24), [10, 5, 5]);
        assert_eq!(fit(&columns, 20), [13, 5, 0]);
        assert_eq!(fit(&columns, 12), [12, 0, 0]);
        assert_eq!(fit(&columns, 4), [10, 0, 0]);
    }

    #[test]
    fn a_list_scrolls_as_little_as_it_can() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.first_shown(10, 100), 0);
        cursor.go(Move::HalfDown, 100);
        assert_eq!((cursor.row(), cursor.first_shown(10, 100)), (5, 0));
        cursor.go(Move::HalfDown, 100);
        assert_eq!((cursor.row(), cursor.first_shown(10, 100)), (10, 1));
        cursor.go(Move::Up, 100);
        assert_eq!(cursor.first_shown(10, 100), 1);
        cursor.go(Move::Bottom, 100);
        assert_eq!((cursor.row(), cursor.first_shown(10, 100)), (99, 90));
        cursor.go(Move::Down, 100);
        assert_eq!(cursor.row(), 99);
        cursor.keep_within(3);
        assert_eq!((cursor.row(), cursor.first_shown(10, 3)), (2, 0));
        cursor.go(Move::Top, 0);
        assert_eq!((cursor.row(), cursor.first_shown(10, 0)), (0, 0));
    }
}
