//! The built-in composer: answers from evidence and wording alone. Code writes every name, price, size and link, so that
//! what it says passes the guard by construction; a property test holds it to that.

use super::{
    card::{self, Form},
    choose::{chosen, sayable},
    earlier::{self, Likeness},
    emoji,
    money_text::price_text,
    text::one_line,
    wording::{Facts, Phrase, Voice, Wording},
};
use crate::{
    domain::{
        Language, Money, Timestamp,
        conversation::Side,
        evidence::{Citation, Evidence, SourceId},
        product::{Product, ProductKey},
        reply::{Draft, ReplyText},
        turn::{HandOverReason, TurnInput},
    },
    workflow::{Ask, Asked, Closing, Intent, Understanding},
};

mod finish;
mod own;

pub use finish::{mannered, with_cards};
pub use own::own_words;
use own::{citation, kept_words, quotable};

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
    /// Products that tools brought while an answer was written.
    pub looked_up: Vec<Product>,
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
        let all = [&self.meant, &self.hits, &self.near, &self.looked_up].into_iter().flatten();
        for product in all.filter(|product| product.visible()) {
            if products.iter().all(|known| known.key != product.key) {
                products.push(product.clone());
            }
        }
        Evidence { products, facts: Vec::new(), read_at }
    }

    /// Takes in a product that a tool has read. Where it was found before, what was read last holds.
    pub fn look_up(&mut self, product: &Product) {
        let all = [&mut self.meant, &mut self.hits, &mut self.near, &mut self.looked_up];
        let mut known = false;
        for older in all.into_iter().flatten().filter(|older| older.key == product.key) {
            older.clone_from(product);
            known = true;
        }
        if !known {
            self.looked_up.push(product.clone());
        }
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
    let facts = Facts::default();
    let mut writer = Writer::new(input, understanding.language, &facts);
    match understanding.intent {
        Intent::Greeting => match understanding.asked {
            Asked::First => {
                writer.open(true);
                writer.say(Phrase::Help, &[]);
            }
            Asked::Again => writer.say(Phrase::StillHere, &[]),
            Asked::Often | Asked::TooOften => writer.say(Phrase::Clarify, &[]),
        },
        // One short sentence: whoever takes leave wants neither a greeting nor a signature.
        Intent::Thanks => {
            writer.disclose_only();
            writer.say(closing(understanding.closing), &[]);
            return writer.into_draft();
        }
        Intent::NoCustomer => {
            writer.disclose_only();
            writer.say(Phrase::PassedOn, &[]);
            return writer.into_draft();
        }
        Intent::Media => {
            writer.open(understanding.greets);
            writer.say(Phrase::Media, &[]);
        }
        Intent::Product => {
            writer.open(false);
            writer.answer_again(understanding, findings);
        }
        Intent::Unclear if matches!(understanding.asked, Asked::Often | Asked::TooOften) => {
            writer.say(Phrase::WhatIsMissing, &[]);
        }
        Intent::Policy if !understanding.told.is_empty() => {
            writer.open(understanding.greets);
            writer.tell(&understanding.told);
        }
        // A workflow may send the rest here instead of to a person; without a source, asking back is all there is.
        Intent::Unclear | Intent::Policy | Intent::Order | Intent::Person | Intent::Anger => {
            writer.open(false);
            writer.say(Phrase::Clarify, &[]);
        }
    }
    writer.finish()
}

const fn closing(closing: Option<Closing>) -> Phrase {
    match closing {
        Some(Closing::Thanks) | None => Phrase::Welcome,
        Some(Closing::Approval) => Phrase::Acknowledged,
        Some(Closing::Farewell) => Phrase::Farewell,
        Some(Closing::Praise) => Phrase::Thankful,
    }
}

