//! The cue words of `cues.yaml`, folded and ready to be matched on word boundaries.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    phrases::{self, PhraseBook},
    text::{Token, words},
};
use crate::domain::Language;

/// What a cue phrase is a sign of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    Greeting,
    Thanks,
    Approval,
    Decline,
    Farewell,
    Praise,
    Arrived,
    Person,
    Anger,
    Order,
    Policy,
    Search,
    Price,
    Stock,
    About,
    Link,
    Nth1,
    Nth2,
    Nth3,
    Final,
    SizeWord,
    LimitWord,
}

impl Sign {
    /// Whether it opens or closes a conversation and says nothing of what is wanted.
    pub(super) const fn is_courtesy(self) -> bool {
        match self {
            Self::Greeting | Self::Thanks | Self::Approval | Self::Decline | Self::Farewell | Self::Praise => true,
            Self::Arrived
            | Self::Person
            | Self::Anger
            | Self::Order
            | Self::Policy
            | Self::Search
            | Self::Price
            | Self::Stock
            | Self::About
            | Self::Link
            | Self::Nth1
            | Self::Nth2
            | Self::Nth3
            | Self::Final
            | Self::SizeWord
            | Self::LimitWord => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    function_words: BTreeMap<String, String>,
    letters: BTreeMap<String, String>,
    colours: Vec<String>,
    size_aliases: BTreeMap<String, Vec<String>>,
    generic: String,
    thanks_emoji: String,
    approval_emoji: String,
    either_way: String,
    signs: BTreeMap<Sign, BTreeMap<String, Vec<String>>>,
}

/// A matched cue phrase: what it is a sign of, and in which language.
pub(super) type Match = phrases::Match<(Sign, Language)>;

/// Function words only where an apostrophe joins them to another word.
const CLIPPED_ONLY: [&str; 8] = ["c", "d", "j", "l", "m", "n", "s", "t"];

/// Everything in `cues.yaml`.
pub(super) struct Cues {
    /// Languages of a function word; an empty list: a language without wording.
    function_words: HashMap<String, Vec<Option<Language>>>,
    letters: HashMap<char, Language>,
    colours: Vec<Vec<String>>,
    size_aliases: HashMap<String, String>,
    generic: HashSet<String>,
    thanks_emoji: HashSet<char>,
    approval_emoji: HashSet<char>,
    either_way: HashSet<String>,
    phrases: PhraseBook<(Sign, Language)>,
}

impl Cues {
    /// The embedded cue words.
    pub(super) fn get() -> &'static Self {
        static CUES: LazyLock<Cues> = LazyLock::new(|| {
            let file = serde_saphyr::from_str(include_str!("cues.yaml")).expect("a test reads the embedded file");
            Cues::build(file)
        });
        &CUES
    }

    fn build(file: File) -> Self {
        let mut function_words: HashMap<String, Vec<Option<Language>>> = HashMap::new();
        for (code, list) in &file.function_words {
            for word in words(list) {
                let languages = function_words.entry(word).or_default();
                let language = code.parse().ok();
                if !languages.contains(&language) {
                    languages.push(language);
                }
            }
        }
        let letters = file.letters.iter().filter_map(|(code, letters)| Some((code.parse().ok()?, letters)));
        let letters = letters.flat_map(|(language, letters)| letters.chars().map(move |letter| (letter, language)));
        let aliases = file.size_aliases.iter().flat_map(|(size, aliases)| aliases.iter().map(move |a| (a, size)));
        let mut cues = Self {
            function_words,
            letters: letters.collect(),
            colours: file.colours.iter().map(|group| words(group)).collect(),
            size_aliases: aliases.map(|(alias, size)| (alias.clone(), size.clone())).collect(),
            generic: words(&file.generic).into_iter().collect(),
            thanks_emoji: emoji(&file.thanks_emoji),
            approval_emoji: emoji(&file.approval_emoji),
            either_way: words(&file.either_way).into_iter().collect(),
            phrases: PhraseBook::new(),
        };
        for (sign, languages) in file.signs {
            for (code, phrases) in languages {
                let language = code.parse().expect("a test reads the embedded file");
                phrases.iter().for_each(|phrase| cues.phrases.add((sign, language), phrase));
            }
        }
        cues
    }

    /// Every cue phrase in the words, overlapping ones too.
    pub(super) fn find(&self, tokens: &[Token]) -> Vec<Match> {
        self.phrases.find(tokens)
    }

    /// The languages that use this word to hold sentences together; `None` is a language without wording.
    ///
    /// A lone `m` is a size; only the clipped one of `I'm` holds a sentence together.
    pub(super) fn languages_of(&self, token: &Token) -> &[Option<Language>] {
        self.languages(&token.folded, token.clipped)
    }

    fn languages(&self, word: &str, clipped: bool) -> &[Option<Language>] {
        if !clipped && CLIPPED_ONLY.contains(&word) {
            return &[];
        }
        self.function_words.get(word).map_or(&[], Vec::as_slice)
    }

    /// Whether one of our languages uses this word to hold sentences together.
    pub(super) fn is_function_word(&self, token: &Token) -> bool {
        self.holds_sentences(&token.folded, token.clipped)
    }

    /// The same for a word outside a list of tokens.
    pub(super) fn holds_sentences(&self, word: &str, clipped: bool) -> bool {
        self.languages(word, clipped).iter().any(Option::is_some)
    }

    /// Whether a word asks for anything at all: "something", "etwas".
    pub(super) fn is_generic(&self, word: &str) -> bool {
        self.generic.contains(word)
    }

    /// The language that a letter gives away.
    pub(super) fn language_of_letter(&self, letter: char) -> Option<Language> {
        self.letters.get(&letter).copied()
    }

    /// The words of all our languages for the colour that this word means.
    pub(super) fn colour(&self, word: &str) -> Option<&[String]> {
        self.colours.iter().find(|group| group.iter().any(|name| name == word)).map(Vec::as_slice)
    }

    /// The letter size that a word means: `medium` is `m`; a letter size means itself.
    pub(super) fn letter_size(&self, word: &str) -> Option<&str> {
        self.size_aliases.get(word).map(String::as_str)
    }

    /// Whether an emoji says thanks or affection.
    pub(super) fn is_thanks_emoji(&self, emoji: char) -> bool {
        self.thanks_emoji.contains(&emoji)
    }

    /// Whether an emoji says yes or good: it may be an answer.
    pub(super) fn is_approval_emoji(&self, emoji: char) -> bool {
        self.approval_emoji.contains(&emoji)
    }

    /// Whether a word greets or takes leave, as "ciao" does.
    pub(super) fn is_either_way(&self, word: &str) -> bool {
        self.either_way.contains(word)
    }

    /// Shortens stretched words that are known when shortened: "thankssss", "helloooo", "merciii", "thankss".
    pub(super) fn unstretch(&self, tokens: &mut [Token]) {
        const STRETCH_MIN: usize = 3;
        let known = |word: &str| self.phrases.knows(word) || self.function_words.contains_key(word);
        let closes = |word: &str| self.phrases.find(&[word]).iter().any(|found| found.sign.0.is_courtesy());
        for token in tokens {
            let word = token.folded.as_str();
            let longest = longest_run(word);
            let found = if longest < 2 || known(word) {
                None
            } else if longest >= STRETCH_MIN {
                [(STRETCH_MIN, 1), (STRETCH_MIN, 2), (2, 1)]
                    .map(|(from, to)| shortened(word, from, to))
                    .into_iter()
                    .find(|word| known(word))
            } else {
                // "tee" and "pull" are things.
                Some(shortened(word, 2, 1)).filter(|word| word.len() >= DOUBLED_LEN_MIN && closes(word))
            };
            if let Some(word) = found {
                token.folded = word;
            }
        }
    }
}

/// A word with one letter doubled is shortened only if this much is left.
const DOUBLED_LEN_MIN: usize = 4;

fn emoji(text: &str) -> HashSet<char> {
    text.chars().filter(|emoji| !emoji.is_whitespace()).collect()
}

/// How often the most stretched letter stands in a row.
fn longest_run(word: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for letter in word.chars() {
        run = if last == Some(letter) && letter.is_alphabetic() { run + 1 } else { 1 };
        last = Some(letter);
        longest = longest.max(run);
    }
    longest
}

/// The word with `to` of a letter where it stands `from` times in a row or more.
fn shortened(word: &str, from: usize, to: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let runs = letters.chunk_by(|a, b| a == b);
    runs.flat_map(|run| run.iter().take(if run.len() >= from { to } else { run.len() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::text::tokens;

    fn signs(text: &str) -> Vec<Sign> {
        let mut signs: Vec<_> = Cues::get().find(&tokens(text)).into_iter().map(|found| found.sign.0).collect();
        signs.sort_unstable();
        signs.dedup();
        signs
    }

    #[test]
    fn cues_match_whole_words_only() {
        assert!(signs("Wie viel kostet das?").contains(&Sign::Price));
        assert!(!signs("a costume for the prizegiving").contains(&Sign::Price));
        assert!(!signs("Is this hip?").contains(&Sign::Greeting));
    }

    #[test]
    fn an_open_cue_matches_what_begins_so() {
        assert!(signs("Versandkosten nach Österreich?").contains(&Sign::Policy));
        assert!(!signs("ist das lieferbar?").contains(&Sign::Policy));
    }

    #[test]
    fn the_data_file_covers_every_sign_in_every_language() {
        let file: File = serde_saphyr::from_str(include_str!("cues.yaml")).expect("the file is well formed");
        assert_eq!(file.signs.len(), Sign::LimitWord as usize + 1);
        for (sign, languages) in &file.signs {
            for language in Language::ALL {
                assert!(languages.get(language.code()).is_some_and(|list| !list.is_empty()), "{sign:?} {language}");
            }
            assert_eq!(languages.len(), Language::ALL.len(), "{sign:?} names an unknown language");
        }
    }

    #[test]
    fn stretched_words_are_what_they_are_when_short() {
        for (text, short) in [
            ("thankssss", "thanks"),
            ("helloooo", "hello"),
            ("merciii", "merci"),
            ("cooool", "cool"),
            ("daaaanke", "danke"),
            ("okkkk", "ok"),
            ("thankss", "thanks"),
            ("tee", "tee"),
            ("pull", "pull"),
            ("dress", "dress"),
        ] {
            let mut tokens = tokens(text);
            Cues::get().unstretch(&mut tokens);
            assert_eq!(tokens[0].folded, short);
        }
    }

    #[test]
    fn colours_and_sizes_are_known_in_every_language() {
        let cues = Cues::get();
        for word in ["blaue", "bleu", "azul", "azzurro", "blue"] {
            assert!(cues.colour(word).is_some_and(|group| group.contains(&"blau".to_owned())), "{word}");
        }
        assert_eq!(cues.letter_size("medium"), Some("m"));
        assert_eq!(cues.letter_size("xl"), Some("xl"));
    }
}
