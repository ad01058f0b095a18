//! A moment on the wire: `2026-11-21T09:30:05.123Z`, always UTC, always milliseconds.
//!
//! Written out here because this is all the calendar that Aura needs: one fixed form, no zones, no arithmetic. A date
//! crate would be the larger part.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::Timestamp;

const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00.000Z, the first moment with a four-digit year.
const FIRST_MS: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, the last one.
const LAST_MS: i64 = 253_402_300_799_999;

/// A moment, UTC milliseconds since the Unix epoch, shown as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

/// Text that is no moment in our form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a UTC time such as 2026-11-21T09:30:05Z")]
pub struct InvalidTime(String);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at.0)
    }
}

impl From<Time> for Timestamp {
    fn from(at: Time) -> Self {
        Self(at.0)
    }
}

impl fmt::Display for Time {
    /// Moments outside the years 0000-9999 are shown as the nearest one inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.clamp(FIRST_MS, LAST_MS);
        let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
        let of_day = ms.rem_euclid(DAY_MS);
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, milli) = (of_day / 1_000 % 60, of_day % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    /// Reads `YYYY-MM-DDTHH:MM:SS[.fff]Z`; digits beyond milliseconds are dropped.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse(text.as_bytes()).map(Self).ok_or_else(|| InvalidTime(text.to_owned()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn parse(text: &[u8]) -> Option<i64> {
    let (head, rest) = text.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| head[at] != byte) {
        return None;
    }
    let year = number(&head[..4])?;
    let (month, day) = (number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..])?);
    let in_range = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    let days = days_from_civil(year, month, day);
    if !in_range || civil_from_days(days) != (year, month, day) {
        return None;
    }
    let milli = match rest.strip_suffix(b"Z")? {
        [] => 0,
        [b'.', digits @ ..] => millis(digits)?,
        _ => return None,
    };
    Some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + milli)
}

fn number(digits: &[u8]) -> Option<i64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    digits.iter().try_fold(0, |sum, byte| digit(byte).map(|digit| sum * 10 + digit))
}

fn millis(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let first_three: Vec<u8> = digits.iter().copied().chain(std::iter::repeat(b'0')).take(3).collect();
    number(&first_three)
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + (month <= 2) as i64, month, day)
}

/// The inverse of [`civil_from_days`].
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_have_their_known_form() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_253_405_123, "2026-11-21T09:30:05.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time(ms).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_utc_moment_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T09:30:05",
            "2026-11-21T09:30:05+01:00",
            "2026-11-21T09:30:05.Z",
            "2026-11-21T09:30:05.1xZ",
            "2026-11-21 09:30:05Z",
            "äöüäöüäöüäöü",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn fractions_of_any_length_are_read() {
        for (text, ms) in [("1970-01-01T00:00:00.5Z", 500), ("1970-01-01T00:00:00.123999Z", 123)] {
            assert_eq!(text.parse(), Ok(Time(ms)));
        }
    }

    proptest! {
        #[test]
        fn a_moment_survives_printing_and_parsing(ms in FIRST_MS..=LAST_MS) {
            prop_assert_eq!(Time(ms).to_string().parse(), Ok(Time(ms)));
        }
    }
}
