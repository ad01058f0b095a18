//! Opening an installation: its control file, and the vault that reads its secrets.

use std::sync::Arc;

use tokio::sync::RwLock;
use uuid::Uuid;

use super::Error;
use crate::{
    config::Environment,
    domain::{TenantId, audit::Act, chain, secret::SecretScope},
    secret::{DataKey, MasterKeyPolicy, Places, Vault},
    store::{Control, DataDir},
};

/// A data directory that this process holds, opened. Cheap to clone; the lock goes with the last clone.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The directory and its lock.
    pub dir: Arc<DataDir>,
    /// Tenants, accounts, sealed secrets.
    pub control: Control,
    /// The master key.
    pub vault: Arc<Vault>,
    /// Held by who seals a fresh key until that is stored, and alone by who changes the master key.
    pub(super) sealing: Arc<RwLock<()>>,
}

impl Installation {
    /// Opens what is in the directory. `fresh` becomes the installation's id if it has none yet.
    ///
    /// # Errors
    /// [`Error::Secret`] when the master key is not to be had. It is made only where nothing was ever sealed.
    pub async fn open(
        dir: DataDir,
        policy: MasterKeyPolicy,
        environment: &Environment,
        fresh: Uuid,
        act: Act,
    ) -> Result<Self, Error> {
        let control = Control::open(dir.control_db()).await?;
        let id = control.installation_id(fresh).await?;
        let places = Places::new(policy, dir.path(), id, |name| environment.get(name).map(ToOwned::to_owned));
        let key = control.data_key(SecretScope::Installation).await?;
        let has_key = key.is_some();
        let vault = on_thread(move || Vault::open(&places, key.as_ref())).await??;
        if !has_key {
            control.add_installation_key(vault.seal_fresh_key(SecretScope::Installation)?, act).await?;
        }
        Ok(Self { dir: Arc::new(dir), control, vault: Arc::new(vault), sealing: Arc::default() })
    }

    /// The key that seals a scope's secrets; `None` for a tenant that is gone.
    pub(super) async fn data_key(&self, scope: SecretScope) -> Result<Option<DataKey>, Error> {
        data_key(&self.control, &self.vault, scope).await
    }

    /// Deletes a folder that is noted as nobody's, and the note: files and their bytes that went. Nobody may have its
    /// file open.
    pub(super) async fn remove_unowned(&self, id: TenantId) -> Result<(u64, u64), Error> {
        let dir = Arc::clone(&self.dir);
        let gone = on_thread(move || dir.remove_tenant_folder(id)).await??;
        self.control.forget_unowned(id).await?;
        Ok(gone)
    }

    /// Finishes what a crash interrupted: folders of tenants that were being added or removed go for good. One that
    /// cannot be deleted now stays noted for the next start.
    ///
    /// # Errors
    /// When the notes cannot be read.
    pub async fn clear_unowned(&self) -> Result<(), Error> {
        for id in self.control.unowned().await? {
            match self.remove_unowned(id).await {
                Ok((files, bytes)) => {
                    tracing::info!(tenant.id = %id, files, bytes, "the folder of an interrupted removal or addition is gone");
                }
                Err(error) => tracing::warn!(tenant.id = %id, error = %chain(&error), "an unowned folder stays"),
            }
        }
        Ok(())
    }
}

/// The key that seals a scope's secrets; `None` for a tenant that is gone.
pub(super) async fn data_key(control: &Control, vault: &Vault, scope: SecretScope) -> Result<Option<DataKey>, Error> {
    let Some(sealed) = control.data_key(scope).await? else { return Ok(None) };
    let error = match vault.data_key(scope, &sealed) {
        Ok(key) => return Ok(Some(key)),
        Err(error) => error,
    };
    // Read before the master key was changed, opened after: it is sealed anew by now.
    match control.data_key(scope).await? {
        Some(anew) if anew != sealed => Ok(Some(vault.data_key(scope, &anew)?)),
        Some(_) => Err(error.into()),
        None => Ok(None),
    }
}

/// Runs what blocks (a keyring, a folder) where it may.
pub(super) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Ok(value),
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        Err(failure) => {
            Err(Error::Failed { message: "the process is shutting down".into(), source: Some(Box::new(failure)) })
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::{
        domain::{Ids, Timestamp},
        store::Store,
    };

    pub(in crate::app) const ACT: Act = Act::operator(Timestamp(1_000));

    /// Counts upwards.
    #[derive(Debug, Default)]
    pub(in crate::app) struct TestIds(AtomicU64);

    impl Ids for TestIds {
        fn next(&self) -> Uuid {
            Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
        }
    }

    /// A fresh installation with its key in a file, in a folder that lives as long as the first part.
    pub(in crate::app) async fn fresh() -> (tempfile::TempDir, Installation) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let installation = open(&folder).await.expect("a new installation opens");
        (folder, installation)
    }

    pub(in crate::app) async fn store_of(installation: &Installation) -> Store {
        let ids = Arc::new(TestIds::default());
        Store::open(Arc::clone(&installation.dir), installation.control.clone(), ids).await.expect("a store opens")
    }

    pub(in crate::app) async fn open(folder: &tempfile::TempDir) -> Result<Installation, Error> {
        let dir = DataDir::create(&folder.path().join("aura"))?;
        Installation::open(dir, MasterKeyPolicy::File, &Environment::default(), Uuid::from_u128(99), ACT).await
    }

    #[tokio::test]
    async fn an_installation_opens_again_with_its_own_key_and_with_no_other() {
        let (folder, installation) = fresh().await;
        drop(installation);
        drop(open(&folder).await.expect("opens again"));
        let key = folder.path().join("aura/master.key");
        fs::remove_file(&key).expect("removed");
        let error = open(&folder).await.expect_err("the key is gone");
        assert_eq!(error.code(), "no_master_key");
        assert!(!key.exists() && error.hint().is_some());
    }
}
