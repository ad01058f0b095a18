//! What can be wrong with a workflow, and what can go wrong in a run of one.

use std::fmt;

/// Why a definition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Larger than any sensible workflow.
    #[error("the workflow has {bytes} bytes, more than {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most it may have.
        max: usize,
    },
    /// Not YAML, or not the YAML of a workflow. The text names line and column.
    #[error("{0}")]
    Syntax(String),
    /// Well written, but it could not run.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// One thing wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: u64,
    /// The step, where it concerns one.
    pub step: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(step) = &self.step {
            write!(f, "step `{step}`: ")?;
        }
        f.write_str(&self.message)
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Why a run cannot go on. Each is a defect of the driver or of a record, never of what a shopper wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The state names a step that this workflow does not have: it belongs to another one.
    #[error("the workflow has no step `{0}`")]
    NoStep(String),
    /// The result is not of the effect that the step asked for.
    #[error("step `{step}` waits for another result than `{got}`")]
    Unexpected {
        /// The waiting step.
        step: String,
        /// What came.
        got: &'static str,
    },
    /// More effects than any sensible turn needs: the workflow turns in a circle.
    #[error("the run made more than {max} effects")]
    TooLong {
        /// The most it may make.
        max: u32,
    },
}
