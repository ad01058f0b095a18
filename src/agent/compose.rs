//! The built-in composer: answers from evidence and wording alone. Code writes every name, price, size and link, so that
//! what it says passes the guard by construction; a property test holds it to that.

use super::{
    card::{self, Form},
    choose::{chosen, sayable},
    guard::{self, Kind, Limits, Rules, Violation},
    money_text::price_text,
    text::one_line,
    wording::{Phrase, Voice},
    writer::WriteRequest,
};
use crate::{
    domain::{
        Language, Money, Timestamp,
        conversation::{Message, Side},
        evidence::{Citation, Evidence, SourceId},
        persona::Persona,
        product::{Product, ProductKey},
        reply::{Draft, ReplyText},
        tenant::Tenant,
        turn::{HandOverReason, TurnInput},
    },
    workflow::{Ask, Intent, Understanding},
};

/// Products in one answer: more is a catalogue, not an answer.
pub const PRODUCTS_MAX: usize = 3;

/// Letters of a description that an answer quotes at most: two or three sentences.
const EXCERPT_CHARS_MAX: usize = 280;

/// What retrieval brought, read from the store in this turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// The recalled products that the shopper means.
    pub meant: Vec<Product>,
    /// Products that fit the search, best first.
    pub hits: Vec<Product>,
    /// Products that come close where none fits.
    pub near: Vec<Product>,
    /// The upper price limit that the shopper named.
    pub price_max: Option<Money>,
    /// The lower one.
    pub price_min: Option<Money>,
}

impl Findings {
    /// Everything that an answer may rest on, each product once.
    #[must_use]
    pub fn evidence(&self, read_at: Timestamp) -> Evidence {
        let mut products: Vec<Product> = Vec::new();
        for product in [&self.meant, &self.hits, &self.near].into_iter().flatten().filter(|product| product.visible()) {
            if products.iter().all(|known| known.key != product.key) {
                products.push(product.clone());
            }
        }
        Evidence { products, read_at }
    }

    /// The price limits that an answer may repeat.
    #[must_use]
    pub fn limits(&self) -> Vec<Money> {
        self.price_max.into_iter().chain(self.price_min).collect()
    }
}

/// Writes a draft.
#[must_use]
pub fn compose(input: &TurnInput, understanding: &Understanding, findings: &Findings) -> Draft {
    let mut writer = Writer::new(input, understanding.language);
    match understanding.intent {
        Intent::Greeting => {
            writer.open(true);
            writer.say(Phrase::Help, &[]);
        }
        Intent::Thanks => {
            writer.open(false);
            writer.say(Phrase::Welcome, &[]);
        }
        Intent::Media => {
            writer.open(understanding.greets);
            writer.say(Phrase::Media, &[]);
        }
        Intent::Product => {
            writer.open(false);
            writer.answer(understanding, findings);
        }
        // A workflow may send the rest here instead of to a person; without a source, asking back is all there is.
        Intent::Unclear | Intent::Policy | Intent::Order | Intent::Person | Intent::Anger => {
            writer.open(false);
            writer.say(Phrase::Clarify, &[]);
        }
    }
    writer.finish()
}

/// Writes a draft of nothing but product cards and a plain sentence.
#[must_use]
pub fn cards(input: &TurnInput, understanding: &Understanding, findings: &Findings) -> Draft {
    let mut writer = Writer::new(input, understanding.language);
    writer.open(false);
    let evidence = findings.evidence(input.now);
    if evidence.products.is_empty() {
        writer.say(Phrase::Clarify, &[]);
    } else {
        writer.say(Phrase::Cards, &[]);
        evidence.products.iter().take(PRODUCTS_MAX).for_each(|product| writer.card(product));
    }
    writer.finish()
}

/// Writes the cards that a draft asks for. One of a product that this turn did not bring is not written, and stays among the
/// products for the guard to refuse.
#[must_use]
pub fn with_cards(request: WriteRequest<'_>, mut draft: Draft) -> Draft {
    let evidence = request.findings.evidence(request.input.now);
    let mut writer = Writer::new(request.input, request.understanding.language);
    for key in std::mem::take(&mut draft.cards) {
        if let Some(product) = evidence.products.iter().find(|product| product.key == key) {
            writer.card(product);
        }
        if !draft.products.contains(&key) {
            draft.products.push(key);
        }
    }
    draft.messages.extend(writer.pack());
    draft
}

