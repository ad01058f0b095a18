//! The shops: how each is, how much it is written to, what it spends, how often people are called.

use std::{cmp::Ordering, sync::Arc};

use aura::{
    api::{Status, TenantStatus},
    terminal::{share, used_of},
};
use ratatui::layout::Rect;

use super::{
    Command, Confirm, Pick, Screen, Want,
    parts::{instead, list_and_detail, pairs, titled},
};
use crate::{
    canvas::{Canvas, Hit},
    filter::{Facts, Filter},
    keys::{Action, Scope},
    strings,
    table::{Column, Cursor, Move, Table},
    text,
    theme::Ink,
    work::{Deed, Load},
    world::World,
};

const COLUMNS: &[Column] = &[
    Column::new("SHOP", 12).grows(2),
    Column::new("HEALTH", 7),
    Column::new("MODE", 7),
    Column::new("WAITING", 7).right(),
    Column::new("TODAY", 7).right().folds(2),
    Column::new("HANDED", 6).right().folds(3),
    Column::new("SPENT", 7).right(),
    Column::new("BUDGET", 6).right().folds(1),
    Column::new("MISSING", 7).right().folds(4),
    Column::new("DRAFTS", 6).right().folds(5),
    Column::new("PRODUCTS", 8).right().folds(6),
    Column::new("MODEL", 10).grows(2).folds(7),
];
const SORTS: &[&str] = &["what needs a look", "name", "spent", "waiting", "received today", "handed over", "missing"];
/// From so many hundredths of a budget on it is worth a look; from the second on there is nothing left.
const BUDGET_NEAR: u64 = 80;
const BUDGET_GONE: u64 = 100;
const MODES: [(&str, &str); 3] =
    [("live", "it answers by itself"), ("suggest", "its drafts wait for a person"), ("off", "it says nothing")];
/// From this width on the chosen shop is shown beside the list.
const BESIDE: u16 = 150;
/// How often the figures are read while they are seen.
const REFRESH_MS: i64 = 3_000;

/// The screen of shops.
#[derive(Default)]
pub(super) struct Tenants {
    filter: Filter,
    /// What the rows are made of.
    status: Option<Arc<Status>>,
    /// Places of the shops that pass, in their order.
    rows: Vec<usize>,
    cursor: Cursor,
    by: usize,
    turned: bool,
    inspecting: bool,
}

struct Shop<'a> {
    status: &'a TenantStatus,
    words: String,
}

impl<'a> Shop<'a> {
    fn new(status: &'a TenantStatus) -> Self {
        let accounts = status.accounts.iter().filter_map(|account| account.username.as_deref());
        let accounts: Vec<_> = accounts.collect();
        let words = format!("{} {} {} {}", status.slug, status.name, status.model, accounts.join(" ")).to_lowercase();
        Self { status, words }
    }
}

impl Facts for Shop<'_> {
    fn words(&self) -> &str {
        &self.words
    }

    fn tenant(&self) -> Option<&str> {
        Some(&self.status.slug)
    }

    fn is(&self, state: &str) -> bool {
        let status = self.status;
        status.state == state
            || status.mode == state
            || health(status).1.split(' ').next() == Some(state)
            || (state == "waiting" && status.waiting > 0)
            || (state == "draft" && status.drafts > 0)
            || (state == "parked" && status.parked > 0)
    }

    fn at(&self) -> Option<aura::api::Time> {
        self.status.accounts.iter().filter_map(|account| account.last_event_at).max()
    }

    fn cost_usd(&self) -> Option<f64> {
        self.status.spent_month_usd.parse().ok()
    }
}

/// One word for how a shop is, the worst first.
fn health(status: &TenantStatus) -> (Ink, String) {
    let refused = status.accounts.iter().filter(|account| account.state != "active").count();
    match status {
        _ if refused > 0 => (Ink::Bad, "refused".into()),
        TenantStatus { state, .. } if state == "paused" => (Ink::Wanted, "paused".into()),
        TenantStatus { outbox, .. } if outbox.held > outbox.drafts => (Ink::Wanted, "held".into()),
        TenantStatus { waiting, parked, .. } if *waiting + *parked > 0 => (Ink::Wanted, "wanted".into()),
        TenantStatus { products: 0, .. } => (Ink::Wanted, "empty".into()),
        _ => (Ink::Good, "ok".into()),
    }
}

