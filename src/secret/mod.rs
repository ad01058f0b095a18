//! Sealing secrets: the master key, the keys below it, and values that never print themselves.
//!
//! Knows no file but `master.key`, and nothing of who may ask: `app` decides that, `store` keeps what is sealed here.

mod data_key;
mod envelope;
mod error;
mod found;
mod master;
mod recovery;
mod signer;
mod value;
mod vault;

pub use data_key::{DataKey, TombstoneKey};
pub use error::Error;
pub use found::KeyFound;
pub use master::{MasterKeyPlace, MasterKeyPolicy, Places};
pub use recovery::{CopyFor, CopyKey, OpenedBy};
pub use signer::{NotSigned, Signer};
pub use value::Secret;
pub use vault::{RecoveryCopy, Restored, Vault};
