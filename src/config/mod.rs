//! Configuration: what can be set, where it came from, and where the data directory is.
//!
//! Default, then file, then environment, then flag. An unknown key is an error that names the nearest known one. A key
//! whose capability this version does not have is refused too: a setting that does nothing would be a lie.

mod environment;
mod error;
mod file;
mod keys;
mod load;
mod models;
mod places;
mod settings;

/// Part of [`Secrets`], for whoever writes a configuration in code.
pub use crate::secret::MasterKeyPolicy;
pub use environment::Environment;
pub use error::Error;
pub use load::{Entry, Flag, Inputs, Loaded, Origin, load};
pub use models::{Models, Providers};
pub use places::{DataDirPlaces, places};
pub use settings::{
    Config, Conversation, Delivery, Drain, Log, LogFormat, LogLevel, Meta, MetricsListen, Notify, Queue, RateLimit,
    Retention, Secrets, Smtp, SmtpTls,
};
