//! A check-up, a line a finding.

use aura::{api::Finding, terminal::one_line};

/// Columns of the state and of the check's name, the longest of each.
const STATE_COLUMNS: usize = 9;
const CHECK_COLUMNS: usize = 21;

/// The state, and what is said behind it.
pub fn finding(finding: &Finding) -> (String, String) {
    let about = finding.tenant.as_ref().map(|slug| format!("{slug}: ")).unwrap_or_default();
    let state = format!("{:STATE_COLUMNS$}", finding.state);
    (state, format!("{:CHECK_COLUMNS$}{about}{}", finding.check, one_line(&finding.what)))
}

/// What was done and what to do, in lines of their own.
pub fn finding_notes(finding: &Finding) -> Vec<String> {
    let indent = " ".repeat(STATE_COLUMNS + CHECK_COLUMNS);
    let fixed = finding.fixed.iter().map(|done| format!("{indent}fixed: {}", one_line(done)));
    let hint = finding.hint.iter().map(|hint| format!("{indent}hint: {}", one_line(hint)));
    fixed.chain(hint).collect()
}
