//! From a shopper's words to a [`SearchPlan`]: conditions taken out, chat dropped, words translated and repaired
//! against what the catalogue knows.

use std::collections::HashSet;

use super::{
    analyze::{Analyzer, code_word},
    glossary::{self, Entry, Kind},
    lex::{self, Token},
    limits, stop,
};
use crate::domain::{
    Currency, Language, Money,
    search::{Around, KnownWord, SearchPlan, Vocabulary},
};

/// The longest question understood; the rest of a longer one is not looked at.
const QUESTION_BYTES_MAX: usize = 2_000;
/// The most words of a question that are searched for.
const WORDS_MAX: usize = 16;
/// Words before something unwanted.
const NEGATIONS: &[&str] = &[
    "without", "no", "not", "ohne", "kein", "keine", "keinen", "keiner", "keinem", "keines", "nicht", "sans", "pas",
    "sin", "senza", "non",
];
/// A word that stands in at most so many products may be a misspelling that a product shares.
const RARE: u64 = 2;
/// How much commoner a similar word must be to be tried beside a rare one.
const COMMONER: u64 = 50;
/// The shortest word with one letter wrong, and with two, that is repaired.
const ONE_EDIT_MIN: usize = 4;
const TWO_EDITS_MIN: usize = 8;

/// A question that is understood as far as that goes without the catalogue.
#[derive(Debug)]
pub struct Reading {
    language: Language,
    languages: Vec<Language>,
    analyzer: Analyzer,
    plan: SearchPlan,
    terms: Vec<Term>,
    codes: Vec<String>,
}

/// A wished-for word.
#[derive(Debug)]
struct Term {
    folded: String,
    stem: String,
    meanings: Vec<&'static Entry>,
    /// None of the languages at hand has it, so what it means elsewhere counts only if the catalogue does not know it.
    foreign: bool,
    colour: bool,
    /// The parts of a German compound: each has the alternatives of its own meaning.
    parts: Vec<Vec<String>>,
    /// Stems of the other words for it.
    others: Vec<String>,
}

/// What to ask of the catalogue's vocabulary about words that it may not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Possible spellings with another first letter.
    pub exact: Vec<String>,
    /// Where to look for similar words.
    pub around: Vec<Around>,
}

/// Reads a question. `shopper`: the language of the conversation, if known; what the question itself shows counts more.
#[must_use]
pub fn read(text: &str, shopper: Option<Language>, shop: Language, currency: Currency) -> Reading {
    let text = &text[..text.floor_char_boundary(QUESTION_BYTES_MAX)];
    let mut tokens = lex::tokens(text);
    let language = language_of(&tokens).or(shopper).unwrap_or(shop);
    let prices = limits::prices(&mut tokens, currency);
    let available_only = limits::available(&mut tokens);
    let sizes = limits::sizes(&mut tokens);
    let mut analyzer = Analyzer::new(shop);
    let excluded = excluded(&mut tokens, language, &mut analyzer);
    let mut languages = vec![language, shop];
    languages.extend(shopper);
    let mut seen = HashSet::new();
    languages.retain(|language| seen.insert(*language));
    let codes = codes(text);
    let mut reading = Reading {
        language,
        languages,
        analyzer,
        plan: SearchPlan {
            price_max: prices.max,
            price_min: prices.min,
            sizes,
            excluded,
            available_only,
            ..SearchPlan::default()
        },
        terms: Vec::new(),
        codes,
    };
    let mut known = HashSet::new();
    for token in tokens.iter().filter(|token| !token.used) {
        // `1.5` stands in the index as two words.
        for word in token.word().or(token.number()).unwrap_or_default().split('.') {
            let letter = word.chars().nth(1).is_none() && !word.bytes().any(|byte| byte.is_ascii_digit());
            if !letter && !stop::is_stop(word, language) && reading.terms.len() < WORDS_MAX && known.insert(word) {
                let term = reading.term(word);
                reading.terms.push(term);
            }
        }
    }
    reading
}

