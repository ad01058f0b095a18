//! The file of the newest checkpoint. Written beside the old one, named by the audit log, then put in its place: after a
//! crash at any moment one of the two is the one that the log names.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{DataDir, Error};

/// The file's name in the data directory.
const NAME: &str = "checkpoint";
/// A new one, until the audit log names it.
const STAGED: &str = "checkpoint.new";

impl DataDir {
    /// Writes a new checkpoint beside the old one, durably. Blocking.
    pub fn stage_checkpoint(&self, note: &str) -> Result<(), Error> {
        let path = self.path().join(STAGED);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| Error::File { action: "write", path: path.clone(), source })
    }

    /// Puts the new checkpoint in the old one's place, durably. Blocking.
    pub fn publish_checkpoint(&self) -> Result<(), Error> {
        let path = self.path().join(NAME);
        let publish = || -> io::Result<()> {
            fs::rename(self.path().join(STAGED), &path)?;
            File::open(self.path())?.sync_all()
        };
        publish().map_err(|source| Error::File { action: "replace", path: path.clone(), source })
    }

    /// The checkpoint, and a newer one that a crash may have left beside it. Blocking.
    pub fn checkpoints(&self) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for name in [NAME, STAGED] {
            found.extend(read(&self.path().join(name))?);
        }
        Ok(found)
    }
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        // What is no text is no checkpoint either; its reader says so.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { action: "read", path: path.to_owned(), source }),
    }
}
