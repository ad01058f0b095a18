//! Whom the journal turns away before anything is stored, judged by how long deliveries wait for the writer.
//!
//! After CoDel: a queue that empties now and then is a burst and is absorbed, however long it was for a moment; one in
//! which even the luckiest waits long is standing, and nobody is helped by standing in it. Reads no clock and knows no
//! queue: it is told how long something has waited, and when.

use std::time::Duration;

/// Over so long the shortest wait is looked at.
const WINDOW: Duration = Duration::from_secs(1);
/// A window in which everyone waited longer than this means that the queue stands.
const STANDING: Duration = Duration::from_millis(500);
/// While it stands, who has waited longer than this is turned away.
const WAIT_STANDING_MAX: Duration = Duration::from_millis(100);
/// Who has waited longer than this is always turned away: the sender gives up soon (Meta: 5 s) and sends it again.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(2);

/// Why a delivery was turned away before it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// More are waiting than may.
    QueueFull,
    /// It has waited too long already.
    WaitedTooLong,
    /// The queue stands: more comes than can be written.
    Standing,
}

impl Shed {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WaitedTooLong => "waited_too_long",
            Self::Standing => "standing_queue",
        }
    }
}

impl std::fmt::Display for Shed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "too many deliveries are waiting",
            Self::WaitedTooLong => "it waited too long",
            Self::Standing => "more deliveries come than can be written",
        })
    }
}

/// The judge at the writer's door.
#[derive(Debug, Default)]
pub(super) struct Admission {
    window: Option<Window>,
    standing: bool,
}

#[derive(Debug)]
struct Window {
    began: Duration,
    least: Duration,
}

impl Admission {
    /// Lets in what has `waited` so long at the moment `now`, or says why not.
    pub(super) fn judge(&mut self, waited: Duration, now: Duration) -> Result<(), Shed> {
        let window = self.window.get_or_insert(Window { began: now, least: waited });
        window.least = window.least.min(waited);
        if now.saturating_sub(window.began) >= WINDOW {
            self.standing |= window.least > STANDING;
            self.window = Some(Window { began: now, least: waited });
        }
        match waited {
            long if long > WAIT_MAX => Err(Shed::WaitedTooLong),
            long if self.standing && long > WAIT_STANDING_MAX => Err(Shed::Standing),
            _ => Ok(()),
        }
    }

    /// The writer has come back and nobody was waiting.
    pub(super) fn emptied(&mut self) {
        *self = Self::default();
    }

    /// Whether more comes than can be written.
    pub(super) const fn is_standing(&self) -> bool {
        self.standing
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_that_goes_by_is_absorbed() {
        let mut door = Admission::default();
        for now in 0..30 {
            // One in ten got in at once: the queue is long, but it moves.
            let waited = if now % 10 == 0 { ms(0) } else { ms(1_500) };
            assert_eq!(door.judge(waited, ms(now * 100)), Ok(()), "at {now}");
        }
    }

    #[test]
    fn a_queue_that_stands_for_a_second_is_cut_to_a_tenth_until_it_empties() {
        let mut door = Admission::default();
        for now in 0..10 {
            assert_eq!(door.judge(ms(501), ms(now * 100)), Ok(()));
        }
        assert_eq!(door.judge(ms(501), ms(1_000)), Err(Shed::Standing));
        assert!(door.is_standing());
        assert_eq!(door.judge(ms(101), ms(1_001)), Err(Shed::Standing));
        assert_eq!(door.judge(ms(100), ms(9_000)), Ok(()), "who came just now is served");
        assert_eq!(door.judge(ms(101), ms(9_001)), Err(Shed::Standing), "a short wait alone ends nothing");
        door.emptied();
        assert_eq!(door.judge(ms(1_999), ms(9_002)), Ok(()));
    }

    #[test]
    fn nobody_is_kept_longer_than_its_sender_waits() {
        let mut door = Admission::default();
        assert_eq!(door.judge(WAIT_MAX, ms(5_000)), Ok(()));
        assert_eq!(door.judge(WAIT_MAX + ms(1), ms(5_000)), Err(Shed::WaitedTooLong));
    }

    /// A writer that takes `write_ms` for up to `batch` deliveries, and a sender of `arrivals` a millisecond. Gives how
    /// long everyone who was let in had waited, with the moment, and how many were turned away.
    fn simulate(arrivals: impl Fn(u64) -> u64, batch: usize, write_ms: u64, end: u64) -> (Vec<(u64, u64)>, usize) {
        let (mut door, mut queue) = (Admission::default(), VecDeque::new());
        let (mut waits, mut shed, mut free_at) = (Vec::new(), 0, 0);
        for now in 0..end {
            queue.extend((0..arrivals(now)).map(|_| now));
            if now < free_at {
                continue;
            }
            if queue.is_empty() {
                door.emptied();
                continue;
            }
            let mut taken = 0;
            while taken < batch
                && let Some(since) = queue.pop_front()
            {
                match door.judge(ms(now - since), ms(now)) {
                    Ok(()) => {
                        (taken, waits) = (taken + 1, {
                            waits.push((now, now - since));
                            waits
                        })
                    }
                    Err(_) => shed += 1,
                }
            }
            free_at = now + write_ms;
        }
        (waits, shed)
    }

    #[test]
    fn under_twice_the_load_everyone_served_is_served_soon_and_it_ends_with_the_load() {
        // 10 a millisecond come for 20 s, 5 can be written; then 1 comes.
        let (waits, shed) = simulate(|now| if now < 20_000 { 10 } else { 1 }, 50, 10, 30_000);
        assert!(shed > 80_000, "{shed}");
        let late = waits.iter().filter(|(at, _)| (5_000..20_000).contains(at));
        assert!(late.clone().count() > 70_000, "as many are served as can be written");
        assert!(late.clone().all(|(_, waited)| *waited <= 100));
        assert!(waits.iter().filter(|(at, _)| *at > 21_000).all(|(_, waited)| *waited <= 10));
        let after = waits.iter().filter(|(at, _)| *at > 21_000).count();
        assert!((8_900..=9_000).contains(&after), "{after}: nobody is turned away any more");
    }

    proptest! {
        #[test]
        fn nobody_is_turned_away_while_the_writer_keeps_up(per_ms in 0_u64..5, burst in 0_u64..2_000, batch in 50_usize..300) {
            // 5 a millisecond and more can be written; the burst is gone before a sender gives up.
            let (_, shed) = simulate(|now| if now == 1_000 { burst } else { per_ms.min(4) }, batch, 10, 6_000);
            prop_assert_eq!(shed, 0);
        }

        #[test]
        fn a_wait_of_a_tenth_of_a_second_is_always_let_in_and_one_of_two_never_kept(
            looks in prop::collection::vec((0_u64..4_000, 0_u64..400, prop::bool::weighted(0.05)), 1..200),
        ) {
            let (mut door, mut now) = (Admission::default(), 0);
            for (waited, pause, emptied) in looks {
                now += pause;
                if emptied {
                    door.emptied();
                }
                let verdict = door.judge(ms(waited), ms(now));
                prop_assert!(waited > 100 || verdict.is_ok());
                prop_assert!(waited <= 2_000 || verdict == Err(Shed::WaitedTooLong));
                prop_assert!(!emptied || waited > 2_000 || verdict.is_ok());
            }
        }
    }
}
