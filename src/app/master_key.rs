//! Changing the master key: everything that it seals is sealed anew, and a crash at any point leaves all of it readable.

use std::sync::Arc;

use super::{App, Error, installation::on_thread};
use crate::{domain::audit::Act, fault, secret::MasterKeyPlace, store::ResealedKey};

/// What a change of the master key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyChanged {
    /// Keys that were sealed anew: the installation's and one a tenant.
    pub keys: u64,
    /// Where the new one lives.
    pub place: MasterKeyPlace,
    /// Whether it stands in the old one's place; otherwise the operator has to put it there.
    pub is_placed: bool,
    /// Whether a recovery copy was kept that does not hold the new one.
    pub copy_is_stale: bool,
}

impl App {
    /// Changes the master key. The keys of the installation and of its tenants are sealed under the new one in one
    /// commit; they themselves, and so all secrets below them, stay as they are.
    ///
    /// # Errors
    /// When the place cannot keep a second key, or the commit fails: then the old one still holds.
    pub async fn change_master_key(&self, act: Act) -> Result<MasterKeyChanged, Error> {
        let installation = &self.installation;
        // A tenant that is added now would have its key sealed by the old one.
        let _alone = installation.sealing.write().await;
        let vault = Arc::clone(&installation.vault);
        on_thread(move || vault.begin_change()).await??;
        fault::point("master_key_begun");
        let stored = installation.control.data_keys().await?;
        let mut keys = Vec::with_capacity(stored.len());
        for (scope, old) in stored {
            let new = installation.vault.reseal(scope, &old)?;
            keys.push(ResealedKey { scope, old, new });
        }
        let count = keys.len() as u64;
        installation.control.replace_data_keys(keys, act).await?;
        fault::point("master_key_committed");
        let vault = Arc::clone(&installation.vault);
        let is_placed = on_thread(move || vault.finish_change()).await??;
        fault::point("master_key_changed");
        let place = installation.vault.place().clone();
        tracing::info!(keys = count, place = %place, "the master key was changed");
        let copy_is_stale = self.kept_copy().await?.is_some_and(|kept| !kept.is_current);
        Ok(MasterKeyChanged { keys: count, place, is_placed, copy_is_stale })
    }
}
