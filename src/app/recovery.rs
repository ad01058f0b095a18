//! The recovery copy of the master key: made for whoever keeps it, noted once it is kept, and put back without a key.

use std::sync::Arc;

use super::{App, Error, installation::on_thread};
use crate::{
    config::Environment,
    domain::{
        Timestamp,
        audit::{Act, NewAudit},
        secret::SecretScope,
    },
    secret::{self, CopyFor, CopyKey, MasterKeyPlace, MasterKeyPolicy, Places, RecoveryCopy, Restored, Vault},
    store::{Control, DataDir},
};

/// What the audit log calls a copy that is kept somewhere.
const KEPT: &str = "master_key.copied";
/// What it calls a key that came back from one.
const RESTORED: &str = "master_key.restored";
/// Copies looked through for one that holds another key.
const KEPT_READ_MAX: u32 = 1_000;

/// A recovery copy that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptCopy {
    /// When.
    pub at: Timestamp,
    /// Whether it holds the master key of today.
    pub is_current: bool,
}

impl App {
    /// A copy of the master key for `whom`, as an age file. It is noted nowhere before somebody has kept it.
    pub async fn recovery_copy(&self, whom: CopyFor) -> Result<RecoveryCopy, Error> {
        // Not while the master key changes.
        let _steady = self.installation.sealing.read().await;
        let vault = Arc::clone(&self.installation.vault);
        Ok(on_thread(move || vault.recovery_copy(&whom)).await??)
    }

    /// Notes that a copy is kept somewhere.
    ///
    /// # Errors
    /// [`Error::Conflict`] when `fingerprint` is not the master key's: it was changed since the copy was made.
    pub async fn recovery_copy_kept(&self, fingerprint: &str, act: Act) -> Result<(), Error> {
        let _steady = self.installation.sealing.read().await;
        let current = self.installation.vault.fingerprint();
        if current.0 != fingerprint {
            return Err(Error::Conflict {
                message: "the master key was changed meanwhile: the copy holds the old one".into(),
                hint: Some("Delete that file and write another: `aura secret recovery-copy FILE`.".into()),
            });
        }
        self.installation.control.append_audit(act, NewAudit::new(KEPT, None).id("key", &current)).await?;
        tracing::info!(key = %current, "a recovery copy of the master key is kept");
        Ok(())
    }

    /// The newest copy that was kept, if any was.
    pub async fn kept_copy(&self) -> Result<Option<KeptCopy>, Error> {
        let current = self.installation.vault.fingerprint();
        let newest = self.installation.control.audit_newest(KEPT, 1).await?;
        Ok(newest.first().map(|entry| KeptCopy { at: entry.at, is_current: names(&entry.payload, &current.0) }))
    }
}

/// Whether an entry of the audit log is about that key.
fn names(payload: &str, fingerprint: &str) -> bool {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    payload["key"].as_str() == Some(fingerprint)
}

/// A master key that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyRestored {
    /// Where it is.
    pub place: MasterKeyPlace,
    /// Whether it was there already, and nothing was written.
    pub was_there: bool,
}

/// Puts the master key back from a recovery copy into a data directory that this process holds and that may be without its
/// key.
///
/// # Errors
/// [`Error::Conflict`] where nothing was ever sealed; [`Error::Secret`] says why a copy does not open or does not fit, with
/// the copy's own past where this data directory knows it.
pub async fn restore_master_key(
    dir: &DataDir,
    policy: MasterKeyPolicy,
    environment: &Environment,
    copy: Vec<u8>,
    with: CopyKey,
    act: Act,
) -> Result<MasterKeyRestored, Error> {
    let nothing = || Error::Conflict {
        message: format!("nothing was ever sealed in {}", dir.path().display()),
        hint: Some("Put the data directory back from a backup first, or name another one with --data-dir.".into()),
    };
    // Opening it would make it.
    if !dir.control_db().exists() {
        return Err(nothing());
    }
    let control = Control::open(dir.control_db()).await?;
    let (Some(id), Some(sealed)) =
        (control.known_installation_id().await?, control.data_key(SecretScope::Installation).await?)
    else {
        return Err(nothing());
    };
    let places = Places::new(policy, dir.path(), id, |name| environment.get(name).map(ToOwned::to_owned));
    let Restored { place, was_there } = match on_thread(move || Vault::restore(&places, &sealed, &copy, &with)).await? {
        Ok(restored) => restored,
        Err(secret::Error::OtherKey { fingerprint }) => {
            let kept = control.audit_newest(KEPT, KEPT_READ_MAX).await?;
            return Err(match kept.iter().any(|entry| names(&entry.payload, &fingerprint.0)) {
                true => Error::Conflict {
                    message: format!("the recovery copy holds an older master key ({fingerprint}) of this data directory"),
                    hint: Some(
                        "The master key was changed after it was written. Use a copy from after the change; this one opens \
                         backups from before it."
                            .into(),
                    ),
                },
                false => secret::Error::OtherKey { fingerprint }.into(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    if !was_there {
        control.append_audit(act, NewAudit::new(RESTORED, None).word("place", place.word())).await?;
        tracing::info!(place = %place, "the master key was put back from a recovery copy");
    }
    Ok(MasterKeyRestored { place, was_there })
}
