//! Use cases, one file each. They join the rooms that do not know each other.

mod accept;
pub mod accounts;
pub mod answer;
pub mod attend;
pub mod audit;
pub mod backup;
mod bulk;
mod caller;
mod catalog;
pub mod catch_up;
pub mod chat;
pub mod checkpoint;
mod connect;
pub mod conversations;
mod deliver;
pub mod disk;
pub mod dispatch;
pub mod doctor;
mod drafts;
mod erase;
mod error;
pub mod events;
mod find;
pub mod housekeeping;
mod import;
pub mod inbox;
mod installation;
pub mod master_key;
pub mod models;
pub mod notify;
mod people;
mod pictures;
pub mod problem;
mod reach;
mod reconcile;
pub mod record;
pub mod recovery;
mod refresh;
pub mod restore;
mod run_turn;
mod scans;
pub mod secrets;
pub mod staff;
pub mod status;
pub mod system;
pub mod tell;
pub mod tenants;
#[cfg(test)]
pub(crate) mod testing;
mod tools;
mod trigger;
mod wake_index;
pub mod watch;
mod work;
mod write;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::Instant;

pub use crate::store::{ConversationFilter, Erased, Listing, Page};
use crate::{
    agent::writer::Writer,
    channel::{Channel, Instagram, Local, instagram::Graph},
    config::Config,
    domain::{
        Clock, Ids, TenantId, Timestamp, chain,
        channel::{AccountId, ChannelKind},
        tenant::TenantSlug,
    },
    notify::Sender,
    store::{Observed, Store, TenantStore},
    telemetry::Metrics,
};
pub use accept::Rejected;
use bulk::Bulk;
pub use caller::{Caller, Least, TenantCtx};
pub use error::{Error, ErrorKind};
pub use import::{ImportOptions, ImportReport};
pub use installation::Installation;
use models::{Models, Notes, Pictures};
pub use people::{Names, Responsible, Somebody};
pub use reach::ReachChange;
use secrets::{KnownSecret, Secrets};
use tell::Telling;
use wake_index::WakeIndex;
use work::Work;
use write::Writing;