impl Tenants {
    fn shop(&self, row: usize) -> Option<&TenantStatus> {
        self.status.as_ref()?.tenants.get(*self.rows.get(row)?)
    }

    fn chosen(&self) -> Option<&TenantStatus> {
        self.shop(self.cursor.row())
    }

    /// Makes the rows of what is known now.
    fn remake(&mut self, world: &World) {
        let before = self.chosen().map(|shop| shop.slug.clone());
        self.status.clone_from(&world.status);
        let shops = self.status.as_ref().map_or(&[][..], |status| &status.tenants);
        let passes = |(at, shop): (usize, &TenantStatus)| self.filter.passes(&Shop::new(shop), world.now).then_some(at);
        let mut rows: Vec<usize> = shops.iter().enumerate().filter_map(passes).collect();
        rows.sort_by(|a, b| self.compare(&shops[*a], &shops[*b]));
        let at = before.and_then(|slug| rows.iter().position(|row| shops[*row].slug == slug));
        self.rows = rows;
        match at {
            Some(at) => self.cursor.choose(at),
            None => self.cursor.keep_within(self.rows.len()),
        }
    }

    fn compare(&self, a: &TenantStatus, b: &TenantStatus) -> Ordering {
        let needs = |status: &TenantStatus| match health(status).0 {
            Ink::Bad => 0,
            Ink::Wanted => 1,
            _ => 2,
        };
        let spent = |status: &TenantStatus| status.spent_month_usd.parse::<f64>().unwrap_or(0.0);
        let first = match self.by {
            1 => Ordering::Equal,
            2 => spent(b).total_cmp(&spent(a)),
            3 => b.waiting.cmp(&a.waiting),
            4 => b.received_today.cmp(&a.received_today),
            5 => hand_overs(b).cmp(&hand_overs(a)),
            6 => b.missing.cmp(&a.missing),
            _ => needs(a).cmp(&needs(b)).then_with(|| b.waiting.cmp(&a.waiting)),
        };
        let order = first.then_with(|| a.slug.cmp(&b.slug));
        if self.turned { order.reverse() } else { order }
    }
}

impl Screen for Tenants {
    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Tenants]
    }

    fn wants(&self, _world: &World) -> Vec<Want> {
        vec![Want::every(Load::Status, REFRESH_MS)]
    }

    fn refresh(&mut self, world: &World) {
        let same = match (&self.status, &world.status) {
            (Some(made_of), Some(known)) => Arc::ptr_eq(made_of, known),
            (made_of, known) => made_of.is_none() && known.is_none(),
        };
        if !same || self.filter.reads_the_clock() {
            self.remake(world);
        }
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Command> {
        let Some(tenant) = self.chosen() else { return vec![Command::Warn(strings::NO_TENANTS.into())] };
        let slug = tenant.slug.clone();
        match action {
            Action::Enter => self.inspecting = !self.inspecting,
            Action::Visit => return vec![Command::Visit(format!("tenant:{slug}"))],
            Action::PauseTenant if tenant.state == "paused" => return vec![Command::Do(Deed::Pause(slug, false))],
            Action::PauseTenant => {
                let confirm = Confirm {
                    title: format!("Pause {slug}"),
                    body: format!("{}'s assistant answers nobody until the shop is resumed.", tenant.name),
                    key: 'y',
                    verb: "pause it",
                    then: Command::Do(Deed::Pause(slug, true)),
                };
                return vec![Command::Confirm(Box::new(confirm))];
            }
            Action::Mode => {
                let choice = |(mode, means): &(&str, &str)| {
                    let deed = Deed::Mode(slug.clone(), (*mode).to_owned());
                    let confirm = Confirm {
                        title: format!("Mode {mode} for {slug}"),
                        body: format!("{} goes to {mode}: {means}.", tenant.name),
                        key: 'y',
                        verb: "change it",
                        then: Command::Do(deed),
                    };
                    (format!("{mode}: {means}"), Command::Confirm(Box::new(confirm)))
                };
                let choices = MODES.iter().filter(|(mode, _)| *mode != tenant.mode).map(choice).collect();
                return vec![Command::Pick(Pick { title: format!("{slug} is {}; make it", tenant.mode), choices })];
            }
            _ => {}
        }
        Vec::new()
    }

    fn go(&mut self, way: Move, _world: &World) {
        self.cursor.go(way, self.rows.len());
    }

    fn click(&mut self, hit: Hit, _world: &World) -> Vec<Command> {
        if let Hit::Row { row, .. } = hit {
            self.cursor.choose(row);
        }
        Vec::new()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, filter: Filter, world: &World) {
        self.filter = filter;
        self.remake(world);
    }

    fn sorts(&self) -> (&'static [&'static str], usize, bool) {
        (SORTS, self.by, self.turned)
    }

    fn sort(&mut self, by: usize, turned: bool, world: &World) {
        self.by = by;
        self.turned = turned;
        self.remake(world);
    }

    fn value(&self, _world: &World) -> Option<String> {
        self.chosen().map(|shop| shop.slug.clone())
    }

    fn command(&self, _world: &World) -> Option<Vec<String>> {
        let slug = &self.chosen()?.slug;
        Some(["aura", "tenant", "show", slug].map(str::to_owned).into())
    }

    fn back(&mut self, _world: &World) -> bool {
        std::mem::take(&mut self.inspecting)
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let places = list_and_detail(area, BESIDE, 65, self.inspecting);
        if let Some(list) = places.list {
            self.view_list(world, canvas, list);
        }
        if let Some(detail) = places.detail {
            self.view_shop(world, canvas, detail, places.alone);
        }
    }
}

