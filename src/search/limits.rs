//! Conditions in a question: price, size, availability, in five languages. Understood tokens are marked as used.

use super::{lex::Token, size};
use crate::domain::{Currency, Money};

/// Phrases before the highest price, folded. Longer ones first where one begins with another.
const AT_MOST: &[&str] = &[
    "no more than",
    "not more than",
    "less than",
    "cheaper than",
    "at most",
    "up to",
    "under",
    "below",
    "within",
    "max",
    "maximum",
    "nicht mehr als",
    "nicht uber",
    "weniger als",
    "gunstiger als",
    "billiger als",
    "bis zu",
    "unter",
    "bis",
    "hochstens",
    "maximal",
    "pas plus de",
    "moins de",
    "moins que",
    "au maximum",
    "en dessous de",
    "inferieur a",
    "jusqu a",
    "jusqua",
    "jusqu",
    "sous",
    "no mas de",
    "menos de",
    "por debajo de",
    "por menos de",
    "como maximo",
    "inferior a",
    "hasta",
    "maximo",
    "non piu di",
    "meno di",
    "al di sotto di",
    "al massimo",
    "inferiore a",
    "fino a",
    "sotto i",
    "sotto",
    "massimo",
    "entro",
];
/// Phrases before the lowest price.
const AT_LEAST: &[&str] = &[
    "more than",
    "at least",
    "over",
    "above",
    "starting at",
    "minimum",
    "min",
    "mehr als",
    "mindestens",
    "uber",
    "ab",
    "plus de",
    "au moins",
    "a partir de",
    "au dessus de",
    "mas de",
    "al menos",
    "por encima de",
    "desde",
    "minimo",
    "piu di",
    "almeno",
    "a partire da",
    "oltre",
    "sopra i",
    "sopra",
];
/// Phrases behind the highest price: `60 max`, `60 € or less`.
const MOST_AFTER: &[&str] = &[
    "max",
    "maximum",
    "or less",
    "or under",
    "or below",
    "tops",
    "oder weniger",
    "oder gunstiger",
    "maximal",
    "hochstens",
    "ou moins",
    "au maximum",
    "o menos",
    "como maximo",
    "maximo",
    "o meno",
    "massimo",
    "al massimo",
];
/// Phrases before a range, and the word between its ends.
const RANGES: &[(&str, &[&str])] = &[
    ("between", &["and", "to"]),
    ("from", &["to"]),
    ("zwischen", &["und"]),
    ("von", &["bis"]),
    ("entre", &["et", "y", "e", "a"]),
    ("de", &["a"]),
    ("tra", &["e"]),
    ("fra", &["e"]),
    ("da", &["a"]),
];
/// What prices are counted in, besides signs and the shop's own code.
const CURRENCY_WORDS: &[(&str, &[&str])] = &[
    ("EUR", &["eur", "euro", "euros", "€"]),
    ("USD", &["usd", "dollar", "dollars", "bucks", "dolares", "dollari", "$"]),
    ("GBP", &["gbp", "pound", "pounds", "quid", "pfund", "livres", "libras", "sterline", "£"]),
    ("CHF", &["chf", "franken", "francs", "francos", "franchi"]),
    ("JPY", &["jpy", "yen", "¥"]),
];
/// A number before one of these is no price.
const UNITS: &[&str] = &[
    "cm", "mm", "m", "km", "ml", "cl", "l", "kg", "g", "inch", "inches", "zoll", "years", "year", "yo", "jahre",
    "jahren", "ans", "anos", "anni", "months", "monate", "mois", "meses", "mesi", "days", "tage", "jours", "dias",
    "giorni", "pieces", "stuck", "piezas", "pezzi", "w", "watt", "v", "volt", "hours", "stunden", "denier", "x", "er",
    "litre", "liter", "litros",
];
/// Words that may stand between a phrase and its number.
const FILLERS: &[&str] = &["about", "around", "etwa", "ca", "circa", "environ", "unos", "les", "los", "i", "the"];
/// Phrases that ask for what can be bought now.
const AVAILABLE: &[&str] = &[
    "in stock",
    "available",
    "auf lager",
    "auf vorrat",
    "verfugbar",
    "lieferbar",
    "vorratig",
    "en stock",
    "en magasin",
    "disponible",
    "disponibles",
    "disponibile",
    "disponibili",
    "in magazzino",
];
/// Words before a size.
const SIZE_WORDS: &[&str] = &[
    "size", "sizes", "grosse", "groesse", "grossen", "gr", "taille", "tailles", "talla", "tallas", "taglia", "taglie",
    "misura", "pointure",
];
/// Words between the size word and the size, or before a single letter.
const SIZE_LINKS: &[&str] =
    &["in", "en", "a", "an", "is", "the", "uk", "us", "eu", "einer", "un", "una", "la", "der", "de"];

