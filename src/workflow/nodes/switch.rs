//! `switch`: takes the case named by a variable, or `default`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workflow::{
    definition::StepName,
    vocabulary::{Variable, Variables},
};

/// `switch`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// What is asked.
    pub on: Variable,
    /// Where each value leads.
    pub cases: BTreeMap<String, StepName>,
    /// Where any other value leads.
    pub default: StepName,
}

impl Switch {
    /// Where the run goes on.
    #[must_use]
    pub fn next(&self, variables: &Variables) -> &StepName {
        variables.value(self.on).and_then(|label| self.cases.get(label)).unwrap_or(&self.default)
    }

    pub(super) fn targets(&self) -> Vec<(String, &StepName)> {
        let cases = self.cases.iter().map(|(label, target)| (format!("cases.{label}"), target));
        cases.chain([("default".to_owned(), &self.default)]).collect()
    }

    /// Labels of cases that the variable never takes.
    pub(in crate::workflow) fn impossible_labels(&self) -> Vec<&str> {
        let possible = self.on.labels();
        self.cases.keys().map(String::as_str).filter(|label| !possible.contains(label)).collect()
    }
}
