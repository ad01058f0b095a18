//! Drafts in which every claim is true, and those that claim nothing.

use super::{Case, Sourced, Writer, figures, fill, value_names};
use crate::{
    agent::money_text::price_text,
    domain::{
        Language,
        evidence::{Citation, SourceId},
        product::Product,
        reply::Draft,
    },
};

/// What is truthfully said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HonestKind {
    /// A price.
    Price,
    /// A price and the one before it was reduced.
    Reduced,
    /// A form that can be had.
    Available,
    /// A form that cannot.
    Gone,
    /// The product's link.
    Link,
    /// Nothing that could be true or false.
    Chat,
    /// The shop's own sentence, cited.
    Quote,
    /// A claim beyond price, stock and link, cited.
    Cited,
    /// Cards alone, written by code.
    Cards,
    /// Several of these at once.
    Mixed,
    /// "Yes!" to a question whose true answer it is.
    TrueYes,
}

impl HonestKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Price,
        Self::Reduced,
        Self::Available,
        Self::Gone,
        Self::Link,
        Self::Chat,
        Self::Quote,
        Self::Cited,
        Self::Cards,
        Self::Mixed,
        Self::TrueYes,
    ];
}

impl Writer {
    /// One honest draft of a kind.
    pub fn honest(&mut self, kind: HonestKind) -> Case<HonestKind> {
        let (mut evidence, language) = (self.found(), self.language());
        let mut draft = Draft::default();
        let mut asked = None;
        let product = evidence.products[0].clone();
        let sentences = match kind {
            HonestKind::Price => vec![self.say_price(language, &product)],
            HonestKind::Reduced => vec![self.say_reduced(language, &product)],
            HonestKind::Available => vec![self.say_available(language, &product)],
            HonestKind::Gone => vec![self.say_gone(language, &product)],
            HonestKind::Link => vec![self.say_link(language, &product)],
            HonestKind::Chat => (0..=self.dice.below(2)).map(|_| self.honest_frame("chat", language)).collect(),
            HonestKind::Quote => {
                let (sentence, citation) = self.say_quote(language, &product);
                draft.citations.extend(citation);
                vec![sentence]
            }
            HonestKind::Cited => {
                let (sentence, citation) = self.say_cited(language, &mut evidence.products[0]);
                draft.citations.push(citation);
                vec![sentence]
            }
            HonestKind::Cards => {
                draft.cards = evidence.products.iter().take(3).map(|product| product.key.clone()).collect();
                vec![self.honest_frame("chat", language)]
            }
            HonestKind::Mixed => {
                let products = evidence.products.clone();
                let mut sentences = vec![self.honest_frame("chat", language)];
                for product in products.iter().take(3) {
                    sentences.push(self.say_price(language, product));
                    if self.dice.chance(60) {
                        sentences.push(self.say_available(language, product));
                    }
                    if self.dice.chance(50) {
                        sentences.push(self.say_link(language, product));
                    }
                }
                sentences.push(self.honest_frame("chat", language));
                sentences
            }
            HonestKind::TrueYes => {
                let question = match (language, value_names(&product, |it| it.stock.available()).first()) {
                    (Language::En, Some(value)) => format!("Is the {} available in {value}?", product.title),
                    (Language::De, Some(value)) => format!("Ist {} in {value} verfügbar?", product.title),
                    (Language::Fr, Some(value)) => format!("{} est disponible en {value} ?", product.title),
                    (Language::Es, Some(value)) => format!("¿{} está disponible en {value}?", product.title),
                    (Language::It, Some(value)) => format!("{} è disponibile in {value}?", product.title),
                    (_, None) => "hm?".to_owned(),
                };
                asked = Some(question);
                vec![self.lie_frame("bare", language)]
            }
        };
        let messages = self.lay_out(sentences);
        draft.products = vec![product.key];
        draft.messages = messages;
        Case { kind, language, asked, evidence, planted: draft.clone(), draft }
    }

    /// The price of a product that has one, of a form where it has several.
    pub(super) fn say_price(&mut self, language: Language, product: &Product) -> String {
        let Some((low, high)) = product.price_range() else { return self.honest_frame("chat", language) };
        let text = |dice: &mut super::Dice| figures::plain(dice, low, language);
        if low == high && product.variants.iter().all(|variant| variant.price == Some(low)) {
            let there = product.available() && self.dice.chance(20);
            let frame = self.honest_frame(if there { "price_there" } else { "price" }, language);
            let price = text(&mut self.dice);
            return fill(&frame, &[("name", &product.title), ("price", &price)]);
        }
        let from = ["from", "ab", "à partir de", "desde", "da"][language as usize];
        format!("{} – {from} {}", product.title, price_text(low, language))
    }

