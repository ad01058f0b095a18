//! Prices: every amount in a draft is a price of the product it stands with, or a limit that the shopper named.

use super::{
    Kind, Limits, Violation,
    citation::Carriers,
    lexicon::{Claim, Lexicon},
    numeral,
    sentence::Sentence,
    sheet::Piece,
    stock::named_values,
};
use crate::{
    agent::money_text::readings,
    domain::{Currency, Money, product::Product, product::Variant},
};

/// Pieces between "under" and its amount: "under just about €60".
const LIMIT_REACH: usize = 3;

/// Pieces between "instead of" or "from" and its amount.
const MODIFIER_REACH: usize = 2;

/// Pieces between "costs" and a bare number.
const COST_REACH: usize = 4;

/// Units that make a decimal number a measure.
const UNITS: [&str; 18] =
    ["cm", "mm", "m", "km", "kg", "g", "mg", "l", "ml", "cl", "oz", "lb", "lbs", "inch", "inches", "zoll", "w", "v"];

/// Before a bare number at the end of a clause these make it a price.
const PRICE_INTRODUCERS: [&str; 20] = [
    "is",
    "for",
    "at",
    "only",
    "just",
    "ist",
    "fur",
    "um",
    "nur",
    "est",
    "pour",
    "seulement",
    "es",
    "por",
    "solo",
    "a",
    "per",
    "e",
    "soli",
    "s",
];

/// Words of money that mean nothing else: they need a number.
const MONEY_WORDS: [&str; 15] = [
    "euro", "euros", "eur", "dollar", "dollars", "usd", "bucks", "gbp", "quid", "chf", "franken", "yen", "dolares",
    "dollari", "sterline",
];

/// First words of comparisons that compare other things, too.
const LOOSE_COMPARISONS: [&str; 25] = [
    "than",
    "together",
    "altogether",
    "all",
    "both",
    "below",
    "above",
    "on",
    "total",
    "zusammen",
    "weniger",
    "mehr",
    "im",
    "obendrauf",
    "ensemble",
    "en",
    "de",
    "autant",
    "juntos",
    "juntas",
    "menos",
    "ademas",
    "insieme",
    "quanto",
    "in",
];

/// A number that is meant as a price.
struct Priced<'s> {
    at: usize,
    number: &'s str,
    /// The currency written beside it; `None`: it is a price by its form or by the words before it.
    mark: Option<Mark<'s>>,
}

#[derive(Clone, Copy)]
enum Mark<'s> {
    Sign(char),
    Word(&'s str),
    /// Money of another country.
    Foreign,
}

/// Refuses every amount without evidence. `ceiling` is the limit that was said to hold for the products named next.
pub(super) fn check(
    sentence: &Sentence<'_>,
    limits: Limits<'_>,
    ceiling: &mut Option<Money>,
    carriers: &Carriers,
) -> Vec<Violation> {
    let priced = priced(sentence);
    let mut violations = money_without_number(sentence, &priced);
    violations.extend(in_words(sentence, carriers));
    violations.extend(compared(sentence));
    let weight = |price: &&Priced<'_>| {
        let pounds = matches!(price.mark, Some(Mark::Word("pound" | "pounds" | "libras" | "livres" | "pfund")));
        pounds && !sentence.has(Claim::CostWord) && carriers.quote(sentence, price.at)
    };
    for price in priced.iter().filter(|price| !weight(price)) {
        match limit_repeated(sentence, price, limits) {
            Repeated::Max(limit) => *ceiling = if sentence.has(Claim::Nothing) { None } else { limit },
            Repeated::Min => {}
            Repeated::No => violations.extend(judge(sentence, price, &priced)),
        }
    }
    violations.extend(above_ceiling(sentence, *ceiling));
    violations
}

/// Where a sentence has amounts, which count nothing else.
pub(super) fn places(sentence: &Sentence<'_>) -> Vec<usize> {
    priced(sentence).into_iter().map(|price| price.at).collect()
}

/// Whether the piece at an index names a form of the product spoken of there.
pub(super) fn is_form(sentence: &Sentence<'_>, at: usize) -> bool {
    sentence.subject(at).iter().any(|index| {
        let named = named_values(sentence, &sentence.products[*index], 0, sentence.pieces.len());
        named.covers(at)
    })
}

