//! The installation: what waits, what the files take, whose tokens work, what is wrong.

use aura::api;
use ratatui::{layout::Rect, text::Line};

use super::{
    Command, Screen, Want,
    parts::{beside, instead, pairs},
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

/// How often the figures are read while they are seen.
const REFRESH_MS: i64 = 3_000;
/// From this width on the panes stand beside each other.
const BESIDE: u16 = 100;

/// The screen of the installation.
#[derive(Default)]
pub(super) struct System {
    on_problems: bool,
    scroll: [Scroll; 2],
}

impl Screen for System {
    fn scopes(&self) -> &'static [Scope] {
        &[Scope::System]
    }

    fn wants(&self, _world: &World) -> Vec<Want> {
        vec![Want::every(Load::System, REFRESH_MS), Want::every(Load::Status, REFRESH_MS)]
    }

    fn refresh(&mut self, _world: &World) {}

    fn act(&mut self, action: Action, _world: &World) -> Vec<Command> {
        match action {
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
        let words = if self.on_problems { ["aura", "status", "--all"] } else { ["aura", "status", "--system"] };
        Some(words.map(str::to_owned).into())
    }

    fn back(&mut self, _world: &World) -> bool {
        std::mem::take(&mut self.on_problems)
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let [first, second] =
            if area.width >= BESIDE { beside(area, 50) } else { split_top(area, area.height * 55 / 100) };
        let inside = canvas.pane(first, "Installation", !self.on_problems);
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
    fn view_problems(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let inside = canvas.pane(area, "Problems", self.on_problems);
        canvas.hit(area, Hit::Pane(1));
        let cells = usize::from(inside.width);
        let lines = match &world.status {
            Some(status) if status.problems.is_empty() => {
                return canvas.empty(inside, "Nothing is wrong and nobody is wanted.");
            }
            Some(status) => problem_lines(status, canvas, cells),
            None => return instead(canvas, inside, world, &Load::Status, strings::LOADING),
        };
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
