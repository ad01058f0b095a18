//! Why a guarded call brought nothing. Names hosts, never paths: an address may be as good as a password.

use std::time::Duration;

use super::{Content, Refusal, limits::RATIO_MAX};

/// What a guarded call died of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An HTTP client could not be built.
    #[error("could not set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The address, or one that it redirects to, breaks a rule.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("`{host}` has no address")]
    NoAddress {
        /// The host.
        host: String,
        /// What the system's resolver says.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// No connection: nothing was sent.
    #[error("`{host}` could not be reached")]
    Unreachable {
        /// The host.
        host: String,
        /// How the attempt ended.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke off, or what came is no HTTP.
    #[error("`{host}` broke off")]
    Broken {
        /// The host.
        host: String,
        /// How.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Too slow.
    #[error("`{host}` was too slow: {wait}")]
    Late {
        /// The host.
        host: String,
        /// What was waited for.
        wait: Wait,
    },
    /// It answers, but not with what was asked for.
    #[error("`{host}` answers {status}")]
    Status {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It sends on and on.
    #[error("`{host}` redirects more than {redirects_max} times")]
    Redirects {
        /// The last host.
        host: String,
        /// As many are followed.
        redirects_max: u8,
    },
    /// It redirects without saying where to, or to something that cannot be read.
    #[error("`{host}` redirects to nowhere")]
    Nowhere {
        /// The host.
        host: String,
    },
    /// More bytes than are taken.
    #[error("what `{host}` sends is larger than {} KiB", bytes_max / 1024)]
    TooLarge {
        /// The host.
        host: String,
        /// As many are taken, decompressed.
        bytes_max: usize,
    },
    /// So little holds so much that it was made to harm.
    #[error("what `{host}` sends unpacks to more than {RATIO_MAX} times its size")]
    Bomb {
        /// The host.
        host: String,
    },
    /// A compression that nobody asked for.
    #[error("`{host}` packs what it sends in a way that was not asked for")]
    Encoding {
        /// The host.
        host: String,
    },
    /// Something else than was asked for.
    #[error("what `{host}` sends is {}", found.as_str())]
    Unexpected {
        /// The host.
        host: String,
        /// What it is, by its first bytes.
        found: Content,
    },
    /// The tenant has fetched too much lately.
    #[error("the shop has fetched too much in the last minute")]
    Quota {
        /// When the next fetch may be made.
        retry_after: Duration,
    },
    /// A header that no request can have.
    #[error("a header of the request cannot be sent")]
    Header,
}

/// What was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wait {
    /// A connection: DNS, TCP and TLS.
    #[error("no connection in time")]
    Connect,
    /// The answer's first byte, up to its last header.
    #[error("no answer in time")]
    FirstByte,
    /// The next piece of the body.
    #[error("it stopped in the middle")]
    Idle,
    /// All of it.
    #[error("not done in time")]
    Total,
}

impl Error {
    /// Stable, for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Refused(refusal) => refusal.rule.code(),
            Self::NoAddress { .. } => "no_address",
            Self::Unreachable { .. } => "unreachable",
            Self::Broken { .. } => "broken_off",
            Self::Late { .. } => "too_slow",
            Self::Status { .. } => "status",
            Self::Redirects { .. } => "too_many_redirects",
            Self::Nowhere { .. } => "redirect_to_nowhere",
            Self::TooLarge { .. } => "too_large",
            Self::Bomb { .. } => "bomb",
            Self::Encoding { .. } => "encoding",
            Self::Unexpected { .. } => "unexpected_content",
            Self::Quota { .. } => "quota",
            Self::Header => "header",
        }
    }

    /// What would help, where something would.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Refused(refusal) => refusal.rule.hint(),
            Self::NoAddress { .. } => "Check the name for a slip of the pen.",
            Self::Status { status: 401 | 403, .. } => {
                "The server wants a login or refuses machines; have it let Aura in."
            }
            Self::Status { status: 404 | 410, .. } => "There is nothing at this address (any more).",
            Self::Redirects { .. } | Self::Nowhere { .. } => "Give the address that it redirects to in the end.",
            Self::TooLarge { .. } => "Offer a smaller file.",
            Self::Bomb { .. } | Self::Encoding { .. } => "Have the server send it as it is, or packed with gzip.",
            Self::Unexpected { found: Content::Html, .. } => {
                "It is a page, perhaps one that asks for a login. Give the address of the file itself."
            }
            Self::Client(_)
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Late { .. }
            | Self::Status { .. }
            | Self::Unexpected { .. }
            | Self::Quota { .. }
            | Self::Header => return None,
        })
    }

    /// Whether the same call may fare better later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::NoAddress { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Late { .. }
            | Self::Quota { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Client(_)
            | Self::Refused(_)
            | Self::Redirects { .. }
            | Self::Nowhere { .. }
            | Self::TooLarge { .. }
            | Self::Bomb { .. }
            | Self::Encoding { .. }
            | Self::Unexpected { .. }
            | Self::Header => false,
        }
    }
}
