//! What can go wrong with keys and sealed values.

use std::{io, path::PathBuf};

use crate::domain::secret::{Fingerprint, WeakPassphrase};

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
    /// A passphrase that could be guessed.
    #[error(transparent)]
    WeakPassphrase(#[from] WeakPassphrase),
    /// Nobody to make a recovery copy for.
    #[error("number {number} of the recipients is no public key of age, such as age1…")]
    NotRecipient {
        /// Which, from 1. It may be a secret key by mistake, so it is not repeated.
        number: usize,
    },
    /// What should open a recovery copy is no secret key.
    #[error("line {line} of the identity file holds no secret key of age, such as AGE-SECRET-KEY-1…")]
    NotIdentity {
        /// Which, from 1.
        line: usize,
    },
    /// A recovery copy that is none, or no whole one.
    #[error("the recovery copy cannot be read: {reason}")]
    CopyUnreadable {
        /// Why not.
        reason: &'static str,
    },
    /// A recovery copy is opened by something else than was given.
    #[error("the recovery copy is opened by {what}")]
    CopyNeeds {
        /// By what.
        what: &'static str,
    },
    /// A recovery copy was made for others.
    #[error("{what} the recovery copy")]
    CopyRefused {
        /// What was tried: `the passphrase does not open`.
        what: &'static str,
    },
    /// A recovery copy of another master key.
    #[error("the recovery copy holds another master key ({fingerprint}) than this data directory is sealed under")]
    OtherKey {
        /// Tells that key from others.
        fingerprint: Fingerprint,
    },
    /// Where the master key should go something else stands.
    #[error("{place} holds something else, and Aura overwrites no key")]
    Occupied {
        /// Which place.
        place: String,
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
            Self::WeakPassphrase(_) => "weak_passphrase",
            Self::NotRecipient { .. } => "not_recipient",
            Self::NotIdentity { .. } => "not_identity",
            Self::CopyUnreadable { .. } => "recovery_copy_unreadable",
            Self::CopyNeeds { .. } => "recovery_copy_needs",
            Self::CopyRefused { .. } => "recovery_copy_refused",
            Self::OtherKey { .. } => "other_master_key",
            Self::Occupied { .. } => "master_key_occupied",
            Self::Random(_) => "no_random",
            Self::Io { .. } => "file_failed",
        }
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMasterKey { .. } => Some(
                "Bring the key back to where it was (systemd credential, keyring or master.key), or put it back from a \
                 recovery copy with `aura secret restore-master FILE`; without it the secrets cannot be read and have \
                 to be set again in a new data directory."
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
            Self::WeakPassphrase(_) => Some(WeakPassphrase::HINT.into()),
            Self::NotRecipient { .. } => {
                Some("`age-keygen -o FILE` makes a pair and prints the public key; the secret one stays in FILE.".into())
            }
            Self::NotIdentity { .. } => Some(
                "It is the file that `age-keygen` wrote. One with a passphrase is opened first: \
                 `age -d KEY.age | aura secret restore-master FILE --identity -`."
                    .into(),
            ),
            Self::CopyUnreadable { .. } => Some("Try another copy of the file; `age -d FILE` has to open it too.".into()),
            Self::CopyNeeds { .. } => {
                Some("Give `--identity FILE` for a copy made for recipients; else the passphrase is asked for.".into())
            }
            Self::CopyRefused { .. } => {
                Some("Try another passphrase or identity file; nothing was changed, and tries are not counted.".into())
            }
            Self::OtherKey { .. } => Some(
                "It is of another installation, or from before or after a change of the master key. Use the copy that \
                 belongs to this data, or the backup that belongs to the copy."
                    .into(),
            ),
            Self::Occupied { .. } => Some("Look whose key it is and move it away, then run this again.".into()),
            Self::Random(_) | Self::Io { .. } => None,
        }
    }
}
