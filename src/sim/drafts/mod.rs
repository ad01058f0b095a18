//! Drafts as models write them, honest ones and lies, over any catalogue: for the tests of the guard and for whoever
//! wants to know how well it judges. The generator knows what it planted; it asks no guard.
//!
//! Sentences stand in `lies.yaml`, `honest.yaml` and `sourced.yaml`. The same seed gives the same drafts.

mod claims;
mod dice;
mod figures;
mod honest;
mod lie;
mod links;
mod numerals;

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use serde::Deserialize;

use crate::{
    catalog,
    domain::{
        Currency, Language, Timestamp,
        evidence::Evidence,
        product::{Product, Stock},
        reply::Draft,
    },
};
pub use claims::Claims;
use dice::Dice;
pub use honest::HonestKind;
pub use lie::LieKind;

/// Products that one turn finds.
const FOUND_MAX: usize = 5;

/// Sentences of one kind by language code.
type ByLanguage = BTreeMap<String, Vec<String>>;

/// The sentences that drafts are made of.
#[derive(Clone, Debug)]
pub struct Frames {
    lies: BTreeMap<String, ByLanguage>,
    honest: BTreeMap<String, ByLanguage>,
    sourced: BTreeMap<String, Vec<Sourced>>,
}

/// A sentence in a source, what it carries, and what it does not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sourced {
    source: String,
    r#true: Vec<String>,
    r#false: Vec<String>,
}

impl Frames {
    /// The sentences that come with Aura.
    ///
    /// # Panics
    /// Never: a test reads the embedded files.
    #[must_use]
    pub fn own() -> Self {
        Self::read(include_str!("lies.yaml"), include_str!("honest.yaml"), include_str!("sourced.yaml"))
    }

    /// The same kinds in other words, kept apart from those that the guard was mended with.
    ///
    /// # Panics
    /// Never: a test reads the embedded files.
    #[must_use]
    pub fn fresh() -> Self {
        let (lies, honest) = (include_str!("fresh_lies.yaml"), include_str!("fresh_honest.yaml"));
        Self::read(lies, honest, include_str!("sourced.yaml"))
    }

    fn read(lies: &str, honest: &str, sourced: &str) -> Self {
        Self {
            lies: serde_saphyr::from_str(lies).expect("a test reads the lies"),
            honest: serde_saphyr::from_str(honest).expect("a test reads the honest sentences"),
            sourced: serde_saphyr::from_str(sourced).expect("a test reads the sourced sentences"),
        }
    }
}

/// One draft with the turn that it was written in.
#[derive(Clone, Debug)]
pub struct Case<K> {
    /// What was planted, or what is truthfully said.
    pub kind: K,
    /// In which language.
    pub language: Language,
    /// What the shopper had asked, where the draft only makes sense as an answer.
    pub asked: Option<String>,
    /// What the turn found.
    pub evidence: Evidence,
    /// The draft.
    pub draft: Draft,
    /// The planted words, or all words, by themselves.
    pub planted: Draft,
}

impl<K: fmt::Debug> fmt::Display for Case<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<&str> = self.evidence.products.iter().map(|product| product.title.as_str()).collect();
        let Draft { messages, products, cards, citations } = &self.draft;
        write!(f, "{:?} {} asked {:?}: {messages:?}", self.kind, self.language, self.asked.as_deref().unwrap_or("-"))?;
        write!(f, " names {products:?} shows {cards:?} cites {citations:?} found {found:?} planted {:?}", self.planted)
    }
}

/// Reads a catalogue file of any format that Aura imports.
///
/// # Errors
/// When the file cannot be read or is no catalogue.
pub fn read_catalogue(path: &Path, currency: Currency) -> io::Result<Vec<Product>> {
    let context = catalog::Context { currency, website: Some("https://shop.example".to_owned()) };
    let file = fs::File::open(path)?;
    let mut source = catalog::open(catalog::Format::Auto, file, context).map_err(io::Error::other)?;
    let mut products = Vec::new();
    while let Some(item) = source.next_item().map_err(io::Error::other)? {
        if let catalog::Item::Product { product, .. } = item {
            products.push(*product);
        }
    }
    Ok(products)
}

/// Writes drafts over one catalogue, with another shop's at hand.
#[derive(Clone, Debug)]
pub struct Writer {
    dice: Dice,
    frames: Frames,
    products: Vec<Product>,
    strangers: Vec<Product>,
    languages: Vec<Language>,
}

impl Writer {
    /// Over `products`; `strangers` are another shop's. Only products that a shopper may be shown, with a price and a
    /// link, are spoken of.
    ///
    /// # Panics
    /// When a catalogue has no such product.
    #[must_use]
    pub fn new(seed: u64, frames: Frames, products: Vec<Product>, strangers: Vec<Product>) -> Self {
        let usable = |products: Vec<Product>| -> Vec<Product> {
            let fits = |product: &Product| {
                product.visible()
                    && product.url.is_some()
                    && product.variants.iter().all(|variant| variant.price.is_some_and(|price| price.minor > 0))
            };
            products.into_iter().filter(fits).collect()
        };
        let (products, strangers) = (usable(products), usable(strangers));
        assert!(!products.is_empty() && !strangers.is_empty(), "a catalogue has nothing to speak of");
        Self { dice: Dice::of(seed), frames, products, strangers, languages: Language::ALL.to_vec() }
    }

