//! The vault: the master key, and through it the keys of the installation and of each tenant.

use std::sync::{PoisonError, RwLock};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;

use super::{
    Error, MasterKeyPlace, Places, Signer,
    envelope::{self, Binding, Key},
    master::{Found, Slot},
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
    masters: RwLock<Masters>,
    places: Places,
    place: MasterKeyPlace,
    passed_over: Vec<String>,
}

/// The master key, and while it changes the one that takes its place.
#[derive(Clone)]
struct Masters {
    /// Seals.
    key: Key,
    /// Opens as well: nobody can tell yet which one a stored key was sealed under.
    next: Option<Key>,
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
            match places.read(&place, Slot::Current)? {
                Found::Key(key) if sealed.is_none_or(|sealed| opens(&key, sealed)) => {
                    return Ok(Self::with(key, places, place, passed_over));
                }
                Found::Key(_) => passed_over.push(format!("{place}: holds another installation's key")),
                Found::Nothing => passed_over.push(format!("{place}: nothing there")),
                Found::Unavailable(reason) => {
                    passed_over.push(format!("{place}: {reason}"));
                    continue;
                }
            }
            // Everything was sealed under the next key, and then the process died: this is the rest of that change.
            if let (Some(sealed), Found::Key(key)) = (sealed, places.read(&place, Slot::Next)?)
                && opens(&key, sealed)
            {
                places.promote(&place, &key)?;
                passed_over.pop();
                return Ok(Self::with(key, places, place, passed_over));
            }
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
                Found::Key(key) => return Ok(Self::with(key, places, place, passed_over)),
                Found::Unavailable(reason) => passed_over.push(format!("{place}: {reason}")),
                Found::Nothing => passed_over.push(format!("{place}: it keeps nothing")),
            }
        }
        let place = places.in_order().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(Error::Unavailable { place, reason: passed_over.join("; ") })
    }

    fn with(key: Key, places: &Places, place: MasterKeyPlace, passed_over: Vec<String>) -> Self {
        Self { masters: RwLock::new(Masters { key, next: None }), places: places.clone(), place, passed_over }
    }

    fn masters(&self) -> Masters {
        self.masters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_masters(&self, key: Key, next: Option<Key>) {
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Masters { key, next };
    }

    /// Begins to change the master key: the next one is kept where this one is, and opens from now on. Blocking.
    ///
    /// Then everything that the old one seals is sealed anew ([`Self::reseal`]) and stored in one commit, and the change
    /// is finished. A crash at any point leaves a key that opens all of it: before the commit the old one, after it the
    /// next one, which [`Self::open`] finds. Nothing may be sealed meanwhile by [`Self::seal_fresh_key`].
    pub fn begin_change(&self) -> Result<(), Error> {
        let next = self.places.prepare(&self.place, &envelope::fresh_key()?)?;
        self.set_masters(self.masters().key, Some(next));
        Ok(())
    }

    /// A data key, sealed under the next master key.
    ///
    /// # Errors
    /// [`Error::Broken`] when it was not sealed under this one, or no change has begun.
    pub fn reseal(&self, scope: SecretScope, sealed: &Sealed) -> Result<Sealed, Error> {
        let Masters { key, next } = self.masters();
        let plain = envelope::open(&key, key_binding(scope), sealed)?;
        let next = next.ok_or_else(|| Error::Broken { what: "change of the master key".into() })?;
        envelope::seal(&next, key_binding(scope), &plain)
    }

    /// Ends a change whose commit is made: the next key is the key, and the old one is forgotten. `false`: the operator
    /// has to put it in the old one's place. Blocking.
    pub fn finish_change(&self) -> Result<bool, Error> {
        let Masters { key, next } = self.masters();
        let Some(next) = next else { return Ok(true) };
        self.set_masters(next.clone(), Some(key));
        let is_placed = self.places.promote(&self.place, &next)?;
        self.set_masters(next, None);
        Ok(is_placed)
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
        envelope::seal(&self.masters().key, key_binding(scope), envelope::fresh_key()?.as_slice())
    }

    /// Opens the data key of `scope`.
    ///
    /// # Errors
    /// [`Error::Broken`] when it was changed, sealed for another scope, or sealed by another master key.
    pub fn data_key(&self, scope: SecretScope, sealed: &Sealed) -> Result<DataKey, Error> {
        let Masters { key, next } = self.masters();
        let opened = envelope::open(&key, key_binding(scope), sealed);
        let plain = match (opened, next) {
            (Err(_), Some(next)) => envelope::open(&next, key_binding(scope), sealed)?,
            (opened, _) => opened?,
        };
        Ok(DataKey::derive(scope, &plain))
    }
}

