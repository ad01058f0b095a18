//! The rule for everything that no other rule knows: a sentence goes out only when every word of it is accounted for.
//!
//! Words are accounted for by the small talk of one language (`plain.yaml`), by the data of the products spoken of (names,
//! forms, prices and stock, which their own rules judge), or by a source that the draft cites and that has them in the same
//! order, under the same negation and with the same conditions. Anything else would be a promise or a claim that nobody can
//! vouch for, whatever it is about and in whatever language, so it is refused without having to be understood.

use super::{
    Kind, Violation, asked,
    citation::Carriers,
    lexicon::{Claim, Lexicon},
    numeral,
    plain::{Plain, Role, Vocabulary},
    price,
    sentence::{Row, Sentence},
    sheet::Piece,
    stock,
    topic::TopicKind,
};
use crate::agent::{phrases::Match, text::words};

/// Words of an excerpt that goes back to the model.
const EXCERPT_WORDS_MAX: usize = 8;

/// Pieces between a number in words and what it counts.
const COUNTED_REACH: usize = 2;

/// Pieces between "no" and what it denies.
const DENIED_REACH: usize = 2;

/// How a piece of a sentence is accounted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    /// Not at all.
    Stray,
    /// It says nothing by itself.
    Glue,
    /// It is what a sentence may be there for.
    Anchor,
}

/// What opens a breath whose admission stands in another: "When it arrives, I can't tell you".
const OPEN: [&str; 16] = [
    "when", "if", "whether", "how", "wann", "ob", "wie", "quand", "si", "comment", "cuando", "como", "quando", "se",
    "come", "about",
];

/// Refuses a sentence with words that nothing accounts for. `asked`: what the shopper wrote, which an answer may repeat where
/// it says that nothing was found.
pub(super) fn check(sentence: &Sentence<'_>, carriers: &Carriers, asked: &[&str]) -> Option<Violation> {
    let says = |piece: &Piece| matches!(piece, Piece::Word { .. } | Piece::Number { .. });
    let only_asks = sentence.plain_question() && !offers(sentence);
    if only_asks || !sentence.pieces.iter().any(says) {
        return None;
    }
    let mut by_data = by_data(sentence);
    by_source(sentence, carriers, &mut by_data);
    let tries = Plain::get().vocabularies().iter().map(|words| in_language(sentence, words, &by_data, carriers, asked));
    let stray = tries.min_by_key(Vec::len)?;
    let (first, last) = (*stray.first()?, *stray.last()?);
    let excerpt = sentence.excerpt(first, (last + 1).min(first + EXCERPT_WORDS_MAX));
    Some(Violation { kind: Kind::Claim, excerpt, reason: "neither the data nor a cited source says so" })
}

/// What the data of the products and the rules for it account for, whatever the language.
fn by_data(sentence: &Sentence<'_>) -> Vec<Account> {
    let mut accounts = vec![Account::Stray; sentence.pieces.len()];
    let prices = price::places(sentence);
    let titles = titles(sentence);
    for (at, piece) in sentence.pieces.iter().enumerate() {
        accounts[at] = match piece {
            Piece::Name(_) | Piece::Link(_) => Account::Anchor,
            Piece::CurrencySign { .. }
            | Piece::PercentSign
            | Piece::Slash
            | Piece::Dash
            | Piece::Comma
            | Piece::Break { .. } => Account::Glue,
            Piece::Number { .. } if prices.contains(&at) => Account::Anchor,
            // A percentage that got here stands in the description.
            Piece::Number { .. } if sentence.pieces.get(at + 1) == Some(&Piece::PercentSign) => Account::Glue,
            Piece::Word { folded, .. } if beside(&prices, at) && Lexicon::get().is_currency_word(folded) => {
                Account::Glue
            }
            Piece::Word { folded, .. } if titles.iter().any(|title| alike(title, folded)) => Account::Glue,
            Piece::Word { .. } | Piece::Number { .. } if price::is_form(sentence, at) => Account::Glue,
            Piece::Word { .. } | Piece::Number { .. } => Account::Stray,
        };
    }
    // "Yes, it is!": what a nod claims is judged by what it nods to.
    let affirmed = |at: usize| sentence.all(Claim::Affirmation).any(|found| found.covers(at));
    let word = |at: &usize| !sentence.words[*at].is_empty();
    if asked::nod(sentence) != asked::Nod::None && (0..accounts.len()).filter(word).all(affirmed) {
        accounts.fill(Account::Anchor);
    }
    accounts
}

/// What a cited source says in words of its own or of another language: topics, numbers and what they count.
fn by_source(sentence: &Sentence<'_>, carriers: &Carriers, accounts: &mut [Account]) {
    if !carriers.carry(sentence, &price::places(sentence)) {
        return;
    }
    let units: Vec<usize> =
        sentence.topics.iter().filter(|found| found.sign.kind == TopicKind::Unit).map(|found| found.first).collect();
    let counts = |at: usize| units.iter().any(|unit| (at + 1..=at + COUNTED_REACH).contains(unit));
    // "Enthält keine Nüsse": that the source denies the same has been compared; the word for it may be another language's.
    let topics = || sentence.topics.iter().filter(|found| found.sign.kind != TopicKind::Unit);
    let denials = sentence
        .all(Claim::Negator)
        .filter(|it| topics().any(|found| it.end() <= found.first && found.first - it.end() < DENIED_REACH));
    denials.for_each(|it| accounts[it.first..it.end()].fill(Account::Glue));
    for (at, piece) in sentence.pieces.iter().enumerate() {
        let told = match piece {
            Piece::Number { .. } => true,
            Piece::Word { folded, .. } => {
                folded.starts_with(|letter: char| letter.is_ascii_digit())
                    || sentence.topics.iter().any(|found| found.covers(at))
                    || (numeral::value(folded).is_some() && counts(at))
            }
            _ => false,
        };
        if told {
            accounts[at] = Account::Anchor;
        }
    }
}

