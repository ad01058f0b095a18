//! The data directory as one store: control, journal, and the tenants' files as they are needed.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::{Duration, Instant},
};

use lru::LruCache;
use tokio::sync::Mutex as AsyncMutex;

use super::{
    Control, DataDir, DiskState, Error, Follower, Journal, TenantStore,
    blocking::Blocking,
    growth::Growth,
    health::Health,
    product::Shelf,
    tenant::{Quarantine, Shared, TenantFile},
};
use crate::domain::{Ids, TenantId};

/// Descriptors that one open tenant may take: a writer and three readers, each with its WAL and index.
const FILES_PER_TENANT: u64 = 9;
/// Descriptors kept for sockets and everything else.
const FILES_RESERVED: u64 = 512;
/// Open tenants at most, whatever the system would allow (about 0.5 MiB of memory each).
const OPEN_MAX: u64 = 1_000;

/// How long users of a removed tenant's file may take to let go of it, and how often that is looked at.
const CLOSE_MAX: Duration = Duration::from_secs(10);
const CLOSE_LOOK: Duration = Duration::from_millis(10);

/// A handle on the whole store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    control: Control,
    journal: Journal,
    tenants: Arc<Tenants>,
    health: Health,
}

struct Tenants {
    /// Held as long as anything uses the store: the lock goes with it.
    data_dir: Arc<DataDir>,
    shared: Shared,
    /// Told how long each file took to open.
    opened: OnceLock<Box<dyn Fn(Duration) + Send + Sync>>,
    /// Keeps the recently used ones open.
    recent: Mutex<LruCache<TenantId, Recent>>,
    /// Finds those still in use, so that no file ever has two writers here. Held while one is opened.
    in_use: AsyncMutex<HashMap<TenantId, Weak<TenantFile>>>,
}

/// A file that stays open because it was used a moment ago.
struct Recent {
    file: Arc<TenantFile>,
    used_at: Instant,
}

impl Recent {
    fn now(file: Arc<TenantFile>) -> Self {
        Self { file, used_at: Instant::now() }
    }
}

/// What becomes of a tenant's file after its use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It is about to be made.
    Create,
    /// It stays open for the next use.
    Keep,
    /// It is closed when its last user lets go of it, unless it was open before.
    Visit,
}

