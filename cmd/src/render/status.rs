//! How the installation is, with what needs a person on top of each tenant.

use aura::api::{AccountStatus, Status, TenantStatus, Time};

use super::layout::{Grid, clip, count, or_dash, pairs};
use crate::time::{ago, ago_or_dash};

/// Widest a name is shown in a table.
const NAME_COLUMNS: usize = 24;

pub fn status(status: &Status, now: Time, width: Option<usize>) -> String {
    let running = match (status.daemon, status.started_at) {
        (true, Some(at)) => format!("running, started {}", ago(at, now)),
        (true, None) => "running".into(),
        (false, _) => "not running; this command looked by itself".into(),
    };
    let backlog = match status.journal.backlog {
        0 => "nothing waits".into(),
        backlog => format!("{backlog} waiting"),
    };
    let schemas = &status.schemas;
    let mut text = pairs(&[
        ("version", status.version.clone()),
        ("daemon", running),
        ("data directory", status.data_dir.clone()),
        ("master key", status.master_key.clone()),
        ("webhooks", backlog),
        (
            "schema versions",
            format!("control {}, journal {}, tenant {}", schemas.control, schemas.journal, schemas.tenant),
        ),
    ]);
    for slug in &status.damaged_tenants {
        text.push_str(&format!(
            "\n\n{slug} stands still: its file is damaged. Restore it from a backup, then start Aura again."
        ));
    }
    if status.tenants.is_empty() {
        return text;
    }
    text.push_str("\n\n");
    text.push_str(&tenants(&status.tenants, width));
    if let Some(notes) = footnotes(&status.tenants) {
        text.push_str(&format!("\n{notes}"));
    }
    let accounts: Vec<_> = status.tenants.iter().flat_map(of_tenant).collect();
    if !accounts.is_empty() {
        text.push_str("\n\n");
        text.push_str(&account_rows(&accounts, now, width));
    }
    let concerns: Vec<_> = status.tenants.iter().flat_map(concerns).collect();
    if !concerns.is_empty() {
        text.push_str("\n\nNeeds a look\n");
        text.push_str(&concerns.join("\n"));
    }
    text
}

fn of_tenant(tenant: &TenantStatus) -> impl Iterator<Item = (&str, &AccountStatus)> {
    tenant.accounts.iter().map(|account| (tenant.slug.as_str(), account))
}

fn tenants(rows: &[TenantStatus], width: Option<usize>) -> String {
    let head =
        ["TENANT", "STATE", "PRODUCTS", "CONVERSATIONS", "WITH PERSON", "WAITING", "OPEN", "TO SEND", "SENT", "HELD"];
    let mut grid = Grid::new(width, &head).right(&[2, 3, 4, 5, 6, 7, 8, 9]).whole(&[0, 1]);
    for row in rows {
        let to_send = row.outbox.pending + row.outbox.sending + row.outbox.unknown - row.outbox.drafts;
        let numbers = [
            row.products,
            row.conversations,
            row.with_person,
            row.waiting,
            row.open_messages,
            to_send,
            row.outbox.sent,
            row.outbox.held - row.outbox.drafts,
        ];
        let cells = [row.slug.clone(), state(row)].into_iter();
        grid.row(cells.chain(numbers.iter().map(u64::to_string)));
    }
    grid.finish()
}

fn account_rows(rows: &[(&str, &AccountStatus)], now: Time, width: Option<usize>) -> String {
    let mut grid = Grid::new(width, &["TENANT", "ACCOUNT", "NAME", "STATE", "LAST EVENT", "RECEIVED", "RECOVERED"])
        .right(&[5, 6])
        .whole(&[0, 1]);
    for (slug, account) in rows {
        let name = clip(or_dash(account.username.as_deref()), NAME_COLUMNS);
        let last = ago_or_dash(account.last_event_at, now);
        let (received, recovered) = (account.received.to_string(), account.recovered.to_string());
        grid.row([*slug, &account.account_id, &name, &account.state, &last, &received, &recovered]);
    }
    grid.finish()
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
fn footnotes(tenants: &[TenantStatus]) -> Option<String> {
    let limited = |tenant: &&TenantStatus| is_limited(tenant) && tenant.state == "active";
    let lines = tenants.iter().filter(limited).map(|tenant| {
        let whom = count(tenant.only_from, "chosen shopper", "chosen shoppers");
        format!("* {}: {} for {whom} only; off for everyone else", tenant.slug, tenant.mode)
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

/// What a person should look at, in sentences, with the command that helps under it.
fn concerns(tenant: &TenantStatus) -> Vec<String> {
    let slug = &tenant.slug;
    let mut found = Vec::new();
    if tenant.waiting > 0 {
        let who = count(tenant.waiting, "shopper waits", "shoppers wait");
        found.push(format!("  {slug}: {who} for a person\n    aura conversation list -t {slug} --state waiting"));
    }
    if tenant.drafts > 0 {
        let what = count(tenant.drafts, "draft waits", "drafts wait");
        found.push(format!("  {slug}: {what} for approval\n    aura conversation list -t {slug} --state draft"));
    }
    if tenant.parked > 0 {
        let what = count(tenant.parked, "conversation is", "conversations are");
        let command = format!("aura conversation list -t {slug} --state parked");
        found.push(format!("  {slug}: {what} left to people and not dealt with\n    {command}"));
    }
    if tenant.labelled > 0 {
        let what = count(tenant.labelled, "conversation is labelled", "conversations are labelled");
        found.push(format!(
            "  {slug}: {what} as no customer matter\n    aura conversation list -t {slug} --state labelled"
        ));
    }
    let held = tenant.outbox.held.saturating_sub(tenant.outbox.drafts);
    if held > 0 {
        let what = count(held, "reply is held", "replies are held");
        found.push(format!("  {slug}: {what} for a person\n    aura tail -t {slug} --kind reply.held --no-follow"));
    }
    if tenant.outbox.unknown > 0 {
        let what = count(tenant.outbox.unknown, "reply has an unknown outcome", "replies have unknown outcomes");
        found.push(format!("  {slug}: {what}; Aura looks on the channel"));
    }
    for account in &tenant.accounts {
        let id = &account.account_id;
        let what = match account.state.as_str() {
            "refused" => "is refused by Instagram",
            "no_token" => "has no token and cannot send",
            _ => continue,
        };
        let fix = format!("aura connect instagram -t {slug} --account-id {id} --token-file -");
        found.push(format!("  {slug}: account {id} {what}\n    {fix}"));
    }
    found
}
