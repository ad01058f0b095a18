//! Cuts a long reply into messages that fit a channel: between paragraphs, lines, sentences, words, graphemes, in that
//! preference.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The longest UTF-8 encoding of one character: a narrower limit could not hold every text.
const CHAR_BYTES_MAX: usize = 4;

/// A place where a text may be cut, from worst to best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Border {
    Word,
    Sentence,
    Line,
    Paragraph,
}

/// Splits `text` into trimmed, non-empty parts of at most `max_bytes` bytes of UTF-8 (at least 4), in order.
///
/// Each part takes as much as it can up to its best kind of border. A URL or a grapheme is cut only where it alone is
/// longer than a part. Joined again the parts are the text, but for white space at the cuts; blank text gives none.
#[must_use]
pub fn split(text: &str, max_bytes: usize) -> Vec<String> {
    let max_bytes = max_bytes.max(CHAR_BYTES_MAX);
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while rest.len() > max_bytes {
        let (part, after) = rest.split_at(cut(rest, max_bytes));
        parts.push(part.trim_end().to_owned());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

/// Where to cut `text`, which starts with a visible character and is longer than `max_bytes`: more than 0, at most
/// `max_bytes`.
fn cut(text: &str, max_bytes: usize) -> usize {
    best_border(text, max_bytes).unwrap_or_else(|| grapheme_border(text, max_bytes))
}

/// The last border of the best kind within reach.
fn best_border(text: &str, max_bytes: usize) -> Option<usize> {
    let sentences: Vec<usize> =
        text.split_sentence_bound_indices().map(|(at, _)| at).take_while(|at| *at <= max_bytes + 64).collect();
    let starts_sentence = |at: usize| sentences.binary_search(&at).is_ok();
    let mut best: Option<(Border, usize)> = None;
    let mut offer = |border, at| {
        if best.is_none_or(|(so_far, _)| border >= so_far) {
            best = Some((border, at));
        }
    };
    let mut graphemes = text.grapheme_indices(true).peekable();
    let mut previous = "";
    while let Some((start, grapheme)) = graphemes.next() {
        if start > max_bytes {
            break;
        }
        if is_space(grapheme) {
            let mut newlines = newline_count(grapheme);
            let mut end = start + grapheme.len();
            while let Some((at, more)) = graphemes.next_if(|(_, next)| is_space(next)) {
                newlines += newline_count(more);
                end = at + more.len();
            }
            let border = match newlines {
                0 if starts_sentence(end) => Border::Sentence,
                0 => Border::Word,
                1 => Border::Line,
                _ => Border::Paragraph,
            };
            offer(border, start);
            previous = " ";
        } else {
            // Chinese and Japanese put no space after a full stop. An ASCII one without a space may sit inside a URL.
            if start > 0 && !is_space(previous) && !previous.is_ascii() && starts_sentence(start) {
                offer(Border::Sentence, start);
            }
            previous = grapheme;
        }
    }
    best.map(|(_, at)| at)
}

/// The last border between graphemes within reach, before a URL rather than inside it; inside a grapheme only where
/// that one alone is too long.
fn grapheme_border(text: &str, max_bytes: usize) -> usize {
    let reach = |limit: usize| text.grapheme_indices(true).map(|(at, _)| at).take_while(|at| *at <= limit).last();
    let at = match urls(text).into_iter().find(|url| url.start < max_bytes && max_bytes < url.end) {
        Some(url) if url.start > 0 => reach(url.start),
        _ => reach(max_bytes),
    };
    match at {
        Some(at) if at > 0 => at,
        _ => text.floor_char_boundary(max_bytes),
    }
}

/// Where the URLs stand: from their scheme (or `www.`) to the next white space.
fn urls(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = Vec::new();
    for start in ["https://", "http://", "www."].iter().flat_map(|mark| lower.match_indices(mark)).map(|(at, _)| at) {
        let end = text[start..].find(char::is_whitespace).map_or(text.len(), |length| start + length);
        found.push(start..end);
    }
    // `https://www.x` is found twice and counts from its scheme.
    found.sort_by_key(|url| url.start);
    found.dedup_by(|later, earlier| later.start < earlier.end);
    found
}

fn is_space(grapheme: &str) -> bool {
    grapheme.chars().all(char::is_whitespace)
}

fn newline_count(grapheme: &str) -> usize {
    usize::from(grapheme.contains(['\n', '\r', '\u{2028}', '\u{2029}']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_stays_whole_and_a_blank_one_vanishes() {
        assert_eq!(split("  Hello, it is in stock.\n", 1_000), ["Hello, it is in stock."]);
        assert_eq!(split(" \n\t ", 10), Vec::<String>::new());
    }

    #[test]
    fn a_paragraph_border_is_better_than_a_line_than_a_sentence_than_a_word() {
        assert_eq!(split("one two\n\nthree. Four\nfive", 22), ["one two", "three. Four\nfive"]);
        assert_eq!(split("One two. Three\nfour five", 18), ["One two. Three", "four five"]);
        assert_eq!(split("One two. Three four five", 20), ["One two.", "Three four five"]);
        assert_eq!(split("one two three", 9), ["one two", "three"]);
    }

    #[test]
    fn a_url_is_never_cut_where_a_part_can_hold_it() {
        let url = "https://shop.example/p/124?Q=Sand&x=a.B!C";
        assert_eq!(split(&format!("See this: {url} now"), url.len()), ["See this:", url, "now"]);
        let glued = format!("{}{url}", "商品".repeat(8));
        assert_eq!(split(&glued, url.len() + 8), ["商品".repeat(8), url.to_owned()]);
    }

    #[test]
    fn a_url_longer_than_a_part_is_cut_rather_than_lost() {
        let url = format!("https://shop.example/{}", "a".repeat(30));
        assert_eq!(split(&url, 20).concat(), url);
    }

    #[test]
    fn chinese_sentences_end_without_a_space() {
        assert_eq!(split("有货。明天发货", 15), ["有货。", "明天发货"]);
    }

    #[test]
    fn a_grapheme_stays_whole_unless_it_alone_is_too_long() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(split(&family.repeat(3), family.len() * 2), [family.repeat(2), family.to_owned()]);
        assert_eq!(split(family, 4).concat(), family);
    }

    fn without_space(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_parts_are_the_text_and_each_fits(
            text in r"([a-zäß]{1,12}|[.!?] |\n|\n\n|👨‍👩‍👧| https://x\.example/[a-z?!.A-Z]{1,20} |مرحبا|。|商品|\PC){0,60}",
            max in 4_usize..120,
        ) {
            let parts = split(&text, max);
            prop_assert!(parts.iter().all(|part| !part.trim().is_empty() && part.len() <= max));
            prop_assert_eq!(without_space(&parts.concat()), without_space(&text));
        }

        #[test]
        fn no_url_that_fits_is_cut(
            words in prop::collection::vec("[a-z]{1,9}[.!?]?|https://x\\.example/[a-z?!.A-Z]{1,20}", 1..40),
            max in 40_usize..90,
        ) {
            let parts = split(&words.join(" "), max);
            let found: Vec<&str> = parts.iter().flat_map(|part| part.split_whitespace()).collect();
            prop_assert_eq!(found, words);
        }

        #[test]
        fn any_text_at_all_can_be_split(text in any::<String>(), max in 0_usize..40) {
            let parts = split(&text, max);
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= max.max(CHAR_BYTES_MAX)));
            prop_assert_eq!(without_space(&parts.concat()), without_space(&text));
        }
    }
}
