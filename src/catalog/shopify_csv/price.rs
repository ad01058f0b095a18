//! Prices as people and spreadsheets write them. An amount that could be read in two ways is refused, never guessed.

use crate::domain::{Currency, Money};

/// Which sign stands before the cents, as the rows of the whole file show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decimals {
    points: bool,
    commas: bool,
}

impl Decimals {
    /// Learns from one cell.
    pub(super) fn learn(&mut self, cell: &str, currency: Currency) {
        let Some(number) = bare(cell, currency) else { return };
        match decimal_sign(&number) {
            Some(b'.') => self.points = true,
            Some(_) => self.commas = true,
            None => {}
        }
    }

    /// Reads one cell: `None` for a blank or zero price, which is unknown, never free.
    pub(super) fn parse(self, cell: &str, currency: Currency) -> Result<Option<Money>, String> {
        if cell.trim().is_empty() {
            return Ok(None);
        }
        let unreadable = || format!("price `{}` is not a number", shown(cell));
        let number = bare(cell, currency).ok_or_else(unreadable)?;
        let plain = match decimal_sign(&number).or_else(|| self.sign_of(&number)) {
            Some(sign) => without_thousands(&number, sign),
            None if number.contains(['.', ',']) => {
                return Err(format!("price `{}` can be read in two ways: write it with cents", shown(cell)));
            }
            None => number,
        };
        let price = Money::parse_decimal(&plain, currency).map_err(|_| unreadable())?;
        Ok((price.minor != 0).then_some(price))
    }

    /// What the other rows say of a number whose only sign stands before exactly three digits.
    fn sign_of(self, number: &str) -> Option<u8> {
        let sign = if number.contains('.') { b'.' } else { b',' };
        match (self.points, self.commas, number.matches([',', '.']).count()) {
            (_, _, 0) => None,
            // `1.299.000`: a sign that repeats is no decimal sign, whatever the others do.
            (_, _, 2..) => Some(other(sign)),
            (true, false, _) => Some(b'.'),
            (false, true, _) => Some(b','),
            _ => None,
        }
    }
}

const fn other(sign: u8) -> u8 {
    if sign == b'.' { b',' } else { b'.' }
}

fn shown(cell: &str) -> String {
    cell.trim().chars().take(40).collect()
}

/// The number without currency, spaces and apostrophes; `None` when anything else is left.
fn bare(cell: &str, currency: Currency) -> Option<String> {
    let cell = cell.trim().trim_start_matches('\'');
    let code = currency.code();
    let cell = cell.strip_suffix(code).or_else(|| cell.strip_prefix(code)).unwrap_or(cell);
    let cell = cell.replace(&currency.symbol(), "");
    let cell = cell.trim();
    let cell = cell.strip_suffix(",-").or_else(|| cell.strip_suffix(".-")).unwrap_or(cell);
    let number: String =
        cell.chars().filter(|&c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '\u{202f}' | '\u{a0}')).collect();
    let digits = number.bytes().any(|byte| byte.is_ascii_digit());
    (digits && number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))).then_some(number)
}

/// The decimal sign where the number itself leaves no doubt.
fn decimal_sign(number: &str) -> Option<u8> {
    let last = number.rfind(['.', ','])?;
    let sign = number.as_bytes()[last];
    let once = number.bytes().filter(|&byte| byte == sign).count() == 1;
    let both = number.contains(char::from(other(sign)));
    let fraction = number.len() - last - 1;
    (once && (both || fraction != 3)).then_some(sign)
}

fn without_thousands(number: &str, sign: u8) -> String {
    let digits = number.chars().filter(|&c| c != char::from(other(sign)));
    digits.map(|c| if c == char::from(sign) { '.' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[&str], cell: &str) -> Option<i64> {
        let mut decimals = Decimals::default();
        cells.iter().for_each(|cell| decimals.learn(cell, Currency::EUR));
        decimals.parse(cell, Currency::EUR).ok().flatten().map(|price| price.minor)
    }

    #[test]
    fn the_rows_decide_what_a_comma_means() {
        for (cells, cell, minor) in [
            (&["49.00"][..], "49.00", Some(4900)),
            (&["49,90"], "49,90", Some(4990)),
            (&["49,90"], "1.299", Some(129_900)),
            (&["49,90"], "1.299,00 €", Some(129_900)),
            (&["49.90"], "1,299", Some(129_900)),
            (&["49.90"], "1,299.00", Some(129_900)),
            (&[], "1.299", None),
            (&["49.90", "49,90"], "1.299", None),
            (&[], "1.299.000", Some(129_900_000)),
            (&[], "1 299,-", Some(129_900)),
            (&[], "EUR 25", Some(2500)),
            (&[], "0.00", None),
            (&[], "", None),
        ] {
            assert_eq!(read(cells, cell), minor, "{cell} beside {cells:?}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for cell in ["abc", "-5", "12abc", "$5", "5/6", ".", "1e9"] {
            assert!(Decimals::default().parse(cell, Currency::EUR).is_err(), "{cell}");
        }
    }
}
