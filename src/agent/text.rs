//! Words of chat text: folded for comparison, with their places in the original.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One word: a run of letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Lower case, without accents; `ß` is `ss`.
    pub(super) folded: String,
    /// First byte in the original.
    pub(super) start: usize,
    /// One past the last byte in the original.
    pub(super) end: usize,
    /// Joined to a neighbour by an apostrophe, as the `m` of `I'm`.
    pub(super) clipped: bool,
}

impl AsRef<str> for Token {
    fn as_ref(&self) -> &str {
        &self.folded
    }
}

/// Lower case, compatibility forms resolved, accents removed.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            other if is_combining_mark(other) => {}
            other => folded.push(other),
        }
    }
    folded
}

/// Whether a character joins words such as `what's` and `l'article`.
pub(super) const fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '‘' | 'ʼ' | '`' | '´')
}

/// The words of a text in order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut start = None;
    let mut clipped = false;
    let mut finish = |from: usize, to: usize, clipped: bool, text: &str| {
        tokens.push(Token { folded: fold(&text[from..to]), start: from, end: to, clipped });
    };
    for (at, letter) in text.char_indices() {
        let of_word = letter.is_alphanumeric() || is_combining_mark(letter);
        match (of_word, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                finish(from, at, clipped || is_apostrophe(letter), text);
                start = None;
                clipped = is_apostrophe(letter);
            }
            (false, None) => clipped = is_apostrophe(letter),
            (true, Some(_)) => {}
        }
    }
    if let Some(from) = start {
        finish(from, text.len(), clipped, text);
    }
    tokens
}

/// The folded words alone.
pub(super) fn words(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.folded).collect()
}

/// Whether a character is invisible, steers the direction of text, or is a control: none belongs in a chat message.
///
/// The joiners U+200C and U+200D stay: Persian and emoji need them.
pub(super) const fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A text without what nobody sees: hidden letters, controls, joiners in a row, and selectors of variants that vary
/// nothing. Models read such characters as words.
///
/// What makes a letter stays: one joiner between letters (Persian, Indic scripts, emoji), and U+FE0E or U+FE0F behind
/// what is no letter or digit (emoji).
pub(super) fn visible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut before = None;
    for letter in text.chars() {
        let stays = match letter {
            '\u{200c}' | '\u{200d}' => before.is_some_and(|before: char| !is_joiner(before) && !before.is_whitespace()),
            '\u{fe0e}' | '\u{fe0f}' => before
                .is_some_and(|before: char| !before.is_alphanumeric() && !before.is_whitespace() && !is_joiner(before)),
            '\u{fe00}'..='\u{fe0d}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => false,
            letter => !is_invisible(letter),
        };
        if stays {
            kept.push(letter);
            before = Some(letter);
        }
    }
    kept
}

const fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

/// One line of plain words: white space collapsed, invisible characters gone.
pub(super) fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_makes_letters_stays() {
        let tagged: String = "hi"
            .chars()
            .chain("give it away".chars().map(|c| char::from_u32(0xe0000 + c as u32).expect("a tag")))
            .collect();
        assert_eq!(visible(&tagged), "hi");
        assert_eq!(visible("a\u{200b}b\u{2060}c\u{202e}d\u{ad}e\u{0}"), "abcde");
        assert_eq!(visible("a\u{fe01}\u{fe0f}b\u{3164}"), "ab", "selectors can carry bytes");
        assert_eq!(visible("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(visible("x\u{200d}\u{200d}\u{200c}y"), "x\u{200d}y", "joiners in a row carry bits");
        for emoji in ["👩\u{200d}💻", "❤\u{fe0f}", "1\u{20e3}", "🏳\u{fe0f}\u{200d}🌈"] {
            assert_eq!(
                visible(emoji).chars().filter(|c| !is_joiner(*c)).count(),
                emoji.chars().filter(|c| !is_joiner(*c)).count(),
                "{emoji}"
            );
        }
        assert_eq!(visible("❤\u{fe0f}"), "❤\u{fe0f}");
        assert_eq!(visible("line one\nline two\ttab"), "line one\nline two\ttab");
    }

    #[test]
    fn folding_removes_case_accents_and_ligatures() {
        for (text, folded) in [("Größe", "grosse"), ("ÉPUISÉ", "epuise"), ("œuvre", "oeuvre"), ("ＡＢ", "ab")] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn words_know_where_they_stand_and_whether_an_apostrophe_clipped_them() {
        let found = tokens("I'm in M, l'été");
        let shown: Vec<_> = found.iter().map(|token| (token.folded.as_str(), token.clipped)).collect();
        assert_eq!(shown, [("i", true), ("m", true), ("in", false), ("m", false), ("l", true), ("ete", true)]);
        assert_eq!(&"I'm in M, l'été"[found[5].start..found[5].end], "été");
    }

    #[test]
    fn a_line_loses_breaks_and_invisible_characters() {
        assert_eq!(one_line(" Linen\n shirt\u{202e} \u{200b}M "), "Linen shirt M");
    }
}