/// What was understood of prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prices {
    pub(super) min: Option<Money>,
    pub(super) max: Option<Money>,
}

/// Reads price limits. A limit in another currency than the shop's is understood and left out: nothing can compare it.
pub(super) fn prices(tokens: &mut [Token], shop: Currency) -> Prices {
    let mut prices = Prices::default();
    let mut at = 0;
    while at < tokens.len() {
        let Some(amount) = Amount::at(tokens, at) else {
            at += 1;
            continue;
        };
        let second = range(tokens, &amount);
        if let Some((start, high)) = &second {
            if let (Some(low), Some(high)) = (amount.money(shop, high.currency), high.money(shop, amount.currency)) {
                prices.min = Some(low).filter(|low| low.minor > 0);
                prices.max = Some(high);
            }
            mark(tokens, *start, high.end);
            at = high.end;
            continue;
        }
        let before = skip_fillers(tokens, amount.start);
        if let Some(start) = phrase_before(tokens, before, AT_MOST) {
            prices.max = amount.money(shop, None).or(prices.max);
            mark(tokens, start, amount.end);
        } else if let Some(end) = phrase_after(tokens, amount.end, MOST_AFTER) {
            prices.max = amount.money(shop, None).or(prices.max);
            mark(tokens, amount.start, end);
        } else if let Some(start) = phrase_before(tokens, before, AT_LEAST) {
            prices.min = amount.money(shop, None).or(prices.min);
            mark(tokens, start, amount.end);
        } else if before > 0 && (tokens[before - 1].is_sign('<') || tokens[before - 1].is_sign('>')) {
            let limit = amount.money(shop, None);
            if tokens[before - 1].is_sign('<') {
                prices.max = limit
            } else {
                prices.min = limit
            }
            mark(tokens, before - 1, amount.end);
        }
        at = amount.end.max(at + 1);
    }
    prices
}

/// A number with the currency before or behind it.
struct Amount {
    number: String,
    currency: Option<&'static str>,
    start: usize,
    end: usize,
}

impl Amount {
    fn at(tokens: &[Token], at: usize) -> Option<Self> {
        let number = tokens.get(at)?.number()?.to_owned();
        if tokens[at].used {
            return None;
        }
        let before = at.checked_sub(1).and_then(|before| currency(&tokens[before]));
        let after = tokens.get(at + 1).and_then(currency);
        let unit = tokens.get(at + 1).is_some_and(|next| {
            next.is_sign('%') || next.is_sign('/') || next.word().is_some_and(|word| UNITS.contains(&word))
        });
        let part = at > 0 && tokens[at - 1].is_sign('/');
        (!(unit || part) || before.is_some()).then_some(Self {
            number,
            currency: before.or(after),
            start: at - usize::from(before.is_some()),
            end: at + 1 + usize::from(after.is_some()),
        })
    }

    fn money(&self, shop: Currency, otherwise: Option<&str>) -> Option<Money> {
        let same = match self.currency.or(otherwise) {
            None => true,
            // `$` is what many countries call their own money.
            Some("USD") => shop.code() == "USD" || shop.symbol().contains('$'),
            Some(code) => shop.code() == code,
        };
        if same { Money::parse_decimal(&self.number, shop).ok() } else { None }
    }
}

fn currency(token: &Token) -> Option<&'static str> {
    let text = match token.word() {
        Some(word) => word,
        None => token.raw.as_str(),
    };
    CURRENCY_WORDS.iter().find(|(_, words)| words.contains(&text)).map(|(code, _)| *code)
}

