//! The data directory: whose it is, who may open it, and where things lie in it.
//!
//! One process at a time: whoever holds `aura.lock` owns everything inside.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::swap;
use crate::domain::TenantId;

/// Only the owner may enter: tokens, keys and shoppers' messages lie here.
const FOLDER_MODE: u32 = 0o700;
/// Only the owner may read.
const FILE_MODE: u32 = 0o600;
/// A folder through which a group comes to a socket.
const PASSED_MODE: u32 = 0o710;
/// Permission bits of group and world.
const OTHERS: u32 = 0o077;
/// Those of them that let others put a file in another's place.
const OTHERS_WRITE: u32 = 0o022;
/// Whoever holds its lock owns the directory.
const LOCK: &str = "aura.lock";
/// Enough for any process id.
const PID_BYTES_MAX: u64 = 32;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// There is none.
    #[error("there is no data directory at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a directory", path.display())]
    NotDirectory {
        /// What was given.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, and this process runs as user {ours}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our effective user id.
        ours: u32,
    },
    /// Others may put files into it.
    #[error("{} can be written to by other users (mode {mode:03o})", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process has it.
    #[error("{} is in use by {}", path.display(), holder(*pid))]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The process that holds the lock, when it has written its id.
        pid: Option<u32>,
    },
    /// The system refused something.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl DataDirError {
    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "no_data_dir",
            Self::NotDirectory { .. } => "data_dir_invalid",
            Self::Foreign { .. } => "data_dir_foreign",
            Self::Exposed { .. } => "data_dir_exposed",
            Self::Locked { .. } => "data_dir_locked",
            Self::Io { .. } => "file_failed",
        }
    }

    /// What the operator can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => {
                Some("Start `aura serve`, run `aura init`, or name the directory with --data-dir.".into())
            }
            Self::NotDirectory { .. } => Some("Name another one with --data-dir.".into()),
            Self::Foreign { owner, .. } => {
                Some(format!("Run the command as that user, for example with `sudo -u '#{owner}' aura …`."))
            }
            Self::Exposed { path, .. } => Some(format!("Close it with `chmod 700 {}`.", path.display())),
            Self::Locked { pid: Some(pid), .. } => {
                Some(format!("Use the running one, or stop it first (`kill {pid}`)."))
            }
            Self::Locked { pid: None, .. } => Some("Use the running one, or stop it first.".into()),
            Self::Io { .. } => None,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// A data directory that this process holds. The lock goes with the value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory where missing (with its parents), and takes it. Blocking.
    pub fn create(path: &Path) -> Result<Self, DataDirError> {
        if !path.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(path)
                .map_err(DataDirError::io("create the data directory", path))?;
        }
        Self::open(path)
    }

    /// Takes a directory that exists. Blocking.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        check(path)?;
        let lock = take_lock(path)?;
        let dir = Self { path: path.to_owned(), _lock: lock };
        swap::mend(&dir.path)?;
        make_folder(&dir.path.join("tenants"))?;
        Ok(dir)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of what belongs to no tenant.
    #[must_use]
    pub fn control_db(&self) -> PathBuf {
        self.path.join("control.db")
    }

    /// The file of raw deliveries.
    #[must_use]
    pub fn journal_db(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// Where the daemon listens for commands.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join("aura.sock")
    }

    /// Where the daemon listens for the staff.
    #[must_use]
    pub fn staff_socket(&self) -> PathBuf {
        self.path.join("staff.sock")
    }

    /// Lets a group pass through to a socket in it, and see nothing else; `None`: nobody but the owner.
    ///
    /// # Errors
    /// [`DataDirError::Io`] when the directory cannot be given to the group.
    pub fn let_through(&self, group: Option<u32>) -> Result<(), DataDirError> {
        let failed = |error| DataDirError::io("open to the staff's group", &self.path)(error);
        if group.is_some() {
            std::os::unix::fs::chown(&self.path, None, group).map_err(failed)?;
            return fs::set_permissions(&self.path, fs::Permissions::from_mode(PASSED_MODE)).map_err(failed);
        }
        Ok(())
    }

    /// Everything of one tenant. The name comes from its id alone, never from text that somebody chose.
    #[must_use]
    pub fn tenant_folder(&self, tenant: TenantId) -> PathBuf {
        self.path.join("tenants").join(tenant.to_string())
    }

    /// A tenant's database file.
    #[must_use]
    pub fn tenant_db(&self, tenant: TenantId) -> PathBuf {
        self.tenant_folder(tenant).join("tenant.db")
    }

    /// Makes a tenant's folder, for the owner only. Blocking.
    pub fn create_tenant_folder(&self, tenant: TenantId) -> Result<(), DataDirError> {
        make_folder(&self.tenant_folder(tenant))?;
        // The folder's own entry: a tenant's record must not outlive it in a power cut.
        let tenants = self.path.join("tenants");
        File::open(&tenants).and_then(|tenants| tenants.sync_all()).map_err(DataDirError::io("sync", &tenants))
    }

    /// Deletes a tenant's folder and says how much went: files and their bytes. Blocking.
    ///
    /// Only when nobody has its database file open.
    pub fn remove_tenant_folder(&self, tenant: TenantId) -> Result<(u64, u64), DataDirError> {
        let folder = self.tenant_folder(tenant);
        if !folder.exists() {
            return Ok((0, 0));
        }
        let size = measure(&folder).map_err(DataDirError::io("read", &folder))?;
        fs::remove_dir_all(&folder).map_err(DataDirError::io("delete", &folder))?;
        Ok(size)
    }
}

