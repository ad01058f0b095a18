//! The installation: what waits, what the files take, whose tokens work, what is wrong, and what a check-up finds.

use aura::api;
use ratatui::{layout::Rect, text::Line};

use super::{
    Command, Screen, Want,
    parts::{beside, instead, pairs, trouble_words},
};
use crate::{
    canvas::{Canvas, Hit},
    keys::{Action, Scope},
    overlay::split_top,
    scroll::Scroll,
    strings,
    table::Move,
    text,
    theme::Ink,
    work::Load,
    world::World,
};

/// Where problems would stand.
const NOTHING_WRONG: &str = "Nothing is wrong and nobody is wanted.";
/// Where a check-up would stand.
const NO_CHECK_YET: &str =
    "d runs the checks of `aura doctor`: disk, clock, keys, databases, accounts, backups and more.";
/// How often the figures are read while they are seen.
const REFRESH_MS: i64 = 3_000;
/// From this width on the panes stand beside each other.
const BESIDE: u16 = 100;

/// The screen of the installation.
#[derive(Default)]
pub(super) struct System {
    on_problems: bool,
    /// The check-up that was asked for last; none before the first.
    check: Option<u32>,
    scroll: [Scroll; 2],
}

impl Screen for System {
    fn scopes(&self) -> &'static [Scope] {
        &[Scope::System]
    }

    fn wants(&self, _world: &World) -> Vec<Want> {
        let check = self.check.map(|number| Want::once(Load::Doctor(number)));
        let figures = [Want::every(Load::System, REFRESH_MS), Want::every(Load::Status, REFRESH_MS)];
        figures.into_iter().chain(check).collect()
    }

    fn refresh(&mut self, _world: &World) {}

    fn act(&mut self, action: Action, world: &World) -> Vec<Command> {
        match action {
            // One at a time: it reads every file.
            Action::Check if !self.is_checking(world) => {
                self.check = Some(self.check.map_or(0, |number| number.wrapping_add(1)));
                self.on_problems = true;
            }
            Action::NextPane | Action::LastPane | Action::Left | Action::Right => self.on_problems = !self.on_problems,
            _ => {}
        }
        Vec::new()
    }

    fn go(&mut self, way: Move, _world: &World) {
        self.scroll[usize::from(self.on_problems)].go(way);
    }

    fn click(&mut self, hit: Hit, _world: &World) -> Vec<Command> {
        if let Hit::Pane(pane) = hit {
            self.on_problems = pane == 1;
        }
        Vec::new()
    }

    fn value(&self, world: &World) -> Option<String> {
        world.status.as_ref().map(|status| status.data_dir.clone())
    }

    fn command(&self, _world: &World) -> Option<Vec<String>> {
        let words: &[&str] = match (self.on_problems, self.check) {
            (true, Some(_)) => &["aura", "doctor"],
            (true, None) => &["aura", "status", "--all"],
            (false, _) => &["aura", "status", "--system"],
        };
        Some(words.iter().map(|&word| word.to_owned()).collect())
    }

    fn back(&mut self, _world: &World) -> bool {
        std::mem::take(&mut self.on_problems)
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let [first, second] =
            if area.width >= BESIDE { beside(area, 50) } else { split_top(area, area.height * 55 / 100) };
        let inside = canvas.page(first, "Installation", !self.on_problems);
        canvas.hit(first, Hit::Pane(0));
        match &world.system {
            Some(system) => {
                let lines = pairs(canvas, &installation(system, world.status.as_deref(), canvas), inside.width.into());
                let skip = self.scroll[0].within(lines.len(), inside.height.into());
                canvas.lines(inside, lines, skip);
            }
            None => instead(canvas, inside, world, &Load::System, strings::LOADING),
        }
        self.view_problems(world, canvas, second);
    }
}

impl System {
    fn is_checking(&self, world: &World) -> bool {
        self.check.is_some_and(|number| world.is_loading(&Load::Doctor(number)))
    }