/// The other end of a range that begins with this amount, and where the whole phrase begins.
fn range(tokens: &[Token], low: &Amount) -> Option<(usize, Amount)> {
    let link = tokens.get(low.end)?;
    let opening = low.start.checked_sub(1).map(|before| (before, &tokens[before]));
    // The high end's currency sign may stand before it.
    let high = (low.end + 1..=low.end + 2).find_map(|place| Amount::at(tokens, place))?;
    if high.start != low.end + 1 {
        return None;
    }
    if let Some((start, word)) = opening.and_then(|(place, token)| token.word().map(|word| (place, word)))
        && link.word().is_some_and(|link| RANGES.iter().any(|(open, links)| *open == word && links.contains(&link)))
    {
        // `de 20 a 40` needs no currency, `from 1 to 3` could be anything but is asked of a shop.
        return Some((start, high));
    }
    let dash = link.is_sign('-') && (low.currency.is_some() || high.currency.is_some());
    let joined = link.word().is_some_and(|link| matches!(link, "to" | "bis" | "a"))
        && (low.currency.is_some() || high.currency.is_some());
    (dash || joined).then_some((low.start, high))
}

fn skip_fillers(tokens: &[Token], mut start: usize) -> usize {
    while start > 0 && tokens[start - 1].word().is_some_and(|word| FILLERS.contains(&word) && word != "i") {
        start -= 1;
    }
    start
}

/// Where one of the phrases begins that ends just before `end`; the longest wins.
fn phrase_before(tokens: &[Token], end: usize, phrases: &[&str]) -> Option<usize> {
    let starts = phrases.iter().filter_map(|phrase| {
        let words: Vec<&str> = phrase.split(' ').collect();
        let start = end.checked_sub(words.len())?;
        let fits = tokens[start..end].iter().zip(&words).all(|(token, word)| token.word() == Some(word));
        fits.then_some(start)
    });
    starts.min()
}

/// Where one of the phrases ends that begins at `start`; the longest wins.
fn phrase_after(tokens: &[Token], start: usize, phrases: &[&str]) -> Option<usize> {
    let ends = phrases.iter().filter_map(|phrase| {
        let words: Vec<&str> = phrase.split(' ').collect();
        let found = tokens.get(start..start + words.len())?;
        found.iter().zip(&words).all(|(token, word)| token.word() == Some(word)).then_some(start + words.len())
    });
    ends.max()
}

fn mark(tokens: &mut [Token], start: usize, end: usize) {
    tokens[start..end].iter_mut().for_each(|token| token.used = true);
}

/// Reads sizes: behind a size word, letters that can be nothing else, `EU 42`.
pub(super) fn sizes(tokens: &mut [Token]) -> Vec<String> {
    let mut sizes = Vec::new();
    for at in 0..tokens.len() {
        if tokens[at].used {
            continue;
        }
        if tokens[at].word().is_some_and(|word| SIZE_WORDS.contains(&word)) {
            tokens[at].used = true;
            after_size_word(tokens, at, &mut sizes);
        } else if let Some(size) = bare_size(tokens, at) {
            tokens[at].used = true;
            sizes.push(size);
        }
    }
    sizes.dedup();
    sizes
}

/// `size M or L`, `Größe 38`, `taille en M`; also `M size`.
fn after_size_word(tokens: &mut [Token], at: usize, sizes: &mut Vec<String>) {
    const OR: [&str; 8] = ["or", "oder", "ou", "o", "and", "und", "et", "y"];
    let mut next = at + 1;
    while next < tokens.len() {
        let token = &tokens[next];
        let written = token.number().map(str::to_owned).or_else(|| token.word().map(str::to_owned));
        if let Some(size) = written.as_deref().and_then(size::one).filter(|_| !token.used) {
            sizes.push(size);
            tokens[next].used = true;
        } else if !token.word().is_some_and(|word| OR.contains(&word) || SIZE_LINKS.contains(&word)) {
            break;
        }
        next += 1;
    }
    if let Some(before) = at.checked_sub(1).filter(|_| sizes.is_empty())
        && let Some(size) = tokens[before].word().and_then(|word| size::letters(word).or_else(|| size::spoken(word)))
    {
        sizes.push(size.to_owned());
        tokens[before].used = true;
    }
}

