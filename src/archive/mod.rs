//! The form of a backup: an age file with a compressed tar in it. What it is of comes first, then the files, and at the end
//! a list of all of them with their digests; what is not listed, listed otherwise or not there makes it no backup.
//!
//! Knows neither where the files come from nor what is in them.

mod error;
mod read;
mod write;

pub use error::Error;
pub use read::{Content, read};
pub use write::Writer;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::TenantId;

/// The form that this Aura writes, and the newest that it reads.
pub const FORMAT: u32 = 1;
/// The first member.
const HEAD: &str = "aura-backup.json";
/// The last member.
const MANIFEST: &str = "manifest.json";

/// What a backup is of; readable before anything else is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its form.
    pub format: u32,
    /// The version of Aura that made it.
    pub aura: String,
    /// The schema versions of its files, or older ones.
    pub schemas: Schemas,
    /// Which installation it is of.
    pub installation: String,
    /// The fingerprint of the master key that its secrets are sealed under; the key itself is in no backup.
    pub master_key: String,
    /// When it was begun (UTC milliseconds): what was accepted before is in it.
    pub made_at_ms: i64,
    /// About so many bytes are in it, uncompressed.
    pub bytes: u64,
}

/// Schema versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// Of `control.db`.
    pub control: i64,
    /// Of `journal.db`.
    pub journal: i64,
    /// Of every `tenant.db`.
    pub tenant: i64,
}

/// What a whole backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The head once more.
    pub head: Head,
    /// Every tenant that `control.db` knows.
    pub tenants: Vec<TenantNote>,
    /// The files.
    pub members: Vec<Member>,
}

/// A tenant in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantNote {
    /// Its id.
    pub id: String,
    /// Its name for people and commands.
    pub slug: String,
    /// Whether its file is there.
    pub state: TenantState,
}

/// Whether a tenant's file is in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// It is.
    Kept,
    /// The tenant was removed while the backup was made.
    Removed,
    /// The file could not be read, such as one that is damaged.
    Unreadable,
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its [`Place`].
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of what is in it, in hexadecimal digits.
    pub sha256: String,
}

/// Where a file belongs in a data directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `control.db`
    Control,
    /// `journal.db`
    Journal,
    /// The newest checkpoint of the hash chains.
    Checkpoint,
    /// A tenant's `tenant.db`.
    Tenant(TenantId),
    /// A file of a tenant's media, by its name.
    Media(TenantId, String),
}

impl Place {
    /// The place that `name` speaks of; `None` for any other name, so that nothing is ever unpacked elsewhere.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "control.db" => return Some(Self::Control),
            "journal.db" => return Some(Self::Journal),
            "checkpoint" => return Some(Self::Checkpoint),
            _ => {}
        }
        let (tenant, rest) = name.strip_prefix("tenants/")?.split_once('/')?;
        let id: TenantId = tenant.parse().ok().filter(|id: &TenantId| id.to_string() == tenant)?;
        match rest.strip_prefix("media/") {
            None if rest == "tenant.db" => Some(Self::Tenant(id)),
            Some(file) if is_plain(file) => Some(Self::Media(id, file.to_owned())),
            _ => None,
        }
    }
}

/// Whether it is the name of one file in a folder and cannot be read as anything else.
#[must_use]
pub fn is_plain(file: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    !file.is_empty() && !file.starts_with('.') && file.chars().all(plain)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => f.write_str("control.db"),
            Self::Journal => f.write_str("journal.db"),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Tenant(id) => write!(f, "tenants/{id}/tenant.db"),
            Self::Media(id, file) => write!(f, "tenants/{id}/media/{file}"),
        }
    }
}

#[cfg(test)]
mod tests;
