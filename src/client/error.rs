//! Why a request did not succeed, as the person at the terminal needs it.

use std::path::PathBuf;

use crate::api::{Problem, exit};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Aura refused it.
    #[error("{}", problem.message)]
    Refused {
        /// With which status.
        status: u16,
        /// In which words.
        problem: Problem,
    },
    /// It was only tried out, and nothing was changed.
    #[error("it was only tried out")]
    Rehearsed {
        /// Whether something would have been.
        changes: bool,
    },
    /// Nobody listens on the socket.
    #[error("no daemon answers on {}", socket.display())]
    Unreachable {
        /// Where it should be.
        socket: PathBuf,
        /// The system's own words.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke while a request was under way: it may have been done or not.
    #[error("the connection to the daemon broke off")]
    Broken(#[source] Cause),
    /// The answer makes no sense to this client.
    #[error("the daemon's answer makes no sense to this command")]
    Unreadable(#[source] Cause),
    /// The request could not be put into words.
    #[error("the request could not be made")]
    Unwritable(#[source] Cause),
}

impl Error {
    pub(super) fn unreadable(error: impl Into<Cause>) -> Self {
        Self::Unreadable(error.into())
    }

    pub(super) fn unwritable(error: impl Into<Cause>) -> Self {
        Self::Unwritable(error.into())
    }

    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { problem, .. } => &problem.code,
            Self::Rehearsed { .. } => "rehearsed",
            Self::Unreachable { .. } => "daemon_unreachable",
            Self::Broken(_) => "connection_broken",
            Self::Unreadable(_) => "answer_unreadable",
            Self::Unwritable(_) => "request_failed",
        }
    }

    /// What to do next, when that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { problem, .. } => problem.hint.clone(),
            Self::Unreachable { .. } => Some("Start it with `aura serve`.".into()),
            Self::Broken(_) => Some("See whether the daemon runs: `aura status`.".into()),
            Self::Unreadable(_) => {
                Some("The daemon may be of another version: compare `aura version` and `aura status`.".into())
            }
            Self::Unwritable(_) | Self::Rehearsed { .. } => None,
        }
    }

    /// The exit code of a command that fails with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { status, .. } => Problem::exit_code(*status),
            Self::Rehearsed { .. } => exit::DONE,
            Self::Unreachable { .. } => exit::UNREACHABLE,
            Self::Broken(_) | Self::Unreadable(_) | Self::Unwritable(_) => exit::FAILED,
        }
    }

    /// Why, from the nearest cause to the root.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        match self {
            Self::Refused { problem, .. } => problem.causes.clone(),
            other => std::iter::successors(std::error::Error::source(other), |cause| cause.source())
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// Finds the request in the daemon's log.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.request_id.as_deref(),
            _ => None,
        }
    }
}
