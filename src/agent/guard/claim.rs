//! Claims that products' data hardly ever carries: reductions, gifts, delivery dates, returns, haste.

use super::{
    Kind, Violation, citation,
    citation::Carriers,
    lexicon::{Claim, Lexicon},
    numeral, price,
    sentence::Sentence,
    sheet::{Piece, Sheet},
    topic::{Topic, TopicKind, Topics},
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

/// Refuses every such claim in a sentence that no citation carries.
pub(super) fn check(sentence: &Sentence<'_>, carriers: &Carriers) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refuse = |claim, kind, reason| {
        let found = sentence.all(claim).find(|found| !harmless(sentence, found.first, found.end()));
        violations.extend(found.map(|found| violation(sentence, found.first, found.end(), kind, reason)));
    };
    refuse(Claim::Scarcity, Kind::Scarcity, "not to be said");
    refuse(Claim::SpelledLink, Kind::Link, "an address in words");
    violations.extend(counted_pieces(sentence));
    violations.extend(contacts(sentence));
    let mut unsourced = topics(sentence);
    unsourced.extend(spans(sentence));
    unsourced.extend(percentages(sentence));
    if !unsourced.is_empty() && !carriers.carry(sentence, &price::places(sentence)) {
        violations.append(&mut unsourced);
    }
    violations
}

fn violation(sentence: &Sentence<'_>, from: usize, to: usize, kind: Kind, reason: &'static str) -> Violation {
    Violation { kind, excerpt: sentence.excerpt(from, to), reason }
}

/// What may only be said with a source, one violation a kind.
fn topics(sentence: &Sentence<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    let plain_question = sentence.plain_question();
    let reduced = reduced(sentence);
    for found in &sentence.topics {
        let Topic { kind, .. } = found.sign;
        let Some(violated) = kind.violated() else { continue };
        let known = violations.iter().any(|before| before.kind == violated);
        let carried_by_price = kind == TopicKind::Discount && reduced && !Topics::get().is_code(found.sign);
        // `lieferbar` and "ready to ship" are words of stock, which the stock rules judge.
        let of_stock = kind == TopicKind::Delivery
            && [Claim::Available, Claim::Unavailable]
                .into_iter()
                .any(|claim| sentence.all(claim).any(|stock| stock.covers(found.first)));
        if known
            || of_stock
            || carried_by_price
            || harmless(sentence, found.first, found.end())
            || (plain_question && kind.may_be_asked())
            || admitted(sentence, found.first)
            || citation::is_freedom(sentence.pieces, &sentence.words, &sentence.topics, found)
        {
            continue;
        }
        violations.push(violation(sentence, found.first, found.end(), violated, "no cited source carries it"));
    }
    violations
}

/// "I can't tell you when it arrives": said in the breath of an admission, or as the question that it answers.
fn admitted(sentence: &Sentence<'_>, at: usize) -> bool {
    const OPEN: [&str; 16] = [
        "when", "if", "whether", "how", "wann", "ob", "wie", "quand", "si", "comment", "cuando", "como", "quando",
        "se", "come", "about",
    ];
    let (from, _) = sentence.breath(at);
    let open = sentence.words[from..=at].iter().find(|word| !word.is_empty()).is_some_and(|word| OPEN.contains(word));
    sentence.has_in_breath(Claim::Admission, at) || (open && sentence.has(Claim::Admission))
}

/// A number with a span of time is a date, a period of return, or a warranty.
fn spans(sentence: &Sentence<'_>) -> Option<Violation> {
    const REACH: usize = 3;
    let number = |at: usize| match &sentence.pieces[at] {
        Piece::Number { .. } => true,
        Piece::Word { folded, .. } => numeral::value(folded).is_some_and(|value| value > 1),
        _ => false,
    };
    let glued = |piece: &Piece| {
        let Piece::Word { folded, .. } = piece else { return false };
        folded.starts_with(|letter: char| letter.is_ascii_digit()) && folded.ends_with('h')
    };
    let counted = sentence.topics.iter().filter(|found| Topics::get().is_span(found.sign));
    let counted = counted
        .filter(|found| (found.first.saturating_sub(REACH)..found.first).any(number))
        .map(|found| (found.first.saturating_sub(1), found.end()));
    let hours = sentence.pieces.iter().position(glued).map(|at| (at, at + 1));
    let (from, to) = counted.chain(hours).find(|(from, _)| !harmless(sentence, *from, from + 1))?;
    (!sentence.plain_question()).then(|| violation(sentence, from, to, Kind::Delivery, "a time without a source"))
}

