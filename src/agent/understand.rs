//! What the shopper's open messages mean, taken together: a burst of "hi" and "do you have linen shirts?" is one question.

use super::{
    cues::{Cues, Match, Sign},
    language,
    text::{Token, tokens},
    wording::{Phrase, Wording},
};
use crate::{
    domain::{
        conversation::{Message, Side},
        inbound::AttachmentKind,
        turn::TurnInput,
    },
    workflow::{Ask, Intent, Reference, Understanding, Wants},
};

/// Digits that make a `#12345` an order number: shops start at 1000.
const ORDER_DIGITS_MIN: usize = 4;

/// Sizes that shops give as bare numbers, from children's shoes to trousers; "in 42" is one, "in 2024" is not.
const SIZE_NUMBERS: std::ops::RangeInclusive<u32> = 16..=64;

/// Words for money, which never name a product.
const CURRENCY_WORDS: [&str; 14] = [
    "eur", "euro", "euros", "usd", "dollar", "dollars", "chf", "franken", "gbp", "pound", "pounds", "pfund", "dolares",
    "sterline",
];

/// Thanks that may just as well begin a question.
const WEAK_THANKS: [&str; 4] = ["ok", "okay", "vale", "va"];

/// Reads the open messages of a turn.
#[must_use]
pub fn understand(input: &TurnInput) -> Understanding {
    let texts: Vec<&str> = input.open.iter().filter(|message| !message.unsent).filter_map(text_of).collect();
    let (language, language_certain) = language::choose(&texts.join("\n"), input.language, input.tenant.language);
    let units: Vec<Unit> = texts.iter().flat_map(|text| sentences(text)).map(Unit::read).collect();
    let mut understanding = combine(&units);
    understanding.language = language;
    understanding.language_certain = language_certain;
    if units.is_empty() {
        understanding.intent = without_words(&input.open, &texts);
    } else if names_nothing(&understanding) && input.open.iter().any(has_media) {
        understanding.intent = Intent::Media;
    }
    understanding.repeated = repeated(understanding.intent, &input.history);
    understanding
}

fn text_of(message: &Message) -> Option<&str> {
    message.text.as_deref().filter(|text| !text.trim().is_empty())
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '?', '!', '\n', ';', '…']).filter(|part| part.chars().any(char::is_alphanumeric))
}

/// One sentence and what it shows.
struct Unit<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    matches: Vec<Match>,
    intent: Intent,
    content: Vec<String>,
    size: Option<String>,
    colours: Vec<Vec<String>>,
    generic: bool,
    limited: bool,
    asks: bool,
}

impl<'t> Unit<'t> {
    fn read(text: &'t str) -> Self {
        let tokens = tokens(text);
        let matches = Cues::get().find(&tokens);
        let mut unit = Self {
            text,
            tokens,
            matches,
            intent: Intent::Unclear,
            content: Vec::new(),
            size: None,
            colours: Vec::new(),
            generic: false,
            limited: false,
            asks: text.contains('?'),
        };
        unit.read_words();
        unit.intent = unit.classify();
        unit
    }

    fn has(&self, sign: Sign) -> bool {
        self.matches.iter().any(|found| found.sign.0 == sign)
    }

    fn covered(&self, at: usize) -> bool {
        self.matches.iter().any(|found| found.covers(at))
    }

    fn read_words(&mut self) {
        let cues = Cues::get();
        for at in 0..self.tokens.len() {
            let word = self.tokens[at].folded.as_str();
            if let Some(size) = self.size_at(at) {
                self.size.get_or_insert(size);
            } else if word.chars().all(|digit| digit.is_ascii_digit()) && self.after_limit(at) {
                self.limited = true;
            } else if let Some(group) = cues.colour(word) {
                self.colours.push(group.to_vec());
            } else if cues.is_generic(word) {
                self.generic = true;
            } else if !self.covered(at) && self.names(at) {
                self.content.push(word.to_owned());
            }
        }
    }

    /// Whether a word outside every cue names a thing.
    fn names(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let clipping = token.clipped && token.folded.chars().count() <= 2;
        !clipping && !Cues::get().is_function_word(token) && !CURRENCY_WORDS.contains(&token.folded.as_str())
    }

    fn after_limit(&self, at: usize) -> bool {
        let limit = |found: &&Match| found.sign.0 == Sign::LimitWord && (found.end()..found.end() + 2).contains(&at);
        self.matches.iter().any(|found| limit(&found))
            || self.tokens.get(at + 1).is_some_and(|next| CURRENCY_WORDS.contains(&next.folded.as_str()))
    }

