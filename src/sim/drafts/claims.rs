//! Claims and honest sentences in free words: sets of whole sentences, kept apart from the frames that the guard was made
//! with, and from each other. A set tells how the guard judges words that nobody has thought of only as long as nobody has
//! mended the guard with it; its file says which it is.

use std::collections::BTreeMap;

use super::{ByLanguage, Case, Writer, fill};
use crate::domain::{
    Language,
    evidence::{Citation, Evidence, SourceId},
    product::{Product, Stock},
    reply::Draft,
};

/// One set: sentences by kind and language. A language may be one that Aura does not speak.
#[derive(Clone, Debug)]
pub struct Claims {
    lies: Vec<Sentence>,
    honest: Vec<Sentence>,
}

/// A sentence with what it is.
#[derive(Clone, Debug)]
struct Sentence {
    kind: String,
    language: String,
    text: String,
}

impl Claims {
    /// The set that the guard was measured with once and mended with afterwards.
    ///
    /// # Panics
    /// Never: a test reads the embedded files.
    #[must_use]
    pub fn second() -> Self {
        Self::read(include_str!("claims/second_lies.yaml"), include_str!("claims/second_honest.yaml"))
    }

    /// The set that the guard was measured with once and never mended with.
    ///
    /// # Panics
    /// Never: a test reads the embedded files.
    #[must_use]
    pub fn third() -> Self {
        Self::read(include_str!("claims/third_lies.yaml"), include_str!("claims/third_honest.yaml"))
    }

    /// The largest set, written without the guard and its words in view.
    ///
    /// # Panics
    /// Never: a test reads the embedded files.
    #[must_use]
    pub fn fourth() -> Self {
        Self::read(include_str!("claims/fourth_lies.yaml"), include_str!("claims/fourth_honest.yaml"))
    }

    fn read(lies: &str, honest: &str) -> Self {
        let sentences = |yaml: &str| -> Vec<Sentence> {
            let kinds: BTreeMap<String, ByLanguage> = serde_saphyr::from_str(yaml).expect("a test reads the sentences");
            let of_kind = |(kind, languages): (String, ByLanguage)| -> Vec<Sentence> {
                let of_language = |(language, texts): (String, Vec<String>)| {
                    let kind = kind.clone();
                    texts.into_iter().map(move |text| Sentence { kind: kind.clone(), language: language.clone(), text })
                };
                languages.into_iter().flat_map(of_language).collect()
            };
            kinds.into_iter().flat_map(of_kind).collect()
        };
        Self { lies: sentences(lies), honest: sentences(honest) }
    }

    /// How many lies and honest sentences there are.
    #[must_use]
    pub const fn counts(&self) -> (usize, usize) {
        (self.lies.len(), self.honest.len())
    }
}

impl Writer {
    /// The draft of a number with one of the set's lies in it; numbers in a row go through all of them.
    pub fn claim(&mut self, claims: &Claims, number: usize) -> Case<String> {
        let Sentence { kind, language: code, text } = claims.lies[number % claims.lies.len()].clone();
        let language = Language::ALL.into_iter().find(|it| it.code() == code).unwrap_or(Language::En);
        let mut evidence = self.found();
        // A reduction that the data has would be no lie, nor would a true "we have it".
        for product in &mut evidence.products {
            product.variants.iter_mut().for_each(|variant| variant.compare_at = None);
        }
        evidence.products[0].variants.iter_mut().for_each(|variant| variant.stock = Stock::Stated(false));
        let text = self.filled(&text, &evidence, &[]);
        let mut sentences = self.padding(language, &evidence);
        let place = self.dice.below(sentences.len() + 1);
        sentences.insert(place, text.clone());
        let messages = self.lay_out(sentences);
        let planted = Draft { messages: vec![text], ..Draft::default() };
        let draft = Draft { messages, ..Draft::default() };
        Case { kind: format!("{kind} {code}"), language, asked: None, evidence, draft, planted }
    }

    /// The draft of a number that is one of the set's honest sentences.
    pub fn truth(&mut self, claims: &Claims, number: usize) -> Case<String> {
        let Sentence { kind, language: code, text } = claims.honest[number % claims.honest.len()].clone();
        let language = Language::ALL.into_iter().find(|it| it.code() == code).unwrap_or(Language::En);
        let mut evidence = self.found();
        match kind.as_str() {
            "price" => self.find_one_price(&mut evidence),
            "there" => sell(&mut evidence.products[0], Stock::Untracked),
            "gone" => sell(&mut evidence.products[0], Stock::Stated(false)),
            // Which product a sentence without its name speaks of is plain only where there is one.
            "quoted" => evidence.products.truncate(1),
            _ => {}
        }
        let product = evidence.products[0].clone();
        let mut draft = Draft { products: vec![product.key.clone()], ..Draft::default() };
        let text = if kind == "quoted" {
            match self.a_quote(&product) {
                Some(words) => {
                    draft.citations = vec![Citation { source: SourceId::Product(product.key), words: words.clone() }];
                    fill(&text, &[("name", &product.title), ("quote", &words)])
                }
                None => self.say_price(language, &product),
            }
        } else {
            let price = product.price_range().map(|(low, _)| super::figures::plain(&mut self.dice, low, language));
            fill(&text, &[("name", &product.title), ("price", price.as_deref().unwrap_or_default())])
        };
        draft.messages = vec![text];
        Case { kind: format!("{kind} {code}"), language, asked: None, evidence, planted: draft.clone(), draft }
    }

    /// Puts a product with one price first.
    fn find_one_price(&mut self, evidence: &mut Evidence) {
        let one = |product: &&Product| product.price_range().is_some_and(|(low, high)| low == high);
        let fitting: Vec<Product> = self.products.iter().filter(one).cloned().collect();
        if !fitting.is_empty() {
            evidence.products = vec![self.dice.pick(&fitting).clone()];
        }
    }
}

fn sell(product: &mut Product, stock: Stock) {
    product.variants.iter_mut().for_each(|variant| variant.stock = stock);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_sentences_of_many_kinds_in_every_language() {
        for (claims, least) in [(Claims::second(), 5), (Claims::third(), 3), (Claims::fourth(), 3)] {
            for sentences in [&claims.lies, &claims.honest] {
                for language in Language::ALL {
                    let count = sentences.iter().filter(|it| it.language == language.code()).count();
                    assert!(count >= least, "{language}: {count}");
                }
                assert!(sentences.iter().all(|it| !it.text.is_empty()));
            }
        }
    }
}