    /// What the newest check-up found, or how to have one.
    fn check_lines(&self, world: &World, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
        let said = |ink, words: &str| {
            text::wrap(words, cells).iter().map(|line| canvas.inked(&[(ink, line)])).collect::<Vec<_>>()
        };
        let trouble = self.check.and_then(|number| world.trouble(&Load::Doctor(number)));
        match (trouble, &world.doctor) {
            _ if self.is_checking(world) => said(Ink::Faint, "The check-up is being made…"),
            (Some(trouble), _) => said(Ink::Bad, &trouble_words(trouble)),
            (None, Some((at, report))) => found_lines(*at, report, canvas, cells),
            (None, None) => said(Ink::Faint, NO_CHECK_YET),
        }
    }

    fn view_problems(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let inside = canvas.page(area, "Problems", self.on_problems);
        canvas.hit(area, Hit::Pane(1));
        let cells = usize::from(inside.width);
        let mut lines = match &world.status {
            Some(status) if status.problems.is_empty() => {
                text::wrap(NOTHING_WRONG, cells).iter().map(|line| canvas.inked(&[(Ink::Good, line)])).collect()
            }
            Some(status) => problem_lines(status, canvas, cells),
            None => return instead(canvas, inside, world, &Load::Status, strings::LOADING),
        };
        lines.push(Line::default());
        lines.extend(self.check_lines(world, canvas, cells));
        let skip = self.scroll[1].within(lines.len(), inside.height.into());
        canvas.lines(inside, lines, skip);
    }
}

fn installation(
    system: &api::System,
    status: Option<&api::Status>,
    canvas: &Canvas<'_, '_>,
) -> Vec<(&'static str, Ink, String)> {
    let (queues, storage) = (&system.queues, &system.storage);
    let wanted = |bad: bool| if bad { Ink::Wanted } else { Ink::Plain };
    let since = |at: Option<api::Time>| at.map_or_else(String::new, |at| format!(", the oldest {}", canvas.ago(at)));
    let mut rows = vec![
        ("aura", Ink::Strong, format!("{}, SQLite {}", system.versions.aura, system.versions.sqlite)),
        ("running since", Ink::Plain, canvas.ago(system.started_at)),
    ];
    if let Some(bytes) = system.resident_bytes {
        rows.push(("memory", Ink::Plain, text::bytes(bytes)));
    }
    if let Some(listening) = &system.listening {
        rows.push(("webhooks on", Ink::Plain, listening.webhooks.clone()));
        rows.push(("metrics on", Ink::Plain, listening.metrics.clone().unwrap_or_else(|| "off".into())));
    }
    let waiting = format!("{}{}", text::number(queues.webhooks), since(queues.oldest_webhook_at));
    rows.push(("webhooks waiting", wanted(queues.webhooks > 1_000), waiting));
    if let Some(turns) = &queues.turns {
        let more = if turns.more_on_disk { " and more on disk" } else { "" };
        let line = format!("{}{more}{}", text::number(turns.waiting), since(turns.oldest_at));
        rows.push(("turns waiting", wanted(turns.more_on_disk), line));
        rows.push(("workers", Ink::Plain, format!("{} of {} busy", turns.busy, turns.workers)));
        if let Some(at) = turns.oldest_message_at {
            rows.push(("oldest message", Ink::Plain, canvas.ago(at)));
        }
    }
    let bulk = &queues.bulk;
    rows.push(("bulk work", Ink::Plain, format!("{} running, {} waiting", bulk.running, bulk.waiting)));
    let low = matches!((storage.disk_free_bytes, storage.disk_low_bytes), (Some(free), Some(low)) if free < low);
    if let Some(free) = storage.disk_free_bytes {
        rows.push(("disk free", if low { Ink::Bad } else { Ink::Plain }, text::bytes(free)));
    }
    rows.push(("data", Ink::Faint, storage.data_dir.clone()));
    rows.push(("journal", Ink::Plain, text::bytes(storage.journal_bytes)));
    rows.push(("control", Ink::Plain, text::bytes(storage.control_bytes)));
    let shops = format!("{} in {} shops", text::bytes(storage.tenants_bytes), text::number(storage.tenants));
    rows.push(("shops' files", Ink::Plain, shops));
    for largest in &storage.largest {
        rows.push(("", Ink::Faint, format!("{} {}", text::right(&text::bytes(largest.bytes), 8), largest.tenant)));
    }
    for account in &system.accounts {
        let name = account.username.as_deref().unwrap_or(&account.account_id);
        let ink = if account.state == "active" { Ink::Good } else { Ink::Bad };
        let words = format!("{name} of {}: {}, given {}", account.tenant, account.state, canvas.ago(account.given_at));
        rows.push(("token", ink, words));
    }
    if let Some(status) = status {
        rows.push(("master key", Ink::Plain, status.master_key.clone()));
        let backup = status.last_backup.as_ref();
        let made = backup.map(|it| format!("{}, {}", canvas.ago(it.made_at), text::bytes(it.bytes)));
        rows.push(("backup", wanted(made.is_none()), made.unwrap_or_else(|| "none yet: aura backup --to FILE".into())));
    }
    rows
}

