//! A check-up: named checks over the machine, the data directory and everything that it is connected to, each with what to do.
//!
//! What is said may be pasted where strangers read it: no secret, nothing that a shopper wrote, ids cut short, the home
//! directory as `~`. What the problems of [`status`](super::status) know is not judged a second time.

mod encryption;
mod pastable;
pub mod place;
mod reach;

use tokio_util::sync::CancellationToken;

use super::{
    App, Caller, Error,
    installation::on_thread,
    problem::{Problem, Weight},
    status::{Status, TenantStatus},
};
use crate::{
    config::Environment,
    domain::{Timestamp, chain},
    store,
};

/// A catalogue that nobody has imported for so long may be out of date.
const CATALOGUE_OLD_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 24 * 3_600_000;
/// How far the wall clock may move against the one that only goes forward.
const CLOCK_SLACK_MS: i64 = 2_000;

macro_rules! checks {
    ($($variant:ident $word:literal $what:literal,)*) => {
        /// A check, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Check {
            $(#[doc = $what] $variant,)*
        }

        impl Check {
            /// Every one, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

checks! {
    DataDirectory "data_directory" "Where the data is, and what lies around in it.",
    Permissions "permissions" "Whether others may read or write it.",
    Disk "disk" "Room on the disk.",
    Encryption "encryption" "Whether the disk is seen to be encrypted.",
    Clock "clock" "Whether the clock can be relied on.",
    MasterKey "master_key" "Where the master key is, and whether a copy is kept.",
    DatabaseIntegrity "database_integrity" "Whether every database is whole.",
    Versions "versions" "Which versions work together.",
    Tls "tls" "The certificate of the public address.",
    PublicReachability "public_reachability" "Whether the public address leads here.",
    Channels "channels" "The accounts and their tokens.",
    Providers "providers" "The providers of models.",
    CatalogueFreshness "catalogue_freshness" "How old the catalogues are.",
    OldestQueuedTurn "oldest_queued_turn" "Whether somebody waits for an answer.",
    BackupAge "backup_age" "How old the newest backup is.",
}

impl Check {
    /// The check of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.as_str() == word)
    }
}

/// What a check came to; the worst sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing to do.
    Ok,
    /// It was not made, for a reason.
    Skipped,
    /// Worth a look.
    Warning,
    /// Something does not work.
    Failed,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// By which check.
    pub check: Check,
    /// What it came to.
    pub verdict: Verdict,
    /// Which tenant it is about, by slug.
    pub about: Option<String>,
    /// A sentence without a full stop.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// What was done about it.
    pub mended: Option<String>,
}

impl Finding {
    fn new(check: Check, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { check, verdict, about: None, what: what.into(), hint: None, mended: None }
    }

    fn ok(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, what)
    }

    fn skipped(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, what)
    }

    fn warning(check: Check, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::new(check, Verdict::Warning, what) }
    }

    fn failed(check: Check, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::new(check, Verdict::Failed, what) }
    }

    fn about(mut self, tenant: &str) -> Self {
        self.about = Some(tenant.to_owned());
        self
    }

    /// Something was done: it is as it should be now.
    fn mended(mut self, what: impl Into<String>) -> Self {
        (self.verdict, self.mended, self.hint) = (Verdict::Ok, Some(what.into()), None);
        self
    }
}

/// What to look at, and how far to go.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These checks; none: all.
    pub only: Vec<Check>,
    /// Whether others may be asked: Instagram about tokens, its clock, the providers.
    pub online: bool,
    /// Whether every hash chain is walked along.
    pub chains: bool,
    /// Whether what is safe to mend is mended.
    pub fix: bool,
    /// The version of whoever asks.
    pub asked_by: Option<String>,
}

impl Wanted {
    fn wants(&self, check: Check) -> bool {
        self.only.is_empty() || self.only.contains(&check)
    }
}

