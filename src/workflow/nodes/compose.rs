//! `compose`: writes a draft. It must pass a `guard` before `reply`.

use serde::Deserialize;

use crate::workflow::definition::StepName;

/// `compose`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// Where the run goes on.
    pub next: StepName,
}
