//! `retrieve`: finds products, or reads again those of the last reply that the shopper means.

use serde::Deserialize;

use crate::workflow::{
    definition::StepName,
    effect::{Effect, Retrieved},
    vocabulary::Variables,
};

/// Enough to choose three from and to see what comes close, without reading half a shop.
const LIMIT_DEFAULT: usize = 8;

/// More would not be answered with anyway.
pub(in crate::workflow) const LIMIT_MAX: usize = 50;

/// `retrieve`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retrieve {
    /// At most this many products.
    #[serde(default = "limit_default")]
    pub limit: usize,
    /// Where the run goes on.
    pub next: StepName,
}

const fn limit_default() -> usize {
    LIMIT_DEFAULT
}

impl Retrieve {
    pub(super) const fn effect(&self) -> Effect {
        Effect::Retrieve { limit: self.limit }
    }

    /// Takes the result in.
    pub(in crate::workflow) const fn next(&self, retrieved: &Retrieved, variables: &mut Variables) -> &StepName {
        variables.find(retrieved.found());
        &self.next
    }
}
