//! Names that were written roughly: fuzzy matching for the palette and filters, the nearest word for mistakes.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

/// Ranks texts by how well a rough name fits them.
pub struct Fuzzy {
    matcher: Matcher,
    pattern: Pattern,
    buffer: Vec<char>,
}

impl Fuzzy {
    /// Looks for `wanted`, whose words may come in any order.
    #[must_use]
    pub fn new(wanted: &str) -> Self {
        let pattern = Pattern::new(wanted, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        Self { matcher: Matcher::new(Config::DEFAULT), pattern, buffer: Vec::new() }
    }

    /// How well `text` fits; `None` if it does not.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.matcher)
    }
}

/// The places of the texts that fit, the best first, equal ones in their order.
pub fn ranked<T: AsRef<str>>(wanted: &str, texts: &[T]) -> Vec<usize> {
    let mut fuzzy = Fuzzy::new(wanted);
    let scored = texts.iter().enumerate().filter_map(|(at, text)| Some((fuzzy.score(text.as_ref())?, at)));
    let mut found: Vec<(u32, usize)> = scored.collect();
    found.sort_by_key(|&(score, at)| (std::cmp::Reverse(score), at));
    found.into_iter().map(|(_, at)| at).collect()
}

/// The word that was probably meant: at most two slips away.
pub fn nearest<'a>(written: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= 2 && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_comes_first() {
        let texts = ["Show conversations", "Write to the shopper as a person", "Show the shops"];
        assert_eq!(ranked("shops", &texts).first(), Some(&2));
        assert_eq!(ranked("", &texts), [0, 1, 2]);
        assert!(ranked("zzz", &texts).is_empty());
    }

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let words = ["inbox", "live", "tenants", "quit"];
        assert_eq!(nearest("tenant", words.into_iter()), Some("tenants"));
        assert_eq!(nearest("ibnox", words.into_iter()), Some("inbox"));
        assert_eq!(nearest("xyzzy", words.into_iter()), None);
    }
}
