//! The only SQL. Speaks domain types, is async, and one public operation is one transaction.

mod blocking;
mod chain;
mod checkpoint;
mod conserve;
mod control;
mod conversation;
mod copy;
mod counts;
mod datadir;
mod disk;
mod draft;
mod echo;
mod erase;
mod error;
mod event;
mod examine;
mod file;
mod group;
mod growth;
mod health;
mod inbound;
mod inbox;
mod journal;
#[cfg(test)]
mod life_tests;
mod memory;
mod notice;
mod notify;
mod open;
mod outbox;
mod outcome;
mod people;
mod persona;
mod product;
mod record;
mod rehearsal;
mod remembered;
mod row;
mod sight;
mod silence;
mod sizes;
mod spend;
mod sqlite;
mod staged;
mod swap;
mod tenant;
mod thread;
mod told;
mod trouble;
mod turn;
mod walk;

pub use conserve::{Conservation, OpenWork};
pub use control::restored::CAUSE as PAUSED_BY_RESTORE;
pub use control::{Control, KeyHash, NewSecret, RemovedTenant, ResealedKey, StaffRow};
pub use counts::{AccountTraffic, TenantCounts, TurnCounts};
pub use datadir::{DataDir, DataDirError};
pub use disk::Room;
pub use echo::{CLOCK_SLACK_MS, same_text};
pub use erase::Erased;
pub use error::Error;
pub use event::EventPage;
pub use growth::Follower;
pub use health::DiskState;
pub use inbound::{Arrival, InboundReport, InboundRules};
pub use inbox::{Assigned, ConversationFilter, Listing};
pub use journal::{AppendError, Delivery, Journal, JournalFigures, Observed, Settled, Shed};
pub use notify::ClaimedNotification;
pub use open::Store;
pub use outbox::{NextStep, OutboxRow};
pub use outcome::Look;
pub use product::CatalogueView;
pub use record::{ModelCall, RecordedTurn, TurnRecord};
pub use rehearsal::{is_tried_out, rehearse};
pub use remembered::Remembered;
pub use sizes::Sizes;
pub use sqlite::versions;
pub use staged::{HeldRows, Staged};
pub use swap::{BEFORE_PREFIX, CHECKED_PREFIX};
pub use tenant::TenantStore;

/// The schema versions that this Aura writes: of `control.db`, `journal.db` and `tenant.db`.
#[must_use]
pub const fn schema_versions() -> (i64, i64, i64) {
    (control::SCHEMA.version(), journal::SCHEMA.version(), tenant::SCHEMA.version())
}
pub use thread::{Page, Said, Thread};
pub use trouble::Trouble;
pub use turn::{BegunTurn, Committed, Covered, DueRules, EffectRecord, TurnCommit, TurnSummary};
pub use walk::Progress;
