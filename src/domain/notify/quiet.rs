//! Quiet hours: a span of the local day in a time zone. The zones' rules are part of the binary; nothing is read.

use std::{fmt, str::FromStr};

use jiff::{civil::Time, tz::TimeZone};

use crate::domain::Timestamp;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// A time zone by its name in the IANA database, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Eq for Zone {}

/// Text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone such as Europe/Berlin")]
pub struct InvalidZone(String);

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// A moment as people of the zone read it: `2026-11-22 09:30`.
    #[must_use]
    pub fn shown(&self, at: Timestamp) -> String {
        let local = self.0.to_datetime(instant(at));
        let (date, time) = (local.date(), local.time());
        format!("{date} {:02}:{:02}", time.hour(), time.minute())
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(name: &str) -> Result<Self, InvalidZone> {
        let found = TimeZone::get(name.trim()).ok().filter(|zone| zone.iana_name().is_some());
        found.map(Self).ok_or_else(|| InvalidZone(name.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A span of every local day, from a minute up to another; it may pass midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from_minute: u16,
    until_minute: u16,
    zone: Zone,
}

/// Text that is no span of a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a span of the day such as 22:00-07:30")]
pub struct InvalidQuietHours(String);

impl QuietHours {
    /// Reads `22:00-07:30`.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, InvalidQuietHours> {
        let span = || {
            let (from, until) = text.trim().split_once('-')?;
            Self::from_minutes(minute(from)?, minute(until)?, zone)
        };
        span().ok_or_else(|| InvalidQuietHours(text.to_owned()))
    }

    /// From the minutes of the day; `None` where there is no such span.
    #[must_use]
    pub fn from_minutes(from_minute: u16, until_minute: u16, zone: Zone) -> Option<Self> {
        let fits = from_minute < DAY_MINUTES && until_minute < DAY_MINUTES && from_minute != until_minute;
        fits.then_some(Self { from_minute, until_minute, zone })
    }

    /// The minutes of the day at which it begins and ends.
    #[must_use]
    pub const fn minutes(&self) -> (u16, u16) {
        (self.from_minute, self.until_minute)
    }

    /// When the span that `at` lies in ends; `None`: `at` is not quiet.
    #[must_use]
    pub fn end_after(&self, at: Timestamp) -> Option<Timestamp> {
        let local = self.zone.0.to_datetime(instant(at));
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let passes_midnight = self.from_minute > self.until_minute;
        let (late, early) = (minute >= self.from_minute, minute < self.until_minute);
        let quiet = if passes_midnight { late || early } else { late && early };
        if !quiet {
            return None;
        }
        let date = local.date();
        let end_date = if passes_midnight && late { date.tomorrow().ok()? } else { date };
        let end = Time::new((self.until_minute / 60) as i8, (self.until_minute % 60) as i8, 0, 0).ok()?;
        // Where the clocks jump over the end, it comes with the jump.
        let end = self.zone.0.to_timestamp(end_date.to_datetime(end)).ok()?;
        let end = Timestamp(end.as_millisecond());
        // Where they are set back, the end may come twice: the later one ends it.
        (end > at).then_some(end).or_else(|| Some(at.plus_ms(60_000)))
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from_minute, self.until_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits =
        |part: &str, length| (part.len() <= length && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
    digits(hour, 2).and_then(|()| digits(minute, 2)).filter(|()| minute.len() == 2)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Moments outside what a calendar can show are the nearest one inside.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let nearest = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("a moment").as_millisecond())
    }

    fn quiet(span: &str, zone: &str) -> QuietHours {
        QuietHours::parse(span, zone.parse().expect("a zone")).expect("a span")
    }

    #[test]
    fn a_night_is_quiet_until_its_local_morning() {
        let berlin = quiet("22:00-07:30", "Europe/Berlin");
        for (moment, end) in [
            ("2026-11-22T20:59:59Z", None),
            ("2026-11-22T21:00:00Z", Some("2026-11-23T06:30:00Z")),
            ("2026-11-23T02:00:00Z", Some("2026-11-23T06:30:00Z")),
            ("2026-11-23T06:30:00Z", None),
            // In summer the same local hours are other hours of UTC.
            ("2026-07-01T20:00:00Z", Some("2026-07-02T05:30:00Z")),
        ] {
            assert_eq!(berlin.end_after(at(moment)), end.map(at), "{moment}");
        }
    }

    #[test]
    fn a_span_within_a_day_is_quiet_that_day_only() {
        let noon = quiet("12:00-13:00", "Asia/Tokyo");
        assert_eq!(noon.end_after(at("2026-11-22T03:30:00Z")), Some(at("2026-11-22T04:00:00Z")));
        assert_eq!(noon.end_after(at("2026-11-22T04:00:00Z")), None);
    }

    #[test]
    fn the_night_of_the_changed_clocks_ends_too() {
        // The clocks jump from 02:00 to 03:00: 02:30 does not exist that night.
        let spring = quiet("22:00-02:30", "Europe/Berlin");
        let end = spring.end_after(at("2026-03-29T00:30:00Z")).expect("quiet");
        assert!(end >= at("2026-03-29T01:00:00Z") && end <= at("2026-03-29T01:30:00Z"), "{end:?}");
        // They are set back from 03:00 to 02:00: 02:30 comes twice.
        let autumn = quiet("22:00-02:30", "Europe/Berlin");
        let mut moment = at("2026-10-24T23:59:00Z");
        let mut steps = 0;
        while let Some(end) = autumn.end_after(moment) {
            assert!(end > moment);
            moment = end;
            steps += 1;
            assert!(steps < 200, "it never ends");
        }
        assert!(moment <= at("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn what_is_no_span_or_no_zone_is_refused() {
        for bad in ["", "22-7", "22:00", "24:00-07:00", "22:60-07:00", "22:00-22:00", "a:b-c:d", "22:0-07:00"] {
            assert!(QuietHours::parse(bad, Zone::utc()).is_err(), "{bad}");
        }
        for bad in ["", "Berlin", "Europe/Nowhere", "../etc/passwd"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
        let hours = quiet("9:05-17:00", "America/New_York");
        assert_eq!((hours.to_string().as_str(), hours.zone.name()), ("09:05-17:00", "America/New_York"));
    }

    #[test]
    fn moments_are_told_in_the_zone() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        assert_eq!(berlin.shown(at("2026-11-22T08:30:05Z")), "2026-11-22 09:30");
        assert_eq!(Zone::utc().name(), "UTC");
    }

    proptest::proptest! {
        #[test]
        fn the_end_of_quiet_hours_is_always_ahead(ms in 0_i64..4_000_000_000_000, from in 0_u16..1440, until in 0_u16..1440) {
            if let Some(hours) = QuietHours::from_minutes(from, until, "Europe/Berlin".parse().expect("a zone"))
                && let Some(end) = hours.end_after(Timestamp(ms))
            {
                proptest::prop_assert!(end > Timestamp(ms));
                proptest::prop_assert!(end.since_ms(Timestamp(ms)) <= 26 * 3_600_000);
            }
        }
    }
}
