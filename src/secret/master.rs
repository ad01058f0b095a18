//! The master key and the three places it can live in.
//!
//! A systemd credential, the operating system's keyring, or a file only its owner can read, in this order. A place that
//! is not there is passed over and said so; a keyring that does not answer is given up on.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Error,
    envelope::{KEY_BYTES, Key},
};

/// The credential's name in the service's unit file.
const CREDENTIAL: &str = "aura-master-key";
/// Our name in the keyring.
const KEYRING_SERVICE: &str = "aura";
/// How long a keyring may take: enough to unlock one by hand, short enough that a start without anybody goes on.
const KEYRING_WAIT: Duration = Duration::from_secs(20);
/// Far more than a key needs; a larger file is none.
pub(super) const KEY_FILE_BYTES_MAX: u64 = 256;

/// Which places may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MasterKeyPolicy {
    /// The systemd credential, else the keyring, else the file.
    #[default]
    Auto,
    /// The keyring only.
    Keyring,
    /// The file only.
    File,
}

/// Where the master key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeyPlace {
    /// A systemd credential of the service.
    Credential(PathBuf),
    /// The operating system's keyring.
    Keyring,
    /// A file of mode 0600.
    File(PathBuf),
}

impl fmt::Display for MasterKeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(_) => f.write_str("the systemd credential"),
            Self::Keyring => f.write_str("the system's keyring"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl MasterKeyPlace {
    /// The same in a word, for the audit log.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::Keyring => "keyring",
            Self::File(_) => "file",
        }
    }
}

/// Where to look for the master key.
#[derive(Clone, Debug)]
pub struct Places {
    policy: MasterKeyPolicy,
    credential: Option<PathBuf>,
    has_session: bool,
    installation: Uuid,
    file: PathBuf,
}

/// Which of a place's two keys.
///
/// While the master key changes there are two: everything is sealed under the old one until one commit seals it under
/// the new one. Whichever opens what is stored is the one; after a crash the next start finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The key.
    Current,
    /// The one that takes its place.
    Next,
}

