//! Time and identity come in from outside, so that tests own them.

use uuid::Uuid;

/// A moment: UTC milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `ms` milliseconds later; saturates instead of wrapping.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where the time of day comes from. Only `daemon` makes the real one.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The current moment.
    fn now(&self) -> Timestamp;
}

/// Where new identifiers come from. Only `daemon` makes the real one (UUIDv7).
pub trait Ids: Send + Sync + std::fmt::Debug + 'static {
    /// A fresh, never repeated identifier, sortable by creation.
    fn next(&self) -> Uuid;
}
