//! When people are told: at once, but not in a storm, not twice of one thing, and not while they want quiet.

use super::QuietHours;
use crate::domain::{NotificationId, Timestamp};

/// What happens within so long is told together, milliseconds.
pub const GATHER_MS: i64 = 1_000;
/// So many messages a target gets within [`STORM_MS`]; what comes on top waits and is told together.
pub const STORM_MESSAGES: u32 = 5;
/// See [`STORM_MESSAGES`]; milliseconds.
pub const STORM_MS: i64 = 5 * 60_000;
/// The same kind about the same subject is told again only after so long, or once it was over; milliseconds.
pub const REPEAT_MS: i64 = 30 * 60_000;
/// The wait before the second attempt, doubled for each further one, milliseconds.
const RETRY_FIRST_MS: i64 = 5_000;
/// The longest wait between two attempts, milliseconds.
const RETRY_MAX_MS: i64 = 60 * 60_000;

/// When a target may be told of what waits since `waiting_since`. `storm_began`: when the [`STORM_MESSAGES`]th newest
/// notification was put together.
#[must_use]
pub fn told_at(
    waiting_since: Timestamp,
    storm_began: Option<Timestamp>,
    quiet: Option<&QuietHours>,
    now: Timestamp,
) -> Timestamp {
    let gathered = waiting_since.plus_ms(GATHER_MS);
    let calm = storm_began.map_or(gathered, |began| began.plus_ms(STORM_MS));
    let at = gathered.max(calm);
    quiet.and_then(|quiet| quiet.end_after(at.max(now))).unwrap_or(at)
}

/// The wait before attempt `attempts + 1`: full jitter, between a hundredth and the whole of a doubling span. The
/// chance comes from the notification's own id, so that it needs no generator and a test can repeat it.
#[must_use]
pub fn backoff_ms(notification: NotificationId, attempts: u32) -> i64 {
    let span = RETRY_FIRST_MS.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(RETRY_MAX_MS);
    let seed = notification.0.as_u128() as u64 ^ u64::from(attempts).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chance = (mixed(seed) % (span as u64 + 1)) as i64;
    chance.max(span / 100)
}

/// Spreads the bits of a number (the finaliser of SplitMix64).
const fn mixed(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_happens_together_is_told_together_and_a_storm_waits() {
        let at = |storm| told_at(Timestamp(1_000_000), storm, None, Timestamp(1_000_000));
        assert_eq!(at(None), Timestamp(1_000_000 + GATHER_MS));
        assert_eq!(at(Some(Timestamp(900_000))), Timestamp(900_000 + STORM_MS));
        assert_eq!(at(Some(Timestamp(1_000))), Timestamp(1_000_000 + GATHER_MS), "that storm is over");
    }

    #[test]
    fn waits_double_spread_over_their_whole_span_and_never_exceed_an_hour() {
        for attempts in 1..40 {
            let span = (5_000_i64 << (attempts - 1).min(20)).min(3_600_000);
            let waits: Vec<_> =
                (0..400).map(|n| backoff_ms(NotificationId(Uuid::from_u128(n * 7_919)), attempts)).collect();
            assert!(waits.iter().all(|wait| (span / 100..=span).contains(wait)), "{attempts}");
            let (early, late) =
                (waits.iter().filter(|wait| **wait < span / 4), waits.iter().filter(|wait| **wait > span / 4 * 3));
            assert!(early.count() > 50 && late.count() > 50, "{attempts}: not spread");
        }
    }
}