fn opens(master: &Key, installation: &Sealed) -> bool {
    envelope::open(master, key_binding(SecretScope::Installation), installation).is_ok()
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

    /// A vault whose change is begun, with a key that is sealed under the old master key and under the next one.
    fn changing(folder: &Path) -> (Vault, Sealed, Sealed) {
        let vault = file_vault(folder);
        let old = vault.seal_fresh_key(SecretScope::Installation).expect("sealed");
        vault.begin_change().expect("begun");
        let new = vault.reseal(SecretScope::Installation, &old).expect("sealed anew");
        (vault, old, new)
    }

    fn opens(vault: &Vault, sealed: &Sealed) -> bool {
        vault.data_key(SecretScope::Installation, sealed).is_ok()
    }

    #[test]
    fn while_the_master_key_changes_what_either_sealed_opens_and_afterwards_only_the_new_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (vault, old, new) = changing(folder.path());
        assert!(opens(&vault, &old) && opens(&vault, &new));
        assert!(vault.finish_change().expect("finished"));
        assert!(!opens(&vault, &old) && opens(&vault, &new));
        let again = Vault::open(&places(MasterKeyPolicy::File, folder.path(), None), Some(&new)).expect("opens");
        assert!(opens(&again, &new));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "no second key is left");
    }

    #[test]
    fn a_change_that_is_cut_off_leaves_the_key_that_opens_what_is_stored() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (_, old, new) = changing(folder.path());
        let there = places(MasterKeyPolicy::File, folder.path(), None);
        // Before the commit the old one is stored, after it the new one.
        let before = Vault::open(&there, Some(&old)).expect("the old key");
        assert!(opens(&before, &old) && !opens(&before, &new));
        let after = Vault::open(&there, Some(&new)).expect("the next key");
        assert!(opens(&after, &new));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "it has taken the old one's place");
        assert!(Vault::open(&there, Some(&old)).is_err(), "the old one is gone");
    }

    #[test]
    fn a_change_after_one_that_was_cut_off_begins_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (_, old, _) = changing(folder.path());
        let there = places(MasterKeyPolicy::File, folder.path(), None);
        let vault = Vault::open(&there, Some(&old)).expect("the old key");
        vault.begin_change().expect("begun");
        let new = vault.reseal(SecretScope::Installation, &old).expect("sealed anew");
        assert!(vault.finish_change().expect("finished"));
        assert!(Vault::open(&there, Some(&new)).is_ok());
    }

    #[test]
    fn only_the_operator_changes_a_credential() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let credentials = tempfile::tempdir().expect("a temporary folder");
        fs::write(credentials.path().join("aura-master-key"), "ab".repeat(32)).expect("written");
        let there = places(MasterKeyPolicy::Auto, folder.path(), Some(credentials.path()));
        let vault = Vault::open(&there, None).expect("a vault");
        let old = vault.seal_fresh_key(SecretScope::Installation).expect("sealed");
        assert!(matches!(vault.begin_change(), Err(Error::NoNextCredential)));
        fs::write(credentials.path().join("aura-master-key-next"), "cd".repeat(32)).expect("written");
        vault.begin_change().expect("begun");
        let new = vault.reseal(SecretScope::Installation, &old).expect("sealed anew");
        assert!(!vault.finish_change().expect("finished"), "it cannot put it in its place");
        assert!(Vault::open(&there, Some(&new)).is_ok(), "both places are read");
        fs::write(credentials.path().join("aura-master-key"), "cd".repeat(32)).expect("written");
        fs::remove_file(credentials.path().join("aura-master-key-next")).expect("removed");
        assert!(Vault::open(&there, Some(&new)).is_ok());
    }
}
