//! An HTTP answer that is no success: what it means, and when to come back.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};
use reqwest::header::{HeaderMap, HeaderName};

use crate::provider::{ErrorClass, ProviderError, Words};

/// The longest wait that a provider can impose: a quota of a day is over by then.
pub(in crate::provider) const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The longest code or id that is kept, in bytes; longer ones are none. Proxies pack their routes into ids (LiteLLM: 400).
const CODE_BYTES_MAX: usize = 512;

/// Where the vendors put the id of a call, the most particular first.
const REQUEST_ID_HEADERS: [&str; 4] = ["x-request-id", "request-id", "x-goog-request-id", "x-generation-id"];

/// An answer that is no success.
#[derive(Debug)]
pub(in crate::provider) struct Refused {
    /// The HTTP status.
    pub(in crate::provider) status: u16,
    /// What its headers say.
    pub(in crate::provider) hints: Hints,
    /// Its body, or the beginning of it.
    pub(in crate::provider) body: Vec<u8>,
}

/// What headers say about a call, whatever became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::provider) struct Hints {
    /// When to come back.
    pub(in crate::provider) retry_after: Option<Duration>,
    /// Whether to.
    pub(in crate::provider) should_retry: Option<bool>,
    /// The provider's id of the call.
    pub(in crate::provider) request_id: Option<Box<str>>,
    /// What time it is at the provider. Aura's own clock is not asked: only differences count here.
    pub(in crate::provider) now: Option<Timestamp>,
}

impl Hints {
    pub(in crate::provider) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let now = text("date").and_then(http_date);
        let after_ms = text("retry-after-ms").and_then(|ms| seconds(ms, 0.001));
        let retry_after = after_ms.or_else(|| text("retry-after").and_then(|after| retry_after(after, now)));
        let should_retry = text("x-should-retry").and_then(|word| match word {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
        let request_id = REQUEST_ID_HEADERS.iter().find_map(|name| code(text(HeaderName::from_static(name).as_str())?));
        Self { retry_after, should_retry, request_id, now }
    }

    /// How long it is until midnight at `zone`, by the provider's own clock: quotas of a day begin anew then.
    pub(in crate::provider) fn until_midnight(&self, zone: &str) -> Option<Duration> {
        let here = self.now?.to_zoned(TimeZone::get(zone).ok()?);
        let midnight = here.tomorrow().ok()?.start_of_day().ok()?;
        Duration::try_from(midnight.timestamp().duration_since(here.timestamp())).ok()
    }
}

impl Refused {
    /// What the status alone says; adapters refine it by what the body says.
    pub(in crate::provider) fn error(&self, provider: &str) -> ProviderError {
        ProviderError {
            http: Some(self.status),
            retry_after: self.hints.retry_after,
            should_retry: self.hints.should_retry,
            request_id: self.hints.request_id.clone(),
            ..ProviderError::new(provider, class_of(self.status))
        }
    }
}

/// What a status means where nothing else is known.
pub(in crate::provider) const fn class_of(status: u16) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Auth,
        402 => ErrorClass::Billing,
        404 => ErrorClass::NotFound,
        // A timeout or a conflict at their end, a missing capacity (Groq 498): OpenAI's own clients send these again.
        408 | 409 | 424 | 425 | 498 => ErrorClass::Overloaded,
        413 => ErrorClass::TooLong,
        429 => ErrorClass::RateLimit,
        // A feature that a server was built without (llama.cpp) does not come by waiting.
        501 => ErrorClass::Invalid,
        500..=599 => ErrorClass::Overloaded,
        400..=499 => ErrorClass::Invalid,
        // Redirects are not followed; anything else here is no HTTP that we know.
        _ => ErrorClass::Protocol,
    }
}

