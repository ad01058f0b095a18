//! What the files take, as the file system has it: no file is opened for it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::DataDir;
use crate::domain::TenantId;

/// The main file and its write-ahead log. (The third file beside them is memory that SQLite shares, and lasts no longer than
/// that.)
const PARTS: [&str; 2] = ["", "-wal"];

/// Bytes of files, each with its write-ahead log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// `control.db`.
    pub control: u64,
    /// `journal.db`.
    pub journal: u64,
    /// Each tenant's own, in the order in which they were asked for.
    pub tenants: Vec<u64>,
}

impl DataDir {
    /// Measures the files, those of these tenants among them; one that is not there has no bytes. Blocking.
    ///
    /// # Errors
    /// The system's own.
    pub fn sizes(&self, tenants: &[TenantId]) -> io::Result<Sizes> {
        Ok(Sizes {
            control: size(&self.control_db())?,
            journal: size(&self.journal_db())?,
            tenants: tenants.iter().map(|tenant| size(&self.tenant_db(*tenant))).collect::<io::Result<_>>()?,
        })
    }
}

fn size(database: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for part in PARTS {
        let mut path = database.as_os_str().to_owned();
        path.push(part);
        bytes += match fs::metadata(PathBuf::from(path)) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_counts_with_its_log_and_a_tenant_without_one_counts_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::create(&folder.path().join("aura")).expect("created");
        let (with, without) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        dir.create_tenant_folder(with).expect("created");
        for (path, bytes) in [
            (dir.control_db(), "123"),
            (dir.control_db().with_extension("db-wal"), "12345"),
            (dir.control_db().with_extension("db-shm"), "1"),
            (dir.tenant_db(with), "1234567"),
        ] {
            fs::write(path, bytes).expect("written");
        }
        let sizes = dir.sizes(&[without, with]).expect("measured");
        assert_eq!(sizes, Sizes { control: 8, journal: 0, tenants: vec![0, 7] });
    }
}
