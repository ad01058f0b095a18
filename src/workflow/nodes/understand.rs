//! `understand`: reads what the open messages mean; gives every variable but `found` its value.

use serde::Deserialize;

use crate::workflow::{definition::StepName, vocabulary::Understanding, vocabulary::Variables};

/// `understand`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Understand {
    /// Where the run goes on.
    pub next: StepName,
}

impl Understand {
    /// Takes the result in.
    pub(in crate::workflow) fn next(&self, understanding: &Understanding, variables: &mut Variables) -> &StepName {
        variables.understand(understanding);
        &self.next
    }
}
