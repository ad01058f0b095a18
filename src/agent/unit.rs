//! One sentence of a shopper and what it shows: its cues, what it names, what it is about.

use super::{
    cues::{Cues, Match, Sign},
    text::{Token, tokens},
};
use crate::workflow::{Ask, Closing, Intent, Reference};

/// Digits that make a `#12345` an order number: shops start at 1000.
const ORDER_DIGITS_MIN: usize = 4;

/// Sizes that shops give as bare numbers, from children's shoes to trousers; "in 42" is one, "in 2024" is not.
const SIZE_NUMBERS: std::ops::RangeInclusive<u32> = 16..=64;

/// Words for money, which never name a product.
const CURRENCY_WORDS: [&str; 14] = [
    "eur", "euro", "euros", "usd", "dollar", "dollars", "chf", "franken", "gbp", "pound", "pounds", "pfund", "dolares",
    "sterline",
];

/// Approval that may just as well begin a question or an answer: "ok, linen shirts", "yeah the dress".
const WEAK_APPROVAL: [&str; 15] =
    ["ok", "okay", "okey", "oki", "vale", "va", "yeah", "yep", "yup", "sure", "jo", "jap", "ouais", "dale", "certo"];

/// What follows these is what the sentence is about: "thanks, but the zip is broken".
const CONTRASTS: [&str; 7] = ["but", "however", "aber", "jedoch", "mais", "pero", "ma"];

/// "thanks, and the bag": what follows is one more wish.
const ADDITIONS: [&str; 12] =
    ["and", "also", "und", "auch", "noch", "et", "aussi", "encore", "y", "tambien", "e", "anche"];

/// "thanks for the fast delivery": what follows is what the thanks are for.
const FOR: [&str; 6] = ["for", "fur", "fuer", "pour", "por", "per"];

/// An arrival that is told with one of these is no good news: "it arrived broken", "has not arrived".
const BAD_NEWS: [&str; 33] = [
    "not", "no", "never", "hasn", "didn", "still", "yet", "broken", "damaged", "wrong", "when", "late", "nicht", "nie",
    "kein", "keine", "kaputt", "falsch", "falsche", "wann", "pas", "jamais", "casse", "abime", "quand", "nunca",
    "roto", "rota", "cuando", "non", "mai", "rotto", "quando",
];

/// One sentence and what it shows.
pub(super) struct Unit<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Token>,
    pub(super) matches: Vec<Match>,
    pub(super) intent: Intent,
    pub(super) content: Vec<String>,
    pub(super) size: Option<String>,
    pub(super) colours: Vec<Vec<String>>,
    pub(super) generic: bool,
    pub(super) limited: bool,
    pub(super) asks: bool,
}

