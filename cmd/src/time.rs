//! The reader's own clock.

use aura::{api::Time, daemon::SystemClock, domain::Clock};

/// The present moment, by the reader's own clock.
pub fn now() -> Time {
    SystemClock.now().into()
}
