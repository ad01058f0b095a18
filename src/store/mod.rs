//! The only SQL. Speaks domain types, is async, and one public operation is one transaction.

mod blocking;
mod error;
mod event;
mod sqlite;
mod tenant;

pub use error::Error;
pub use sqlite::versions;
pub use tenant::TenantStore;
