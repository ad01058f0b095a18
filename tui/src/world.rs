//! What the monitor knows of Aura, as far as it was told. Screens read it; only answers and events change it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use aura::api::{self, Time};

use crate::{
    filter::Facts,
    work::{Answer, Incoming, Load, Place, Trouble},
};

/// Events that are kept for looking back.
const EVENTS_MAX: usize = 5_000;
/// How long a question rests that nobody answered.
const RETRY_MS: i64 = 2_000;
/// Threads, turns, searches and products that are kept.
const KEPT_MAX: usize = 64;

/// Whether Aura is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Not yet.
    #[default]
    Connecting,
    /// Events come in.
    Live,
    /// It is away; it is tried again.
    Lost(Trouble, Time),
    /// It will not come back for this monitor.
    Over(Trouble),
}

/// One conversation of the inbox.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where it is.
    pub place: Place,
    /// What is known of it.
    pub conversation: api::Conversation,
    words: String,
    cost_usd: Option<f64>,
}

impl Row {
    fn new(conversation: api::Conversation) -> Self {
        let tenant = &conversation.tenant;
        let name = conversation.shopper_name.as_deref().unwrap_or_default();
        let said = conversation.preview.as_ref().and_then(|preview| preview.text.as_deref()).unwrap_or_default();
        let label = conversation.label.as_deref().unwrap_or_default();
        let words = format!("{tenant} {name} {} {label} {said} {}", conversation.shopper_id, conversation.id);
        let cost_usd = conversation.cost_usd.parse().ok();
        let place = Place { tenant: tenant.clone(), id: conversation.id.clone() };
        Self { place, words: words.to_lowercase(), cost_usd, conversation }
    }

    /// What people call the shopper.
    #[must_use]
    pub fn shopper(&self) -> &str {
        self.conversation.shopper_name.as_deref().unwrap_or(&self.conversation.shopper_id)
    }

    /// The other person who has it; `None`: nobody, or whoever looks.
    #[must_use]
    pub fn other_holder(&self) -> Option<&api::Holder> {
        self.conversation.takeover.as_ref()?.holder.as_ref().filter(|holder| !holder.you)
    }

    /// Who of the shop has it, and who is responsible: `ana`, `@ben`, `ana @ben`.
    #[must_use]
    pub fn people(&self) -> String {
        let holder = self.conversation.takeover.as_ref().and_then(|takeover| takeover.holder.as_ref());
        let holder = holder.map(|holder| if holder.you { "you" } else { called(&holder.person) }.to_owned());
        let assignee = self.conversation.assignee.as_ref().map(|person| format!("@{}", called(person)));
        holder.into_iter().chain(assignee).collect::<Vec<_>>().join(" ")
    }

    /// One word for how it stands; what wants a person comes first.
    #[must_use]
    pub fn state(&self) -> &'static str {
        let conversation = &self.conversation;
        let waits = conversation.takeover.as_ref().is_some_and(|takeover| takeover.waiting_since.is_some());
        match conversation {
            _ if waits => "waiting",
            api::Conversation { draft: Some(_), .. } => "draft",
            api::Conversation { parked: Some(_), .. } => "parked",
            api::Conversation { takeover: Some(_), .. } => "person",
            api::Conversation { label: Some(_), .. } => "labelled",
            _ => "bot",
        }
    }
}

/// What people call a person of the shop.
#[must_use]
pub fn called(person: &api::Person) -> &str {
    person.name.as_deref().unwrap_or(crate::strings::GONE)
}

impl Facts for Row {
    fn words(&self) -> &str {
        &self.words
    }

    fn tenant(&self) -> Option<&str> {
        Some(&self.place.tenant)
    }

    fn assignee(&self) -> Option<&str> {
        self.conversation.assignee.as_ref()?.name.as_deref()
    }

    fn is(&self, state: &str) -> bool {
        self.state() == state
            || match state {
                "person" => self.conversation.takeover.is_some(),
                "open" => self.conversation.open_messages > 0,
                "labelled" => self.conversation.label.is_some(),
                _ => false,
            }
    }

    fn at(&self) -> Option<Time> {
        Some(self.conversation.last_message_at)
    }

