//! Requests that are only tried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The header of a request that is only tried out: it is done and checked as if it were meant, and undone. The answer to one
/// that would have changed something carries it too, with a [`Rehearsed`] in place of what the route gives.
pub const DRY_RUN: &str = "aura-dry-run";

/// What came of a request that was only tried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsed {
    /// That nothing was changed.
    pub dry_run: bool,
    /// Whether something would have been.
    pub changes: bool,
    /// What it would have been.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}
