//! Whether and when the same model is asked again, on its provider's own terms.

use std::time::Duration;

use crate::provider::{ErrorClass, ProviderError, TimeoutKind};

/// Times that one model is asked again for one answer (OpenAI's own clients: 2).
pub(super) const RETRIES_MAX: u32 = 2;
/// The pause before the first time; twice as long before the second (OpenAI's own clients: 0.5 s, at most 8 s).
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest pause that nobody asked for.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// How long to wait before the same model is asked again; `None`: not at all.
///
/// `asked` counts the calls so far, `left` is what remains of the turn. A model that was too slow is not asked again: the
/// next one on the list is quicker than another wait.
pub(super) fn pause(error: &ProviderError, asked: u32, left: Duration, random: f64) -> Option<Duration> {
    let too_slow =
        matches!(error.class, ErrorClass::Timeout(TimeoutKind::FirstToken | TimeoutKind::Idle | TimeoutKind::Total));
    if asked > RETRIES_MAX || too_slow || !error.is_retryable() {
        return None;
    }
    let pause = match error.retry_after {
        Some(wanted) => wanted,
        // A quarter is taken off at random, so that those who failed together do not come back together.
        None => {
            (PAUSE_FIRST * 2_u32.saturating_pow(asked - 1)).min(PAUSE_MAX).mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
        }
    };
    (pause < left).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Duration = Duration::from_secs(20);

    fn failed(class: ErrorClass) -> ProviderError {
        ProviderError::new("x", class)
    }

    fn ms(error: &ProviderError, asked: u32, random: f64) -> Option<u128> {
        pause(error, asked, LEFT, random).map(|pause| pause.as_millis())
    }

    #[test]
    fn pauses_double_and_spread() {
        let busy = failed(ErrorClass::Overloaded);
        assert_eq!((ms(&busy, 1, 0.0), ms(&busy, 2, 0.0), ms(&busy, 3, 0.0)), (Some(500), Some(1_000), None));
        assert_eq!((ms(&busy, 1, 1.0), ms(&busy, 2, 1.0)), (Some(375), Some(750)));
    }

    #[test]
    fn the_providers_word_goes_first_as_long_as_it_fits_the_turn() {
        let asked_for = |seconds| ProviderError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..failed(ErrorClass::RateLimit)
        };
        assert_eq!(ms(&asked_for(3), 1, 0.5), Some(3_000));
        assert_eq!(ms(&asked_for(34), 1, 0.5), None);
        let never = ProviderError { should_retry: Some(false), ..failed(ErrorClass::Overloaded) };
        assert_eq!(ms(&never, 1, 0.0), None);
    }

    #[test]
    fn what_waiting_does_not_mend_is_not_asked_again() {
        for class in [
            ErrorClass::Auth,
            ErrorClass::Billing,
            ErrorClass::Invalid,
            ErrorClass::TooLong,
            ErrorClass::NotFound,
            ErrorClass::Safety,
            ErrorClass::Timeout(TimeoutKind::FirstToken),
            ErrorClass::Timeout(TimeoutKind::Total),
        ] {
            let error = ProviderError { retry_after: Some(Duration::ZERO), should_retry: Some(true), ..failed(class) };
            assert_eq!(ms(&error, 1, 0.0), None, "{class:?}");
        }
        assert!(ms(&failed(ErrorClass::Timeout(TimeoutKind::Connect)), 1, 0.0).is_some());
    }
}