    fn cost_usd(&self) -> Option<f64> {
        self.cost_usd
    }
}

/// A thread as far as it was read.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The conversation with its newest messages, oldest first.
    pub detail: api::ConversationDetail,
    /// Whether there are older ones.
    pub has_more: bool,
    /// Counts up with every change, so that what was made of it knows when it is old.
    pub edition: u64,
}

/// An event with what a filter wants to know of it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The event.
    pub event: api::Event,
    words: String,
}

impl Seen {
    fn new(event: api::Event) -> Self {
        let fields: Vec<String> = event.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = event.text.as_deref().unwrap_or_default();
        let words = format!("{} {} {} {text} {}", event.tenant, event.kind, event.actor, fields.join(" "));
        Self { words: words.to_lowercase(), event }
    }

    /// What it cost, in dollars, where it tells of a model's call.
    #[must_use]
    pub fn dollars(&self) -> Option<f64> {
        let picos = self.event.fields.get("cost_pico")?.as_i64()?;
        #[expect(clippy::cast_precision_loss, reason = "shown and compared only")]
        Some(picos as f64 / 1e12)
    }
}

impl Facts for Seen {
    fn words(&self) -> &str {
        &self.words
    }

    fn tenant(&self) -> Option<&str> {
        Some(&self.event.tenant)
    }

    fn is(&self, state: &str) -> bool {
        self.event.kind.starts_with(state) || self.event.actor == state
    }

    fn at(&self) -> Option<Time> {
        Some(self.event.at)
    }

    fn cost_usd(&self) -> Option<f64> {
        self.dollars()
    }
}

/// Things of one kind, the latest few of them.
#[derive(Debug)]
pub struct Shelf<K, V> {
    kept: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Clone + Eq + std::hash::Hash, V> Shelf<K, V> {
    /// The one of this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.kept.get_mut(key)
    }

    fn put(&mut self, key: K, value: V) {
        if self.kept.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
            if self.order.len() > KEPT_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.kept.remove(&oldest);
            }
        }
    }
}

/// Everything that is known.
#[derive(Debug)]
pub struct World {
    /// The moment, by the reader's clock.
    pub now: Time,
    /// Whether Aura is there.
    pub link: Link,
    /// Conversations by place.
    pub rows: HashMap<Place, Row>,
    /// Shops whose conversations could not be read, with the reason.
    pub unread: BTreeMap<String, String>,
    /// Whether the inbox was read to its end.
    pub inbox_read: bool,
    /// Threads.
    pub threads: Shelf<Place, Thread>,
    /// What answers rest on, by run.
    pub turns: Shelf<String, api::TurnDetail>,
    /// Events, the oldest first.
    pub events: VecDeque<Seen>,
    /// Events that were seen since the start.
    pub events_seen: u64,
    /// The installation and its shops.
    pub status: Option<api::Status>,
    /// How models are.
    pub health: Option<api::ModelHealth>,
    /// Models of a shop.
    pub models: Shelf<String, api::Models>,
    /// What models cost.
    pub prices: Vec<api::ModelPrice>,
    /// The machine side.
    pub system: Option<api::System>,
    /// Catalogues.
    pub catalogs: Shelf<String, api::CatalogStatus>,
    /// Hits by shop and words.
    pub searches: Shelf<(String, String), api::SearchResult>,
    /// Products by shop and id.
    pub products: Shelf<(String, String), api::Product>,
    loading: HashSet<Load>,
    loaded: HashMap<Load, Time>,
    troubles: HashMap<Load, Trouble>,
    stale: HashMap<String, HashSet<String>>,
    editions: u64,
}

