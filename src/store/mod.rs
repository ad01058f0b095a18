//! The only SQL. Speaks domain types, is async, and one public operation is one transaction.

mod blocking;
mod chain;
mod control;
mod conversation;
mod counts;
mod datadir;
mod error;
mod event;
mod file;
mod inbound;
mod journal;
#[cfg(test)]
mod life_tests;
mod open;
mod outbox;
mod persona;
mod row;
mod product;
mod sqlite;
mod tenant;
mod turn;

pub use control::{Control, NewSecret, RemovedTenant};
pub use conversation::ConversationFilter;
pub use counts::{AccountTraffic, TenantCounts};
pub use datadir::{DataDir, DataDirError};
pub use error::Error;
pub use inbound::{Arrival, InboundReport, InboundRules};
pub use journal::{AppendError, Delivery, Journal, JournalFigures, Settled};
pub use open::Store;
pub use outbox::{CLOCK_SLACK_MS, Look, OutboxRow, same_text};
pub use sqlite::versions;
pub use tenant::TenantStore;
pub use turn::{BegunTurn, Committed, DueRules, EffectRecord, TurnCommit, TurnSummary};
