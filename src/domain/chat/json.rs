//! JSON as text, so that `domain` needs no parser.

use std::fmt;

/// A JSON document in its own text: a tool's parameters, a call's arguments, a schema.
///
/// The text is kept to the byte, because what a model wrote must go back to it unchanged for its cache to hit. Whoever
/// makes one vouches that it parses; `provider` checks again before it sends and refuses what does not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// Takes `text` as JSON, unread.
    #[must_use]
    pub fn from_text(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The object without members.
    #[must_use]
    pub fn empty_object() -> Self {
        Self::from_text("{}")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
