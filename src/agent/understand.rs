//! What the shopper's open messages mean, taken together: a burst of "hi" and "do you have linen shirts?" is one question.

use super::{
    cues::{Cues, Sign},
    earlier::{self, Exchange},
    escalate, facts, language, matters,
    unit::Unit,
    wording::{Phrase, Wording},
};
use crate::{
    domain::{
        conversation::{Label, Message, Side},
        inbound::AttachmentKind,
        turn::TurnInput,
    },
    workflow::{Ask, Asked, Closing, Intent, Reference, Understanding, Wants},
};

/// Waves hello.
const WAVE: char = '👋';

/// Reads the open messages of a turn.
#[must_use]
pub fn understand(input: &TurnInput) -> Understanding {
    let texts: Vec<&str> = input.open.iter().filter(|message| !message.unsent).filter_map(text_of).collect();
    let (language, language_certain) = language::choose(&texts.join("\n"), input.language, input.tenant.language);
    let answered_in = input.persona.language.settle(language, input.tenant.language);
    let mut units = units(&texts);
    let exchanges = earlier::exchanges(&input.history);
    let mut understanding = combine(&units);
    let shown = shown(&input.open);
    let is_shown = names_nothing(&understanding) && !shown.is_empty();
    if is_shown {
        units.extend(shown);
        understanding = Understanding { explicit: true, ..combine(&units) };
    } else if units.is_empty() {
        understanding.intent = without_words(&input.open, &texts, is_answer(&input.history));
        understanding.closing = (understanding.intent == Intent::Thanks).then_some(Closing::Thanks);
    } else if names_nothing(&understanding) && input.open.iter().any(has_media) {
        understanding.intent = Intent::Media;
    }
    understanding.language = answered_in;
    understanding.written_in = (answered_in != language).then_some(language);
    understanding.language_certain = language_certain;
    settle_courtesies(&mut understanding, &units, &exchanges, &input.history);
    understanding.label = parked_as(&understanding, &units, &exchanges);
    if understanding.label.is_some() {
        (understanding.intent, understanding.beside, understanding.reference) = (Intent::NoCustomer, None, None);
    }
    // The same words beside another picture are another question.
    if !is_shown {
        understanding.asked = asked(&understanding, &texts, &exchanges, &input.history);
    }
    understanding.repeated = match understanding.intent {
        Intent::Thanks => needs_no_answer(&units, &input.history),
        // One sentence is enough, however much else is written in between.
        Intent::NoCustomer => bot_said(&input.history).any(|said| Wording::get().says(Phrase::PassedOn, said)),
        intent => repeated(intent, &input.history),
    };
    // Spam that names a topic is spam; an offer of business is no matter for people only where the shop does not say so.
    let worthless = matches!(understanding.label, Some(Label::Spam | Label::Phishing | Label::Insult));
    understanding.escalates = !worthless && escalate::is_due(&input.persona.escalate, &texts);
    if understanding.intent == Intent::Policy {
        understanding.told = facts::answering(&input.persona.facts, &texts);
    }
    understanding
}

/// The sentences of a text, for tests of this room.
#[cfg(test)]
pub(super) fn understand_sentences(text: &str) -> Vec<Unit<'_>> {
    units(&[text])
}

fn units<'t>(texts: &[&'t str]) -> Vec<Unit<'t>> {
    texts.iter().flat_map(|text| sentences(text)).map(Unit::read).collect()
}

