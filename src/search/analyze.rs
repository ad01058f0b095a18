//! Words as the index knows them: split by Unicode's rules, lower case, without accents, stemmed.
//!
//! The same analysis prepares products and questions; a change here makes the next import index everything anew.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

use super::{glossary, size, stop};
use crate::domain::{Language, product::Product, search::PreparedText};

/// Words of a description that are indexed; what a text says of a product it says early.
const DESCRIPTION_WORDS_MAX: usize = 300;
/// Option words, sizes and codes of one product that are indexed: 2,048 variants would drown the rest.
const OPTION_WORDS_MAX: usize = 2_000;
/// Words kept at hand while a catalogue is prepared.
const KNOWN_MAX: usize = 50_000;

/// Prepares words in one language.
pub struct Analyzer {
    language: Language,
    stemmer: Stemmer,
    /// Where a folded word stands in `known`.
    places: HashMap<String, usize>,
    known: Vec<Known>,
}

/// What is known of a word: a catalogue has millions, and few different ones.
struct Known {
    stem: String,
    /// It carries no wish.
    stop: bool,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Analyzer").field(&self.language).finish()
    }
}

impl Analyzer {
    /// An analyzer for the shop's language: it decides how every word is stemmed, whoever wrote it.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self { language, stemmer: stemmer(language), places: HashMap::new(), known: Vec::new() }
    }

    /// The searchable text of a product.
    #[must_use]
    pub fn prepare(&mut self, product: &Product) -> PreparedText {
        let mut heads = Vec::new();
        let title = self.column(&product.title, Some(&mut heads));
        let mut category = self.column(product.category.as_deref().unwrap_or_default(), None);
        let tags = self.column(&product.tags.join(" "), None);
        for more in [tags, heads.join(" ")].iter().filter(|more| !more.is_empty()) {
            if !category.is_empty() {
                category.push(' ');
            }
            category.push_str(more);
        }
        PreparedText {
            title,
            brand: self.column(product.brand.as_deref().unwrap_or_default(), None),
            category,
            options: self.options(product),
            description: self.description(&product.description),
        }
    }

    /// The stem of a folded word. Words with digits are left alone.
    #[must_use]
    pub fn stem(&mut self, folded: &str) -> String {
        self.known(folded).stem.clone()
    }

    fn known(&mut self, folded: &str) -> &Known {
        let place = match self.places.get(folded) {
            Some(place) => *place,
            None => self.learn(folded),
        };
        &self.known[place]
    }

    fn learn(&mut self, folded: &str) -> usize {
        if self.known.len() >= KNOWN_MAX {
            self.places.clear();
            self.known.clear();
        }
        let place = self.known.len();
        self.known.push(Known { stem: stem(&self.stemmer, folded), stop: stop::is_stop(folded, self.language) });
        self.places.insert(folded.to_owned(), place);
        place
    }

    /// The stems of a text's words, in their order.
    #[must_use]
    pub fn stems(&mut self, text: &str) -> Vec<String> {
        folded(text).iter().map(|word| self.stem(word)).collect()
    }

    fn column(&mut self, text: &str, mut heads: Option<&mut Vec<String>>) -> String {
        let mut column = String::with_capacity(text.len());
        for word in folded(text) {
            push(&mut column, &self.known(&word).stem);
            if let (Some(heads), Language::De) = (heads.as_deref_mut(), self.language)
                && let Some(compound) = glossary::compound(&word)
            {
                heads.push(self.stem(&compound.head));
                heads.extend(compound.first.map(|first| self.stem(&first)));
            }
        }
        column
    }

    fn options(&mut self, product: &Product) -> String {
        let (mut column, mut seen) = (String::new(), HashSet::new());
        let mut take = |word: String| {
            if seen.len() < OPTION_WORDS_MAX && !word.is_empty() && !seen.contains(&word) {
                push(&mut column, &word);
                seen.insert(word);
            }
        };
        let mut known = HashSet::new();
        for variant in &product.variants {
            for option in &variant.options {
                if known.insert((&option.name, &option.value)) {
                    words(&option.value).iter().for_each(|word| take(self.stem(word)));
                    size::of_option(&option.name, &option.value).into_iter().for_each(|size| take(format!("={size}")));
                }
            }
            for code in variant.sku.iter().chain(&variant.barcode) {
                let code = code_word(code);
                take(if code.is_empty() { code } else { format!("#{code}") });
            }
        }
        column
    }

    fn description(&mut self, text: &str) -> String {
        let mut column = String::new();
        let mut left = DESCRIPTION_WORDS_MAX;
        for word in folded(text) {
            let known = self.known(&word);
            if !known.stop {
                push(&mut column, &known.stem);
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        column
    }
}

fn push(column: &mut String, word: &str) {
    if !column.is_empty() && !word.is_empty() {
        column.push(' ');
    }
    column.push_str(word);
}

/// A language's stemmer.
pub(super) fn stemmer(language: Language) -> Stemmer {
    Stemmer::create(match language {
        Language::En => Algorithm::English,
        Language::De => Algorithm::German,
        Language::Fr => Algorithm::French,
        Language::Es => Algorithm::Spanish,
        Language::It => Algorithm::Italian,
    })
}

/// The stem of a folded word. Words with digits are left alone.
pub(super) fn stem(stemmer: &Stemmer, folded: &str) -> String {
    if folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return folded.to_owned();
    }
    let stem = stemmer.stem(folded);
    // A stemmer may leave nothing, or an apostrophe, of a strange word.
    if stem.chars().all(char::is_alphanumeric) && !stem.is_empty() { stem.into_owned() } else { folded.to_owned() }
}

