//! The vault: the master key, and through it the keys of the installation and of each tenant.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;

use super::{
    Error, MasterKeyPlace, Places, Signer,
    envelope::{self, Binding, Key},
    master::Found,
};
use crate::domain::secret::{Fingerprint, Sealed, SecretName, SecretScope};

/// What a data key is sealed as.
const DATA_KEY: &str = "data key";
/// Data keys are not rotated yet.
const DATA_KEY_VERSION: u32 = 1;
/// Bytes of the HMAC that a fingerprint shows: eight hex digits tell versions apart and give nothing away.
const FINGERPRINT_BYTES: usize = 4;

/// Holds the master key. Cheap to share behind an `Arc`.
pub struct Vault {
    master: Key,
    place: MasterKeyPlace,
    passed_over: Vec<String>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Vault {
    /// Finds the master key. Blocking; may take as long as a person needs to unlock a keyring, but no longer.
    ///
    /// `sealed` is the installation's data key as it is stored. With it, only the master key that opens it will do, and
    /// none is ever made. Without it, a key found is taken, and otherwise one is made in the first place that takes it.
    pub fn open(places: &Places, sealed: Option<&Sealed>) -> Result<Self, Error> {
        let mut passed_over = Vec::new();
        for place in places.in_order() {
            let master = match places.read(&place)? {
                Found::Key(key) => key,
                Found::Nothing => {
                    passed_over.push(format!("{place}: nothing there"));
                    continue;
                }
                Found::Unavailable(reason) => {
                    passed_over.push(format!("{place}: {reason}"));
                    continue;
                }
            };
            let vault = Self { master, place, passed_over: Vec::new() };
            if sealed.is_none_or(|sealed| vault.data_key(SecretScope::Installation, sealed).is_ok()) {
                return Ok(Self { passed_over, ..vault });
            }
            passed_over.push(format!("{}: holds another installation's key", vault.place));
        }
        match sealed {
            Some(_) => Err(Error::NoMasterKey { tried: passed_over }),
            None => Self::create(places),
        }
    }

    fn create(places: &Places) -> Result<Self, Error> {
        let fresh = envelope::fresh_key()?;
        let mut passed_over = Vec::new();
        for place in places.in_order() {
            match places.write(&place, &fresh)? {
                Found::Key(master) => return Ok(Self { master, place, passed_over }),
                Found::Unavailable(reason) => passed_over.push(format!("{place}: {reason}")),
                Found::Nothing => passed_over.push(format!("{place}: it keeps nothing")),
            }
        }
        let place = places.in_order().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(Error::Unavailable { place, reason: passed_over.join("; ") })
    }

    /// Where the master key lives.
    #[must_use]
    pub const fn place(&self) -> &MasterKeyPlace {
        &self.place
    }

    /// Better places that could not be used, and why, one sentence each.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// A fresh data key for `scope`, sealed by the master key.
    pub fn seal_fresh_key(&self, scope: SecretScope) -> Result<Sealed, Error> {
        envelope::seal(&self.master, key_binding(scope), envelope::fresh_key()?.as_slice())
    }

    /// Opens the data key of `scope`.
    ///
    /// # Errors
    /// [`Error::Broken`] when it was changed, sealed for another scope, or sealed by another master key.
    pub fn data_key(&self, scope: SecretScope, sealed: &Sealed) -> Result<DataKey, Error> {
        let plain = envelope::open(&self.master, key_binding(scope), sealed)?;
        Ok(DataKey::derive(scope, &plain))
    }
}

const fn key_binding(scope: SecretScope) -> Binding<'static> {
    Binding { scope, purpose: DATA_KEY, version: DATA_KEY_VERSION }
}

/// The key that seals the secrets of one tenant, or of the installation. Wiped when dropped.
pub struct DataKey {
    scope: SecretScope,
    sealing: Key,
    fingerprinting: Key,
    signing: Key,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DataKey").field(&self.scope).finish()
    }
}

