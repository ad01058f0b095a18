//! Targets that people are told through, and how tests of them went.

use aura::api::{NotifyTarget, NotifyTested};

use super::layout::{Grid, Look, or_dash};

/// Widest an address or a reason is shown.
const TEXT_COLUMNS: usize = 40;

pub fn notify_targets(rows: &[NotifyTarget], look: Look) -> String {
    let head = ["NAME", "VIA", "ADDRESS", "ON", "QUIET", "WAITING", "LAST"];
    let mut grid = Grid::new(look.width, &head).right(&[5]).whole(&[0]).folds(&[4, 5, 3]);
    for row in rows {
        let on = if row.on.len() == ALL_KINDS { "everything".into() } else { row.on.join(", ") };
        let quiet = row.quiet.as_ref().map(|quiet| format!("{quiet} {}", row.time_zone));
        let address = look.clip(&row.address, TEXT_COLUMNS);
        let (waiting, last) = (row.waiting.to_string(), last(row, look));
        grid.row([&row.name, &row.via, &address, &on, or_dash(quiet.as_deref()), &waiting, &last]);
    }
    grid.finish()
}

/// How many kinds there are: a target with all of them hears of everything.
const ALL_KINDS: usize = aura::domain::notify::NoticeKind::ALL.len();

/// `sent 3 min ago`, `attempt 2 failed, next …: it answers 500`, `given up 1 h ago: it answers 404`.
fn last(row: &NotifyTarget, look: Look) -> String {
    let Some(last) = &row.last else { return "-".into() };
    let at = look.ago(last.finished_at.unwrap_or(last.created_at));
    let why = last.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    match last.state.as_str() {
        "pending" => format!("attempt {} failed{why}", last.attempts),
        "given_up" => format!("given up {at}{why}"),
        state => format!("{state} {at}"),
    }
}

pub fn notify_tests(rows: &[NotifyTested], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["NAME", "OUTCOME", "REASON"]).whole(&[0]);
    for row in rows {
        grid.row([row.name.as_str(), &row.outcome, or_dash(row.reason.as_deref())]);
    }
    grid.finish()
}
