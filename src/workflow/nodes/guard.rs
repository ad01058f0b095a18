//! `guard`: checks the draft against this turn's evidence.

use serde::Deserialize;

use crate::workflow::definition::StepName;

/// `guard`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Where a clean draft goes on.
    pub pass: StepName,
    /// Where a refused one goes on.
    pub fail: StepName,
}

impl Guard {
    /// Where the run goes on.
    pub(in crate::workflow) const fn next(&self, violations: &[String]) -> &StepName {
        if violations.is_empty() { &self.pass } else { &self.fail }
    }
}
