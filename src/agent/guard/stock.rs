//! Stock: who says that something can or cannot be had must be right, for the very size and colour named.

use super::{
    Kind, Violation,
    lexicon::{Claim, Lexicon},
    sentence::Sentence,
    sheet::{Piece, Sheet},
    topic::TopicKind,
};
use crate::{
    agent::{cues::Cues, phrases::Match, text::words},
    domain::product::{Product, Variant},
};

/// Sizes given as bare numbers.
const SIZE_NUMBERS: std::ops::RangeInclusive<u32> = 16..=64;

/// Pieces between "we have" and the product's name.
const NAME_REACH: usize = 5;

/// The stretches of a sentence that say something of stock, and so were judged by the data.
pub(super) fn judged(sentence: &Sentence<'_>) -> Vec<(usize, usize)> {
    let says = |clause: &Clause| says(sentence, clause).is_some();
    clauses(sentence).into_iter().filter(says).map(|clause| (clause.from, clause.to)).collect()
}

/// A stretch of a sentence that makes one claim.
struct Clause {
    from: usize,
    to: usize,
}

/// Refuses every stock claim without evidence.
pub(super) fn check(sentence: &Sentence<'_>) -> Vec<Violation> {
    clauses(sentence).into_iter().filter_map(|clause| check_clause(sentence, &clause)).collect()
}

/// Cuts a sentence where it turns: "M is sold out, but S is available".
fn clauses(sentence: &Sentence<'_>) -> Vec<Clause> {
    let mut cuts: Vec<usize> = sentence.all(Claim::Contrast).map(|found| found.first).filter(|at| *at > 0).collect();
    cuts.push(sentence.pieces.len());
    cuts.sort_unstable();
    cuts.dedup();
    let mut from = 0;
    let clause = |to: usize| Clause { from: std::mem::replace(&mut from, to), to };
    cuts.into_iter().map(clause).collect()
}

/// What a clause says of stock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Can,
    Cannot,
    Both,
}

fn says(sentence: &Sentence<'_>, clause: &Clause) -> Option<Says> {
    strong(sentence, clause).or_else(|| weak(sentence, clause)).or_else(|| held(sentence, clause))
}

fn check_clause(sentence: &Sentence<'_>, clause: &Clause) -> Option<Violation> {
    let says = says(sentence, clause)?;
    let refuse =
        |reason| Some(Violation { kind: Kind::Stock, excerpt: sentence.excerpt(clause.from, clause.to), reason });
    let subjects = sentence.subjects(clause.from, clause.to);
    if subjects.is_empty() {
        return refuse("a stock claim without a product");
    }
    if says == Says::Both {
        return refuse("says two things of the stock at once");
    }
    let holds = |bearers: &&[usize]| {
        bearers.iter().any(|index| true_of(sentence, &sentence.products[*index], clause, says == Says::Can))
    };
    if subjects.iter().all(holds) { None } else { refuse("the product's data does not say so") }
}

fn inside<'a>(sentence: &'a Sentence<'_>, clause: &Clause, claim: Claim) -> impl Iterator<Item = &'a Match<Claim>> {
    let (from, to) = (clause.from, clause.to);
    sentence.all(claim).filter(move |found| from <= found.first && found.end() <= to)
}

fn strong(sentence: &Sentence<'_>, clause: &Clause) -> Option<Says> {
    let cannot: Vec<_> = inside(sentence, clause, Claim::Unavailable).collect();
    let covered = |at: usize| cannot.iter().any(|found| found.covers(at));
    let mut can = false;
    let mut denied = !cannot.is_empty();
    for found in inside(sentence, clause, Claim::Available).filter(|found| !covered(found.first)) {
        match negation(sentence, clause, found) {
            Negation::None => can = true,
            Negation::Clean => denied = true,
            Negation::Murky => return Some(Says::Both),
        }
    }
    // "Not sold out" claims that it can be had; such turns are refused rather than resolved.
    if cannot.iter().any(|found| denied_again(sentence, clause, found)) {
        return Some(Says::Both);
    }
    match (can, denied) {
        (true, true) => Some(Says::Both),
        (true, false) => Some(Says::Can),
        (false, true) => Some(Says::Cannot),
        (false, false) => None,
    }
}

/// "We have it in M" claims as much as "available", as soon as a form is named. Questions claim nothing.
fn weak(sentence: &Sentence<'_>, clause: &Clause) -> Option<Says> {
    let found = inside(sentence, clause, Claim::WeaklyAvailable).next()?;
    let names_form = sentence.subjects(clause.from, clause.to).iter().flat_map(|bearers| bearers.iter()).any(|index| {
        let named = named_values(sentence, &sentence.products[*index], clause.from, clause.to);
        !named.values.is_empty() || !named.unknown.is_empty() || names_something_else(sentence, clause, &named)
    });
    if !names_form || sentence.plain_question() {
        return None;
    }
    Some(match negation(sentence, clause, found) {
        Negation::None => Says::Can,
        Negation::Clean => Says::Cannot,
        Negation::Murky => Says::Both,
    })
}