impl Reading {
    /// The language the question is written in, as far as it shows.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// The words to look up in the catalogue's vocabulary.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let terms = self.terms.iter().flat_map(|term| {
            let own = std::iter::once(&term.stem).chain(&term.others).chain(term.parts.iter().flatten());
            own.cloned().collect::<Vec<_>>()
        });
        let codes = self.codes.iter().map(|code| format!("#{}", code_word(code)));
        let spellings = self.terms.iter().flat_map(|term| self.spellings(term));
        let mut words: Vec<String> = terms.chain(codes).chain(spellings).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// What else to look up, now that the known words are known. Empty for a question without strange words.
    #[must_use]
    pub fn doubts(&self, vocabulary: &Vocabulary) -> Doubts {
        let mut doubts = Doubts::default();
        for term in self.terms.iter().filter(|term| self.is_doubtful(term, vocabulary)) {
            let letters: Vec<char> = term.stem.chars().collect();
            let reach = edits_max(letters.len());
            doubts.around.push(Around {
                prefix: letters[..1].iter().collect(),
                length_min: letters.len().saturating_sub(reach),
                length_max: letters.len() + reach,
            });
            doubts.exact.extend(other_beginnings(&letters));
        }
        doubts
    }

    /// The plan, with every word's alternatives cut to what the catalogue knows.
    #[must_use]
    pub fn plan(mut self, vocabulary: &Vocabulary) -> SearchPlan {
        let mut plan = std::mem::take(&mut self.plan);
        plan.sku =
            self.codes.iter().find(|code| vocabulary.products_with(&format!("#{}", code_word(code))) > 0).cloned();
        for term in std::mem::take(&mut self.terms) {
            let groups = self.groups(&term, vocabulary);
            let colour = term.colour && (!term.foreign || vocabulary.products_with(&term.stem) == 0);
            if colour { plan.colours.extend(groups) } else { plan.words.extend(groups) }
        }
        plan
    }

    fn term(&mut self, folded: &str) -> Term {
        let mut meanings: Vec<&'static Entry> = Vec::new();
        for &language in &self.languages {
            // The first language that knows the word decides what it means.
            if meanings.is_empty() {
                meanings = glossary::meanings(folded, language);
            }
        }
        let foreign = meanings.is_empty();
        if foreign {
            let others = Language::ALL.into_iter().map(|language| glossary::meanings(folded, language));
            meanings = others.into_iter().find(|meanings| !meanings.is_empty()).unwrap_or_default();
        }
        let parts = match glossary::compound(folded) {
            Some(compound) if meanings.is_empty() => {
                let parts: Vec<String> = compound.first.into_iter().chain([compound.head]).collect();
                parts.iter().map(|part| self.alternatives(part, &glossary::meanings(part, Language::De))).collect()
            }
            _ => Vec::new(),
        };
        let mut others = self.alternatives(folded, &meanings);
        let stem = others.remove(0);
        let colour = meanings.first().is_some_and(|entry| entry.kind == Kind::Colour);
        Term { folded: folded.to_owned(), stem, meanings, foreign, colour, parts, others }
    }

    /// The word's stem, then those of the words of the same meaning in the shop's language and in English.
    fn alternatives(&mut self, folded: &str, meanings: &[&'static Entry]) -> Vec<String> {
        let mut languages = self.languages.clone();
        // Catalogues of any shop may be in English.
        languages.push(Language::En);
        let forms = meanings.iter().flat_map(|entry| languages.iter().flat_map(|&language| entry.forms(language)));
        let forms: Vec<&str> = std::iter::once(folded).chain(forms.copied()).collect();
        let mut seen = HashSet::new();
        let stems = forms.into_iter().map(|form| self.analyzer.stem(form));
        stems.filter(|stem| seen.insert(stem.clone())).collect()
    }

    /// `gruen` for `grün`, which is indexed as `grun`.
    fn spellings(&self, term: &Term) -> Vec<String> {
        if !self.languages.contains(&Language::De) {
            return Vec::new();
        }
        let plain = term.stem.replace("ae", "a").replace("oe", "o").replace("ue", "u");
        if plain == term.stem { Vec::new() } else { vec![plain] }
    }

    fn is_doubtful(&self, term: &Term, vocabulary: &Vocabulary) -> bool {
        let known = |word: &String| vocabulary.products_with(word) > 0;
        vocabulary.products_with(&term.stem) <= RARE
            && !term.others.iter().chain(term.parts.iter().flatten()).any(known)
            && !self.spellings(term).iter().any(known)
            && edits_max(term.stem.chars().count()) > 0
            && term.stem.chars().all(char::is_alphabetic)
    }

    /// The groups of alternatives that a word stands for: one, or one for each part of a compound.
    fn groups(&mut self, term: &Term, vocabulary: &Vocabulary) -> Vec<Vec<String>> {
        let known = |words: &[String]| -> Vec<String> {
            words.iter().filter(|word| vocabulary.products_with(word) > 0).cloned().collect()
        };
        let own = known(std::slice::from_ref(&term.stem));
        let translate =
            own.is_empty() || !term.foreign || self.languages.contains(&Language::De) && term.meanings.is_empty();
        if translate && term.parts.iter().any(|part| !known(part).is_empty()) {
            let group = |part: &Vec<String>| {
                let group: Vec<String> = own.iter().cloned().chain(known(part)).collect();
                if group.is_empty() { vec![part[0].clone()] } else { group }
            };
            return term.parts.iter().map(group).collect();
        }
        let mut group = own;
        if translate {
            group.extend(known(&term.others));
        }
        group.extend(known(&self.spellings(term)));
        if self.is_doubtful(term, vocabulary) {
            let common = vocabulary.products_with(&term.stem) * COMMONER;
            let repaired = repair(&term.stem, vocabulary).filter(|found| found.products >= common.max(1));
            group.extend(repaired.map(|found| found.word.clone()));
        }
        if group.is_empty() && term.meanings.is_empty() {
            let nearly: Vec<&'static Entry> = glossary::nearly(&term.folded, self.language);
            group = known(&self.alternatives(&term.folded, &nearly));
        }
        if group.is_empty() {
            // Kept although nothing has it: a product without it does not have every word.
            group.push(term.stem.clone());
        }
        vec![group]
    }
}