/// Tells the shopper that a person takes over. `after_answer`: the notice follows an answer to another question.
#[must_use]
pub fn hand_over(input: &TurnInput, language: Language, reason: HandOverReason, after_answer: bool) -> Vec<String> {
    let mut writer = Writer::new(input, language);
    let phrase = match reason {
        HandOverReason::Policy | HandOverReason::Order if after_answer => Phrase::HandOverBeside,
        HandOverReason::Asked => Phrase::HandOverAsked,
        HandOverReason::Anger => Phrase::HandOverAnger,
        HandOverReason::Order => Phrase::HandOverOrder,
        HandOverReason::Policy => Phrase::HandOverPolicy,
        HandOverReason::NotUnderstood => Phrase::HandOverNotUnderstood,
        HandOverReason::Media => Phrase::HandOverMedia,
        HandOverReason::Guard | HandOverReason::Failure => Phrase::HandOverFailed,
    };
    if after_answer {
        writer.say(phrase, &[]);
        return writer.pack();
    }
    // Nobody who is angry wants a cheerful "Hi!".
    if reason == HandOverReason::Anger {
        writer.disclose_only()
    } else {
        writer.open(false)
    }
    writer.say(phrase, &[]);
    writer.finish().messages
}

/// The shop's own words, which the guard lets stand as they are.
#[must_use]
pub fn own_words<'a>(persona: &'a Persona, tenant: &'a Tenant) -> Vec<&'a str> {
    let optional = [persona.greeting.as_deref(), persona.sign_off.as_deref(), persona.disclosure.as_deref()];
    let own = optional.into_iter().flatten().chain([persona.name.as_str(), tenant.name.as_str()]);
    own.chain(tenant.website.as_deref()).map(str::trim).filter(|words| !words.is_empty()).collect()
}

/// Collects paragraphs and the products they name.
struct Writer<'a> {
    input: &'a TurnInput,
    voice: Voice<'a>,
    paragraphs: Vec<String>,
    products: Vec<ProductKey>,
    citations: Vec<Citation>,
}

fn last_said(history: &[Message]) -> &str {
    let last = history.iter().rev().find(|message| message.side == Side::Bot);
    last.and_then(|message| message.text.as_deref()).unwrap_or_default()
}

impl<'a> Writer<'a> {
    fn new(input: &'a TurnInput, language: Language) -> Self {
        let voice = Voice::new(language, &input.persona, input.turn, last_said(&input.history));
        Self { input, voice, paragraphs: Vec::new(), products: Vec::new(), citations: Vec::new() }
    }

    /// Whether the shop has not yet said a word in this conversation.
    fn is_first(&self) -> bool {
        self.input.history.iter().all(|message| message.side == Side::Shopper)
    }

    /// Greets at the start of a conversation, or when the shopper does nothing but greet, and discloses when due.
    fn open(&mut self, greet: bool) {
        let own = self.in_own_language(self.input.persona.greeting.as_deref());
        let greeting = match own {
            Some(own) if self.is_first() => Some(own.to_owned()),
            Some(_) | None if greet || self.is_first() => Some(self.voice.say(Phrase::Greeting, &[])),
            Some(_) | None => None,
        };
        let opening: Vec<String> = greeting.into_iter().chain(self.disclosure()).collect();
        if !opening.is_empty() {
            self.paragraphs.push(opening.join(" "));
        }
    }

    /// The shop's own words, which are in its own language: a shopper who writes in another gets the built-in ones.
    fn in_own_language(&self, words: Option<&'a str>) -> Option<&'a str> {
        let spoken = self.voice.language == self.input.tenant.language;
        words.map(str::trim).filter(|words| spoken && !words.is_empty())
    }

    fn disclose_only(&mut self) {
        let disclosure = self.disclosure();
        self.paragraphs.extend(disclosure);
    }

    fn disclosure(&self) -> Option<String> {
        if !self.input.disclose {
            return None;
        }
        let (persona, shop) = (&self.input.persona, one_line(&self.input.tenant.name));
        let own = self.in_own_language(persona.disclosure.as_deref());
        let name = one_line(&persona.name);
        Some(match own {
            Some(own) => own.to_owned(),
            None if name.is_empty() => self.voice.say(Phrase::Disclosure, &[("shop", &shop)]),
            None => self.voice.say(Phrase::DisclosureNamed, &[("name", &name), ("shop", &shop)]),
        })
    }

    fn say(&mut self, phrase: Phrase, values: &[(&str, &str)]) {
        self.paragraphs.push(self.voice.say(phrase, values));
    }

    fn names(&mut self, product: &Product) {
        if !self.products.contains(&product.key) {
            self.products.push(product.key.clone());
        }
    }

    fn card(&mut self, product: &Product) {
        self.names(product);
        self.paragraphs.push(card::card(&self.voice, product));
    }

    fn finish(mut self) -> Draft {
        let sign_off = self.in_own_language(self.input.persona.sign_off.as_deref());
        if self.is_first() {
            self.paragraphs.extend(sign_off.map(str::to_owned));
        }
        let (products, citations) = (std::mem::take(&mut self.products), std::mem::take(&mut self.citations));
        Draft { products, citations, messages: self.pack(), cards: Vec::new() }
    }

    /// Joins paragraphs into as few messages as hold them. A paragraph is never split here: what is claimed of a product
    /// stays beside its name.
    fn pack(self) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        for paragraph in self.paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()) {
            match messages.last_mut() {
                Some(last) if last.len() + 2 + paragraph.len() <= ReplyText::MAX_BYTES => {
                    last.push_str("\n\n");
                    last.push_str(&paragraph);
                }
                Some(_) | None => messages.push(paragraph),
            }
        }
        messages
    }
}

