//! What a check of a hash chain goes by and what it finds.

/// A place in a chain: the hash there fixes everything up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The entry's place, from 1; 0: before the first.
    pub seq: i64,
    /// The hash there.
    pub hash: [u8; 32],
}

impl Position {
    /// Where every chain begins.
    pub const START: Self = Self { seq: 0, hash: [0; 32] };
}

/// A place that is known from elsewhere, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The place.
    pub position: Position,
    /// Who knows it, as a noun: `the checkpoint of 2026-11-22T01:00:00Z`.
    pub source: String,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Entries are not there.
    #[error("entries {from} to {to} are missing")]
    Missing {
        /// The first of them.
        from: i64,
        /// The last of them.
        to: i64,
    },
    /// An entry does not have the hash that its content and the entry before it give.
    #[error("entry {seq} or the one before it was changed: its hash does not match")]
    Changed {
        /// Which.
        seq: i64,
    },
    /// An entry's format is none that this Aura knows.
    #[error("entry {seq} has format {version}, which this Aura does not know")]
    UnknownFormat {
        /// Which.
        seq: i64,
        /// What it says.
        version: i64,
    },
    /// An entry cannot be read.
    #[error("entry {seq} cannot be read: {reason}")]
    Unreadable {
        /// Which.
        seq: i64,
        /// Why.
        reason: String,
    },
    /// The chain ends elsewhere than the file's own note of its end.
    #[error("the entries end at {found}, but the file's note of the end says {noted}")]
    End {
        /// Where the entries end.
        found: i64,
        /// What is noted.
        noted: i64,
    },
    /// The note of the end has another hash than the last entry.
    #[error("the file's note of the end has another hash than entry {seq}")]
    EndHash {
        /// The last entry.
        seq: i64,
    },
    /// The tail was cut off.
    #[error("{source_of} knows {known} entries, but they end at {found}: the rest was cut off")]
    CutOff {
        /// Who knows of more.
        source_of: String,
        /// Of how many.
        known: i64,
        /// Where the entries end.
        found: i64,
    },
    /// The history is another one.
    #[error("entry {seq} is not the one that {source_of} knows: what comes up to it was replaced")]
    Replaced {
        /// Who knows another.
        source_of: String,
        /// Which.
        seq: i64,
    },
    /// It belongs to someone else.
    #[error("the file says that it belongs to {owner}")]
    Foreign {
        /// To whom.
        owner: String,
    },
    /// The old end was cut off, and the audit log does not say so.
    #[error("everything up to entry {seq} was removed, and the audit log does not say so")]
    Beginning {
        /// The last entry that is gone.
        seq: i64,
    },
    /// The file itself is gone or cannot be opened.
    #[error("{reason}")]
    File {
        /// Why.
        reason: String,
    },
}

impl Fault {
    /// The entry at which it shows, where it shows at one.
    #[must_use]
    pub const fn seq(&self) -> Option<i64> {
        match self {
            Self::Missing { from, .. } => Some(*from),
            Self::Changed { seq }
            | Self::UnknownFormat { seq, .. }
            | Self::Unreadable { seq, .. }
            | Self::EndHash { seq }
            | Self::Replaced { seq, .. }
            | Self::Beginning { seq } => Some(*seq),
            Self::End { found, .. } | Self::CutOff { found, .. } => Some(*found + 1),
            Self::Foreign { .. } | Self::File { .. } => None,
        }
    }
}

/// What a walk along a chain came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Entries read.
    pub entries: u64,
    /// The last entry that holds; behind a fault nothing can be said.
    pub end: Position,
    /// What is wrong; empty: it holds.
    pub faults: Vec<Fault>,
}
