//! A check-up, a line a finding.

use aura::{api::Finding, terminal::one_line};

use super::Look;
use crate::ui::wrapped;

/// Columns of the state and of the check's name, the longest of each.
const STATE_COLUMNS: usize = 9;
const CHECK_COLUMNS: usize = 21;

/// Narrower than this, nothing is wrapped: the terminal does no worse.
const WRAPPED_COLUMNS_MIN: usize = 24;

/// The state, and what is said behind it.
pub fn finding(finding: &Finding, look: Look) -> (String, String) {
    let about = finding.tenant.as_ref().map(|slug| format!("{slug}: ")).unwrap_or_default();
    let state = format!("{:STATE_COLUMNS$}", finding.state);
    let what = hanging(&format!("{about}{}", one_line(&finding.what)), look).join("\n");
    (state, format!("{:CHECK_COLUMNS$}{what}", finding.check))
}

/// What was done and what to do, in lines of their own. A command stays whole, to be copied.
pub fn finding_notes(finding: &Finding, look: Look) -> Vec<String> {
    let noted = |name: &str, text: &str| {
        let text = format!("{name}: {}", one_line(text));
        let lines = if text.starts_with("hint: aura ") { vec![text] } else { hanging(&text, look) };
        format!("{}{}", " ".repeat(STATE_COLUMNS + CHECK_COLUMNS), lines.join("\n"))
    };
    let fixed = finding.fixed.iter().map(|done| noted("fixed", done));
    let hint = finding.hint.iter().map(|hint| noted("hint", hint));
    fixed.chain(hint).collect()
}

/// Lines that stand below each other behind the check's name.
fn hanging(text: &str, look: Look) -> Vec<String> {
    let indent = STATE_COLUMNS + CHECK_COLUMNS;
    let Some(room) = look.width.and_then(|width| width.checked_sub(indent)).filter(|room| *room >= WRAPPED_COLUMNS_MIN)
    else {
        return vec![text.to_owned()];
    };
    let mut lines = wrapped(text, room);
    lines.iter_mut().skip(1).for_each(|line| line.insert_str(0, &" ".repeat(indent)));
    lines
}
