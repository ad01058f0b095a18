//! How the machinery stands, for whoever keeps looking: what waits, what the files take, whose tokens work.
//!
//! Figures of tenants are what their last looks showed, sizes are what the file system says: no tenant's file is opened.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, sync::Arc};

use super::{App, Error, installation::on_thread};
use crate::{
    domain::{
        TenantId, Timestamp,
        account::{Account, AccountState},
        tenant::{Tenant, TenantSlug},
    },
    store::{Room, versions},
    telemetry,
};

/// The largest tenants that are named.
const LARGEST: usize = 5;

/// Where this process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The public listener.
    pub webhooks: SocketAddr,
    /// The metrics listener, if there is one.
    pub metrics: Option<SocketAddr>,
    /// The control socket.
    pub socket: PathBuf,
}

/// The machinery.
#[derive(Clone, Debug)]
pub struct System {
    /// When it was looked at.
    pub at: Timestamp,
    /// Whether workers run here.
    pub daemon: bool,
    /// When this process started.
    pub started_at: Timestamp,
    /// Memory that it has resident; `None` where the system does not say.
    pub resident_bytes: Option<u64>,
    /// The version of SQLite.
    pub sqlite: String,
    /// Where it listens; `None`: nowhere.
    pub listening: Option<Listening>,
    /// The least serious thing that is logged.
    pub log_level: &'static str,
    /// Webhooks that wait for dispatch, and when the oldest of them came.
    pub webhooks: (u64, Option<Timestamp>),
    /// The realtime lane; `None` where no workers run.
    pub turns: Option<Lane>,
    /// The bulk lane: what waits, what is under way, and how much may be.
    pub bulk: (usize, usize, usize),
    /// What the files take.
    pub storage: Storage,
    /// Every account, refused ones first, then by tenant.
    pub accounts: Vec<(TenantSlug, Account)>,
}

/// The realtime lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Conversations that wait for a worker in memory.
    pub waiting: usize,
    /// Since when the first of them is in line.
    pub oldest: Option<Timestamp>,
    /// Whether more are due than memory holds.
    pub more_on_disk: bool,
    /// Workers that have a conversation.
    pub busy: usize,
    /// All workers.
    pub workers: usize,
    /// When the oldest message came that is not dealt with, as of the last looks.
    pub oldest_message: Option<Timestamp>,
}

/// Bytes of files, each with its write-ahead log.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Where they lie.
    pub data_dir: PathBuf,
    /// `control.db`.
    pub control: u64,
    /// `journal.db`.
    pub journal: u64,
    /// The files of all tenants.
    pub tenants: u64,
    /// How many there are.
    pub tenants_count: usize,
    /// The largest of them, the largest first.
    pub largest: Vec<(TenantSlug, u64)>,
    /// Room on the disk; `None`: it cannot be asked for.
    pub room: Option<Room>,
}

impl App {
    /// Says once where this process listens; a second word changes nothing.
    pub fn listens(&self, at: Listening) {
        drop(self.live.listening.set(at));
    }

    /// How the machinery stands.
    ///
    /// # Errors
    /// When `control.db` or the journal cannot be read.
    pub async fn system(&self) -> Result<System, Error> {
        let journal = self.store.journal();
        let tenants = self.store.control().tenants().await?;
        let slugs: HashMap<TenantId, &TenantSlug> = tenants.iter().map(|tenant| (tenant.id, &tenant.slug)).collect();
        // An account whose tenant was added between the two reads is shown the next time.
        let owned = |account: Account| Some(((*slugs.get(&account.tenant)?).clone(), account));
        let mut accounts: Vec<_> = self.store.control().all_accounts().await?.into_iter().filter_map(owned).collect();
        accounts.sort_by_cached_key(|(slug, account)| {
            (account.state != AccountState::Refused, slug.clone(), account.id.clone())
        });
        let oldest_webhook = journal.waiting(0, 1).await?.first().map(|delivery| delivery.received_at);
        let (bulk_waiting, bulk_running) = self.bulk.load();
        Ok(System {
            at: self.clock.now(),
            daemon: self.daemon,
            started_at: self.live.started_at,
            resident_bytes: telemetry::resident_bytes(),
            sqlite: versions()?.0,
            listening: self.live.listening.get().cloned(),
            log_level: self.config.log.level.as_str(),
            webhooks: (journal.figures().backlog.max(0) as u64, oldest_webhook),
            turns: self.daemon.then(|| self.lane()),
            bulk: (bulk_waiting, bulk_running, self.bulk.places()),
            storage: self.measure(&tenants).await?,
            accounts,
        })
    }

    fn lane(&self) -> Lane {
        let ((waiting, busy), (oldest, more_on_disk)) = (self.work.load(), self.work.line());
        let oldest_message = self.live.watch.oldest_open();
        Lane { waiting, oldest, more_on_disk, busy, workers: self.work.workers(), oldest_message }
    }

    async fn measure(&self, tenants: &[Tenant]) -> Result<Storage, Error> {
        let (dir, ids) =
            (Arc::clone(&self.installation.dir), tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>());
        let sizes = on_thread(move || dir.sizes(&ids)).await?.map_err(|source| Error::Failed {
            message: "the files could not be measured".into(),
            source: Some(Box::new(source)),
        })?;
        let mut largest: Vec<_> =
            tenants.iter().zip(&sizes.tenants).map(|(tenant, bytes)| (tenant.slug.clone(), *bytes)).collect();
        // By slug already, and sorting keeps that among equals.
        largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        largest.truncate(LARGEST);
        Ok(Storage {
            data_dir: self.data_dir().to_owned(),
            control: sizes.control,
            journal: sizes.journal,
            tenants: sizes.tenants.iter().sum(),
            tenants_count: tenants.len(),
            largest,
            room: self.room().await,
        })
    }
}
