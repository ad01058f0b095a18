//! What an owner should know of, in one table: what it is called, what it says, and the command that helps.

use super::status::{Status, TenantStatus, Unreadable};
use crate::{
    domain::{
        Timestamp,
        account::AccountState,
        notify::{LastNotification, NotificationState},
        reach::Mode,
        tenant::TenantState,
    },
    store::{Room, Trouble},
};

/// A shopper who has waited longer for a person is one too many.
const WAITING_MAX_MS: i64 = 15 * 60_000;
/// A message that has waited longer for the assistant is stuck.
const OPEN_MAX_MS: i64 = 5 * 60_000;
/// A delivery that has waited longer for dispatch is stuck.
const BACKLOG_MAX_MS: i64 = 60_000;

/// How much it matters; the first sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something does not work.
    Broken,
    /// A person is wanted.
    Wanted,
    /// Worth knowing, and perhaps meant to be so.
    Note,
}

impl Weight {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Wanted => "wanted",
            Self::Note => "note",
        }
    }
}

/// Something that an owner should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub weight: Weight,
    /// The tenant's slug; `None`: the installation's.
    pub tenant: Option<String>,
    /// A stable word for scripts.
    pub code: &'static str,
    /// A sentence without a full stop.
    pub what: String,
    /// The command, or the thing to do.
    pub hint: String,
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn minutes(ms: i64) -> String {
    if ms < 60_000 {
        return "less than a minute".to_owned();
    }
    count(u64::try_from(ms / 60_000).unwrap_or_default(), "minute", "minutes")
}

fn hours(ms: i64) -> String {
    count(u64::try_from(ms / 3_600_000).unwrap_or_default(), "hour", "hours")
}

/// Everything an owner should know of, what matters most first.
pub(super) fn all(status: &Status, now: Timestamp) -> Vec<Problem> {
    let mut found = of_installation(status, now);
    found.extend(status.tenants.iter().flat_map(|tenant| of_tenant(tenant, now)));
    // Stable: within one weight the installation comes first, then the tenants by slug.
    found.sort_by_key(|problem| problem.weight);
    found
}

fn of_installation(status: &Status, now: Timestamp) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut add = |weight, code, what: String, hint: &str| {
        found.push(Problem { weight, tenant: None, code, what, hint: hint.to_owned() });
    };
    let disk = |what: &str| format!("the disk {what}");
    if status.disk_failed {
        let hint = "Check the disk, then start the daemon again.";
        add(Weight::Broken, "disk_failed", disk("has failed: nothing more is accepted"), hint);
    } else if status.disk_full {
        let what = disk("is full: webhooks are turned away until there is room");
        add(Weight::Broken, "disk_full", what, "Free some space; Aura goes on by itself.");
    } else if let Some(Room { free_bytes, low_bytes }) = status.room.filter(Room::is_low) {
        let (free, low) = (free_bytes >> 20, low_bytes >> 20);
        let what = disk(&format!("has {free} MiB left, less than the {low} MiB it should keep"));
        add(Weight::Broken, "disk_low", what, "Free some space, or move the data directory to a larger disk.");
    }
    if let Some(waited) = status.oldest_delivery.map(|at| now.since_ms(at)).filter(|ms| *ms > BACKLOG_MAX_MS) {
        let what =
            format!("{} for {}", count(status.journal_backlog, "webhook waits", "webhooks wait"), minutes(waited));
        let hint = if status.daemon {
            "The log says why: look for `dispatch` and `could not be recorded`."
        } else {
            "aura serve"
        };
        add(Weight::Broken, "journal_backlog", what, hint);
    }
    if let Some(age_max) = status.backup_age_max_ms {
        let age = status.last_backup.as_ref().map(|backup| now.since_ms(backup.made_at));
        let what = match age {
            None => Some("no backup was made yet".to_owned()),
            Some(age) if age > age_max => Some(format!("the newest backup is {} old", hours(age))),
            Some(_) => None,
        };
        if let Some(what) = what {
            add(Weight::Wanted, "backup_old", what, "aura backup --to FILE");
        }
    }
    if let Some(broken) = status.logs_broken {
        let what = format!("{} at the last check", count(broken, "log did not hold", "logs did not hold"));
        add(Weight::Broken, "chain_broken", what, "aura audit verify");
    }
    found
}

