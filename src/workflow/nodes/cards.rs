//! `cards`: a draft of product cards and a plain sentence, all written by code. It must pass a `guard` before `reply`.

use serde::Deserialize;

use crate::workflow::definition::StepName;

/// `cards`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cards {
    /// Where the run goes on.
    pub next: StepName,
}
