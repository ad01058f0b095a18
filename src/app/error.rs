//! What can go wrong in a use case, in terms the edge can map: one kind per exit code and status.

use crate::{
    archive,
    domain::{Timestamp, policy::Refusal},
    secret,
    store::{self, DataDirError},
};

/// What an error means to whoever asked. `api` maps each to a status and an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something failed that the caller could not have known.
    Failed,
    /// The request makes no sense.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Somebody's credentials were refused.
    Credentials,
    /// A rule forbids it.
    Policy,
    /// It exists already, or something else holds it.
    Conflict,
    /// May work later, unchanged.
    Temporary,
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key or a secret cannot be had.
    #[error(transparent)]
    Secret(#[from] secret::Error),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A backup cannot be relied on.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// There is no such thing.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What to try instead.
        hint: Option<String>,
    },
    /// The input is wrong.
    #[error("{message}")]
    Invalid {
        /// Which part, and why.
        message: String,
        /// The fix.
        hint: Option<String>,
    },
    /// A rule of the channel forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It exists already, or something else holds it.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
        /// The fix.
        hint: Option<String>,
    },
    /// Another person has the conversation, and two would answer one shopper.
    #[error("{who} has this conversation")]
    Held {
        /// What people call the person.
        who: String,
        /// Since when.
        since: Timestamp,
    },
    /// The other side refused our credentials.
    #[error("{message}")]
    Credentials {
        /// Who refused what.
        message: String,
        /// The fix.
        hint: Option<String>,
    },
    /// The other side could not be reached or made no sense; may work later.
    #[error("{message}")]
    Temporary {
        /// What did not answer.
        message: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// It was there, and is no more.
    #[error("{message}")]
    Gone {
        /// What is gone.
        message: String,
        /// What to do instead.
        hint: String,
        /// How that was found out.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What somebody else made is not what it should be, or may do harm.
    #[error("{message}")]
    Unfit {
        /// What is not done.
        message: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else, with its cause.
    #[error("{message}")]
    Failed {
        /// What failed.
        message: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Error {
    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Secret(error) => error.code(),
            Self::DataDir(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Refused(Refusal::NeverWrote) => "shopper_never_wrote",
            Self::Refused(Refusal::WindowClosed | Refusal::PersonWindowClosed) => "window_closed",
            Self::Conflict { .. } => "conflict",
            Self::Held { .. } => "held_by_another",
            Self::Credentials { .. } => "credentials_refused",
            Self::Temporary { .. } => "temporary",
            Self::Gone { .. } => "gone",
            Self::Unfit { .. } => "unfit",
            Self::Failed { .. } => "failed",
        }
    }

    /// A piece of work that has panicked; the log has the place.
    pub(super) fn panicked() -> Self {
        Self::Failed { message: "the work on it has panicked".into(), source: None }
    }

    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(store::Error::NotFound { .. })
            | Self::DataDir(DataDirError::Missing { .. })
            | Self::NotFound { .. }
            | Self::Gone { .. } => ErrorKind::NotFound,
            Self::Store(store::Error::Conflict(_) | store::Error::Held(_))
            | Self::Held { .. }
            | Self::DataDir(DataDirError::Locked { .. })
            | Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Store(store::Error::Full { .. } | store::Error::Busy { .. } | store::Error::Stopped)
            | Self::Temporary { .. } => ErrorKind::Temporary,
            Self::Secret(error) => of_secret(error),
            Self::Store(_)
            | Self::DataDir(DataDirError::Io { .. })
            | Self::Archive(archive::Error::Unpack { .. })
            | Self::Failed { .. } => ErrorKind::Failed,
            Self::Archive(archive::Error::Broken { .. } | archive::Error::Newer { .. }) => ErrorKind::Usage,
            Self::DataDir(DataDirError::NotDirectory { .. }) | Self::Invalid { .. } => ErrorKind::Usage,
            Self::Unfit { .. } => ErrorKind::Policy,
            Self::DataDir(DataDirError::Foreign { .. } | DataDirError::Exposed { .. }) | Self::Refused(_) => {
                ErrorKind::Policy
            }
            Self::Credentials { .. } => ErrorKind::Credentials,
        }
    }

    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Secret(error) => error.hint(),
            Self::DataDir(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::NotFound { hint, .. }
            | Self::Invalid { hint, .. }
            | Self::Conflict { hint, .. }
            | Self::Credentials { hint, .. } => hint.clone(),
            Self::Refused(Refusal::PersonWindowClosed | Refusal::WindowClosed) => {
                Some("It opens again when the shopper writes.".into())
            }
            Self::Held { who, .. } => Some(format!("Ask {who}, or go on all the same with `--anyway`.")),
            Self::Gone { hint, .. } => Some(hint.clone()),
            Self::Refused(Refusal::NeverWrote) | Self::Temporary { .. } | Self::Unfit { .. } | Self::Failed { .. } => {
                None
            }
        }
    }
}

/// What an error of the secrets' room means to whoever asked.
const fn of_secret(error: &secret::Error) -> ErrorKind {
    use secret::Error::{
        Broken, CopyNeeds, CopyRefused, CopyUnreadable, Exposed, Io, Malformed, NoMasterKey, NoNextCredential,
        NotIdentity, NotRecipient, Occupied, OtherKey, Random, Unavailable, WeakPassphrase,
    };
    match error {
        WeakPassphrase(_) | NotRecipient { .. } | NotIdentity { .. } | CopyUnreadable { .. } | CopyNeeds { .. } => {
            ErrorKind::Usage
        }
        CopyRefused { .. } => ErrorKind::Credentials,
        OtherKey { .. } | Occupied { .. } => ErrorKind::Conflict,
        NoMasterKey { .. }
        | Unavailable { .. }
        | NoNextCredential
        | Exposed { .. }
        | Malformed { .. }
        | Broken { .. }
        | Random(_)
        | Io { .. } => ErrorKind::Failed,
    }
}
