//! `suppress`: ends the run without a word.

use serde::{Deserialize, Deserializer};

use crate::domain::turn::SuppressReason;

/// `suppress`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppress {
    #[serde(deserialize_with = "reason")]
    reason: SuppressReason,
}

impl Suppress {
    /// Why nothing is said.
    #[must_use]
    pub const fn reason(&self) -> SuppressReason {
        self.reason
    }
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SuppressReason, D::Error> {
    let word = String::deserialize(deserializer)?;
    SuppressReason::parse(&word).ok_or_else(|| {
        let known = SuppressReason::ALL.map(SuppressReason::as_str).join(", ");
        serde::de::Error::custom(format!("unknown reason `{word}`, expected one of {known}"))
    })
}
