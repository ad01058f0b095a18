//! What code adds to a draft, whoever wrote it.

use super::{Facts, Writer};
use crate::{agent::writer::WriteRequest, domain::reply::Draft};

/// Puts the disclosure before what somebody else wrote, where the turn has to begin with it: no model decides whether
/// shoppers are told that they speak with an assistant. It opens the first message: a message of its own would be one more to
/// send.
#[must_use]
pub fn disclosed(request: WriteRequest<'_>, mut draft: Draft) -> Draft {
    let facts = Facts::default();
    if let Some(disclosure) = Writer::new(request.input, request.understanding.language, &facts).disclosure() {
        match draft.messages.first_mut() {
            Some(first) => *first = format!("{disclosure}\n\n{first}"),
            None => draft.messages.push(disclosure),
        }
    }
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
