//! How the installation is: whether all is well first, then what is not with the command that helps, then the shops.

use std::collections::HashSet;

use aura::{
    api::{AccountStatus, KeptCopy, Status, StatusProblem, TenantStatus},
    terminal::{one_line, share, used_of},
};

use super::layout::{Grid, Look, bytes as in_units, count, or_dash};

/// Widest a name is shown in a table.
const NAME_COLUMNS: usize = 24;
/// Shops shown when there are more; those that need a look come first.
const SHOPS_MAX: usize = 12;
/// Problems shown when there are more.
const PROBLEMS_MAX: usize = 20;

/// How much to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// Every shop and every problem, however many.
    pub all: bool,
    /// Accounts and versions too.
    pub verbose: bool,
}

pub fn status(status: &Status, look: Look, detail: Detail) -> String {
    let mut parts = vec![verdict(status)];
    parts.extend(problems(&status.problems, detail));
    if !status.tenants.is_empty() {
        parts.push(shops(status, look, detail));
    }
    if detail.verbose {
        let accounts: Vec<_> = status.tenants.iter().flat_map(of_tenant).collect();
        if !accounts.is_empty() {
            parts.push(account_rows(&accounts, look));
        }
    }
    parts.push(machine(status, look, detail));
    parts.join("\n\n")
}

fn verdict(status: &Status) -> String {
    let of = |weight: &str| status.problems.iter().filter(|problem| problem.weight == weight).count() as u64;
    match (of("broken"), of("wanted")) {
        (0, 0) if status.daemon => "All is well.".to_owned(),
        (0, 0) => "Nothing is wrong, but no daemon runs: nobody answers. Start one with `aura serve`.".to_owned(),
        (0, wanted) => format!("Everything works; {} for you.", count(wanted, "thing waits", "things wait")),
        (broken, 0) => format!("{} not as it should be.", count(broken, "thing is", "things are")),
        (broken, wanted) => {
            let broken = count(broken, "thing is", "things are");
            format!("{broken} not as it should be; {} for you.", count(wanted, "more waits", "more wait"))
        }
    }
}