fn of_tenant(status: &TenantStatus, now: Timestamp) -> Vec<Problem> {
    let slug = status.tenant.slug.as_str();
    let mut found = Vec::new();
    let mut add = |weight, code, what: String, hint: String| {
        found.push(Problem { weight, tenant: Some(slug.to_owned()), code, what, hint });
    };
    match &status.unreadable {
        None => {}
        Some(Unreadable::Damaged) => {
            let what = "stands still: its file is damaged".to_owned();
            let hint = "Restore it from a backup, then start Aura again.".to_owned();
            add(Weight::Broken, "file_damaged", what, hint);
            return found;
        }
        Some(Unreadable::Failed(reason)) => {
            let what = format!("its file cannot be read: {reason}");
            add(Weight::Broken, "file_unreadable", what, format!("aura audit verify -t {slug}"));
            return found;
        }
    }
    for account in &status.accounts {
        let id = &account.account.id;
        let hint = format!("aura connect instagram -t {slug} --account-id {id} --token-file -");
        if !account.has_token {
            add(Weight::Broken, "account_no_token", format!("account {id} has no token and cannot send"), hint);
        } else if account.account.state == AccountState::Refused {
            add(Weight::Broken, "account_refused", format!("account {id} is refused by Instagram"), hint);
        }
    }
    let models = &status.models;
    for model in &models.keyless {
        let what = format!("{model} is passed over: there is no key for it");
        add(Weight::Broken, "model_no_key", what, format!("aura secret set {}.api_key -t {slug}", model.provider));
    }
    for model in &models.left_alone {
        let what = format!("{model} fails and is left alone for a while");
        add(Weight::Broken, "model_failing", what, format!("aura model test {model} -t {slug}"));
    }
    if let Some(span) = models.used_up() {
        let limit = models.budget.of(span).unwrap_or_default();
        let what = format!("the {} budget of {limit} USD for models is used up", span.as_str());
        add(Weight::Wanted, "model_budget_used", what, format!("aura usage -t {slug}"));
    }
    if status.lost > 0 {
        let what = format!("{} lost: nobody would answer", count(status.lost, "message is", "messages are"));
        add(Weight::Broken, "messages_lost", what, format!("aura audit verify -t {slug}"));
    }
    let Trouble { waiting_since, open_since, recovered, refused } = status.trouble;
    let paused = status.tenant.state == TenantState::Paused;
    if let Some(waited) = open_since.map(|at| now.since_ms(at)).filter(|ms| *ms > OPEN_MAX_MS && !paused) {
        let what = format!(
            "{} for the assistant for {}",
            count(status.counts.open_messages, "message waits", "messages wait"),
            minutes(waited)
        );
        add(Weight::Broken, "messages_stuck", what, format!("aura tail -t {slug} --since 1h"));
    }
    if status.counts.waiting > 0 {
        let waited = waiting_since.map_or(0, |at| now.since_ms(at));
        let who = count(status.counts.waiting, "shopper waits", "shoppers wait");
        let weight = if waited > WAITING_MAX_MS { Weight::Broken } else { Weight::Wanted };
        let what = format!("{who} for a person, the longest for {}", minutes(waited));
        add(weight, "people_waiting", what, format!("aura conversation list -t {slug} --state waiting"));
    }
    if status.counts.drafts > 0 {
        let what = format!("{} for approval", count(status.counts.drafts, "draft waits", "drafts wait"));
        add(Weight::Wanted, "drafts_waiting", what, format!("aura conversation list -t {slug} --state draft"));
    }
    if status.counts.parked > 0 {
        let what = count(status.counts.parked, "conversation is", "conversations are");
        let hint = format!("aura conversation list -t {slug} --state parked");
        add(Weight::Wanted, "conversations_parked", format!("{what} left to people and not dealt with"), hint);
    }
    if status.counts.labelled > 0 {
        let what = count(status.counts.labelled, "conversation is labelled", "conversations are labelled");
        let hint = format!("aura conversation list -t {slug} --state labelled");
        add(Weight::Note, "conversations_labelled", format!("{what} as no customer matter"), hint);
    }
    let held = status.counts.held.saturating_sub(status.counts.draft_rows);
    if held > 0 {
        let what = format!("{} for a person", count(held, "reply is held", "replies are held"));
        add(Weight::Wanted, "replies_held", what, format!("aura tail -t {slug} --kind reply.held --no-follow"));
    }
    if refused > 0 {
        let what = format!("{} refused by Instagram since yesterday", count(refused, "reply was", "replies were"));
        add(
            Weight::Wanted,
            "replies_refused",
            what,
            format!("aura tail -t {slug} --kind reply.failed --since 24h --no-follow"),
        );
    }
    if recovered > 0 {
        let what = format!(
            "{} since yesterday that no webhook had brought",
            count(recovered, "message was found", "messages were found")
        );
        add(
            Weight::Wanted,
            "webhooks_missing",
            what,
            "Check the webhook's subscription in Meta's dashboard, and `public_url`.".to_owned(),
        );
    }
    for target in &status.targets {
        let given_up = |last: &LastNotification| last.state == NotificationState::GivenUp;
        if target.last.as_ref().is_some_and(given_up) {
            let name = &target.target.name;
            let what = format!("the last notification of {name} was given up: nobody was told");
            add(Weight::Broken, "notification_given_up", what, format!("aura notify test -t {slug} {name}"));
        }
    }
    if status.accounts.is_empty() {
        let hint = format!("aura connect instagram -t {slug} --account-id ID --token-file -");
        add(Weight::Note, "no_account", "no account is connected".to_owned(), hint);
    }
    if status.products == 0 {
        let hint = format!("aura catalog import -t {slug} FILE");
        add(Weight::Note, "catalog_empty", "the catalogue is empty: nothing can be recommended".to_owned(), hint);
    }
    if status.tenant.standing.reach.mode == Mode::Off {
        let what = "off: what comes in is left to people".to_owned();
        add(Weight::Note, "mode_off", what, format!("aura tenant edit {slug} --mode live"));
    }
    if paused {
        add(
            Weight::Note,
            "paused",
            "paused: the assistant says nothing".to_owned(),
            format!("aura tenant resume {slug}"),
        );
    }
    found
}

#[cfg(test)]
mod tests;
