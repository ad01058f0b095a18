//! Erasing a person's data, and what is left so that it stays erased.

use std::{fmt, sync::Arc};

use super::conversation::ConversationKey;

/// Stands for whoever was erased: recognises the same person on the same account again, and says nothing of who that is
/// to anybody without the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tombstone(pub [u8; 32]);

impl fmt::Debug for Tombstone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tombstone(…)")
    }
}

/// Makes tombstones of one tenant: the same one for the same person.
#[derive(Clone)]
pub struct Tombstones(Arc<dyn Fn(&ConversationKey) -> Tombstone + Send + Sync>);

impl Tombstones {
    /// Those that `make` makes.
    pub fn new(make: impl Fn(&ConversationKey) -> Tombstone + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The tombstone of whoever writes in a conversation.
    #[must_use]
    pub fn of(&self, key: &ConversationKey) -> Tombstone {
        (self.0)(key)
    }
}

impl fmt::Debug for Tombstones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tombstones")
    }
}
