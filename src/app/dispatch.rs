//! Moves deliveries from the journal into their tenants' files. Running it twice over the same delivery changes nothing.

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{App, Error};
use crate::{
    channel::instagram::event,
    domain::{
        TenantId, chain,
        channel::{AccountId, ChannelKind},
    },
    fault,
    store::{self, Arrival, Delivery, InboundRules, Settled},
};

/// Deliveries taken from the journal at once.
const BATCH_MAX: u32 = 256;
/// Wait before what could not be dispatched is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Deliveries it held.
    pub deliveries: usize,
    /// The last of them: the next batch begins behind it.
    pub last: i64,
    /// Of these, still in the journal because a tenant's file could not take them.
    pub stuck: usize,
}

/// Runs until told to stop; a batch once begun is finished.
///
/// A tenant whose file cannot be written keeps its deliveries in the journal; the others' go on behind them.
pub async fn run(app: App, stop: CancellationToken) {
    let mut arrivals = app.store.journal().arrivals();
    let mut after = 0;
    let mut retry_at: Option<Instant> = None;
    loop {
        if retry_at.is_some_and(|at| at <= Instant::now()) {
            (after, retry_at) = (0, None);
        }
        let idle = match app.dispatch_waiting(after).await {
            Ok(done) => {
                if done.stuck > 0 {
                    retry_at.get_or_insert_with(|| Instant::now() + RETRY);
                }
                after = after.max(done.last);
                done.deliveries == 0
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "dispatch failed");
                retry_at.get_or_insert_with(|| Instant::now() + RETRY);
                true
            }
        };
        if stop.is_cancelled() {
            return;
        }
        if idle {
            let pause = retry_at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                changed = arrivals.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl App {
    /// Dispatches one batch of what waits behind `after`.
    pub async fn dispatch_waiting(&self, after: i64) -> Result<Dispatched, Error> {
        let waiting = self.store.journal().waiting(after, BATCH_MAX).await?;
        let Some(last) = waiting.last().map(|delivery| delivery.id) else { return Ok(Dispatched::default()) };
        let mut settled = Settled { now: self.clock.now(), ..Settled::default() };
        let mut by_tenant: HashMap<TenantId, Vec<Arrival>> = HashMap::new();
        let mut owners: Vec<(i64, HashSet<TenantId>)> = Vec::new();
        for delivery in &waiting {
            let (tenants, unreadable) = self.sort(delivery, &mut by_tenant).await?;
            match unreadable {
                None => owners.push((delivery.id, tenants)),
                Some(reason) => {
                    tracing::warn!(
                        request.id = delivery.request.map(tracing::field::display),
                        delivery.bytes = delivery.body.len(),
                        reason,
                        "delivery set aside as unreadable"
                    );
                    settled.unreadable.push((delivery.id, reason));
                }
            }
        }
        let failed = self.record_all(by_tenant).await;
        fault::point("before_settle");
        settled.done = owners.iter().filter(|(_, of)| of.is_disjoint(&failed)).map(|(id, _)| *id).collect();
        let stuck = owners.len() - settled.done.len();
        self.store.journal().settle(settled).await?;
        Ok(Dispatched { deliveries: waiting.len(), last, stuck })
    }

    /// Records what belongs to each tenant; returns those whose file could not take it.
    async fn record_all(&self, by_tenant: HashMap<TenantId, Vec<Arrival>>) -> HashSet<TenantId> {
        let tenants = by_tenant.into_iter().map(|(tenant, arrivals)| async move {
            let recorded = AssertUnwindSafe(self.record(tenant, arrivals)).catch_unwind().await;
            match recorded.unwrap_or_else(|_panic| Err(Error::panicked())) {
                // Removed since the account was looked up: there is nobody left to record it for.
                Ok(()) | Err(Error::Store(store::Error::NotFound { .. })) => None,
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, error = %chain(&error), "events could not be recorded");
                    Some(tenant)
                }
            }
        });
        futures_util::future::join_all(tenants).await.into_iter().flatten().collect()
    }

    /// Parses a delivery and gives each event to the tenant it belongs to. Returns these tenants, and why it cannot be
    /// read, if so.
    async fn sort(
        &self,
        delivery: &Delivery,
        by_tenant: &mut HashMap<TenantId, Vec<Arrival>>,
    ) -> Result<(HashSet<TenantId>, Option<&'static str>), Error> {
        let mut tenants = HashSet::new();
        let accounts = self.accounts_owners().await?;
        let connected = |id: &str| accounts.contains_key(&AccountId(id.to_owned()));
        // Whatever a body does to its reader: it comes back at every start, and must not keep the others waiting.
        let parse = AssertUnwindSafe(|| {
            fault::point("before_parse");
            event::parse_with(&delivery.body, delivery.received_at, &connected)
        });
        let Ok(parsed) = catch_unwind(parse) else {
            return Ok((tenants, Some("the reader panicked")));
        };
        for event in parsed.events {
            let owner = accounts.get(&event.account).copied();
            match (owner, delivery.scope) {
                (Some(owner), signer) if signer.is_none_or(|signer| signer == owner) => {
                    tenants.insert(owner);
                    let arrival = Arrival {
                        event,
                        received_at: delivery.received_at,
                        request: delivery.request,
                        recovered: false,
                    };
                    by_tenant.entry(owner).or_default().push(arrival);
                }
                (owner, signer) => {
                    self.metrics.events_dropped.with_label_values(&[event.kind.name()]).inc();
                    tracing::info!(
                        request.id = delivery.request.map(tracing::field::display), account.id = %event.account, kind = event.kind.name(), account.known = owner.is_some(),
                        signer = signer.map(|tenant| tenant.to_string()), "event of an account that is not the signer's"
                    );
                }
            }
        }
        Ok((tenants, parsed.unreadable))
    }

    /// Records a tenant's events, with the wake hint durable before them.
    async fn record(&self, tenant: TenantId, arrivals: Vec<Arrival>) -> Result<(), Error> {
        fault::point("before_record");
        let now = self.clock.now();
        let debounce_ms = i64::from(self.config.conversation.debounce_ms);
        let hold = self.wakes.hold(self.store.control(), tenant, now.plus_ms(debounce_ms)).await?;
        let store = self.store.tenant(tenant).await?;
        let count = arrivals.len();
        let rules = InboundRules {
            channel: ChannelKind::Instagram,
            debounce_ms,
            tombstones: Some(self.secrets.tombstones(tenant).await?),
            own_app_id: self.config.meta.app_id.clone(),
            now,
        };
        let report = store.record_inbound(arrivals, rules).await?;
        drop(hold);
        self.metrics.inbox_duplicates.inc_by(report.duplicates.into());
        tracing::debug!(tenant.id = %tenant, events = count, new = report.new, erased = report.erased, "events recorded");
        self.work.wake(tenant, now);
        Ok(())
    }
}
