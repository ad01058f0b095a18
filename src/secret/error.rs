//! What can go wrong with keys and sealed values.

use std::{io, path::PathBuf};

/// Why a key or a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the places holds the master key that this data was sealed with.
    #[error("the master key of this data directory was not found ({})", tried.join("; "))]
    NoMasterKey {
        /// Each place and why it was not the one.
        tried: Vec<String>,
    },
    /// The configured place cannot be used.
    #[error("the master key cannot be kept in {place}: {reason}")]
    Unavailable {
        /// Which place.
        place: String,
        /// Why not, in the system's words.
        reason: String,
    },
    /// The operator has to bring the next key, and has not.
    #[error("there is no systemd credential `aura-master-key-next` to change to")]
    NoNextCredential,
    /// Others may read the key file.
    #[error("{} can be read by other users (mode {mode:03o})", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What stands there is no key.
    #[error("{place} does not hold a master key: 32 bytes, or 64 hexadecimal digits")]
    Malformed {
        /// Which place.
        place: String,
    },
    /// A sealed value does not open.
    #[error("the sealed {what} does not open: it was changed, or sealed for something else")]
    Broken {
        /// What it was to be.
        what: String,
    },
    /// The system gave no random bytes.
    #[error("the system has no random bytes to give: {0}")]
    Random(String),
    /// A file could not be read or written.
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

impl Error {
    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoMasterKey { .. } => "no_master_key",
            Self::Unavailable { .. } => "master_key_unavailable",
            Self::NoNextCredential => "no_next_credential",
            Self::Exposed { .. } => "master_key_exposed",
            Self::Malformed { .. } => "master_key_malformed",
            Self::Broken { .. } => "secret_broken",
            Self::Random(_) => "no_random",
            Self::Io { .. } => "file_failed",
        }
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMasterKey { .. } => Some(
                "Bring the key back to where it was (systemd credential, keyring or master.key); without it the \
                 secrets cannot be read and have to be set again in a new data directory."
                    .into(),
            ),
            Self::Unavailable { .. } => Some("Set secrets.master_key = \"auto\" or \"file\".".into()),
            Self::NoNextCredential => Some(
                "Make a key with `openssl rand -hex 32`, add it to the unit with \
                 `LoadCredentialEncrypted=aura-master-key-next`, restart, and run this again."
                    .into(),
            ),
            Self::Exposed { path, .. } => Some(format!("Close it with `chmod 600 {}`.", path.display())),
            Self::Malformed { .. } => Some("Make one with `openssl rand -hex 32`.".into()),
            Self::Broken { .. } => Some("Restore control.db from a backup, or set the secret again.".into()),
            Self::Random(_) | Self::Io { .. } => None,
        }
    }
}