/// Writes a draft of nothing but product cards and a plain sentence.
#[must_use]
pub fn cards(input: &TurnInput, understanding: &Understanding, findings: &Findings) -> Draft {
    let facts = Facts::default();
    let mut writer = Writer::new(input, understanding.language, &facts);
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

/// Tells the shopper that a person takes over. `after_answer`: the notice follows an answer to another question.
#[must_use]
pub fn hand_over(input: &TurnInput, language: Language, reason: HandOverReason, after_answer: bool) -> Vec<String> {
    let facts = Facts::default();
    let mut writer = Writer::new(input, language, &facts);
    if reason == HandOverReason::Asked {
        return writer.announce_person();
    }
    let phrase = match reason {
        HandOverReason::Policy | HandOverReason::Order if after_answer => Phrase::HandOverBeside,
        HandOverReason::Asked => Phrase::HandOverAsked,
        HandOverReason::Anger => Phrase::HandOverAnger,
        HandOverReason::Order => Phrase::HandOverOrder,
        HandOverReason::Policy => Phrase::HandOverPolicy,
        HandOverReason::NotUnderstood => Phrase::HandOverNotUnderstood,
        HandOverReason::Topic => Phrase::HandOverTopic,
        HandOverReason::Media => Phrase::HandOverMedia,
        HandOverReason::Guard | HandOverReason::Failure => Phrase::HandOverFailed,
    };
    // Not the same words twice: who was told already is told that somebody has been reminded.
    let again = writer.has_said(phrase) || writer.has_said(Phrase::HandOverAgain);
    let phrase = if again { Phrase::HandOverAgain } else { phrase };
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

/// Collects paragraphs and the products they name.
struct Writer<'a> {
    input: &'a TurnInput,
    voice: Voice<'a>,
    paragraphs: Vec<String>,
    products: Vec<ProductKey>,
    citations: Vec<Citation>,
    /// What the named products are called.
    named: Vec<String>,
    /// Whether the answer begins with a sentence that another may stand for.
    introduced: bool,
}

impl<'a> Writer<'a> {
    fn new(input: &'a TurnInput, language: Language, facts: &'a Facts) -> Self {
        let voice = Voice::new(language, &input.persona, input.turn, &input.history, facts);
        Self {
            input,
            voice,
            paragraphs: Vec::new(),
            products: Vec::new(),
            citations: Vec::new(),
            named: Vec::new(),
            introduced: false,
        }
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

    /// Whether the assistant has said this before, as far as the turn can see.
    fn has_said(&self, phrase: Phrase) -> bool {
        let by_bot = self.input.history.iter().filter(|message| message.side == Side::Bot);
        by_bot.filter_map(|message| message.text.as_deref()).any(|said| Wording::get().says(phrase, said))
    }

    /// The one message after a wish for a person: that one comes, and when.
    fn announce_person(mut self) -> Vec<String> {
        let persona = &self.input.persona;
        let (hours, reply_time) =
            (persona.hours.get(&self.voice.language), persona.reply_time.get(&self.voice.language));
        let mut sentences = vec![self.voice.say(Phrase::HandOverAsked, &[])];
        sentences.extend(hours.map(|hours| self.voice.say(Phrase::WhenHours, &[("hours", &one_line(hours))])));
        let reply_time = reply_time.map(|time| one_line(time));
        sentences.extend(reply_time.map(|time| self.voice.say(Phrase::WhenReply, &[("reply_time", &time)])));
        if sentences.len() == 1 {
            sentences.push(self.voice.say(Phrase::WhenSoon, &[]));
        }
        let announcement = sentences.join(" ");
        self.open(false);
        self.paragraphs.push(announcement.clone());
        let mut messages = self.pack();
        // A shop's long greeting must not make two of it; whoever wants a person can do without.
        if messages.len() > 1 {
            messages = vec![announcement];
        }
        messages
    }

    fn into_draft(mut self) -> Draft {
        let (products, citations) = (std::mem::take(&mut self.products), std::mem::take(&mut self.citations));
        Draft { products, citations, messages: self.pack(), cards: Vec::new() }
    }

    fn say(&mut self, phrase: Phrase, values: &[(&str, &str)]) {
        self.paragraphs.push(self.voice.say(phrase, values));
    }

    /// Says facts of the shop as they stand.
    fn tell(&mut self, numbers: &[usize]) {
        let facts = &self.input.persona.facts;
        for (number, fact) in (1..).zip(facts).filter(|(number, _)| numbers.contains(number)) {
            self.citations.push(Citation { source: SourceId::Fact(number), words: fact.clone() });
            self.paragraphs.push(one_line(fact));
        }
    }

    fn names(&mut self, product: &Product) {
        if !self.products.contains(&product.key) {
            self.products.push(product.key.clone());
            self.named.push(card::name(product));
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
        self.into_draft()
    }

    /// Joins paragraphs into as few messages as hold them. A paragraph is never split here: what is claimed of a product
    /// stays beside its name.
    fn pack(self) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        let kept = kept_words(self.input, &self.named);
        for paragraph in self.paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()) {
            match messages.last_mut() {
                Some(last) if last.len() + 2 + paragraph.len() <= ReplyText::MAX_BYTES => {
                    last.push_str("\n\n");
                    last.push_str(&paragraph);
                }
                Some(_) | None => messages.push(paragraph),
            }
        }
        emoji::limit(&mut messages, self.input.persona.emoji_rule(), &kept);
        messages
    }
}

/// Answers to product questions.
impl Writer<'_> {
    /// Answers; what was asked before is answered in other words, with what is new, and not a third time.
    fn answer_again(&mut self, understanding: &Understanding, findings: &Findings) {
        let before = self.paragraphs.len();
        self.answer(understanding, findings);
        if understanding.asked == Asked::First || !self.voice.facts().any() {
            return;
        }
        let exchanges = earlier::exchanges(&self.input.history);
        let texts: Vec<&str> = self.input.open.iter().filter_map(|message| message.text.as_deref()).collect();
        let named = findings.evidence(self.input.now).products.into_iter();
        let names: Vec<String> =
            named.filter(|product| self.products.contains(&product.key)).map(|product| card::name(&product)).collect();
        // "How much is it?" is the same question only about the same product.
        let certain = |likeness| likeness == Likeness::Same && understanding.reference.is_none();
        let earlier: Vec<(Likeness, &str)> = earlier::same_question(&texts, &exchanges)
            .into_iter()
            .flat_map(|(likeness, exchange)| exchange.bot().map(move |text| (likeness, text)))
            .filter(|(likeness, text)| certain(*likeness) || names.iter().any(|name| text.contains(name.as_str())))
            .collect();
        let texts: Vec<&str> = earlier.iter().map(|(_, text)| *text).collect();
        let news = self.voice.facts().beyond(&texts);
        // With a typo it may have been another question after all: then what differs is no news.
        if earlier.is_empty() || (news && earlier.iter().all(|(likeness, _)| *likeness == Likeness::Near)) {
            return;
        }
        if !news && understanding.asked != Asked::Again {
            self.paragraphs.truncate(before);
            self.products.clear();
            return self.say(Phrase::WhatIsMissing, &[]);
        }
        let lead = self.voice.say(if news { Phrase::AgainNew } else { Phrase::AgainSame }, &[]);
        if self.introduced {
            self.paragraphs[before] = lead;
        } else {
            self.paragraphs.insert(before, lead);
        }
    }

    /// Before products that were found.
    fn introduce(&mut self, phrase: Phrase) {
        self.introduced = true;
        self.say(phrase, &[]);
    }

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
                        self.introduce(Phrase::FoundOne);
                    }
                    self.card(only);
                }
            },
            several => {
                if understanding.reference.is_none() {
                    self.introduce(Phrase::FoundSome);
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
                    let one = price_text(one, voice.language);
                    voice.note_fact(&one);
                    price = Some(one);
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
        let own = Evidence { products: vec![product.clone()], facts: Vec::new(), read_at: evidence.read_at };
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

/// The one price of these variants; `None` when they differ or one has none.
fn single_price(mut prices: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    let first = prices.next()??;
    prices.all(|price| price == Some(first)).then_some(first)
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