fn problems(problems: &[StatusProblem], detail: Detail) -> Option<String> {
    let shown = if detail.all { problems.len() } else { PROBLEMS_MAX };
    let line = |problem: &StatusProblem| {
        let whose = problem.tenant.as_ref().map(|slug| format!("{slug}: ")).unwrap_or_default();
        let note = if problem.weight == "note" { "note: " } else { "" };
        format!("  {note}{whose}{}\n    {}", problem.what, problem.hint)
    };
    let mut lines: Vec<_> = problems.iter().take(shown).map(line).collect();
    if problems.len() > shown {
        lines.push(format!("  and {} more: aura status --all", problems.len() - shown));
    }
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn of_tenant(tenant: &TenantStatus) -> impl Iterator<Item = (&str, &AccountStatus)> {
    tenant.accounts.iter().map(|account| (tenant.slug.as_str(), account))
}

/// One line a shop; where there are many, those that need a look and how many others there are.
fn shops(status: &Status, look: Look, detail: Detail) -> String {
    let weighty = status.problems.iter().filter(|problem| problem.weight != "note");
    let needy: HashSet<&str> = weighty.filter_map(|problem| problem.tenant.as_deref()).collect();
    let needs = |row: &&TenantStatus| needy.contains(row.slug.as_str());
    let mut rows: Vec<&TenantStatus> = status.tenants.iter().collect();
    rows.sort_by_key(|row| !needs(row));
    let many = rows.len() > SHOPS_MAX && !detail.all;
    if many {
        rows.retain(|row| needs(row));
        rows.truncate(SHOPS_MAX);
    }
    let others = status.tenants.len() - rows.len();
    let head = [
        "TENANT",
        "STATE",
        "PRODUCTS",
        "CONVERSATIONS",
        "WITH PERSON",
        "OPEN",
        "TO SEND",
        "SENT",
        "LAST EVENT",
        "TODAY",
        "HANDED OVER",
        "SPENT",
        "MISSING",
    ];
    let mut grid = Grid::new(look.width, &head)
        .right(&[2, 3, 4, 5, 6, 7, 9, 10, 11, 12])
        .whole(&[0, 1])
        .folds(&[12, 11, 10, 7, 2, 9, 8, 5, 6, 3]);
    for row in &rows {
        let to_send = (row.outbox.pending + row.outbox.sending + row.outbox.unknown).saturating_sub(row.outbox.held);
        let numbers = [row.products, row.conversations, row.with_person, row.open_messages, to_send, row.outbox.sent];
        let last = row.accounts.iter().filter_map(|account| account.last_event_at).max_by_key(|at| at.0);
        let cells = [row.slug.clone(), state(row)].into_iter();
        let more = [
            row.received_today.to_string(),
            share(row.handed_over_week, row.turns_week),
            month(row),
            row.missing.to_string(),
        ];
        grid.row(cells.chain(numbers.iter().map(u64::to_string)).chain([look.ago_or_dash(last)]).chain(more));
    }
    let more = match rows.is_empty() {
        _ if others == 0 => String::new(),
        true => format!("{} without problems: aura status --all", count(others as u64, "shop", "shops")),
        false => format!("\nand {}: aura status --all", count(others as u64, "other shop", "other shops")),
    };
    let mut text = if rows.is_empty() { more } else { grid.finish() + &more };
    let models = models(&rows).filter(|_| detail.verbose);
    for notes in [footnotes(&rows), models].into_iter().flatten() {
        text = format!("{text}\n{notes}");
    }
    text
}

/// What the models of this month cost, and how much of the budget that is.
fn month(tenant: &TenantStatus) -> String {
    let spent = &tenant.spent_month_usd;
    match used_of(spent, tenant.budget_month_usd.as_deref()) {
        Some(used) => format!("{spent} USD, {used} %"),
        None if matches!(spent.as_str(), "" | "0") => "-".into(),
        None => format!("{spent} USD"),
    }
}

/// `0.12 of 2 USD (6 %)`, or `0.12 USD` where there is no limit.
fn spent(amount: &str, limit: Option<&str>) -> String {
    match (limit, used_of(amount, limit)) {
        (Some(limit), Some(used)) => format!("{amount} of {limit} USD ({used} %)"),
        _ => format!("{amount} USD"),
    }
}

/// How a shop is, in lines.
pub fn figures(tenant: &TenantStatus, look: Look) -> String {
    let last = tenant.accounts.iter().filter_map(|account| account.last_event_at).max_by_key(|at| at.0);
    let handed_over = match tenant.turns_week {
        0 => "no turn in 7 days".into(),
        turns => {
            let of = count(turns, "turn", "turns");
            format!("{} of {of} in 7 days ({})", tenant.handed_over_week, share(tenant.handed_over_week, turns))
        }
    };
    let waiting = tenant.waiting_since.map(|since| format!(", the longest since {}", look.ago(since)));
    look.pairs(&[
        ("conversations", format!("{}, {} with a person", tenant.conversations, tenant.with_person)),
        ("wait for a person", format!("{}{}", tenant.waiting, waiting.unwrap_or_default())),
        ("drafts", tenant.drafts.to_string()),
        ("left to people", tenant.parked.to_string()),
        ("not answered yet", tenant.open_messages.to_string()),
        ("received today", tenant.received_today.to_string()),
        ("last event", look.ago_or_dash(last)),
        ("handed over", handed_over),
        ("missing webhooks", tenant.missing.to_string()),
        ("model", one_line(&tenant.model)),
        ("spent today", spent(&tenant.spent_today_usd, tenant.budget_day_usd.as_deref())),
        ("spent this month", spent(&tenant.spent_month_usd, tenant.budget_month_usd.as_deref())),
        ("products", tenant.products.to_string()),
    ])
}

/// What a provider's models cost, of the shops that use one.
fn models(tenants: &[&TenantStatus]) -> Option<String> {
    let uses_one = |tenant: &&&TenantStatus| !matches!(tenant.model.as_str(), "" | "builtin");
    let lines = tenants.iter().filter(uses_one).map(|tenant| {
        let today = spent(&tenant.spent_today_usd, tenant.budget_day_usd.as_deref());
        let month = spent(&tenant.spent_month_usd, tenant.budget_month_usd.as_deref());
        format!("{}: {}, {today} today, {month} this month", tenant.slug, one_line(&tenant.model))
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

/// `paused`, or how far the assistant may go; `*`: with some shoppers only.
fn state(tenant: &TenantStatus) -> String {
    match (tenant.state.as_str(), is_limited(tenant)) {
        ("active", true) => format!("{}*", tenant.mode),
        ("active", false) => tenant.mode.clone(),
        (state, _) => state.to_owned(),
    }
}

fn is_limited(tenant: &TenantStatus) -> bool {
    tenant.only_from > 0 && tenant.mode != "off"
}

/// What a `*` in the table means.
fn footnotes(tenants: &[&TenantStatus]) -> Option<String> {
    let limited = |tenant: &&&TenantStatus| is_limited(tenant) && tenant.state == "active";
    let lines = tenants.iter().filter(limited).map(|tenant| {
        let whom = count(tenant.only_from, "chosen shopper", "chosen shoppers");
        format!("* {}: {} for {whom} only; off for everyone else", tenant.slug, tenant.mode)
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn machine(status: &Status, look: Look, detail: Detail) -> String {
    let running = match (status.daemon, status.started_at) {
        (true, Some(at)) => format!("version {}, started {}", status.version, look.ago(at)),
        (true, None) => format!("version {}", status.version),
        (false, _) => format!("not running; this command (version {}) looked by itself", status.version),
    };
    let room = status.disk_free_bytes.map(|bytes| format!(", {} free", in_units(bytes))).unwrap_or_default();
    let backlog = match status.journal.backlog {
        0 => "nothing waits".into(),
        backlog => format!("{backlog} waiting"),
    };
    let mut rows = vec![
        ("daemon", running),
        ("data", format!("{}{room}; {}", status.data_dir, backup(status, look))),
        ("master key", format!("{}; {}", status.master_key, recovery_copy(status, look))),
        ("webhooks", backlog),
    ];
    if detail.verbose {
        let schemas = &status.schemas;
        let versions = format!("control {}, journal {}, tenant {}", schemas.control, schemas.journal, schemas.tenant);
        rows.push(("schemas", versions));
    }
    look.pairs(&rows)
}

/// What Aura knows of a copy of the master key.
fn recovery_copy(status: &Status, look: Look) -> String {
    match &status.recovery_copy {
        None => "no recovery copy".into(),
        Some(KeptCopy { written_at, current: true }) => format!("recovery copy written {}", look.ago(*written_at)),
        Some(KeptCopy { written_at, current: false }) => {
            format!("the recovery copy written {} holds an older one", look.ago(*written_at))
        }
    }
}

/// What Aura knows of a backup.
fn backup(status: &Status, look: Look) -> String {
    match &status.last_backup {
        None => "no backup".into(),
        Some(backup) => format!("backup of {} made {}", in_units(backup.bytes), look.ago(backup.made_at)),
    }
}

fn account_rows(rows: &[(&str, &AccountStatus)], look: Look) -> String {
    let mut grid =
        Grid::new(look.width, &["TENANT", "ACCOUNT", "NAME", "STATE", "LAST EVENT", "RECEIVED", "RECOVERED"])
            .right(&[5, 6])
            .whole(&[0, 1])
            .folds(&[6, 5, 2]);
    for (slug, account) in rows {
        let name = look.clip(or_dash(account.username.as_deref()), NAME_COLUMNS);
        let last = look.ago_or_dash(account.last_event_at);
        let (received, recovered) = (account.received.to_string(), account.recovered.to_string());
        grid.row([*slug, &account.account_id, &name, &account.state, &last, &received, &recovered]);
    }
    grid.finish()
}