impl Slot {
    /// What stands behind the name of the key.
    const fn suffix(self, suffix: &'static str) -> &'static str {
        match self {
            Self::Current => "",
            Self::Next => suffix,
        }
    }
}

/// What was found in a place.
pub(super) enum Found {
    Key(Key),
    Nothing,
    /// The place itself is not there; why.
    Unavailable(String),
}

impl Places {
    /// `variable` reads the environment; `installation` keeps two data directories apart in one keyring.
    pub fn new(
        policy: MasterKeyPolicy,
        data_dir: &Path,
        installation: Uuid,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let named = |name| variable(name).filter(|value| !value.is_empty());
        // Without a session bus there is no secret service to ask, and asking could start one or wait for it.
        let bus = named("DBUS_SESSION_BUS_ADDRESS").is_some()
            || named("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
        Self {
            policy,
            credential: named("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(CREDENTIAL)),
            has_session: bus || cfg!(target_os = "macos"),
            installation,
            file: data_dir.join("master.key"),
        }
    }

    /// The places to look in, in order.
    pub(super) fn in_order(&self) -> Vec<MasterKeyPlace> {
        let file = || MasterKeyPlace::File(self.file.clone());
        match self.policy {
            MasterKeyPolicy::Keyring => vec![MasterKeyPlace::Keyring],
            MasterKeyPolicy::File => vec![file()],
            MasterKeyPolicy::Auto => self
                .credential
                .clone()
                .map(MasterKeyPlace::Credential)
                .into_iter()
                .chain([MasterKeyPlace::Keyring, file()])
                .collect(),
        }
    }

    /// Looks in one place.
    pub(super) fn read(&self, place: &MasterKeyPlace, slot: Slot) -> Result<Found, Error> {
        match place {
            // Systemd decides who may read it; its permission bits show an access list's mask, not the group.
            MasterKeyPlace::Credential(path) => read_file(&beside(path, slot.suffix("-next")), place, false),
            MasterKeyPlace::File(path) => read_file(&beside(path, slot.suffix(".next")), place, true),
            MasterKeyPlace::Keyring => self.read_keyring(place, slot),
        }
    }

    /// Has a place hold the key that is to take the other's place, before anything is sealed under it: a fresh one, or
    /// where only the operator can set one, the one that was set.
    pub(super) fn prepare(&self, place: &MasterKeyPlace, fresh: &Key) -> Result<Key, Error> {
        let unavailable = |reason: String| Error::Unavailable { place: place.to_string(), reason };
        match place {
            MasterKeyPlace::Credential(_) => match self.read(place, Slot::Next)? {
                Found::Key(key) => Ok(key),
                Found::Nothing | Found::Unavailable(_) => Err(Error::NoNextCredential),
            },
            MasterKeyPlace::File(path) => {
                let next = beside(path, Slot::Next.suffix(".next"));
                // What an interrupted change left behind has sealed nothing, or it would be the key by now.
                match fs::remove_file(&next) {
                    Err(source) if source.kind() != io::ErrorKind::NotFound => {
                        return Err(Error::Io { action: "replace", path: next, source });
                    }
                    _ => {}
                }
                write_file(&next, fresh).map(|()| fresh.clone())
            }
            MasterKeyPlace::Keyring => match self.write_keyring(place, Slot::Next, fresh)? {
                Found::Key(kept) => Ok(kept),
                Found::Nothing => Err(unavailable("it keeps nothing".into())),
                Found::Unavailable(reason) => Err(unavailable(reason)),
            },
        }
    }

    /// Makes the next key the key, now that everything is sealed under it. `false`: only the operator can.
    pub(super) fn promote(&self, place: &MasterKeyPlace, key: &Key) -> Result<bool, Error> {
        match place {
            MasterKeyPlace::Credential(_) => Ok(false),
            MasterKeyPlace::File(path) => {
                let failed = |source| Error::Io { action: "replace", path: path.clone(), source };
                fs::rename(beside(path, Slot::Next.suffix(".next")), path).map_err(failed)?;
                sync_folder(path).map_err(failed)?;
                Ok(true)
            }
            MasterKeyPlace::Keyring => match self.write_keyring(place, Slot::Current, key)? {
                Found::Key(_) => {
                    let user = self.keyring_user(Slot::Next);
                    // The key is in its place; a copy of it under another name in the same keyring harms nobody.
                    if let Err(reason) = self.ask_keyring(move || entry(&user)?.delete_credential()) {
                        tracing::warn!(reason, "a copy of the master key stays in the keyring");
                    }
                    Ok(true)
                }
                Found::Nothing => {
                    Err(Error::Unavailable { place: place.to_string(), reason: "it keeps nothing".into() })
                }
                Found::Unavailable(reason) => Err(Error::Unavailable { place: place.to_string(), reason }),
            },
        }
    }

    /// Puts a fresh key into a place; `Unavailable` when the place cannot take one.
    pub(super) fn write(&self, place: &MasterKeyPlace, key: &Key) -> Result<Found, Error> {
        match place {
            MasterKeyPlace::Credential(_) => Ok(Found::Unavailable("only systemd can set it".into())),
            MasterKeyPlace::File(path) => write_file(path, key).map(|()| Found::Key(key.clone())),
            MasterKeyPlace::Keyring => self.write_keyring(place, Slot::Current, key),
        }
    }

    fn read_keyring(&self, place: &MasterKeyPlace, slot: Slot) -> Result<Found, Error> {
        let user = self.keyring_user(slot);
        let answer = self.ask_keyring(move || match entry(&user)?.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        });
        match answer {
            Ok(Some(text)) => parse(text.as_bytes(), place).map(Found::Key),
            Ok(None) => Ok(Found::Nothing),
            Err(reason) => Ok(Found::Unavailable(reason)),
        }
    }

    fn write_keyring(&self, place: &MasterKeyPlace, slot: Slot, key: &Key) -> Result<Found, Error> {
        let (user, text) = (self.keyring_user(slot), Zeroizing::new(hex::encode(key.as_slice())));
        if let Err(reason) = self.ask_keyring(move || entry(&user)?.set_password(&text)) {
            return Ok(Found::Unavailable(reason));
        }
        // Some keyrings accept what they do not keep.
        match self.read_keyring(place, slot)? {
            Found::Key(kept) if kept == *key => Ok(Found::Key(kept)),
            Found::Key(_) | Found::Nothing => Ok(Found::Unavailable("it did not keep the key".into())),
            unavailable @ Found::Unavailable(_) => Ok(unavailable),
        }
    }

    fn keyring_user(&self, slot: Slot) -> String {
        format!("master-key-{}{}", self.installation, slot.suffix("-next"))
    }

    /// Asks on a thread of its own: a locked keyring may wait for a person who is not there.
    fn ask_keyring<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> Result<T, keyring::Error> + Send + 'static,
    ) -> Result<T, String> {
        if !self.has_session {
            return Err("there is no desktop session".into());
        }
        let (answer, waiting) = mpsc::sync_channel(1);
        let asking = std::thread::Builder::new().name("keyring".into()).spawn(move || {
            // Nobody listens any more when it took too long: the answer is worth nothing then.
            drop(answer.send(ask().map_err(|error| error.to_string())));
        });
        asking.map_err(|error| error.to_string())?;
        waiting.recv_timeout(KEYRING_WAIT).unwrap_or_else(|_| Err("it did not answer".into()))
    }
}

/// A file's name with more behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn entry(user: &str) -> Result<keyring::Entry, keyring::Error> {
    keyring::Entry::new(KEYRING_SERVICE, user)
}