/// "We have the Linen Shirt", "no problem in M": said of the product itself, or nodded towards a form of it.
fn held(sentence: &Sentence<'_>, clause: &Clause) -> Option<Says> {
    if sentence.plain_question() || sentence.has(Claim::Admission) {
        return None;
    }
    let sign = |at: usize| matches!(sentence.pieces[at], Piece::CurrencySign { .. }) && !is_value(sentence, at);
    let priced = (clause.from..clause.to).any(sign);
    let named = |at: usize| sentence.names().any(|(place, _)| place.abs_diff(at) <= NAME_REACH);
    let holds = inside(sentence, clause, Claim::Holds).find(|found| named(found.first) || named(found.end()));
    let form = || {
        sentence.subjects(clause.from, clause.to).iter().flat_map(|bearers| bearers.iter()).any(|index| {
            let named = named_values(sentence, &sentence.products[*index], clause.from, clause.to);
            !named.values.is_empty() || !named.unknown.is_empty()
        })
    };
    let assents = || inside(sentence, clause, Claim::Assent).next().filter(|_| !priced && form());
    // "I see the shirt in pink": a form after the product's name, and no price that would explain why it is named.
    let named_form = || {
        let at =
            (clause.from..clause.to).find(|at| matches!(sentence.words[*at], "in" | "en") && at + 1 < clause.to)?;
        let name = sentence.names().any(|(place, _)| clause.from <= place && place < clause.to);
        let form = is_form(sentence, at + 1) || is_value(sentence, at + 1);
        // "Returns in 30 days": what a number counts is no size.
        let counts = sentence.topics.iter().any(|found| found.sign.kind == TopicKind::Unit && found.first == at + 2);
        (name && form && !priced && !counts).then_some(Match { sign: Claim::Assent, first: at, length: 1 })
    };
    let found = match holds.or_else(assents) {
        Some(found) => *found,
        None => named_form()?,
    };
    Some(match negation(sentence, clause, &found) {
        Negation::None => Says::Can,
        Negation::Clean => Says::Cannot,
        Negation::Murky => Says::Both,
    })
}

/// How a claim is denied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Negation {
    None,
    /// Nothing but fillers and forms between the negation and the claim: "is not at the moment available".
    Clean,
    /// A negation is about, but what it denies is open: "no doubt it is available", "not only available".
    Murky,
}

fn negation(sentence: &Sentence<'_>, clause: &Clause, claim: &Match<Claim>) -> Negation {
    let (from, to) = breath(sentence, clause, claim);
    let harmless = |place: usize| match &sentence.pieces[place] {
        Piece::Word { folded, .. } => {
            Lexicon::get().is_filler(folded) || is_form(sentence, place) || is_value(sentence, place)
        }
        Piece::CurrencySign { .. } => is_value(sentence, place),
        Piece::Number { .. } | Piece::Name(_) | Piece::Slash | Piece::Break { .. } => true,
        _ => false,
    };
    let mut before =
        inside(sentence, clause, Claim::Negator).filter(|found| from <= found.first && found.end() <= claim.first);
    let mut murky = false;
    if before.any(|found| {
        let clean = (found.end()..claim.first).all(harmless);
        murky |= !clean;
        clean
    }) {
        return Negation::Clean;
    }
    // German denies at the end: "haben wir in M leider nicht".
    let mut after =
        inside(sentence, clause, Claim::Negator).filter(|found| claim.end() <= found.first && found.end() <= to);
    let closes = |found: &Match<Claim>| (claim.end()..found.first).chain(found.end()..to).all(harmless);
    if after.any(closes) {
        return Negation::Clean;
    }
    if murky { Negation::Murky } else { Negation::None }
}

/// The stretch around a claim that is said in one breath: no comma or dash in between.
fn breath(sentence: &Sentence<'_>, clause: &Clause, claim: &Match<Claim>) -> (usize, usize) {
    let pause = |piece: &Piece| matches!(piece, Piece::Comma | Piece::Dash);
    let from = sentence.pieces[clause.from..claim.first]
        .iter()
        .rposition(pause)
        .map_or(clause.from, |at| clause.from + at + 1);
    let to = sentence.pieces[claim.end()..clause.to].iter().position(pause).map_or(clause.to, |at| claim.end() + at);
    (from, to)
}

/// Whether a piece is part of an option value of any product: between a negation and its claim, forms may stand.
fn is_value(sentence: &Sentence<'_>, at: usize) -> bool {
    sentence.products.iter().any(|product| named_values(sentence, product, 0, sentence.pieces.len()).covers(at))
}

