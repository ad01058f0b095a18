//! How the installation stands.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};

use super::{
    App, Caller, Error, TenantCtx,
    backup::Backup,
    models::ModelStanding,
    problem::{self, Problem},
    recovery::KeptCopy,
};
use crate::{
    domain::{TenantId, Timestamp, account::Account, chain, notify::TargetState, tenant::Tenant},
    store::{self, AccountTraffic, Room, TenantCounts, Trouble},
};

/// Tenants' files looked into at once.
const AT_ONCE: usize = 16;
/// What "since yesterday" means.
const LATELY_MS: i64 = DAY_MS;
/// Over how many days it is told how turns ended.
const TURN_DAYS: i64 = 7;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * HOUR_MS;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The whole installation.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where the data lives.
    pub data_dir: String,
    /// Whether a daemon answers; otherwise a lone command looked.
    pub daemon: bool,
    /// When this process started.
    pub started_at: Timestamp,
    /// Where the master key lives.
    pub master_key: String,
    /// The newest copy of it that was kept elsewhere, as far as Aura was told.
    pub recovery_copy: Option<KeptCopy>,
    /// The newest backup that is kept somewhere, as far as Aura was told.
    pub last_backup: Option<Backup>,
    /// How old it may be; `None`: nobody has said.
    pub backup_age_max_ms: Option<i64>,
    /// Deliveries that wait for dispatch.
    pub journal_backlog: u64,
    /// Conversations that wait for a worker, and those with one.
    pub scheduled: (usize, usize),
    /// Whether the disk has failed: nothing more is written until the next start.
    pub disk_failed: bool,
    /// Whether the disk was found full, and has not been written to since.
    pub disk_full: bool,
    /// When the oldest delivery came that waits for dispatch.
    pub oldest_delivery: Option<Timestamp>,
    /// Room on the disk; `None`: it cannot be asked for.
    pub room: Option<Room>,
    /// Logs that did not hold at the last check of all of them by this process.
    pub logs_broken: Option<u64>,
    /// Every tenant.
    pub tenants: Vec<TenantStatus>,
    /// What an owner should know of, what matters most first.
    pub problems: Vec<Problem>,
}

/// One tenant.
#[derive(Clone, Debug)]
pub struct TenantStatus {
    /// The tenant.
    pub tenant: Tenant,
    /// Its conversations and replies, in numbers.
    pub counts: TenantCounts,
    /// What may need a person.
    pub trouble: Trouble,
    /// Messages that nobody would answer, as of the last hourly count.
    pub lost: u64,
    /// Why its file cannot be read, if it cannot; the figures are nothing then.
    pub unreadable: Option<Unreadable>,
    /// Products that shoppers may see.
    pub products: u64,
    /// Who is told, and how that fares.
    pub targets: Vec<TargetState>,
    /// Its models.
    pub models: ModelStanding,
    /// Its accounts.
    pub accounts: Vec<AccountStatus>,
}

/// Why a tenant's file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is damaged: the tenant stands still until the file is replaced.
    Damaged,
    /// Something else is in the way, in the words of the error.
    Failed(String),
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountStatus {
    /// The account.
    pub account: Account,
    /// What reached us on it.
    pub traffic: AccountTraffic,
    /// Whether its token is there and can be read.
    pub has_token: bool,
}

impl App {
    /// How the installation stands, with the tenants that the caller may see. Opens every tenant's file, a few at a time; one that cannot be used is a problem of its
    /// own and keeps nobody from seeing the others.
    pub async fn status(&self, caller: &Caller) -> Result<Status, Error> {
        let now = self.clock.now();
        let mut accounts: HashMap<TenantId, Vec<Account>> = HashMap::new();
        for account in self.store.control().all_accounts().await? {
            accounts.entry(account.tenant).or_default().push(account);
        }
        let tenants = super::tenants::list(caller, self.store.control()).await?;
        let one = |tenant: Tenant| {
            let accounts = accounts.get(&tenant.id).cloned().unwrap_or_default();
            self.tenant_status(tenant, accounts, now)
        };
        let tenants = stream::iter(tenants.into_iter().map(one)).buffered(AT_ONCE).collect().await;
        let journal = self.store.journal();
        let disk = self.store.disk();
        let (disk_failed, disk_full) = (*disk.failed.borrow(), *disk.full.borrow());
        let mut status = Status {
            data_dir: self.data_dir().display().to_string(),
            daemon: self.daemon,
            started_at: self.live.started_at,
            master_key: self.installation.vault.place().to_string(),
            recovery_copy: self.kept_copy().await?,
            last_backup: self.last_backup().await?,
            backup_age_max_ms: Some(i64::from(self.config.backup.max_age_hours) * HOUR_MS).filter(|ms| *ms > 0),
            journal_backlog: journal.figures().backlog.max(0) as u64,
            disk_failed,
            disk_full,
            oldest_delivery: journal.waiting(0, 1).await?.first().map(|delivery| delivery.received_at),
            room: self.room().await,
            logs_broken: self.live.watch.logs_broken(),
            scheduled: self.work.load(),
            tenants,
            problems: Vec::new(),
        };
        status.problems = problem::all(&status, now);
        Ok(status)
    }

    /// How one tenant is.
    pub async fn status_of(&self, tenant: &TenantCtx) -> Result<TenantStatus, Error> {
        let tenant = tenant.tenant().clone();
        let accounts = self.store.control().accounts(tenant.id).await?;
        Ok(self.tenant_status(tenant, accounts, self.clock.now()).await)
    }

    async fn tenant_status(&self, tenant: Tenant, accounts: Vec<Account>, now: Timestamp) -> TenantStatus {
        let mut status = TenantStatus {
            lost: self.live.watch.lost(tenant.id),
            tenant,
            counts: TenantCounts::default(),
            trouble: Trouble::default(),
            products: 0,
            models: ModelStanding::default(),
            accounts: Vec::new(),
            targets: Vec::new(),
            unreadable: None,
        };
        if let Err(error) = self.look_at(&mut status, accounts, now).await {
            status.unreadable = Some(match error {
                Error::Store(store::Error::Corrupt { .. }) => Unreadable::Damaged,
                other => Unreadable::Failed(chain(&other)),
            });
        }
        status
    }

    async fn look_at(&self, status: &mut TenantStatus, accounts: Vec<Account>, now: Timestamp) -> Result<(), Error> {
        let today = Timestamp(now.0 - now.0.rem_euclid(DAY_MS));
        let store = self.store.visit_tenant(status.tenant.id).await?;
        for account in accounts {
            let traffic = store.account_traffic(account.id.clone(), today).await?;
            let has_token = super::accounts::token_of(&self.secrets, &account).await.is_ok();
            status.accounts.push(AccountStatus { account, traffic, has_token });
        }
        status.counts = store.counts(now.plus_ms(-TURN_DAYS * DAY_MS)).await?;
        status.trouble = store.trouble(now.plus_ms(-LATELY_MS)).await?;
        status.targets = store.notify_targets().await?;
        status.products = store.catalog_status().await?.visible;
        status.models = self.model_standing(status.tenant.id, store.spent(now).await?).await?;
        Ok(())
    }
}
