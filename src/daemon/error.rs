//! Why a daemon or a lone command could not start.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{
    app::{self, ErrorKind},
    channel, net, provider, store,
};

/// Why nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory: missing, somebody else's, or held by another process.
    #[error(transparent)]
    DataDir(#[from] store::DataDirError),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A use case on the way.
    #[error(transparent)]
    App(#[from] app::Error),
    /// An address of the Instagram API that cannot be one.
    #[error("`meta.graph_url` is not usable")]
    Graph(#[from] channel::instagram::graph::InvalidGraph),
    /// An address of a provider of models that cannot be one.
    #[error("the address of a provider is not usable")]
    Provider(#[from] provider::InvalidEndpoint),
    /// The clients that reach people.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// The metrics registry.
    #[error("metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
    /// An address to listen on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Which setting it comes from.
        setting: &'static str,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// The configuration names a group that this machine does not have.
    #[error("there is no group `{group}` on this machine (`staff_group`)")]
    UnknownGroup {
        /// Its name.
        group: String,
    },
    /// The control socket.
    #[error("cannot serve the control socket {}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// The disk failed while running.
    #[error("the disk failed while the journal was written; Aura has stopped so that nothing is promised falsely")]
    DiskFailed,
    /// A task of the daemon has ended while it was needed: a panic, or a bug.
    #[error(
        "a part of the daemon has ended by itself: {task}; Aura has stopped, and nothing that was accepted is lost"
    )]
    TaskEnded {
        /// Which.
        task: &'static str,
    },
}

impl Error {
    /// What the operator can do next, when we know it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DataDir(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::Listen { setting, .. } => {
                Some(format!("Give another address with `{setting}`, or stop whatever has this one."))
            }
            Self::Graph(_) => Some("It is a URL such as https://graph.instagram.com.".into()),
            Self::Provider(_) => Some("See `providers.…base_url` in the configuration.".into()),
            Self::DiskFailed => Some("Check the disk, then start Aura again.".into()),
            Self::TaskEnded { .. } => Some(
                "Start Aura again; its log has the place of the panic (\"panicked\"): please report it with that line."
                    .into(),
            ),
            Self::UnknownGroup { .. } => Some("Make it with `groupadd`, or give its number.".into()),
            Self::Net(_) | Self::Metrics(_) | Self::Socket { .. } => None,
        }
    }

    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DataDir(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::App(error) => error.code(),
            Self::Graph(_) | Self::Provider(_) => "config_invalid",
            Self::Net(_) | Self::Metrics(_) => "failed",
            Self::Listen { .. } => "address_in_use",
            Self::Socket { .. } => "socket_failed",
            Self::UnknownGroup { .. } => "group_unknown",
            Self::DiskFailed => "disk_failed",
            Self::TaskEnded { .. } => "task_ended",
        }
    }

    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::DataDir(error) => data_dir_kind(error),
            Self::Store(store::Error::DataDir(error)) => data_dir_kind(error),
            Self::App(error) => error.kind(),
            Self::Graph(_) | Self::Provider(_) | Self::UnknownGroup { .. } => ErrorKind::Usage,
            Self::Listen { .. } => ErrorKind::Conflict,
            Self::Store(_)
            | Self::Net(_)
            | Self::Metrics(_)
            | Self::Socket { .. }
            | Self::DiskFailed
            | Self::TaskEnded { .. } => ErrorKind::Failed,
        }
    }
}

const fn data_dir_kind(error: &store::DataDirError) -> ErrorKind {
    match error {
        store::DataDirError::Locked { .. } => ErrorKind::Conflict,
        store::DataDirError::Foreign { .. } => ErrorKind::Credentials,
        store::DataDirError::Missing { .. } => ErrorKind::NotFound,
        _ => ErrorKind::Failed,
    }
}
