//! What shops sell, in five languages, so that a French question finds an English catalogue; and German compounds.

use std::{collections::HashMap, sync::LazyLock};

use super::analyze::{stem, stemmer};
use crate::domain::Language;

/// What a word of the glossary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A thing, a person it is for, an occasion, a property.
    Noun,
    /// What it is made of.
    Material,
    /// Its colour.
    Colour,
}

/// One meaning.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Folded words by language, the commonest first.
    forms: [Vec<&'static str>; 5],
}

impl Entry {
    /// The words for it in a language.
    pub(super) fn forms(&self, language: Language) -> &[&'static str] {
        &self.forms[language as usize]
    }
}

struct Glossary {
    entries: Vec<Entry>,
    /// Places of the meanings of a folded word or its stem, by language.
    places: [HashMap<String, Vec<usize>>; 5],
}

static GLOSSARY: LazyLock<Glossary> = LazyLock::new(|| {
    let mut glossary = Glossary { entries: Vec::new(), places: Default::default() };
    let stemmers = Language::ALL.map(stemmer);
    for line in include_str!("glossary.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let kind = match cells.next() {
            Some("colour") => Kind::Colour,
            Some("material") => Kind::Material,
            _ => Kind::Noun,
        };
        let mut forms: [Vec<&'static str>; 5] = Default::default();
        for (language, cell) in forms.iter_mut().zip(cells) {
            *language = cell.split(',').filter(|form| !form.is_empty()).collect();
        }
        let place = glossary.entries.len();
        for (language, forms) in forms.iter().enumerate() {
            for form in forms {
                for key in [(*form).to_owned(), stem(&stemmers[language], form)] {
                    let places = glossary.places[language].entry(key).or_default();
                    if !places.contains(&place) {
                        places.push(place);
                    }
                }
            }
        }
        glossary.entries.push(Entry { kind, forms });
    }
    glossary
});

/// The meanings of a folded word in a language.
pub(super) fn meanings(folded: &str, language: Language) -> Vec<&'static Entry> {
    let glossary = &*GLOSSARY;
    let places = &glossary.places[language as usize];
    let found = places.get(folded).or_else(|| places.get(&stem(&stemmer(language), folded)));
    found.into_iter().flatten().map(|&place| &glossary.entries[place]).collect()
}

/// The meanings of a word that is written like a glossary word but for one letter.
pub(super) fn nearly(folded: &str, language: Language) -> Vec<&'static Entry> {
    /// Shorter words are near to too many others.
    const LENGTH_MIN: usize = 5;
    if folded.chars().count() < LENGTH_MIN {
        return Vec::new();
    }
    let near = |form: &&'static str| form.len().abs_diff(folded.len()) <= 1 && strsim::osa_distance(form, folded) == 1;
    GLOSSARY.entries.iter().filter(|entry| entry.forms(language).iter().any(near)).collect()
}

/// A German compound of known words: `leinenhemd` is a `hemd`, of `leinen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compound {
    /// What it is.
    pub(super) head: String,
    /// What stands before it, where that is a known word too.
    pub(super) first: Option<String>,
}

/// Takes a folded German word apart, if it ends with a known word.
pub(super) fn compound(word: &str) -> Option<Compound> {
    /// Shorter heads (`rock` in `barock` apart) would be found by chance.
    const HEAD_MIN: usize = 4;
    const FIRST_MIN: usize = 3;
    let german = &GLOSSARY.places[Language::De as usize];
    if !word.is_ascii() || word.len() < HEAD_MIN + FIRST_MIN {
        return None;
    }
    // The longest head wins: `handtasche` before `tasche`.
    (FIRST_MIN..=word.len() - HEAD_MIN).find_map(|at| {
        let (first, tail) = word.split_at(at);
        let head =
            [tail, stripped(tail)].into_iter().find(|tail| tail.len() >= HEAD_MIN && german.contains_key(*tail))?;
        let joints = [first, first.strip_suffix('s').unwrap_or(first), first.strip_suffix('n').unwrap_or(first)];
        let known = joints.into_iter().find(|first| german.contains_key(*first));
        Some(Compound { head: head.to_owned(), first: known.map(str::to_owned) })
    })
}

/// Without a plural ending that the stemmer would take off.
fn stripped(word: &str) -> &str {
    ["en", "er", "e", "n", "s"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::{super::analyze::fold, *};

    #[test]
    fn the_table_is_complete_and_folded() {
        assert!(GLOSSARY.entries.len() >= 200);
        for entry in &GLOSSARY.entries {
            for language in Language::ALL {
                assert!(!entry.forms(language).is_empty(), "{entry:?} has no word in {language}");
                for form in entry.forms(language) {
                    assert_eq!(fold(form), **form, "{form} is not folded");
                }
            }
        }
    }

    #[test]
    fn words_are_found_in_their_language_in_any_number() {
        let english = |word: &str, language| meanings(word, language).first().map(|entry| entry.forms(Language::En)[0]);
        assert_eq!(english("chemises", Language::Fr), Some("shirt"));
        assert_eq!(english("hemden", Language::De), Some("shirt"));
        assert_eq!(english("robe", Language::Fr), Some("dress"));
        assert_eq!(english("robe", Language::En), None);
        assert_eq!(nearly("chemsie", Language::Fr)[0].forms(Language::En)[0], "shirt");
    }

    #[test]
    fn compounds_come_apart() {
        for (word, parts) in [
            ("leinenhemd", Some(("hemd", Some("leinen")))),
            ("sommerkleider", Some(("kleid", Some("sommer")))),
            ("lederhandtasche", Some(("handtasche", Some("leder")))),
            ("schreibtischlampe", Some(("lampe", Some("schreibtisch")))),
            ("xyzhemd", Some(("hemd", None))),
            ("hemd", None),
            ("sofa", None),
        ] {
            let found = compound(word).map(|compound| (compound.head, compound.first));
            let parts = parts.map(|(head, first): (&str, Option<&str>)| (head.to_owned(), first.map(str::to_owned)));
            assert_eq!(found, parts, "{word}");
        }
    }
}
