//! Putting other data in a data directory's place, all of it or nothing: unpacked beside what is there, written down, then
//! moved. A crash before it is written down leaves the old data, one after it is mended at the next opening.
//!
//! It works inside the directory, which may be a mount point that nobody can rename. The lock, the socket and the master key
//! stay where they are.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{DataDir, DataDirError};

/// Where copies wait that a backup is made of.
const COPIES: &str = "backup.tmp";
/// Begins the name of a folder in which a process, whose id follows, checks a backup.
pub const CHECKED_PREFIX: &str = "backup.check-";
/// Where the new data is until it is in its place.
const STAGED: &str = "restore.new";
/// Says that the new data is whole, and where the old goes.
const MARKER: &str = "restore.swap";
/// The same while it is written.
const MARKER_DRAFT: &str = "restore.swap.new";
/// Begins the name of a folder with the data of before.
pub const BEFORE_PREFIX: &str = "before-restore-";

/// What belongs to the data. What the new has not goes with the old: its logs would be taken for the new file's.
const NAMES: [&str; 9] = [
    "control.db-wal",
    "control.db-shm",
    "journal.db-wal",
    "journal.db-shm",
    "checkpoint.new",
    "checkpoint",
    "journal.db",
    "tenants",
    "control.db",
];

impl DataDir {
    /// An empty folder for the copies that a backup is made of. Blocking.
    pub fn begin_copies(&self) -> Result<PathBuf, DataDirError> {
        fresh(&self.path().join(COPIES))
    }

    /// Removes them. Blocking.
    pub fn end_copies(&self) -> Result<(), DataDirError> {
        remove(&self.path().join(COPIES))
    }