impl World {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self {
            now,
            link: Link::default(),
            rows: HashMap::new(),
            unread: BTreeMap::new(),
            inbox_read: false,
            threads: Shelf::default(),
            turns: Shelf::default(),
            events: VecDeque::new(),
            events_seen: 0,
            status: None,
            health: None,
            models: Shelf::default(),
            prices: Vec::new(),
            system: None,
            catalogs: Shelf::default(),
            searches: Shelf::default(),
            products: Shelf::default(),
            loading: HashSet::new(),
            loaded: HashMap::new(),
            troubles: HashMap::new(),
            stale: HashMap::new(),
            editions: 0,
        }
    }

    /// Slugs of the shops, in the order of the status.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.status.iter().flat_map(|status| status.tenants.iter().map(|tenant| tenant.slug.as_str()))
    }

    /// Whether it is being read.
    #[must_use]
    pub fn is_loading(&self, load: &Load) -> bool {
        self.loading.contains(load)
    }

    /// Whether anything is being read.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.loading.is_empty()
    }

    /// Why it could not be read the last time.
    #[must_use]
    pub fn trouble(&self, load: &Load) -> Option<&Trouble> {
        self.troubles.get(load)
    }

    /// Whether `load` has to be asked for: never was, or longer ago than `every_ms`. Notes that it is asked for.
    pub fn wants(&mut self, load: &Load, every_ms: Option<i64>) -> bool {
        if self.loading.contains(load) {
            return false;
        }
        // What nobody answered is asked for again, but not without a pause.
        let unanswered = self.troubles.get(load).is_some_and(|trouble| trouble.away).then_some(RETRY_MS);
        let due = match (self.loaded.get(load), every_ms.or(unanswered)) {
            (None, _) => true,
            (Some(at), Some(every)) => self.now.0 - at.0 >= every,
            (Some(_), None) => false,
        };
        if due {
            self.loading.insert(load.clone());
            self.loaded.insert(load.clone(), self.now);
        }
        due
    }

    /// Lets this be read anew.
    pub fn forget(&mut self, load: &Load) {
        self.loaded.remove(load);
    }

    /// Somebody here has changed this conversation: it is read again.
    pub fn touch(&mut self, place: &Place) {
        self.stale.entry(place.tenant.clone()).or_default().insert(place.id.clone());
        self.forget(&Load::Thread(place.clone(), None));
    }

    /// Lets everything be read anew.
    pub fn forget_what_was_read(&mut self) {
        self.loaded.clear();
    }

    /// Conversations that events have named since the last time, at most `most` of each shop.
    pub fn take_stale(&mut self, most: usize) -> Vec<Load> {
        let mut loads = Vec::new();
        let under_way = |load: &Load, of: &str| matches!(load, Load::Rows(tenant, _) if tenant == of);
        for (tenant, ids) in &mut self.stale {
            // One question at a time of each shop: in a rush one answer covers many events.
            if self.loading.iter().any(|load| under_way(load, tenant)) {
                continue;
            }
            let mut wanted: Vec<String> = ids.iter().take(most).cloned().collect();
            wanted.sort_unstable();
            for id in &wanted {
                ids.remove(id);
            }
            loads.push(Load::Rows(tenant.clone(), wanted));
        }
        self.stale.retain(|_, ids| !ids.is_empty());
        for load in &loads {
            self.loading.insert(load.clone());
        }
        loads
    }

    /// Takes in what has come.
    pub fn take_in(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                // What happened meanwhile comes as events; what no event tells is read again.
                if matches!(self.link, Link::Lost(..)) {
                    self.forget_what_was_read();
                }
                self.link = Link::Live;
            }
            Incoming::Lost(trouble) if !matches!(self.link, Link::Lost(..)) => {
                self.link = Link::Lost(trouble, self.now);
            }
            Incoming::Lost(_) => {}
            Incoming::Over(trouble) => self.link = Link::Over(trouble),
            Incoming::Event(event) => self.happened(*event),
            Incoming::Loaded(load, answer) => self.loaded(load, answer),
            Incoming::NotLoaded(load, trouble) => {
                self.loading.remove(&load);
                self.troubles.insert(load, trouble);
            }
            Incoming::Done(..) | Incoming::NotDone(..) => {}
        }
    }

    fn happened(&mut self, event: api::Event) {
        self.events_seen += 1;
        if let Some(id) = event.fields.get("conversation").and_then(|id| id.as_str()) {
            self.stale.entry(event.tenant.clone()).or_default().insert(id.to_owned());
        }
        self.events.push_back(Seen::new(event));
        if self.events.len() > EVENTS_MAX {
            self.events.pop_front();
        }
    }

    fn loaded(&mut self, load: Load, answer: Answer) {
        self.troubles.remove(&load);
        let more_follows = matches!(answer, Answer::Inbox(_));
        if !more_follows {
            self.loading.remove(&load);
        }
        match (&load, answer) {
            (_, Answer::Inbox(lines)) => lines.into_iter().for_each(|line| self.inbox_line(line)),
            (_, Answer::InboxEnd) => self.inbox_read = true,
            (Load::Rows(tenant, _), Answer::Rows(rows)) => {
                let tenant = tenant.clone();
                for conversation in rows {
                    // What a thread shows is read again when its conversation has changed.
                    let place = Place { tenant: tenant.clone(), id: conversation.id.clone() };
                    self.loaded.remove(&Load::Thread(place.clone(), None));
                    self.loaded.retain(|load, _| !matches!(load, Load::Turn(of, _) if *of == place));
                    self.put_row(conversation);
                }
            }
            (Load::Thread(place, before), Answer::Thread(detail)) => {
                self.put_thread(place.clone(), before.is_some(), *detail);
            }
            (Load::Turn(_, turn), Answer::Turn(detail)) => self.turns.put(turn.clone(), *detail),
            (_, Answer::Status(status)) => self.status = Some(*status),
            (_, Answer::Health(health)) => self.health = Some(*health),
            (Load::Models(tenant), Answer::Models(models)) => self.models.put(tenant.clone(), *models),
            (_, Answer::Prices(prices)) => self.prices = prices,
            (_, Answer::System(system)) => self.system = Some(*system),
            (Load::Catalog(tenant), Answer::Catalog(catalog)) => self.catalogs.put(tenant.clone(), *catalog),
            (Load::Search(tenant, words), Answer::Search(result)) => {
                self.searches.put((tenant.clone(), words.clone()), *result);
            }
            (Load::Product(tenant, key), Answer::Product(product)) => {
                self.products.put((tenant.clone(), key.clone()), *product);
            }
            // A worker answers what it was asked for.
            (_, answer) => never_asked(&answer),
        }
    }

    fn inbox_line(&mut self, line: api::InboxLine) {
        match line {
            api::InboxLine::Conversation(row) => self.put_row(*row),
            api::InboxLine::Skipped(skipped) => {
                self.unread.insert(skipped.tenant, skipped.skipped.message);
            }
        }
    }

    fn put_row(&mut self, conversation: api::Conversation) {
        let row = Row::new(conversation);
        self.rows.insert(row.place.clone(), row);
    }

    fn put_thread(&mut self, place: Place, older: bool, detail: api::ConversationDetail) {
        self.editions += 1;
        let (edition, has_more) = (self.editions, detail.has_more);
        self.put_row(detail.conversation.clone());
        match self.threads.get_mut(&place) {
            Some(thread) if older => {
                let known: HashSet<String> = thread.detail.messages.iter().map(|one| one.id.clone()).collect();
                let new = detail.messages.into_iter().filter(|one| !known.contains(&one.id));
                let mut messages: Vec<_> = new.collect();
                messages.append(&mut thread.detail.messages);
                thread.detail.messages = messages;
                thread.has_more = has_more;
                thread.edition = edition;
            }
            Some(thread) => {
                // The newest again: what was read of older ones stays.
                let first = detail.messages.first().map(|one| one.id.clone());
                let cut = thread.detail.messages.iter().position(|one| Some(&one.id) == first.as_ref());
                let mut detail = detail;
                let kept_more = thread.has_more;
                if let Some(cut) = cut {
                    let mut messages: Vec<_> = thread.detail.messages.drain(..cut).collect();
                    let kept = !messages.is_empty();
                    messages.append(&mut detail.messages);
                    detail.messages = messages;
                    thread.has_more = if kept { kept_more } else { has_more };
                } else {
                    thread.has_more = has_more;
                }
                thread.detail = detail;
                thread.edition = edition;
            }
            None => self.threads.put(place, Thread { detail, has_more, edition }),
        }
    }
}

fn never_asked(answer: &Answer) {
    debug_assert!(false, "no question has this answer: {answer:?}");
}
