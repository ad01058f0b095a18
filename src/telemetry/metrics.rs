//! Prometheus metrics: base units, no tenant, shopper or conversation labels.

use std::{cell::RefCell, time::Duration};

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::domain::outbox::SendOutcome;

/// Buckets for what should take milliseconds, in seconds.
const QUICK: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Buckets for what crosses the internet, in seconds.
const SLOW: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 300.0];
/// How a webhook request can end.
pub const WEBHOOK_RESULTS: [&str; 5] = ["accepted", "unauthorized", "too_large", "incomplete", "unavailable"];
/// The states of replies that are not done with.
pub const OUTBOX_STATES: [&str; 4] = ["pending", "sending", "unknown", "held"];
/// The stages of a turn.
pub const TURN_STAGES: [&str; 4] = ["begin", "answer", "commit", "send"];

/// Buckets for opening a file, in seconds.
const OPENING: [f64; 8] = [0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1.0];
/// Buckets for rows of one commit.
const ROWS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What a metric is, for the list in `docs/metrics.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// With the prefix.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its label, if it has one.
    pub label: Option<String>,
    /// What it tells.
    pub help: String,
}

/// Everything `/metrics` shows.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<Described>,
    /// Webhook requests by result.
    pub webhook_requests: IntCounterVec,
    /// Time from a webhook's headers to its answer, seconds.
    pub webhook_duration: Histogram,
    /// Events that were here already.
    pub inbox_duplicates: IntCounter,
    /// Events of accounts that are not connected here, or not the signer's, by kind.
    pub events_dropped: IntCounterVec,
    /// Turns by outcome.
    pub turns: IntCounterVec,
    /// Drafts that their writer did not bring, by reason; the built-in composer wrote them.
    pub writer_failures: IntCounterVec,
    /// Tries of a model that gave no answer, by reason.
    pub model_misses: IntCounterVec,
    /// Calls of tools by models, by the tool's name, or `wrong` where one could not be performed.
    pub tool_calls: IntCounterVec,
    /// Attempts to send by outcome.
    pub send_attempts: IntCounterVec,
    /// Unknown outcomes by how they were resolved.
    pub outbox_unknown: IntCounterVec,
    /// Replies taken out before sending.
    pub replies_cancelled: IntCounter,
    /// Attempts to tell people by outcome.
    pub notify_attempts: IntCounterVec,
    /// Requests turned away before they were durable, by reason.
    pub shed: IntCounterVec,
    /// Time of a journal commit with its sync, seconds.
    pub journal_commit_duration: Histogram,
    /// Deliveries in a journal commit.
    pub journal_batch_rows: Histogram,
    /// Time that an accepted delivery waited for the journal's writer, seconds.
    pub journal_queue_wait: Histogram,
    /// Time from queuing a reply to the channel's having it, seconds.
    pub reply_latency: Histogram,
    /// Deliveries that wait for dispatch.
    pub journal_backlog: IntGauge,
    /// Tenants' files open.
    pub tenant_db_open: IntGauge,
    /// When the last checkpoint of the chains was taken, seconds since 1970.
    pub audit_last_checkpoint: Gauge,
    /// Conversations by where they are in the schedule.
    pub conversations: IntGaugeVec,
    /// Pieces of bulk work (imports, catch-up) that wait, and those under way.
    pub bulk_work: IntGaugeVec,
    /// Time of a turn's stages, seconds.
    pub turn_stage_duration: HistogramVec,
    /// Replies not done with, by state.
    pub outbox_messages: IntGaugeVec,
    /// When the oldest message came that is not dealt with, seconds since 1970.
    pub inbox_oldest_pending: Gauge,
    /// Time to open a tenant's file, seconds.
    pub tenant_db_open_duration: Histogram,
    /// Bytes free on the data directory's disk.
    pub disk_free_bytes: IntGauge,
    /// Accepted messages that nobody would answer.
    pub conservation_gap: IntGauge,
}

impl Metrics {
    /// A registry with every metric at zero.
    ///
    /// # Errors
    /// When two metrics have the same name, which a test rules out.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("aura".into()), None)?;
        let described = RefCell::new(Vec::new());
        let describe = |name: &str, kind: &'static str, label: Option<&str>, help: &str| {
            let (name, label) = (format!("aura_{name}"), label.map(str::to_owned));
            described.borrow_mut().push(Described { name, kind, label, help: help.to_owned() });
        };
        let counters = |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            describe(name, "counter", Some(label), help);
            Ok(counter)
        };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            describe(name, "counter", None, help);
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            describe(name, "gauge", None, help);
            Ok(gauge)
        };
        let gauges = |name: &str, help: &str, label: &str| -> Result<IntGaugeVec, prometheus::Error> {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(gauge.clone()))?;
            describe(name, "gauge", Some(label), help);
            Ok(gauge)
        };
        let seconds = |name: &str, help: &str| -> Result<Gauge, prometheus::Error> {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            describe(name, "gauge", None, help);
            Ok(gauge)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| -> Result<Histogram, prometheus::Error> {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            describe(name, "histogram", None, help);
            Ok(histogram)
        };
        let histograms =
            |name: &str, help: &str, label: &str, buckets: &[f64]| -> Result<HistogramVec, prometheus::Error> {
                let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[label])?;
                registry.register(Box::new(histogram.clone()))?;
                describe(name, "histogram", Some(label), help);
                Ok(histogram)
            };
        let build = gauges("build_info", "The running version; always 1", "version")?;
        build.with_label_values(&[version]).set(1);
        let metrics = Self {
            webhook_requests: counters(
                "webhook_requests_total",
                "Webhook requests by how they ended; unavailable ones come again",
                "result",
            )?,
            webhook_duration: histogram(
                "webhook_duration_seconds",
                "Time from a webhook's headers to its answer, with the sync of the journal",
                &QUICK,
            )?,
            inbox_duplicates: counter(
                "inbox_duplicates_total",
                "Events that were here already: the sender repeats what it is unsure of",
            )?,
            events_dropped: counters(
                "events_dropped_total",
                "Events of accounts that are not connected here, or not the signer's, by kind",
                "kind",
            )?,
            turns: counters(
                "turns_total",
                "Turns by outcome: answered, handed_over, suppressed, superseded",
                "outcome",
            )?,
            writer_failures: counters("writer_failures_total", "Drafts that their writer did not bring", "reason")?,
            model_misses: counters("model_misses_total", "Tries of a provider's model that gave no answer", "reason")?,
            tool_calls: counters("tool_calls_total", "Calls of tools by models: the tool, or wrong", "tool")?,
            send_attempts: counters("send_attempts_total", "Attempts to send a reply by outcome", "outcome")?,
            outbox_unknown: counters(
                "outbox_unknown_total",
                "Replies whose arrival was not known, by how that was resolved; retried_blind may have arrived twice",
                "resolution",
            )?,
            replies_cancelled: counter(
                "replies_cancelled_total",
                "Replies taken out before sending: the window closed, or the account is not connected",
            )?,
            notify_attempts: counters(
                "notify_attempts_total",
                "Attempts to tell people of a shop, by outcome",
                "outcome",
            )?,
            shed: counters("shed_total", "Requests turned away before they were durable, by reason", "reason")?,
            journal_commit_duration: histogram(
                "journal_commit_duration_seconds",
                "Time of a journal commit with its sync: the disk's speed",
                &QUICK,
            )?,
            journal_batch_rows: histogram(
                "journal_batch_rows",
                "Deliveries in a journal commit: how many share one sync",
                &ROWS,
            )?,
            journal_queue_wait: histogram(
                "journal_queue_wait_seconds",
                "Wait of accepted deliveries for the journal's writer; by this wait deliveries are turned away",
                &QUICK,
            )?,
            reply_latency: histogram(
                "reply_latency_seconds",
                "Time from queuing a reply to the channel's having it",
                &SLOW,
            )?,
            journal_backlog: gauge(
                "journal_backlog",
                "Deliveries that are durable and wait for dispatch into their tenants' files",
            )?,
            tenant_db_open: gauge("tenant_db_open", "Tenants' files that are open")?,
            audit_last_checkpoint: seconds(
                "audit_last_checkpoint_timestamp_seconds",
                "When the last signed checkpoint of the event chains was taken, in seconds since 1970; 0: none by this process",
            )?,
            conversations: gauges(
                "conversations_scheduled",
                "Conversations in the schedule: ready for a worker, or with one (active)",
                "state",
            )?,
            bulk_work: gauges(
                "bulk_work",
                "Imports, catch-up, sweeps and audits in the bulk lane: waiting, or running",
                "state",
            )?,
            turn_stage_duration: histograms(
                "turn_stage_duration_seconds",
                "Time of a turn's stages: begin (reading), look (at pictures, for a writer that does not see), answer (making, looking included), commit (durable), send (one reply's call)",
                "stage",
                &QUICK,
            )?,
            outbox_messages: gauges(
                "outbox_messages",
                "Replies not done with, by state, as of the last look into each tenant's file; held ones wait for a person",
                "state",
            )?,
            inbox_oldest_pending: seconds(
                "inbox_oldest_pending_timestamp_seconds",
                "When the oldest message came that the assistant has yet to deal with, in seconds since 1970; 0: none",
            )?,
            tenant_db_open_duration: histogram(
                "tenant_db_open_duration_seconds",
                "Time to open a tenant's file, migrations included",
                &OPENING,
            )?,
            disk_free_bytes: gauge("disk_free_bytes", "Bytes free for Aura on the data directory's disk")?,
            conservation_gap: gauge(
                "conservation_gap",
                "Accepted messages that nobody would answer, as of the last hourly count; anything but 0 is a fault",
            )?,
            described: described.borrow().clone(),
            registry: registry.clone(),
        };
        // Series that exist from the start can be alerted on before the first of them happens.
        for result in WEBHOOK_RESULTS {
            metrics.webhook_requests.with_label_values(&[result]);
        }
        for state in OUTBOX_STATES {
            metrics.outbox_messages.with_label_values(&[state]);
        }
        for stage in TURN_STAGES {
            metrics.turn_stage_duration.with_label_values(&[stage]);
        }
        Ok(metrics)
    }

    /// Every metric there is, in the order of their names.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        let mut described = self.described.clone();
        described.sort_by(|one, other| one.name.cmp(&other.name));
        described
    }

    /// Measures a stage of a turn.
    pub fn stage(&self, stage: &str, took: Duration) {
        self.turn_stage_duration.with_label_values(&[stage]).observe(took.as_secs_f64());
    }

    /// Counts a finished turn.
    pub fn turn(&self, outcome: &str) {
        self.turns.with_label_values(&[outcome]).inc();
    }

    /// Counts an attempt to send.
    pub fn attempt(&self, outcome: &SendOutcome) {
        self.send_attempts.with_label_values(&[outcome.as_str()]).inc();
    }

    /// The text that Prometheus scrapes.
    ///
    /// # Errors
    /// When a metric cannot be written as text.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, path::Path};

    use super::*;

    /// Names that `docs/metrics.md` has to have, as it has to have them.
    fn table() -> String {
        let metrics = Metrics::new("1.2.3").expect("names are unique");
        let mut text = String::from("| metric | type | label | what it tells |\n|---|---|---|---|\n");
        for metric in metrics.described() {
            let label = metric.label.map(|label| format!("`{label}`")).unwrap_or_default();
            writeln!(text, "| `{}` | {} | {label} | {} |", metric.name, metric.kind, metric.help).expect("a string");
        }
        text
    }

    #[test]
    fn the_list_in_the_docs_is_fresh() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        let docs = std::fs::read_to_string(&path).expect("docs/metrics.md is there");
        let (before, rest) = docs.split_once("<!-- metrics -->\n").expect("the list's place is marked");
        let (listed, after) = rest.split_once("<!-- /metrics -->").expect("the list's end is marked");
        if std::env::var_os("INSTA_UPDATE").is_some_and(|wish| wish == "always") {
            let fresh = format!("{before}<!-- metrics -->\n{}<!-- /metrics -->{after}", table());
            std::fs::write(&path, fresh).expect("written");
        } else {
            assert_eq!(listed, table(), "run this test with INSTA_UPDATE=always");
        }
    }

    #[test]
    fn what_is_described_is_what_is_exported() {
        let metrics = Metrics::new("1.2.3").expect("names are unique");
        let described = metrics.described();
        for family in metrics.registry.gather() {
            let known = described.iter().find(|metric| metric.name == family.name());
            assert!(known.is_some_and(|metric| metric.help == family.help()), "{}", family.name());
        }
        let units = ["_total", "_seconds", "_bytes", "_info"];
        let of_rows = ["_rows", "_backlog", "_open", "_scheduled", "_messages", "_gap", "_work"];
        for Described { name, label, .. } in described {
            assert!(units.iter().chain(&of_rows).any(|end| name.ends_with(end)), "{name} does not say its unit");
            // What is counted by tenant, shopper or conversation has no bound and tells on people.
            let label = label.unwrap_or_default();
            assert!(!["tenant", "account", "shopper", "user", "conversation"].contains(&label.as_str()), "{name}");
        }
    }

    #[test]
    fn every_metric_has_a_name_of_its_own_and_renders() {
        let metrics = Metrics::new("1.2.3").expect("names are unique");
        metrics.turn("answered");
        let text = metrics.render().expect("it renders");
        assert!(text.contains("aura_turns_total{outcome=\"answered\"} 1"), "{text}");
        assert!(text.contains("aura_build_info{version=\"1.2.3\"} 1"), "{text}");
    }
}
