//! People whom the operator lets in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// The header in which a person shows a key.
pub const STAFF_KEY: &str = "aura-key";

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Staff {
    /// What logs know the person by.
    pub id: String,
    /// What people call the person.
    pub name: String,
    /// `viewer`, `agent` or `admin`.
    pub role: String,
    /// The slugs of the tenants that the person works for; empty: all.
    pub tenants: Vec<String>,
    /// The user of this machine that the person is.
    pub uid: Option<u32>,
    /// Whether a key opens the door too.
    pub has_key: bool,
    /// Since when.
    pub created_at: Time,
    /// The key, in the one answer that follows its making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A person to let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaff {
    /// What people call the person.
    pub name: String,
    /// `viewer`, `agent` (when left out) or `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Slugs of the tenants; none: all.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// The user of this machine that the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Whether to make a key.
    #[serde(default)]
    pub key: bool,
}

/// What is to change of a person; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffEdit {
    /// `viewer`, `agent` or `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Slugs of the tenants; an empty list: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// The user of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Whether to make a new key in the old one's place.
    #[serde(default)]
    pub key: bool,
}
