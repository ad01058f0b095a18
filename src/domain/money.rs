//! Money: an amount in minor units together with its ISO 4217 currency. Never a float.

use std::{fmt, str::FromStr};

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// Text that is no ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ISO 4217 currency code such as EUR or JPY")]
pub struct InvalidCurrency(String);

impl Currency {
    /// The euro, the default of a new tenant.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Parses a three-letter code; case does not matter.
    pub fn parse(code: &str) -> Result<Self, InvalidCurrency> {
        iso_currency::Currency::from_code(&code.trim().to_ascii_uppercase())
            .map(Self)
            .ok_or_else(|| InvalidCurrency(code.trim().to_owned()))
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point (ISO 4217: JPY 0, EUR 2, KWD 3).
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }

    /// The customary symbol, such as `€`; the code where there is none.
    #[must_use]
    pub fn symbol(self) -> String {
        self.0.symbol().symbol
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(code: &str) -> Result<Self, InvalidCurrency> {
        Self::parse(code)
    }
}

/// An amount of money in the minor unit of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: 4900 is 49.00 EUR, and 4,900 yen.
    pub minor: i64,
    /// The currency that gives the minor unit its meaning.
    pub currency: Currency,
}

/// Why a decimal string is no amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Not digits with at most one decimal point.
    #[error("`{0}` is not a decimal number such as 49.00")]
    NotDecimal(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Does not fit.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl Money {
    /// Parses a plain decimal (`49`, `49.0`, `49.00`) and rounds half away from zero to the currency's exponent.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, InvalidMoney> {
        let text = text.trim();
        let value: rust_decimal::Decimal = text.parse().map_err(|_| InvalidMoney::NotDecimal(text.to_owned()))?;
        if value.is_sign_negative() && !value.is_zero() {
            return Err(InvalidMoney::Negative(text.to_owned()));
        }
        let rounded =
            value.round_dp_with_strategy(currency.exponent(), rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        let scale = rust_decimal::Decimal::from(10_i64.pow(currency.exponent()));
        rounded
            .checked_mul(scale)
            .and_then(|minor| i64::try_from(minor.trunc()).ok())
            .map(|minor| Self { minor, currency })
            .ok_or_else(|| InvalidMoney::TooLarge(text.to_owned()))
    }

    /// The amount as a plain decimal without the currency: `49.00`, `4900` (JPY).
    #[must_use]
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let scale = 10_i64.pow(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, fraction) = (self.minor.abs() / scale, self.minor.abs() % scale);
        format!("{sign}{whole}.{fraction:0width$}", width = exponent as usize)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a known code")
    }

    #[test]
    fn decimals_follow_the_currency() {
        for (text, code, minor, shown) in [
            ("49", "EUR", 4900, "49.00"),
            ("49.005", "EUR", 4901, "49.01"),
            ("1280.0", "JPY", 1280, "1280"),
            ("1.2345", "KWD", 1235, "1.235"),
            ("0.05", "USD", 5, "0.05"),
        ] {
            let money = Money::parse_decimal(text, currency(code)).expect(text);
            assert_eq!((money.minor, money.decimal().as_str()), (minor, shown), "{text} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "abc", "1,299.00", "-3", "1e400", "99999999999999999999999999"] {
            assert!(Money::parse_decimal(text, Currency::EUR).is_err(), "{text}");
        }
    }
}