impl App {
    /// A check-up.
    ///
    /// # Errors
    /// When `control.db` cannot be read; whatever else is wrong is a finding.
    pub async fn doctor(&self, caller: &Caller, wanted: &Wanted) -> Result<Vec<Finding>, Error> {
        let (status, now) = (self.status(caller).await?, self.clock.now());
        let mut found = Vec::new();
        for check in Check::ALL.iter().copied().filter(|check| wanted.wants(*check)) {
            match check {
                Check::DataDirectory | Check::Permissions | Check::Encryption => {
                    let (path, fix) = (self.data_dir().to_owned(), wanted.fix);
                    found.extend(on_thread(move || place::examine(&path, check, place::InUse::Yes, fix)).await?);
                }
                Check::Disk => found.extend(disk(&status)),
                Check::Clock => found.extend(self.clock_check(wanted.online, now).await),
                Check::MasterKey => found.extend(self.master_key_check(&status).await),
                Check::DatabaseIntegrity => found.extend(self.integrity(&status, wanted).await?),
                Check::Versions => found.push(versions(wanted.asked_by.as_deref())),
                Check::Tls | Check::PublicReachability => {}
                Check::Channels => found.extend(self.channels(&status, wanted.online).await?),
                Check::Providers => found.extend(self.providers(&status, wanted.online).await),
                Check::CatalogueFreshness => found.extend(self.catalogues(&status, now).await?),
                Check::OldestQueuedTurn => found.extend(self.queued(&status, wanted.fix).await),
                Check::BackupAge => found.extend(backup(&status, now)),
            }
        }
        if wanted.wants(Check::Tls) || wanted.wants(Check::PublicReachability) {
            let reached = reach::public(self.config.public_url.as_deref(), self.daemon, now).await;
            found.extend(reached.into_iter().filter(|finding| wanted.wants(finding.check)));
        }
        let home = Environment::of_process().get("HOME").map(ToOwned::to_owned);
        Ok(told(found, home.as_deref()))
    }

