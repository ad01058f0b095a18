//! People of the shops who work with Aura beside its operator: what they may do, and for which tenants.

use std::{fmt, str::FromStr};

use super::{InvalidId, StaffId, TenantId, Timestamp};

/// How a person is addressed: `[a-z0-9][a-z0-9._-]{0,38}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaffName(String);

/// Text that is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name for a person: 1 to 39 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or digit")]
pub struct InvalidStaffName(String);

impl StaffName {
    /// The longest name.
    const BYTES_MAX: usize = 39;

    /// Names that mean something of their own wherever a person is named: the operator, whoever asks, nobody.
    pub const RESERVED: [&str; 3] = [OPERATOR, "me", "nobody"];

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StaffName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StaffName {
    type Err = InvalidStaffName;

    fn from_str(text: &str) -> Result<Self, InvalidStaffName> {
        let begins = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let plain = |byte: u8| begins(byte) || matches!(byte, b'.' | b'_' | b'-');
        let bytes = text.as_bytes();
        let fits = (1..=Self::BYTES_MAX).contains(&bytes.len()) && begins(bytes[0]) && bytes.iter().all(|&b| plain(b));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidStaffName(text.to_owned())) }
    }
}

/// What a person may do, each role all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks at everything.
    Viewer,
    /// Works with conversations: takes them over, writes, labels, decides about drafts.
    Agent,
    /// Everything that concerns their tenants.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Agent, Self::Admin];

    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// What logs know the person by: it says nothing once the name is gone.
    pub id: StaffId,
    /// What people call the person.
    pub name: StaffName,
    /// What the person may do.
    pub role: Role,
    /// For these tenants; empty: for all.
    pub tenants: Vec<TenantId>,
    /// The user of this machine that the person is; `None`: known by a key alone.
    pub uid: Option<u32>,
    /// Whether a key opens the door too.
    pub has_key: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl Staff {
    /// Whether the tenant is among those that the person works for.
    #[must_use]
    pub fn works_for(&self, tenant: TenantId) -> bool {
        self.tenants.is_empty() || self.tenants.contains(&tenant)
    }
}

/// On whose word something is done that a person of the shop asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doer {
    /// Whoever has the operator's socket or the data directory.
    #[default]
    Operator,
    /// A person whom the operator let in.
    Staff(StaffId),
}

impl Doer {
    /// The word in logs.
    #[must_use]
    pub const fn actor(self) -> &'static str {
        match self {
            Self::Operator => OPERATOR,
            Self::Staff(_) => STAFF,
        }
    }

    /// Whom logs name beside the word.
    #[must_use]
    pub const fn staff(self) -> Option<StaffId> {
        match self {
            Self::Operator => None,
            Self::Staff(id) => Some(id),
        }
    }
}

impl fmt::Display for Doer {
    /// `operator`, or the person's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str(OPERATOR),
            Self::Staff(id) => id.fmt(f),
        }
    }
}

impl FromStr for Doer {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text == OPERATOR { Ok(Self::Operator) } else { text.parse().map(Self::Staff) }
    }
}

/// The actor of what the operator does.
pub const OPERATOR: &str = "operator";
/// The actor of what a person does whom the operator let in; the field of the same name says who.
pub const STAFF: &str = "staff";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_a_command_takes_unquoted() {
        for good in ["ana", "ana.k", "a", "7-eleven_2"] {
            assert_eq!(good.parse::<StaffName>().expect("a name").as_str(), good);
        }
        for wrong in ["", "Ana", "-ana", ".a", "a b", "a:b", &"x".repeat(40)] {
            assert!(wrong.parse::<StaffName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_role_may_what_the_one_before_it_may() {
        assert!(Role::ALL.is_sorted());
        assert!(Role::ALL.into_iter().all(|role| Role::parse(role.as_str()) == Some(role)));
    }
}
