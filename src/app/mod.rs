//! Use cases, one file each. They join the rooms that do not know each other.

pub mod accounts;
mod caller;
pub mod answer;
mod error;
mod installation;
pub mod secrets;
pub mod tenants;
pub mod find;
pub mod import;

pub use caller::{Caller, TenantCtx};
pub use error::{Error, ErrorKind};
pub use installation::Installation;