fn refuse(sentence: &Sentence<'_>, at: usize, reason: &'static str) -> Violation {
    Violation { kind: Kind::Price, excerpt: sentence.excerpt(at.saturating_sub(1), at + 2), reason }
}

/// Every number in a sentence that is meant as a price.
fn priced<'s>(sentence: &Sentence<'s>) -> Vec<Priced<'s>> {
    let mut found: Vec<Priced<'s>> = Vec::new();
    for (at, piece) in sentence.pieces.iter().enumerate() {
        let Piece::Number { text, .. } = piece else { continue };
        if let Some(mark) = mark_beside(sentence, at) {
            found.push(Priced { at, number: text, mark: Some(mark) });
        }
    }
    found.extend(other_ends_of_ranges(sentence, &found));
    if found.is_empty() {
        found.extend(after_cost_words(sentence));
    }
    if found.is_empty() {
        found.extend(bare_at_the_end(sentence));
    }
    found.extend(by_form(sentence, &found));
    found.sort_by_key(|price| price.at);
    found
}

fn mark_at<'s>(sentence: &Sentence<'s>, at: usize) -> Option<Mark<'s>> {
    match sentence.pieces.get(at)? {
        Piece::CurrencySign { sign, .. } => Some(Mark::Sign(*sign)),
        Piece::Word { folded, .. } if is_money(sentence, folded) => Some(Mark::Word(folded)),
        // A code of other money, in capitals as codes are written.
        Piece::Word { folded, upper: true, .. } if folded.len() == 3 && Currency::parse(folded).is_ok() => {
            Some(Mark::Word(folded))
        }
        _ => None,
    }
}

fn is_money(sentence: &Sentence<'_>, word: &str) -> bool {
    let codes = sentence.products.iter().filter_map(Product::currency);
    Lexicon::get().is_currency_word(word) || codes.into_iter().any(|code| code.code().eq_ignore_ascii_case(word))
}

/// The currency on either side of a number. A sign between two numbers belongs to the one it touches.
fn mark_beside<'s>(sentence: &Sentence<'s>, at: usize) -> Option<Mark<'s>> {
    let is_number = |at: usize| matches!(sentence.pieces.get(at), Some(Piece::Number { .. }));
    let taken_by_next = |sign: usize| {
        let glued = matches!(sentence.pieces.get(sign), Some(Piece::CurrencySign { glued_right: true, .. }));
        glued && is_number(sign + 1)
    };
    let after = mark_at(sentence, at + 1).filter(|_| !taken_by_next(at + 1)).or_else(|| of_a_country(sentence, at + 1));
    let before = || at.checked_sub(1).and_then(|before| mark_at(sentence, before));
    after.or_else(before)
}

/// "58 Swiss francs", "58 Canadian dollars": money of a country, which only America's is left open.
fn of_a_country<'s>(sentence: &Sentence<'s>, at: usize) -> Option<Mark<'s>> {
    let Some(Piece::Word { folded, .. }) = sentence.pieces.get(at) else { return None };
    let Some(Mark::Word(money)) = mark_at(sentence, at + 1) else { return None };
    Some(if matches!(folded.as_str(), "us" | "american" | "amerikanische") { Mark::Word(money) } else { Mark::Foreign })
}

