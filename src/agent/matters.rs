//! What is no customer matter: spam, phishing, offers of work together, applications, insults. By the rules of
//! `matters.yaml`, which are sparing: whatever may be a customer's is a customer's.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    cues::{Cues, Sign},
    phrases::PhraseBook,
    text::words,
    unit::Unit,
};
use crate::{domain::conversation::Label, workflow::Intent};

/// Stands in a group for any number of [`NUMBER_DIGITS_MIN`] digits or more.
const NUMBER: &str = "#";

/// Stands in a group for thousands as an audience is counted in: `12k`.
const THOUSANDS: &str = "#k";

/// "earn 300 daily": sums that are promised have three digits at least.
const NUMBER_DIGITS_MIN: usize = 3;

/// The order in which labels are looked for; the first that fits is taken.
const ORDER: [Label; 5] = [Label::Phishing, Label::Job, Label::Collaboration, Label::Business, Label::Spam];

type Group = Vec<String>;
type Rule = Vec<Group>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: BTreeMap<String, Vec<Rule>>,
    bare: BTreeMap<String, Vec<String>>,
    abuse: Vec<String>,
    beside_abuse: Vec<String>,
    harassment: Vec<String>,
}

/// A group of a rule, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    rule: usize,
    group: usize,
}

/// Everything in `matters.yaml`.
struct Matters {
    /// Each rule's label and the number of its groups.
    rules: Vec<(Label, usize)>,
    groups: PhraseBook<Place>,
    numbers: Vec<Place>,
    thousands: Vec<Place>,
    bare: PhraseBook<Label>,
    abuse: PhraseBook<()>,
    beside_abuse: HashSet<String>,
    harassment: PhraseBook<()>,
}

impl Matters {
    fn get() -> &'static Self {
        static MATTERS: LazyLock<Matters> = LazyLock::new(|| {
            let file = serde_saphyr::from_str(include_str!("matters.yaml")).expect("a test reads the embedded file");
            Matters::build(file)
        });
        &MATTERS
    }

    fn build(file: File) -> Self {
        let book = |phrases: &[String]| {
            let mut book = PhraseBook::new();
            phrases.iter().for_each(|phrase| book.add((), phrase));
            book
        };
        let label = |word: &str| Label::parse(word).expect("a test reads the embedded file");
        let mut matters = Self {
            rules: Vec::new(),
            groups: PhraseBook::new(),
            numbers: Vec::new(),
            thousands: Vec::new(),
            bare: PhraseBook::new(),
            abuse: book(&file.abuse),
            beside_abuse: file.beside_abuse.iter().flat_map(|text| words(text)).collect(),
            harassment: book(&file.harassment),
        };
        for (word, rules) in &file.rules {
            for groups in rules {
                let rule = matters.rules.len();
                matters.rules.push((label(word), groups.len()));
                for (group, phrases) in groups.iter().enumerate() {
                    matters.add(Place { rule, group }, phrases);
                }
            }
        }
        for (word, phrases) in &file.bare {
            phrases.iter().for_each(|phrase| matters.bare.add(label(word), phrase));
        }
        matters
    }

    fn add(&mut self, place: Place, phrases: &[String]) {
        for phrase in phrases {
            match phrase.as_str() {
                NUMBER => self.numbers.push(place),
                THOUSANDS => self.thousands.push(place),
                phrase => self.groups.add(place, phrase),
            }
        }
    }

    /// The groups found in a sentence.
    fn found(&self, unit: &Unit<'_>) -> Vec<Place> {
        let digits = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let number = |word: &str| word.len() >= NUMBER_DIGITS_MIN && digits(word);
        let thousands = |word: &str| word.strip_suffix('k').is_some_and(digits);
        let any = |is: &dyn Fn(&str) -> bool| unit.tokens.iter().any(|token| is(&token.folded));
        let numbers = if any(&number) { &self.numbers[..] } else { &[] };
        let audience = if any(&thousands) { &self.thousands[..] } else { &[] };
        let figures = numbers.iter().chain(audience).copied();
        self.groups.find(&unit.tokens).into_iter().map(|found| found.sign).chain(figures).collect()
    }
}

