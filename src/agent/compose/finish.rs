//! What code adds to a draft and takes from it, whoever wrote it.

use super::{Facts, Writer, emoji, kept_words};
use crate::{
    agent::{
        card,
        text::{one_line, visible},
        writer::WriteRequest,
    },
    domain::reply::Draft,
};

/// Gives what somebody else wrote the shop's manners, which no model decides about: the greeting of a first answer, the
/// disclosure where the turn has to begin with it, the sign-off of a first answer, no more emoji than the shop wants, and no
/// character that nobody sees.
///
/// Greeting and disclosure open the first message, and the sign-off ends the last: messages of their own would be more to send.
#[must_use]
pub fn mannered(request: WriteRequest<'_>, mut draft: Draft) -> Draft {
    let facts = Facts::default();
    let writer = Writer::new(request.input, request.understanding.language, &facts);
    let persona = &request.input.persona;
    draft.messages = draft.messages.iter().map(|said| visible(said)).collect();
    let first = writer.is_first();
    let greeting = writer.in_own_language(persona.greeting.as_deref()).filter(|_| first);
    let sign_off = writer.in_own_language(persona.sign_off.as_deref()).filter(|_| first);
    // Whoever wrote it may have greeted and signed already.
    let begins = |text: &str, words: &str| one_line(text).to_lowercase().starts_with(&one_line(words).to_lowercase());
    let ends = |text: &str, words: &str| one_line(text).to_lowercase().ends_with(&one_line(words).to_lowercase());
    let greeted = |words: &&str| !draft.messages.first().is_some_and(|text| begins(text, words));
    let signed = |words: &&str| !draft.messages.last().is_some_and(|text| ends(text, words));
    let opening: Vec<String> =
        greeting.filter(greeted).map(str::to_owned).into_iter().chain(writer.disclosure()).collect();
    let sign_off = sign_off.filter(signed);
    if !opening.is_empty() {
        let opening = opening.join(" ");
        match draft.messages.first_mut() {
            Some(first) => *first = format!("{opening}\n\n{first}"),
            None => draft.messages.push(opening),
        }
    }
    if let (Some(words), Some(last)) = (sign_off, draft.messages.last_mut()) {
        last.push_str("\n\n");
        last.push_str(words);
    }
    let products = request.findings.evidence(request.input.now).products;
    let names: Vec<String> = products.iter().map(card::name).collect();
    emoji::limit(&mut draft.messages, persona.emoji_rule(), &kept_words(request.input, &names));
    draft
}

/// Writes the cards that a draft asks for. One of a product that this turn did not bring is not written, and stays among the
/// products for the guard to refuse.
#[must_use]
pub fn with_cards(request: WriteRequest<'_>, mut draft: Draft) -> Draft {
    let evidence = request.findings.evidence(request.input.now);
    let facts = Facts::default();
    let mut writer = Writer::new(request.input, request.understanding.language, &facts);
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
