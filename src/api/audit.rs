//! Checking that nothing was changed or lost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// One line of a check: how far a long chain has been read, or what was found of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditLine {
    /// `installation`, or a tenant's slug.
    pub chain: String,
    /// Entries read.
    pub entries: u64,
    /// What was found; `None` while it is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ChainResult>,
}

/// What was found of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainResult {
    /// Whether everything holds.
    pub ok: bool,
    /// Its file, from the data directory.
    pub file: String,
    /// The last entry that holds.
    pub seq: i64,
    /// The hash there, hexadecimal.
    pub hash: String,
    /// How many checkpoints it was compared with.
    pub checkpoints: u64,
    /// What is wrong.
    pub faults: Vec<AuditFault>,
    /// Where a tenant's accepted messages are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Messages>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditFault {
    /// The entry at which it shows, where it shows at one.
    pub seq: Option<i64>,
    /// In a sentence.
    pub what: String,
}

/// Where accepted messages are: `accepted` is the sum of the others, and `lost` is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// Messages that deserve an answer.
    pub accepted: u64,
    /// Answered.
    pub answered: u64,
    /// Handed over to a person.
    pub handed_over: u64,
    /// Kept silent about, for a reason.
    pub suppressed: u64,
    /// The assistant's next turn covers them.
    pub pending: u64,
    /// They wait for the person who has the conversation.
    pub with_person: u64,
    /// Nobody would ever answer them.
    pub lost: u64,
}

/// A whole check, as the command prints it for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditReport {
    /// Whether everything holds.
    pub ok: bool,
    /// Every chain.
    pub chains: Vec<AuditLine>,
}

/// A signed list of where every chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// The signed text: what is to be kept elsewhere.
    pub text: String,
    /// With this key anyone can check the signature (C2SP signed note).
    pub public_key: String,
    /// When it was taken.
    pub at: Time,
    /// Entries of the audit log that it covers.
    pub entries: i64,
    /// Tenants whose event logs it covers.
    pub tenants: u64,
}

/// The most bytes of a checkpoint that is given to compare with: about 100 for each tenant.
pub const CHECKPOINT_BYTES_MAX: usize = 16 * 1024 * 1024;
