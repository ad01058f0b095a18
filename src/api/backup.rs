//! Backups: who can open one, and what is known of one that is kept.

use serde::{Deserialize, Serialize};

use super::Time;

/// Who shall be able to open a backup: the same choice as for a recovery copy.
pub type NewBackup = super::NewRecoveryCopy;

/// A backup that is kept somewhere from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupKept {
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBackup {
    /// When it was begun: what was accepted before is in it.
    pub made_at: Time,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Tenants in it.
    pub tenants: u64,
    /// Tenants whose files could not be read, by slug: they are not in it.
    pub left_out: Vec<String>,
    /// The fingerprint of the master key that opens its secrets.
    pub master_key: String,
}
