//! What the monitor knows of Aura, as far as it was told. Screens read it; only answers and events change it.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use aura::api::{self, Time};

use crate::{
    filter::Facts,
    rows::Rows,
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

    fn remove(&mut self, key: &K) {
        if self.kept.remove(key).is_some() {
            self.order.retain(|kept| kept != key);
        }
    }

    /// Takes one more; what had to go for it.
    #[must_use]
    fn put(&mut self, key: K, value: V) -> Option<K> {
        if self.kept.insert(key.clone(), value).is_some() {
            return None;
        }
        self.order.push_back(key);
        let oldest = if self.order.len() > KEPT_MAX { self.order.pop_front() } else { None };
        if let Some(oldest) = &oldest {
            self.kept.remove(oldest);
        }
        oldest
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
    pub rows: Rows,
    /// Shops whose conversations could not be read, with the reason.
    pub unread: BTreeMap<String, String>,
    /// Whether the inbox was read to its end.
    pub inbox_read: bool,
    /// Threads.
    pub threads: Shelf<Place, Thread>,
    /// What answers rest on, by conversation and run.
    pub turns: Shelf<(Place, String), api::TurnDetail>,
    /// Events, the oldest first.
    pub events: VecDeque<Seen>,
    /// Events that were seen since the start.
    pub events_seen: u64,
    /// The installation and its shops; another one whenever it was read.
    pub status: Option<Arc<api::Status>>,
    /// How models are; another one whenever it was read.
    pub health: Option<Arc<api::ModelHealth>>,
    /// Models of a shop.
    pub models: Shelf<String, api::Models>,
    /// What models cost.
    pub prices: Vec<api::ModelPrice>,
    /// The machine side.
    pub system: Option<api::System>,
    /// The newest check-up, and when it was read.
    pub doctor: Option<(Time, api::DoctorReport)>,
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
            rows: Rows::default(),
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
            doctor: None,
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
        // What had to make room is read again when somebody wants to see it.
        let gone = match (&load, answer) {
            (_, Answer::Inbox(lines)) => {
                lines.into_iter().for_each(|line| self.inbox_line(line));
                None
            }
            (_, Answer::InboxEnd) => {
                self.inbox_read = true;
                None
            }
            (Load::Rows(tenant, asked), Answer::Rows(rows)) => {
                self.reread(tenant, asked, rows);
                None
            }
            (Load::Thread(place, before), Answer::Thread(detail)) => {
                let gone = self.put_thread(place.clone(), before.is_some(), *detail);
                gone.map(|place| Load::Thread(place, None))
            }
            (Load::Turn(place, turn), Answer::Turn(detail)) => {
                self.turns.put((place.clone(), turn.clone()), *detail).map(|(place, turn)| Load::Turn(place, turn))
            }
            (_, Answer::Status(status)) => {
                self.status = Some(Arc::from(status));
                None
            }
            (_, Answer::Health(health)) => {
                self.health = Some(Arc::from(health));
                None
            }
            (Load::Models(tenant), Answer::Models(models)) => {
                self.models.put(tenant.clone(), *models).map(Load::Models)
            }
            (_, Answer::Prices(prices)) => {
                self.prices = prices;
                None
            }
            (_, Answer::Doctor(report)) => {
                self.doctor = Some((self.now, *report));
                None
            }
            (_, Answer::System(system)) => {
                self.system = Some(*system);
                None
            }
            (Load::Catalog(tenant), Answer::Catalog(catalog)) => {
                self.catalogs.put(tenant.clone(), *catalog).map(Load::Catalog)
            }
            (Load::Search(tenant, words), Answer::Search(result)) => {
                let gone = self.searches.put((tenant.clone(), words.clone()), *result);
                gone.map(|(tenant, words)| Load::Search(tenant, words))
            }
            (Load::Product(tenant, key), Answer::Product(product)) => {
                let gone = self.products.put((tenant.clone(), key.clone()), *product);
                gone.map(|(tenant, key)| Load::Product(tenant, key))
            }
            // A worker answers what it was asked for.
            (_, answer) => {
                never_asked(&answer);
                None
            }
        };
        match gone {
            Some(Load::Thread(gone, _)) => {
                self.loaded.retain(|load, _| !matches!(load, Load::Thread(place, _) if *place == gone));
            }
            Some(gone) => self.forget(&gone),
            None => {}
        }
    }

    /// Takes in conversations of a shop that were read again; one that was asked for and is not among them was erased.
    fn reread(&mut self, tenant: &str, asked: &[String], rows: Vec<api::Conversation>) {
        let erased = asked.iter().filter(|id| !rows.iter().any(|row| row.id == **id));
        for id in erased {
            let place = Place { tenant: tenant.to_owned(), id: id.clone() };
            self.rows.remove(&place);
            self.threads.remove(&place);
        }
        for conversation in rows {
            // What a thread shows is read again when its conversation has changed.
            let place = Place { tenant: tenant.to_owned(), id: conversation.id.clone() };
            self.loaded.remove(&Load::Thread(place.clone(), None));
            self.loaded.retain(|load, _| !matches!(load, Load::Turn(of, _) if *of == place));
            self.rows.put(conversation);
        }
    }

    fn inbox_line(&mut self, line: api::InboxLine) {
        match line {
            api::InboxLine::Conversation(row) => self.rows.put(*row),
            api::InboxLine::Skipped(skipped) => {
                self.unread.insert(skipped.tenant, skipped.skipped.message);
            }
        }
    }

    /// Takes in part of a thread; the place of the one that had to go for it.
    fn put_thread(&mut self, place: Place, older: bool, detail: api::ConversationDetail) -> Option<Place> {
        self.editions += 1;
        let (edition, has_more) = (self.editions, detail.has_more);
        self.rows.put(detail.conversation.clone());
        match self.threads.get_mut(&place) {
            Some(thread) if older => {
                let known: HashSet<String> = thread.detail.messages.iter().map(|one| one.id.clone()).collect();
                let new = detail.messages.into_iter().filter(|one| !known.contains(&one.id));
                let mut messages: Vec<_> = new.collect();
                messages.append(&mut thread.detail.messages);
                thread.detail.messages = messages;
                thread.has_more = has_more;
                thread.edition = edition;
                None
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
                None
            }
            None => self.threads.put(place, Thread { detail, has_more, edition }),
        }
    }
}

fn never_asked(answer: &Answer) {
    debug_assert!(false, "no question has this answer: {answer:?}");
}