    async fn clock_check(&self, online: bool, now: Timestamp) -> Vec<Finding> {
        let check = Check::Clock;
        let elapsed = i64::try_from(self.live.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let moved = now.since_ms(self.live.started_at.plus_ms(elapsed));
        let mut found = vec![match moved.abs() > CLOCK_SLACK_MS {
            true => Finding::warning(
                check,
                format!("the clock was moved by {} s since this process began", moved / 1_000),
                "Keep it steady with NTP (`timedatectl set-ntp true`): timers and messaging windows go by it.",
            ),
            false => Finding::ok(check, "it has gone steadily since this process began"),
        }];
        if online {
            found.push(reach::clock(&self.config.meta.graph_url, now).await);
        }
        found
    }

    async fn master_key_check(&self, status: &Status) -> Vec<Finding> {
        let check = Check::MasterKey;
        let place = &status.master_key;
        if !self.opens_its_key().await {
            let what = format!("{place} does not open this installation's key");
            return vec![Finding::failed(check, what, "aura secret restore-master FILE")];
        }
        let copy = "aura secret recovery-copy FILE";
        vec![match &status.recovery_copy {
            Some(kept) if kept.is_current => Finding::ok(check, format!("in {place}; a recovery copy of it is kept")),
            Some(_) => Finding::warning(
                check,
                format!("in {place}; the recovery copy holds an older one, from before it was changed"),
                copy,
            ),
            None => Finding::warning(
                check,
                format!("in {place}; no recovery copy was made: if it is lost, so are all secrets"),
                copy,
            ),
        }]
    }

    async fn integrity(&self, status: &Status, wanted: &Wanted) -> Result<Vec<Finding>, Error> {
        let check = Check::DatabaseIntegrity;
        let mut found = of_problems(check, &status.problems, &["chain_broken", "messages_lost"]);
        let restore = "Restore it from a backup (`aura restore`); keep the damaged file for a closer look.";
        let mut whole = 0;
        let mut judge = |name: &str, tenant: Option<&str>, looked: Result<Option<String>, store::Error>| {
            let finding = match looked {
                Ok(None) => {
                    whole += 1;
                    return;
                }
                Ok(Some(fault)) => Finding::failed(check, format!("{name} is damaged: {fault}"), restore),
                Err(error @ store::Error::Corrupt { .. }) => {
                    Finding::failed(check, format!("{name} is damaged: {}", chain(&error)), restore)
                }
                Err(error) => {
                    Finding::failed(check, format!("{name} cannot be read: {}", chain(&error)), "aura status")
                }
            };
            found.push(match tenant {
                Some(slug) => finding.about(slug),
                None => finding,
            });
        };
        judge("control.db", None, self.store.look_into_control().await);
        judge("journal.db", None, self.store.look_into_journal().await);
        for TenantStatus { tenant, .. } in &status.tenants {
            judge("tenant.db", Some(tenant.slug.as_str()), self.store.look_into_tenant(tenant.id).await);
        }
        if wanted.chains {
            let broken = self.broken_chains().await?;
            if broken > 0 {
                found.push(Finding::failed(check, format!("{broken} logs do not hold"), "aura audit verify"));
            }
        }
        if found.is_empty() {
            let chains = if wanted.chains { "and so is every log" } else { "`--chains` walks along the logs too" };
            found.push(Finding::ok(check, format!("{whole} databases are whole; {chains}")));
        }
        Ok(found)
    }

    async fn channels(&self, status: &Status, online: bool) -> Result<Vec<Finding>, Error> {
        let check = Check::Channels;
        let known = ["account_no_token", "account_refused", "no_account", "webhooks_missing"];
        let mut found = of_problems(check, &status.problems, &known);
        let accounts: usize = status.tenants.iter().map(|tenant| tenant.accounts.len()).sum();
        if online {
            for tenant in &status.tenants {
                for account in tenant.accounts.iter().filter(|account| account.has_token) {
                    let token = super::accounts::token_of(&self.secrets, &account.account).await?;
                    let id = &account.account.id;
                    let finding = match self.graph.me(&token).await {
                        Ok(me) if me.user_id == *id => {
                            Finding::ok(check, format!("Instagram knows the token of account {id}"))
                        }
                        Ok(_) => Finding::failed(
                            check,
                            format!("the token of account {id} is another account's"),
                            "aura connect instagram --account-id ID --token-file -",
                        ),
                        Err(error) => Finding::failed(
                            check,
                            format!("the token of account {id} was tried: {}", chain(&error)),
                            "aura connect instagram --account-id ID --token-file -",
                        ),
                    };
                    found.push(finding.about(tenant.tenant.slug.as_str()));
                }
            }
        } else if found.is_empty() {
            let tried = if accounts == 0 { "" } else { "; `--online` asks Instagram about their tokens" };
            found.push(Finding::ok(check, format!("{accounts} connected{tried}")));
        }
        Ok(found)
    }

    async fn providers(&self, status: &Status, online: bool) -> Vec<Finding> {
        let check = Check::Providers;
        let mut found = of_problems(check, &status.problems, &["model_no_key", "model_failing", "model_budget_used"]);
        let mut asked: Vec<String> = status
            .tenants
            .iter()
            .filter(|tenant| tenant.models.asks)
            .map(|tenant| tenant.models.chosen.to_string())
            .collect();
        asked.sort();
        asked.dedup();
        if found.is_empty() {
            found.push(match asked.as_slice() {
                [] => Finding::ok(check, "the built-in assistant answers; no provider is asked"),
                asked => Finding::ok(check, format!("{} with a key, and not failing", asked.join(", "))),
            });
        }
        if online && asked.iter().any(|model| model.starts_with("ollama:")) {
            found.push(match self.local_models().await {
                Ok(models) => {
                    let has = |name: &str| models.iter().any(|model| *model.name == *name);
                    let missing =
                        asked.iter().filter_map(|model| model.strip_prefix("ollama:")).find(|name| !has(name));
                    match missing {
                        Some(name) => Finding::failed(
                            check,
                            format!("Ollama answers and does not have {name}"),
                            format!("aura model pull ollama:{name}"),
                        ),
                        None => Finding::ok(check, "Ollama answers and has what is chosen"),
                    }
                }
                Err(error) => {
                    Finding::failed(check, format!("Ollama does not answer: {}", error.class.code()), "ollama serve")
                }
            });
        }
        found
    }

    async fn catalogues(&self, status: &Status, now: Timestamp) -> Result<Vec<Finding>, Error> {
        let check = Check::CatalogueFreshness;
        let mut found = of_problems(check, &status.problems, &["catalog_empty"]);
        for TenantStatus { tenant, products, unreadable, .. } in &status.tenants {
            if *products == 0 || unreadable.is_some() {
                continue;
            }
            let slug = tenant.slug.as_str();
            let import = self.store.visit_tenant(tenant.id).await?.catalog_status().await?.last_import;
            let age = import.and_then(|import| import.finished_at).map(|at| now.since_ms(at));
            let hint = format!("aura catalog import -t {slug} FILE");
            found.push(
                match age {
                    Some(age) if age <= CATALOGUE_OLD_MS => {
                        Finding::ok(check, format!("{products} products, imported {} days ago", age.max(0) / DAY_MS))
                    }
                    Some(age) => Finding::warning(
                        check,
                        format!("imported {} days ago: prices and stock may have changed", age / DAY_MS),
                        hint,
                    ),
                    None => Finding::warning(check, "the newest import was never finished", hint),
                }
                .about(slug),
            );
        }
        if found.is_empty() {
            found.push(Finding::skipped(check, "there are no tenants"));
        }
        Ok(found)
    }

    /// What waits; where that is to be mended, the index of what is due is compared with every file.
    async fn queued(&self, status: &Status, fix: bool) -> Vec<Finding> {
        let check = Check::OldestQueuedTurn;
        let mut found = of_problems(check, &status.problems, &["journal_backlog", "messages_stuck"]);
        if fix {
            self.sweep(&CancellationToken::new()).await;
            let moved = match self.store.move_journal_log().await {
                Ok(pages) => format!("moved {pages} pages of the journal's log into its file"),
                Err(error) => format!("the journal's log was left: {}", chain(&error)),
            };
            let mut finding = Finding::ok(check, "every shop was looked at for what is due");
            finding.mended = Some(format!("compared the wake index with every file; {moved}"));
            found.push(finding);
        } else if found.is_empty() {
            found.push(Finding::ok(check, "nobody waits for the assistant"));
        }
        found
    }
}

/// Findings of a check from what the status knows; none: it knows nothing wrong.
fn of_problems(check: Check, problems: &[Problem], codes: &[&str]) -> Vec<Finding> {
    let known = problems.iter().filter(|problem| codes.contains(&problem.code));
    known
        .map(|problem| {
            let verdict = match problem.weight {
                Weight::Broken => Verdict::Failed,
                Weight::Wanted | Weight::Note => Verdict::Warning,
            };
            let finding = Finding { hint: Some(problem.hint.clone()), ..Finding::new(check, verdict, &problem.what) };
            match &problem.tenant {
                Some(slug) => finding.about(slug),
                None => finding,
            }
        })
        .collect()
}

fn disk(status: &Status) -> Vec<Finding> {
    let found = of_problems(Check::Disk, &status.problems, &["disk_failed", "disk_full", "disk_low"]);
    if !found.is_empty() {
        return found;
    }
    vec![match status.room {
        Some(room) => Finding::ok(Check::Disk, format!("{} MiB free", room.free_bytes >> 20)),
        None => Finding::skipped(Check::Disk, "the system does not say how much room there is"),
    }]
}

fn backup(status: &Status, now: Timestamp) -> Vec<Finding> {
    let found = of_problems(Check::BackupAge, &status.problems, &["backup_old"]);
    if !found.is_empty() {
        return found;
    }
    vec![match &status.last_backup {
        Some(backup) => {
            let age = now.since_ms(backup.made_at).max(0);
            Finding::ok(Check::BackupAge, format!("the newest is {} hours old", age / 3_600_000))
        }
        None => Finding::warning(Check::BackupAge, "no backup was made yet", "aura backup --to FILE"),
    }]
}

fn versions(asked_by: Option<&str>) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let (control, journal, tenant) = store::schema_versions();
    let sqlite = store::versions().map_or_else(|_| "unknown".to_owned(), |(sqlite, _)| sqlite);
    let what = format!("Aura {ours}, SQLite {sqlite}, schemas {control}/{journal}/{tenant}");
    match asked_by.filter(|theirs| *theirs != ours) {
        Some(theirs) => Finding::warning(
            Check::Versions,
            format!("{what}; the command is Aura {theirs}"),
            "Restart the daemon, so that both are of one version.",
        ),
        None => Finding::ok(Check::Versions, what),
    }
}