    /// The size that a word names: `xl` anywhere, `m` as a capital or after "in" and "size", `42` after those only.
    fn size_at(&self, at: usize) -> Option<String> {
        let token = &self.tokens[at];
        let before = at.checked_sub(1).map(|before| self.tokens[before].folded.as_str());
        let introduced = before.is_some_and(|word| matches!(word, "in" | "en" | "und" | "and" | "or" | "oder" | "et"))
            || self.matches.iter().any(|found| found.sign.0 == Sign::SizeWord && found.end() == at);
        if let Ok(number) = token.folded.parse::<u32>() {
            return (introduced && SIZE_NUMBERS.contains(&number)).then(|| token.folded.clone());
        }
        let size = Cues::get().letter_size(&token.folded)?;
        let letters = token.folded.chars().count();
        let plain = match letters {
            1 => !token.clipped && (introduced || self.text[token.start..token.end].chars().all(char::is_uppercase)),
            2..=4 if token.folded.contains('x') => true,
            _ => introduced,
        };
        plain.then(|| size.to_owned())
    }

    fn classify(&self) -> Intent {
        let product_signs = [Sign::Search, Sign::Price, Sign::Stock, Sign::About, Sign::Link];
        let product = product_signs.into_iter().any(|sign| self.has(sign));
        let particulars = self.size.is_some() || !self.colours.is_empty() || self.limited || self.ordinal().is_some();
        if self.has(Sign::Person) {
            Intent::Person
        } else if self.has(Sign::Anger) {
            Intent::Anger
        } else if self.has(Sign::Order) || self.has_order_number() {
            Intent::Order
        } else if self.has(Sign::Policy) {
            Intent::Policy
        } else if product || particulars {
            Intent::Product
        } else if self.has(Sign::Thanks) && (self.content.is_empty() || !self.thanks_weakly()) {
            Intent::Thanks
        } else if !self.content.is_empty() {
            Intent::Product
        } else if self.has(Sign::Greeting) {
            Intent::Greeting
        } else {
            Intent::Unclear
        }
    }

    fn thanks_weakly(&self) -> bool {
        let thanks = self.matches.iter().filter(|found| found.sign.0 == Sign::Thanks);
        thanks.map(|found| self.tokens[found.first].folded.as_str()).all(|word| WEAK_THANKS.contains(&word))
    }

    fn has_order_number(&self) -> bool {
        self.tokens.iter().any(|token| {
            token.folded.len() >= ORDER_DIGITS_MIN
                && token.folded.bytes().all(|byte| byte.is_ascii_digit())
                && self.text[..token.start].ends_with('#')
        })
    }

    fn ordinal(&self) -> Option<Reference> {
        let nth = [(Sign::Nth1, 1), (Sign::Nth2, 2), (Sign::Nth3, 3)];
        let nth = nth.into_iter().find(|(sign, _)| self.has(*sign)).map(|(_, n)| Reference::Nth(n));
        nth.or_else(|| self.has(Sign::Final).then_some(Reference::Final))
    }

    fn ask(&self) -> Ask {
        let referring = self.content.is_empty() && (self.size.is_some() || !self.colours.is_empty());
        if self.limited {
            Ask::Search
        } else if self.has(Sign::Price) {
            Ask::Price
        } else if self.has(Sign::Stock) || (referring && !self.generic) {
            Ask::Stock
        } else if self.has(Sign::About) || self.has(Sign::Link) || self.ordinal().is_some() {
            Ask::About
        } else {
            Ask::Search
        }
    }

    /// The sentence without courtesies and question phrases.
    fn search(&self) -> String {
        let removed = |at: usize| {
            self.matches.iter().any(|found| {
                let courtesy = match found.sign.0 {
                    Sign::Greeting | Sign::Thanks => found.first == 0,
                    Sign::Search | Sign::Price | Sign::Stock | Sign::About | Sign::Link => true,
                    Sign::Nth1 | Sign::Nth2 | Sign::Nth3 | Sign::Final => self.content.is_empty(),
                    Sign::Person | Sign::Anger | Sign::Order | Sign::Policy | Sign::SizeWord | Sign::LimitWord => false,
                };
                courtesy && found.covers(at)
            })
        };
        let mut kept = String::new();
        let mut gap = true;
        for (at, token) in self.tokens.iter().enumerate() {
            if removed(at) {
                gap = true;
                continue;
            }
            let from = if gap || at == 0 { token.start } else { self.tokens[at - 1].end };
            if gap && !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(&self.text[from..token.end]);
            // A currency sign belongs to the number before it.
            let tail = self.tokens.get(at + 1).map_or(self.text.len(), |next| next.start);
            kept.extend(self.text[token.end..tail].chars().find(|sign| "€$£¥%".contains(*sign)));
            gap = self.text[token.end..tail].chars().any(|sign| "€$£¥%".contains(sign));
        }
        kept
    }
}

