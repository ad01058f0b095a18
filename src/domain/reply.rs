//! What goes out in a turn.

use super::{evidence::Citation, product::ProductKey};

/// Reply text: trimmed, never empty, short enough for our widest channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyText(String);

/// Why text cannot be one message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReply {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// More than one message can hold.
    #[error("the text has {bytes} bytes, more than the {max} of one message", max = ReplyText::MAX_BYTES)]
    TooLong {
        /// Its size in UTF-8.
        bytes: usize,
    },
}

impl ReplyText {
    /// The widest of our channels (Instagram: 1,000 UTF-8 bytes); a channel's own rules may be narrower.
    pub const MAX_BYTES: usize = 1_000;

    /// Trims and checks.
    pub fn parse(raw: &str) -> Result<Self, InvalidReply> {
        match raw.trim() {
            "" => Err(InvalidReply::Empty),
            text if text.len() <= Self::MAX_BYTES => Ok(Self(text.to_owned())),
            text => Err(InvalidReply::TooLong { bytes: text.len() }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An answer before the guard has seen it: what would be said, and which products it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Messages in the order they go out; each may still be longer than a channel allows.
    pub messages: Vec<String>,
    /// The products that the messages name, in the order they are named.
    pub products: Vec<ProductKey>,
    /// Products to be shown after the messages: code writes their names, prices and links, so that no model has to.
    pub cards: Vec<ProductKey>,
    /// What carries the claims that go beyond price, stock and link.
    pub citations: Vec<Citation>,
}
