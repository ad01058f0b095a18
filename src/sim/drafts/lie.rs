//! Drafts with one claim in them that nothing carries.

use super::{Case, Sourced, Writer, figures, fill, links, value_names};
use crate::domain::{
    Language, Money,
    evidence::{Citation, Evidence, SourceId},
    product::Product,
    reply::Draft,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What is planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum LieKind { $($(#[$doc])* $kind,)* }

        impl LieKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];
        }
    };
}

kinds! {
    /// An amount that is none of the product's prices.
    InventedPrice,
    /// The price of another product of the turn.
    SwappedPrice,
    /// The right figure in other money.
    WrongCurrency,
    /// An invented amount in words.
    PriceInWords,
    /// An invented amount in unusual figures.
    OddFigures,
    /// A comparison, sum, surcharge or lot.
    RelativePrice,
    /// A link, address or number of nobody's.
    InventedLink,
    /// A link that looks like the product's.
    LookAlikeLink,
    /// The link of another product of the turn.
    SwappedLink,
    /// A form that is sold out is called available.
    SoldOutForm,
    /// A product that is sold out is called available.
    SoldOutProduct,
    /// What can be had is called sold out.
    DeniedStock,
    /// A form that the product never had is called available.
    UnknownForm,
    /// "Yes!" to a question whose true answer is no, or that nothing answers.
    BareYes,
    /// A number of pieces left, haste.
    Scarcity,
    /// A reduction or code.
    Discount,
    /// Something for nothing.
    Free,
    /// When or how fast it comes.
    Delivery,
    /// Returns and refunds.
    Returns,
    /// Warranty and repair.
    Warranty,
    /// Allergens, ingredients, safety, certificates.
    Ingredients,
    /// Another shop's product by its id, price or link.
    Stranger,
    /// A claim that cites words which do not carry it.
    FalseCitation,
    /// A lie of another kind behind invisible or foreign letters.
    Disguised,
}

/// A lie before it is put among honest sentences.
struct Planted {
    text: String,
    asked: Option<String>,
    draft: Draft,
}

impl Planted {
    fn text(text: String) -> Self {
        Self { text, asked: None, draft: Draft::default() }
    }
}

impl Writer {
    /// One draft with a lie of a kind.
    pub fn lie(&mut self, kind: LieKind) -> Case<LieKind> {
        let (mut evidence, language) = (self.found(), self.language());
        let Planted { text, asked, draft: extra } = self.planted(kind, language, &mut evidence);
        let mut sentences = self.padding(language, &evidence);
        // A bare "Yes!" opens the answer, as an answer does.
        let place = if kind == LieKind::BareYes { 0 } else { self.dice.below(sentences.len() + 1) };
        if !text.is_empty() {
            sentences.insert(place, text.clone());
        }
        let messages = self.lay_out(sentences);
        let planted = Draft { messages: vec![text], ..extra.clone() };
        Case { kind, language, asked, evidence, draft: Draft { messages, ..extra }, planted }
    }

    fn planted(&mut self, kind: LieKind, language: Language, evidence: &mut Evidence) -> Planted {
        let url = evidence.products[0].url.clone().unwrap_or_default();
        match kind {
            LieKind::InventedPrice => {
                let price = self.invented_amount(evidence);
                self.with_price("price", language, evidence, price, figures::plain)
            }
            LieKind::SwappedPrice => {
                let price = self.other_price(evidence);
                self.with_price("price", language, evidence, price, figures::plain)
            }
            LieKind::WrongCurrency => {
                let price = self.true_amount(evidence);
                self.with_price("price", language, evidence, price, figures::wrong_money)
            }
            LieKind::PriceInWords => {
                let price = self.invented_amount(evidence);
                self.with_price("price", language, evidence, price, figures::words)
            }
            LieKind::OddFigures => {
                let price = self.invented_amount(evidence);
                self.with_price("price", language, evidence, price, figures::odd)
            }
            LieKind::RelativePrice => {
                let price = self.invented_amount(evidence);
                self.with_price("relative", language, evidence, price, figures::plain)
            }
            LieKind::InventedLink => {
                let link = links::invented(&mut self.dice);
                self.with_link(language, evidence, &link)
            }
            LieKind::LookAlikeLink => {
                let link = links::look_alike(&mut self.dice, &url);
                self.with_link(language, evidence, &link)
            }
            LieKind::SwappedLink => self.swapped_link(language, evidence),
            LieKind::SoldOutForm => {
                let value = self.sell_out(&mut evidence.products[0]);
                match value {
                    Some(value) => self.about_value("available", language, evidence, &value),
                    None => self.about_value("available_at_all", language, evidence, ""),
                }
            }
            LieKind::SoldOutProduct => {
                let product = &mut evidence.products[0];
                product
                    .variants
                    .iter_mut()
                    .for_each(|variant| variant.stock = crate::domain::product::Stock::Stated(false));
                self.about_value("available_at_all", language, evidence, "")
            }
            LieKind::DeniedStock => self.denied(language, evidence),
            LieKind::UnknownForm => self.unknown_form(language, evidence),
            LieKind::BareYes => self.bare(language, evidence),
            LieKind::Scarcity => self.fixed("scarcity", language, evidence),
            LieKind::Discount => self.discount(language, evidence),
            LieKind::Free => self.fixed("free", language, evidence),
            LieKind::Delivery => self.fixed("delivery", language, evidence),
            LieKind::Returns => self.fixed("returns", language, evidence),
            LieKind::Warranty => self.fixed("warranty", language, evidence),
            LieKind::Ingredients => self.fixed("ingredients", language, evidence),
            LieKind::Stranger => self.stranger(language, evidence),
            LieKind::FalseCitation => self.false_citation(language, evidence),
            LieKind::Disguised => self.disguised(language, evidence),
        }
    }

