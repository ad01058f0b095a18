//! Following the event logs: what happened, with the text joined in for people to read.
//!
//! A reader names the place in each log that it has read up to and gets all that follows, in the order of each log:
//! first what is there and then what comes. Logs are read when they grow (`store::Follower`), never to see whether they did.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};

use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{App, Caller, Error, Names, TenantCtx, tenants};
use crate::{
    domain::{
        MessageId, OutboxId, StaffId, TenantId, Timestamp, chain,
        event::{Event, Wanted},
        staff::{Doer, InvalidStaffName, STAFF},
        tenant::Tenant,
    },
    store::{self, Follower, TenantStore},
};

/// Events of one log read at once.
const PAGE: u32 = 500;
/// The fewest, however many logs are read.
const PAGE_MIN: u32 = 20;
/// Events held ready over all logs, about.
const HELD_MAX: usize = 20_000;
/// Logs read at once.
const LOGS_AT_ONCE: usize = 8;
/// How long a log that could not be read rests.
const REST: Duration = Duration::from_secs(5);

/// Which events, and from where on.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// From this moment; `None`: from now when following, else all.
    pub since: Option<Timestamp>,
    /// The last event read of each log; the logs of all others begin at `since`.
    pub after: HashMap<TenantId, i64>,
    /// Which of them.
    pub wanted: Wanted,
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
    /// What people call the one of the staff who did it, if that is still known.
    pub who: Option<String>,
    /// What people call the others of the staff whom it names.
    pub named: Vec<(StaffId, String)>,
}

/// Events, and where they begin.
pub struct Events {
    /// The moment at which the logs begin whose place was not named.
    pub since: Timestamp,
    /// In order within each log; over the logs by time, as far as they have happened.
    pub stream: BoxStream<'static, Result<EventView, Error>>,
}

impl App {
    /// Events of one tenant. Followed, they end when the tenant is removed.
    pub fn events_of(&self, tenant: &TenantCtx, filter: EventFilter) -> Events {
        self.tail(Whose::One(Box::new(tenant.clone())), filter)
    }

    /// Events of every tenant that the caller may see.
    pub fn events_of_all(&self, caller: &Caller, filter: EventFilter) -> Events {
        self.tail(Whose::AllOf(caller.clone()), filter)
    }

    fn tail(&self, whose: Whose, filter: EventFilter) -> Events {
        let since = match filter.since {
            Some(since) => since,
            None if filter.follow => self.clock.now(),
            None => Timestamp(0),
        };
        let tail = Tail {
            app: self.clone(),
            whose,
            filter,
            since,
            growth: None,
            logs: HashMap::new(),
            behind: HashSet::new(),
            failed: HashMap::new(),
            ready: BTreeSet::new(),
        };
        let stream =
            stream::try_unfold(tail, |mut tail| async move { Ok(tail.next().await?.map(|event| (event, tail))) });
        Events { since, stream: stream.boxed() }
    }
}

/// Whose logs are read.
enum Whose {
    One(Box<TenantCtx>),
    AllOf(Caller),
}

/// One reader of logs.
struct Tail {
    app: App,
    whose: Whose,
    filter: EventFilter,
    since: Timestamp,
    /// `None`: not begun.
    growth: Option<Follower>,
    logs: HashMap<TenantId, Log>,
    /// Logs that may hold more than has been read of them, and of which nothing is held.
    behind: HashSet<TenantId>,
    /// Logs that could not be read, and why; they rest.
    failed: HashMap<TenantId, Error>,
    /// Logs of which something is held, by the time of its first event.
    ready: BTreeSet<(Timestamp, TenantId)>,
}

/// What is known of one log.
struct Log {
    tenant: Tenant,
    /// Read up to here; `None`: not begun.
    position: Option<i64>,
    held: VecDeque<EventView>,
    /// It may go on behind what is held.
    more: bool,
    /// The latest time of its events so far: a clock that went back does not change their order.
    latest: Timestamp,
}

