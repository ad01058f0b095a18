//! How far a text is scrolled.

use std::cell::Cell;

use crate::table::Move;

/// How far a text is scrolled. Drawing knows how long it is, and notes it.
#[derive(Debug, Default)]
pub struct Scroll {
    lines: Cell<usize>,
    page: Cell<usize>,
}

impl Scroll {
    /// Back to the first line.
    pub fn reset(&self) {
        self.lines.set(0);
    }

    /// Moves.
    pub fn go(&self, way: Move) {
        let (at, half) = (self.lines.get(), (self.page.get() / 2).max(1));
        self.lines.set(match way {
            Move::Up => at.saturating_sub(1),
            Move::HalfUp => at.saturating_sub(half),
            Move::Top => 0,
            Move::Down => at.saturating_add(1),
            Move::HalfDown => at.saturating_add(half),
            Move::Bottom => usize::MAX,
        });
    }

    /// How many of `count` lines to leave out so that `page` of them are seen.
    pub fn within(&self, count: usize, page: usize) -> usize {
        self.page.set(page);
        self.lines.set(self.lines.get().min(count.saturating_sub(page)));
        self.lines.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_scrolls_no_further_than_its_end() {
        let scroll = Scroll::default();
        assert_eq!(scroll.within(30, 10), 0);
        scroll.go(Move::Bottom);
        assert_eq!(scroll.within(30, 10), 20);
        scroll.go(Move::HalfUp);
        assert_eq!(scroll.within(30, 10), 15);
        scroll.go(Move::Down);
        assert_eq!(scroll.within(12, 10), 2);
        assert_eq!(scroll.within(3, 10), 0);
        scroll.go(Move::Up);
        scroll.reset();
        assert_eq!(scroll.within(30, 10), 0);
    }
}
