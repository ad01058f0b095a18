//! Text on a grid of cells: every foreign word is made safe here before it is measured, cut or wrapped.

use std::borrow::Cow;

use aura::terminal::{one_line, terminal_safe};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands where something was cut.
const CUT: &str = "…";

/// How many cells `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` as one safe line.
#[must_use]
pub fn safe(text: &str) -> String {
    let kept = unjoined(&terminal_safe(text)).into_owned();
    if kept.contains('\n') { kept.replace('\n', " ") } else { kept }
}

/// Emoji one by one: terminals do not agree how many cells a joined family, a skin tone or a variant takes, and where they
/// take it otherwise than it was counted, the whole row is shifted. Joiners between letters stay.
fn unjoined(text: &str) -> Cow<'_, str> {
    const JOINER: char = '\u{200d}';
    let varies = |letter: char| matches!(letter, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    if !text.contains(|letter| letter == JOINER || varies(letter)) {
        return Cow::Borrowed(text);
    }
    let is_picture = |letter: char| matches!(letter, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..);
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !varies(*letter)) {
        if letter != JOINER || !kept.chars().next_back().is_some_and(is_picture) {
            kept.push(letter);
        }
    }
    Cow::Owned(kept)
}

/// One safe line of at most `cells`, with `…` where something was cut.
#[must_use]
pub fn clip(text: &str, cells: usize) -> String {
    let line = unjoined(&one_line(text)).into_owned();
    if width(&line) <= cells {
        return line;
    }
    let Some(room) = cells.checked_sub(width(CUT)) else { return String::new() };
    let mut cut = String::new();
    let mut used = 0;
    for cluster in line.graphemes(true) {
        used += width(cluster);
        if used > room {
            break;
        }
        cut.push_str(cluster);
    }
    cut.truncate(cut.trim_end().len());
    cut + CUT
}

/// Safe lines of at most `cells`, broken between words where there are any.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let options = Options::new(cells.max(1))
        // Links, slugs and commands stay whole where they fit: they are copied.
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let safe = terminal_safe(text);
    textwrap::wrap(&unjoined(&safe), options).into_iter().map(Cow::into_owned).collect()
}

/// `text` on the left of exactly `cells`.
#[must_use]
pub fn left(text: &str, cells: usize) -> String {
    let shown = clip(text, cells);
    let room = cells.saturating_sub(width(&shown));
    shown + &" ".repeat(room)
}

/// `text` on the right of exactly `cells`.
#[must_use]
pub fn right(text: &str, cells: usize) -> String {
    let shown = clip(text, cells);
    " ".repeat(cells.saturating_sub(width(&shown))) + &shown
}

/// `1,234,567`.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `12.3 MB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut tenths = u128::from(value) * 10;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    match (unit, tenths >= 1_000) {
        (0, _) | (_, true) => format!("{} {}", tenths / 10, UNITS[unit]),
        _ => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
    }
}

/// `0.00042 $`: a decimal string of dollars, cut after the digits that say something.
#[must_use]
pub fn dollars(amount: &str) -> String {
    let Some((whole, decimals)) = amount.split_once('.') else { return format!("${amount}") };
    let significant = decimals.find(|digit| digit != '0').map_or(0, |at| at + 2);
    let digits = if whole == "0" { significant.max(2) } else { 2 };
    let cut: String = decimals.chars().chain(std::iter::repeat('0')).take(digits).collect();
    format!("${whole}.{cut}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(clip("Lederjacke", 10), "Lederjacke");
        assert_eq!(clip("Lederjacke Größe M", 11), "Lederjacke…");
        assert_eq!(clip("日本語のテキスト", 7), "日本語…");
        assert_eq!(clip("👟👟👟", 3), "👟…");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(clip("a\nb\u{1b}[2J", 20), "a b␛[2J");
    }

    #[test]
    fn every_terminal_shows_emoji_as_wide_as_they_were_counted() {
        assert_eq!(safe("👨‍👩‍👧 👍🏽 ❤️"), "👨👩👧 👍 ❤");
        assert_eq!(clip("👨‍👩‍👧", 5), "👨👩…");
        assert_eq!(wrap("👩🏿‍🚀 ok", 20), ["👩🚀 ok"]);
        // Joiners that shape letters are part of the word.
        for word in ["می\u{200c}خواهم", "क्\u{200d}ष"] {
            assert_eq!(safe(word), terminal_safe(word));
        }
    }

    #[test]
    fn columns_are_as_wide_as_they_are_said_to_be() {
        for text in ["", "abc", "日本語", "هل العباءة متوفرة؟", "a very long text indeed"] {
            assert_eq!(width(&left(text, 9)), 9, "{text}");
            assert_eq!(width(&right(text, 9)), 9, "{text}");
        }
    }

    #[test]
    fn figures_are_read_at_a_glance() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500), "1.5 KB");
        assert_eq!(bytes(123_456_789), "123 MB");
        assert_eq!(dollars("0.000423"), "$0.00042");
        assert_eq!(dollars("0"), "$0");
        assert_eq!(dollars("0.000000"), "$0.00");
        assert_eq!(dollars("12.3456"), "$12.34");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_and_none_steers_the_terminal(text in any::<String>(), cells in 2_usize..40) {
            prop_assert!(width(&clip(&text, cells)) <= cells);
            for line in wrap(&text, cells) {
                prop_assert!(!line.chars().any(char::is_control));
                prop_assert!(line.graphemes(true).count() <= 1 || width(&line) <= cells, "{line:?}");
            }
        }
    }
}
