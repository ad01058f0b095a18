//! What models cost: exact amounts of US dollars, and the limits that a tenant sets to them.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

/// An amount of US dollars in units of 10⁻¹², which every published price per token is a whole number of: 0.01 USD per
/// million tokens are 10,000 a token. Never negative; sums stop at the largest amount (9.2 million dollars).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PicoDollars(u64);

/// Text that is no amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of dollars such as 2 or 0.50")]
pub struct InvalidCost(String);

impl PicoDollars {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount: what SQLite's integers hold.
    pub const MAX: Self = Self(i64::MAX as u64);
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000_000_000);
    /// Digits after the decimal point.
    const DIGITS: usize = 12;

    /// An amount of so many units; more than [`Self::MAX`] is that.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        if units > Self::MAX.0 { Self::MAX } else { Self(units) }
    }

    /// The units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// What is left of it after `other`; nothing if that is more.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many tokens at this price each.
    #[must_use]
    pub const fn times(self, tokens: u64) -> Self {
        Self::new(self.0.saturating_mul(tokens))
    }

    /// Parses a decimal number of dollars, without a sign, exponent or more than 12 decimals.
    pub fn parse(text: &str) -> Result<Self, InvalidCost> {
        let wrong = || InvalidCost(text.to_owned());
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + decimals.len() == 0 || decimals.len() > Self::DIGITS || !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        let units = format!("{whole}{decimals:0<width$}", width = Self::DIGITS).parse::<u64>().map_err(|_| wrong())?;
        if units > Self::MAX.0 { Err(wrong()) } else { Ok(Self(units)) }
    }
}

impl Add for PicoDollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl AddAssign for PicoDollars {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for PicoDollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The exact amount, as a decimal number without trailing zeros.
impl fmt::Display for PicoDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::DOLLAR.0, self.0 % Self::DOLLAR.0);
        let decimals = format!("{rest:0width$}", width = Self::DIGITS);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

/// What a tenant's models may cost. What is not set is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In one day (UTC).
    pub day: Option<PicoDollars>,
    /// In one calendar month (UTC).
    pub month: Option<PicoDollars>,
    /// In one conversation, over all its time.
    pub conversation: Option<PicoDollars>,
    /// In one turn, over all its calls: a ceiling that the operator sets for every tenant.
    pub turn: Option<PicoDollars>,
}

/// Which limit of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetSpan {
    /// One day (UTC).
    Day,
    /// One calendar month (UTC).
    Month,
    /// One conversation.
    Conversation,
    /// One turn.
    Turn,
}

impl BudgetSpan {
    /// Those that a tenant may set, the shortest first.
    pub const OF_TENANTS: [Self; 3] = [Self::Day, Self::Month, Self::Conversation];

    /// The word in events, in logs and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Conversation => "conversation",
            Self::Turn => "turn",
        }
    }
}

impl Budget {
    /// The limit of a span.
    #[must_use]
    pub const fn of(&self, span: BudgetSpan) -> Option<PicoDollars> {
        match span {
            BudgetSpan::Day => self.day,
            BudgetSpan::Month => self.month,
            BudgetSpan::Conversation => self.conversation,
            BudgetSpan::Turn => self.turn,
        }
    }

    /// Whether a tenant's models may cost what they will. The ceiling of one turn ends loops, and is no budget: a model
    /// whose price nobody knows stays usable under it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        BudgetSpan::OF_TENANTS.into_iter().all(|span| self.of(span).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_exactly() {
        for (text, units, shown) in [
            ("2", 2_000_000_000_000, "2"),
            ("0.50", 500_000_000_000, "0.5"),
            (".5", 500_000_000_000, "0.5"),
            ("0.00000003", 30_000, "0.00000003"),
            ("0.000000000001", 1, "0.000000000001"),
            ("0", 0, "0"),
        ] {
            let amount = PicoDollars::parse(text).expect(text);
            assert_eq!((amount.units(), amount.to_string().as_str()), (units, shown));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "-1", "1e3", "1,5", "$2", "0.0000000000001", "99999999999", "9223372.036854775808"] {
            assert!(PicoDollars::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sums_and_products_stop_at_the_largest_amount() {
        assert_eq!(PicoDollars::MAX + PicoDollars::DOLLAR, PicoDollars::MAX);
        assert_eq!(PicoDollars::DOLLAR.times(u64::MAX), PicoDollars::MAX);
        assert_eq!(PicoDollars::ZERO.less(PicoDollars::DOLLAR), PicoDollars::ZERO);
    }
}
