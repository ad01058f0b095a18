//! "Yes!": an affirmation claims what was asked, so the question is judged as if the draft had stated it.

use super::{
    Kind, Limits, Violation,
    citation::Carriers,
    claim,
    lexicon::Claim,
    price,
    sentence::{Sentence, sentences},
    sheet::{Known, Piece, Sheet},
    stock,
};

/// Signs that nod without a word.
const NODS: [char; 8] = ['👍', '✅', '👌', '💯', '☑', '✔', '🆗', '🙆'];

/// How a draft says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nod {
    /// Not at all.
    None,
    /// And says itself what it affirms: "Yes, it is available in S."
    Explained,
    /// And leaves it to the question.
    Bare,
}

/// Whether a message nods with a sign.
pub(super) fn nods(message: &str) -> bool {
    message.contains(NODS)
}

/// How a sentence says yes.
pub(super) fn nod(sentence: &Sentence<'_>) -> Nod {
    // "Pues claro", "aber natürlich": a small word may lead up to it.
    const LEADS: [&str; 16] =
        ["pues", "aber", "mais", "ma", "oh", "ah", "well", "but", "na", "und", "et", "y", "e", "si", "oui", "ja"];
    let first = sentence.pieces.iter().position(|piece| matches!(piece, Piece::Word { .. } | Piece::Name(_)));
    let opens = |at: usize| {
        first.is_some_and(|first| at == first || (at == first + 1 && LEADS.contains(&sentence.words[first])))
    };
    let says_yes = sentence.all(Claim::Affirmation).any(|found| opens(found.first))
        && !sentence.has(Claim::Admission)
        && !sentence.plain_question();
    if !says_yes {
        return Nod::None;
    }
    let explains = [Claim::Available, Claim::Unavailable, Claim::WeaklyAvailable, Claim::CostWord];
    let figures =
        sentence.pieces.iter().any(|piece| matches!(piece, Piece::Number { .. } | Piece::CurrencySign { .. }));
    let names = sentence.names().next().is_some();
    if names && (figures || explains.into_iter().any(|claim| sentence.has(claim))) { Nod::Explained } else { Nod::Bare }
}

/// What is wrong with saying yes to the shopper's messages. `focus`: the products that the draft speaks of.
pub(super) fn check(
    nod: Nod,
    asked: &[&str],
    known: &Known<'_>,
    focus: &[usize],
    carriers: &Carriers,
    limits: Limits<'_>,
) -> Vec<Violation> {
    if nod == Nod::None {
        return Vec::new();
    }
    let alone = |reason| vec![Violation { kind: Kind::Stock, excerpt: "yes".to_owned(), reason }];
    if matches!(limits, Limits::PassedBefore) {
        let bare = nod == Nod::Bare && !known.products.is_empty() && !focus.is_empty();
        return if bare { alone("says yes without saying to what") } else { Vec::new() };
    }
    for text in asked {
        let sheet = Sheet::lay_out(text, known);
        let mut ceiling = None;
        let mut focus = focus.to_vec();
        for pieces in sentences(&sheet.pieces) {
            let mut sentence = Sentence::new(pieces, known.products, &focus);
            sentence.state(nod == Nod::Explained);
            // "Do you have dresses under 60?": what is shown in answer is held to the limit itself.
            let limited =
                sentence.names().next().is_none() && (sentence.has(Claim::LimitMax) || sentence.has(Claim::LimitMin));
            let mut violations = price::check(&sentence, limits, &mut ceiling, carriers);
            if limited {
                violations.clear();
            }
            violations.extend(stock::check(&sentence));
            if nod == Nod::Bare {
                violations.extend(claim::check(&sentence, carriers));
            }
            if let Some(violation) = violations.first() {
                let Violation { kind, excerpt, .. } = violation.clone();
                return vec![Violation { kind, excerpt, reason: "says yes to what the data does not say" }];
            }
            if let Some((_, bearers)) = sentence.names().last() {
                focus = bearers.to_vec();
            }
        }
    }
    Vec::new()
}
