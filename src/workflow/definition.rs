//! A workflow as its author writes it: YAML in, a checked definition out.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::{
    check,
    error::{Error, Problem},
    nodes::Step,
};

/// The largest definition that is read: a hundred steps of a kilobyte, far above any real one.
const BYTES_MAX: usize = 100 * 1024;

/// The version of the format that this binary speaks.
const VERSION: u32 = 1;

/// The name of a step within its workflow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepName(pub(super) String);

impl StepName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A definition that passed every check: each run of it ends, and nothing is sent that the guard has not seen.
#[derive(Debug)]
pub struct Workflow {
    name: String,
    start: StepName,
    steps: BTreeMap<StepName, Placed>,
}

/// A step and where it stands in the file.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) step: Step,
    pub(super) line: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    name: String,
    start: Spanned<StepName>,
    steps: BTreeMap<StepName, Spanned<Step>>,
}

impl Workflow {
    /// Reads and checks a definition. Every problem is reported, not only the first.
    pub fn parse(yaml: &str) -> Result<Self, Error> {
        if yaml.len() > BYTES_MAX {
            return Err(Error::TooLarge { bytes: yaml.len(), max: BYTES_MAX });
        }
        // Without `strict_booleans` the key `on` and the label `yes` would be read as YAML 1.1 booleans.
        let options = serde_saphyr::options! { strict_booleans: true };
        let file: File = serde_saphyr::from_str_with_options(yaml, options)
            .map_err(|error| Error::Syntax(error.without_snippet().to_string()))?;
        if file.version.value != VERSION {
            let message =
                format!("version {} is not supported; this binary speaks version {VERSION}", file.version.value);
            return Err(Error::Invalid(vec![Problem { line: file.version.referenced.line(), step: None, message }]));
        }
        let place =
            |(name, step): (StepName, Spanned<Step>)| (name, Placed { line: step.referenced.line(), step: step.value });
        let start_line = file.start.referenced.line();
        let workflow =
            Self { name: file.name, start: file.start.value, steps: file.steps.into_iter().map(place).collect() };
        match check::problems(&workflow, start_line) {
            problems if problems.is_empty() => Ok(workflow),
            problems => Err(Error::Invalid(problems)),
        }
    }

    /// The workflow of every tenant that has none of its own.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Workflow> =
            LazyLock::new(|| Workflow::parse(include_str!("default.yaml")).expect("a test parses the embedded file"));
        &BUILT_IN
    }

    /// What its author calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where every run begins.
    #[must_use]
    pub const fn start(&self) -> &StepName {
        &self.start
    }

    /// A step by name.
    #[must_use]
    pub fn step(&self, name: &StepName) -> Option<&Step> {
        self.steps.get(name).map(|placed| &placed.step)
    }

    pub(super) const fn placed(&self) -> &BTreeMap<StepName, Placed> {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        Workflow::parse(yaml).expect_err("the definition is wrong").to_string()
    }

    #[test]
    fn the_embedded_workflow_is_valid() {
        assert_eq!(Workflow::built_in().name(), "default");
    }

    #[test]
    fn a_key_that_no_node_has_is_refused_with_its_line() {
        let text = refused(
            "version: 1\nname: x\nstart: a\nsteps:\n  a:\n    kind: understand\n    nxt: b\n  b: {kind: reply}\n",
        );
        assert!(text.contains("unknown field `nxt`") && text.contains("line 5"), "{text}");
        let text = refused("version: 1\nname: x\nstrat: a\nsteps: {}\n");
        assert!(text.contains("unknown field `strat`") && text.contains("line 3"), "{text}");
    }

    #[test]
    fn an_unknown_kind_names_the_known_ones() {
        let text = refused("version: 1\nname: x\nstart: a\nsteps:\n  a: {kind: ponder}\n");
        assert!(text.contains("unknown variant `ponder`") && text.contains("understand"), "{text}");
    }

    #[test]
    fn a_switch_without_a_default_is_refused_with_its_line() {
        let text = refused(
            "version: 1\nname: x\nstart: a\nsteps:\n  a: {kind: understand, next: b}\n  b:\n    kind: switch\n    \
             on: intent\n    cases: {thanks: a}\n",
        );
        assert!(text.contains("missing field `default`") && text.contains("line 6"), "{text}");
    }

    #[test]
    fn another_version_is_refused() {
        assert!(refused("version: 2\nname: x\nstart: a\nsteps: {}\n").contains("line 1: version 2 is not supported"));
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let text = refused(
            "version: 1\nname: x\nstart: a\nsteps:\n  a: {kind: understand, next: b}\n  b: {kind: reply}\n  b: {kind: reply}\n",
        );
        assert!(text.contains("duplicate"), "{text}");
    }

    #[test]
    fn a_huge_file_is_refused_unread() {
        assert!(matches!(Workflow::parse(&" ".repeat(BYTES_MAX + 1)), Err(Error::TooLarge { .. })));
    }
}