/// In the order of the checks, the worst of one first, fit to be pasted.
fn told(mut found: Vec<Finding>, home: Option<&str>) -> Vec<Finding> {
    found.sort_by_key(|finding| (finding.check, std::cmp::Reverse(finding.verdict)));
    let fit = |text: String| pastable::pastable(&text, home);
    found
        .into_iter()
        .map(|finding| Finding {
            what: fit(finding.what),
            hint: finding.hint.map(fit),
            mended: finding.mended.map(fit),
            ..finding
        })
        .collect()
}

/// What can be said of a data directory that does not open, because of `error`.
#[must_use]
pub fn without(
    path: &std::path::Path,
    (error, hint): (String, Option<String>),
    only: &[Check],
    fix: bool,
    home: Option<&str>,
) -> Vec<Finding> {
    let wanted = Wanted { only: only.to_vec(), fix, ..Wanted::default() };
    let mut found = Vec::new();
    for check in Check::ALL.iter().copied().filter(|check| wanted.wants(*check)) {
        match check {
            Check::DataDirectory => {
                let hint = hint.clone().unwrap_or_else(|| "Read what stands above, then `aura doctor` again.".into());
                found.push(Finding::failed(check, format!("it cannot be opened: {error}"), hint));
                found.extend(place::examine(path, check, place::InUse::No, fix));
            }
            Check::Permissions | Check::Encryption => found.extend(place::examine(path, check, place::InUse::No, fix)),
            Check::Versions => found.push(versions(None)),
            other => found.push(Finding::skipped(other, "the data directory does not open")),
        }
    }
    told(found, home)
}

impl App {
    /// How many logs do not hold.
    async fn broken_chains(&self) -> Result<u64, Error> {
        use futures_util::StreamExt as _;

        use super::audit::Checked;
        let mut lines = self.audit_verify(None, None).await?;
        let mut broken = 0;
        while let Some(line) = lines.next().await {
            if let Checked::Chain(report) = line? {
                broken += u64::from(!report.walked.faults.is_empty());
            }
        }
        Ok(broken)
    }
}

#[cfg(test)]
mod tests;
