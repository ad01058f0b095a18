//! The guard: nothing goes out that this turn's evidence does not carry.
//!
//! Every price, link, stock word, reduction, delivery date and promise in a draft is found, whatever language it is in,
//! and must resolve to the evidence. What the guard cannot judge it refuses: a wrong refusal costs a repair round, a wrong
//! pass costs the shop's word. It is pure and looks at no model's intentions, only at what would be sent.

mod asked;
mod citation;
mod claim;
mod founded;
mod lexicon;
mod link;
mod numeral;
mod plain;
mod price;
mod prune;
mod sentence;
mod sheet;
mod stock;
mod tongue;
mod topic;

use std::fmt;

pub(super) use self::topic::ideas;
use self::{
    asked::Nod,
    citation::Carriers,
    sentence::{Sentence, sentences},
    sheet::{Known, Piece, Sheet},
};
pub use self::{
    prune::{Leave, prune},
    tongue::is_in_another_language,
};
use crate::domain::{
    Money,
    evidence::{Citation, Evidence},
    product::{Product, ProductKey},
};
use crate::workflow::Written;

/// What a draft may rest on.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The products read in this turn.
    pub evidence: &'a Evidence,
    /// Price limits that the draft may repeat.
    pub limits: Limits<'a>,
    /// The shop's own words (greeting, sign-off, disclosure, names, its own address), allowed as they stand.
    pub own_words: &'a [&'a str],
    /// What the shopper wrote in this turn: "Yes!" claims what was asked.
    pub asked: &'a [&'a str],
    /// What the draft cites for claims beyond price, stock and link.
    pub citations: &'a [Citation],
    /// Whose draft it is.
    pub author: Author,
}

/// Who wrote a draft, as far as it matters to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The built-in composer: its sentences are the house's and read by people; only what it fills in can be wrong.
    House,
    /// Anybody else. What is neither small talk nor in the data needs a citation.
    Model,
}

impl Author {
    /// By the name that a draft is signed with.
    #[must_use]
    pub fn named(by: &str) -> Self {
        if by == Written::BUILTIN { Self::House } else { Self::Model }
    }
}

/// Price limits that a draft may repeat, as limits only.
#[derive(Clone, Copy, Debug)]
pub enum Limits<'a> {
    /// Those that the shopper named in this turn.
    Named(&'a [Money]),
    /// The text passed the guard when they were known; now it is only checked again against newer evidence.
    PassedBefore,
}

/// What is wrong with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A price that is not that of the product.
    Price,
    /// A link that is not exactly that of the product.
    Link,
    /// A claim about stock, size or colour that the data does not carry.
    Stock,
    /// A reduction, code or percentage.
    Discount,
    /// Something for nothing.
    Free,
    /// A delivery date or a promise of restocking.
    Delivery,
    /// Returns, refunds, payment.
    Policy,
    /// Warranty, repair, replacement.
    Warranty,
    /// Allergens, ingredients, safety, certificates.
    Ingredient,
    /// A number of pieces left, or haste.
    Scarcity,
    /// Characters that hide what is said.
    Disguise,
    /// A product that this turn did not bring: gone, hidden, made up, or another shop's.
    Product,
    /// Anything else that is neither small talk nor in the data nor in a cited source.
    Claim,
}

impl Kind {
    /// The word in metrics and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Link => "link",
            Self::Stock => "stock",
            Self::Discount => "discount",
            Self::Free => "free",
            Self::Delivery => "delivery",
            Self::Policy => "policy",
            Self::Warranty => "warranty",
            Self::Ingredient => "ingredient",
            Self::Scarcity => "scarcity",
            Self::Disguise => "disguise",
            Self::Product => "product",
            Self::Claim => "claim",
        }
    }
}

/// One thing wrong with a draft. Its text goes back to whoever wrote the draft, never into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What it is about.
    pub kind: Kind,
    /// The words at fault.
    pub excerpt: String,
    /// What is wrong with them.
    pub reason: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.kind.as_str(), self.excerpt, self.reason)
    }
}

