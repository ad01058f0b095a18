//! What the outside can see of a running Aura: logs and metrics. Never message text, tokens or keys.

mod logs;
mod metrics;
mod panics;

pub use logs::start_logs;
pub use metrics::{Described, Metrics, OUTBOX_STATES};
pub use panics::log_panics;