impl<'t> Unit<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let mut tokens = tokens(text);
        Cues::get().unstretch(&mut tokens);
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

    pub(super) fn has(&self, sign: Sign) -> bool {
        self.matches.iter().any(|found| found.sign.0 == sign)
    }

    /// Whether it asks something of a product in so many words.
    pub(super) fn has_product_sign(&self) -> bool {
        let signs = [Sign::Search, Sign::Price, Sign::Stock, Sign::About, Sign::Link];
        signs.into_iter().any(|sign| self.has(sign))
    }

    /// Whether it names a form or a price limit.
    pub(super) const fn is_particular(&self) -> bool {
        self.size.is_some() || self.limited || !self.colours.is_empty()
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
        let product = self.has_product_sign();
        let particulars = self.is_particular() || self.ordinal().is_some();
        if self.has(Sign::Person) {
            Intent::Person
        } else if self.has(Sign::Anger) {
            Intent::Anger
        } else if !product && (self.thanks_for_something() || self.tells_of_arrival()) {
            Intent::Thanks
        } else if self.has(Sign::Order) || self.has_order_number() {
            Intent::Order
        } else if self.has(Sign::Policy) {
            Intent::Policy
        } else if product || particulars {
            Intent::Product
        } else if self.closes() {
            Intent::Thanks
        } else if !self.content.is_empty() {
            Intent::Product
        } else if self.has(Sign::Greeting) {
            Intent::Greeting
        } else {
            Intent::Unclear
        }
    }

    /// How it closes a conversation, if it does anything of the kind.
    pub(super) fn closing(&self) -> Option<Closing> {
        let kinds = [
            (Sign::Decline, Closing::Approval),
            (Sign::Thanks, Closing::Thanks),
            (Sign::Farewell, Closing::Farewell),
            (Sign::Praise, Closing::Praise),
            (Sign::Approval, Closing::Approval),
            (Sign::Arrived, Closing::Praise),
        ];
        kinds.into_iter().find(|(sign, _)| self.has(*sign)).map(|(_, closing)| closing)
    }

    /// Whether it closes in so many words. "Ok" and "great" do not: they may also be an answer.
    pub(super) fn closes_plainly(&self) -> bool {
        [Sign::Decline, Sign::Thanks, Sign::Farewell, Sign::Praise, Sign::Arrived]
            .into_iter()
            .any(|sign| self.has(sign))
    }

    /// Whether a sentence without any other wish is a closing.
    fn closes(&self) -> bool {
        let plainly = self.closes_plainly() && !(self.has(Sign::Arrived) && self.closing() == Some(Closing::Praise));
        if self.content.is_empty() {
            plainly || (self.has(Sign::Approval) && !self.asks)
        } else {
            let approves = self.has(Sign::Approval) && !self.approves_weakly();
            !self.asks && !self.goes_on() && (plainly || self.has(Sign::Praise) || approves)
        }
    }

    fn approves_weakly(&self) -> bool {
        let approval = self.matches.iter().filter(|found| found.sign.0 == Sign::Approval);
        approval.map(|found| self.tokens[found.first].folded.as_str()).all(|word| WEAK_APPROVAL.contains(&word))
    }

    /// Whether something comes after the courtesy: "but …", "and the …".
    fn goes_on(&self) -> bool {
        let courtesy = |found: &&Match| found.sign.0.is_courtesy();
        let adds = self.matches.iter().filter(courtesy).any(|found| {
            self.tokens.get(found.end()).is_some_and(|next| ADDITIONS.contains(&next.folded.as_str()))
                && !self.covered(found.end())
        });
        adds || self.contrasts()
    }

    fn contrasts(&self) -> bool {
        self.tokens.iter().any(|token| CONTRASTS.contains(&token.folded.as_str()))
    }

    /// "Thank you for the fast delivery!"
    fn thanks_for_something(&self) -> bool {
        let named = self
            .matches
            .iter()
            .filter(|found| found.sign.0 == Sign::Thanks)
            .any(|found| self.tokens.get(found.end()).is_some_and(|next| FOR.contains(&next.folded.as_str())));
        named && !self.asks && !self.contrasts()
    }

    /// "My parcel arrived today": nothing is asked, nothing is wrong.
    fn tells_of_arrival(&self) -> bool {
        let bad = self.tokens.iter().any(|token| BAD_NEWS.contains(&token.folded.as_str()));
        self.has(Sign::Arrived) && !self.asks && !bad && !self.contrasts()
    }

    fn has_order_number(&self) -> bool {
        self.tokens.iter().any(|token| {
            token.folded.len() >= ORDER_DIGITS_MIN
                && token.folded.bytes().all(|byte| byte.is_ascii_digit())
                && self.text[..token.start].ends_with('#')
        })
    }

    pub(super) fn ordinal(&self) -> Option<Reference> {
        let nth = [(Sign::Nth1, 1), (Sign::Nth2, 2), (Sign::Nth3, 3)];
        let nth = nth.into_iter().find(|(sign, _)| self.has(*sign)).map(|(_, n)| Reference::Nth(n));
        nth.or_else(|| self.has(Sign::Final).then_some(Reference::Final))
    }

    pub(super) fn ask(&self) -> Ask {
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
    pub(super) fn search(&self) -> String {
        let removed = |at: usize| {
            self.matches.iter().any(|found| {
                let courtesy = match found.sign.0 {
                    Sign::Greeting | Sign::Thanks | Sign::Approval | Sign::Decline | Sign::Farewell => found.first == 0,
                    Sign::Search | Sign::Price | Sign::Stock | Sign::About | Sign::Link => true,
                    Sign::Nth1 | Sign::Nth2 | Sign::Nth3 | Sign::Final => self.content.is_empty(),
                    Sign::Person | Sign::Anger | Sign::Order | Sign::Policy | Sign::SizeWord | Sign::LimitWord => false,
                    Sign::Praise | Sign::Arrived => false,
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