/// Whether "sold out" is itself denied by a word outside the phrase. French `n'` and `ne` only accompany the denial.
fn denied_again(sentence: &Sentence<'_>, clause: &Clause, claim: &Match<Claim>) -> bool {
    let (from, _) = breath(sentence, clause, claim);
    inside(sentence, clause, Claim::Negator).any(|found| {
        from <= found.first && found.end() <= claim.first && !matches!(sentence.words[found.first], "n" | "ne")
    })
}

/// The option values that a stretch of a sentence names of a product.
#[derive(Debug, Default)]
pub(super) struct Named<'p> {
    /// Per option, in the shop's words.
    values: Vec<(&'p str, Vec<&'p str>)>,
    /// Sizes and colours that the product does not have.
    unknown: Vec<usize>,
    covered: Vec<bool>,
    /// Whether a value means every other that names it: a shopper's "blue" is "Light Blue", too, where there is both.
    shades: bool,
}

impl Named<'_> {
    /// Whether the piece at an index is part of a value.
    pub(super) fn covers(&self, at: usize) -> bool {
        self.covered.get(at).is_some_and(|covered| *covered)
    }

    /// Whether a variant has one of the named values wherever any is named.
    pub(super) fn allow(&self, variant: &Variant) -> bool {
        self.values.iter().all(|(option, values)| values.iter().any(|value| self.has(variant, option, value)))
    }

    fn has(&self, variant: &Variant, option: &str, value: &str) -> bool {
        let shade = |known: &str| {
            let known = words(known);
            self.shades && words(value).iter().all(|word| known.contains(word))
        };
        variant.options.iter().any(|known| known.name == option && (known.value == value || shade(&known.value)))
    }
}

/// Finds the option values of a product in a stretch of a sentence, the longest first.
pub(super) fn named_values<'p>(sentence: &Sentence<'_>, product: &'p Product, from: usize, to: usize) -> Named<'p> {
    let covered = vec![false; sentence.pieces.len()];
    let mut named = Named { covered, shades: sentence.by_shopper, ..Named::default() };
    let mut values: Vec<(&str, &str)> = Vec::new();
    for option in product.variants.iter().flat_map(|variant| &variant.options) {
        if !values.contains(&(option.name.as_str(), option.value.as_str())) {
            values.push((&option.name, &option.value));
        }
    }
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (option, value) in values {
        let places = places_of(sentence, value, from, to, &named.covered);
        if places.is_empty() {
            continue;
        }
        places.iter().for_each(|(first, end)| named.covered[*first..*end].fill(true));
        match named.values.iter_mut().find(|(known, _)| *known == option) {
            Some((_, known)) => known.push(value),
            None => named.values.push((option, vec![value])),
        }
    }
    for at in (from..to).filter(|at| is_form(sentence, *at)) {
        match is_in_other_words(sentence, product, at) {
            true => named.covered[at] = true,
            false if !named.covered[at] => named.unknown.push(at),
            false => {}
        }
    }
    named
}

/// Whether a shopper's form is one that the product has in other words: "azul" where it has "Light Blue", "M" where it has
/// "Medium".
fn is_in_other_words(sentence: &Sentence<'_>, product: &Product, at: usize) -> bool {
    let cues = Cues::get();
    let (asked, shades) = (cues.letter_size(sentence.words[at]), cues.colour(sentence.words[at]));
    let means = |word: &String| {
        shades.is_some_and(|shades| shades.contains(word))
            || asked.is_some_and(|size| cues.letter_size(word) == Some(size))
    };
    let options = || product.variants.iter().flat_map(|variant| &variant.options);
    sentence.by_shopper && options().any(|option| words(&option.value).iter().any(means))
}

/// Where a value is named. A lone letter must be a capital: `M`, not the rest of `I'm`.
fn places_of(sentence: &Sentence<'_>, value: &str, from: usize, to: usize, covered: &[bool]) -> Vec<(usize, usize)> {
    let wanted = Sheet::of_value(value).pieces;
    if wanted.is_empty() || wanted.iter().all(is_function_word) {
        return Vec::new();
    }
    // "Blau" and "Blue": a colour may be said in the shopper's language.
    let group = match wanted.as_slice() {
        [Piece::Word { folded, .. }] => Cues::get().colour(folded),
        _ => None,
    };
    let same_colour = |word: &String| group.is_some_and(|group| group.contains(word));
    let stretch = &sentence.pieces[from..to];
    let fits = |window: &[Piece]| {
        window.iter().zip(&wanted).all(|(piece, wanted)| match (piece, wanted) {
            (Piece::Word { folded, upper, clipped, .. }, Piece::Word { folded: word, .. }) => {
                (folded == word || same_colour(folded)) && (folded.chars().count() > 1 || (*upper && !clipped))
            }
            (Piece::Number { text, .. }, Piece::Number { text: number, .. }) => text == number,
            (piece, wanted) => piece == wanted,
        })
    };
    let windows = stretch.windows(wanted.len()).enumerate();
    let places = windows.filter(|(_, window)| fits(window)).map(|(at, _)| (from + at, from + at + wanted.len()));
    places.filter(|(first, end)| !covered[*first..*end].contains(&true)).collect()
}

