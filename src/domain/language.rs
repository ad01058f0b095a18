//! The languages that the built-in wording speaks.

use std::{fmt, str::FromStr};

/// A language with built-in wording (ISO 639-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English
    #[default]
    En,
    /// German
    De,
    /// French
    Fr,
    /// Spanish
    Es,
    /// Italian
    It,
}

/// A language without built-in wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of en, de, fr, es, it")]
pub struct UnknownLanguage(String);

impl Language {
    /// Every language there is wording for.
    pub const ALL: [Self; 5] = [Self::En, Self::De, Self::Fr, Self::Es, Self::It];

    /// The two-letter code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::It => "it",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads a code; a region is ignored (`de-AT` is German).
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let base = text.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|language| language.code() == base)
            .ok_or_else(|| UnknownLanguage(text.trim().to_owned()))
    }
}
