//! What the outside can see of a running Aura: logs and metrics. Never message text, tokens or keys.

mod logs;
mod memory;
mod metrics;
mod panics;

pub use logs::start_logs;
pub use memory::resident_bytes;
pub use metrics::{Described, Metrics, OUTBOX_STATES};
pub use panics::log_panics;