/// Everything wrong with a draft; empty when it may go out.
#[must_use]
pub fn check(messages: &[String], rules: &Rules<'_>) -> Vec<Violation> {
    let products = rules.evidence.products.as_slice();
    let known = Known { products, own_words: rules.own_words };
    let carriers = match rules.limits {
        Limits::Named(_) => Carriers::of_citations(rules.citations, rules.evidence),
        Limits::PassedBefore => Carriers::of_everything(rules.evidence),
    };
    let mut context = Context::new(products);
    let mut violations = Vec::new();
    let mut nod = Nod::None;
    for message in messages {
        if asked::nods(message) {
            nod = Nod::Bare;
        }
        let sheet = Sheet::lay_out(message, &known);
        let refuse = |kind, reason| move |text: &String| Violation { kind, excerpt: text.clone(), reason };
        violations.extend(sheet.foreign_links.iter().map(refuse(Kind::Link, "not exactly the link of a product")));
        violations.extend(sheet.disguises.iter().map(refuse(Kind::Disguise, "cannot be judged")));
        violations.extend(mismatched_links(&sheet.pieces, products));
        for pieces in sentences(&sheet.pieces) {
            let focus = context.focus.clone();
            let sentence = Sentence::new(pieces, products, &focus);
            let before = violations.len();
            violations.extend(price::check(&sentence, rules.limits, &mut context.ceiling, &carriers));
            violations.extend(stock::check(&sentence));
            violations.extend(claim::check(&sentence, &carriers));
            // What passed with its citations before has none now; the rules above look at it again.
            let first_time = matches!(rules.limits, Limits::Named(_));
            if rules.author == Author::Model && first_time && violations.len() == before {
                violations.extend(founded::check(&sentence, &carriers, rules.asked));
            }
            if nod != Nod::Bare
                && let said @ (Nod::Bare | Nod::Explained) = asked::nod(&sentence)
            {
                nod = said;
            }
            context.hear(&sentence);
        }
    }
    violations.extend(asked::check(nod, rules.asked, &known, &context.first, &carriers, rules.limits));
    violations
}

/// Everything wrong with the messages of a draft and with the products that it names by key.
#[must_use]
pub fn check_draft(messages: &[String], products: &[ProductKey], rules: &Rules<'_>) -> Vec<Violation> {
    let mut violations = strangers(products, rules.evidence);
    violations.extend(check(messages, rules));
    violations
}

/// Products that a draft names by key and that this turn did not bring.
fn strangers(products: &[ProductKey], evidence: &Evidence) -> Vec<Violation> {
    let known = |key: &&ProductKey| evidence.products.iter().any(|product| product.key == **key);
    let unknown = products.iter().filter(|key| !known(key));
    let reason = "not among the products of this turn";
    unknown.map(|key| Violation { kind: Kind::Product, excerpt: key.to_string(), reason }).collect()
}

/// A digit in words, in any of our languages.
pub(super) fn digit_in_words(word: &str) -> Option<u64> {
    numeral::value(word).filter(|value| *value < 10)
}

/// Whether a text can be listed as an option's value without sounding like a claim of its own.
#[must_use]
pub fn is_plain_value(value: &str) -> bool {
    claim::is_plain_value(value)
}

/// What earlier sentences leave behind.
struct Context {
    /// The product spoken of last; before any is named, the only one there is.
    focus: Vec<usize>,
    /// The product spoken of first: what a "Yes!" is about when the question names none.
    first: Vec<usize>,
    /// "Under 60 €:" holds for every product named after it.
    ceiling: Option<Money>,
}

impl Context {
    fn new(products: &[Product]) -> Self {
        let focus = if products.len() == 1 { vec![0] } else { Vec::new() };
        Self { first: focus.clone(), focus, ceiling: None }
    }

    fn hear(&mut self, sentence: &Sentence<'_>) {
        if let Some(named) = sentence.names().last() {
            self.focus = named.1.to_vec();
            if self.first.is_empty() {
                self.first.clone_from(&self.focus);
            }
        }
    }
}

/// A link must belong to the product named right before it, or, where none is, be the first word on its product.
fn mismatched_links(pieces: &[Piece], products: &[Product]) -> Vec<Violation> {
    let mut named: Option<&[usize]> = None;
    let mut violations = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Name(bearers) => named = Some(bearers),
            Piece::Link(product) => {
                let url = products[*product].url.as_ref();
                // Two products may share a page.
                let same_page = |bearer: &usize| products[*bearer].url.as_ref() == url;
                if named.is_some_and(|bearers| !bearers.iter().any(same_page)) {
                    let excerpt = url.cloned().unwrap_or_default();
                    violations.push(Violation { kind: Kind::Link, excerpt, reason: "the link of another product" });
                }
            }
            Piece::Word { .. }
            | Piece::Number { .. }
            | Piece::CurrencySign { .. }
            | Piece::PercentSign
            | Piece::Dash
            | Piece::Slash
            | Piece::Comma
            | Piece::Break { .. } => {}
        }
    }
    violations
}

#[cfg(test)]
mod liar_tests;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;
