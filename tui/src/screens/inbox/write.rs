//! The field in which a person writes to a shopper.

use ratatui::layout::Rect;

use crate::{canvas::Canvas, editor::Editor, text, theme::Ink, work::Place};

/// Cells of its frame and margins.
const FRAME_CELLS: u16 = 4;
/// Rows that the field grows to.
const ROWS_MAX: u16 = 8;

/// What the words are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A message of its own.
    Reply,
    /// They go out in this draft's place.
    InPlaceOf(String),
}

/// A message that is being written.
pub(super) struct Writing {
    pub(super) place: Place,
    pub(super) shopper: String,
    pub(super) purpose: Purpose,
    pub(super) editor: Editor,
}

impl Writing {
    /// Rows that the field takes of `area`, with its frame.
    pub(super) fn height(&self, area: Rect) -> u16 {
        let rows = self.editor.rows(area.width.saturating_sub(FRAME_CELLS).into()).0.len();
        let wanted = u16::try_from(rows).unwrap_or(ROWS_MAX).min(ROWS_MAX) + 2;
        wanted.min(area.height / 2)
    }

    pub(super) fn view(&self, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let bytes = self.editor.text().trim().len();
        let what = match self.purpose {
            Purpose::Reply => "To",
            Purpose::InPlaceOf(_) => "In the draft's place, to",
        };
        let inside =
            canvas.page(area, &format!("{what} {}  {} of 1,000 bytes", self.shopper, text::number(bytes as u64)), true);
        let (rows, (row, cell)) = self.editor.rows(inside.width.into());
        let skip = (row + 1).saturating_sub(inside.height.into());
        let lines = rows.iter().map(|line| canvas.inked(&[(Ink::Plain, line)])).collect();
        canvas.lines(inside, lines, skip);
        let (x, y) = (u16::try_from(cell).unwrap_or(0), u16::try_from(row - skip.min(row)).unwrap_or(0));
        canvas.cursor(inside.x + x.min(inside.width.saturating_sub(1)), inside.y + y);
    }
}
