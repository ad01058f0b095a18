//! Reading Meta's JSON without trusting its types: ids as numbers, numbers as text, times in three forms, text that was
//! cut in the middle of an emoji.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::Timestamp;

/// Numbers below this are seconds since 1970, others milliseconds: 1e11 s is the year 5138, 1e11 ms was in 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// An id, always as text: a non-empty string, or an integer in decimal. A number with a fraction, or too large to be
/// exact, is none: an id that was rounded is somebody else's.
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The id in `value.id`.
pub(super) fn id_of(value: &Value) -> Option<String> {
    id(&value["id"])
}

/// Non-blank text, as it is.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// The first of `keys` that holds an id.
pub(super) fn first_id(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| id(&value[*key]))
}

/// An integer, or text that is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether `value` is `true`.
pub(super) fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// A moment: a number or numeric text of seconds or milliseconds, or ISO 8601. `None` for anything else, and for zero
/// and less, which nobody means.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (number, value) {
        (Some(number), _) if number <= 0 => None,
        (Some(seconds), _) if seconds < SECONDS_BELOW => Some(Timestamp(seconds * 1_000)),
        (Some(ms), _) => Some(Timestamp(ms)),
        (None, Value::String(text)) => iso_8601(text.trim()),
        _ => None,
    }
}

/// `2026-07-12T19:11:07+0000`, also with fraction, `Z` or `+00:00`; without an offset it is UTC.
fn iso_8601(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.split_at_checked(10)?;
    let clock = clock.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_minutes) = match clock.find(['Z', 'z', '+', '-']) {
        None => (clock, 0),
        Some(at) => (clock.get(..at)?, offset_minutes(clock.get(at..)?)?),
    };
    let mut date = date.split('-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':').map(digits);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let ms = fraction_ms(fraction)?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + (minute - offset_minutes) * 60 + second;
    (valid && date.next().is_none() && parts.next().is_none()).then_some(Timestamp(seconds * 1_000 + ms))
}

/// Up to four decimal digits, nothing else.
fn digits(text: &str) -> Option<i64> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The first three digits of a fraction of a second.
fn fraction_ms(text: &str) -> Option<i64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{text:0<3}").get(..3)?.parse().ok()
}

fn offset_minutes(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let rest = rest.replace(':', "");
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { digits(minutes)? };
    Some(sign * (digits(hours)? * 60 + minutes))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Why a body gives no value.
const CUT_SHORT: &str = "the body ends too early";
const NOT_JSON: &str = "the body is not JSON, or nested too deeply";

/// Parses a body as leniently as can be done safely: invalid UTF-8 and lone surrogate escapes become U+FFFD, nesting
/// beyond serde_json's 128 levels is refused.
pub(super) fn parse(raw: &[u8]) -> Result<Value, &'static str> {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let text = String::from_utf8_lossy(raw);
    serde_json::from_str(&repair_surrogates(&text)).map_err(|error| if error.is_eof() { CUT_SHORT } else { NOT_JSON })
}

/// Replaces every `\ud8xx` escape without its partner by `\ufffd`: Meta cuts titles in the middle of an emoji, and one
/// such escape would cost the whole batch.
fn repair_surrogates(text: &str) -> Cow<'_, str> {
    let mut repaired = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        match escape_unit(text, start) {
            // The backslash escapes the next character, which may be a backslash itself.
            None => at = text.ceil_char_boundary(start + 2),
            Some(0xd800..=0xdbff) if matches!(escape_unit(text, start + 6), Some(0xdc00..=0xdfff)) => at = start + 12,
            Some(0xd800..=0xdfff) => {
                repaired.push_str(&text[copied..start]);
                repaired.push_str("\\ufffd");
                at = start + 6;
                copied = at;
            }
            Some(_) => at = start + 6,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    repaired.push_str(&text[copied..]);
    Cow::Owned(repaired)
}

/// The UTF-16 unit of the `\uXXXX` escape at `start`, if one stands there.
fn escape_unit(text: &str, start: usize) -> Option<u16> {
    let digits = text.get(start..start + 6)?.strip_prefix("\\u")?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_keep_every_digit_or_are_none() {
        assert_eq!(id(&json!(17841405998877665_i64)), Some("17841405998877665".into()));
        assert_eq!(id(&json!(18446744073709551615_u64)), Some("18446744073709551615".into()));
        assert_eq!(id(&json!(" 12 ")), Some("12".into()));
        let huge: Value = serde_json::from_str("123456789012345678901234567890").expect("JSON has long numbers");
        for bad in [huge, json!(1.5), json!(""), json!(null), json!(true), json!({"id": 1})] {
            assert_eq!(id(&bad), None, "{bad}");
        }
    }

    #[test]
    fn times_come_as_seconds_milliseconds_text_and_iso() {
        let expected = Some(Timestamp(1_791_197_999_000));
        let forms = [
            json!(1_791_197_999),
            json!(1_791_197_999_000_i64),
            json!("1791197999"),
            json!("2026-10-05T10:59:59+0000"),
            json!("2026-10-05T10:59:59Z"),
            json!("2026-10-05T12:59:59.0+02:00"),
            json!("2026-10-05 10:59:59"),
        ];
        for form in forms {
            assert_eq!(time(&form), expected, "{form}");
        }
        assert_eq!(time(&json!("2026-10-05T10:59:59.25Z")), Some(Timestamp(1_791_197_999_250)));
        assert_eq!(time(&json!("1970-01-01T00:00:00Z")), Some(Timestamp(0)));
        assert_eq!(time(&json!("2024-02-29T00:00:00Z")), Some(Timestamp(1_709_164_800_000)));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for bad in ["soon", "", "2026-10", "2026-13-01T00:00:00Z", "2026-01-01T99:00:00Z", "é026-01-01T00:00:00Z", "-5"]
        {
            assert_eq!(time(&json!(bad)), None, "{bad}");
        }
        for bad in [json!(null), json!(0), json!(-1), json!({}), json!(1.5)] {
            assert_eq!(time(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_replaced_and_a_pair_kept() {
        let read = |json: &str| parse(json.as_bytes()).expect("it is readable after the repair");
        assert_eq!(read(r#""cut\ud83d""#), "cut\u{fffd}");
        assert_eq!(read(r#""\udc4bcut""#), "\u{fffd}cut");
        assert_eq!(read(r#""\ud83d\ud83d\udc4b""#), "\u{fffd}👋");
        assert_eq!(read(r#""\ud83d\udc4b""#), "👋");
        assert_eq!(read(r#""\\ud83d""#), "\\ud83d");
        assert_eq!(read(r#""\ud83dé\\""#), "\u{fffd}é\\");
    }

    #[test]
    fn broken_bodies_say_why() {
        assert_eq!(parse(b"{\"a\":"), Err(CUT_SHORT));
        assert_eq!(parse(b""), Err(CUT_SHORT));
        assert_eq!(parse(b"{]"), Err(NOT_JSON));
        assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(NOT_JSON));
        assert_eq!(parse(b"\xef\xbb\xbf\"\xff\""), Ok(json!("\u{fffd}")));
        assert_eq!(parse(b"\\"), Err(NOT_JSON));
    }
}
