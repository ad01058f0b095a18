//! Structured logs on stderr: fields, one line per outcome. Text for people, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging for this process; a second call changes nothing. `json`: `None` decides by whether stderr is a terminal.
pub fn start_logs(level: &str, json: Option<bool>) {
    // Other crates speak up only when something is wrong with them.
    let filter = EnvFilter::new(format!("warn,aura={level}"));
    let json = json.unwrap_or_else(|| !std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().compact().with_writer(std::io::stderr)).try_init()
    };
    // Whoever started logging before (a test, an embedding program) keeps it.
    drop(started);
}