/// Refuses a directory that is missing, somebody else's, or writable by others; closes one that is Aura's alone.
fn check(path: &Path) -> Result<(), DataDirError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DataDirError::Missing { path: path.to_owned() });
        }
        Err(error) => return Err(DataDirError::io("look at", path)(error)),
    };
    if !found.is_dir() {
        return Err(DataDirError::NotDirectory { path: path.to_owned() });
    }
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() != ours {
        return Err(DataDirError::Foreign { path: path.to_owned(), owner: found.uid(), ours });
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    // Made by hand with the usual umask, by a container or by systemd: ours alone, so closing it surprises nobody.
    if is_ours_alone(path).map_err(DataDirError::io("read", path))? {
        let closed = fs::Permissions::from_mode(FOLDER_MODE);
        return fs::set_permissions(path, closed).map_err(DataDirError::io("close to other users", path));
    }
    // Somebody keeps other things here too. What Aura writes is private by itself, as long as nobody can swap it.
    if mode & OTHERS_WRITE == 0 { Ok(()) } else { Err(DataDirError::Exposed { path: path.to_owned(), mode }) }
}

/// Whether the directory holds nothing but what Aura put there.
fn is_ours_alone(path: &Path) -> io::Result<bool> {
    Ok(path.join(LOCK).exists() || fs::read_dir(path)?.next().is_none())
}

fn take_lock(folder: &Path) -> Result<File, DataDirError> {
    let path = folder.join(LOCK);
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(DataDirError::io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DataDirError::Locked { path: folder.to_owned(), pid: read_pid(&mut lock) });
        }
        Err(TryLockError::Error(error)) => return Err(DataDirError::io("lock", &path)(error)),
    }
    write_pid(&mut lock).map_err(DataDirError::io("write", &path))?;
    Ok(lock)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// The holder's id; `None` when it has the lock but has not written yet.
fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn make_folder(path: &Path) -> Result<(), DataDirError> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(DataDirError::io("create", path)(error)),
        _ => Ok(()),
    }
}

/// Files below a folder and their bytes; symbolic links are counted, never followed.
fn measure(folder: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let (more_files, more_bytes) = if found.is_dir() { measure(&entry.path())? } else { (1, found.len()) };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_new_directory_is_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/aura");
        let dir = DataDir::create(&path).expect("created");
        let tenant = TenantId(Uuid::from_u128(1));
        dir.create_tenant_folder(tenant).expect("created");
        assert_eq!((mode(&path), mode(&path.join("aura.lock"))), (0o700, 0o600));
        assert_eq!((mode(&path.join("tenants")), mode(&dir.tenant_folder(tenant))), (0o700, 0o700));
    }

    #[test]
    fn the_second_opener_learns_who_was_first() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("aura");
        let first = DataDir::create(&path).expect("created");
        let error = DataDir::open(&path).expect_err("held by the first");
        assert_eq!(error.code(), "data_dir_locked");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        DataDir::open(&path).expect("free again");
    }

    #[test]
    fn opening_creates_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("aura");
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Missing { .. })));
        assert!(!path.exists());
        fs::write(&path, "").expect("written");
        assert!(matches!(DataDir::open(&path), Err(DataDirError::NotDirectory { .. })));
    }

    fn made_with(mode: u32, path: &Path) {
        fs::create_dir(path).expect("created");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opened up");
    }

    #[test]
    fn an_empty_directory_made_by_hand_is_closed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("aura");
        made_with(0o777, &path);
        DataDir::open(&path).expect("taken");
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opened up");
        DataDir::open(&path).expect("taken again");
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_directory_with_other_things_is_left_as_it_is_and_refused_when_others_can_write() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bits, fits) in [("readable", 0o755, true), ("writable", 0o775, false)] {
            let path = folder.path().join(name);
            made_with(bits, &path);
            fs::write(path.join("notes.txt"), "mine").expect("written");
            match DataDir::open(&path) {
                Ok(_) => assert!(fits, "{name}"),
                Err(error) => {
                    assert!(!fits && error.code() == "data_dir_exposed", "{name}: {error}");
                    assert!(error.hint().is_some_and(|hint| hint.contains("chmod 700")));
                }
            }
            assert_eq!(mode(&path), bits, "{name}");
        }
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        // Needs a directory that is not ours; without root rights `/` is one.
        let ours = rustix::process::geteuid().as_raw();
        let foreign = if ours == 0 {
            let folder = tempfile::tempdir().expect("a temporary folder");
            std::os::unix::fs::chown(folder.path(), Some(65_534), None).expect("root may give it away");
            folder
        } else {
            eprintln!("skipped: only root can make another user's directory");
            return;
        };
        assert!(matches!(DataDir::open(foreign.path()), Err(DataDirError::Foreign { owner: 65_534, .. })));
    }

    #[test]
    fn a_removed_tenant_folder_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::create(&folder.path().join("aura")).expect("created");
        let tenant = TenantId(Uuid::from_u128(1));
        assert_eq!(dir.remove_tenant_folder(tenant).expect("nothing there"), (0, 0));
        dir.create_tenant_folder(tenant).expect("created");
        fs::create_dir(dir.tenant_folder(tenant).join("media")).expect("created");
        fs::write(dir.tenant_db(tenant), "12345").expect("written");
        fs::write(dir.tenant_folder(tenant).join("media/a"), "123").expect("written");
        assert_eq!(dir.remove_tenant_folder(tenant).expect("removed"), (2, 8));
        assert!(!dir.tenant_folder(tenant).exists());
    }
}
