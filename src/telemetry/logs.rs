//! Structured logs on stderr: fields, one line per outcome. Text for people, JSON for machines.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging for this process; a second call changes nothing. `json`: `None` decides by whether stderr is a terminal.
pub fn start_logs(level: &str, json: Option<bool>) {
    // Other crates speak up only when something is wrong with them.
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("aura", level);
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
