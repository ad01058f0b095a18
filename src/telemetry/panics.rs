//! A panic in the log: where it was, and nothing of what it says.

use std::panic;

/// From now on a panic of this process is one line of the log with its place and its thread. Its message is shown nowhere: it
/// may quote what a shopper wrote. What follows from the panic stays as it is.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(panic.location = place, thread.name = thread.name().unwrap_or_default(), "panicked");
    }));
}