/// The other end of `49–59 €`.
fn other_ends_of_ranges<'s>(sentence: &Sentence<'s>, found: &[Priced<'s>]) -> Vec<Priced<'s>> {
    let joins = |at: usize| match sentence.pieces.get(at) {
        Some(Piece::Dash | Piece::Slash) => true,
        Some(Piece::Word { folded, .. }) => {
            matches!(
                folded.as_str(),
                "to" | "bis" | "a" | "au" | "and" | "und" | "et" | "y" | "e" | "or" | "oder" | "ou" | "o"
            )
        }
        _ => false,
    };
    let number = |at: usize| match sentence.pieces.get(at) {
        Some(Piece::Number { text, .. }) if found.iter().all(|price| price.at != at) => Some(text.as_str()),
        _ => None,
    };
    let mut ends = Vec::new();
    for price in found {
        for (joint, end) in
            [(price.at.checked_sub(1), price.at.checked_sub(2)), (Some(price.at + 1), Some(price.at + 2))]
        {
            if let (Some(joint), Some(end)) = (joint, end)
                && joins(joint)
                && let Some(number) = number(end)
            {
                ends.push(Priced { at: end, number, mark: price.mark });
            }
        }
    }
    ends
}

/// "It costs 49" where no amount has a currency.
fn after_cost_words<'s>(sentence: &Sentence<'s>) -> Vec<Priced<'s>> {
    let mut found = Vec::new();
    for cost in sentence.all(Claim::CostWord) {
        let reach = sentence.pieces.iter().enumerate().skip(cost.end()).take(COST_REACH);
        let number = reach.into_iter().find_map(|(at, piece)| match piece {
            Piece::Number { text, .. } => Some(Priced { at, number: text, mark: None }),
            _ => None,
        });
        found.extend(number);
    }
    found
}

/// "The shirt is 49." and "yours for 49": a bare number at the end of what is said, unless it is a form of the product.
fn bare_at_the_end<'s>(sentence: &Sentence<'s>) -> Vec<Priced<'s>> {
    let ends = |at: usize| matches!(sentence.pieces.get(at), None | Some(Piece::Break { .. } | Piece::Comma));
    let pieces = sentence.pieces.iter().enumerate();
    let numbers = pieces.filter_map(|(at, piece)| match piece {
        Piece::Number { text, .. } if ends(at + 1) => Some((at, text.as_str())),
        _ => None,
    });
    let introduced =
        |at: usize| at.checked_sub(1).is_some_and(|before| PRICE_INTRODUCERS.contains(&sentence.words[before]));
    let bare = numbers.filter(|(at, _)| introduced(*at) && !is_form(sentence, *at));
    bare.map(|(at, number)| Priced { at, number, mark: None }).collect()
}

/// `49.90` and `49,-` look like prices whatever stands around them.
fn by_form<'s>(sentence: &Sentence<'s>, found: &[Priced<'s>]) -> Vec<Priced<'s>> {
    let unit_follows = |at: usize| {
        let next = sentence.words.get(at + 1).copied().unwrap_or_default();
        UNITS.contains(&next) || matches!(sentence.pieces.get(at + 1), Some(Piece::PercentSign))
    };
    let pieces = sentence.pieces.iter().enumerate();
    let candidates = pieces.filter_map(|(at, piece)| match piece {
        Piece::Number { text, dashed } if *dashed || (has_two_decimals(text) && !unit_follows(at)) => Some((at, text)),
        _ => None,
    });
    let new = candidates.filter(|(at, _)| found.iter().all(|price| price.at != *at));
    new.map(|(at, text)| Priced { at, number: text, mark: None }).collect()
}

fn has_two_decimals(number: &str) -> bool {
    let mut parts = number.rsplit(['.', ',']);
    parts.next().is_some_and(|fraction| fraction.len() == 2) && parts.next().is_some()
}

fn money_without_number(sentence: &Sentence<'_>, priced: &[Priced<'_>]) -> Vec<Violation> {
    let beside = |at: usize| priced.iter().any(|price| price.at.abs_diff(at) <= 2);
    let pieces = sentence.pieces.iter().enumerate();
    let lonely = pieces.filter(|(at, piece)| match piece {
        Piece::CurrencySign { .. } => !beside(*at),
        Piece::Word { folded, .. } => MONEY_WORDS.contains(&folded.as_str()) && !beside(*at),
        _ => false,
    });
    lonely.map(|(at, _)| refuse(sentence, at, "money without an amount in figures")).collect()
}

