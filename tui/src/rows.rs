//! The conversations that are known, and which of them have changed since somebody looked: a list of ten thousand is not
//! made anew because of one.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use aura::api::{self, Time};

use crate::{filter::Facts, work::Place};

/// Changes that are remembered; whoever has missed more of them starts over.
const CHANGES_MAX: usize = 4_096;

/// One conversation of the inbox.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where it is.
    pub place: Place,
    /// What is known of it.
    pub conversation: api::Conversation,
    words: String,
    name: String,
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
        let name = conversation.shopper_name.as_ref().unwrap_or(&conversation.shopper_id).to_lowercase();
        Self { place, words: words.to_lowercase(), name, cost_usd, conversation }
    }

    /// What people call the shopper.
    #[must_use]
    pub fn shopper(&self) -> &str {
        self.conversation.shopper_name.as_deref().unwrap_or(&self.conversation.shopper_id)
    }

    /// The same in lower case, to be sorted by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The other person who has it; `None`: nobody, or whoever looks.
    #[must_use]
    pub fn other_holder(&self) -> Option<&api::Holder> {
        self.conversation.takeover.as_ref()?.holder.as_ref().filter(|holder| !holder.you)
    }

    /// Whether somebody of the shop has it, or is responsible.
    #[must_use]
    pub fn has_people(&self) -> bool {
        let conversation = &self.conversation;
        conversation.assignee.is_some() || conversation.takeover.as_ref().is_some_and(|one| one.holder.is_some())
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

/// All rows by place.
#[derive(Debug, Default)]
pub struct Rows {
    by_place: HashMap<Place, Arc<Row>>,
    /// The newest changes, the newest last.
    changed: VecDeque<Place>,
    /// How many changes there have been.
    edition: u64,
}

/// What is new since an edition.
#[derive(Debug)]
pub enum News {
    /// Nothing.
    Nothing,
    /// These rows, each once.
    Some(Vec<Arc<Row>>),
    /// More than is remembered.
    All,
}

impl Rows {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    /// The one at this place.
    #[must_use]
    pub fn get(&self, place: &Place) -> Option<&Arc<Row>> {
        self.by_place.get(place)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.by_place.values()
    }

    /// Counts up with every row that changes.
    #[must_use]
    pub const fn edition(&self) -> u64 {
        self.edition
    }

    /// What is new since `edition`.
    #[must_use]
    pub fn since(&self, edition: u64) -> News {
        let missed = usize::try_from(self.edition.saturating_sub(edition)).unwrap_or(usize::MAX);
        if missed == 0 {
            return News::Nothing;
        }
        let Some(first) = self.changed.len().checked_sub(missed) else { return News::All };
        let places: HashSet<&Place> = self.changed.range(first..).collect();
        News::Some(places.into_iter().filter_map(|place| self.by_place.get(place)).cloned().collect())
    }

    /// Forgets a conversation that is no more. Whoever looks next starts over: no list remembers where it stood.
    pub fn remove(&mut self, place: &Place) {
        if self.by_place.remove(place).is_some() {
            self.edition += 1;
            self.changed.clear();
        }
    }

    /// Takes in what is known of a conversation now.
    pub fn put(&mut self, conversation: api::Conversation) {
        let place = Place { tenant: conversation.tenant.clone(), id: conversation.id.clone() };
        if self.by_place.get(&place).is_some_and(|row| row.conversation == conversation) {
            return;
        }
        self.edition += 1;
        self.changed.push_back(place.clone());
        if self.changed.len() > CHANGES_MAX {
            self.changed.pop_front();
        }
        self.by_place.insert(place, Arc::new(Row::new(conversation)));
    }
}