impl std::fmt::Debug for Tenants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenants").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens everything in a data directory that the caller holds.
    pub async fn open(data_dir: Arc<DataDir>, control: Control, ids: Arc<dyn Ids>) -> Result<Self, Error> {
        let blocking = Blocking::new();
        let health = control.health();
        let (path, pool, disk) = (data_dir.journal_db(), blocking.clone(), health.clone());
        let journal = blocking.run(move || Journal::open(&path, pool, disk)).await?;
        Ok(Self {
            control,
            journal,
            tenants: Arc::new(Tenants {
                data_dir,
                shared: Shared {
                    blocking,
                    health: health.clone(),
                    ids,
                    quarantine: Quarantine::default(),
                    shelf: Shelf::new(),
                    growth: Growth::new(),
                },
                opened: OnceLock::new(),
                recent: Mutex::new(LruCache::new(open_max())),
                in_use: AsyncMutex::new(HashMap::new()),
            }),
            health,
        })
    }

    /// What belongs to no single tenant.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The raw deliveries.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What is known of the disk.
    #[must_use]
    pub fn disk(&self) -> DiskState {
        DiskState { failed: self.health.failed(), full: self.health.full() }
    }

    /// The tenants that stand still because their files are damaged.
    #[must_use]
    pub fn damaged_tenants(&self) -> Vec<TenantId> {
        self.tenants.shared.quarantine.tenants()
    }

    /// A tenant's file, opened if it is not. Only `app::caller` and the workers call this: everyone else comes with
    /// a `TenantCtx`.
    pub(crate) async fn tenant(&self, id: TenantId) -> Result<TenantStore, Error> {
        if let Some(recent) = self.tenants.recent().get_mut(&id) {
            recent.used_at = Instant::now();
            return Ok(TenantStore::new(Arc::clone(&recent.file)));
        }
        self.tenants.open(id, Opening::Keep).await
    }

    /// The same for a look at one tenant after another: a file that was not open does not stay so. Thousands of
    /// tenants that nobody writes to would otherwise fill the memory with their caches.
    pub(crate) async fn visit_tenant(&self, id: TenantId) -> Result<TenantStore, Error> {
        self.tenants.open(id, Opening::Visit).await
    }

    /// Closes files that nobody has used for so long. Each costs descriptors and memory.
    pub async fn close_idle(&self, unused_for: Duration) -> Result<usize, Error> {
        let mut closed = Vec::new();
        {
            let mut recent = self.tenants.recent();
            // The least recently used one is the last one.
            while recent.peek_lru().is_some_and(|(_, it)| it.used_at.elapsed() >= unused_for) {
                closed.extend(recent.pop_lru());
            }
        }
        let count = closed.len();
        if count > 0 {
            // The last connection of a file moves its log into it.
            let close = move || {
                drop(closed);
                Ok(())
            };
            self.tenants.shared.blocking.run(close).await?;
        }
        Ok(count)
    }

    /// Hears of every tenant's log that grows.
    #[must_use]
    pub fn follow(&self) -> Follower {
        self.tenants.shared.growth.follow()
    }

    /// Has whoever follows a tenant's log find that it is gone.
    pub(crate) fn tenant_is_gone(&self, id: TenantId) {
        self.tenants.shared.growth.grew(id);
    }

    /// Makes a new tenant's folder and file.
    pub(crate) async fn create_tenant(&self, id: TenantId) -> Result<TenantStore, Error> {
        self.tenants.open(id, Opening::Create).await
    }

    /// Closes a tenant's file for good: waits until nobody here uses it any more. Its record in `control.db` must be gone
    /// already, or it would be opened again.
    pub(crate) async fn close_tenant(&self, id: TenantId) -> Result<(), Error> {
        self.tenants.recent().pop(&id);
        self.tenants.shared.quarantine.forget(id);
        let in_use = self.tenants.in_use.lock().await.remove(&id);
        let deadline = tokio::time::Instant::now() + CLOSE_MAX;
        while in_use.as_ref().is_some_and(|file| file.strong_count() > 0) {
            if tokio::time::Instant::now() > deadline {
                return Err(Error::Conflict("the tenant's file is still in use".into()));
            }
            tokio::time::sleep(CLOSE_LOOK).await;
        }
        Ok(())
    }

    pub(super) fn tenant_db(&self, tenant: TenantId) -> PathBuf {
        self.tenants.data_dir.tenant_db(tenant)
    }

    pub(super) fn control_db(&self) -> PathBuf {
        self.tenants.data_dir.control_db()
    }

    pub(super) fn journal_db(&self) -> PathBuf {
        self.tenants.data_dir.journal_db()
    }

    pub(super) fn blocking(&self) -> &Blocking {
        &self.tenants.shared.blocking
    }

    /// Has the time of every opening told to `observer`. Only the first one given is kept.
    pub fn observe_openings(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        // A second observer is refused: the metrics of a process are set up once.
        drop(self.tenants.opened.set(Box::new(observer)));
    }

    /// How many tenants' files are open.
    #[must_use]
    pub fn open_tenants(&self) -> usize {
        self.tenants.recent().len()
    }
}

