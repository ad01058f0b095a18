//! Configuration: what can be set, where it came from, and where the data directory is.
//!
//! Default, then file, then environment, then flag. An unknown key is an error that names the nearest known one.

mod environment;
mod error;
mod file;
mod keys;
mod load;
mod models;
mod places;
mod providers;
mod settings;

/// Part of [`Secrets`], for whoever writes a configuration in code.
pub use crate::secret::MasterKeyPolicy;
pub use environment::{COMMAND_LINE, Environment};
pub use error::Error;
pub use file::user_file;
pub use load::{Entry, Flag, Inputs, Loaded, Origin, load};
pub use models::Models;
pub use places::{DataDirPlaces, places, staff_socket};
pub use providers::{Gemini, Ollama, OpenAi, Providers, Server, ServerKind};
pub use settings::{
    Backup, Config, Conversation, Delivery, Drain, Log, LogFormat, LogLevel, Meta, MetricsListen, Notify, Queue,
    RateLimit, Retention, Secrets, Smtp, SmtpTls, Tui, TuiTheme,
};

/// A key, and what is wrong with its value.
type Wrong = (std::borrow::Cow<'static, str>, String);
