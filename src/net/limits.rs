//! How much one call may take: bytes, time, redirects. Sizes and deadlines that callers choose from, each by its purpose.

use std::time::Duration;

/// How often the decompressed body may be the size of the compressed one. Text rarely passes 20; deflate can do 1,032.
pub const RATIO_MAX: u64 = 100;
/// Decompressed bytes below which the ratio is not looked at: a small file of blanks harms nobody.
pub const RATIO_FROM: u64 = 1 << 20;

/// What one call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body, compressed and decompressed alike.
    pub bytes: usize,
    /// From the first attempt to connect to the last header, at each hop.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// All of it, with redirects and the wait for a place: what ends a slow drip.
    pub total: Duration,
    /// Redirects that are followed.
    pub redirects: u8,
}

impl Limits {
    /// Between two pieces of a body, whatever it is.
    pub const IDLE: Duration = Duration::from_secs(5);
    /// A chain of redirects longer than this leads nowhere good.
    pub const REDIRECTS: u8 = 3;

    /// A picture: 8 MiB within 15 s. Meta's own limit for a message's picture is 8 MB.
    pub const IMAGE: Self = Self {
        bytes: 8 << 20,
        first_byte: Duration::from_secs(8),
        idle: Self::IDLE,
        total: Duration::from_secs(15),
        redirects: Self::REDIRECTS,
    };

    /// A page of a shop: 4 MiB within 15 s.
    pub const PAGE: Self = Self { bytes: 4 << 20, ..Self::IMAGE };

    /// A catalogue: 32 MiB. Shops make their feeds when asked for them, which takes its time, and nobody waits for the
    /// answer: so 30 s to the first byte and 2 min in all.
    pub const FEED: Self =
        Self { bytes: 32 << 20, first_byte: Duration::from_secs(30), total: Duration::from_secs(120), ..Self::IMAGE };
}