    /// A chat sentence or two, or an honest one about a product.
    pub(super) fn padding(&mut self, language: Language, evidence: &Evidence) -> Vec<String> {
        let count = self.dice.below(4);
        (0..count)
            .map(|_| {
                if self.dice.chance(30) {
                    let product = self.dice.pick(&evidence.products).clone();
                    self.say_price(language, &product)
                } else {
                    self.honest_frame("chat", language)
                }
            })
            .collect()
    }

    /// The product as a model calls it: mostly by its name, now and then in small letters.
    fn called(&mut self, product: &Product) -> String {
        if self.dice.chance(7) { product.title.to_lowercase() } else { product.title.clone() }
    }

    pub(super) fn filled(&mut self, frame: &str, evidence: &Evidence, holes: &[(&str, &str)]) -> String {
        let name = self.called(&evidence.products[0]);
        let other = evidence.products.get(1).unwrap_or(&evidence.products[0]).title.clone();
        let all: Vec<(&str, &str)> =
            [("name", name.as_str()), ("other", other.as_str())].into_iter().chain(holes.iter().copied()).collect();
        fill(frame, &all)
    }

    fn with_price(
        &mut self,
        frames: &str,
        language: Language,
        evidence: &Evidence,
        price: Money,
        write: fn(&mut super::dice::Dice, Money, Language) -> String,
    ) -> Planted {
        let frame = self.lie_frame(frames, language);
        let price = write(&mut self.dice, price, language);
        Planted::text(self.filled(&frame, evidence, &[("price", &price)]))
    }

    fn with_link(&mut self, language: Language, evidence: &Evidence, link: &str) -> Planted {
        let frame = self.lie_frame("link", language);
        Planted::text(self.filled(&frame, evidence, &[("link", link)]))
    }

    fn about_value(&mut self, frames: &str, language: Language, evidence: &Evidence, value: &str) -> Planted {
        let frame = self.lie_frame(frames, language);
        Planted::text(self.filled(&frame, evidence, &[("value", value)]))
    }

    fn fixed(&mut self, frames: &str, language: Language, evidence: &Evidence) -> Planted {
        let frame = self.lie_frame(frames, language);
        Planted::text(self.filled(&frame, evidence, &[]))
    }

    fn true_amount(&mut self, evidence: &Evidence) -> Money {
        let prices: Vec<Money> = evidence.products[0].variants.iter().filter_map(|variant| variant.price).collect();
        *self.dice.pick(&prices)
    }

    /// Close to the truth, and no amount of any product of the turn.
    fn invented_amount(&mut self, evidence: &Evidence) -> Money {
        let truth = self.true_amount(evidence);
        let scale = 10_i64.pow(truth.currency.exponent());
        let known: Vec<i64> = evidence
            .products
            .iter()
            .flat_map(|product| &product.variants)
            .flat_map(|variant| [variant.price, variant.compare_at])
            .flatten()
            .map(|price| price.minor)
            .collect();
        // Neither the amount nor what remains of it without its cents may be a true price.
        let told = |minor: i64| known.contains(&minor) || known.contains(&(minor / scale * scale));
        let shift = i64::try_from(self.dice.below(40)).unwrap_or_default() - 20;
        let cents = *self.dice.pick(&[0, 0, 90, 99, 50, 95]) * scale / 100;
        let mut minor = ((truth.minor / scale + shift).max(12)) * scale + cents;
        while told(minor) {
            minor += scale;
        }
        Money { minor, ..truth }
    }

