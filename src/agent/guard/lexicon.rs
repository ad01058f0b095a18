//! The words of `lexicon.yaml`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::agent::{phrases::PhraseBook, text::words};

/// What a word in a draft claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Claim {
    Available,
    Unavailable,
    WeaklyAvailable,
    Holds,
    Assent,
    Negator,
    Filler,
    Contrast,
    CostWord,
    WasWord,
    FromWord,
    LimitMax,
    LimitMin,
    Nothing,
    Comparison,
    Harmless,
    Admission,
    Asks,
    Rhetorical,
    Affirmation,
    Scarcity,
    PieceWord,
    Percent,
    CurrencyWord,
    SpelledLink,
    NoForm,
}

/// The phrases of every claim.
pub(super) struct Lexicon {
    phrases: PhraseBook<Claim>,
    currency_words: HashSet<String>,
    no_form: HashSet<String>,
    filler: HashSet<String>,
}

impl Lexicon {
    /// The embedded words.
    pub(super) fn get() -> &'static Self {
        static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
            let claims: BTreeMap<Claim, Vec<String>> =
                serde_saphyr::from_str(include_str!("lexicon.yaml")).expect("a test reads the embedded file");
            let plain = |claim| claims.get(&claim).into_iter().flatten().flat_map(|word| words(word)).collect();
            let mut lexicon = Lexicon {
                phrases: PhraseBook::new(),
                currency_words: plain(Claim::CurrencyWord),
                no_form: plain(Claim::NoForm),
                filler: plain(Claim::Filler),
            };
            for (claim, phrases) in claims.iter().filter(|(claim, _)| **claim != Claim::Filler) {
                phrases.iter().for_each(|phrase| lexicon.phrases.add(*claim, phrase));
            }
            lexicon
        });
        &LEXICON
    }

    pub(super) const fn phrases(&self) -> &PhraseBook<Claim> {
        &self.phrases
    }

    /// Whether a folded word names money.
    pub(super) fn is_currency_word(&self, word: &str) -> bool {
        self.currency_words.contains(word)
    }

    /// Whether a word may stand between a negation and what it denies.
    pub(super) fn is_filler(&self, word: &str) -> bool {
        self.filler.contains(word)
    }

    /// Whether a word after "available in" names no form of the product.
    pub(super) fn is_no_form(&self, word: &str) -> bool {
        self.no_form.contains(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_words_for_every_claim() {
        let claims: BTreeMap<Claim, Vec<String>> =
            serde_saphyr::from_str(include_str!("lexicon.yaml")).expect("the file is well formed");
        assert_eq!(claims.len(), Claim::NoForm as usize + 1);
        assert!(claims.values().all(|phrases| !phrases.is_empty()));
    }
}
