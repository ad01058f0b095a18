//! The error body, and the one table from what an error means to its HTTP status and exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::app::ErrorKind;

/// Exit codes (contract §2) that do not come from an [`ErrorKind`].
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Failed.
    pub const FAILED: u8 = 1;
    /// Wrong usage.
    pub const USAGE: u8 = 2;
    /// The daemon is not there.
    pub const UNREACHABLE: u8 = 7;
    /// A check found problems.
    pub const PROBLEMS_FOUND: u8 = 8;
    /// Interrupted by Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
    /// Asked to end.
    pub const TERMINATED: u8 = 143;
}

/// What one kind of error is on the wire and in the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindRow {
    /// What it means.
    pub kind: ErrorKind,
    /// The HTTP status.
    pub status: u16,
    /// The exit code.
    pub exit: u8,
}

/// The table. A status stands for one kind only, so that a client can go back from it.
pub const KINDS: [KindRow; 7] = [
    KindRow { kind: ErrorKind::Failed, status: 500, exit: exit::FAILED },
    KindRow { kind: ErrorKind::Usage, status: 400, exit: exit::USAGE },
    KindRow { kind: ErrorKind::NotFound, status: 404, exit: 3 },
    KindRow { kind: ErrorKind::Credentials, status: 401, exit: 4 },
    KindRow { kind: ErrorKind::Policy, status: 403, exit: 5 },
    KindRow { kind: ErrorKind::Conflict, status: 409, exit: 6 },
    KindRow { kind: ErrorKind::Temporary, status: 503, exit: 75 },
];

/// The row of a kind. Total, so that a new kind is a compile error here.
const fn row_of(kind: ErrorKind) -> KindRow {
    match kind {
        ErrorKind::Failed => KINDS[0],
        ErrorKind::Usage => KINDS[1],
        ErrorKind::NotFound => KINDS[2],
        ErrorKind::Credentials => KINDS[3],
        ErrorKind::Policy => KINDS[4],
        ErrorKind::Conflict => KINDS[5],
        ErrorKind::Temporary => KINDS[6],
    }
}

/// The HTTP status of a kind.
#[must_use]
pub const fn status_of(kind: ErrorKind) -> u16 {
    row_of(kind).status
}

/// The exit code of a kind.
#[must_use]
pub const fn exit_code_of(kind: ErrorKind) -> u8 {
    row_of(kind).exit
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A stable word for scripts.
    pub code: String,
    /// What failed, for a person.
    pub message: String,
    /// What to do next, when that is known.
    #[serde(default)]
    pub hint: Option<String>,
    /// Finds the request in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Why, from the nearest cause to the root; for the operator only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemBody {
    /// What went wrong.
    pub error: Problem,
}

impl Problem {
    /// The exit code for a problem that came with this HTTP status.
    ///
    /// Statuses outside the table come from the edge itself: 4xx is a wrong request, anything else a failure.
    #[must_use]
    pub fn exit_code(status: u16) -> u8 {
        match KINDS.iter().find(|row| row.status == status) {
            Some(row) => row.exit,
            None if status == 429 => exit_code_of(ErrorKind::Temporary),
            None if (400..500).contains(&status) => exit::USAGE,
            None => exit::FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_kind_and_by_its_status() {
        for row in KINDS {
            assert_eq!(row_of(row.kind), row);
            assert_eq!(Problem::exit_code(row.status), row.exit);
        }
    }

    #[test]
    fn the_table_is_the_contract() {
        let rows = KINDS.map(|row| format!("{:?} {} {}", row.kind, row.status, row.exit));
        insta::assert_snapshot!(rows.join("\n"), @r"
        Failed 500 1
        Usage 400 2
        NotFound 404 3
        Credentials 401 4
        Policy 403 5
        Conflict 409 6
        Temporary 503 75
        ");
    }

    #[test]
    fn statuses_outside_the_table_are_usage_or_failure() {
        for (status, exit) in [(405, 2), (413, 2), (415, 2), (429, 75), (502, 1), (302, 1)] {
            assert_eq!(Problem::exit_code(status), exit, "{status}");
        }
    }
}