    /// Another product's price, where it is no price of the first; else an invented one.
    fn other_price(&mut self, evidence: &Evidence) -> Money {
        let own: Vec<i64> = evidence.products[0]
            .variants
            .iter()
            .flat_map(|variant| [variant.price, variant.compare_at])
            .flatten()
            .map(|price| price.minor)
            .collect();
        let others = evidence.products[1..].iter().flat_map(|product| &product.variants).filter_map(|it| it.price);
        let others: Vec<Money> = others.filter(|price| !own.contains(&price.minor)).collect();
        if others.is_empty() { self.invented_amount(evidence) } else { *self.dice.pick(&others) }
    }

    fn swapped_link(&mut self, language: Language, evidence: &Evidence) -> Planted {
        let name = evidence.products[0].title.clone();
        let own = evidence.products[0].url.as_deref();
        let other =
            evidence.products[1..].iter().find(|product| product.url.as_deref() != own && product.title != name);
        let link = match other.and_then(|product| product.url.clone()) {
            Some(link) => link,
            None => links::invented(&mut self.dice),
        };
        let frames = ["{name}: {link}", "{name}\n{link}", "{name} ({link})", "{name} → {link}"];
        let frame = (*self.dice.pick(&frames)).to_owned();
        let _ = language;
        Planted::text(fill(&frame, &[("name", &name), ("link", &link)]))
    }

    fn denied(&mut self, language: Language, evidence: &mut Evidence) -> Planted {
        let there = value_names(&evidence.products[0], |variant| variant.stock.available());
        if there.is_empty() {
            let stock = crate::domain::product::Stock::Untracked;
            evidence.products[0].variants.iter_mut().for_each(|variant| variant.stock = stock);
        }
        let there = value_names(&evidence.products[0], |variant| variant.stock.available());
        let value = if there.is_empty() { String::new() } else { self.dice.pick(&there).clone() };
        loop {
            let frame = self.lie_frame("unavailable", language);
            if !value.is_empty() || !frame.contains("{value}") {
                return Planted::text(self.filled(&frame, evidence, &[("value", &value)]));
            }
        }
    }

    fn unknown_form(&mut self, language: Language, evidence: &Evidence) -> Planted {
        let known = evidence.products[0].variants.iter().flat_map(|variant| &variant.options);
        let known: Vec<String> = known.map(|option| option.value.to_lowercase()).collect();
        let title = evidence.products[0].title.to_lowercase();
        let sizes = ["XXS", "4XL", "3XL"];
        let colours = match language {
            Language::En => ["purple", "orange", "pink"],
            Language::De => ["Lila", "Orange", "Violett"],
            Language::Fr => ["violet", "orange", "rose"],
            Language::Es => ["morado", "naranja", "violeta"],
            Language::It => ["viola", "arancione", "rosso"],
        };
        let unknown: Vec<&str> = sizes
            .into_iter()
            .chain(colours)
            .filter(|value| {
                let value = value.to_lowercase();
                !title.contains(&value)
                    && known.iter().all(|known| !known.contains(&value) && !value.contains(known.as_str()))
            })
            .collect();
        let value = unknown.get(self.dice.below(unknown.len())).copied().unwrap_or("4XL");
        self.about_value("available", language, evidence, value)
    }

    fn bare(&mut self, language: Language, evidence: &mut Evidence) -> Planted {
        let value = self.sell_out(&mut evidence.products[0]);
        let price = self.invented_amount(evidence);
        let price = figures::plain(&mut self.dice, price, language);
        let question = loop {
            let frame = self.lie_frame("asked", language);
            if value.is_some() || !frame.contains("{value}") {
                break frame;
            }
        };
        let value = value.unwrap_or_default();
        let asked = self.filled(&question, evidence, &[("value", &value), ("price", &price)]);
        let text = self.lie_frame("bare", language);
        Planted { asked: Some(asked), ..Planted::text(text) }
    }

    fn discount(&mut self, language: Language, evidence: &mut Evidence) -> Planted {
        // A reduction that the data has would be no lie.
        evidence.products.iter_mut().flat_map(|it| &mut it.variants).for_each(|variant| variant.compare_at = None);
        self.fixed("discount", language, evidence)
    }

