//! Gemini's failures, with a status or in the middle of a stream.

use std::time::Duration;

use serde::Deserialize;

use crate::provider::{
    ErrorClass, ProviderError, Words,
    wire::{Count, Hints, Refused, class_of, code, or_default, protobuf_duration},
};

/// Quotas of a day begin anew at midnight there.
const QUOTA_ZONE: &str = "America/Los_Angeles";

/// How long a quota of a day keeps us away when the answer does not say what time it is.
const DAY_QUOTA_PAUSE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Deserialize)]
struct Envelope {
    error: ErrorBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: Count,
    #[serde(deserialize_with = "or_default")]
    message: String,
    status: Option<String>,
    #[serde(deserialize_with = "or_default")]
    details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    #[serde(deserialize_with = "or_default")]
    violations: Vec<Violation>,
    retry_delay: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Violation {
    quota_id: Option<String>,
}

/// An answer that is no success. The object may come wrapped in a list of one.
pub(super) fn of_answer(provider: &str, refused: &Refused) -> ProviderError {
    let base = refused.error(provider);
    // The list first: an object's fields may be read from a list too, as their values in order.
    let list = serde_json::from_slice::<Vec<Envelope>>(&refused.body).ok();
    let single = || serde_json::from_slice::<Envelope>(&refused.body).ok();
    match list.and_then(|list| list.into_iter().next()).or_else(single) {
        Some(envelope) => refine(base, &envelope.error, &refused.hints),
        None => base,
    }
}

/// The object inside `error`, in an answer that began as a success.
pub(super) fn of_body(provider: &str, http: Option<u16>, error: &str) -> ProviderError {
    let body: ErrorBody = serde_json::from_str(error).unwrap_or_default();
    let status = body.code.0.and_then(|status| u16::try_from(status).ok());
    let class = status.map_or(ErrorClass::Overloaded, class_of);
    let base = ProviderError { http: http.or(status), ..ProviderError::new(provider, class) };
    refine(base, &body, &Hints::default())
}

fn refine(mut error: ProviderError, body: &ErrorBody, hints: &Hints) -> ProviderError {
    let said = body.message.to_ascii_lowercase();
    let status = body.status.as_deref().unwrap_or_default();
    error.code = code(status);
    if !body.message.is_empty() {
        error.words = Some(Words::new(&body.message));
    }
    let retry_delay = body.details.iter().find_map(|detail| protobuf_duration(detail.retry_delay.as_deref()?));
    error.retry_after = error.retry_after.max(retry_delay);
    match error.class {
        // A wrong key is an "invalid argument" to Google.
        ErrorClass::Invalid
            if body.details.iter().any(|detail| detail.reason.as_deref() == Some("API_KEY_INVALID")) =>
        {
            error.class = ErrorClass::Auth;
            error.code = Some("API_KEY_INVALID".into());
        }
        ErrorClass::Invalid if said.contains("thought signature") || said.contains("thought_signature") => {
            error.code = Some("thought_signature".into());
        }
        ErrorClass::Invalid if said.contains("token count") && said.contains("exceed") => {
            error.class = ErrorClass::TooLong;
        }
        ErrorClass::RateLimit => {
            let quotas = body.details.iter().flat_map(|detail| &detail.violations);
            let is_daily = quotas.filter_map(|violation| violation.quota_id.as_deref()).any(|id| id.contains("PerDay"));
            if is_daily {
                // RetryInfo speaks of seconds even then.
                error.retry_after = Some(hints.until_midnight(QUOTA_ZONE).unwrap_or(DAY_QUOTA_PAUSE));
                error.code = Some("quota_per_day".into());
            }
        }
        _ => {}
    }
    error
}