/// A size that needs no size word.
fn bare_size(tokens: &[Token], at: usize) -> Option<String> {
    let token = &tokens[at];
    let before = at.checked_sub(1).map(|before| &tokens[before]);
    if let Some(number) = token.number() {
        let eu = |token: &Token| token.word() == Some("eu");
        let beside = before.is_some_and(eu) || tokens.get(at + 1).is_some_and(eu);
        return beside.then(|| size::one(number)).flatten();
    }
    let word = token.word()?;
    let letters = size::letters(word)?;
    // Two letters and more are no other word; a single one must be written large, or stand behind `in a`.
    let single = word.len() == 1;
    let large = token.raw.len() == 1 && token.raw.chars().all(char::is_uppercase) && !token.glued;
    let linked = before.and_then(Token::word).is_some_and(|word| matches!(word, "in" | "en" | "a" | "an"));
    let part = tokens.get(at + 1).is_some_and(|next| next.glued && !matches!(next.kind, super::lex::Kind::Stop));
    (!part && (!single || large || linked)).then(|| letters.to_owned())
}

/// Whether only what can be bought now is asked for.
pub(super) fn available(tokens: &mut [Token]) -> bool {
    let mut asked = false;
    for at in 0..tokens.len() {
        if let Some(end) = phrase_after(tokens, at, AVAILABLE) {
            mark(tokens, at, end);
            asked = true;
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::{super::lex::tokens, *};

    fn limits(text: &str) -> (Option<i64>, Option<i64>) {
        let prices = prices(&mut tokens(text), Currency::EUR);
        (prices.min.map(|price| price.minor), prices.max.map(|price| price.minor))
    }

    #[test]
    fn price_limits_in_five_languages() {
        for (text, min, max) in [
            ("dresses under 60", None, Some(6000)),
            ("anything between 20 and 40?", Some(2000), Some(4000)),
            ("60 max", None, Some(6000)),
            ("shirts up to €49.90 please", None, Some(4990)),
            ("for 50€ or less", None, Some(5000)),
            ("more than 100 euros", Some(10_000), None),
            ("20-40€", Some(2000), Some(4000)),
            ("Kleider bis 50 €", None, Some(5000)),
            ("unter 50 Euro", None, Some(5000)),
            ("zwischen 20 und 40 Euro", Some(2000), Some(4000)),
            ("von 20 bis 40", Some(2000), Some(4000)),
            ("ab 30 €", Some(3000), None),
            ("höchstens 1.200,50", None, Some(120_050)),
            ("une robe à moins de 60€", None, Some(6000)),
            ("jusqu'à 60 euros", None, Some(6000)),
            ("entre 20 et 40 euros", Some(2000), Some(4000)),
            ("camisas entre 20 y 40", Some(2000), Some(4000)),
            ("menos de 30", None, Some(3000)),
            ("hasta 30 euros", None, Some(3000)),
            ("meno di 30 euro", None, Some(3000)),
            ("tra 20 e 40", Some(2000), Some(4000)),
            ("sotto i 50", None, Some(5000)),
            ("under 60 cm", None, None),
            ("ab 3 Jahren", None, None),
            ("under $60", None, None),
            ("1/2 inch binder", None, None),
            ("airpods 2", None, None),
        ] {
            assert_eq!(limits(text), (min, max), "{text}");
        }
    }

    #[test]
    fn sizes_are_told_from_other_numbers_and_letters() {
        for (text, expected) in [
            ("linen shirt size M", &["m"][..]),
            ("in a medium size?", &["m"]),
            ("Größe 38", &["38"]),
            ("taille M ou L", &["m", "l"]),
            ("sneakers EU 42", &["42"]),
            ("XL hoodie", &["xl"]),
            ("do you have it in m", &["m"]),
            ("the S one", &["s"]),
            ("xxl", &["2xl"]),
            ("airpods 2", &[]),
            ("small table", &[]),
            ("women's dress", &[]),
            ("i'm looking for m&m", &[]),
        ] {
            assert_eq!(sizes(&mut tokens(text)), expected, "{text}");
        }
    }

    #[test]
    fn availability_is_asked_for_in_five_languages() {
        for text in ["is it in stock?", "ist es auf Lager", "en stock ?", "¿está disponible?", "è disponibile?"] {
            assert!(available(&mut tokens(text)), "{text}");
        }
        assert!(!available(&mut tokens("linen shirt")));
    }
}