fn read_file(path: &Path, place: &MasterKeyPlace, check_mode: bool) -> Result<Found, Error> {
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if check_mode && mode & 0o077 != 0 {
        return Err(Error::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX as usize));
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    parse(&bytes, place).map(Found::Key)
}

/// 32 raw bytes, or 64 hexadecimal digits with white space around them.
pub(super) fn parse(bytes: &[u8], place: impl fmt::Display) -> Result<Key, Error> {
    let mut key = Key::default();
    if bytes.len() == KEY_BYTES {
        key.copy_from_slice(bytes);
        return Ok(key);
    }
    match hex::decode_to_slice(bytes.trim_ascii(), key.as_mut_slice()) {
        Ok(()) => Ok(key),
        Err(_) => Err(Error::Malformed { place: place.to_string() }),
    }
}

/// What a key file holds.
pub(super) fn key_text(key: &Key) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", hex::encode(key.as_slice())))
}

/// Written beside, synced, then moved into place: a crash leaves a whole key or none.
fn write_file(path: &Path, key: &Key) -> Result<(), Error> {
    let draft = beside(path, ".tmp");
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    file.write_all(key_text(key).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    // A link, not a rename: it never replaces a key that is already there.
    fs::hard_link(&draft, path).and_then(|()| fs::remove_file(&draft)).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(policy: MasterKeyPolicy, folder: &Path, variables: &[(&str, &str)]) -> Places {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Places::new(policy, folder, Uuid::from_u128(1), find)
    }

    #[test]
    fn the_credential_comes_first_and_the_file_last() {
        let folder = Path::new("/data");
        let file = MasterKeyPlace::File("/data/master.key".into());
        let order = |policy, variables| places(policy, folder, variables).in_order();
        let credential = MasterKeyPlace::Credential("/run/credentials/aura/aura-master-key".into());
        let variables: &[_] = &[("CREDENTIALS_DIRECTORY", "/run/credentials/aura")];
        assert_eq!(order(MasterKeyPolicy::Auto, variables), [credential, MasterKeyPlace::Keyring, file.clone()]);
        assert_eq!(order(MasterKeyPolicy::Auto, &[]), [MasterKeyPlace::Keyring, file.clone()]);
        assert_eq!(order(MasterKeyPolicy::File, variables), [file]);
        assert_eq!(order(MasterKeyPolicy::Keyring, variables), [MasterKeyPlace::Keyring]);
    }

    #[test]
    fn without_a_session_the_keyring_is_not_even_asked() {
        let places = places(MasterKeyPolicy::Keyring, Path::new("/data"), &[("DBUS_SESSION_BUS_ADDRESS", "")]);
        let found = places.read(&MasterKeyPlace::Keyring, Slot::Current).expect("no failure");
        assert!(matches!(found, Found::Unavailable(reason) if reason.contains("session")) || cfg!(target_os = "macos"));
    }

    #[test]
    fn a_key_is_raw_bytes_or_hex() {
        let place = MasterKeyPlace::Keyring;
        assert_eq!(*parse(&[7; 32], &place).expect("raw"), [7; 32]);
        let hex = format!(" {}\n", "07".repeat(32));
        assert_eq!(*parse(hex.as_bytes(), &place).expect("hex"), [7; 32]);
        let no_hex = "xy".repeat(32);
        for bad in [&b""[..], b"07", &[7; 31], &[7; 33], no_hex.as_bytes()] {
            assert!(matches!(parse(bad, &place), Err(Error::Malformed { .. })), "{bad:?}");
        }
    }

    #[test]
    fn the_key_file_is_private_and_never_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("master.key");
        let key = Key::new([7; 32]);
        write_file(&path, &key).expect("written");
        let mode = fs::metadata(&path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode, fs::read_dir(folder.path()).expect("readable").count()), (0o600, 1));
        assert!(write_file(&path, &Key::new([8; 32])).is_err());
        let Found::Key(read) = read_file(&path, &MasterKeyPlace::File(path.clone()), true).expect("read") else {
            panic!("a key was written");
        };
        assert_eq!(read, key);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused_with_the_fix() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("master.key");
        write_file(&path, &Key::new([7; 32])).expect("written");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("opened up");
            let error = read_file(&path, &MasterKeyPlace::File(path.clone()), true).err().expect("refused");
            assert_eq!(error.code(), "master_key_exposed");
            assert!(error.hint().is_some_and(|hint| hint.contains("chmod 600")));
        }
    }
}