impl Tail {
    async fn next(&mut self) -> Result<Option<EventView>, Error> {
        loop {
            self.look().await?;
            self.read_behind().await?;
            if let Some(event) = self.pop() {
                return Ok(Some(event));
            }
            if self.logs.is_empty() && self.is_of_one() {
                return Ok(None);
            }
            if !self.filter.follow {
                // What could be read was handed out before.
                return self.failed.drain().next().map_or(Ok(None), |(_, error)| Err(error));
            }
            self.wait().await;
        }
    }

    /// Takes note of logs that have grown, and of tenants that have come.
    async fn look(&mut self) -> Result<(), Error> {
        let Some(growth) = &mut self.growth else { return self.begin().await };
        let grown = growth.grown();
        if !self.is_of_one() && grown.iter().any(|tenant| !self.logs.contains_key(tenant)) {
            for tenant in self.tenants().await? {
                self.know(tenant);
            }
        }
        for tenant in grown {
            match self.logs.get_mut(&tenant) {
                Some(log) if log.held.is_empty() => _ = self.behind.insert(tenant),
                Some(log) => log.more = true,
                // Another's than the one that is read, or gone already.
                None => {}
            }
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Error> {
        if let Some(name) = self.filter.wanted.actor.as_deref().and_then(|actor| actor.strip_prefix("staff:")) {
            let name = name
                .parse()
                .map_err(|error: InvalidStaffName| Error::Invalid { message: error.to_string(), hint: None })?;
            self.filter.wanted.staff = Some(self.app.staff_named(&name).await?.id);
            self.filter.wanted.actor = None;
        }
        let mut growth = self.app.store.follow();
        let grown: HashSet<_> = growth.grown().into_iter().collect();
        self.growth = Some(growth);
        let tenants = self.tenants().await?;
        // A log that has not grown since the process began holds nothing that is newer than that.
        let all = self.since < self.app.live.started_at;
        for tenant in tenants {
            let id = tenant.id;
            self.know(tenant);
            if all || grown.contains(&id) || self.filter.after.contains_key(&id) {
                self.behind.insert(id);
            }
        }
        Ok(())
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        Ok(match &self.whose {
            Whose::One(ctx) => vec![ctx.tenant().clone()],
            Whose::AllOf(caller) => tenants::list(caller, self.app.store.control()).await?,
        })
    }

    const fn is_of_one(&self) -> bool {
        matches!(self.whose, Whose::One(_))
    }

    fn know(&mut self, tenant: Tenant) {
        let position = self.filter.after.get(&tenant.id).copied();
        let log = Log { tenant, position, held: VecDeque::new(), more: false, latest: Timestamp(0) };
        self.logs.entry(log.tenant.id).or_insert(log);
    }

    /// Reads of every log that is behind, so that the earliest event of all is among those held.
    async fn read_behind(&mut self) -> Result<(), Error> {
        while !self.behind.is_empty() {
            let rows = u32::try_from(HELD_MAX / self.logs.len().max(1)).unwrap_or(PAGE).clamp(PAGE_MIN, PAGE);
            let behind: Vec<_> = self.behind.drain().collect();
            let reads = behind.into_iter().filter_map(|id| Some((id, self.logs.get(&id)?))).map(|(id, log)| {
                let (app, since, wanted) = (self.app.clone(), self.since, self.filter.wanted.clone());
                let (tenant, position) = (log.tenant.clone(), log.position);
                async move { (id, read(&app, tenant, position, since, wanted, rows).await) }
            });
            let read: Vec<_> = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(LOGS_AT_ONCE).collect().await;
            for (id, read) in read {
                self.take(id, read)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, id: TenantId, read: Result<Option<Read>, Error>) -> Result<(), Error> {
        let Some(log) = self.logs.get_mut(&id) else { return Ok(()) };
        match read {
            Ok(Some(Read { events, after, more })) => {
                self.failed.remove(&id);
                log.position = Some(after);
                log.held.extend(events);
                log.more = more;
                match log.due() {
                    Some(due) => _ = self.ready.insert((due, id)),
                    // Nothing of it was wanted.
                    None if more => _ = self.behind.insert(id),
                    None => {}
                }
            }
            // Removed since it was listed.
            Ok(None) => {
                self.logs.remove(&id);
                self.failed.remove(&id);
            }
            Err(error) if self.is_of_one() => return Err(error),
            Err(error) => {
                if !self.failed.contains_key(&id) {
                    tracing::warn!(tenant.id = %id, error = %chain(&error), "followers of events read on without a tenant");
                }
                self.failed.insert(id, error);
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<EventView> {
        let (due, id) = self.ready.pop_first()?;
        let log = self.logs.get_mut(&id)?;
        log.latest = due;
        let event = log.held.pop_front()?;
        match log.due() {
            Some(due) => _ = self.ready.insert((due, id)),
            None if log.more => _ = self.behind.insert(id),
            None => {}
        }
        Some(event)
    }

    /// Until a log has grown, or one that could not be read may be read again.
    async fn wait(&mut self) {
        let Some(growth) = &mut self.growth else { return };
        if self.failed.is_empty() {
            return growth.wait().await;
        }
        // Whichever comes first: both mean "look again".
        drop(tokio::time::timeout(REST, growth.wait()).await);
        self.behind.extend(self.failed.keys());
    }
}

impl Log {
    /// When its next event is handed out, among those of all logs.
    fn due(&self) -> Option<Timestamp> {
        self.held.front().map(|view| view.event.at.max(self.latest))
    }
}

/// A piece of a log.
struct Read {
    events: Vec<EventView>,
    after: i64,
    more: bool,
}

/// Reads on in a log; `None`: the tenant is gone.
async fn read(
    app: &App,
    tenant: Tenant,
    position: Option<i64>,
    since: Timestamp,
    wanted: Wanted,
    rows: u32,
) -> Result<Option<Read>, Error> {
    // A look at one log after another leaves those closed that were.
    let store = match app.store.visit_tenant(tenant.id).await {
        Err(store::Error::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let position = match position {
        Some(position) => position,
        None => store.event_seq_at(since).await?,
    };
    let page = store.events_after(position, wanted, rows).await?;
    let by_staff = page.events.iter().any(|event| event.actor == STAFF || event.payload.contains(StaffId::PREFIX));
    let names = if by_staff { app.names().await? } else { Names::default() };
    let mut events = Vec::with_capacity(page.events.len());
    for event in page.events {
        let Joined { text, staff, others } = joined(&store, &event).await?;
        let who = staff.and_then(|id| names.of(Doer::Staff(id))).map(str::to_owned);
        let named = |id| Some((id, names.of(Doer::Staff(id))?.to_owned()));
        let named = others.into_iter().filter_map(named).collect();
        events.push(EventView { tenant: tenant.clone(), event, text, who, named });
    }
    Ok(Some(Read { events, after: page.after, more: page.more }))
}

/// What the log itself does not hold.
#[derive(Default)]
struct Joined {
    text: Option<String>,
    staff: Option<StaffId>,
    others: Vec<StaffId>,
}

/// Fields that name one of the staff beside the one who did it.
const OTHERS: [&str; 2] = ["assignee", "from"];

/// Joins the words that an event is about, and who of the staff it is about.
async fn joined(store: &TenantStore, event: &Event) -> Result<Joined, Error> {
    let payload: serde_json::Value = serde_json::from_str(&event.payload)
        .map_err(|source| Error::Failed { message: "an event is not readable".into(), source: Some(source.into()) })?;
    let id = |name: &str| payload.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let staff = id(STAFF).and_then(|text| text.parse().ok());
    let text = if let Some(message) = id("message").and_then(|text| text.parse::<MessageId>().ok()) {
        store.message_text(message).await?
    } else if let Some(row) = id("outbox").and_then(|text| text.parse::<OutboxId>().ok()) {
        store.outbox_text(row).await?
    } else {
        None
    };
    let others = OTHERS.iter().filter_map(|name| id(name)?.parse().ok()).collect();
    Ok(Joined { text, staff, others })
}
