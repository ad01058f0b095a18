//! Secrets: they go in, and only fingerprints come out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// A secret that is stored, as far as anybody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Secret {
    /// Its name, such as `meta.app_secret`.
    pub name: String,
    /// Tells one value from another without telling the value.
    pub fingerprint: String,
    /// When it was last set.
    pub changed_at: Time,
}

/// A value to store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MasterKeyChanged {
    /// Keys that were sealed anew: the installation's and one a tenant.
    pub keys: u64,
    /// Where the new one lives.
    pub place: String,
    /// Whether it stands in the old one's place; otherwise the operator has to put it there.
    pub placed: bool,
    /// Whether a recovery copy was kept that does not hold the new one.
    #[serde(default)]
    pub copy_stale: bool,
}

/// Who shall be able to open a recovery copy: whoever knows the passphrase, or the holders of keys.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecoveryCopy {
    /// The passphrase; not together with recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    /// Public keys of age, `age1…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
}

impl std::fmt::Debug for NewRecoveryCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewRecoveryCopy(***)")
    }
}

/// A copy of the master key, sealed for those who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryCopy {
    /// An age file in text form.
    pub age: String,
    /// Tells the key in it from others.
    pub fingerprint: String,
}

/// A recovery copy that is kept somewhere from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCopyKept {
    /// Of the key in it.
    pub fingerprint: String,
}
