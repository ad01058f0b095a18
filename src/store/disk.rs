//! Room on the disk of a data directory: how much is left, and a file of ballast that is given up when there is none, so
//! that what was accepted can still be answered.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use rustix::{fs::FallocateFlags, io::Errno};

use super::DataDir;

/// What the ballast holds free: a few thousand turns.
const BALLAST_BYTES: u64 = 64 * 1024 * 1024;
/// Less free than this is too little, whatever the disk's size.
const LOW_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// So much of a disk is kept free: SQLite's logs, imports and backups need room for a while.
const LOW_PERCENT: u64 = 5;
/// More than this is enough on any disk: a twentieth of some terabytes is no shortage.
const LOW_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may be written by this user.
    pub free_bytes: u64,
    /// Below so many the installation is not ready for more.
    pub low_bytes: u64,
}

impl Room {
    fn of(free_bytes: u64, total_bytes: u64) -> Self {
        let low_bytes = (total_bytes / 100 * LOW_PERCENT).clamp(LOW_BYTES_MIN, LOW_BYTES_MAX);
        Self { free_bytes, low_bytes }
    }

    /// Whether there is too little.
    #[must_use]
    pub const fn is_low(&self) -> bool {
        self.free_bytes < self.low_bytes
    }
}

impl DataDir {
    /// How much room its disk has. Blocking.
    ///
    /// # Errors
    /// The system's own.
    pub fn room(&self) -> io::Result<Room> {
        let found = rustix::fs::statvfs(self.path())?;
        Ok(Room::of(found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
    }

    /// Takes the ballast on board where there is plenty of room; `false` if it is there already or there is not. Blocking.
    ///
    /// # Errors
    /// The system's own; nothing of the ballast is left then.
    pub fn take_ballast(&self) -> io::Result<bool> {
        let (path, room) = (self.ballast(), self.room()?);
        if path.exists() || room.free_bytes < room.low_bytes + BALLAST_BYTES {
            return Ok(false);
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        fill(&file).inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(true)
    }

    /// Gives the ballast up; `false` if there was none. Blocking.
    ///
    /// # Errors
    /// The system's own.
    pub fn drop_ballast(&self) -> io::Result<bool> {
        match fs::remove_file(self.ballast()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

/// Has the system set the blocks aside; where it cannot, they are written.
fn fill(mut file: &File) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, BALLAST_BYTES) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = vec![0; 1024 * 1024];
            for _ in 0..BALLAST_BYTES / zeros.len() as u64 {
                file.write_all(&zeros)?;
            }
            Ok(())
        }
        filled => Ok(filled?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_of_the_disk_is_kept_free_but_never_too_little_or_too_much() {
        const GIB: u64 = 1024 * 1024 * 1024;
        let low = |total| Room::of(0, total).low_bytes;
        assert_eq!((low(GIB), low(8 * GIB) / 1_000_000), (LOW_BYTES_MIN, 8 * GIB / 20 / 1_000_000));
        assert_eq!(low(10_000 * GIB), LOW_BYTES_MAX);
        assert!(Room::of(LOW_BYTES_MIN - 1, GIB).is_low() && !Room::of(LOW_BYTES_MIN, GIB).is_low());
    }

    #[test]
    fn ballast_is_taken_once_and_given_up_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::create(&folder.path().join("aura")).expect("created");
        if dir.room().expect("known").free_bytes < LOW_BYTES_MAX + BALLAST_BYTES {
            eprintln!("skipped: this disk has no room for ballast");
            return;
        }
        assert!(dir.take_ballast().expect("taken") && !dir.take_ballast().expect("there already"));
        assert_eq!(fs::metadata(dir.ballast()).expect("there").len(), BALLAST_BYTES);
        assert!(dir.drop_ballast().expect("given up") && !dir.drop_ballast().expect("gone already"));
    }
}
