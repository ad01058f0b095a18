//! What may be known of a secret without knowing it: its name, whose it is, its fingerprint, its sealed form.

use std::fmt;

use super::{TenantId, Timestamp};

/// The fewest characters of a passphrase that opens a copy of the master key, spaces not counted: whoever finds the copy can
/// guess for ever.
pub const PASSPHRASE_CHARS_MIN: usize = 12;

/// A passphrase that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase has fewer than {PASSPHRASE_CHARS_MIN} characters")]
pub struct WeakPassphrase;

impl WeakPassphrase {
    /// What to do next.
    pub const HINT: &str = "Take several words, or make one with `openssl rand -base64 18`.";

    /// Refuses what has too few characters; spaces do not count.
    pub fn check(passphrase: &str) -> Result<(), Self> {
        match passphrase.chars().filter(|letter| !letter.is_whitespace()).count() {
            PASSPHRASE_CHARS_MIN.. => Ok(()),
            _ => Err(Self),
        }
    }
}

/// The name of a secret: 1 to 128 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `-` and `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Text that cannot name a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a secret: 1 to 128 of letters, digits, `.`, `_`, `-` and `:`")]
pub struct InvalidSecretName(String);

impl SecretName {
    /// The longest name, in bytes: room for a prefix and any channel's account id.
    pub const MAX_BYTES: usize = 128;

    /// Checks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretName> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSecretName(text.to_owned())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose a secret or a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretScope {
    /// Every tenant's that has none of its own.
    Installation,
    /// One tenant's.
    Tenant(TenantId),
}

impl fmt::Display for SecretScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Tenant(tenant) => tenant.fmt(f),
        }
    }
}

/// A sealed secret or key: unreadable without the key above it, and any change to it is noticed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Eight hex digits that tell two secrets of one scope apart; useless to whoever lacks the scope's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What lists show of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    /// Whose it is.
    pub scope: SecretScope,
    /// Its name.
    pub name: SecretName,
    /// Tells it from its predecessors.
    pub fingerprint: Fingerprint,
    /// How often it was set, from 1.
    pub version: u32,
    /// When it was set.
    pub set_at: Timestamp,
}

/// A secret as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// What may be shown of it.
    pub info: SecretInfo,
    /// The secret itself, sealed.
    pub sealed: Sealed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_separators_spaces_or_nothing_are_refused() {
        assert!(SecretName::parse("meta.app_secret").is_ok());
        assert!(SecretName::parse("instagram.token:17841400000000000").is_ok());
        for bad in ["", "a|b", "a b", "a/b", "ä", &"a".repeat(129)] {
            assert!(SecretName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sealed_blob_does_not_print_its_bytes() {
        assert_eq!(format!("{:?}", Sealed(vec![7; 3])), "Sealed(3 bytes)");
    }
}
