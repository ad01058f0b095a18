//! Identifiers: a UUIDv7 in a type per kind, shown with a prefix (`conv_…`).

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Text that is not an identifier of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id; it looks like `{prefix}_0192f5c8-…`")]
pub struct InvalidId {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What this kind of id starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id.
            pub fn next(ids: &dyn super::Ids) -> Self {
                Self(ids.next())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(|uuid| Uuid::parse_str(uuid).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.to_owned(), kind: $kind, prefix: $prefix })
            }
        }
    )*};
}

ids! {
    /// One shop.
    TenantId, "tenant", "ten";
    /// The thread of one shopper with one account.
    ConversationId, "conversation", "conv";
    /// One message of a conversation, of whichever side.
    MessageId, "message", "msg";
    /// One answer-producing run.
    TurnId, "turn", "turn";
    /// One request to the HTTP edge; what a webhook brings carries its id to the send.
    RequestId, "request", "req";
    /// One message on its way to one shopper.
    OutboxId, "outbox row", "out";
    /// Where a tenant's people are told.
    TargetId, "notify target", "tgt";
    /// A person whom the operator let in.
    StaffId, "person", "staff";
    /// One call of a model.
    CallId, "model call", "call";
    /// One message to one such target.
    NotificationId, "notification", "ntf";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_printing_and_parsing() {
        let id = ConversationId(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<ConversationId>(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = ConversationId(Uuid::from_u128(7)).to_string();
        assert!(id.parse::<MessageId>().is_err());
    }
}