/// "We have exactly 3 pieces": a number of pieces is not said at all.
fn counted_pieces(sentence: &Sentence<'_>) -> Option<Violation> {
    const REACH: usize = 2;
    let counts = |at: usize| match &sentence.pieces[at] {
        Piece::Number { text, .. } => text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < 4,
        Piece::Word { folded, .. } => numeral::value(folded).is_some_and(|value| value > 1),
        _ => false,
    };
    let words = sentence.all(Claim::PieceWord).filter(|found| !harmless(sentence, found.first, found.end()));
    let counted = words.filter_map(|found| {
        let near = found.first.saturating_sub(REACH)..found.first;
        // "Available in size 38: in stock": a form is no count.
        let at = near.rev().find(|at| counts(*at) && !price::is_form(sentence, *at))?;
        let unbroken = sentence.pieces[at..found.first]
            .iter()
            .all(|piece| !matches!(piece, Piece::Comma | Piece::Dash | Piece::CurrencySign { .. }));
        unbroken.then_some((at, found.end()))
    });
    let (from, to) = counted.into_iter().next().or_else(|| counted_at_the_end(sentence))?;
    Some(violation(sentence, from, to, Kind::Scarcity, "a number of pieces"))
}

/// "We still have exactly 3."
fn counted_at_the_end(sentence: &Sentence<'_>) -> Option<(usize, usize)> {
    let last = sentence.pieces.iter().rposition(|piece| !matches!(piece, Piece::Break { .. }))?;
    let small = matches!(&sentence.pieces[last], Piece::Number { text, .. } if text.len() < 3);
    let had = sentence.has(Claim::Holds) || sentence.has(Claim::WeaklyAvailable);
    let listed = last
        .checked_sub(1)
        .is_some_and(|before| matches!(sentence.pieces[before], Piece::Comma | Piece::CurrencySign { .. }));
    (small && had && !listed && !price::is_form(sentence, last)).then_some((last, last + 1))
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
    let words_of_value = Sheet::words(&sheet.pieces);
    let claims = Lexicon::get().phrases().find(&words_of_value);
    let topics = Topics::get().phrases().find(&words_of_value);
    sheet.disguises.is_empty()
        && sheet.pieces.iter().all(readable)
        && sheet.pieces.iter().any(says_something)
        && claims.iter().all(|found| matches!(found.sign, Claim::NoForm | Claim::Asks | Claim::Assent | Claim::Filler))
        && topics.iter().all(|found| found.sign.kind.violated().is_none())
        && super::link::foreign(value).is_empty()
        && words(value).join(" ") != "default title"
}

/// "Feel free".
fn harmless(sentence: &Sentence<'_>, from: usize, to: usize) -> bool {
    sentence.all(Claim::Harmless).any(|found| found.first < to && from < found.end())
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

/// A percentage stands only where the product's own description has it with the same words: "100% linen".
fn percentages(sentence: &Sentence<'_>) -> Vec<Violation> {
    let signs = sentence.pieces.iter().enumerate().filter(|(_, piece)| **piece == Piece::PercentSign).map(|(at, _)| at);
    let spelled = sentence.all(Claim::Percent).map(|found| found.first);
    let places: Vec<usize> = signs.chain(spelled).collect();
    let unsourced = places.into_iter().filter(|at| discounted(sentence) || !described(sentence, *at));
    let violation = |at: usize| Violation {
        kind: Kind::Discount,
        excerpt: sentence.excerpt(at.saturating_sub(1), at + 2),
        reason: "a percentage without a source",
    };
    unsourced.map(violation).collect()
}

fn discounted(sentence: &Sentence<'_>) -> bool {
    sentence.topics.iter().any(|found| found.sign.kind == TopicKind::Discount)
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
