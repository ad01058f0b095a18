//! `hand_over`: ends the run with a person. A draft that passed the guard still goes out, before the notice.

use serde::{Deserialize, Deserializer};

use crate::domain::turn::HandOverReason;

/// `hand_over`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    #[serde(deserialize_with = "reason")]
    reason: HandOverReason,
}

impl HandOver {
    /// Why a person is needed.
    #[must_use]
    pub const fn reason(&self) -> HandOverReason {
        self.reason
    }
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HandOverReason, D::Error> {
    let word = String::deserialize(deserializer)?;
    HandOverReason::parse(&word).ok_or_else(|| {
        let known = HandOverReason::ALL.map(HandOverReason::as_str).join(", ");
        serde::de::Error::custom(format!("unknown reason `{word}`, expected one of {known}"))
    })
}