/// An amount in words: code writes prices in figures, so nobody needs one.
fn in_words(sentence: &Sentence<'_>, carriers: &Carriers) -> Option<Violation> {
    let telling = |at: usize| {
        let Some(Piece::Word { folded, .. }) = sentence.pieces.get(at) else { return false };
        numeral::value(folded).is_some_and(|value| value >= numeral::TELLING_MIN)
    };
    let number = |at: usize| match sentence.pieces.get(at) {
        Some(Piece::Word { folded, .. }) => numeral::value(folded).is_some_and(|value| value != 1),
        Some(Piece::Number { .. }) => true,
        _ => false,
    };
    let spoken_point = |at: usize| {
        let word = sentence.words.get(at).copied().unwrap_or_default();
        matches!(word, "point" | "komma" | "virgule" | "coma" | "virgola" | "comma")
            && at > 0
            && number(at - 1)
            && number(at + 1)
    };
    let introduced = |at: usize| {
        let before = sentence.words[..at].iter().rev().find(|word| !word.is_empty());
        before.is_some_and(|word| PRICE_INTRODUCERS.contains(word)) || sentence.has(Claim::CostWord)
    };
    let ends = |at: usize| matches!(sentence.pieces.get(at), None | Some(Piece::Break { .. } | Piece::Comma));
    let word = |at: usize| number(at) && matches!(sentence.pieces.get(at), Some(Piece::Word { .. }));
    let joined = |at: usize| (1..=3).any(|step| word(at + step) || at.checked_sub(step).is_some_and(word));
    let quoted = |at: usize| !sentence.has(Claim::CostWord) && carriers.quote(sentence, at);
    let found = (0..sentence.pieces.len()).find(|at| {
        let introduced = introduced(*at) && (ends(*at + 1) || sentence.has(Claim::CostWord));
        (spoken_point(*at) || (telling(*at) && (joined(*at) || introduced))) && !quoted(*at)
    })?;
    Some(refuse(sentence, found, "an amount in words"))
}

/// "The cheapest", "half of 100", "together": no data carries a comparison, a share or a sum.
fn compared(sentence: &Sentence<'_>) -> Option<Violation> {
    if sentence.plain_question() {
        return None;
    }
    let harmless = |at: usize| sentence.all(Claim::Harmless).any(|found| found.covers(at));
    let money = sentence.has(Claim::CostWord)
        || sentence.pieces.iter().any(|piece| matches!(piece, Piece::Number { .. } | Piece::CurrencySign { .. }));
    let found = sentence.all(Claim::Comparison).find(|found| {
        // Words that also compare other things need money beside them: "together", "more than".
        let loose = LOOSE_COMPARISONS.contains(&sentence.words[found.first]);
        !harmless(found.first) && (!loose || money) && !sentence.has_in_breath(Claim::Admission, found.first)
    })?;
    Some(Violation {
        kind: Kind::Price,
        excerpt: sentence.excerpt(found.first, found.end()),
        reason: "a comparison or sum",
    })
}

enum Repeated {
    Max(Option<Money>),
    Min,
    No,
}

/// Whether an amount only repeats the limit that the shopper named.
fn limit_repeated(sentence: &Sentence<'_>, price: &Priced<'_>, limits: Limits<'_>) -> Repeated {
    let max = sentence.shortly_before(Claim::LimitMax, price.at, LIMIT_REACH);
    let min = sentence.shortly_before(Claim::LimitMin, price.at, LIMIT_REACH);
    if !max && !min {
        return Repeated::No;
    }
    let same = |limit: &&Money| means(price, limit.currency).contains(&limit.minor);
    let limit = match limits {
        Limits::PassedBefore => None,
        Limits::Named(limits) => match limits.iter().find(same) {
            Some(limit) => Some(*limit),
            None => return Repeated::No,
        },
    };
    if max { Repeated::Max(limit) } else { Repeated::Min }
}

/// What the number can mean in a currency, in minor units; nothing when another currency stands beside it.
fn means(price: &Priced<'_>, currency: Currency) -> Vec<i64> {
    let fits = price.mark.is_none_or(|mark| fits(mark, currency));
    if fits { readings(price.number, currency) } else { Vec::new() }
}

