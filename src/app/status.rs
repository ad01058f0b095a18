//! How the installation stands.

use super::{App, Error};
use crate::{
    domain::{
        Timestamp,
        account::Account,
        tenant::{Tenant, TenantSlug},
    },
    store::{self, AccountTraffic, TenantCounts},
};

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
    /// Deliveries that wait for dispatch.
    pub journal_backlog: u64,
    /// Conversations that wait for a worker, and those with one.
    pub scheduled: (usize, usize),
    /// Every tenant whose file can be read.
    pub tenants: Vec<TenantStatus>,
    /// Tenants that stand still because their files are damaged.
    pub damaged: Vec<TenantSlug>,
}

/// One tenant.
#[derive(Clone, Debug)]
pub struct TenantStatus {
    /// The tenant.
    pub tenant: Tenant,
    /// Its conversations and replies, in numbers.
    pub counts: TenantCounts,
    /// Products that shoppers may see.
    pub products: u64,
    /// Its accounts.
    pub accounts: Vec<AccountStatus>,
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountStatus {
    /// The account.
    pub account: Account,
    /// What reached us on it.
    pub traffic: AccountTraffic,
}

impl App {
    /// How the installation stands. Opens every tenant's file, one after the other.
    pub async fn status(&self) -> Result<Status, Error> {
        let (mut tenants, mut damaged) = (Vec::new(), Vec::new());
        for tenant in self.store.control().tenants().await? {
            let slug = tenant.slug.clone();
            match self.tenant_status(tenant).await {
                Err(Error::Store(store::Error::Corrupt { .. })) => damaged.push(slug),
                shown => tenants.push(shown?),
            }
        }
        Ok(Status {
            data_dir: self.data_dir().display().to_string(),
            daemon: self.daemon,
            started_at: self.live.started_at,
            master_key: self.installation.vault.place().to_string(),
            journal_backlog: self.store.journal().figures().backlog.max(0) as u64,
            scheduled: self.work.load(),
            tenants,
            damaged,
        })
    }

    async fn tenant_status(&self, tenant: Tenant) -> Result<TenantStatus, Error> {
        let store = self.store.visit_tenant(tenant.id).await?;
        let mut accounts = Vec::new();
        for account in self.store.control().accounts(tenant.id).await? {
            let traffic = store.account_traffic(account.id.clone()).await?;
            accounts.push(AccountStatus { account, traffic });
        }
        Ok(TenantStatus {
            counts: store.counts().await?,
            products: store.catalog_status().await?.visible,
            tenant,
            accounts,
        })
    }

    /// Brings the gauges of `/metrics` up to date.
    pub fn refresh_gauges(&self) {
        let figures = self.store.journal().figures();
        let (ready, active) = self.work.load();
        self.metrics.journal_backlog.set(figures.backlog);
        self.metrics.tenant_db_open.set(self.store.open_tenants() as i64);
        self.metrics.conversations.with_label_values(&["ready"]).set(ready as i64);
        self.metrics.conversations.with_label_values(&["active"]).set(active as i64);
        let (waiting, running) = self.bulk.load();
        self.metrics.bulk_work.with_label_values(&["waiting"]).set(waiting as i64);
        self.metrics.bulk_work.with_label_values(&["running"]).set(running as i64);
    }
}