/// What the sentences mean together. The language is the caller's.
fn combine(units: &[Unit]) -> Understanding {
    let has = |intent| units.iter().any(|unit| unit.intent == intent);
    let products: Vec<&Unit> = units.iter().filter(|unit| unit.intent == Intent::Product).collect();
    // A bare mention beside another wish is part of that wish, not a product question: "My order! It was two shirts."
    let asked: Vec<&Unit> = products
        .iter()
        .copied()
        .filter(|unit| unit.asks || unit.ask() != Ask::Search || unit.has(Sign::Search))
        .collect();
    let order = [Intent::Person, Intent::Anger];
    let intent = order.into_iter().find(|intent| has(*intent)).unwrap_or_else(|| {
        let other = [Intent::Order, Intent::Policy].into_iter().find(|intent| has(*intent));
        match other {
            Some(other) if asked.is_empty() => other,
            _ if !products.is_empty() => Intent::Product,
            _ => [Intent::Thanks, Intent::Greeting].into_iter().find(|intent| has(*intent)).unwrap_or(Intent::Unclear),
        }
    });
    let beside = [Intent::Order, Intent::Policy].into_iter().find(|other| intent == Intent::Product && has(*other));
    let content: Vec<String> = products.iter().flat_map(|unit| unit.content.iter().cloned()).collect();
    let limited = products.iter().any(|unit| unit.limited);
    let generic = products.iter().any(|unit| unit.generic);
    let reference = (intent == Intent::Product && content.is_empty() && !limited && !generic)
        .then(|| units.iter().find_map(Unit::ordinal).unwrap_or(Reference::Last));
    Understanding {
        language: crate::domain::Language::default(),
        language_certain: false,
        intent,
        ask: strongest(&products),
        explicit: limited || (!asked.is_empty() && (!content.is_empty() || generic)),
        greets: units.iter().any(|unit| unit.has(Sign::Greeting)),
        search: products.iter().map(|unit| unit.search()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "),
        content,
        reference,
        wants: Wants {
            size: products.iter().find_map(|unit| unit.size.clone()),
            colours: products.iter().flat_map(|unit| unit.colours.iter().cloned()).collect(),
            price: products.iter().any(|unit| unit.has(Sign::Price)),
            stock: products.iter().any(|unit| unit.has(Sign::Stock)),
            link: products.iter().any(|unit| unit.has(Sign::Link)),
        },
        beside,
        repeated: false,
    }
}

/// The most particular of several asks: a price question among sentences makes the whole one.
fn strongest(products: &[&Unit]) -> Ask {
    let asks: Vec<Ask> = products.iter().map(|unit| unit.ask()).collect();
    [Ask::Price, Ask::Stock, Ask::About].into_iter().find(|ask| asks.contains(ask)).unwrap_or(Ask::Search)
}

fn names_nothing(understanding: &Understanding) -> bool {
    match understanding.intent {
        Intent::Product => understanding.content.is_empty(),
        Intent::Unclear | Intent::Greeting => true,
        Intent::Policy | Intent::Order | Intent::Person | Intent::Anger | Intent::Thanks | Intent::Media => false,
    }
}

/// Whether a message carries something to look at or listen to.
fn has_media(message: &Message) -> bool {
    !message.unsent
        && message.attachments.iter().any(|kind| !matches!(kind, AttachmentKind::Sticker | AttachmentKind::Link))
}

/// Messages without a single word: media, or emoji and punctuation.
fn without_words(open: &[Message], texts: &[&str]) -> Intent {
    let stickers = open.iter().any(|message| message.attachments.contains(&AttachmentKind::Sticker));
    let approving = texts.iter().any(|text| text.chars().any(|letter| Cues::get().is_thanks_emoji(letter)));
    if open.iter().any(has_media) {
        Intent::Media
    } else if (stickers || approving) && !texts.iter().any(|text| text.contains('?')) {
        Intent::Thanks
    } else {
        Intent::Unclear
    }
}

/// Whether the last thing the assistant said already was of this kind: then a second time helps nobody.
fn repeated(intent: Intent, history: &[Message]) -> bool {
    let kinds: &[Phrase] = match intent {
        Intent::Unclear | Intent::Product => &[Phrase::Clarify, Phrase::WhichProduct],
        Intent::Media => &[Phrase::Media],
        Intent::Thanks => &[Phrase::Welcome],
        Intent::Greeting | Intent::Policy | Intent::Order | Intent::Person | Intent::Anger => &[],
    };
    let last = history.iter().rev().find(|message| message.side != Side::Shopper);
    let said = last.filter(|message| message.side == Side::Bot).and_then(|message| message.text.as_deref());
    said.is_some_and(|said| kinds.iter().any(|kind| Wording::get().says(*kind, said)))
}

#[cfg(test)]
#[path = "understand_tests.rs"]
mod tests;