/// What these sentences of one burst are to be parked as. `open_matter`: whether the shopper has written of a customer's
/// matter before, so that an insult is anger about it.
pub(super) fn label(units: &[Unit<'_>], open_matter: bool) -> Option<Label> {
    let matters = Matters::get();
    let found: Vec<Vec<Place>> = units.iter().map(|unit| matters.found(unit)).collect();
    let all: HashSet<Place> = found.iter().flatten().copied().collect();
    let complete = |rule: usize| (0..matters.rules[rule].1).all(|group| all.contains(&Place { rule, group }));
    let rules: BTreeSet<usize> = all.iter().map(|place| place.rule).filter(|rule| complete(*rule)).collect();
    let of = |label: Label| rules.iter().copied().filter(move |rule| matters.rules[*rule].0 == label);
    for label in ORDER {
        let rules: Vec<usize> = of(label).collect();
        let within = |unit: usize| found[unit].iter().any(|place| rules.contains(&place.rule));
        let asked_as = |unit: &Unit<'_>| label == Label::Phishing && unit.asks && !unit.text.contains("//");
        let spoken = (0..units.len()).any(|unit| within(unit) && !asked_as(&units[unit]));
        let customers = units.iter().enumerate().any(|(at, unit)| !within(at) && is_customers(unit));
        if !rules.is_empty() && spoken && !customers {
            return Some(label);
        }
    }
    if let Some(label) = bare(units) {
        return Some(label);
    }
    let molesting = units.iter().any(|unit| !matters.harassment.find(&unit.tokens).is_empty());
    let customers = units.iter().any(|unit| is_customers(unit) || unit.has_product_sign());
    (!customers && (molesting || (!open_matter && insults(units)))).then_some(Label::Insult)
}

/// Whether a sentence is plainly a customer's: about an order, or a question about products or policies.
fn is_customers(unit: &Unit<'_>) -> bool {
    let asks = unit.asks && (unit.has_product_sign() || unit.has(Sign::Policy));
    unit.has(Sign::Order) || unit.intent == Intent::Order || asks || unit.size.is_some()
}

/// "we love your brand! collab?": the word alone, beside nothing but courtesies.
fn bare(units: &[Unit<'_>]) -> Option<Label> {
    let matters = Matters::get();
    let alone = |unit: &Unit<'_>| {
        let matches = matters.bare.find(&unit.tokens);
        let covered = |at: usize| matches.iter().any(|found| found.covers(at));
        let courtesy = |at: usize| {
            unit.matches.iter().any(|found| found.covers(at) && found.sign.0.is_courtesy())
                || Cues::get().is_function_word(&unit.tokens[at])
        };
        let rest = (0..unit.tokens.len()).all(|at| covered(at) || courtesy(at));
        matches.first().filter(|_| rest).map(|found| found.sign)
    };
    let label = units.iter().find_map(alone)?;
    let customers = units.iter().any(|unit| is_customers(unit) || (unit.has_product_sign() && alone(unit).is_none()));
    (!customers).then_some(label)
}

/// Whether the sentences hold abuse and nothing else.
fn insults(units: &[Unit<'_>]) -> bool {
    let matters = Matters::get();
    let only_abuse = |unit: &Unit<'_>| {
        let matches = matters.abuse.find(&unit.tokens);
        let harmless = |at: usize| {
            let token = &unit.tokens[at];
            matches.iter().any(|found| found.covers(at))
                || matters.beside_abuse.contains(&token.folded)
                || Cues::get().is_function_word(token)
        };
        (!matches.is_empty() && (0..unit.tokens.len()).all(harmless), unit.intent == Intent::Greeting)
    };
    let read: Vec<(bool, bool)> = units.iter().map(only_abuse).collect();
    !units.iter().any(|unit| unit.asks)
        && read.iter().any(|(abuse, _)| *abuse)
        && read.iter().all(|(abuse, greeting)| *abuse || *greeting)
}

#[cfg(test)]
#[path = "matters_tests.rs"]
mod tests;
