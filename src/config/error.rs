//! What can be wrong with a configuration. Every message says where.

use std::{io, path::PathBuf};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key that does not exist.
    #[error("{at}: there is no key `{key}`")]
    UnknownKey {
        /// The key.
        key: String,
        /// File and line, or flag.
        at: String,
        /// The known key most like it.
        nearest: Option<String>,
    },
    /// An environment variable that looks like ours and is no key.
    #[error("the environment variable {variable} is no key of the configuration")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The known variable most like it.
        nearest: Option<String>,
    },
    /// A value that does not fit its key.
    #[error("{at}: `{key}`: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// File and line, variable, or flag.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is no TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A file that cannot be read.
    #[error("could not read {}{}", path.display(), named_by.as_ref().map(|name| format!(", named by {name}")).unwrap_or_default())]
    Read {
        /// The file.
        path: PathBuf,
        /// Who named it, if somebody did.
        named_by: Option<String>,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// `…_FILE` for a key that is no secret.
    #[error("{variable}: `{key}` is no secret, so it is not read from a file")]
    NotSecret {
        /// The key.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A secret given both as text and as a file.
    #[error("`{key}` is set by both {first} and {second}")]
    Twice {
        /// The key.
        key: String,
        /// One variable.
        first: String,
        /// The other.
        second: String,
    },
    /// Nothing says where the data directory could be.
    #[error("there is no place for the data directory: neither STATE_DIRECTORY, XDG_DATA_HOME nor HOME is set")]
    NoDataDir,
}

impl Error {
    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } | Self::UnknownVariable { .. } => "config_unknown_key",
            Self::Invalid { .. } | Self::NotSecret { .. } | Self::Twice { .. } => "config_invalid",
            Self::Syntax { .. } => "config_syntax",
            Self::Read { .. } => "config_unreadable",
            Self::NoDataDir => "no_data_dir",
        }
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { nearest, .. } | Self::UnknownVariable { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("Did you mean `{nearest}`?"),
                None => "`aura config show` lists every key.".into(),
            }),
            Self::NotSecret { variable, .. } => {
                Some(format!("Set {} to the value itself.", variable.trim_end_matches("_FILE")))
            }
            Self::Twice { .. } => Some("Remove one of them.".into()),
            Self::NoDataDir => Some("Name one with --data-dir or AURA_DATA_DIR.".into()),
            Self::Invalid { .. } | Self::Syntax { .. } | Self::Read { .. } => None,
        }
    }
}