/// Everything the use cases share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts, for the use cases.
#[derive(Debug)]
pub struct Parts {
    /// The data directory, tenants, accounts and the master key.
    pub installation: Installation,
    /// What everything else is kept in.
    pub store: Store,
    /// Sealed values, found by name.
    pub secrets: Secrets,
    /// The settings.
    pub config: Config,
    /// The Instagram API.
    pub graph: Graph,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Writes drafts in the place of every model, where it is given.
    pub writer: Option<Arc<dyn Writer>>,
    /// The models of providers.
    pub models: Models,
    /// Looks at what shoppers show.
    pub pictures: Pictures,
    /// What can be counted.
    pub metrics: Metrics,
    /// Whether workers run here: a daemon, not a lone command.
    pub daemon: bool,
    work: Work,
    bulk: Bulk,
    telling: Telling,
    notes: Notes,
    sender: Sender,
    wakes: WakeIndex,
    live: Live,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What only memory knows.
#[derive(Debug)]
struct Live {
    started_at: Timestamp,
    /// Where this process listens.
    listening: OnceLock<system::Listening>,
    /// The same by a clock that only goes forward.
    since: Instant,
    /// Tenants whose interrupted sends have been dealt with since the start.
    recovered: Mutex<HashSet<TenantId>>,
    /// When each account may send next.
    paces: Mutex<HashMap<AccountId, Instant>>,
    /// Whose each connected account is; read anew after a change. Nobody else changes it while we hold the lock.
    owners: Mutex<Owners>,
    /// The checkpoint that this process took last.
    checkpoint: Mutex<Option<checkpoint::Checkpoint>>,
    /// What was last seen of tenants and of Instagram.
    watch: watch::Watch,
    /// Held while one is taken.
    checkpointing: tokio::sync::Mutex<()>,
    /// Held while a backup is made.
    backing_up: Arc<tokio::sync::Mutex<()>>,
    /// The backup that this process has made last.
    backup: Mutex<Option<backup::KeptBackup>>,
    /// There is little room left on the disk.
    disk_low: AtomicBool,
    /// Counts changes of who is let in, and to what.
    staff: tokio::sync::watch::Sender<u64>,
}

/// What `daemon` has to bring.
#[derive(Debug)]
pub struct Setup {
    /// The data directory, opened.
    pub installation: Installation,
    /// Opened on it.
    pub store: Store,
    /// The settings.
    pub config: Config,
    /// The Instagram API.
    pub graph: Graph,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Writes drafts in the place of every model, where it is given.
    pub writer: Option<Arc<dyn Writer>>,
    /// The models of providers.
    pub models: Models,
    /// What can be counted.
    pub metrics: Metrics,
    /// Reaches people.
    pub sender: Sender,
    /// Looks at what shoppers show.
    pub pictures: Pictures,
    /// Whether workers will run.
    pub daemon: bool,
}

/// The connected accounts as they were last read.
#[derive(Debug, Default)]
struct Owners {
    known: Option<Arc<HashMap<AccountId, TenantId>>>,
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
}

impl App {
    /// Puts the parts together; nothing runs yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup { installation, store, config, graph, clock, ids, writer, models, metrics, sender, pictures, daemon } =
            setup;
        let (commits, rows) = (metrics.journal_commit_duration.clone(), metrics.journal_batch_rows.clone());
        let waits = metrics.journal_queue_wait.clone();
        store.journal().observe(move |observed| match observed {
            Observed::Waited(waited) => waits.observe(waited.as_secs_f64()),
            Observed::Committed { rows: batch, took } => {
                commits.observe(took.as_secs_f64());
                rows.observe(batch as f64);
            }
        });
        let openings = metrics.tenant_db_open_duration.clone();
        store.observe_openings(move |took| openings.observe(took.as_secs_f64()));
        let live = Live {
            started_at: clock.now(),
            listening: OnceLock::new(),
            since: Instant::now(),
            recovered: Mutex::default(),
            paces: Mutex::default(),
            owners: Mutex::default(),
            checkpoint: Mutex::default(),
            watch: watch::Watch::default(),
            checkpointing: tokio::sync::Mutex::default(),
            staff: tokio::sync::watch::Sender::new(0),
            backing_up: Arc::default(),
            backup: Mutex::default(),
            disk_low: AtomicBool::new(false),
        };
        Self(Arc::new(Parts {
            secrets: Secrets::new(&installation, &config),
            work: Work::new(config.workers as usize, config.queue.realtime_limit as usize),
            bulk: Bulk::new(config.workers as usize, config.queue.bulk_limit as usize),
            telling: Telling::default(),
            notes: Notes::default(),
            sender,
            wakes: WakeIndex::default(),
            live,
            installation,
            store,
            config,
            graph,
            clock,
            ids,
            writer,
            models,
            pictures,
            metrics,
            daemon,
        }))
    }