fn fits(mark: Mark<'_>, currency: Currency) -> bool {
    let code = currency.code();
    match mark {
        Mark::Foreign => false,
        Mark::Sign('€') => code == "EUR",
        Mark::Sign('£' | '₤') => matches!(code, "GBP" | "GIP" | "FKP"),
        Mark::Sign('¥' | '￥') => matches!(code, "JPY" | "CNY"),
        Mark::Sign('$') => {
            currency.symbol().contains('$') || matches!(code, "USD" | "CAD" | "AUD" | "NZD" | "MXN" | "SGD" | "HKD")
        }
        Mark::Sign(sign) => currency.symbol().contains(sign),
        Mark::Word("euro" | "euros" | "eur") => code == "EUR",
        Mark::Word("dollar" | "dollars" | "buck" | "bucks" | "dolar" | "dolares" | "dollari") => {
            fits(Mark::Sign('$'), currency)
        }
        Mark::Word("pound" | "pounds" | "quid" | "sterling" | "sterline" | "libra" | "libras" | "pfund" | "livres") => {
            code == "GBP"
        }
        Mark::Word("yen") => code == "JPY",
        Mark::Word("franc" | "francs" | "franken" | "franchi") => code == "CHF",
        Mark::Word("kr" | "kronor" | "kroner" | "kronen") => matches!(code, "SEK" | "NOK" | "DKK" | "ISK"),
        Mark::Word("zl" | "zloty") => code == "PLN",
        Mark::Word(word) => code.eq_ignore_ascii_case(word),
    }
}

/// Whether an amount is a price of the product that it stands with.
fn judge(sentence: &Sentence<'_>, price: &Priced<'_>, all: &[Priced<'_>]) -> Option<Violation> {
    let subject = sentence.subject(price.at);
    if subject.is_empty() {
        return Some(refuse(sentence, price.at, "an amount without a product"));
    }
    let before = sentence.shortly_before(Claim::WasWord, price.at, MODIFIER_REACH);
    let lowest = sentence.shortly_before(Claim::FromWord, price.at, MODIFIER_REACH);
    let holds = subject.iter().map(|index| &sentence.products[*index]).any(|product| {
        let variants = meant_variants(sentence, product);
        if before {
            was_price(price, all, &variants)
        } else if lowest {
            is_lowest(price, product, &variants)
        } else {
            variants
                .iter()
                .filter_map(|variant| variant.price)
                .any(|known| means(price, known.currency).contains(&known.minor))
        }
    });
    let reason = if before { "not the product's price before a reduction" } else { "not a price of the product" };
    (!holds).then(|| refuse(sentence, price.at, reason))
}

/// The variants that a sentence speaks of: those with the values it names; all when it names none that exist together.
fn meant_variants<'p>(sentence: &Sentence<'_>, product: &'p Product) -> Vec<&'p Variant> {
    let named = named_values(sentence, product, 0, sentence.pieces.len());
    let fitting: Vec<&Variant> = product.variants.iter().filter(|variant| named.allow(variant)).collect();
    if fitting.is_empty() { product.variants.iter().collect() } else { fitting }
}

/// The price before a reduction counts only beside the reduced price of the same variant, or alone.
fn was_price(price: &Priced<'_>, all: &[Priced<'_>], variants: &[&Variant]) -> bool {
    variants.iter().any(|variant| {
        let Some(before) = variant.compare_at else { return false };
        let now_said = |now: Money| {
            all.iter().any(|other| other.at != price.at && means(other, now.currency).contains(&now.minor))
        };
        means(price, before.currency).contains(&before.minor)
            && variant.price.is_some_and(|now| all.len() == 1 || now_said(now))
    })
}

fn is_lowest(price: &Priced<'_>, product: &Product, variants: &[&Variant]) -> bool {
    let low = variants.iter().filter_map(|variant| variant.price).min_by_key(|price| price.minor);
    let buyable = product.price_range().map(|(low, _)| low);
    [low, buyable].into_iter().flatten().any(|low| means(price, low.currency).contains(&low.minor))
}

/// "Under 60 €" must be true of every product named with it or after it.
fn above_ceiling(sentence: &Sentence<'_>, ceiling: Option<Money>) -> Vec<Violation> {
    let Some(limit) = ceiling else { return Vec::new() };
    let below = |product: &Product| {
        let prices = product.variants.iter().filter_map(|variant| variant.price);
        prices.into_iter().any(|price| price.currency == limit.currency && price.minor <= limit.minor)
    };
    let names = sentence.names().filter(|(_, bearers)| !bearers.iter().any(|index| below(&sentence.products[*index])));
    names.map(|(at, _)| refuse(sentence, at, "not within the limit that was named")).collect()
}
