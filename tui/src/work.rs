//! What the monitor asks Aura for, and what comes back. Slow work happens in tasks of its own; no frame waits for any.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aura::{
    api,
    client::{Client, Error, Watched},
};
use futures_util::{StreamExt, pin_mut};
use tokio::sync::{Semaphore, mpsc};

/// Requests under way at the same time.
const REQUESTS_MAX: usize = 8;
/// Answers that wait to be taken in; behind that the tasks wait.
pub const ANSWERS_MAX: usize = 1_024;
/// Conversations of one shop that are read at the start.
pub const CONVERSATIONS_MAX: u32 = 1_000;
/// Messages of a thread that are read at a time.
pub const THREAD_MESSAGES: u32 = 200;
/// Products that a search shows.
const HITS_MAX: u32 = 50;
/// Rows of the inbox that are taken in together.
const INBOX_CHUNK: usize = 256;

/// A conversation, by its shop and its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The shop's slug.
    pub tenant: String,
    /// `conv_…`.
    pub id: String,
}

/// What can be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// The newest conversations of every shop.
    Inbox,
    /// These conversations of one shop again, sorted.
    Rows(String, Vec<String>),
    /// The newest messages of a conversation, or those before one.
    Thread(Place, Option<String>),
    /// What an answer rests on.
    Turn(Place, String),
    /// How the installation and its shops are.
    Status,
    /// How models are.
    Health,
    /// Which models there are and what a shop has chosen.
    Models(String),
    /// What models cost.
    Prices,
    /// Queues, storage, tokens.
    System,
    /// A check-up; the number tells one from the one before.
    Doctor(u32),
    /// How a shop's catalogue is.
    Catalog(String),
    /// What a shop's assistant finds for these words.
    Search(String, String),
    /// One product of a shop.
    Product(String, String),
}

/// What was read.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Some conversations of the inbox; more may follow.
    Inbox(Vec<api::InboxLine>),
    /// The inbox is read.
    InboxEnd,
    /// Conversations again.
    Rows(Vec<api::Conversation>),
    /// Part of a thread.
    Thread(Box<api::ConversationDetail>),
    /// What an answer rests on.
    Turn(Box<api::TurnDetail>),
    /// The installation.
    Status(Box<api::Status>),
    /// Models.
    Health(Box<api::ModelHealth>),
    /// Models of a shop.
    Models(Box<api::Models>),
    /// Prices.
    Prices(Vec<api::ModelPrice>),
    /// The machine side.
    System(Box<api::System>),
    /// What a check-up found.
    Doctor(Box<api::DoctorReport>),
    /// A catalogue.
    Catalog(Box<api::CatalogStatus>),
    /// Hits.
    Search(Box<api::SearchResult>),
    /// A product.
    Product(Box<api::Product>),
}

/// What changes something.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A person answers from now on.
    TakeOver(Place),
    /// The assistant answers again.
    Release(Place),
    /// A person's message.
    Send(Place, String),
    /// Lets this draft go.
    Approve(Place, String),
    /// Refuses this draft.
    Reject(Place, String),
    /// Sends words in this draft's place.
    EditDraft(Place, String, String),
    /// Makes somebody responsible, or nobody.
    Assign(Place, Option<String>),
    /// The same where another person has the conversation: whoever asked for it has been told.
    Anyway(Box<Deed>),
    /// Labels a conversation, or takes the label off.
    Label(Place, Option<String>),
    /// Silences a shop's assistant, or lets it answer again.
    Pause(String, bool),
    /// How far a shop's assistant may go.
    Mode(String, String),
    /// Chooses a model for a shop and role.
    UseModel(String, String, api::UseModel),
    /// Asks two models one question as a shop's assistant.
    Compare(String, api::ModelPreview),
    /// Opens a harmless copy of a picture: conversation, message, which one of it.
    Picture(Place, String, u32),
}

impl Deed {
    /// What is done, and whether it goes on where another person has the conversation.
    #[must_use]
    pub fn plain(&self) -> (&Self, bool) {
        match self {
            Self::Anyway(deed) => (deed, true),
            deed => (deed, false),
        }
    }
}

/// What a deed came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done; the words for it.
    Said(String),
    /// Two answers to one question.
    Compared(Box<api::ModelPreviewed>),
}

/// Why something did not succeed, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the daemon is away.
    pub away: bool,
    /// Whether another person has the conversation.
    pub held: bool,
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        let away = matches!(error, Error::Unreachable { .. } | Error::Broken(_));
        Self { what: error.to_string(), hint: error.hint(), away, held: error.code() == "held_by_another" }
    }
}

/// What reaches the monitor from its tasks.
#[derive(Debug)]
pub enum Incoming {
    /// Something was read; `true`: that was all of it.
    Loaded(Load, Answer),
    /// It could not be.
    NotLoaded(Load, Trouble),
    /// Something was done.
    Done(Deed, Outcome),
    /// It was not.
    NotDone(Deed, Trouble),
    /// The stream of events is there.
    Connected,
    /// It broke off; it is tried again by itself.
    Lost(Trouble),
    /// It is over and will not come back.
    Over(Trouble),
    /// Something happened.
    Event(Box<api::Event>),
}