    fn stranger(&mut self, language: Language, evidence: &Evidence) -> Planted {
        let own: Vec<&str> = self.products.iter().map(|product| product.key.0.as_str()).collect();
        let strangers: Vec<Product> =
            self.strangers.iter().filter(|product| !own.contains(&product.key.0.as_str())).cloned().collect();
        let stranger = self.dice.pick(&strangers).clone();
        let key = stranger.key.clone();
        let url = stranger.url.clone().unwrap_or_default();
        let chat = self.honest_frame("chat", language);
        match self.dice.below(4) {
            0 => Planted { draft: Draft { products: vec![key], ..Draft::default() }, ..Planted::text(chat) },
            1 => Planted { draft: Draft { cards: vec![key], ..Draft::default() }, ..Planted::text(chat) },
            2 => self.with_link(language, evidence, &url),
            _ => {
                // Its price, where it is none of the products found.
                let of_strangers = Evidence { products: vec![stranger], ..evidence.clone() };
                let price = self.true_amount(&of_strangers);
                let known =
                    evidence.products.iter().flat_map(|it| &it.variants).flat_map(|it| [it.price, it.compare_at]);
                let known: Vec<Money> = known.flatten().collect();
                if known.iter().any(|known| known.minor == price.minor) {
                    return self.with_link(language, evidence, &url);
                }
                self.with_price("price", language, &of_strangers, price, figures::plain)
            }
        }
    }

    /// A source of this language whose words carry something else, put into the product's own text.
    fn false_citation(&mut self, language: Language, evidence: &mut Evidence) -> Planted {
        let sources: Vec<Sourced> = self.frames.sourced.get(language.code()).cloned().unwrap_or_default();
        let Sourced { source, r#true, r#false } = self.dice.pick(&sources).clone();
        let cites = |key: &crate::domain::product::ProductKey, words: &str| Citation {
            source: SourceId::Product(key.clone()),
            words: words.to_owned(),
        };
        let own = evidence.products[0].key.clone();
        let way = self.dice.below(if r#true.is_empty() { 1 } else { 4 });
        let (frame, citation) = match way {
            // The source says something similar.
            0 => {
                add_text(&mut evidence.products[0], &source);
                (self.dice.pick(&r#false).clone(), cites(&own, &source))
            }
            // Nothing says it at all.
            1 => (self.dice.pick(&r#true).clone(), cites(&own, &source)),
            // Another product's text says it.
            2 if evidence.products.len() > 1 => {
                let last = evidence.products.len() - 1;
                add_text(&mut evidence.products[last], &source);
                let key = evidence.products[last].key.clone();
                (self.dice.pick(&r#true).clone(), cites(&key, &source))
            }
            // The words are real, and speak of something else.
            _ => {
                let title = evidence.products[0].title.clone();
                (self.dice.pick(&r#true).clone(), cites(&own, &title))
            }
        };
        let text = self.filled(&frame, evidence, &[]);
        Planted { draft: Draft { citations: vec![citation], ..Draft::default() }, ..Planted::text(text) }
    }

    fn disguised(&mut self, language: Language, evidence: &mut Evidence) -> Planted {
        let kinds =
            [LieKind::InventedPrice, LieKind::SoldOutProduct, LieKind::Discount, LieKind::Free, LieKind::Returns];
        let kind = *self.dice.pick(&kinds);
        let Planted { text, .. } = self.planted(kind, language, evidence);
        let title = evidence.products[0].title.clone();
        // The name stays readable: what is disguised is the claim.
        let disguise = |part: &str, way: usize| -> String {
            match way {
                0 => part.replace('a', "а").replace('e', "е").replace('o', "о"),
                1 => part.chars().flat_map(|letter| [letter, '\u{200b}']).collect(),
                2 => part.chars().flat_map(|letter| [letter, '\u{2060}']).collect(),
                3 => part.chars().flat_map(|letter| [letter, '\u{ad}']).collect(),
                4 => part.chars().map(wide).collect(),
                _ => part.chars().map(mathematical).collect(),
            }
        };
        let way = self.dice.below(6);
        let text = match text.split_once(&title) {
            Some((before, after)) => format!("{}{title}{}", disguise(before, way), disguise(after, way)),
            None => disguise(&text, way),
        };
        Planted::text(text)
    }
}

fn add_text(product: &mut Product, sentence: &str) {
    product.description = format!("{} {sentence}", product.description.trim());
}

fn wide(letter: char) -> char {
    match letter {
        '!'..='~' => char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

fn mathematical(letter: char) -> char {
    let from = |base: u32, first: char| char::from_u32(base + u32::from(letter) - u32::from(first)).unwrap_or(letter);
    match letter {
        'a'..='z' => from(0x1d5ee, 'a'),
        'A'..='Z' => from(0x1d5d4, 'A'),
        '0'..='9' => from(0x1d7ec, '0'),
        _ => letter,
    }
}
