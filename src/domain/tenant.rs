//! One shop.

use std::{fmt, str::FromStr};

use super::{Currency, Language, TenantId, Timestamp, reach::Standing};

/// How a tenant is addressed: `[a-z0-9][a-z0-9-]{1,38}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantSlug(String);

/// Text that is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tenant slug: 2 to 39 of a-z, 0-9 and `-`, not starting with `-`")]
pub struct InvalidSlug(String);

impl TenantSlug {
    /// Checks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let fits =
            (2..=39).contains(&bytes.len()) && plain(bytes[0]) && bytes.iter().all(|&byte| plain(byte) || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSlug(text.to_owned())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TenantSlug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        Self::parse(text)
    }
}

/// Whether the tenant's assistant acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// Answers.
    Active,
    /// Records what comes in and says nothing until resumed.
    Paused,
}

impl TenantState {
    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Paused].into_iter().find(|state| state.as_str() == word)
    }
}

/// One shop, as `control.db` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Never changes; names the tenant's folder.
    pub id: TenantId,
    /// How people and scripts address it.
    pub slug: TenantSlug,
    /// The shop's own name.
    pub name: String,
    /// The currency of prices that come without one.
    pub currency: Currency,
    /// What the shop speaks when the shopper's language is unknown.
    pub language: Language,
    /// The shop's site, `https://…` without a trailing slash; product links are made from it when a source has none.
    pub website: Option<String>,
    /// Whether it acts at all; pausing stops everything at once, what is queued included.
    pub state: TenantState,
    /// How far its assistant may go, and with whom.
    pub standing: Standing,
    /// When it was added.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_follow_the_contract() {
        for good in ["ab", "noor-atelier", "0shop", &"a".repeat(39)] {
            assert!(TenantSlug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-ab", "Shop", "a_b", "../x", "ä1", &"a".repeat(40)] {
            assert!(TenantSlug::parse(bad).is_err(), "{bad}");
        }
    }
}