/// A word of the provider that may go into logs: letters, digits and a few signs, not long. Anything else is `None`.
pub(in crate::provider) fn code(text: &str) -> Option<Box<str>> {
    let fits = (1..=CODE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:[]/=".contains(&byte));
    fits.then(|| text.into())
}

/// A duration as protobuf writes it in JSON: `34s`, `0.8s`.
pub(in crate::provider) fn protobuf_duration(text: &str) -> Option<Duration> {
    seconds(text.strip_suffix('s')?, 1.0)
}

/// Seconds, whole or not, or an HTTP date, which is compared with the provider's own clock.
fn retry_after(text: &str, now: Option<Timestamp>) -> Option<Duration> {
    seconds(text, 1.0).or_else(|| {
        let until = http_date(text)?.duration_since(now?);
        Some(Duration::try_from(until).unwrap_or_default().min(RETRY_AFTER_MAX))
    })
}

fn seconds(text: &str, unit_s: f64) -> Option<Duration> {
    let value: f64 = text.parse().ok()?;
    let sane = value.is_finite() && value >= 0.0;
    sane.then(|| Duration::try_from_secs_f64(value * unit_s).unwrap_or(RETRY_AFTER_MAX).min(RETRY_AFTER_MAX))
}

/// HTTP dates are those of mail (RFC 9110 §5.6.7); its two obsolete forms are not read.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Takes whatever could be the key out of an error. Some servers quote the key they refuse.
pub(in crate::provider) fn scrub(mut error: ProviderError, key: &str) -> ProviderError {
    if key.is_empty() {
        return error;
    }
    for field in [&mut error.code, &mut error.param, &mut error.request_id] {
        if field.as_ref().is_some_and(|text| text.contains(key)) {
            *field = None;
        }
    }
    error.words = error.words.map(|words| Words::new(&words.expose().replace(key, "***")));
    error
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn hints(headers: &[(&'static str, &'static str)]) -> Hints {
        Hints::of(&headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect())
    }

    #[test]
    fn every_way_of_saying_when_to_come_back_is_understood() {
        const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        for (headers, ms) in [
            (&[("retry-after", "34")][..], Some(34_000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after-ms", "120"), ("retry-after", "34")], Some(120)),
            (&[("retry-after-ms", "12.5")], Some(12)),
            (&[("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT"), DATE], Some(7_000)),
            (&[("retry-after", "Sun, 22 Nov 2026 09:59:00 GMT"), DATE], Some(0)),
            (&[("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "1e300")], Some(24 * 3_600_000)),
            (&[], None),
        ] {
            let found = hints(headers).retry_after.map(|wait| wait.as_millis());
            assert_eq!(found, ms, "{headers:?}");
        }
        for (text, ms) in [("34s", Some(34_000)), ("0.8s", Some(800)), ("34", None), ("s", None)] {
            assert_eq!(protobuf_duration(text).map(|wait| wait.as_millis()), ms, "{text}");
        }
    }

    #[test]
    fn a_day_s_quota_begins_anew_at_midnight_over_there() {
        // 10:00 UTC is 02:00 in California in winter.
        let found = hints(&[("date", "Sun, 22 Nov 2026 10:00:00 GMT")]).until_midnight("America/Los_Angeles");
        assert_eq!(found, Some(Duration::from_secs(22 * 3_600)));
        assert_eq!(hints(&[]).until_midnight("America/Los_Angeles"), None);
    }

    #[test]
    fn statuses_mean_what_can_be_done_about_them() {
        for (status, class) in [
            (400, ErrorClass::Invalid),
            (401, ErrorClass::Auth),
            (402, ErrorClass::Billing),
            (403, ErrorClass::Auth),
            (404, ErrorClass::NotFound),
            (408, ErrorClass::Overloaded),
            (413, ErrorClass::TooLong),
            (422, ErrorClass::Invalid),
            (429, ErrorClass::RateLimit),
            (500, ErrorClass::Overloaded),
            (501, ErrorClass::Invalid),
            (503, ErrorClass::Overloaded),
            (529, ErrorClass::Overloaded),
            (302, ErrorClass::Protocol),
        ] {
            assert_eq!(class_of(status), class, "{status}");
        }
    }

    #[test]
    fn only_words_that_look_like_codes_are_kept_as_such() {
        assert_eq!(code("insufficient_quota").as_deref(), Some("insufficient_quota"));
        assert_eq!(code("input[0].content").as_deref(), Some("input[0].content"));
        for bad in ["", "my card is 4111", "a\nb", "ä", &"a".repeat(513)] {
            assert_eq!(code(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_server_that_quotes_the_key_does_not_get_it_into_the_error() {
        let key = "sk-live-123";
        let mut error = ProviderError::new("x", ErrorClass::Auth).with_code("bad:sk-live-123");
        error.words = Some(Words::new("Incorrect API key provided: sk-live-123."));
        let error = scrub(error, key);
        assert_eq!(error.code, None);
        assert_eq!(error.words.expect("words").expose(), "Incorrect API key provided: ***.");
    }
}
