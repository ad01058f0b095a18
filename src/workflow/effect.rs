//! What a run asks of its driver, and what comes back. Results are recorded as JSON and replayed after a crash.

use serde::{Deserialize, Serialize};

use super::{
    consulted::Consulted,
    vocabulary::{FoundWhat, Understanding},
};

/// Something the driver must do before the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read what the open messages mean.
    Understand,
    /// Find products, or read the recalled ones again. Always reads prices and stock now.
    Retrieve {
        /// At most this many products.
        limit: usize,
    },
    /// Write a draft.
    Compose {
        /// What the guard had against the draft before; empty the first time.
        refused: Vec<String>,
    },
    /// Check the draft against the evidence of this turn.
    Guard,
    /// Write a draft of nothing but product cards.
    Cards,
}

/// When a result is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// In a commit of its own, at once: it cost money or changed something outside.
    Own,
    /// With the next commit of the turn: making it again is cheap and harmless.
    Ride,
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", content = "result", rename_all = "snake_case")]
pub enum EffectResult {
    /// Of [`Effect::Understand`].
    Understand(Understanding),
    /// Of [`Effect::Retrieve`].
    Retrieve(Retrieved),
    /// Of [`Effect::Compose`].
    Compose(Written),
    /// Of [`Effect::Compose`]: whoever writes has called tools first, and is to be asked again.
    Consult(Consulted),
    /// Of [`Effect::Guard`]: what is wrong with the draft; empty when it passes.
    Guard(Vec<String>),
    /// Of [`Effect::Cards`].
    Cards(Written),
}

impl EffectResult {
    /// The word in the store.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Understand(_) => "understand",
            Self::Retrieve(_) => "retrieve",
            Self::Compose(_) => "compose",
            Self::Consult(_) => "consult",
            Self::Guard(_) => "guard",
            Self::Cards(_) => "cards",
        }
    }

    /// When it must be durable.
    #[must_use]
    pub fn recording(&self) -> Recording {
        match self {
            Self::Understand(_) | Self::Retrieve(_) | Self::Guard(_) | Self::Cards(_) => Recording::Ride,
            Self::Compose(written) if written.by == Written::BUILTIN => Recording::Ride,
            Self::Compose(_) | Self::Consult(_) => Recording::Own,
        }
    }
}

/// A price limit that the shopper named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Minor units.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// Which products a retrieval brought. Only their keys: a replay reads them again, so that it speaks of now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retrieved {
    /// The recalled products that the shopper means.
    pub meant: Vec<String>,
    /// Products that fit the search, best first.
    pub hits: Vec<String>,
    /// Products that come close where none fits.
    pub near: Vec<String>,
    /// "under 60"
    pub price_max: Option<Limit>,
    /// "at least 30"
    pub price_min: Option<Limit>,
}

impl Retrieved {
    /// What a switch sees of it.
    #[must_use]
    pub const fn found(&self) -> FoundWhat {
        if !self.meant.is_empty() || !self.hits.is_empty() {
            FoundWhat::Some
        } else if !self.near.is_empty() {
            FoundWhat::Near
        } else {
            FoundWhat::None
        }
    }
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What wrote it: `builtin`, or `PROVIDER:MODEL`.
    pub by: String,
    /// Messages in the order they go out.
    pub messages: Vec<String>,
    /// Keys of the products that they name, in the order they are named.
    pub products: Vec<String>,
    /// What they cite.
    #[serde(default)]
    pub citations: Vec<Cited>,
    /// Whether whoever wrote it wants a person to go on after that.
    #[serde(default)]
    pub hands_over: bool,
    /// Whether it is plainly in another language than the answer is to be in.
    #[serde(default)]
    pub in_another_language: bool,
}

/// Words of a source that a draft cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited {
    /// The source, as `domain::evidence::SourceId` writes it.
    pub source: String,
    /// Its words.
    pub words: String,
}

impl Written {
    /// The built-in composer, as `by` names it.
    pub const BUILTIN: &'static str = "builtin";
}