impl Tenants {
    fn recent(&self) -> std::sync::MutexGuard<'_, LruCache<TenantId, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self, id: TenantId, opening: Opening) -> Result<TenantStore, Error> {
        self.shared.quarantine.check(id, "open a tenant's file")?;
        let mut in_use = self.in_use.lock().await;
        let file = match in_use.get(&id).and_then(Weak::upgrade) {
            Some(file) => file,
            None => {
                let (data_dir, shared) = (Arc::clone(&self.data_dir), self.shared.clone());
                let open = move || {
                    let path = data_dir.tenant_db(id);
                    if opening == Opening::Create {
                        data_dir.create_tenant_folder(id)?;
                        return TenantFile::create(id, &path, shared);
                    }
                    if !path.is_file() {
                        return Err(Error::NotFound { what: "tenant file", name: path.display().to_string() });
                    }
                    TenantFile::open(id, &path, shared)
                };
                let began = Instant::now();
                let file = Arc::new(self.shared.blocking.run(open).await?);
                if let Some(opened) = self.opened.get() {
                    opened(began.elapsed());
                }
                in_use.retain(|_, file| file.strong_count() > 0);
                in_use.insert(id, Arc::downgrade(&file));
                file
            }
        };
        if opening != Opening::Visit {
            self.recent().push(id, Recent::now(Arc::clone(&file)));
        }
        Ok(TenantStore::new(file))
    }
}

fn open_max() -> NonZeroUsize {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    let fits = files.saturating_sub(FILES_RESERVED) / FILES_PER_TENANT;
    NonZeroUsize::new(fits.clamp(8, OPEN_MAX) as usize).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug)]
    struct NoIds;

    impl Ids for NoIds {
        fn next(&self) -> Uuid {
            Uuid::nil()
        }
    }

    async fn store() -> (TempDir, Store) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data_dir = Arc::new(DataDir::create(&folder.path().join("aura")).expect("a data directory"));
        let control = Control::open(data_dir.control_db()).await.expect("it opens");
        let store = Store::open(data_dir, control, Arc::new(NoIds)).await.expect("it opens");
        (folder, store)
    }

    /// Descriptors of this process below a folder.
    fn open_files(folder: &Path) -> usize {
        let files = fs::read_dir("/proc/self/fd").expect("Linux tells them");
        files.filter_map(|file| fs::read_link(file.ok()?.path()).ok()).filter(|path| path.starts_with(folder)).count()
    }

    async fn until_closed(folder: &Path) {
        let closed = async {
            while open_files(folder) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(CLOSE_MAX, closed).await.expect("the files were closed");
    }

    #[tokio::test]
    async fn files_that_nobody_uses_are_closed_and_open_again_when_somebody_does() {
        let (folder, store) = store().await;
        let tenants = folder.path().join("aura/tenants");
        let ids = [1, 2, 3].map(|n| TenantId(Uuid::from_u128(n)));
        for id in ids {
            store.create_tenant(id).await.expect("made");
        }
        assert!(open_files(&tenants) >= 3);
        assert_eq!(store.close_idle(CLOSE_MAX).await.expect("looked"), 0, "they were used a moment ago");
        assert_eq!(store.close_idle(Duration::ZERO).await.expect("closed"), 3);
        until_closed(&tenants).await;
        store
            .tenant(ids[1])
            .await
            .expect("it opens")
            .counts(crate::domain::Timestamp(0))
            .await
            .expect("it can be read");
    }

    #[tokio::test]
    async fn a_look_at_a_tenant_leaves_its_file_as_it_was() {
        let (folder, store) = store().await;
        let tenants = folder.path().join("aura/tenants");
        let id = TenantId(Uuid::from_u128(1));
        store.create_tenant(id).await.expect("made");
        store
            .visit_tenant(id)
            .await
            .expect("it opens")
            .counts(crate::domain::Timestamp(0))
            .await
            .expect("it can be read");
        assert!(open_files(&tenants) > 0, "it was open before");
        store.close_idle(Duration::ZERO).await.expect("closed");
        until_closed(&tenants).await;
        store
            .visit_tenant(id)
            .await
            .expect("it opens")
            .counts(crate::domain::Timestamp(0))
            .await
            .expect("it can be read");
        until_closed(&tenants).await;
    }
}