    /// Where the data lives.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.installation.dir.path()
    }

    /// Lets the store's threads come to rest.
    pub async fn close(&self) {
        self.store.journal().close().await;
    }

    /// Under what conditions `writer` writes.
    fn writing<'a>(&'a self, writer: &'a dyn Writer) -> Writing<'a> {
        let limit = Duration::from_millis(self.config.models.timeout_ms.into());
        Writing { writer, limit, metrics: &self.metrics }
    }

    /// Leave for a caller to work on a tenant's data.
    pub async fn authorize(&self, caller: &Caller, slug: &TenantSlug) -> Result<TenantCtx, Error> {
        caller.authorize(self.store.control(), slug).await
    }

    /// The id behind a slug, for a delivery that proves itself by its signature.
    pub(crate) async fn tenant_id(&self, slug: TenantSlug) -> Result<Option<TenantId>, Error> {
        Ok(self.store.control().tenant_by_slug(slug).await?.map(|tenant| tenant.id))
    }

    /// Opens the store of a tenant that the caller may act for.
    pub async fn tenant_store(&self, tenant: &TenantCtx) -> Result<TenantStore, Error> {
        Ok(self.store.tenant(tenant.tenant().id).await?.done_by(tenant.doer()))
    }

    /// Has workers look at a tenant at once. The hint survives the process, so that
    /// a daemon started later finds what a lone command has queued.
    async fn changed(&self, tenant: TenantId) -> Result<(), Error> {
        let now = self.clock.now();
        drop(self.wakes.hold(self.store.control(), tenant, now).await?);
        self.work.wake(tenant, now);
        Ok(())
    }

    /// The channel of an account; `None` if it is not connected or has no token.
    async fn channel(
        &self,
        tenant: TenantId,
        kind: ChannelKind,
        account: &AccountId,
    ) -> Result<Option<Box<dyn Channel>>, Error> {
        match kind {
            ChannelKind::Local => Ok(Some(Box::new(Local::new(Arc::clone(&self.ids))))),
            ChannelKind::Instagram => {
                let Some(found) = self.store.control().account(kind, account.clone()).await? else { return Ok(None) };
                if found.tenant != tenant {
                    return Ok(None);
                }
                let token = accounts::token_of(&self.secrets, &found).await?;
                Ok(Some(Box::new(Instagram::new(self.graph.clone(), account.clone(), token))))
            }
        }
    }

    /// Waits until the account may send again at its channel's rate.
    async fn pace(&self, account: &AccountId, per_second: u32) {
        let gap = Duration::from_secs(1) / per_second.max(1);
        let at = {
            let mut paces = self.live.paces.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            paces.retain(|_, next| *next > now);
            let at = paces.get(account).copied().unwrap_or(now);
            paces.insert(account.clone(), at + gap);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// The secrets that may sign deliveries: the installation's, or a tenant's own alone. One that cannot be read signs
    /// nothing.
    pub(crate) async fn signing_secrets(&self, scope: Option<TenantId>) -> Vec<SecretString> {
        let mut found = Vec::new();
        for known in [&KnownSecret::MetaInstagramAppSecret, &KnownSecret::MetaAppSecret] {
            match self.secret_of(scope, known).await {
                Ok(secret) => found.extend(secret),
                Err(error) => {
                    tracing::error!(secret = %known, error = %chain(&error), "a secret is unreadable")
                }
            }
        }
        found
    }

    /// The token of Meta's handshake.
    pub(crate) async fn verify_token(&self, scope: Option<TenantId>) -> Result<Option<SecretString>, Error> {
        self.secret_of(scope, &KnownSecret::MetaVerifyToken).await
    }

    async fn secret_of(&self, scope: Option<TenantId>, known: &KnownSecret) -> Result<Option<SecretString>, Error> {
        match scope {
            None => self.secrets.resolve(known, None).await,
            Some(tenant) => self.secrets.of_tenant(known, tenant).await,
        }
    }

    /// The clock has been set: what is due by its new time is looked at now, not when the old time would have come.
    pub fn clock_moved(&self) {
        self.work.look_again();
    }

    /// Whose each connected account is.
    async fn accounts_owners(&self) -> Result<Arc<HashMap<AccountId, TenantId>>, Error> {
        let before = {
            let owners = self.live.owners();
            if let Some(known) = &owners.known {
                return Ok(Arc::clone(known));
            }
            owners.changes
        };
        let accounts = self.store.control().all_accounts().await?;
        let known = Arc::new(accounts.into_iter().map(|account| (account.id, account.tenant)).collect());
        let mut owners = self.live.owners();
        if owners.changes == before {
            owners.known = Some(Arc::clone(&known));
        }
        Ok(known)
    }

    /// Accounts have been connected or removed.
    fn forget_owners(&self) {
        let mut owners = self.live.owners();
        owners.known = None;
        owners.changes += 1;
    }

    fn is_recovered(&self, tenant: TenantId) -> bool {
        self.live.recovered.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
    }

    fn set_recovered(&self, tenant: TenantId) {
        self.live.recovered.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
    }
}

impl Live {
    fn owners(&self) -> std::sync::MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