impl DataKey {
    /// One key per use, so that what one use gives away is worth nothing to the other.
    fn derive(scope: SecretScope, plain: &[u8]) -> Self {
        let root = Hkdf::<Sha256>::new(None, plain);
        let (mut sealing, mut fingerprinting, mut signing) = (Key::default(), Key::default(), Key::default());
        let uses = [
            (&mut sealing, "aura/v1/seal"),
            (&mut fingerprinting, "aura/v1/fingerprint"),
            (&mut signing, "aura/v1/audit"),
        ];
        for (key, info) in uses {
            root.expand(info.as_bytes(), key.as_mut_slice()).expect("32 bytes are within HKDF's limit of 255 hashes");
        }
        Self { scope, sealing, fingerprinting, signing }
    }

    /// Seals a secret as its `version`-th value.
    pub fn seal(&self, name: &SecretName, version: u32, value: &str) -> Result<Sealed, Error> {
        envelope::seal(&self.sealing, self.binding(&purpose(name), version), value.as_bytes())
    }

    /// Opens a secret that was sealed under the same name and version.
    ///
    /// # Errors
    /// [`Error::Broken`] when it was changed, or sealed for another scope, name or version.
    pub fn open(&self, name: &SecretName, version: u32, sealed: &Sealed) -> Result<SecretString, Error> {
        let plain = envelope::open(&self.sealing, self.binding(&purpose(name), version), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Error::Broken { what: purpose(name) })?;
        Ok(SecretString::from(text))
    }

    /// Tells two values of one name apart; nobody without this key can check a guess against it.
    #[must_use]
    pub fn fingerprint(&self, name: &SecretName, value: &str) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.fingerprinting.as_slice()).expect("HMAC takes any key length");
        mac.update(&(name.as_str().len() as u64).to_be_bytes());
        mac.update(name.as_str().as_bytes());
        mac.update(value.as_bytes());
        Fingerprint(hex::encode(&mac.finalize().into_bytes()[..FINGERPRINT_BYTES]))
    }

    /// Signs checkpoints under `name`.
    pub fn signer(&self, name: String) -> Result<Signer, Error> {
        Signer::new(name, &self.signing)
    }

    const fn binding<'a>(&self, purpose: &'a str, version: u32) -> Binding<'a> {
        Binding { scope: self.scope, purpose, version }
    }
}

