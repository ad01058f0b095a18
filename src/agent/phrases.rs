//! Phrases to be found in a text: whole words in order, the last of which may stand for every ending (`liefer*`).

use std::collections::HashMap;

use super::text::words;

/// Phrases, each with what it is a sign of.
#[derive(Debug)]
pub(super) struct PhraseBook<S> {
    by_first_word: HashMap<String, Vec<Phrase<S>>>,
    /// Single words with an open end, by their first letter.
    open_words: HashMap<char, Vec<(String, Phrase<S>)>>,
}

#[derive(Debug)]
struct Phrase<S> {
    sign: S,
    rest: Vec<String>,
    open_end: bool,
}

/// A phrase found in a row of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match<S> {
    pub(super) sign: S,
    /// Index of its first word.
    pub(super) first: usize,
    /// How many words it covers.
    pub(super) length: usize,
}

impl<S> Match<S> {
    /// Index after its last word.
    pub(super) const fn end(&self) -> usize {
        self.first + self.length
    }

    /// Whether it covers the word at an index.
    pub(super) const fn covers(&self, at: usize) -> bool {
        self.first <= at && at < self.end()
    }
}

impl<S: Copy> PhraseBook<S> {
    pub(super) fn new() -> Self {
        Self { by_first_word: HashMap::new(), open_words: HashMap::new() }
    }

    /// Adds a phrase as its author writes it; one without any word is ignored.
    pub(super) fn add(&mut self, sign: S, phrase: &str) {
        let open_end = phrase.ends_with('*');
        let mut rest = words(phrase);
        if rest.is_empty() {
            return;
        }
        let first = rest.remove(0);
        let phrase = Phrase { sign, rest, open_end };
        if open_end && phrase.rest.is_empty() {
            self.open_words.entry(initial(&first)).or_default().push((first, phrase));
        } else {
            self.by_first_word.entry(first).or_default().push(phrase);
        }
    }

    /// Whether any phrase holds this word.
    pub(super) fn knows(&self, word: &str) -> bool {
        let rest = || self.by_first_word.values().flatten().flat_map(|phrase| &phrase.rest);
        self.by_first_word.contains_key(word) || rest().any(|known| known == word)
    }

    /// Every phrase in a row of folded words, overlapping ones too.
    pub(super) fn find<W: AsRef<str>>(&self, row: &[W]) -> Vec<Match<S>> {
        let mut found = Vec::new();
        for (first, word) in row.iter().enumerate() {
            let exact = self.by_first_word.get(word.as_ref()).into_iter().flatten();
            let open = self.open_words.get(&initial(word.as_ref())).into_iter().flatten();
            let open = open.filter(|(stem, _)| word.as_ref().starts_with(stem.as_str()));
            let fitting = exact.filter(|phrase| phrase.fits(&row[first + 1..])).chain(open.map(|(_, phrase)| phrase));
            found.extend(fitting.map(|phrase| Match { sign: phrase.sign, first, length: 1 + phrase.rest.len() }));
        }
        found
    }
}

/// What words are kept by.
fn initial(word: &str) -> char {
    word.chars().next().unwrap_or_default()
}

impl<S> Phrase<S> {
    fn fits<W: AsRef<str>>(&self, following: &[W]) -> bool {
        let Some(following) = following.get(..self.rest.len()) else { return false };
        self.rest.iter().zip(following).enumerate().all(|(at, (wanted, word))| {
            let open = self.open_end && at + 1 == self.rest.len();
            if open { word.as_ref().starts_with(wanted.as_str()) } else { word.as_ref() == wanted }
        })
    }
}