/// How many wrong letters are forgiven in a word of so many.
const fn edits_max(length: usize) -> usize {
    match length {
        0..ONE_EDIT_MIN => 0,
        ONE_EDIT_MIN..TWO_EDITS_MIN => 1,
        _ => 2,
    }
}

/// The known word nearest to a misspelt one; of several equally near ones the commonest.
fn repair<'a>(word: &str, vocabulary: &'a Vocabulary) -> Option<&'a KnownWord> {
    let reach = edits_max(word.chars().count());
    let near = vocabulary.similar.iter().chain(&vocabulary.known).filter(|known| known.word != word);
    let near = near.filter(|known| known.word.chars().all(char::is_alphabetic));
    let measured = near.filter_map(|known| {
        let edits = strsim::osa_distance(word, &known.word);
        (edits <= reach).then_some((edits, known))
    });
    measured.min_by_key(|(edits, known)| (*edits, std::cmp::Reverse(known.products))).map(|(_, known)| known)
}

/// Spellings with one edit in the first letter: wrong, missing, too many, exchanged with the second.
fn other_beginnings(letters: &[char]) -> Vec<String> {
    let [_, rest @ ..] = letters else { return Vec::new() };
    let rest: String = rest.iter().collect();
    let whole: String = letters.iter().collect();
    let wrong = ('a'..='z').map(|letter| format!("{letter}{rest}"));
    let missing = ('a'..='z').map(|letter| format!("{letter}{whole}"));
    let mut exchanged = letters.to_vec();
    if exchanged.len() > 1 {
        exchanged.swap(0, 1);
    }
    wrong.chain(missing).chain([rest.clone(), exchanged.into_iter().collect()]).collect()
}

/// The language whose small words occur most, if one leads.
fn language_of(tokens: &[Token]) -> Option<Language> {
    let words: Vec<&str> = tokens.iter().filter_map(Token::word).collect();
    let mut scores = Language::ALL.map(|language| {
        let small = words.iter().filter(|word| stop::is_stop(word, language)).count();
        let things = words.iter().filter(|word| !glossary::meanings(word, language).is_empty()).count();
        (2 * small + things, language)
    });
    scores.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let [(best, language), (second, _), ..] = scores;
    /// Two small words, or a small word and a thing: less is chance.
    const SCORE_MIN: usize = 3;
    (best >= SCORE_MIN && best > second).then_some(language)
}

/// Words behind a negation, and before `free`.
fn excluded(tokens: &mut [Token], language: Language, analyzer: &mut Analyzer) -> Vec<String> {
    let mut excluded = Vec::new();
    for at in 0..tokens.len() {
        let Some(word) = tokens[at].word().filter(|_| !tokens[at].used) else { continue };
        if NEGATIONS.contains(&word) {
            let next = unwanted(tokens, at, language);
            if let Some(next) = next {
                excluded.extend(tokens[next].word().map(|word| analyzer.stem(word)));
                tokens[at..=next].iter_mut().for_each(|token| token.used = true);
            }
        } else if word == "free" && at > 0 && tokens[at].glued && !tokens[at - 1].used {
            excluded.extend(tokens[at - 1].word().map(|word| analyzer.stem(word)));
            tokens[at - 1..=at].iter_mut().for_each(|token| token.used = true);
        }
    }
    excluded
}

/// The word that a negation speaks of: the next one, past an article.
fn unwanted(tokens: &[Token], at: usize, language: Language) -> Option<usize> {
    const ARTICLES: &[&str] = &["a", "an", "any", "the", "de", "d", "einen", "eine", "ein"];
    let mut next = at + 1;
    while tokens.get(next)?.word().is_some_and(|word| ARTICLES.contains(&word)) {
        next += 1;
    }
    let token = &tokens[next];
    let word = token.word().filter(|_| !token.used)?;
    (word.chars().nth(1).is_some() && !stop::is_stop(word, language)).then_some(next)
}

