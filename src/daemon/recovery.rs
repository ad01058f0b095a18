//! Putting the master key back from its recovery copy: what a lone command can do in a data directory that has no key, and
//! so opens for nothing else.

use std::path::Path;

use super::{Error, SystemClock};
pub use crate::{
    app::recovery::MasterKeyRestored,
    secret::{CopyKey, OpenedBy},
};
use crate::{
    app::{self, recovery},
    config::{Config, Environment},
    domain::{Clock, audit::Act},
    store::DataDir,
};

/// What the recovery copy in `copy` asks for.
///
/// # Errors
/// When it is no recovery copy, or a broken one.
pub fn opened_by(copy: &[u8]) -> Result<OpenedBy, Error> {
    Ok(OpenedBy::of(copy).map_err(app::Error::from)?)
}

/// Puts the master key back where it belongs, under the daemon's own lock.
///
/// # Errors
/// When another process holds the data directory; when the copy does not open, or holds another key than the one that
/// everything here is sealed under.
pub async fn restore_master_key(
    config: &Config,
    path: &Path,
    copy: Vec<u8>,
    with: CopyKey,
) -> Result<MasterKeyRestored, Error> {
    let dir = DataDir::open(path)?;
    let act = Act::operator(SystemClock.now());
    let environment = Environment::of_process();
    Ok(recovery::restore_master_key(&dir, config.secrets.master_key, &environment, copy, with, act).await?)
}
