//! What the shop's own words may not hold.

use super::{emoji, text::one_line};

/// Whether words have an emoji.
#[must_use]
pub fn has_emoji(words: &str) -> bool {
    emoji::has(words)
}

/// Whether words have letters that nobody sees: models read them, and people who check the file do not.
#[must_use]
pub fn hides(words: &str) -> bool {
    one_line(words) != one_line_of_all(words)
}

/// White space collapsed, nothing taken out.
fn one_line_of_all(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