/// Answers to product questions.
impl Writer<'_> {
    fn answer(&mut self, understanding: &Understanding, findings: &Findings) {
        let chosen = chosen(understanding, findings);
        let evidence = findings.evidence(self.input.now);
        match chosen.as_slice() {
            // One product is meant, and it is not to be had as asked: that is an answer about it.
            [] if understanding.ask == Ask::Stock && findings.near.len() == 1 && sayable(&findings.near[0]) => {
                self.stock(&findings.near[0], understanding);
            }
            [] => self.nothing(understanding, findings),
            [only] => match understanding.ask {
                Ask::Price => self.price(only, understanding),
                Ask::Stock => self.stock(only, understanding),
                Ask::About if !understanding.wants.link => self.about(only, &evidence),
                // "Do you have the dress in blue?" asks for a yes or no.
                Ask::Search if card::wanted_form(only, &understanding.wants) != Form::Any => {
                    self.stock(only, understanding);
                }
                Ask::About | Ask::Search => {
                    if understanding.reference.is_none() {
                        self.say(Phrase::FoundOne, &[]);
                    }
                    self.card(only);
                }
            },
            several => {
                if understanding.reference.is_none() {
                    self.say(Phrase::FoundSome, &[]);
                }
                several.iter().for_each(|product| self.card(product));
            }
        }
    }

    fn nothing(&mut self, understanding: &Understanding, findings: &Findings) {
        if understanding.reference.is_some() {
            return self.say(Phrase::WhichProduct, &[]);
        }
        if !understanding.explicit {
            return self.say(Phrase::Clarify, &[]);
        }
        match findings.price_max {
            Some(limit) => self.say(Phrase::NothingUnder, &[("limit", &price_text(limit, self.voice.language))]),
            None => self.say(Phrase::Nothing, &[]),
        }
        let near: Vec<&Product> = findings.near.iter().filter(|product| sayable(product)).take(PRODUCTS_MAX).collect();
        if !near.is_empty() {
            self.say(Phrase::Near, &[]);
            near.into_iter().for_each(|product| self.card(product));
        }
    }

    /// Lines about one product: sentences, its price where they do not say it, its link.
    fn about_product(&mut self, product: &Product, sentences: Vec<String>, price: Option<String>) {
        self.names(product);
        let lines = [sentences.join(" ")].into_iter().chain(price).chain(card::link(product));
        self.paragraphs.push(lines.collect::<Vec<_>>().join("\n"));
    }

    fn price(&mut self, product: &Product, understanding: &Understanding) {
        let name = card::name(product);
        let voice = self.voice;
        let mut sentences = Vec::new();
        let form = card::wanted_form(product, &understanding.wants);
        if let Form::NotListed(called) = &form {
            sentences.push(voice.say(Phrase::NotListed, &[("product", &name), ("values", called)]));
        }
        match &form {
            Form::These { variants, called }
                if single_price(variants.iter().map(|variant| variant.price)).is_some() =>
            {
                let price = single_price(variants.iter().map(|variant| variant.price))
                    .map(|price| price_text(price, voice.language));
                let price = price.unwrap_or_default();
                sentences
                    .push(voice.say(Phrase::PriceIn, &[("product", &name), ("values", called), ("price", &price)]));
                if !variants.iter().any(|variant| variant.stock.available()) {
                    sentences.push(voice.say(Phrase::StockNoIn, &[("product", &name), ("values", called)]));
                }
            }
            Form::Any | Form::These { .. } | Form::NotListed(_) | Form::Unsayable => {
                sentences.push(self.plain_price(product));
                if !product.available() {
                    sentences.push(voice.say(Phrase::StockNo, &[("product", &name)]));
                }
            }
        }
        self.about_product(product, sentences, None);
    }

    fn plain_price(&self, product: &Product) -> String {
        let name = card::name(product);
        let Some((low, high)) = product.price_range() else {
            return self.voice.say(Phrase::PriceUnknown, &[("product", &name)]);
        };
        let price = price_text(low, self.voice.language);
        if low != high {
            return self.voice.say(Phrase::PriceFrom, &[("product", &name), ("price", &price)]);
        }
        let price = match card::before_reduction(product, low) {
            Some(before) => format!("{price} ({})", card::instead_of(&self.voice, before)),
            None => price,
        };
        self.voice.say(Phrase::Price, &[("product", &name), ("price", &price)])
    }

    fn stock(&mut self, product: &Product, understanding: &Understanding) {
        let name = card::name(product);
        let voice = self.voice;
        let mut sentences = Vec::new();
        let mut price = card::card_price(&voice, product);
        match card::wanted_form(product, &understanding.wants) {
            Form::These { variants, called } if variants.iter().any(|variant| variant.stock.available()) => {
                let there = card::called_where_available(product, &understanding.wants, &variants).unwrap_or(called);
                sentences.push(voice.say(Phrase::StockYesIn, &[("product", &name), ("values", &there)]));
                if let Some(one) = single_price(variants.iter().map(|variant| variant.price)) {
                    price = Some(price_text(one, voice.language));
                }
            }
            Form::These { .. } | Form::NotListed(_) | Form::Any if !product.available() => {
                sentences.push(voice.say(Phrase::StockNo, &[("product", &name)]));
            }
            Form::These { called, .. } => {
                sentences.push(voice.say(Phrase::StockNoIn, &[("product", &name), ("values", &called)]));
                let there = card::forms_to_be_had(product, &understanding.wants);
                sentences.extend(there.map(|values| voice.say(Phrase::Others, &[("values", &values)])));
            }
            Form::NotListed(called) => {
                sentences.push(voice.say(Phrase::NotListed, &[("product", &name), ("values", &called)]));
                let there = card::values_to_be_had(product);
                sentences.extend(there.map(|values| voice.say(Phrase::Others, &[("values", &values)])));
            }
            Form::Any => sentences.push(match card::values_to_be_had(product) {
                Some(values) => voice.say(Phrase::StockYesIn, &[("product", &name), ("values", &values)]),
                None => voice.say(Phrase::StockYes, &[("product", &name)]),
            }),
            // The page names the form as the shop does.
            Form::Unsayable => return self.card(product),
        }
        // Whoever asks whether it is there wants to know next what it costs.
        self.about_product(product, sentences, price);
    }

    /// Quotes the shop's own description, as far as it claims nothing that the guard would refuse.
    fn about(&mut self, product: &Product, evidence: &Evidence) {
        let name = card::name(product);
        let own = Evidence { products: vec![product.clone()], read_at: evidence.read_at };
        let mut excerpt = String::new();
        let mut quoted = Vec::new();
        for sentence in one_line(&product.description).split_inclusive(['.', '!', '?']) {
            let sentence = sentence.trim();
            let fits = excerpt.chars().count() + sentence.chars().count() < EXCERPT_CHARS_MAX;
            if sentence.is_empty() || !fits || !quotable(&name, &excerpt, sentence, &own) {
                break;
            }
            if !excerpt.is_empty() {
                excerpt.push(' ');
            }
            excerpt.push_str(sentence);
            quoted.push(citation(product, sentence));
        }
        if excerpt.is_empty() {
            let unknown = self.voice.say(Phrase::AboutUnknown, &[("product", &name)]);
            return if product.url.is_some() {
                self.about_product(product, vec![unknown], None)
            } else {
                self.card(product)
            };
        }
        self.names(product);
        self.citations.extend(quoted);
        let head = format!("{name}: {excerpt}");
        let price = self.plain_price(product);
        let lines = [head, price].into_iter().chain(card::link(product));
        self.paragraphs.push(lines.collect::<Vec<_>>().join("\n"));
    }
}