/// An article number as it is compared: letters and digits only.
#[must_use]
pub fn code_word(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A text's words, folded. Elisions (`l'été`) and possessives (`women's`) lose their single letter, `t-shirt` is one word.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    folded(text).into_iter().map(Cow::into_owned).collect()
}

/// The same; what is lower case already is not copied.
fn folded(text: &str) -> Vec<Cow<'_, str>> {
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    let mut take = |piece| {
        let word = fold_piece(piece);
        let shirt = word.starts_with("shirt") && words.last().is_some_and(|last| last == "t" || last == "tee");
        if shirt {
            words.pop();
            words.push(Cow::Owned(format!("t{word}")));
        } else if !word.is_empty() {
            words.push(word);
        }
    };
    // Unicode's rules are slow and change nothing for ASCII.
    for chunk in text.split_whitespace() {
        if chunk.is_ascii() {
            pieces(chunk, &mut take);
        } else {
            chunk.unicode_words().for_each(|word| pieces(word, &mut take));
        }
    }
    words
}

/// Runs of letters and digits. Around an apostrophe single letters are dropped.
fn pieces<'a>(text: &'a str, take: &mut impl FnMut(&'a str)) {
    let mut rest = text;
    let mut after_apostrophe = false;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        after_apostrophe = start == 0 && after_apostrophe;
        let run = &rest[start..];
        let end = run.find(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).unwrap_or(run.len());
        let piece = &run[..end];
        let before_apostrophe = run[end..].starts_with(['\'', '’']);
        let single = piece.chars().nth(1).is_none();
        if !(single && (before_apostrophe || after_apostrophe)) {
            take(piece);
        }
        after_apostrophe = before_apostrophe;
        rest = &run[end..];
        if before_apostrophe {
            rest = rest.strip_prefix(['\'', '’']).unwrap_or(rest);
        }
    }
}

fn fold_piece(piece: &str) -> Cow<'_, str> {
    let plain = piece.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if plain { Cow::Borrowed(piece) } else { Cow::Owned(fold(piece)) }
}

/// Lower case without accents: `Größe` is `grosse`, `Œuf` is `oeuf`.
#[must_use]
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            c if c.is_alphanumeric() => folded.push(c),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_and_folded() {
        for (text, expected) in [
            ("Größe 38, l'été", &["grosse", "38", "ete"][..]),
            ("Women's T-Shirts & tee shirt", &["women", "tshirts", "tshirt"]),
            ("L’Œuf d'or", &["oeuf", "or"]),
            ("Desk Lamp \"Arc\", 2700 K", &["desk", "lamp", "arc", "2700", "k"]),
            ("Stoneware Mug “Fjord” – 350 ml", &["stoneware", "mug", "fjord", "350", "ml"]),
            ("rock 'n' roll", &["rock", "roll"]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn stems_bring_number_and_gender_together() {
        for (language, a, b) in [
            (Language::En, "shirts", "shirt"),
            (Language::De, "kleider", "kleid"),
            (Language::Fr, "chemises", "chemise"),
            (Language::Es, "camisas", "camisa"),
            (Language::It, "camicie", "camicia"),
        ] {
            let mut analyzer = Analyzer::new(language);
            assert_eq!(analyzer.stem(a), analyzer.stem(b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn prepared_words_never_hold_what_separates_them(text in ".{0,80}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric), "{word:?}");
            }
        }
    }
}
