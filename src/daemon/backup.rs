//! Backups as files: looked at, checked, and put in a data directory's place. What a lone command does, under the daemon's own
//! lock where it changes something.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{Error, SystemClock, UuidV7};
use crate::{
    app::restore::{self, Wanted},
    config::{Config, Environment},
    domain::{Clock, Ids, audit::Act},
    store::DataDir,
};
pub use crate::{
    app::restore::{Contents, ReadBytes, Restored, not_confirmed, opened_by, verify},
    secret::{CopyKey, KeyFound, OpenedBy},
};

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The SHA-256 of a file in hexadecimal digits, and its size. Blocking.
///
/// # Errors
/// The system's own.
pub fn digest_of(file: &Path, progress: &ReadBytes) -> io::Result<(String, u64)> {
    let (mut file, mut digest, mut bytes) = (fs::File::open(file)?, Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex::encode(digest.finalize()), bytes));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
        progress(bytes);
    }
}

/// What to put back, and where.
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// What opens it.
    pub key: CopyKey,
    /// The data directory; it is made where missing.
    pub data_dir: PathBuf,
    /// What the caller says it is called: data is replaced only by whoever says so.
    pub confirm: Option<String>,
    /// Whether to stop short of changing anything.
    pub dry_run: bool,
    /// Hears how far it is.
    pub progress: ReadBytes,
}

/// Whether a directory has data that somebody has to give up first, by the name to confirm it with; nothing is changed and
/// nothing locked.
#[must_use]
pub fn name_to_confirm(data_dir: &Path) -> Option<String> {
    let has_data = data_dir.join("control.db").exists();
    has_data.then(|| data_dir.file_name().unwrap_or(data_dir.as_os_str()).to_string_lossy().into_owned())
}

/// Puts a backup in the place of what a data directory holds. Blocking.
///
/// # Errors
/// When another process holds the data directory; when it has data and `confirm` does not name it; whatever makes the backup
/// none to rely on. A directory that was made for it is gone again then.
pub fn restore(config: &Config, wanted: Restore) -> Result<Restored, Error> {
    let Restore { file, key, data_dir, confirm, dry_run, progress } = wanted;
    let is_new = !data_dir.exists();
    let dir = DataDir::create(&data_dir)?;
    let name = name_to_confirm(&data_dir).filter(|name| !dry_run && confirm.as_deref() != Some(name));
    if let Some(name) = name {
        return Err(restore::not_confirmed(&data_dir, &name).into());
    }
    let wanted = Wanted { file, key, dry_run, progress };
    let ids: Arc<dyn Ids> = Arc::new(UuidV7);
    let act = Act::operator(SystemClock.now());
    let restored = restore::restore(&dir, &wanted, config.secrets.master_key, &Environment::of_process(), &ids, act);
    if is_new && (dry_run || restored.is_err()) {
        // Made a moment ago, by us, and there is nothing in it yet.
        if let Err(error) = fs::remove_dir_all(&data_dir) {
            tracing::warn!(%error, "a data directory that was made for a restore stays, without data");
        }
    }
    Ok(restored?)
}
