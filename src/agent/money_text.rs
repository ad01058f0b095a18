//! Prices as people write them: `€49.00` in English, `49,00 €` elsewhere. What is written here the guard can read back.

use crate::domain::{Currency, Language, Money};

/// Between the groups of digits in French. Never a plain space: that could be read as two numbers.
const NARROW_SPACE: char = '\u{202f}';

/// Writes an amount in the customary form of a language.
#[must_use]
pub fn price_text(price: Money, language: Language) -> String {
    let digits = number(price, language);
    match (language, unambiguous_symbol(price.currency)) {
        (Language::En, Some(symbol)) => format!("{symbol}{digits}"),
        (Language::En, None) => format!("{} {digits}", price.currency),
        (Language::De | Language::Fr | Language::Es | Language::It, Some(symbol)) => format!("{digits} {symbol}"),
        (Language::De | Language::Fr | Language::Es | Language::It, None) => format!("{digits} {}", price.currency),
    }
}

/// A symbol that stands for one currency only; the others are written by code, so that `$` is never a guess.
fn unambiguous_symbol(currency: Currency) -> Option<&'static str> {
    match currency.code() {
        "EUR" => Some("€"),
        "USD" => Some("$"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        _ => None,
    }
}

fn number(price: Money, language: Language) -> String {
    let decimal = price.decimal();
    let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
    let grouped = grouped(whole, language);
    if fraction.is_empty() {
        return grouped;
    }
    let point = if language == Language::En { '.' } else { ',' };
    format!("{grouped}{point}{fraction}")
}

fn grouped(whole: &str, language: Language) -> String {
    let (separator, digits_min) = match language {
        Language::En => (',', 4),
        Language::De | Language::It => ('.', 4),
        Language::Fr => (NARROW_SPACE, 4),
        // Spanish groups from five digits on.
        Language::Es => ('.', 5),
    };
    if whole.len() < digits_min {
        return whole.to_owned();
    }
    let mut text = String::with_capacity(whole.len() * 2);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Every amount of a currency, in minor units, that a number in a text can mean.
///
/// `1.299` is 1299 euros but 1.299 dinars or 1299 dinars; `49,9` is 49.90; digits that make no sense mean nothing.
#[must_use]
pub fn readings(number: &str, currency: Currency) -> Vec<i64> {
    let parts: Vec<&str> = number.split(|letter: char| !letter.is_ascii_digit()).collect();
    let separators: Vec<char> = number.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let grouped = |parts: &[&str]| parts[0].len() <= 3 && parts[1..].iter().all(|part| part.len() == 3);
    if parts.len() == 1 || (grouped(&parts) && separators.windows(2).all(|pair| pair[0] == pair[1])) {
        found.extend(minor(&parts.concat(), "", currency));
    }
    if let Some((fraction, whole)) = parts.split_last()
        && let Some((point, groups)) = separators.split_last()
        && matches!(point, '.' | ',')
        && !groups.contains(point)
        && groups.windows(2).all(|pair| pair[0] == pair[1])
        && (whole.len() == 1 || grouped(whole))
    {
        found.extend(minor(&whole.concat(), fraction, currency));
    }
    found
}

fn minor(whole: &str, fraction: &str, currency: Currency) -> Option<i64> {
    let exponent = usize::try_from(currency.exponent()).ok()?;
    if fraction.len() > exponent {
        return None;
    }
    format!("{whole}{fraction:0<exponent$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: Currency::parse(code).expect("a known code") }
    }

    #[test]
    fn prices_follow_the_language() {
        for (minor, code, texts) in [
            (4900, "EUR", ["€49.00", "49,00 €", "49,00 €", "49,00 €", "49,00 €"]),
            (129_900, "EUR", ["€1,299.00", "1.299,00 €", "1\u{202f}299,00 €", "1299,00 €", "1.299,00 €"]),
            (1_299_900, "EUR", ["€12,999.00", "12.999,00 €", "12\u{202f}999,00 €", "12.999,00 €", "12.999,00 €"]),
            (4900, "JPY", ["¥4,900", "4.900 ¥", "4\u{202f}900 ¥", "4900 ¥", "4.900 ¥"]),
            (4900, "CHF", ["CHF 49.00", "49,00 CHF", "49,00 CHF", "49,00 CHF", "49,00 CHF"]),
            (1235, "KWD", ["KWD 1.235", "1,235 KWD", "1,235 KWD", "1,235 KWD", "1,235 KWD"]),
            (4900, "CAD", ["CAD 49.00", "49,00 CAD", "49,00 CAD", "49,00 CAD", "49,00 CAD"]),
        ] {
            let written = Language::ALL.map(|language| price_text(money(minor, code), language));
            assert_eq!(written, texts, "{minor} {code}");
        }
    }

    #[test]
    fn a_number_means_what_it_can_mean_and_nothing_else() {
        let euros = |text| readings(text, Currency::EUR);
        assert_eq!(euros("49"), [4900]);
        assert_eq!(euros("49,90"), [4990]);
        assert_eq!(euros("49.9"), [4990]);
        assert_eq!(euros("1.299"), [129_900]);
        assert_eq!(euros("1,299.00"), [129_900]);
        assert_eq!(euros("1.299,00"), [129_900]);
        assert_eq!(euros("1'299.00"), [129_900]);
        assert_eq!(euros("1 299,00"), [129_900]);
        for nonsense in ["1.29.9", "12.34,567", "1,29,900", "49.999.9", ""] {
            assert!(euros(nonsense).is_empty(), "{nonsense}");
        }
        assert_eq!(readings("1.235", money(0, "KWD").currency), [1_235_000, 1235]);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(minor in 1_i64..10_000_000_000, code in prop::sample::select(vec!["EUR", "JPY", "USD", "CHF", "KWD"])) {
            let price = money(minor, code);
            for language in Language::ALL {
                let text = price_text(price, language);
                let digits = text.trim_matches(|letter: char| !letter.is_ascii_digit());
                prop_assert!(readings(digits, price.currency).contains(&minor), "{}", text);
            }
        }
    }
}