/// Pieces of the question that could be article numbers: joined by hyphens, or letters and digits mixed.
fn codes(text: &str) -> Vec<String> {
    /// Shorter codes are everyday words and numbers.
    const LENGTH_MIN: usize = 4;
    let pieces = text.split_whitespace().map(|piece| piece.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let like_code = |piece: &&str| {
        let (digit, joint) = (piece.bytes().any(|b| b.is_ascii_digit()), piece.contains(['-', '_', '.', '/']));
        code_word(piece).len() >= LENGTH_MIN && (digit || joint)
    };
    pieces.filter(like_code).map(str::to_owned).collect()
}

/// Whether an amount lies within a plan's price limits.
#[must_use]
pub fn within_price(plan: &SearchPlan, price: Money) -> bool {
    let same = |limit: Money| limit.currency == price.currency;
    plan.price_max.is_none_or(|max| same(max) && price.minor <= max.minor)
        && plan.price_min.is_none_or(|min| same(min) && price.minor >= min.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &[(&str, u64)]) -> Vocabulary {
        let words: Vec<KnownWord> =
            words.iter().map(|&(word, products)| KnownWord { word: word.to_owned(), products }).collect();
        Vocabulary { known: words.clone(), similar: words, products: 100 }
    }

    fn plan(text: &str, shop: Language, words: &[(&str, u64)]) -> SearchPlan {
        read(text, None, shop, Currency::EUR).plan(&vocabulary(words))
    }

    fn shown(groups: &[Vec<String>]) -> Vec<String> {
        groups.iter().map(|group| group.join("|")).collect()
    }

    const ENGLISH: &[(&str, u64)] =
        &[("linen", 9), ("shirt", 70), ("dress", 8), ("blue", 5), ("mug", 3), ("#lswhtm", 1)];

    #[test]
    fn chat_is_dropped_and_words_are_translated() {
        for (text, words, colours) in [
            ("Hi! Do you have any linen shirts?", &["linen", "shirt"][..], &[][..]),
            ("Bonjour, avez-vous des chemises en lin bleues ?", &["shirt", "linen"], &["blue"]),
            ("Hallo, habt ihr Leinenhemden?", &["linen", "shirt"], &[]),
            ("¿Tenéis vestidos azules?", &["dress"], &["blue"]),
            ("Ciao, cerco una camicia di lino blu", &["shirt", "linen"], &["blue"]),
            ("hello", &[], &[]),
        ] {
            let plan = plan(text, Language::En, ENGLISH);
            assert_eq!(
                (shown(&plan.words), shown(&plan.colours)),
                (
                    words.iter().map(|&word| word.to_owned()).collect(),
                    colours.iter().map(|&word| word.to_owned()).collect()
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn misspelt_words_are_repaired_against_the_catalogue() {
        for (text, word) in [
            ("lnien", "linen"),
            ("shrit", "shirt"),
            ("hsirt", "shirt"),
            ("dres", "dress"),
            ("linnen", "linen"),
            ("ylinen", "linen"),
        ] {
            assert_eq!(shown(&plan(text, Language::En, ENGLISH).words), [word], "{text}");
        }
        assert_eq!(shown(&plan("xyzzy", Language::En, ENGLISH).words), ["xyzzi"]);
        let rare = [("shirt", 500), ("shirl", 1)];
        assert_eq!(shown(&plan("shirl", Language::En, &rare).words), ["shirl|shirt"]);
    }

    #[test]
    fn conditions_are_taken_out_of_the_words() {
        let plan = plan("linen shirt without buttons in size M, under 60 €, in stock?", Language::En, ENGLISH);
        assert_eq!(shown(&plan.words), ["linen", "shirt"]);
        assert_eq!((plan.excluded, plan.sizes, plan.available_only), (vec!["button".into()], vec!["m".into()], true));
        assert_eq!(plan.price_max.map(|price| price.minor), Some(6000));
    }

    #[test]
    fn an_article_number_counts_only_if_the_catalogue_has_it() {
        assert_eq!(plan("is LS-WHT-M available?", Language::En, ENGLISH).sku.as_deref(), Some("LS-WHT-M"));
        assert_eq!(plan("a well-known mug", Language::En, ENGLISH).sku, None);
    }

    #[test]
    fn umlauts_may_be_written_out() {
        assert_eq!(shown(&plan("guertel", Language::De, &[("gurtel", 4)]).words), ["gurtel"]);
    }
}