fn problem_lines(status: &api::Status, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for problem in &status.problems {
        let ink = match problem.weight.as_str() {
            "broken" => Ink::Bad,
            "wanted" => Ink::Wanted,
            _ => Ink::Plain,
        };
        let whose = problem.tenant.as_ref().map(|tenant| format!("{tenant}: ")).unwrap_or_default();
        for line in text::wrap(&format!("{}: {whose}{}", problem.weight, problem.what), cells) {
            lines.push(canvas.inked(&[(ink, &line)]));
        }
        for line in text::wrap(&problem.hint, cells.saturating_sub(2)) {
            lines.push(canvas.inked(&[(Ink::Plain, "  "), (Ink::Faint, &line)]));
        }
    }
    lines
}

/// What is not as it should be, each with what to do; then what is.
fn found_lines(at: api::Time, report: &api::DoctorReport, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let of = |state: &str| report.findings.iter().filter(|found| found.state == state).count();
    let (failed, warnings) = (of("failed"), of("warning"));
    let ink = match (failed, warnings) {
        (0, 0) => Ink::Good,
        (0, _) => Ink::Wanted,
        _ => Ink::Bad,
    };
    let warned = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
    let head = format!("Check-up {}: {failed} failed, {warned}", canvas.ago(at));
    let mut lines: Vec<_> = text::wrap(&head, cells).iter().map(|line| canvas.inked(&[(ink, line)])).collect();
    for found in report.findings.iter().filter(|found| matches!(found.state.as_str(), "failed" | "warning")) {
        let ink = if found.state == "failed" { Ink::Bad } else { Ink::Wanted };
        let whose = found.tenant.as_ref().map(|tenant| format!("{tenant}: ")).unwrap_or_default();
        for line in text::wrap(&format!("{}: {}: {whose}{}", found.state, found.check, found.what), cells) {
            lines.push(canvas.inked(&[(ink, &line)]));
        }
        for line in found.hint.iter().flat_map(|hint| text::wrap(hint, cells.saturating_sub(2))) {
            lines.push(canvas.inked(&[(Ink::Plain, "  "), (Ink::Faint, &line)]));
        }
    }
    for state in ["ok", "skipped"] {
        let mut names: Vec<_> = report.findings.iter().filter(|it| it.state == state).map(|it| &it.check[..]).collect();
        names.dedup();
        if !names.is_empty() {
            let line = format!("{state}: {}", names.join(", "));
            lines.extend(text::wrap(&line, cells).iter().map(|line| canvas.inked(&[(Ink::Faint, line)])));
        }
    }
    lines
}
