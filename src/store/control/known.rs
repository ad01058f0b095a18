//! Tenants that were read: every step of every turn asks for one, and they hardly ever change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::{TenantId, tenant::Tenant};

/// Tenants that are remembered; when there are more, all are read anew.
const KNOWN_MAX: usize = 4_096;

/// What is remembered. Clones share it; this process alone changes the file.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, Tenant>,
    /// Counts changes: what was read before one is not remembered after it.
    changes: u64,
}

impl Known {
    /// The tenant; or, when it has to be read, the number of changes so far.
    pub(super) fn get(&self, id: TenantId) -> Result<Tenant, u64> {
        let state = self.state();
        state.tenants.get(&id).cloned().ok_or(state.changes)
    }

    /// Remembers what was read after so many changes, if none has come since.
    pub(super) fn keep(&self, tenant: Tenant, changes: u64) {
        let mut state = self.state();
        if state.changes == changes {
            if state.tenants.len() >= KNOWN_MAX {
                state.tenants.clear();
            }
            state.tenants.insert(tenant.id, tenant);
        }
    }

    /// Forgets a tenant that is being changed.
    pub(super) fn forget(&self, id: TenantId) {
        let mut state = self.state();
        state.changes += 1;
        state.tenants.remove(&id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