impl Incoming {
    /// How much there is to take in: rows and events.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Loaded(_, Answer::Inbox(lines)) => lines.len(),
            Self::Loaded(_, Answer::Rows(rows)) => rows.len(),
            _ => 1,
        }
    }
}

/// Does the slow work.
#[derive(Clone)]
pub struct Worker {
    client: Client,
    answers: mpsc::Sender<Incoming>,
    requests: Arc<Semaphore>,
    deeds: Arc<AtomicUsize>,
}

impl Worker {
    /// Speaks through `client` and answers to `answers`.
    #[must_use]
    pub fn new(client: Client, answers: mpsc::Sender<Incoming>) -> Self {
        Self { client, answers, requests: Arc::new(Semaphore::new(REQUESTS_MAX)), deeds: Arc::default() }
    }

    /// Follows what happens from now on, for as long as the monitor runs.
    pub fn watch(&self) {
        let worker = self.clone();
        tokio::spawn(async move {
            let events = worker.client.watch(None, api::EventQuery::default());
            pin_mut!(events);
            while let Some(watched) = events.next().await {
                let incoming = match watched {
                    Ok(Watched::Event(event)) => Incoming::Event(Box::new(event)),
                    Ok(Watched::Connected) => Incoming::Connected,
                    Ok(Watched::Lost { error, .. }) => Incoming::Lost(Trouble::from(&error)),
                    Err(error) => Incoming::Over(Trouble::from(&error)),
                };
                worker.tell(incoming).await;
            }
        });
    }

    /// Whether something that was to be done is still under way.
    #[must_use]
    pub fn is_acting(&self) -> bool {
        self.deeds.load(Ordering::Relaxed) > 0
    }

    /// Reads something.
    pub fn load(&self, load: Load) {
        let worker = self.clone();
        tokio::spawn(async move {
            let _place = worker.requests.acquire().await;
            let answer = worker.read(&load).await;
            let incoming = match answer {
                Ok(answer) => Incoming::Loaded(load, answer),
                Err(error) => Incoming::NotLoaded(load, Trouble::from(&error)),
            };
            worker.tell(incoming).await;
        });
    }