    /// Whether there is data to lose.
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.control_db().exists()
    }

    /// An empty folder to unpack other data into. Blocking.
    pub fn begin_restore(&self) -> Result<PathBuf, DataDirError> {
        fresh(&self.path().join(STAGED))
    }

    /// Removes what was unpacked. Blocking.
    pub fn abandon_restore(&self) -> Result<(), DataDirError> {
        remove(&self.path().join(STAGED))
    }

    /// Puts what was unpacked in the place of the data, durably; gives the folder that the old data is in now, if there was
    /// any. Nothing of either may be open. `at_ms` goes into its name. Blocking.
    pub fn put_restored(&self, at_ms: i64) -> Result<Option<PathBuf>, DataDirError> {
        let (staged, old) = (self.path().join(STAGED), format!("{BEFORE_PREFIX}{at_ms}"));
        sync_tree(&staged).map_err(DataDirError::io("sync", &staged))?;
        let had_data = self.has_data();
        let (draft, marker) = (self.path().join(MARKER_DRAFT), self.path().join(MARKER));
        let named: Vec<&str> = NAMES.into_iter().filter(|name| staged.join(name).exists()).collect();
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            writeln!(file, "{old}\n{}", named.join("\n"))?;
            file.sync_all()?;
            crate::fault::point("before_restore_marker");
            fs::rename(&draft, &marker)?;
            sync_folder(self.path())
        };
        write().map_err(DataDirError::io("write", &marker))?;
        crate::fault::point("after_restore_marker");
        finish(self.path())?;
        Ok(had_data.then(|| self.path().join(old)))
    }

    /// Folders with data from before a restore. Blocking.
    pub fn before_restores(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(BEFORE_PREFIX) {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Finishes what a crash has interrupted, and removes what one left of work that had not come so far.
pub(super) fn mend(folder: &Path) -> Result<(), DataDirError> {
    finish(folder)?;
    for left in [STAGED, COPIES, MARKER_DRAFT] {
        remove(&folder.join(left))?;
    }
    for entry in fs::read_dir(folder).map_err(DataDirError::io("read", folder))? {
        let entry = entry.map_err(DataDirError::io("read", folder))?;
        if entry.file_name().to_string_lossy().strip_prefix(CHECKED_PREFIX).is_some_and(has_ended) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether the process of that id is gone; one that is somebody else's is not ours to judge.
fn has_ended(id: &str) -> bool {
    let process = id.parse().ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

/// Moves everything that is not yet where it goes. The order of a name's two moves tells after a crash which is which.
fn finish(folder: &Path) -> Result<(), DataDirError> {
    let marker = folder.join(MARKER);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DataDirError::io("read", &marker)(error)),
    };
    let mut lines = text.lines();
    let (staged, old) = (folder.join(STAGED), folder.join(lines.next().unwrap_or_default()));
    let new: Vec<&str> = lines.collect();
    let swap = || -> io::Result<()> {
        if !old.exists() {
            DirBuilder::new().mode(0o700).create(&old)?;
        }
        for name in NAMES {
            let (here, there, next) = (folder.join(name), old.join(name), staged.join(name));
            // Once the new one has left, what is here is the new one.
            let is_old = !new.contains(&name) || next.exists();
            if is_old && here.exists() {
                fs::rename(&here, &there)?;
                crate::fault::point("mid_restore_swap");
            }
            if next.exists() {
                fs::rename(&next, &here)?;
            }
        }
        // Where there was nothing before there is nothing to keep; where there was, it is not empty.
        match fs::remove_dir(&old) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => return Err(error),
            _ => {}
        }
        sync_folder(folder)?;
        fs::remove_file(&marker)?;
        sync_folder(folder)
    };
    swap().map_err(DataDirError::io("put the restored data into", folder))
}

fn fresh(folder: &Path) -> Result<PathBuf, DataDirError> {
    remove(folder)?;
    DirBuilder::new().mode(0o700).create(folder).map_err(DataDirError::io("create", folder))?;
    Ok(folder.to_owned())
}

fn remove(path: &Path) -> Result<(), DataDirError> {
    let gone = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    gone.map_err(DataDirError::io("delete", path))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes every file and folder below durable.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_tree(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }

    fn said(folder: &Path, name: &str) -> Option<String> {
        fs::read_to_string(folder.join(name)).ok()
    }

    /// A directory with old data and other data unpacked beside it.
    fn place() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::create(&folder.path().join("aura")).expect("created");
        for name in ["control.db", "control.db-wal", "journal.db", "tenants/a/tenant.db", "checkpoint", "master.key"] {
            put(dir.path(), name, "old");
        }
        let staged = dir.begin_restore().expect("begun");
        for name in ["control.db", "journal.db", "tenants/b/tenant.db"] {
            put(&staged, name, "new");
        }
        (folder, dir)
    }

    fn assert_new(path: &Path, old: &Path) {
        for name in ["control.db", "journal.db", "tenants/b/tenant.db"] {
            assert_eq!(said(path, name).as_deref(), Some("new"), "{name}");
        }
        for name in ["control.db-wal", "checkpoint", "tenants/a/tenant.db", STAGED, MARKER] {
            assert!(!path.join(name).exists(), "{name}");
        }
        for name in ["control.db", "control.db-wal", "checkpoint", "tenants/a/tenant.db"] {
            assert_eq!(said(old, name).as_deref(), Some("old"), "{name}");
        }
        assert_eq!(said(path, "master.key").as_deref(), Some("old"), "the key stays where it is");
    }

    #[test]
    fn the_new_is_in_the_place_of_the_old_and_the_old_beside_it() {
        let (_folder, dir) = place();
        let old = dir.put_restored(7).expect("swapped").expect("there was data");
        mend(dir.path()).expect("nothing to mend");
        assert_new(dir.path(), &old);
        assert_eq!(dir.before_restores().expect("listed"), [old]);
    }

    #[test]
    fn a_crash_after_any_of_its_moves_is_mended_at_the_next_opening() {
        // Every prefix of the moves, each as a crash would leave it.
        for moves in 0..NAMES.len() * 2 {
            let (_folder, dir) = place();
            let (path, staged) = (dir.path().to_owned(), dir.path().join(STAGED));
            let old = path.join(format!("{BEFORE_PREFIX}7"));
            fs::create_dir(&old).expect("created");
            put(&path, MARKER, &format!("{BEFORE_PREFIX}7\njournal.db\ntenants\ncontrol.db\n"));
            let steps =
                NAMES.iter().flat_map(|name| [(path.join(name), old.join(name)), (staged.join(name), path.join(name))]);
            for (from, to) in steps.take(moves).filter(|(from, _)| from.exists()) {
                fs::rename(from, to).expect("moved");
            }
            drop(dir);
            let dir = DataDir::open(&path).expect("mended");
            assert_new(dir.path(), &old);
        }
    }

    #[test]
    fn what_was_unpacked_and_not_yet_believed_is_gone_at_the_next_opening() {
        let (_folder, dir) = place();
        dir.begin_copies().expect("begun");
        let path = dir.path().to_owned();
        drop(dir);
        let dir = DataDir::open(&path).expect("opens");
        assert_eq!(said(dir.path(), "control.db").as_deref(), Some("old"));
        assert!(!path.join(STAGED).exists() && !path.join(COPIES).exists());
        // A check under way is left alone, that of a process which has ended is not.
        let (ours, gone) = (format!("{CHECKED_PREFIX}{}", std::process::id()), format!("{CHECKED_PREFIX}{}", i32::MAX));
        put(&path, &format!("{ours}/control.db"), "checked");
        put(&path, &format!("{gone}/control.db"), "checked");
        drop(dir);
        drop(DataDir::open(&path).expect("opens"));
        assert!(path.join(ours).exists() && !path.join(gone).exists());
    }

    #[test]
    fn a_directory_without_data_keeps_nothing_of_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::create(&folder.path().join("aura")).expect("created");
        put(&dir.begin_restore().expect("begun"), "control.db", "new");
        assert!(!dir.has_data());
        assert_eq!(dir.put_restored(7).expect("put"), None);
        assert!(dir.has_data());
    }
}
