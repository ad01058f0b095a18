//! Claims that products' data hardly ever carries: reductions, gifts, delivery dates, returns, haste.

use super::{
    Kind, Violation,
    lexicon::{Claim, Lexicon},
    sentence::Sentence,
    sheet::{Piece, Sheet},
};
use crate::{
    agent::{
        cues::Cues,
        text::{one_line, words},
    },
    domain::product::Product,
};

/// So many digits in a row are a telephone or account number, not a size.
const CONTACT_DIGITS_MIN: usize = 7;

/// Refuses every such claim in a sentence.
pub(super) fn check(sentence: &Sentence<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refuse = |claim, kind, reason| {
        let found = sentence.all(claim).find(|found| !harmless(sentence, found.first));
        violations.extend(found.map(|found| Violation {
            kind,
            excerpt: sentence.excerpt(found.first, found.end()),
            reason,
        }));
    };
    if !reduced(sentence) {
        refuse(Claim::Discount, Kind::Discount, "the product's data knows no reduction");
    }
    refuse(Claim::BargainCode, Kind::Discount, "no source carries it");
    refuse(Claim::Free, Kind::Free, "no source carries it");
    refuse(Claim::Restock, Kind::Delivery, "no source carries it");
    refuse(Claim::Policy, Kind::Policy, "no source carries it");
    refuse(Claim::Scarcity, Kind::Scarcity, "not to be said");
    refuse(Claim::SpelledLink, Kind::Link, "an address in words");
    if sentence.has(Claim::Time) || has_bare_number(sentence) {
        refuse(Claim::Delivery, Kind::Delivery, "a delivery date without a source");
    }
    violations.extend(percentages(sentence));
    violations.extend(contacts(sentence));
    violations
}

/// Whether a value can be listed without sounding like a claim.
pub(super) fn is_plain_value(value: &str) -> bool {
    let sheet = Sheet::of_value(value);
    let readable = |piece: &Piece| match piece {
        Piece::Word { folded, upper, .. } => {
            (folded.chars().count() > 1 || *upper) && !Lexicon::get().is_currency_word(folded)
        }
        Piece::Number { text, dashed } => {
            !dashed && text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < CONTACT_DIGITS_MIN
        }
        Piece::Slash | Piece::Dash => true,
        _ => false,
    };
    let says_something = |piece: &Piece| match piece {
        Piece::Word { folded, clipped, .. } => !Cues::get().holds_sentences(folded, *clipped),
        Piece::Number { .. } => true,
        _ => false,
    };
    let claims = Lexicon::get().phrases().find(&Sheet::words(&sheet.pieces));
    sheet.disguises.is_empty()
        && sheet.pieces.iter().all(readable)
        && sheet.pieces.iter().any(says_something)
        && claims.iter().all(|found| found.sign == Claim::NoForm)
        && super::link::foreign(value).is_empty()
        && words(value).join(" ") != "default title"
}

/// "Feel free", and "PVC-free".
fn harmless(sentence: &Sentence<'_>, at: usize) -> bool {
    sentence.all(Claim::Harmless).any(|found| found.covers(at))
        || matches!(sentence.pieces.get(at), Some(Piece::Word { hyphened: true, .. }))
}

/// Whether every product that the sentence speaks of is reduced.
fn reduced(sentence: &Sentence<'_>) -> bool {
    let is_reduced = |product: &Product| {
        product.variants.iter().any(|variant| matches!((variant.price, variant.compare_at), (Some(now), Some(before)) if now.minor < before.minor))
    };
    let subjects = sentence.subjects(0, sentence.pieces.len());
    !subjects.is_empty()
        && subjects.iter().all(|bearers| bearers.iter().any(|index| is_reduced(&sentence.products[*index])))
}

/// A number that is no price: with a delivery word it counts days.
fn has_bare_number(sentence: &Sentence<'_>) -> bool {
    sentence.pieces.iter().any(|piece| match piece {
        Piece::Number { .. } => true,
        Piece::Word { folded, .. } => {
            folded.starts_with(|letter: char| letter.is_ascii_digit()) && folded.ends_with('h')
        }
        _ => false,
    })
}

/// A percentage stands only where the product's own description has it with the same words: "100% linen".
fn percentages(sentence: &Sentence<'_>) -> Vec<Violation> {
    let signs = sentence.pieces.iter().enumerate().filter(|(_, piece)| **piece == Piece::PercentSign).map(|(at, _)| at);
    let spelled = sentence.all(Claim::Percent).map(|found| found.first);
    let places: Vec<usize> = signs.chain(spelled).collect();
    let unsourced = places.into_iter().filter(|at| sentence.has(Claim::Discount) || !described(sentence, *at));
    let violation = |at: usize| Violation {
        kind: Kind::Discount,
        excerpt: sentence.excerpt(at.saturating_sub(1), at + 2),
        reason: "a percentage without a source",
    };
    unsourced.map(violation).collect()
}

/// Whether the descriptions of the products spoken of hold "NUMBER % WORD" as the sentence does.
fn described(sentence: &Sentence<'_>, at: usize) -> bool {
    let number = at.checked_sub(1).map(|before| sentence.words[before]).filter(|word| !word.is_empty());
    let following = sentence.words.get(at + 1..).unwrap_or_default().iter().find(|word| !word.is_empty());
    let (Some(number), Some(following)) = (number, following) else { return false };
    let phrase_in = |product: &Product| {
        let text = format!("{} {}", one_line(&product.title), one_line(&product.description));
        let sheet = Sheet::of_value(&text);
        let words = Sheet::words(&sheet.pieces);
        words.windows(3).any(|window| window[0] == number && window[1].is_empty() && window[2] == *following)
    };
    let subjects = sentence.subjects(0, sentence.pieces.len());
    subjects.iter().flat_map(|bearers| bearers.iter()).any(|index| phrase_in(&sentence.products[*index]))
}

fn contacts(sentence: &Sentence<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut digits = 0;
    let mut start = 0;
    for (at, piece) in sentence.pieces.iter().enumerate() {
        match piece {
            Piece::Number { text, .. } => {
                start = if digits == 0 { at } else { start };
                digits += text.bytes().filter(u8::is_ascii_digit).count();
            }
            Piece::Dash | Piece::Slash if digits > 0 => {}
            _ => digits = 0,
        }
        let priced = matches!(sentence.pieces.get(at + 1), Some(Piece::CurrencySign { .. }));
        if digits >= CONTACT_DIGITS_MIN && !priced && !is_price_digits(sentence, start, at) {
            let excerpt = sentence.excerpt(start, at + 1);
            violations.push(Violation { kind: Kind::Link, excerpt, reason: "a telephone or account number" });
            digits = 0;
        }
    }
    violations
}

/// Large amounts have many digits, too; the price rules judge those.
fn is_price_digits(sentence: &Sentence<'_>, from: usize, to: usize) -> bool {
    let money = |at: usize| match sentence.pieces.get(at) {
        Some(Piece::CurrencySign { .. }) => true,
        Some(Piece::Word { folded, .. }) => {
            Lexicon::get().is_currency_word(folded)
                || sentence
                    .products
                    .iter()
                    .filter_map(Product::currency)
                    .any(|code| code.code().eq_ignore_ascii_case(folded))
        }
        _ => false,
    };
    from == to && (money(to + 1) || from.checked_sub(1).is_some_and(money))
}
