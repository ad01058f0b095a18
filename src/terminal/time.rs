//! Moments as people read them: `3 min ago`, and ages as they write them: `1h`.

use crate::api::Time;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// `now`, `5 s ago`, `3 min ago`, `2 h ago`, `4 d ago`; the date when it is older than a month.
pub fn ago(at: Time, now: Time) -> String {
    match now.0.saturating_sub(at.0) {
        ..SECOND_MS => "now".into(),
        ms @ ..MINUTE_MS => format!("{} s ago", ms / SECOND_MS),
        ms @ ..HOUR_MS => format!("{} min ago", ms / MINUTE_MS),
        ms if ms < 2 * DAY_MS => format!("{} h ago", ms / HOUR_MS),
        ms if ms < 30 * DAY_MS => format!("{} d ago", ms / DAY_MS),
        _ => at.to_string().split('T').next().unwrap_or_default().to_owned(),
    }
}

/// `now`, `5s`, `3m`, `2h`, `4d`: the same where there is little room.
#[must_use]
pub fn age(at: Time, now: Time) -> String {
    match now.0.saturating_sub(at.0) {
        ..SECOND_MS => "now".into(),
        ms @ ..MINUTE_MS => format!("{}s", ms / SECOND_MS),
        ms @ ..HOUR_MS => format!("{}m", ms / MINUTE_MS),
        ms if ms < 2 * DAY_MS => format!("{}h", ms / HOUR_MS),
        ms => format!("{}d", ms / DAY_MS),
    }
}

/// `ago`, or a dash.
pub fn ago_or_dash(at: Option<Time>, now: Time) -> String {
    at.map_or_else(|| "-".into(), |at| ago(at, now))
}

/// `09:30:05` of today, else `2026-11-20 09:30:05`; always UTC.
pub fn stamp(at: Time, now: Time) -> String {
    let text = at.to_string();
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    let clock = clock.split('.').next().unwrap_or_default();
    if at.0.div_euclid(DAY_MS) == now.0.div_euclid(DAY_MS) { clock.to_owned() } else { format!("{day} {clock}") }
}

/// An age such as `90s`, `15m`, `1h`, `2d`, or a moment such as `2026-11-21T09:30:05Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So many milliseconds before now.
    Ago(i64),
    /// From this moment.
    At(Time),
}

impl Since {
    /// The moment that is meant.
    pub fn moment(self, now: Time) -> Time {
        match self {
            Self::Ago(ms) => Time(now.0.saturating_sub(ms)),
            Self::At(at) => at,
        }
    }
}

/// Reads a [`Since`].
pub fn parse_since(text: &str) -> Result<Since, String> {
    if let Ok(at) = text.parse() {
        return Ok(Since::At(at));
    }
    let units = [('s', SECOND_MS), ('m', MINUTE_MS), ('h', HOUR_MS), ('d', DAY_MS)];
    let read = |&(unit, ms): &(char, i64)| text.strip_suffix(unit)?.parse::<u32>().ok().map(|n| i64::from(n) * ms);
    units.iter().find_map(read).map(Since::Ago).ok_or_else(|| "an age such as 90s, 15m, 1h, 2d, or a UTC time".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_at_a_glance() {
        let now = Time(1_795_253_405_123);
        for (ms, shown) in [
            (-5, "now"),
            (999, "now"),
            (59_999, "59 s ago"),
            (60_000, "1 min ago"),
            (47 * HOUR_MS, "47 h ago"),
            (3 * DAY_MS, "3 d ago"),
            (40 * DAY_MS, "2026-10-12"),
        ] {
            assert_eq!(ago(Time(now.0 - ms), now), shown);
            let short = shown.replace(" min ago", "m").replace(" ago", "").replace(' ', "");
            assert!(age(Time(now.0 - ms), now) == short || short.contains('-'), "{short}");
        }
        assert_eq!(ago_or_dash(None, now), "-");
    }

    #[test]
    fn a_stamp_has_the_date_only_when_it_is_not_today() {
        let now = Time(1_795_253_405_123);
        assert_eq!(stamp(now, now), "09:30:05");
        assert_eq!(stamp(Time(now.0 - DAY_MS), now), "2026-11-20 09:30:05");
    }

    #[test]
    fn since_is_an_age_or_a_moment() {
        for (text, ms) in [("90s", 90_000), ("15m", 900_000), ("1h", HOUR_MS), ("2d", 2 * DAY_MS)] {
            assert_eq!(parse_since(text), Ok(Since::Ago(ms)));
        }
        assert_eq!(parse_since("1970-01-01T00:00:01Z"), Ok(Since::At(Time(1_000))));
        for text in ["", "h", "-1h", "1.5h", "1w", "yesterday", "1é"] {
            assert!(parse_since(text).is_err(), "{text}");
        }
    }
}