impl Tenants {
    fn view_list(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let all = world.tenants().count();
        let damaged = world.status.as_ref().map_or(0, |status| status.damaged_tenants.len());
        let mut title = titled("Shops", self.rows.len(), all, &self.filter);
        if damaged > 0 {
            title.push_str(&format!("  {damaged} DAMAGED"));
        }
        let inside = canvas.pane(area, &title, true);
        if self.rows.is_empty() {
            let words = if self.filter.is_empty() { strings::NO_TENANTS } else { strings::NOTHING_PASSES };
            return instead(canvas, inside, world, &Load::Status, words);
        }
        let table = Table {
            columns: COLUMNS,
            count: self.rows.len(),
            cursor: &self.cursor,
            focused: true,
            pane: 0,
            sorted: None,
        };
        table.draw(canvas, inside, |at| match self.shop(at) {
            Some(tenant) => cells(tenant),
            None => Vec::new(),
        });
    }

    fn view_shop(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect, focused: bool) {
        let Some(tenant) = self.chosen() else {
            canvas.page(area, "Shop", focused);
            return;
        };
        let inside = canvas.page(area, &tenant.name, focused);
        let (ink, health) = health(tenant);
        let figure = |value: u64| text::number(value);
        let mut rows: Vec<(&str, Ink, String)> = vec![
            ("health", ink, health),
            ("mode", Ink::Plain, mode(tenant)),
            ("model", Ink::Plain, tenant.model.clone()),
            ("waiting", wanted(tenant.waiting), waiting(tenant, canvas)),
            ("drafts", wanted(tenant.drafts), figure(tenant.drafts)),
            ("left to people", wanted(tenant.parked), figure(tenant.parked)),
            ("with a person", Ink::Plain, figure(tenant.with_person)),
            ("not answered yet", Ink::Plain, figure(tenant.open_messages)),
            ("received today", Ink::Plain, figure(tenant.received_today)),
            ("handed over", Ink::Plain, handed_over(tenant)),
            budget("spent today", &tenant.spent_today_usd, tenant.budget_day_usd.as_deref()),
            budget("spent this month", &tenant.spent_month_usd, tenant.budget_month_usd.as_deref()),
            ("products", wanted(u64::from(tenant.products == 0)), figure(tenant.products)),
            ("missing webhooks", wanted(tenant.missing), figure(tenant.missing)),
            ("unknown outcomes", wanted(tenant.outbox.unknown), figure(tenant.outbox.unknown)),
        ];
        for account in &tenant.accounts {
            let heard = account.last_event_at.map_or_else(|| "never heard".into(), |at| canvas.ago(at));
            let name = account.username.as_deref().unwrap_or(&account.account_id);
            let ink = if account.state == "active" { Ink::Plain } else { Ink::Bad };
            rows.push(("account", ink, format!("{name} on {}: {}, {heard}", account.channel, account.state)));
        }
        let problems = world.status.iter().flat_map(|status| &status.problems);
        for problem in problems.filter(|problem| problem.tenant.as_deref() == Some(&tenant.slug)) {
            let ink = if problem.weight == "broken" { Ink::Bad } else { Ink::Wanted };
            rows.push(("problem", ink, format!("{}. {}", problem.what, problem.hint)));
        }
        let lines = pairs(canvas, &rows, inside.width.into());
        canvas.lines(inside, lines, 0);
    }
}

