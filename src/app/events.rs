//! Following the event logs: what happened, with the text joined in for people to read.

use std::collections::HashMap;

use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{App, Error, TenantCtx};
use crate::domain::{
    MessageId, OutboxId, Timestamp,
    event::{Event, EventKind},
    tenant::Tenant,
};

/// Events read at once.
const PAGE: u32 = 500;
/// How often followers look when nothing has woken them: another process may have written.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// From this moment; `None`: from now when following, else all.
    pub since: Option<Timestamp>,
    /// These kinds; empty: all.
    pub kinds: Vec<EventKind>,
    /// Whether to go on with what happens from now on.
    pub follow: bool,
}

/// An event of a tenant, as people read it.
#[derive(Clone, Debug)]
pub struct EventView {
    /// Whose.
    pub tenant: Tenant,
    /// What happened.
    pub event: Event,
    /// The words it is about, where there are any and they have not been erased.
    pub text: Option<String>,
}

struct Tail {
    app: App,
    /// `None`: every tenant.
    only: Option<Tenant>,
    filter: EventFilter,
    positions: HashMap<crate::domain::TenantId, i64>,
    pages: std::collections::VecDeque<EventView>,
    woken: tokio::sync::watch::Receiver<u64>,
    started: Timestamp,
}

impl App {
    /// Events of one tenant.
    pub fn events_of(&self, tenant: &TenantCtx, filter: EventFilter) -> BoxStream<'static, Result<EventView, Error>> {
        self.tail(Some(tenant.tenant().clone()), filter)
    }

    /// Events of every tenant, for the operator.
    pub fn events_of_all(&self, filter: EventFilter) -> BoxStream<'static, Result<EventView, Error>> {
        self.tail(None, filter)
    }

    fn tail(&self, only: Option<Tenant>, filter: EventFilter) -> BoxStream<'static, Result<EventView, Error>> {
        let tail = Tail {
            app: self.clone(),
            only,
            filter,
            positions: HashMap::new(),
            pages: std::collections::VecDeque::new(),
            woken: self.live.events.subscribe(),
            started: self.clock.now(),
        };
        stream::try_unfold(tail, |mut tail| async move { Ok(tail.next().await?.map(|event| (event, tail))) }).boxed()
    }
}

impl Tail {
    async fn next(&mut self) -> Result<Option<EventView>, Error> {
        loop {
            if let Some(event) = self.pages.pop_front() {
                return Ok(Some(event));
            }
            self.woken.borrow_and_update();
            self.read_all().await?;
            if self.pages.is_empty() {
                if !self.filter.follow {
                    return Ok(None);
                }
                // A timeout is as good as a wake: both mean "look again".
                drop(tokio::time::timeout(LOOK_AGAIN, self.woken.changed()).await);
            }
        }
    }

    async fn read_all(&mut self) -> Result<(), Error> {
        let tenants = match &self.only {
            Some(tenant) => vec![tenant.clone()],
            None => self.app.store.control().tenants().await?,
        };
        for tenant in tenants {
            self.read(tenant).await?;
        }
        self.pages.make_contiguous().sort_by_key(|view| view.event.at);
        Ok(())
    }

    async fn read(&mut self, tenant: Tenant) -> Result<(), Error> {
        let store = match self.app.store.tenant(tenant.id).await {
            // Removed since it was listed.
            Err(crate::store::Error::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let position = match self.positions.get(&tenant.id) {
            Some(position) => *position,
            None => match self.filter.since {
                Some(since) => store.event_seq_at(since).await?,
                None if self.filter.follow => store.event_seq_at(self.started).await?,
                None => 0,
            },
        };
        let events = store.events_after(position, self.filter.kinds.clone(), PAGE).await?;
        self.positions.insert(tenant.id, events.last().map_or(position, |event| event.seq));
        for event in events {
            let text = text_of(&store, &event).await?;
            self.pages.push_back(EventView { tenant: tenant.clone(), event, text });
        }
        Ok(())
    }
}

/// Joins the words that an event is about. The log itself holds none.
async fn text_of(store: &crate::store::TenantStore, event: &Event) -> Result<Option<String>, Error> {
    let payload: serde_json::Value = serde_json::from_str(&event.payload)
        .map_err(|source| Error::Failed { message: "an event is not readable".into(), source: Some(source.into()) })?;
    let id = |name: &str| payload.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    if let Some(message) = id("message").and_then(|text| text.parse::<MessageId>().ok()) {
        return Ok(store.message_text(message).await?);
    }
    if let Some(row) = id("outbox").and_then(|text| text.parse::<OutboxId>().ok()) {
        return Ok(store.outbox_text(row).await?);
    }
    Ok(None)
}