/// Tells closings from answers to our own question ("ok", a thumb) and from greetings ("ciao").
fn settle_courtesies(
    understanding: &mut Understanding,
    units: &[Unit<'_>],
    exchanges: &[Exchange<'_>],
    history: &[Message],
) {
    let leaves = |unit: &Unit<'_>| unit.tokens.iter().all(|token| Cues::get().is_either_way(&token.folded));
    let spoken = exchanges.iter().any(|exchange| !exchange.answered.is_empty());
    match understanding.intent {
        Intent::Greeting if spoken && units.iter().all(leaves) => {
            (understanding.intent, understanding.closing) = (Intent::Thanks, Some(Closing::Farewell));
        }
        Intent::Thanks if !units.is_empty() => {
            let answers = !units.iter().any(Unit::closes_plainly) && is_answer(history);
            if answers {
                understanding.intent = Intent::Unclear;
            } else {
                understanding.closing = units.iter().filter_map(Unit::closing).min();
            }
        }
        _ => {}
    }
}

/// Whether the assistant spoke last, and asked something: then an "ok" answers it.
fn is_answer(history: &[Message]) -> bool {
    let asks = |line: &str| line.contains('?') && !line.contains("://");
    history
        .iter()
        .rev()
        .find(|message| message.side != Side::Shopper)
        .filter(|message| message.side == Side::Bot)
        .and_then(text_of)
        .is_some_and(|said| said.lines().any(asks))
}

/// What is no customer matter. What follows such a message without a wish of its own belongs to it.
fn parked_as(understanding: &Understanding, units: &[Unit<'_>], exchanges: &[Exchange<'_>]) -> Option<Label> {
    let of_exchange = |exchange: &Exchange<'_>| {
        let units = self::units(&exchange.asked);
        let says = says_something(&combine(&units), &units);
        (matters::label(&units, false), combine(&units), says)
    };
    let open_matter = || {
        exchanges.iter().any(|exchange| {
            let (label, read, _) = of_exchange(exchange);
            let matter = [Intent::Product, Intent::Policy, Intent::Order, Intent::Person, Intent::Anger];
            label.is_none() && matter.contains(&read.intent)
        })
    };
    matters::label(units, open_matter()).or_else(|| {
        let mut before =
            exchanges.iter().rev().map(of_exchange).skip_while(|(label, _, says)| label.is_none() && !says);
        if says_something(understanding, units) { None } else { before.next().and_then(|(label, ..)| label) }
    })
}

/// Whether words have a meaning of their own: "any news?" after an offer of work together has not.
fn says_something(read: &Understanding, units: &[Unit<'_>]) -> bool {
    match read.intent {
        Intent::Unclear | Intent::Thanks => false,
        Intent::Product => units.iter().any(|unit| unit.has_product_sign() || unit.is_particular()),
        Intent::Greeting
        | Intent::Policy
        | Intent::Order
        | Intent::Person
        | Intent::Anger
        | Intent::Media
        | Intent::NoCustomer => true,
    }
}

/// How often the same was asked before.
fn asked(understanding: &Understanding, texts: &[&str], exchanges: &[Exchange<'_>], history: &[Message]) -> Asked {
    let before = match understanding.intent {
        Intent::Greeting => {
            let greets = |exchange: &&Exchange<'_>| {
                combine(&units(&exchange.asked)).intent == Intent::Greeting && !exchange.answered.is_empty()
            };
            exchanges.iter().rev().take_while(greets).count()
        }
        Intent::Product | Intent::Policy | Intent::Order | Intent::Unclear => {
            earlier::same_question(texts, exchanges).len()
        }
        Intent::Person | Intent::Anger | Intent::Thanks | Intent::Media | Intent::NoCustomer => 0,
    };
    let last = bot_said(history).next();
    let says = |phrase| last.is_some_and(|said| Wording::get().says(phrase, said));
    match before {
        0 => Asked::First,
        1 => Asked::Again,
        _ if says(Phrase::WhatIsMissing) || (understanding.intent == Intent::Greeting && before > 2) => Asked::TooOften,
        _ => Asked::Often,
    }
}

/// What the assistant said, newest first.
fn bot_said(history: &[Message]) -> impl Iterator<Item = &str> {
    history.iter().rev().filter(|message| message.side == Side::Bot).filter_map(text_of)
}

/// Whether a closing is better left alone: it has no words, it thanks a person, one who is to come included, or it follows
/// our own closing.
fn needs_no_answer(units: &[Unit<'_>], history: &[Message]) -> bool {
    let last = history.iter().rev().find(|message| message.side != Side::Shopper);
    let wording = Wording::get();
    units.is_empty()
        || last.is_some_and(|last| last.side == Side::Person)
        || last.and_then(text_of).is_some_and(|said| {
            Phrase::CLOSINGS.iter().any(|phrase| wording.says_alone(*phrase, said))
                || Phrase::HAND_OVERS.iter().any(|phrase| wording.says(*phrase, said))
        })
}

fn text_of(message: &Message) -> Option<&str> {
    message.text.as_deref().filter(|text| !text.trim().is_empty())
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '?', '!', '\n', ';', '…']).filter(|part| part.chars().any(char::is_alphanumeric))
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
    let closed = units.iter().any(|unit| unit.intent == Intent::Thanks && unit.closes_plainly());
    let wished = !asked.is_empty() || products.iter().any(|unit| unit.is_particular());
    let order = [Intent::Person, Intent::Anger];
    let intent = order.into_iter().find(|intent| has(*intent)).unwrap_or_else(|| {
        let other = [Intent::Order, Intent::Policy].into_iter().find(|intent| has(*intent));
        match other {
            Some(other) if asked.is_empty() => other,
            // "Thanks! You saved my day": what is merely mentioned beside plain thanks is no question.
            _ if !products.is_empty() && (wished || !closed) => Intent::Product,
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
        closing: None,
        asked: Asked::First,
        label: None,
        written_in: None,
        escalates: false,
        told: Vec::new(),
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
        Intent::Policy
        | Intent::Order
        | Intent::Person
        | Intent::Anger
        | Intent::Thanks
        | Intent::Media
        | Intent::NoCustomer => false,
    }
}

/// The products that pictures show, where somebody has looked at them. Words that would mean anything else mean nothing:
/// nobody's picture calls a person.
fn shown(open: &[Message]) -> Vec<Unit<'_>> {
    let sights = open.iter().filter(|message| !message.unsent).flat_map(|message| &message.sights);
    let units = sights.map(|sight| Unit::read(&sight.product));
    units.filter(|unit| unit.intent == Intent::Product && !unit.content.is_empty()).collect()
}

/// Whether a message carries something to look at or listen to.
fn has_media(message: &Message) -> bool {
    !message.unsent
        && message.attachments.iter().any(|kind| !matches!(kind, AttachmentKind::Sticker | AttachmentKind::Link))
}

/// Messages without a single word: media, or emoji and punctuation. `answer`: our own question stands open.
fn without_words(open: &[Message], texts: &[&str], answer: bool) -> Intent {
    let cues = Cues::get();
    let stickers = open.iter().any(|message| message.attachments.contains(&AttachmentKind::Sticker));
    let holds = |kind: fn(&Cues, char) -> bool| texts.iter().any(|text| text.chars().any(|letter| kind(cues, letter)));
    let (thanks, approval) = (holds(Cues::is_thanks_emoji), holds(Cues::is_approval_emoji));
    if open.iter().any(has_media) {
        Intent::Media
    } else if texts.iter().any(|text| text.contains('?')) {
        Intent::Unclear
    } else if stickers || thanks || (approval && !answer) {
        Intent::Thanks
    } else if texts.iter().any(|text| text.contains(WAVE)) {
        Intent::Greeting
    } else {
        Intent::Unclear
    }
}

/// Whether the last thing the assistant said already was of this kind: then a second time helps nobody.
fn repeated(intent: Intent, history: &[Message]) -> bool {
    let kinds: &[Phrase] = match intent {
        Intent::Unclear | Intent::Product => &[Phrase::Clarify, Phrase::WhichProduct],
        Intent::Media => &[Phrase::Media],
        Intent::Greeting
        | Intent::Policy
        | Intent::Order
        | Intent::Person
        | Intent::Anger
        | Intent::Thanks
        | Intent::NoCustomer => &[],
    };
    let last = history.iter().rev().find(|message| message.side != Side::Shopper);
    let said = last.filter(|message| message.side == Side::Bot).and_then(|message| message.text.as_deref());
    said.is_some_and(|said| kinds.iter().any(|kind| Wording::get().says(*kind, said)))
}

#[cfg(test)]
#[path = "understand_tests.rs"]
mod tests;
