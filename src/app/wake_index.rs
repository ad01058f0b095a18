//! Keeps `control.db`'s wake index: for every tenant with something to do, a moment no later than when it is due.
//!
//! A hint is durable before what it points to. It may be too early, never too late; a start reads it instead of opening
//! every tenant.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Mutex as AsyncMutex;

use crate::{
    domain::{TenantId, Timestamp},
    store::{Control, Error},
};

/// What memory knows of the index on disk.
#[derive(Debug, Default)]
pub struct WakeIndex {
    known: Mutex<HashMap<TenantId, Entry>>,
    /// Orders the writes: a hint is never wiped by a tidying that began before it.
    disk: AsyncMutex<()>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Option<Timestamp>,
    /// Work under way that relies on the hint: it must not be cleared.
    holds: u32,
    /// Counts holds, so that a tidying knows whether it looked at the file before or after.
    generation: u64,
}

/// While it lives, the tenant's hint stays.
#[derive(Debug)]
pub struct Hold<'a> {
    index: &'a WakeIndex,
    tenant: TenantId,
}

impl WakeIndex {
    fn known(&self) -> MutexGuard<'_, HashMap<TenantId, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the index at start: who has to be looked at, and when.
    pub async fn load(&self, control: &Control) -> Result<Vec<(TenantId, Timestamp)>, Error> {
        let due = control.due_all().await?;
        let entries = due.iter().map(|(tenant, at)| (*tenant, Entry { at: Some(*at), holds: 0, generation: 0 }));
        self.known().extend(entries);
        Ok(due)
    }

    /// Makes sure that a hint no later than `at` is on disk, and keeps it while the returned hold lives.
    pub async fn hold(&self, control: &Control, tenant: TenantId, at: Timestamp) -> Result<Hold<'_>, Error> {
        let hold = {
            let mut known = self.known();
            let entry = known.entry(tenant).or_insert(Entry { at: None, holds: 0, generation: 0 });
            entry.holds += 1;
            entry.generation += 1;
            Hold { index: self, tenant }
        };
        if !self.hinted(tenant, at) {
            let _disk = self.disk.lock().await;
            control.hint_due(tenant, at).await?;
            if let Some(entry) = self.known().get_mut(&tenant) {
                entry.at = Some(entry.at.map_or(at, |hint| hint.min(at)));
            }
        }
        Ok(hold)
    }

    fn hinted(&self, tenant: TenantId, at: Timestamp) -> bool {
        self.known().get(&tenant).and_then(|entry| entry.at).is_some_and(|hint| hint <= at)
    }

    /// Tenants with a hint and nothing under way, each with the generation to give to [`WakeIndex::tidy`].
    #[must_use]
    pub fn resting(&self) -> Vec<(TenantId, u64)> {
        let resting = |entry: &Entry| entry.holds == 0 && entry.at.is_some();
        self.known().iter().filter(|(_, entry)| resting(entry)).map(|(id, entry)| (*id, entry.generation)).collect()
    }

    /// Replaces a tenant's hint by what its file said (`next`), if no hold has come since `generation`.
    pub async fn tidy(
        &self,
        control: &Control,
        tenant: TenantId,
        generation: u64,
        next: Option<Timestamp>,
    ) -> Result<(), Error> {
        let _disk = self.disk.lock().await;
        match self.known().get_mut(&tenant) {
            // From here on a hold finds no hint and writes its own, after us.
            Some(entry) if entry.holds == 0 && entry.generation == generation && entry.at != next => entry.at = None,
            _ => return Ok(()),
        }
        match next {
            None => control.clear_due(tenant).await?,
            Some(at) => control.set_due(tenant, at).await?,
        }
        if let Some(entry) = self.known().get_mut(&tenant) {
            entry.at = next;
        }
        Ok(())
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.index.known().get_mut(&self.tenant) {
            entry.holds = entry.holds.saturating_sub(1);
        }
    }
}
