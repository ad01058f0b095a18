//! What screens draw with: a frame, a theme, the moment, and the places that can be clicked.

use std::cell::RefCell;

use aura::{api::Time, terminal::ago};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};

use crate::{
    screens::ScreenId,
    text,
    theme::{Ink, Theme},
};

/// Cells between a frame and the text in it, on both sides.
const PAGE_MARGIN: u16 = 1;

/// What is at a place of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// The name of a screen.
    Tab(ScreenId),
    /// A row of a pane, counted over the whole list.
    Row {
        /// Which pane of the screen.
        pane: usize,
        /// Which row.
        row: usize,
    },
    /// Anywhere else in a pane.
    Pane(usize),
}

/// Part of a line in its ink.
pub type Part<'a> = (Ink, &'a str);

/// One frame under the brush.
pub struct Canvas<'a, 'b> {
    /// Where to draw.
    pub frame: &'a mut Frame<'b>,
    /// How things look.
    pub theme: Theme,
    /// The moment.
    pub now: Time,
    hits: &'a RefCell<Vec<(Rect, Hit)>>,
}

impl<'a, 'b> Canvas<'a, 'b> {
    /// A brush that notes in `hits` what can be clicked.
    pub fn new(frame: &'a mut Frame<'b>, theme: Theme, now: Time, hits: &'a RefCell<Vec<(Rect, Hit)>>) -> Self {
        hits.borrow_mut().clear();
        Self { frame, theme, now, hits }
    }

    /// Remembers what is at `area`.
    pub fn hit(&self, area: Rect, hit: Hit) {
        self.hits.borrow_mut().push((area, hit));
    }

    /// How `ink` looks.
    #[must_use]
    pub fn style(&self, ink: Ink) -> Style {
        self.theme.style(ink)
    }

    /// `3 min ago`.
    #[must_use]
    pub fn ago(&self, at: Time) -> String {
        ago(at, self.now)
    }

    /// One line of parts, cut at the end of `area`.
    pub fn line(&mut self, area: Rect, parts: &[Part<'_>]) {
        let line = self.inked(parts);
        self.frame.render_widget(Paragraph::new(line), area);
    }

    /// Parts in their inks, made safe.
    #[must_use]
    pub fn inked(&self, parts: &[Part<'_>]) -> Line<'static> {
        let span = |&(ink, part): &Part<'_>| Span::styled(text::safe(part), self.style(ink));
        Line::from(parts.iter().map(span).collect::<Vec<_>>())
    }

    /// Lines from the top of `area` on, those before `skip` left out.
    pub fn lines(&mut self, area: Rect, lines: Vec<Line<'static>>, skip: usize) {
        let shown: Vec<_> = lines.into_iter().skip(skip).take(area.height.into()).collect();
        self.frame.render_widget(Paragraph::new(shown), area);
    }

    /// A word in the middle of an empty pane.
    pub fn empty(&mut self, area: Rect, words: &str) {
        let rows = text::wrap(words, area.width.saturating_sub(2).into());
        let top = area.y + area.height.saturating_sub(u16::try_from(rows.len()).unwrap_or(u16::MAX)) / 2;
        for (row, y) in rows.iter().zip(top..area.bottom()) {
            let wide = u16::try_from(text::width(row)).unwrap_or(area.width);
            let x = area.x + area.width.saturating_sub(wide) / 2;
            let place = Rect { x, y, width: wide.min(area.width), height: 1 };
            self.line(place, &[(Ink::Faint, row)]);
        }
    }

    /// A framed pane; returns its inside.
    pub fn pane(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let ink = if focused { Ink::Focused } else { Ink::Border };
        // A double frame tells where the keys go where colours do not.
        let kind = if focused { BorderType::Thick } else { BorderType::Plain };
        let room = usize::from(area.width.saturating_sub(4));
        let title = format!(" {} ", text::clip(title, room));
        let block = Block::bordered()
            .border_type(kind)
            .border_style(self.style(ink))
            .title(Span::styled(title, self.style(Ink::Title)));
        let inside = block.inner(area);
        self.frame.render_widget(block, area);
        inside
    }

    /// A framed pane for text, which does not touch the frame; returns its inside.
    pub fn page(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let inside = self.pane(area, title, focused);
        if inside.width < 2 * PAGE_MARGIN {
            return inside;
        }
        Rect { x: inside.x + PAGE_MARGIN, width: inside.width - 2 * PAGE_MARGIN, ..inside }
    }

    /// A framed pane over whatever is there, in the middle of `area`.
    pub fn window(&mut self, area: Rect, width: u16, height: u16, title: &str) -> Rect {
        let (width, height) = (width.min(area.width), height.min(area.height));
        let place =
            Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
        self.frame.render_widget(Clear, place);
        self.pane(place, title, true)
    }

    /// Puts the terminal's own cursor there.
    pub fn cursor(&mut self, x: u16, y: u16) {
        self.frame.set_cursor_position(Position { x, y });
    }
}
