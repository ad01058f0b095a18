//! The machinery: what runs and listens, what waits, what the files take, whose tokens work.

use aura::api::{AccountToken, Queues, Storage, System, TurnQueue};

use super::layout::{Grid, Look, bytes, count, or_dash};

/// Widest a name is shown in a table.
const NAME_COLUMNS: usize = 24;
/// Accounts shown when there are more; refused ones come first.
const ACCOUNTS_MAX: usize = 12;

/// `all`: every account, however many.
pub fn system(system: &System, look: Look, all: bool) -> String {
    // Ages are those of the moment that was looked at.
    let look = Look { now: system.at, ..look };
    let mut parts = vec![machinery(system, look)];
    if !system.storage.largest.is_empty() {
        parts.push(largest(&system.storage, look));
    }
    if !system.accounts.is_empty() {
        parts.push(accounts(&system.accounts, look, all));
    }
    parts.join("\n\n")
}

fn machinery(system: &System, look: Look) -> String {
    let versions = &system.versions;
    let memory = system.resident_bytes.map(|resident| format!(", {} in memory", bytes(resident))).unwrap_or_default();
    let daemon = match system.daemon {
        true => format!("version {}, started {}{memory}", versions.aura, look.ago(system.started_at)),
        false => format!("not running; this command (version {}) looked by itself", versions.aura),
    };
    let mut rows = vec![("daemon", daemon)];
    if let Some(listening) = &system.listening {
        let metrics = listening.metrics.as_ref().map(|address| format!("metrics {address}\n")).unwrap_or_default();
        rows.push(("listening", format!("webhooks {}\n{metrics}commands {}", listening.webhooks, listening.socket)));
    }
    rows.extend([("webhooks", webhooks(&system.queues, look))]);
    if let Some(lane) = &system.queues.turns {
        rows.extend([("turns", turns(lane, look)), ("workers", format!("{} of {} busy", lane.busy, lane.workers))]);
    }
    let bulk = &system.queues.bulk;
    rows.push(("background", format!("{} of {} places busy, {} waiting", bulk.running, bulk.places, bulk.waiting)));
    rows.extend([("files", files(&system.storage)), ("disk", disk(&system.storage))]);
    let schemas = &versions.schemas;
    let schemas = format!("control {}, journal {}, tenant {}", schemas.control, schemas.journal, schemas.tenant);
    rows.extend([("sqlite", format!("{}; schemas: {schemas}", versions.sqlite)), ("log", system.log_level.clone())]);
    look.pairs(&rows)
}

fn webhooks(queues: &Queues, look: Look) -> String {
    match (queues.webhooks, queues.oldest_webhook_at) {
        (0, _) => "nothing waits".into(),
        (waiting, None) => format!("{waiting} waiting"),
        (waiting, Some(oldest)) => format!("{waiting} waiting, the oldest came {}", look.ago(oldest)),
    }
}

fn turns(lane: &TurnQueue, look: Look) -> String {
    let mut words = match (lane.waiting, lane.oldest_at) {
        (0, _) => "nothing waits".to_owned(),
        (waiting, None) => format!("{waiting} waiting"),
        (waiting, Some(oldest)) => format!("{waiting} waiting, the first came into line {}", look.ago(oldest)),
    };
    if lane.more_on_disk {
        words += "; more in the shops' files";
    }
    if let Some(oldest) = lane.oldest_message_at {
        words += &format!("\nthe oldest open message came {}", look.ago(oldest));
    }
    words
}

fn files(storage: &Storage) -> String {
    let tenants = count(storage.tenants, "tenant", "tenants");
    let [control, journal, all] = [storage.control_bytes, storage.journal_bytes, storage.tenants_bytes].map(bytes);
    format!("{}\ncontrol {control}, journal {journal}, {tenants} {all}", storage.data_dir)
}

fn disk(storage: &Storage) -> String {
    match (storage.disk_free_bytes, storage.disk_low_bytes) {
        (Some(free), Some(low)) if free < low => format!("{} free: too little, at least {}", bytes(free), bytes(low)),
        (Some(free), _) => format!("{} free", bytes(free)),
        (None, _) => "not known".into(),
    }
}

fn largest(storage: &Storage, look: Look) -> String {
    let mut grid = Grid::new(look.width, &["LARGEST", "SIZE"]).whole(&[0]).right(&[1]);
    for tenant in &storage.largest {
        grid.row([tenant.tenant.clone(), bytes(tenant.bytes)]);
    }
    grid.finish()
}

fn accounts(accounts: &[AccountToken], look: Look, all: bool) -> String {
    let shown = if all { accounts.len() } else { ACCOUNTS_MAX };
    let mut grid =
        Grid::new(look.width, &["TENANT", "ACCOUNT", "NAME", "TOKEN", "GIVEN"]).whole(&[0, 1]).folds(&[4, 2]);
    for account in accounts.iter().take(shown) {
        let name = look.clip(or_dash(account.username.as_deref()), NAME_COLUMNS);
        let given = look.ago(account.given_at);
        grid.row([&account.tenant, &account.account_id, &name, &account.state, &given]);
    }
    let table = grid.finish();
    match accounts.len().saturating_sub(shown) {
        0 => table,
        others => {
            format!("{table}\nand {} more: aura status --system --all", count(others as u64, "account", "accounts"))
        }
    }
}
