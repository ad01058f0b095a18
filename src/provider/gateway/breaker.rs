//! Circuit breakers: a model that keeps failing is left alone for a while, so that shoppers do not wait for it.
//!
//! One per provider, model and key: one tenant's bad key never opens another's breaker.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    domain::chat::ModelRef,
    provider::{ErrorClass, ProviderError},
};

/// Failures in a row that open a breaker.
const FAILURES_MAX: u32 = 5;
/// Failures longer apart than this are not in a row.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// How long an open breaker stays so the first time; twice as long each time that the probe fails.
const OPEN_FIRST: Duration = Duration::from_secs(15);
/// The longest that it stays so.
const OPEN_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a model is left alone that wants money or another key: nothing but a person changes it.
const OPEN_FOR_A_PERSON: Duration = Duration::from_secs(5 * 60);
/// Breakers that are kept; beyond this those that are closed are forgotten.
const KEPT_MAX: usize = 10_000;

/// What a breaker stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Circuit {
    /// The provider and the model.
    pub model: ModelRef,
    /// Whose key: the same word for the same key, and nothing that tells the key.
    pub key: Box<str>,
}

/// How a breaker stands, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// No call is made for so long.
    Open(Duration),
    /// One call is made to see.
    Probing,
}

impl BreakerState {
    /// The word in metrics and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::Probing => "probing",
        }
    }
}

#[derive(Debug)]
struct Breaker {
    failures: u32,
    last_failure: Instant,
    /// Set while it is open or probing.
    until: Option<Instant>,
    /// How long it was last opened for.
    opened_for: Duration,
    /// Since when a call sees whether it may close.
    probing: Option<Instant>,
}

/// All breakers of an installation.
#[derive(Debug, Default)]
pub struct Breakers {
    known: Mutex<HashMap<Circuit, Breaker>>,
}

impl Breakers {
    /// A probe that has not come back after this has lost its caller.
    const PROBE_MAX: Duration = Duration::from_secs(120);

    /// Whether a call may be made. The first one after an open breaker's time is its probe.
    ///
    /// # Errors
    /// How long it stays open at least.
    pub fn admit(&self, circuit: &Circuit) -> Result<(), Duration> {
        let now = Instant::now();
        let mut known = self.known();
        let Some(breaker) = known.get_mut(circuit) else { return Ok(()) };
        match (breaker.until, breaker.probing) {
            (None, _) => Ok(()),
            (Some(until), _) if until > now => Err(until - now),
            (Some(_), Some(since)) if now - since < Self::PROBE_MAX => Err(Duration::from_secs(1)),
            (Some(_), _) => {
                breaker.probing = Some(now);
                Ok(())
            }
        }
    }

    /// A call that was admitted is not made after all: if it was the probe, another will be.
    pub fn not_made(&self, circuit: &Circuit) {
        if let Some(breaker) = self.known().get_mut(circuit) {
            breaker.probing = None;
        }
    }

    /// A call came back with an answer, or with an error that says nothing against the model.
    pub fn succeeded(&self, circuit: &Circuit) {
        self.known().remove(circuit);
    }

    /// A call failed.
    pub fn failed(&self, circuit: &Circuit, error: &ProviderError) {
        let now = Instant::now();
        let open_for = match error.class {
            // It did answer, and would answer another question.
            ErrorClass::Invalid | ErrorClass::TooLong | ErrorClass::NotFound | ErrorClass::Safety => {
                return self.succeeded(circuit);
            }
            ErrorClass::Billing | ErrorClass::Auth => Some(OPEN_FOR_A_PERSON),
            ErrorClass::RateLimit => error.retry_after.map(|wait| wait.min(OPEN_MAX)),
            ErrorClass::Overloaded | ErrorClass::Timeout(_) | ErrorClass::Transport | ErrorClass::Protocol => None,
        };
        let mut known = self.known();
        if known.len() >= KEPT_MAX && !known.contains_key(circuit) {
            known.retain(|_, breaker| breaker.until.is_some_and(|until| until > now));
        }
        let breaker = known.entry(circuit.clone()).or_insert(Breaker {
            failures: 0,
            last_failure: now,
            until: None,
            opened_for: Duration::ZERO,
            probing: None,
        });
        if breaker.until.is_none() && now - breaker.last_failure > FORGET_AFTER {
            breaker.failures = 0;
        }
        let probed = breaker.probing.take().is_some();
        breaker.failures = breaker.failures.saturating_add(1);
        breaker.last_failure = now;
        let opens = match open_for {
            Some(wait) => wait,
            None if probed => (breaker.opened_for * 2).clamp(OPEN_FIRST, OPEN_MAX),
            None if breaker.failures >= FAILURES_MAX => breaker.opened_for.max(OPEN_FIRST),
            None => return,
        };
        breaker.opened_for = opens;
        breaker.until = Some(now + opens);
    }