fn is_function_word(piece: &Piece) -> bool {
    matches!(piece, Piece::Word { folded, clipped, .. } if Cues::get().holds_sentences(folded, *clipped))
}

/// Whether a piece reads as a size or a colour.
pub(super) fn is_form(sentence: &Sentence<'_>, at: usize) -> bool {
    let after_size_word = at.checked_sub(1).is_some_and(|before| {
        matches!(
            sentence.words[before],
            "size"
                | "sizes"
                | "grosse"
                | "grossen"
                | "taille"
                | "tailles"
                | "talla"
                | "tallas"
                | "taglia"
                | "taglie"
                | "in"
                | "en"
        )
    });
    match &sentence.pieces[at] {
        Piece::Word { folded, upper, clipped, .. } => {
            let cues = Cues::get();
            let size = cues.letter_size(folded).is_some_and(|_| match folded.chars().count() {
                1 => *upper && !clipped,
                2..=5 if folded.contains('x') => true,
                _ => after_size_word,
            });
            size || cues.colour(folded).is_some()
        }
        Piece::Number { text, .. } => {
            let number = text.parse::<u32>().is_ok_and(|number| SIZE_NUMBERS.contains(&number));
            let money = matches!(sentence.pieces.get(at + 1), Some(Piece::CurrencySign { .. }));
            number && after_size_word && !money
        }
        _ => false,
    }
}

/// Whether a clause is true of a product.
fn true_of(sentence: &Sentence<'_>, product: &Product, clause: &Clause, can: bool) -> bool {
    let named = named_values(sentence, product, clause.from, clause.to);
    if can && (!named.unknown.is_empty() || names_something_else(sentence, clause, &named)) {
        return false;
    }
    if named.values.is_empty() {
        // "Not available in XXL" is true of a product that has no XXL.
        return if can { product.available() } else { !named.unknown.is_empty() || !product.available() };
    }
    let to_be_had = || product.variants.iter().filter(|variant| variant.stock.available() && named.allow(variant));
    if !can {
        return to_be_had().next().is_none();
    }
    // Every value that is named must be there together with the others: "White in S" needs a white S.
    named
        .values
        .iter()
        .all(|(option, values)| values.iter().all(|value| to_be_had().any(|variant| named.has(variant, option, value))))
}

/// "Available in walnut" where the product has no such value: whatever follows "in" must be one of its forms.
fn names_something_else(sentence: &Sentence<'_>, clause: &Clause, named: &Named<'_>) -> bool {
    let weak = inside(sentence, clause, Claim::WeaklyAvailable).chain(inside(sentence, clause, Claim::Holds));
    let ends = |at: usize| matches!(sentence.pieces.get(at), None | Some(Piece::Break { .. } | Piece::Comma));
    let unknown_form = |at: usize| {
        let word = |at: usize| matches!(&sentence.pieces[at], Piece::Word { folded, .. } if !Lexicon::get().is_no_form(folded));
        matches!(sentence.words[at], "in" | "en") && at + 1 < clause.to && word(at + 1) && !named.covered[at + 1]
    };
    let last_word = |at: usize| unknown_form(at) && (at + 2 >= clause.to || ends(at + 2));
    // "We have it in violet": the last word after "in" is a form, whatever word it is.
    let weak: Vec<&Match<Claim>> = weak.collect();
    let last_before = |at: usize| {
        at + 2 < clause.to && weak.iter().any(|found| (at + 2..=at + 4).contains(&found.first)) && unknown_form(at)
    };
    if weak.iter().map(|found| found.end()).min().is_some_and(|end| (end..clause.to).any(last_word))
        || (clause.from..clause.to).any(last_before)
    {
        return true;
    }
    inside(sentence, clause, Claim::Available).any(|found| {
        let mut at = found.end();
        if !matches!(sentence.words.get(at), Some(&("in" | "en"))) {
            return false;
        }
        at += 1;
        while sentence.words.get(at).is_some_and(|word| Lexicon::get().is_no_form(word)) {
            at += 1;
        }
        let free = at < clause.to && !named.covered[at];
        free && matches!(sentence.pieces[at], Piece::Word { .. } | Piece::Number { .. })
    })
}
