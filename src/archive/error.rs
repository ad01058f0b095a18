//! Why a backup cannot be read.

use std::io;

/// Why a backup cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is cut off, changed, or none at all.
    #[error("the backup is not whole: {reason}")]
    Broken {
        /// What shows it.
        reason: String,
    },
    /// A newer Aura made it.
    #[error(
        "the backup was made by Aura {aura}: its {what} has version {found}, and this Aura knows {known} and older"
    )]
    Newer {
        /// Which part of it.
        what: &'static str,
        /// The part's version.
        found: i64,
        /// The newest one that we know.
        known: i64,
        /// Which Aura made it.
        aura: String,
    },
    /// What is in it could not be put where it should go.
    #[error("could not unpack {name}")]
    Unpack {
        /// Which member.
        name: String,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
}

impl Error {
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken { reason: reason.into() }
    }

    /// Reading has failed: the stream says why in words of its own.
    pub(super) fn cut(error: &io::Error) -> Self {
        Self::broken(format!("it is cut off or was changed ({error})"))
    }

    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "backup_broken",
            Self::Newer { .. } => "backup_newer",
            Self::Unpack { .. } => "file_failed",
        }
    }

    /// What the operator can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } => {
                Some("Nothing was changed. Take another copy of the file, or an older backup.".into())
            }
            Self::Newer { aura, .. } => Some(format!("Restore it with Aura {aura} or newer.")),
            Self::Unpack { .. } => Some("See whether there is room on the disk; nothing was changed.".into()),
        }
    }
}