/// Points at words of a product's own text.
fn citation(product: &Product, words: &str) -> Citation {
    Citation { source: SourceId::Product(product.key.clone()), words: words.to_owned() }
}

/// Whether a sentence of the description may follow what is quoted of it: what it claims of the thing itself, it carries
/// by itself; "20% off, ships free tomorrow" was true on the day that somebody wrote it.
fn quotable(name: &str, excerpt: &str, sentence: &str, own: &Evidence) -> bool {
    let Some(product) = own.products.first() else { return false };
    let messages = [format!("{name}: {excerpt} {sentence}")];
    let citations: Vec<Citation> =
        excerpt.split_inclusive(['.', '!', '?']).chain([sentence]).map(|words| citation(product, words)).collect();
    let judged = |citations: &[Citation]| {
        let rules = Rules { evidence: own, limits: Limits::Named(&[]), own_words: &[], asked: &[], citations };
        guard::check(&messages, &rules)
    };
    let lasting = |violation: &Violation| matches!(violation.kind, Kind::Ingredient | Kind::Warranty | Kind::Price);
    judged(&citations).is_empty() && judged(&[]).iter().all(lasting)
}

/// The one price of these variants; `None` when they differ or one has none.
fn single_price(mut prices: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    let first = prices.next()??;
    prices.all(|price| price == Some(first)).then_some(first)
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