    fn say_reduced(&mut self, language: Language, product: &Product) -> String {
        let Some(first) = product.variants.first() else { return String::new() };
        let alike = product.variants.iter().all(|it| (it.price, it.compare_at) == (first.price, first.compare_at));
        match (first.price, first.compare_at) {
            (Some(now), Some(before)) if alike => {
                let frame = self.honest_frame("reduced", language);
                let (now, before) = (price_text(now, language), price_text(before, language));
                fill(&frame, &[("name", &product.title), ("price", &now), ("before", &before)])
            }
            _ => self.say_price(language, product),
        }
    }

    fn say_available(&mut self, language: Language, product: &Product) -> String {
        let there = value_names(product, |variant| variant.stock.available());
        if there.is_empty() {
            return self.say_price(language, product);
        }
        let value = self.dice.pick(&there).clone();
        // Values of one option only: of two, not every pair may be there.
        let option = product.variants.iter().flat_map(|it| &it.options).find(|option| option.value == value);
        let same_option = |other: &&String| {
            let mut options = product.variants.iter().flat_map(|it| &it.options);
            options.any(|known| known.value == **other && Some(&known.name) == option.map(|option| &option.name))
        };
        let listed: Vec<String> = there.iter().filter(same_option).take(4).cloned().collect();
        let frame = self.honest_frame("available", language);
        fill(&frame, &[("name", &product.title), ("value", &value), ("values", &listed.join(", "))])
    }

    fn say_gone(&mut self, language: Language, product: &Product) -> String {
        let there = value_names(product, |variant| variant.stock.available());
        let gone = value_names(product, |variant| !variant.stock.available());
        let gone: Vec<&String> = gone.iter().filter(|value| !there.contains(value)).collect();
        if gone.is_empty() {
            return self.say_available(language, product);
        }
        let gone = (*self.dice.pick(&gone)).clone();
        let frame = self.honest_frame("gone", language);
        fill(&frame, &[("name", &product.title), ("gone", &gone)])
    }

    fn say_link(&mut self, language: Language, product: &Product) -> String {
        let frame = self.honest_frame("link", language);
        // A link alone says which product it is.
        let link = product.url.clone().unwrap_or_default();
        let said = fill(&frame, &[("name", &product.title), ("link", &link)]);
        if frame.contains("{name}") { said } else { format!("{}. {said}", product.title) }
    }

    /// A sentence of the product's own text, word by word.
    fn say_quote(&mut self, language: Language, product: &Product) -> (String, Option<Citation>) {
        let Some(quote) = self.a_quote(product) else { return (self.honest_frame("chat", language), None) };
        let frame = self.honest_frame("quote", language);
        let citation = Citation { source: SourceId::Product(product.key.clone()), words: quote.clone() };
        (fill(&frame, &[("name", &product.title), ("quote", &quote)]), Some(citation))
    }

    /// A sentence of the product's own text, if it has one.
    pub(super) fn a_quote(&mut self, product: &Product) -> Option<String> {
        let sentences: Vec<&str> = product
            .description
            .split(['\n'])
            .flat_map(|line| line.split_inclusive(". "))
            .map(str::trim)
            .filter(|it| it.len() > 8)
            .collect();
        (!sentences.is_empty()).then(|| (*self.dice.pick(&sentences)).to_owned())
    }

    fn say_cited(&mut self, language: Language, product: &mut Product) -> (String, Citation) {
        let sources: Vec<Sourced> = self.frames.sourced.get(language.code()).cloned().unwrap_or_default();
        let sources: Vec<Sourced> = sources.into_iter().filter(|it| !it.r#true.is_empty()).collect();
        let Sourced { source, r#true, .. } = self.dice.pick(&sources).clone();
        product.description = format!("{} {source}", product.description.trim());
        let frame = self.dice.pick(&r#true).clone();
        let citation = Citation { source: SourceId::Product(product.key.clone()), words: source };
        (fill(&frame, &[("name", &product.title)]), citation)
    }
}
