//! Use cases, one file each. They join the rooms that do not know each other.

mod error;

pub use error::{Error, ErrorKind};
