//! Prometheus metrics: base units, no tenant, shopper or conversation labels.

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::domain::outbox::SendOutcome;

/// Buckets for what should take milliseconds, in seconds.
const QUICK: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Buckets for what crosses the internet, in seconds.
const SLOW: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 300.0];
/// Buckets for rows of one commit.
const ROWS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Everything `/metrics` shows.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
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
}

impl Metrics {
    /// A registry with every metric at zero.
    ///
    /// # Errors
    /// When two metrics have the same name, which a test rules out.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("aura".into()), None)?;
        let counters = |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let seconds = |name: &str, help: &str| -> Result<Gauge, prometheus::Error> {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| -> Result<Histogram, prometheus::Error> {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok(histogram)
        };
        let conversations =
            IntGaugeVec::new(Opts::new("conversations_scheduled", "Conversations in the schedule"), &["state"])?;
        registry.register(Box::new(conversations.clone()))?;
        let bulk_work = IntGaugeVec::new(Opts::new("bulk_work", "Imports and catch-up in the bulk lane"), &["state"])?;
        registry.register(Box::new(bulk_work.clone()))?;
        let build = IntGaugeVec::new(Opts::new("build_info", "The running version"), &["version"])?;
        registry.register(Box::new(build.clone()))?;
        build.with_label_values(&[version]).set(1);
        Ok(Self {
            webhook_requests: counters("webhook_requests_total", "Webhook requests", "result")?,
            webhook_duration: histogram("webhook_duration_seconds", "Time to answer a webhook", &QUICK)?,
            inbox_duplicates: counter("inbox_duplicates_total", "Events that were here already")?,
            events_dropped: counters("events_dropped_total", "Events of accounts that are not the signer's", "kind")?,
            turns: counters("turns_total", "Turns", "outcome")?,
            writer_failures: counters("writer_failures_total", "Drafts that their writer did not bring", "reason")?,
            send_attempts: counters("send_attempts_total", "Attempts to send a reply", "outcome")?,
            outbox_unknown: counters("outbox_unknown_total", "Unknown outcomes resolved", "resolution")?,
            replies_cancelled: counter("replies_cancelled_total", "Replies taken out before sending")?,
            notify_attempts: counters("notify_attempts_total", "Attempts to tell people", "outcome")?,
            shed: counters("shed_total", "Requests turned away before they were durable", "reason")?,
            journal_commit_duration: histogram("journal_commit_duration_seconds", "Time of a journal commit", &QUICK)?,
            journal_batch_rows: histogram("journal_batch_rows", "Deliveries in a journal commit", &ROWS)?,
            journal_queue_wait: histogram("journal_queue_wait_seconds", "Wait for the journal's writer", &QUICK)?,
            reply_latency: histogram("reply_latency_seconds", "Time from queuing a reply to its being sent", &SLOW)?,
            journal_backlog: gauge("journal_backlog", "Deliveries that wait for dispatch")?,
            tenant_db_open: gauge("tenant_db_open", "Tenants' files open")?,
            audit_last_checkpoint: seconds(
                "audit_last_checkpoint_timestamp_seconds",
                "When the last signed checkpoint of the event chains was taken, in seconds since 1970; 0: none by this process",
            )?,
            conversations,
            bulk_work,
            registry,
        })
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
    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_and_renders() {
        let metrics = Metrics::new("1.2.3").expect("names are unique");
        metrics.turn("answered");
        let text = metrics.render().expect("it renders");
        assert!(text.contains("aura_turns_total{outcome=\"answered\"} 1"), "{text}");
        assert!(text.contains("aura_build_info{version=\"1.2.3\"} 1"), "{text}");
    }
}
