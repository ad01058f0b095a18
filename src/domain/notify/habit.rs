//! When silence is odd: an account from which nothing comes at hours that always brought something.
//!
//! The last hours, for each of [`WINDOWS_HOURS`], are compared with the same hours of the [`HABIT_DAYS`] days before. The
//! account is silent when nothing at all came in such a window, while in all of those days but [`MISSES_MAX`] the same
//! hours brought at least [`USUAL_MIN`] messages, the same days of the week among them. A busy account is missed after an
//! hour, one with a handful of messages a day after a day, and one without a habit never. Hours are hours of UTC: for one
//! day after the clocks change the comparison is off by one.

use crate::domain::Timestamp;

/// The windows, the shortest first: what a busy account misses early, a quiet one misses late.
pub const WINDOWS_HOURS: [i64; 4] = [1, 3, 8, 24];
/// Days that make a habit.
pub const HABIT_DAYS: i64 = 14;
/// Fewer messages than these in a window are no habit: none at all would be chance.
pub const USUAL_MIN: u32 = 5;
/// So many of the days may have been quiet too: a holiday, an outage.
pub const MISSES_MAX: usize = 1;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_DAYS: i64 = 7;

/// Whether an account from which something last came at `last` is silent against its habit. `came` counts the messages
/// from one moment up to another.
pub fn is_silent<E>(
    last: Timestamp,
    now: Timestamp,
    mut came: impl FnMut(Timestamp, Timestamp) -> Result<u32, E>,
) -> Result<bool, E> {
    for hours in WINDOWS_HOURS {
        let window_ms = hours * HOUR_MS;
        if now.since_ms(last) < window_ms {
            return Ok(false);
        }
        let mut misses = Vec::new();
        for day in 1..=HABIT_DAYS {
            let until = now.plus_ms(-day * DAY_MS);
            if came(until.plus_ms(-window_ms), until)? < USUAL_MIN {
                misses.push(day);
            }
            if misses.len() > MISSES_MAX {
                break;
            }
        }
        if misses.len() <= MISSES_MAX && misses.iter().all(|day| day % WEEK_DAYS != 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month in, at noon.
    const NOW: Timestamp = Timestamp(30 * DAY_MS + 12 * HOUR_MS);

    /// Asks of an account with so many messages at the full hours of a day, except on the days that are left out.
    fn silent(last_hours_ago: i64, per_hour: impl Fn(i64) -> u32, closed: &[i64]) -> bool {
        let last = NOW.plus_ms(-last_hours_ago * HOUR_MS);
        let came = |from: Timestamp, until: Timestamp| {
            let hours = from.0.div_euclid(HOUR_MS)..until.0.div_euclid(HOUR_MS);
            let open = hours.filter(|hour| !closed.contains(&(NOW.0 - hour * HOUR_MS).div_euclid(DAY_MS)));
            Ok::<_, ()>(open.map(|hour| per_hour(hour.rem_euclid(24))).sum())
        };
        is_silent(last, NOW, came).expect("counting cannot fail here")
    }

    #[test]
    fn a_busy_account_is_missed_after_an_hour_and_a_quiet_one_after_a_day() {
        assert!(silent(1, |_| 6, &[]));
        assert!(!silent(0, |_| 600, &[]), "something came just now");
        assert!(!silent(1, |_| 2, &[]), "two an hour may be none by chance");
        assert!(silent(3, |_| 2, &[]));
        let in_the_evening = |hour| if hour == 20 { 6 } else { 0 };
        assert!(!silent(23, in_the_evening, &[]) && silent(24, in_the_evening, &[]));
        let in_the_morning = |hour| if hour == 9 { 6 } else { 0 };
        assert!(!silent(2, in_the_morning, &[]) && silent(3, in_the_morning, &[]), "nine to noon always brought some");
    }

    #[test]
    fn an_account_without_a_habit_is_never_missed() {
        assert!(!silent(24 * 29, |_| 0, &[]));
        assert!(!silent(48, |hour| u32::from(hour == 9), &[]));
        let at_night = |hour| if hour < 6 { 50 } else { 0 };
        assert!(!silent(5, at_night, &[]), "nobody writes at noon anyway");
    }

    #[test]
    fn one_odd_day_does_not_break_a_habit_and_the_weekly_day_off_does() {
        assert!(silent(3, |_| 5, &[3]), "a holiday");
        assert!(!silent(3, |_| 5, &[3, 4]));
        assert!(!silent(3, |_| 5, &[7]), "on this day of the week nobody may write");
    }
}
