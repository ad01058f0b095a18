//! Moves deliveries from the journal into their tenants' files. Running it twice over the same delivery changes nothing.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use super::{App, Error};
use crate::{
    channel::instagram::event,
    domain::{
        TenantId, chain,
        channel::{AccountId, ChannelKind},
        inbound::InboundEvent,
    },
    store::{Arrival, Delivery, InboundRules, Settled},
};

/// Deliveries taken from the journal at once.
const BATCH_MAX: u32 = 256;
/// Wait before a batch that failed is tried again.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs until told to stop; a batch once begun is finished.
pub async fn run(app: App, stop: CancellationToken) {
    let mut arrivals = app.store.journal().arrivals();
    loop {
        match app.dispatch_waiting().await {
            Ok(0) => {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    changed = arrivals.changed() => if changed.is_err() { return },
                }
            }
            Ok(_) if stop.is_cancelled() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %chain(&error), "dispatch failed");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
        }
    }
}

impl App {
    /// Dispatches what waits, one batch; returns how many deliveries it held.
    pub async fn dispatch_waiting(&self) -> Result<usize, Error> {
        let waiting = self.store.journal().waiting(BATCH_MAX).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let mut settled = Settled { now: self.clock.now(), ..Settled::default() };
        let mut by_tenant: HashMap<TenantId, Vec<Arrival>> = HashMap::new();
        for delivery in &waiting {
            match self.sort(delivery, &mut by_tenant).await? {
                None => settled.done.push(delivery.id),
                Some(reason) => {
                    tracing::warn!(delivery.bytes = delivery.body.len(), reason, "delivery set aside as unreadable");
                    settled.unreadable.push((delivery.id, reason));
                }
            }
        }
        let tenants = by_tenant.into_iter().map(|(tenant, arrivals)| self.record(tenant, arrivals));
        for outcome in futures_util::future::join_all(tenants).await {
            outcome?;
        }
        self.store.journal().settle(settled).await?;
        Ok(waiting.len())
    }

    /// Parses a delivery and gives each event to the tenant it belongs to. Returns why it cannot be read, if so.
    async fn sort(
        &self,
        delivery: &Delivery,
        by_tenant: &mut HashMap<TenantId, Vec<Arrival>>,
    ) -> Result<Option<&'static str>, Error> {
        let accounts = self.accounts_owners().await?;
        let connected = |id: &str| accounts.contains_key(&AccountId(id.to_owned()));
        let parsed = event::parse_with(&delivery.body, delivery.received_at, &connected);
        for event in parsed.events {
            let owner = accounts.get(&event.account).copied();
            match (owner, delivery.scope) {
                (Some(owner), None) => push(by_tenant, owner, delivery, event),
                (Some(owner), Some(signer)) if owner == signer => push(by_tenant, owner, delivery, event),
                (owner, signer) => {
                    self.metrics.events_dropped.with_label_values(&[event.kind.name()]).inc();
                    tracing::info!(
                        account.id = %event.account, kind = event.kind.name(), account.known = owner.is_some(),
                        signer = signer.map(|tenant| tenant.to_string()), "event of an account that is not the signer's"
                    );
                }
            }
        }
        Ok(parsed.unreadable)
    }

    /// Records a tenant's events, with the wake hint durable before them.
    async fn record(&self, tenant: TenantId, arrivals: Vec<Arrival>) -> Result<(), Error> {
        let now = self.clock.now();
        let debounce_ms = i64::from(self.config.conversation.debounce_ms);
        let hold = self.wakes.hold(self.store.control(), tenant, now.plus_ms(debounce_ms)).await?;
        let store = match self.store.tenant(tenant).await {
            Ok(store) => store,
            // One damaged or newer file stops its tenant only; its deliveries wait in the log of errors, not in a loop.
            Err(error) => {
                tracing::error!(tenant.id = %tenant, error = %chain(&error), "tenant's file cannot be opened");
                return Err(error.into());
            }
        };
        let count = arrivals.len();
        let rules = InboundRules {
            channel: ChannelKind::Instagram,
            debounce_ms,
            own_app_id: self.config.meta.app_id.clone(),
            now,
        };
        let report = store.record_inbound(arrivals, rules).await?;
        drop(hold);
        self.metrics.inbox_duplicates.inc_by(report.duplicates.into());
        tracing::debug!(tenant.id = %tenant, events = count, new = report.new, "events recorded");
        self.work.wake(tenant, now);
        Ok(())
    }
}

fn push(by_tenant: &mut HashMap<TenantId, Vec<Arrival>>, owner: TenantId, delivery: &Delivery, event: InboundEvent) {
    by_tenant.entry(owner).or_default().push(Arrival { event, received_at: delivery.received_at, recovered: false });
}