fn beside(places: &[usize], at: usize) -> bool {
    places.iter().any(|place| place.abs_diff(at) == 1)
}

/// The words by which the products spoken of, or, where it cannot be told, those of the turn, are called.
fn titles(sentence: &Sentence<'_>) -> Vec<String> {
    let spoken: Vec<usize> =
        sentence.subjects(0, sentence.pieces.len()).into_iter().flat_map(|bearers| bearers.iter().copied()).collect();
    let all = 0..sentence.products.len();
    let meant: Vec<usize> = if spoken.is_empty() { all.collect() } else { spoken };
    let called = meant.into_iter().map(|index| &sentence.products[index]);
    called
        .flat_map(|product| [Some(&product.title), product.brand.as_ref(), product.category.as_ref()])
        .flatten()
        .flat_map(|text| words(text))
        .collect()
}

/// "Dress" and "dresses", "Hemd" and "Hemden": one word but for its ending.
fn alike(one: &str, other: &str) -> bool {
    const STEM_MIN: usize = 4;
    const ENDING_MAX: usize = 2;
    if one == other {
        return true;
    }
    let shared = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let rest = |word: &str| word.chars().count() - shared;
    shared >= STEM_MIN && rest(one) <= ENDING_MAX && rest(other) <= ENDING_MAX
}

/// The pieces that a language's words do not account for either; empty when the sentence may go.
fn in_language(
    sentence: &Sentence<'_>,
    vocabulary: &Vocabulary,
    by_data: &[Account],
    carriers: &Carriers,
    asked: &[&str],
) -> Vec<usize> {
    let row = Row::of(sentence.pieces, &sentence.words);
    let found = row.places(vocabulary.phrases().find(&row.words));
    let mut accounts = by_data.to_vec();
    let has = |role: Role| found.iter().any(|it| it.sign == role);
    let (ignorant, passes_on, nothing) = (has(Role::Ignorance), has(Role::PassOn), has(Role::Nothing));
    let priced = !price::places(sentence).is_empty();
    let judged = stock::judged(sentence);
    for it in &found {
        let account = match it.sign {
            Role::Word => Account::Glue,
            Role::Tone | Role::Ignorance | Role::PassOn | Role::Nothing => Account::Anchor,
            Role::Matter if ignorant || passes_on || nothing => Account::Glue,
            Role::Price if priced => Account::Glue,
            Role::Lead if carriers.any() => Account::Glue,
            Role::Stock if judged.iter().any(|(from, to)| *from <= it.first && it.end() <= *to) => Account::Anchor,
            Role::Matter | Role::Price | Role::Stock | Role::Lead | Role::Offer | Role::Condition => continue,
        };
        for held in &mut accounts[it.first..it.end()] {
            *held = account.max(*held);
        }
    }
    if ignorant {
        admit(sentence, &found, &mut accounts);
    }
    if nothing {
        repeat(sentence, asked, &mut accounts);
    }
    let mut stray = strays(&accounts);
    if !stray.is_empty() && carriers.have(sentence, &stray) {
        stray.iter().for_each(|at| accounts[*at] = Account::Anchor);
        stray.clear();
    }
    if stray.is_empty() && !accounts.contains(&Account::Anchor) {
        return (0..accounts.len()).filter(|at| !sentence.words[*at].is_empty()).collect();
    }
    stray
}

fn strays(accounts: &[Account]) -> Vec<usize> {
    accounts.iter().enumerate().filter(|(_, held)| **held == Account::Stray).map(|(at, _)| at).collect()
}

/// "Shall I put one aside for you?" asks, and promises what it offers.
fn offers(sentence: &Sentence<'_>) -> bool {
    let first = sentence.words.iter().position(|word| !word.is_empty()).unwrap_or_default();
    let row = Row::of(sentence.pieces, &sentence.words);
    Plain::get().vocabularies().iter().any(|vocabulary| {
        let found = row.places(vocabulary.phrases().find(&row.words));
        found.iter().any(|it| it.sign == Role::Offer && it.first <= first + 1)
    })
}

/// What is said in the breath of an admission, and the open question that it answers, is no claim.
fn admit(sentence: &Sentence<'_>, found: &[Match<Role>], accounts: &mut [Account]) {
    let admissions: Vec<usize> = found.iter().filter(|it| it.sign == Role::Ignorance).map(|it| it.first).collect();
    for (at, account) in accounts.iter_mut().enumerate() {
        let (from, to) = sentence.breath(at);
        let open = sentence.words[from..=at].iter().find(|word| !word.is_empty()).is_some_and(|it| OPEN.contains(it));
        if open || admissions.iter().any(|place| (from..to).contains(place)) {
            *account = (*account).max(Account::Glue);
        }
    }
}

/// "I found nothing in purple": what was looked for may be repeated.
fn repeat(sentence: &Sentence<'_>, asked: &[&str], accounts: &mut [Account]) {
    let asked: Vec<String> = asked.iter().flat_map(|text| words(text)).collect();
    for (at, piece) in sentence.pieces.iter().enumerate() {
        let said = matches!(piece, Piece::Word { folded, .. } if asked.iter().any(|word| alike(word, folded)));
        if said || stock::is_form(sentence, at) {
            accounts[at] = accounts[at].max(Account::Glue);
        }
    }
}
