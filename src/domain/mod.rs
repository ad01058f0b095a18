//! Values and rules. No IO, no clock reading, no serde: nothing here can fail except by parsing.

pub mod account;
pub mod audit;
pub mod catalog;
pub mod channel;
pub mod chat;
pub mod clock;
pub mod conversation;
pub mod cost;
pub mod embedding;
pub mod erasure;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod id;
pub mod inbound;
pub mod language;
pub mod model;
pub mod money;
pub mod notify;
pub mod outbox;
pub mod persona;
pub mod policy;
pub mod product;
pub mod proof;
pub mod reach;
pub mod reply;
pub mod search;
pub mod secret;
pub mod spend;
pub mod staff;
pub mod tenant;
pub mod turn;

pub use clock::{Clock, Ids, Timestamp};
pub use failure::chain;
pub use id::{
    CallId, ConversationId, InvalidId, MessageId, NotificationId, OutboxId, RequestId, StaffId, TargetId, TenantId,
    TurnId,
};
pub use language::Language;
pub use money::{Currency, Money};
