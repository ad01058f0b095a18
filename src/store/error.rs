//! What can go wrong in the store, in terms a caller can act on.

use std::path::PathBuf;

use crate::domain::{TenantId, conversation::Holder};

/// SQLite's codes for a write that found no room: a full disk, and a file or its index at a size limit (`EFBIG` comes as
/// a failed write). Nothing of the transaction is durable, and the next one may succeed.
const NO_ROOM: [i32; 3] =
    [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_IOERR_SHMSIZE];

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement failed.
    #[error("could not {action}")]
    Sql {
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// SQLite's own words.
        #[source]
        source: Cause,
    },
    /// The disk has no room.
    #[error("could not {action}: the disk is full")]
    Full {
        /// What was being done.
        action: &'static str,
        /// SQLite's own words.
        #[source]
        source: Cause,
    },
    /// Another process holds the file's lock, and did not let go of it for a while.
    #[error("could not {action}: another process has locked the database file")]
    Busy {
        /// What was being done.
        action: &'static str,
        /// SQLite's own words.
        #[source]
        source: Cause,
    },
    /// The disk failed; nothing written since can be relied on.
    #[error("could not {action}: the disk reported an error")]
    Io {
        /// What was being done.
        action: &'static str,
        /// SQLite's own words.
        #[source]
        source: Cause,
    },
    /// The file is damaged.
    #[error("could not {action}: the database file is damaged")]
    Corrupt {
        /// What was being done.
        action: &'static str,
        /// SQLite's own words.
        #[source]
        source: Cause,
    },
    /// The file was written by a newer Aura.
    #[error("{} has schema version {found}; this Aura knows {known} and older", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest one we know.
        known: i64,
    },
    /// The file is another tenant's.
    #[error("the file of {tenant} says that it is {owner}'s")]
    Foreign {
        /// Whose it should be.
        tenant: TenantId,
        /// Whose it says it is.
        owner: String,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] super::DataDirError),
    /// A file or folder could not be made or opened.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: std::io::Error,
    },
    /// What stands in the store makes no sense to this Aura.
    #[error("{what} in the store is not readable: `{value}`")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What stands there.
        value: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// It exists already, or has moved on since it was read.
    #[error("{0}")]
    Conflict(String),
    /// Another person has the conversation.
    #[error("another person has this conversation")]
    Held(Holder),
    /// It was only tried out, and would have changed something.
    #[error("it was only tried out")]
    Rehearsed,
    /// The store is shutting down or has failed for good.
    #[error("the store has stopped")]
    Stopped,
}

impl Error {
    /// Maps SQLite's error for `action` (a verb phrase such as "store an inbound message").
    pub(super) fn sql(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| {
            use rusqlite::ErrorCode;
            let no_room = source.sqlite_error().is_some_and(|error| NO_ROOM.contains(&error.extended_code));
            let code = source.sqlite_error_code();
            let source: Cause = Box::new(source);
            match code {
                _ if no_room => Self::Full { action, source },
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { action, source },
                Some(ErrorCode::SystemIoFailure) => Self::Io { action, source },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { action, source },
                _ => Self::Sql { action, source },
            }
        }
    }

    /// SQLite's own code, where the error is SQLite's.
    pub(super) fn sqlite_code(&self) -> Option<i32> {
        let source = std::error::Error::source(self)?.downcast_ref::<rusqlite::Error>()?;
        source.sqlite_error().map(|error| error.extended_code)
    }

    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sql { .. } => "store_failed",
            Self::Full { .. } => "disk_full",
            Self::Busy { .. } => "store_busy",
            Self::Io { .. } => "disk_failed",
            Self::Corrupt { .. } => "file_damaged",
            Self::Newer { .. } => "file_newer",
            Self::Foreign { .. } => "file_foreign",
            Self::DataDir(_) => "data_dir",
            Self::File { .. } => "file_failed",
            Self::Unreadable { .. } => "store_unreadable",
            Self::NotFound { .. } => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Held(_) => "held_by_another",
            Self::Rehearsed => "rehearsed",
            Self::Stopped => "stopped",
        }
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Full { .. } => Some("Free some space; Aura goes on by itself.".into()),
            Self::Busy { .. } => Some("Look which process has the file open, such as `sqlite3` or a backup.".into()),
            Self::Io { .. } => Some("Check the disk, then start Aura again.".into()),
            Self::Corrupt { .. } => {
                Some("Restore this tenant from a backup; the other tenants are not affected.".into())
            }
            Self::Newer { .. } => Some("Start the newer Aura, or restore a backup made by this version.".into()),
            Self::Foreign { .. } => {
                Some("Two tenants' files were swapped, or one was restored in the wrong place: put each back.".into())
            }
            Self::DataDir(error) => error.hint(),
            Self::Sql { .. }
            | Self::File { .. }
            | Self::Unreadable { .. }
            | Self::NotFound { .. }
            | Self::Conflict(_)
            | Self::Held(_)
            | Self::Rehearsed
            | Self::Stopped => None,
        }
    }

    /// Whether the same call may succeed later without anyone doing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy { .. })
    }
}
