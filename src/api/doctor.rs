//! A check-up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to look at, and how far to go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoctorQuery {
    /// Names of checks, by commas; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// Whether others may be asked.
    pub online: bool,
    /// Whether every hash chain is walked along.
    pub chains: bool,
    /// The version of whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorReport {
    /// Whether nothing has failed.
    pub ok: bool,
    /// Every finding, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// One finding; fit to be pasted where strangers read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The check, such as `disk`.
    pub check: String,
    /// `ok`, `warning`, `failed` or `skipped`.
    pub state: String,
    /// The tenant it is about, by slug; `null`: the installation.
    pub tenant: Option<String>,
    /// A sentence without a full stop.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// What was done about it.
    pub fixed: Option<String>,
}

impl DoctorReport {
    /// A report of these findings.
    #[must_use]
    pub fn of(found: Vec<crate::app::doctor::Finding>) -> Self {
        use crate::app::doctor::{Finding as Found, Verdict};
        let ok = found.iter().all(|finding| finding.verdict != Verdict::Failed);
        let shape = |Found { check, verdict, about, what, hint, mended }| Finding {
            check: check.as_str().to_owned(),
            state: verdict.as_str().to_owned(),
            tenant: about,
            what,
            hint,
            fixed: mended,
        };
        Self { ok, findings: found.into_iter().map(shape).collect() }
    }
}
