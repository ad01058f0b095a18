//! The words of `plain.yaml`: with which nothing is claimed, by language and role.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{
    agent::{phrases::PhraseBook, text::words},
    domain::Language,
};

/// What a word or phrase does in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Word,
    Tone,
    Ignorance,
    PassOn,
    Nothing,
    Matter,
    Stock,
    Price,
    Lead,
    Offer,
    Condition,
}

/// Words in a block of text, or phrases in a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entries {
    Words(String),
    Phrases(Vec<String>),
}

/// The words of one language.
pub(super) struct Vocabulary {
    phrases: PhraseBook<Role>,
}

/// Every language's words.
pub(super) struct Plain {
    vocabularies: Vec<Vocabulary>,
    conditions: HashSet<String>,
}

impl Vocabulary {
    pub(super) const fn phrases(&self) -> &PhraseBook<Role> {
        &self.phrases
    }
}

type File = BTreeMap<String, BTreeMap<Role, Entries>>;

impl Plain {
    /// The embedded words.
    pub(super) fn get() -> &'static Self {
        static PLAIN: LazyLock<Plain> = LazyLock::new(|| {
            let file: File =
                serde_saphyr::from_str(include_str!("plain.yaml")).expect("a test reads the embedded file");
            let mut plain = Plain { vocabularies: Vec::new(), conditions: HashSet::new() };
            for language in Language::ALL {
                let mut phrases = PhraseBook::new();
                for (role, entries) in file.get(language.code()).into_iter().flatten() {
                    let all: Vec<String> = match entries {
                        Entries::Words(text) => text.split_whitespace().map(str::to_owned).collect(),
                        Entries::Phrases(phrases) => phrases.clone(),
                    };
                    if *role == Role::Condition {
                        plain.conditions.extend(all.iter().flat_map(|word| words(word)));
                    } else {
                        all.iter().for_each(|phrase| phrases.add(*role, phrase));
                    }
                }
                plain.vocabularies.push(Vocabulary { phrases });
            }
            plain
        });
        &PLAIN
    }

    /// One a language.
    pub(super) fn vocabularies(&self) -> &[Vocabulary] {
        &self.vocabularies
    }

    /// Whether a folded word makes what is said depend on something: "if", "over", "only".
    pub(super) fn is_condition(&self, word: &str) -> bool {
        self.conditions.contains(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_words_for_every_role_in_every_language() {
        let file: File = serde_saphyr::from_str(include_str!("plain.yaml")).expect("the file is well formed");
        assert_eq!(file.len(), Language::ALL.len());
        for language in Language::ALL {
            let roles = &file[language.code()];
            assert_eq!(roles.len(), Role::Condition as usize + 1, "{language}");
            let empty = |entries: &Entries| match entries {
                Entries::Words(text) => text.trim().is_empty(),
                Entries::Phrases(phrases) => phrases.is_empty(),
            };
            assert!(!roles.values().any(empty), "{language}");
        }
    }
}
