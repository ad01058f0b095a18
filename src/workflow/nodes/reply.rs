//! `reply`: ends the run with the draft. The check of the definition proves that a guard has passed it.

use serde::Deserialize;

/// `reply`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {}
