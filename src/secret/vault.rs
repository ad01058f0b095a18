//! The vault: the master key, and through it the keys of the installation and of each tenant.

use std::sync::{PoisonError, RwLock};

use hkdf::Hkdf;
use sha2::Sha256;

use super::{
    CopyFor, CopyKey, DataKey, Error, MasterKeyPlace, Places,
    envelope::{self, Binding, Key},
    master::{Found, Slot},
    recovery,
};
use crate::domain::secret::{Fingerprint, Sealed, SecretScope};

/// What a data key is sealed as.
const DATA_KEY: &str = "data key";
/// Data keys are not rotated yet.
const DATA_KEY_VERSION: u32 = 1;
/// Bytes of the HMAC that a fingerprint shows: eight hex digits tell versions apart and give nothing away.
pub(super) const FINGERPRINT_BYTES: usize = 4;

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
        let (place, passed_over) = put(places, &fresh)?;
        Ok(Self::with(fresh, places, place, passed_over))
    }

    /// Puts the master key out of a recovery copy back where [`Self::open`] looks for it: into the first place that takes
    /// it. Blocking: a passphrase takes about a second.
    ///
    /// `sealed` is the installation's data key as it is stored: the key has to open it. Where a key that does is found,
    /// nothing is written.
    ///
    /// # Errors
    /// [`Error::OtherKey`] when it is not this installation's; [`Error::Occupied`] when something else stands in a place;
    /// others say why the copy does not open.
    pub fn restore(places: &Places, sealed: &Sealed, copy: &[u8], with: &CopyKey) -> Result<Restored, Error> {
        let key = recovery::open(copy, with)?;
        if !opens(&key, sealed) {
            return Err(Error::OtherKey { fingerprint: fingerprint_of(&key) });
        }
        match Self::open(places, Some(sealed)) {
            Ok(vault) => Ok(Restored { place: vault.place, was_there: true }),
            Err(Error::NoMasterKey { .. }) => put(places, &key).map(|(place, _)| Restored { place, was_there: false }),
            Err(Error::Malformed { place }) => Err(Error::Occupied { place }),
            Err(other) => Err(other),
        }
    }

    /// A copy of the master key. Blocking: a passphrase takes about a second and 256 MiB.
    ///
    /// Not while the master key changes: then nobody can tell which one a backup needs.
    pub fn recovery_copy(&self, whom: &CopyFor) -> Result<RecoveryCopy, Error> {
        let key = self.masters().key;
        Ok(RecoveryCopy { text: recovery::seal(&key, whom)?, fingerprint: fingerprint_of(&key) })
    }

    /// Tells the master key from those before it and gives nothing away.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint_of(&self.masters().key)
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

/// A copy of the master key that a passphrase or people's own keys open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCopy {
    /// An age file in text form.
    pub text: String,
    /// Tells the key in it from others.
    pub fingerprint: Fingerprint,
}

/// Where a master key was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where it is.
    pub place: MasterKeyPlace,
    /// Whether it was there already, and nothing was written.
    pub was_there: bool,
}

/// Puts a key into the first place that takes one, and says which were passed over and why.
fn put(places: &Places, key: &Key) -> Result<(MasterKeyPlace, Vec<String>), Error> {
    let mut passed_over = Vec::new();
    for place in places.in_order() {
        // The operator's own credential is theirs to change; in any other place a key may be somebody's only one.
        let is_ours = !matches!(place, MasterKeyPlace::Credential(_));
        if is_ours && let Found::Key(_) = places.read(&place, Slot::Current)? {
            return Err(Error::Occupied { place: place.to_string() });
        }
        match places.write(&place, key)? {
            Found::Key(_) => return Ok((place, passed_over)),
            Found::Unavailable(reason) => passed_over.push(format!("{place}: {reason}")),
            Found::Nothing => passed_over.push(format!("{place}: it keeps nothing")),
        }
    }
    let place = places.in_order().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::Unavailable { place, reason: passed_over.join("; ") })
}