    /// What a turn finds: one product or several, often ones with similar names and prices. The first is spoken of.
    fn found(&mut self) -> Evidence {
        let first = self.dice.pick(&self.products).clone();
        let count = 1 + self.dice.below(FOUND_MAX);
        let words: Vec<String> = first.title.split(' ').map(str::to_lowercase).collect();
        let alike = |product: &&Product| {
            let shares = product.title.split(' ').any(|word| words.contains(&word.to_lowercase()));
            let near = product.price_range().zip(first.price_range());
            let near = near.is_some_and(|((a, _), (b, _))| (a.minor - b.minor).abs() * 10 < b.minor);
            product.key != first.key && (shares || near)
        };
        let similar: Vec<Product> = self.products.iter().filter(alike).cloned().collect();
        let mut products = vec![first];
        while products.len() < count {
            let pool = if self.dice.chance(70) && !similar.is_empty() { &similar } else { &self.products };
            let next = self.dice.pick(pool).clone();
            if products.iter().all(|known| known.key != next.key) {
                products.push(next);
            } else if self.dice.chance(20) {
                break;
            }
        }
        Evidence { products, facts: Vec::new(), read_at: Timestamp(0) }
    }

    fn language(&mut self) -> Language {
        *self.dice.pick(&self.languages)
    }

    fn honest_frame(&mut self, kind: &str, language: Language) -> String {
        let frames = self.frames.honest.get(kind).and_then(|frames| frames.get(language.code()));
        frames.map(|frames| self.dice.pick(frames).clone()).unwrap_or_default()
    }

    fn lie_frame(&mut self, kind: &str, language: Language) -> String {
        let frames = self.frames.lies.get(kind).and_then(|frames| frames.get(language.code()));
        frames.map(|frames| self.dice.pick(frames).clone()).unwrap_or_default()
    }

    /// Makes every form with a value of its own sold out, or all of a product that has no values; says which value.
    fn sell_out(&mut self, product: &mut Product) -> Option<String> {
        let values: Vec<String> = value_names(product, |_| true);
        if values.is_empty() {
            product.variants.iter_mut().for_each(|variant| variant.stock = Stock::Stated(false));
            return None;
        }
        let value = self.dice.pick(&values).clone();
        for variant in &mut product.variants {
            if variant.options.iter().any(|option| option.value == value) {
                variant.stock = Stock::Counted { quantity: 0, oversell: false };
            }
        }
        Some(value)
    }

    /// Puts sentences in an order into one or several messages.
    fn lay_out(&mut self, mut sentences: Vec<String>) -> Vec<String> {
        sentences.retain(|sentence| !sentence.is_empty());
        let joint = *self.dice.pick(&[" ", "\n", "\n\n", " "]);
        if sentences.len() > 1 && self.dice.chance(20) {
            let tail = sentences.split_off(1 + self.dice.below(sentences.len() - 1));
            return vec![sentences.join(joint), tail.join(joint)];
        }
        vec![sentences.join(joint)]
    }
}

/// The values of a product's options that some variant has for which `which` holds.
fn value_names(product: &Product, which: impl Fn(&crate::domain::product::Variant) -> bool) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let shown = |value: &str| !value.eq_ignore_ascii_case("default title") && value.chars().any(char::is_alphanumeric);
    for option in product.variants.iter().filter(|variant| which(variant)).flat_map(|variant| &variant.options) {
        if shown(&option.value) && !values.contains(&option.value) {
            values.push(option.value.clone());
        }
    }
    values
}

/// Fills the holes of a sentence.
fn fill(frame: &str, holes: &[(&str, &str)]) -> String {
    holes.iter().fold(frame.to_owned(), |text, (hole, value)| text.replace(&format!("{{{hole}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_sentences_in_every_language() {
        let (own, fresh) = (Frames::own(), Frames::fresh());
        let kinds = |frames: &Frames| frames.lies.keys().chain(frames.honest.keys()).cloned().collect::<Vec<_>>();
        assert_eq!(kinds(&own), kinds(&fresh));
        let all = [&own, &fresh].into_iter().flat_map(|frames| frames.lies.iter().chain(&frames.honest));
        for (kind, sentences) in all {
            for language in Language::ALL {
                let found = sentences.get(language.code()).is_some_and(|sentences| !sentences.is_empty());
                assert!(found, "{kind} has nothing in {language}");
            }
        }
        assert_eq!(own.sourced.len(), Language::ALL.len());
    }
}
