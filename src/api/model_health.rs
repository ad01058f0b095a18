//! How models fare: breakers, failures, latencies, spend, and who uses which.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelChoice, Time};

/// How models fare, as this process has seen it. Nobody was asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelHealth {
    /// When it was looked at.
    pub at: Time,
    /// Calls, failures and latencies are of so many seconds up to then.
    pub window_s: u64,
    /// Providers' models that were called, are left alone, were paid today, or are chosen by somebody; by name.
    pub models: Vec<ModelFigures>,
    /// Which models every tenant is answered by, by slug.
    pub tenants: Vec<TenantModels>,
    /// Tenants whose files cannot be read: what they spent is in no figure.
    pub unread_tenants: Vec<String>,
}

/// How one model fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFigures {
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// `closed`: calls are made; `open`: with some key none is made for a while, after failures; `probing`: the next one shows
    /// whether that may end.
    pub breaker: String,
    /// Until when it is open at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Time>,
    /// With how many keys it is not closed: every tenant's key has a breaker of its own.
    pub keys_left_alone: u64,
    /// Calls that were made.
    pub calls: u64,
    /// Of these, those without an answer that could be used, by kind, such as `rate_limit` or `timeout_first_token`.
    pub failures: BTreeMap<String, u64>,
    /// From a call's start to the first piece of its answer, of the newest answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<Percentiles>,
    /// From a call's start to its end, of the newest answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<Percentiles>,
    /// What all tenants paid for it today (UTC), under the name that the provider served it by.
    pub spent_today_usd: String,
}

/// Half were no more than the one, 19 of 20 no more than the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// The 95th percentile.
    pub p95: u64,
}

/// The models of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantModels {
    /// The tenant's slug.
    pub tenant: String,
    /// Role by role, in the order in which they are asked; what the tenant may not use is left out.
    pub roles: Vec<ModelChoice>,
}