/// Derived, so that it says nothing of the key to whoever cannot guess 256 bits.
fn fingerprint_of(master: &Key) -> Fingerprint {
    let mut shown = [0; FINGERPRINT_BYTES];
    let derived = Hkdf::<Sha256>::new(None, master.as_slice()).expand(b"aura/v1/master/fingerprint", &mut shown);
    derived.expect("4 bytes are within HKDF's limit of 255 hashes");
    Fingerprint(hex::encode(shown))
}

fn opens(master: &Key, installation: &Sealed) -> bool {
    envelope::open(master, key_binding(SecretScope::Installation), installation).is_ok()
}

const fn key_binding(scope: SecretScope) -> Binding<'static> {
    Binding { scope, purpose: DATA_KEY, version: DATA_KEY_VERSION }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;
    use crate::domain::secret::SecretName;
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

    /// A copy of a vault's master key and what opens it.
    fn copy_of(vault: &Vault) -> (Vec<u8>, CopyKey) {
        let identity = age::x25519::Identity::generate();
        let whom = CopyFor::recipients(&[identity.to_public().to_string()]).expect("a recipient");
        let copy = vault.recovery_copy(&whom).expect("a copy");
        assert_eq!(copy.fingerprint, vault.fingerprint());
        (copy.text.into_bytes(), CopyKey::identities(identity.to_string().expose_secret().to_owned()))
    }

    #[test]
    fn a_lost_key_comes_back_from_its_copy_and_one_that_is_there_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (there, file) = (places(MasterKeyPolicy::Auto, folder.path(), None), folder.path().join("master.key"));
        let vault = file_vault(folder.path());
        let sealed = vault.seal_fresh_key(SecretScope::Installation).expect("sealed");
        let (copy, with) = copy_of(&vault);
        let restore = || Vault::restore(&there, &sealed, &copy, &with);
        let before = fs::read(&file).expect("the key");
        let place = MasterKeyPlace::File(file.clone());
        assert_eq!(restore().expect("nothing to do"), Restored { place: place.clone(), was_there: true });
        fs::remove_file(&file).expect("lost");
        assert_eq!(restore().expect("put back"), Restored { place, was_there: false });
        assert_eq!(fs::read(&file).expect("the key"), before);
        assert!(Vault::open(&there, Some(&sealed)).is_ok());
    }

    #[test]
    fn no_key_is_put_where_it_opens_nothing_or_another_stands() {
        let (first, second) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (one, two) = (file_vault(first.path()), file_vault(second.path()));
        let sealed = one.seal_fresh_key(SecretScope::Installation).expect("sealed");
        let there = places(MasterKeyPolicy::Auto, second.path(), None);
        let (foreign, with) = copy_of(&two);
        let error = Vault::restore(&there, &sealed, &foreign, &with).expect_err("another installation's");
        assert!(matches!(&error, Error::OtherKey { fingerprint } if *fingerprint == two.fingerprint()), "{error:?}");
        let file = second.path().join("master.key");
        let (copy, with) = copy_of(&one);
        for other in [fs::read(&file).expect("the other's key"), b"no key at all".to_vec()] {
            fs::write(&file, &other).expect("written");
            let error = Vault::restore(&there, &sealed, &copy, &with).expect_err("something stands there");
            assert_eq!(error.code(), "master_key_occupied");
            assert_eq!(fs::read(&file).expect("readable"), other, "it is still there");
        }
    }

    #[test]
    fn a_copy_is_put_beside_a_credential_that_does_not_open_the_data() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let credentials = tempfile::tempdir().expect("a temporary folder");
        let vault = file_vault(folder.path());
        let sealed = vault.seal_fresh_key(SecretScope::Installation).expect("sealed");
        let (copy, with) = copy_of(&vault);
        fs::remove_file(folder.path().join("master.key")).expect("lost");
        fs::write(credentials.path().join("aura-master-key"), "cd".repeat(32)).expect("written");
        let there = places(MasterKeyPolicy::Auto, folder.path(), Some(credentials.path()));
        let restored = Vault::restore(&there, &sealed, &copy, &with).expect("put back");
        assert_eq!(restored.place.word(), "file");
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