    /// How one stands.
    #[must_use]
    pub fn state(&self, circuit: &Circuit) -> BreakerState {
        self.known().get(circuit).map_or(BreakerState::Closed, |breaker| breaker.state(Instant::now()))
    }

    /// All that are not closed.
    #[must_use]
    pub fn open(&self) -> Vec<(Circuit, BreakerState)> {
        let now = Instant::now();
        let known = self.known();
        let all = known.iter().map(|(circuit, breaker)| (circuit.clone(), breaker.state(now)));
        all.filter(|(_, state)| *state != BreakerState::Closed).collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Circuit, Breaker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    fn state(&self, now: Instant) -> BreakerState {
        match self.until {
            None => BreakerState::Closed,
            Some(until) if until > now => BreakerState::Open(until - now),
            Some(_) => BreakerState::Probing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circuit(key: &str) -> Circuit {
        Circuit { model: ModelRef::new("gemini", "flash"), key: key.into() }
    }

    fn error(class: ErrorClass) -> ProviderError {
        ProviderError::new("gemini", class)
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_keeps_failing_is_left_alone_and_probed_by_one_call() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        for _ in 1..FAILURES_MAX {
            breakers.failed(&circuit, &error(ErrorClass::Overloaded));
            assert_eq!(breakers.admit(&circuit), Ok(()));
        }
        breakers.failed(&circuit, &error(ErrorClass::Overloaded));
        assert_eq!(breakers.admit(&circuit), Err(OPEN_FIRST));
        pass(15).await;
        assert_eq!(breakers.admit(&circuit), Ok(()), "the probe");
        assert!(breakers.admit(&circuit).is_err(), "nobody else meanwhile");
        breakers.failed(&circuit, &error(ErrorClass::Overloaded));
        assert_eq!(breakers.admit(&circuit), Err(OPEN_FIRST * 2), "longer each time");
        pass(30).await;
        assert_eq!(breakers.admit(&circuit), Ok(()));
        breakers.succeeded(&circuit);
        assert_eq!((breakers.state(&circuit), breakers.open().len()), (BreakerState::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_far_apart_are_not_in_a_row() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        for _ in 0..3 * FAILURES_MAX {
            breakers.failed(&circuit, &error(ErrorClass::Transport));
            pass(61).await;
        }
        assert_eq!(breakers.admit(&circuit), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_key_and_an_empty_account_open_their_own_breaker_at_once() {
        let breakers = Breakers::default();
        for class in [ErrorClass::Auth, ErrorClass::Billing] {
            breakers.failed(&circuit("a"), &error(class));
            assert_eq!(breakers.admit(&circuit("a")), Err(OPEN_FOR_A_PERSON));
            assert_eq!(breakers.admit(&circuit("b")), Ok(()), "another tenant's key");
            breakers.succeeded(&circuit("a"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_the_provider_holds_as_long_as_it_says() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        let wait = |seconds| Some(Duration::from_secs(seconds));
        breakers.failed(&circuit, &ProviderError { retry_after: wait(34), ..error(ErrorClass::RateLimit) });
        assert_eq!(breakers.admit(&circuit), Err(Duration::from_secs(34)));
        breakers.failed(&circuit, &ProviderError { retry_after: wait(86_400), ..error(ErrorClass::RateLimit) });
        assert_eq!(breakers.admit(&circuit), Err(OPEN_MAX), "a person may have paid meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_a_model_refuses_says_nothing_against_it() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        for class in [ErrorClass::Invalid, ErrorClass::TooLong, ErrorClass::NotFound, ErrorClass::Safety] {
            for _ in 0..2 * FAILURES_MAX {
                breakers.failed(&circuit, &error(class));
            }
        }
        assert_eq!(breakers.admit(&circuit), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_not_made_is_left_to_another() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        breakers.failed(&circuit, &error(ErrorClass::Auth));
        pass(300).await;
        assert_eq!(breakers.admit(&circuit), Ok(()));
        breakers.not_made(&circuit);
        assert_eq!(breakers.admit(&circuit), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_never_comes_back_is_made_again() {
        let (breakers, circuit) = (Breakers::default(), circuit("a"));
        breakers.failed(&circuit, &error(ErrorClass::Auth));
        pass(300).await;
        assert_eq!(breakers.admit(&circuit), Ok(()));
        assert!(breakers.admit(&circuit).is_err());
        pass(120).await;
        assert_eq!(breakers.admit(&circuit), Ok(()));
    }
}