    /// Does something.
    pub fn act(&self, deed: Deed) {
        let worker = self.clone();
        self.deeds.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let _place = worker.requests.acquire().await;
            let incoming = match worker.perform(&deed).await {
                Ok(outcome) => Incoming::Done(deed, outcome),
                Err(trouble) => Incoming::NotDone(deed, trouble),
            };
            worker.deeds.fetch_sub(1, Ordering::Relaxed);
            worker.tell(incoming).await;
        });
    }

    async fn tell(&self, incoming: Incoming) {
        // Nobody listens any more only when the monitor ends.
        let _ = self.answers.send(incoming).await;
    }

    async fn read(&self, load: &Load) -> Result<Answer, Error> {
        aura::fault::point("monitor_read");
        let client = &self.client;
        Ok(match load {
            Load::Inbox => return self.inbox().await,
            Load::Rows(tenant, ids) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                Answer::Rows(client.conversations_by_id(tenant, &ids).await?)
            }
            Load::Thread(place, before) => {
                let page = api::PageQuery { limit: Some(THREAD_MESSAGES), before: before.clone() };
                Answer::Thread(Box::new(client.conversation_page(&place.tenant, &place.id, &page).await?))
            }
            Load::Turn(place, turn) => Answer::Turn(Box::new(client.turn(&place.tenant, &place.id, turn).await?)),
            Load::Status => Answer::Status(Box::new(client.status().await?)),
            Load::Health => Answer::Health(Box::new(client.model_health().await?)),
            Load::Models(tenant) => Answer::Models(Box::new(client.models(Some(tenant)).await?)),
            Load::Prices => Answer::Prices(client.model_prices().await?),
            Load::System => Answer::System(Box::new(client.system().await?)),
            Load::Doctor(_) => {
                let asked_by = Some(env!("CARGO_PKG_VERSION").to_owned());
                let query = api::DoctorQuery { asked_by, ..api::DoctorQuery::default() };
                Answer::Doctor(Box::new(client.doctor(&query, false).await?))
            }
            Load::Catalog(tenant) => Answer::Catalog(Box::new(client.catalog(tenant).await?)),
            Load::Search(tenant, words) => {
                let query = api::SearchQuery { q: words.clone(), limit: Some(HITS_MAX) };
                Answer::Search(Box::new(client.search(tenant, &query).await?))
            }
            Load::Product(tenant, key) => Answer::Product(Box::new(client.product(tenant, key).await?)),
        })
    }

    async fn inbox(&self) -> Result<Answer, Error> {
        let query = api::ConversationQuery { limit: Some(CONVERSATIONS_MAX), ..api::ConversationQuery::default() };
        let lines = self.client.inbox(&query).await?;
        let chunks = lines.ready_chunks(INBOX_CHUNK);
        pin_mut!(chunks);
        while let Some(chunk) = chunks.next().await {
            let lines = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            self.tell(Incoming::Loaded(Load::Inbox, Answer::Inbox(lines))).await;
        }
        Ok(Answer::InboxEnd)
    }

    async fn perform(&self, deed: &Deed) -> Result<Outcome, Trouble> {
        let client = &self.client;
        let refused = |error: Error| Trouble::from(&error);
        let said = |words: String| Ok(Outcome::Said(words));
        let (deed, anyway) = deed.plain();
        match deed {
            // One inside another says nothing more.
            Deed::Anyway(deed) => Box::pin(self.perform(deed)).await,
            Deed::TakeOver(Place { tenant, id }) => {
                client.take_over_as(tenant, id, api::TakeoverQuery { anyway }).await.map_err(refused)?;
                said("taken over: the assistant is silent here".into())
            }
            Deed::Release(Place { tenant, id }) => {
                client.release(tenant, id).await.map_err(refused)?;
                said("released: the assistant answers again".into())
            }
            Deed::Send(Place { tenant, id }, text) => {
                let message = api::NewMessage { text: text.clone(), anyway };
                let rows = client.send(tenant, id, &message).await.map_err(refused)?;
                let states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
                said(format!("handed to the channel: {}", states.join(", ")))
            }
            Deed::Approve(Place { tenant, id }, draft) => {
                let decision = api::DraftDecision { draft: Some(draft.clone()), anyway };
                client.approve_draft(tenant, id, &decision).await.map_err(refused)?;
                said("approved: the draft goes out".into())
            }
            Deed::Reject(Place { tenant, id }, draft) => {
                let decision = api::DraftDecision { draft: Some(draft.clone()), anyway: false };
                client.reject_draft(tenant, id, &decision).await.map_err(refused)?;
                said("rejected: the messages are left to people".into())
            }
            Deed::EditDraft(Place { tenant, id }, draft, text) => {
                let edit = api::DraftEdit { draft: Some(draft.clone()), text: text.clone(), anyway };
                client.edit_draft(tenant, id, &edit).await.map_err(refused)?;
                said("sent in the draft's place".into())
            }
            Deed::Assign(Place { tenant, id }, assignee) => {
                let new = api::NewAssignee { assignee: assignee.clone() };
                let assigned = client.assign(tenant, id, &new).await.map_err(refused)?;
                let to = assigned.assignee.map(|person| person.name.unwrap_or(person.id));
                said(to.map_or("nobody is responsible any more".into(), |to| format!("assigned to {to}")))
            }
            Deed::Label(Place { tenant, id }, label) => {
                client.label(tenant, id, &api::NewLabel { label: label.clone() }).await.map_err(refused)?;
                said(label.as_ref().map_or("took the label off".into(), |label| format!("labelled as {label}")))
            }
            Deed::Pause(tenant, true) => {
                client.pause_tenant(tenant).await.map_err(refused)?;
                said(format!("paused {tenant}: its assistant says nothing"))
            }
            Deed::Pause(tenant, false) => {
                client.resume_tenant(tenant).await.map_err(refused)?;
                said(format!("resumed {tenant}: its assistant answers again"))
            }
            Deed::Mode(tenant, mode) => {
                let edit = api::TenantEdit { mode: Some(mode.clone()), ..api::TenantEdit::default() };
                client.edit_tenant(tenant, &edit).await.map_err(refused)?;
                said(format!("{tenant} is in mode {mode} now"))
            }
            Deed::UseModel(tenant, role, choice) => {
                let used = client.use_model(Some(tenant), role, choice).await.map_err(refused)?;
                said(format!("{tenant} uses {} from the next turn on", used.choice.model))
            }
            Deed::Compare(tenant, preview) => {
                let previewed = client.preview_models(tenant, preview).await.map_err(refused)?;
                Ok(Outcome::Compared(Box::new(previewed)))
            }
            Deed::Picture(place, message, number) => self.picture(place, message, *number).await,
        }
    }

    /// Writes the harmless copy to a file of its own and hands that to the desktop.
    async fn picture(&self, place: &Place, message: &str, number: u32) -> Result<Outcome, Trouble> {
        let picture = self.client.picture(&place.tenant, &place.id, message, number).await;
        let (_, bytes) = picture.map_err(|error| Trouble::from(&error))?;
        let opened = tokio::task::spawn_blocking(move || crate::desktop::open_picture(&bytes)).await;
        let wrong = |what: String| Trouble { what, hint: None, away: false, held: false };
        match opened {
            Ok(Ok(path)) => Ok(Outcome::Said(format!("opened {}", path.display()))),
            Ok(Err(error)) => Err(wrong(error.to_string())),
            Err(error) => Err(wrong(format!("the picture could not be opened: {error}"))),
        }
    }
}
