//! Secrets: they go in, and only fingerprints come out.

use serde::{Deserialize, Serialize};

use super::Time;

/// A secret that is stored, as far as anybody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name, such as `meta.app_secret`.
    pub name: String,
    /// Tells one value from another without telling the value.
    pub fingerprint: String,
    /// When it was last set.
    pub changed_at: Time,
}

/// A value to store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret(***)")
    }
}

/// A change of the master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKeyChanged {
    /// Keys that were sealed anew: the installation's and one a tenant.
    pub keys: u64,
    /// Where the new one lives.
    pub place: String,
    /// Whether it stands in the old one's place; otherwise the operator has to put it there.
    pub placed: bool,
}