fn purpose(name: &SecretName) -> String {
    format!("secret/{name}")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;
    use crate::{domain::TenantId, secret::MasterKeyPolicy};

    fn places(policy: MasterKeyPolicy, data_dir: &Path, credentials: Option<&Path>) -> Places {
        Places::new(policy, data_dir, Uuid::from_u128(1), |name| match name {
            "CREDENTIALS_DIRECTORY" => credentials.map(|folder| folder.display().to_string()),
            _ => None,
        })
    }

    fn file_vault(folder: &Path) -> Vault {
        Vault::open(&places(MasterKeyPolicy::File, folder, None), None).expect("a vault")
    }

    fn tenant(number: u128) -> SecretScope {
        SecretScope::Tenant(TenantId(Uuid::from_u128(number)))
    }

    fn name(text: &str) -> SecretName {
        SecretName::parse(text).expect("a name")
    }

    #[test]
    fn a_secret_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = file_vault(folder.path());
        let key = vault.seal_fresh_key(tenant(1)).expect("sealed");
        let sealed = vault.data_key(tenant(1), &key).expect("a key").seal(&name("a"), 1, "hunter2").expect("sealed");
        let vault = file_vault(folder.path());
        let opened = vault.data_key(tenant(1), &key).expect("a key").open(&name("a"), 1, &sealed).expect("opened");
        assert_eq!(opened.expose_secret(), "hunter2");
        assert_eq!(vault.place(), &MasterKeyPlace::File(folder.path().join("master.key")));
    }

    #[test]
    fn one_tenants_key_and_secrets_do_not_open_as_anothers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = file_vault(folder.path());
        let keys = [1, 2].map(|number| vault.seal_fresh_key(tenant(number)).expect("sealed"));
        assert!(matches!(vault.data_key(tenant(2), &keys[0]), Err(Error::Broken { .. })));
        let [one, two] = [0, 1].map(|at| vault.data_key(tenant(at as u128 + 1), &keys[at]).expect("its own key opens"));
        let sealed = one.seal(&name("a"), 1, "hunter2").expect("sealed");
        assert!(two.open(&name("a"), 1, &sealed).is_err());
        assert!(one.open(&name("b"), 1, &sealed).is_err());
        assert!(one.open(&name("a"), 2, &sealed).is_err());
        assert!(one.open(&name("a"), 1, &sealed).is_ok());
    }

    #[test]
    fn a_fingerprint_depends_on_value_name_and_owner() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = file_vault(folder.path());
        let key = |number| {
            let sealed = vault.seal_fresh_key(tenant(number)).expect("sealed");
            vault.data_key(tenant(number), &sealed).expect("a key")
        };
        let (one, two) = (key(1), key(2));
        let shown = one.fingerprint(&name("a"), "hunter2");
        assert_eq!(shown, one.fingerprint(&name("a"), "hunter2"));
        assert!(shown.0.len() == 8 && shown.0.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(shown, one.fingerprint(&name("a"), "hunter3"));
        assert_ne!(shown, one.fingerprint(&name("b"), "hunter2"));
        assert_ne!(shown, two.fingerprint(&name("a"), "hunter2"));
    }

    #[test]
    fn the_credential_wins_over_the_file_and_needs_no_mode() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let credentials = tempfile::tempdir().expect("a temporary folder");
        file_vault(folder.path());
        let credential = credentials.path().join("aura-master-key");
        fs::write(&credential, "ab".repeat(32)).expect("written");
        fs::set_permissions(&credential, fs::Permissions::from_mode(0o440)).expect("as systemd does");
        let places = places(MasterKeyPolicy::Auto, folder.path(), Some(credentials.path()));
        let vault = Vault::open(&places, None).expect("a vault");
        assert_eq!(vault.place(), &MasterKeyPlace::Credential(credential));
        assert!(vault.passed_over().is_empty());
    }

    #[test]
    fn without_a_desktop_auto_makes_a_file_and_says_why() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = Vault::open(&places(MasterKeyPolicy::Auto, folder.path(), None), None).expect("a vault");
        assert_eq!(vault.place(), &MasterKeyPlace::File(folder.path().join("master.key")));
        assert_eq!(vault.passed_over(), ["the system's keyring: there is no desktop session"]);
    }

    #[test]
    fn a_keyring_that_was_asked_for_and_is_not_there_is_an_error_with_a_way_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Vault::open(&places(MasterKeyPolicy::Keyring, folder.path(), None), None).expect_err("no session");
        assert_eq!(error.code(), "master_key_unavailable");
        assert!(error.hint().is_some_and(|hint| hint.contains("secrets.master_key")));
    }

    #[test]
    fn with_data_to_open_a_missing_or_wrong_key_is_an_error_and_none_is_made() {
        let (first, second) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let sealed = file_vault(first.path()).seal_fresh_key(SecretScope::Installation).expect("sealed");
        let there = places(MasterKeyPolicy::Auto, second.path(), None);
        assert!(matches!(Vault::open(&there, Some(&sealed)), Err(Error::NoMasterKey { .. })));
        assert!(!second.path().join("master.key").exists());
        file_vault(second.path());
        let error = Vault::open(&there, Some(&sealed)).expect_err("another installation's key");
        assert!(error.to_string().contains("another installation"), "{error}");
        let here = places(MasterKeyPolicy::Auto, first.path(), None);
        assert!(Vault::open(&here, Some(&sealed)).is_ok());
    }

    #[test]
    fn a_stray_key_in_a_better_place_does_not_hide_the_right_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let credentials = tempfile::tempdir().expect("a temporary folder");
        let sealed = file_vault(folder.path()).seal_fresh_key(SecretScope::Installation).expect("sealed");
        fs::write(credentials.path().join("aura-master-key"), "cd".repeat(32)).expect("written");
        let places = places(MasterKeyPolicy::Auto, folder.path(), Some(credentials.path()));
        let vault = Vault::open(&places, Some(&sealed)).expect("the file's key opens it");
        assert_eq!(vault.place(), &MasterKeyPlace::File(folder.path().join("master.key")));
    }
}