fn wanted(count: u64) -> Ink {
    if count > 0 { Ink::Wanted } else { Ink::Plain }
}

fn mode(tenant: &TenantStatus) -> String {
    match tenant.only_from {
        0 => tenant.mode.clone(),
        count => format!("{}, only from {count}", tenant.mode),
    }
}

fn waiting(tenant: &TenantStatus, canvas: &Canvas<'_, '_>) -> String {
    match tenant.waiting_since {
        Some(since) => format!("{}, the longest since {}", tenant.waiting, canvas.ago(since)),
        None => tenant.waiting.to_string(),
    }
}

/// Hand-overs of a thousand turns.
fn hand_overs(tenant: &TenantStatus) -> u64 {
    (tenant.handed_over_week * 1_000).checked_div(tenant.turns_week).unwrap_or(0)
}

fn handed_over(tenant: &TenantStatus) -> String {
    match tenant.turns_week {
        0 => "no turn in 7 days".into(),
        turns => {
            let (handed_over, part) = (tenant.handed_over_week, share(tenant.handed_over_week, turns));
            format!("{} of {} turns in 7 days ({part})", text::number(handed_over), text::number(turns))
        }
    }
}

fn spent(spent: &str) -> String {
    text::dollars(if spent.is_empty() { "0" } else { spent })
}

/// How near an amount is to its limit.
fn budget_ink(used: Option<u64>) -> Ink {
    match used {
        Some(BUDGET_GONE..) => Ink::Bad,
        Some(BUDGET_NEAR..) => Ink::Wanted,
        _ => Ink::Plain,
    }
}

/// An amount with its limit, where it has one.
fn budget(label: &'static str, amount: &str, limit: Option<&str>) -> (&'static str, Ink, String) {
    let used = used_of(amount, limit);
    let words = match (limit, used) {
        (Some(limit), Some(used)) => format!("{} of {} ({used} %)", spent(amount), spent(limit)),
        _ => spent(amount),
    };
    (label, budget_ink(used), words)
}

fn cells(tenant: &TenantStatus) -> Vec<(Ink, String)> {
    let (ink, health) = health(tenant);
    // The nearer one of the two limits.
    let day = used_of(&tenant.spent_today_usd, tenant.budget_day_usd.as_deref());
    let used = day.max(used_of(&tenant.spent_month_usd, tenant.budget_month_usd.as_deref()));
    let count = |value: u64| (wanted(value), if value == 0 { "-".into() } else { text::number(value) });
    vec![
        (Ink::Strong, tenant.slug.clone()),
        (ink, health),
        (Ink::Plain, tenant.mode.clone()),
        count(tenant.waiting),
        (Ink::Plain, text::number(tenant.received_today)),
        (Ink::Plain, share(tenant.handed_over_week, tenant.turns_week)),
        (Ink::Plain, spent(&tenant.spent_month_usd)),
        (budget_ink(used), used.map_or_else(|| "-".into(), |used| format!("{used} %"))),
        count(tenant.missing),
        count(tenant.drafts),
        (Ink::Plain, text::number(tenant.products)),
        (Ink::Faint, tenant.model.clone()),
    ]
}
