//! The typed client of `/api/v1`, for the command line and the monitor. It parses nothing that the edge should, and
//! knows two ways to reach it: the daemon's socket, and a router in this very process.

mod error;
mod forward;
mod transport;
mod watch;

pub use error::Error;
pub use forward::{ForwardSecret, Forwarder, NoForward, NotForwarded, SIGNATURE};
pub use transport::Transport;
pub use watch::Watched;

use std::io;

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, Response, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::AsyncBufReadExt;
use tokio_util::io::StreamReader;

use crate::api::{self, ProblemBody};

/// The most bytes of an answer that is held whole. The longest is a conversation with all its messages.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Speaks to one Aura.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    tries_out: bool,
}

/// Where secrets lie: in the installation, or with a tenant.
pub type Owner<'a> = Option<&'a str>;

impl Client {
    /// A client over `transport`.
    #[must_use]
    pub const fn new(transport: Transport) -> Self {
        Self { transport, tries_out: false }
    }

    /// The same client, whose requests are only tried out: one that would change something ends with [`Error::Rehearsed`].
    #[must_use]
    pub fn trying_out(self) -> Self {
        Self { tries_out: true, ..self }
    }

    /// The version of the Aura that answers.
    pub async fn version(&self) -> Result<api::Version, Error> {
        self.get(&["version"], &()).await
    }

    /// How the installation is.
    pub async fn status(&self) -> Result<api::Status, Error> {
        self.get(&["status"], &()).await
    }

    /// How its machinery is.
    pub async fn system(&self) -> Result<api::System, Error> {
        self.get(&["system"], &()).await
    }

    /// Everybody whom the operator let in.
    pub async fn staff(&self) -> Result<Vec<api::Staff>, Error> {
        self.list(&["staff"], &()).await
    }

    /// Lets a person in.
    pub async fn add_staff(&self, new: &api::NewStaff) -> Result<api::Staff, Error> {
        self.post(&["staff"], new).await
    }

    /// Changes what a person may do.
    pub async fn edit_staff(&self, name: &str, edit: &api::StaffEdit) -> Result<api::Staff, Error> {
        self.json(request(Method::PATCH, &["staff", name], &(), json_body(edit)?)?).await
    }

    /// Closes the door to a person.
    pub async fn remove_staff(&self, name: &str) -> Result<api::Staff, Error> {
        self.json(request(Method::DELETE, &["staff", name], &(), Body::empty())?).await
    }

    /// Every tenant.
    pub async fn tenants(&self) -> Result<Vec<api::Tenant>, Error> {
        self.list(&["tenants"], &()).await
    }

    /// Adds a tenant.
    pub async fn add_tenant(&self, new: &api::NewTenant) -> Result<api::Tenant, Error> {
        self.post(&["tenants"], new).await
    }

    /// One tenant with its voice.
    pub async fn tenant(&self, slug: &str) -> Result<api::TenantDetail, Error> {
        self.get(&["tenants", slug], &()).await
    }

    /// Changes how far a tenant's assistant may go, and with whom.
    pub async fn edit_tenant(&self, slug: &str, edit: &api::TenantEdit) -> Result<api::Tenant, Error> {
        self.json(request(Method::PATCH, &["tenants", slug], &(), json_body(edit)?)?).await
    }

    /// Lets the tenant's assistant say nothing.
    pub async fn pause_tenant(&self, slug: &str) -> Result<api::Tenant, Error> {
        self.post(&["tenants", slug, "pause"], &()).await
    }

    /// Lets the tenant's assistant answer again.
    pub async fn resume_tenant(&self, slug: &str) -> Result<api::Tenant, Error> {
        self.post(&["tenants", slug, "resume"], &()).await
    }

    /// Deletes a tenant for good; `confirm` repeats its slug.
    pub async fn remove_tenant(&self, slug: &str, confirm: &str) -> Result<api::Removed, Error> {
        let request = request(Method::DELETE, &["tenants", slug], &[("confirm", confirm)], Body::empty())?;
        self.json(request).await
    }

    /// A tenant's voice: the one that answers, or an earlier version.
    pub async fn persona(&self, slug: &str, version: Option<u32>) -> Result<api::Persona, Error> {
        self.get(&["tenants", slug, "persona"], &api::PersonaQuery { version }).await
    }

    /// The versions of a tenant's voice, the newest first.
    pub async fn persona_versions(&self, slug: &str) -> Result<Vec<api::PersonaVersion>, Error> {
        self.list(&["tenants", slug, "persona", "versions"], &()).await
    }

    /// Takes up an earlier version of a tenant's voice again.
    pub async fn restore_persona(&self, slug: &str, version: u32) -> Result<api::Persona, Error> {
        self.post(&["tenants", slug, "persona", "restore"], &api::RestorePersona { version }).await
    }

    /// Replaces a tenant's voice by what a YAML file says.
    pub async fn set_persona(&self, slug: &str, yaml: Bytes) -> Result<api::Persona, Error> {
        self.json(request(Method::PUT, &["tenants", slug, "persona"], &(), yaml.into())?).await
    }

    /// A tenant's accounts.
    pub async fn accounts(&self, slug: &str) -> Result<Vec<api::Account>, Error> {
        self.list(&["tenants", slug, "accounts"], &()).await
    }

    /// Connects an account.
    pub async fn connect(&self, slug: &str, account: &api::Connect) -> Result<api::Account, Error> {
        self.post(&["tenants", slug, "accounts"], account).await
    }

    /// Imports what `bytes` yields, as it is yielded.
    pub async fn import<S>(&self, slug: &str, query: &api::ImportQuery, bytes: S) -> Result<api::ImportReport, Error>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let body = Body::from_stream(bytes);
        self.json(request(Method::POST, &["tenants", slug, "catalog", "import"], query, body)?).await
    }

    /// The state of a tenant's catalogue.
    pub async fn catalog(&self, slug: &str) -> Result<api::CatalogStatus, Error> {
        self.get(&["tenants", slug, "catalog"], &()).await
    }

    /// Searches a tenant's catalogue.
    pub async fn search(&self, slug: &str, query: &api::SearchQuery) -> Result<api::SearchResult, Error> {
        self.get(&["tenants", slug, "catalog", "search"], query).await
    }

    /// Products by the beginning of their ids, with their titles.
    pub async fn products(&self, slug: &str, query: &api::ProductQuery) -> Result<Vec<api::ProductName>, Error> {
        self.list(&["tenants", slug, "catalog", "products"], query).await
    }

    /// One product.
    pub async fn product(&self, slug: &str, key: &str) -> Result<api::Product, Error> {
        self.get(&["tenants", slug, "catalog", "products", key], &()).await
    }

    /// Says something to a tenant's assistant, as a shopper.
    pub async fn chat(&self, slug: &str, question: &api::ChatQuestion) -> Result<api::ChatAnswer, Error> {
        self.post(&["tenants", slug, "chat"], question).await
    }

    /// A tenant's conversations, the newest first.
    pub async fn conversations(
        &self,
        slug: &str,
        query: &api::ConversationQuery,
    ) -> Result<Vec<api::Conversation>, Error> {
        self.list(&["tenants", slug, "conversations"], query).await
    }

    /// Conversations by id, as far as they are there; [`api::CONVERSATION_IDS_MAX`] at most.
    pub async fn conversations_by_id(&self, slug: &str, ids: &[&str]) -> Result<Vec<api::Conversation>, Error> {
        let query = api::ConversationQuery { ids: Some(ids.join(",")), ..api::ConversationQuery::default() };
        let limit = Some(api::CONVERSATION_IDS_MAX as u32);
        self.list(&["tenants", slug, "conversations"], &api::ConversationQuery { limit, ..query }).await
    }

    /// Conversations of every tenant, tenant by tenant as they are read.
    pub async fn inbox(
        &self,
        query: &api::ConversationQuery,
    ) -> Result<impl Stream<Item = Result<api::InboxLine, Error>> + Send + use<>, Error> {
        let request = request(Method::GET, &["conversations"], query, Body::empty())?;
        Ok(lines(self.open(request).await?).and_then(|line| std::future::ready(parse_line(&line))))
    }

    /// One conversation with its newest messages.
    pub async fn conversation(&self, slug: &str, id: &str) -> Result<api::ConversationDetail, Error> {
        self.conversation_page(slug, id, &api::PageQuery::default()).await
    }

    /// One conversation with a part of its messages.
    pub async fn conversation_page(
        &self,
        slug: &str,
        id: &str,
        page: &api::PageQuery,
    ) -> Result<api::ConversationDetail, Error> {
        self.get(&["tenants", slug, "conversations", id], page).await
    }

    /// How an answer came about, and what it rests on.
    pub async fn turn(&self, slug: &str, id: &str, turn: &str) -> Result<api::TurnDetail, Error> {
        self.get(&["tenants", slug, "conversations", id, "turns", turn], &()).await
    }

    /// A picture of a message, from 0, without metadata: its media type and its bytes.
    pub async fn picture(&self, slug: &str, id: &str, message: &str, number: u32) -> Result<(String, Bytes), Error> {
        let number = number.to_string();
        let path = ["tenants", slug, "conversations", id, "messages", message, "pictures", &number];
        let (head, body) = self.answer(request(Method::GET, &path, &(), Body::empty())?).await?.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok((kind.to_owned(), whole(body).await?))
    }

    /// Silences the assistant in a conversation: a person answers. A conflict where another person has it.
    pub async fn take_over(&self, slug: &str, id: &str) -> Result<api::Conversation, Error> {
        self.take_over_as(slug, id, api::TakeoverQuery::default()).await
    }

    /// The same, as the query says.
    pub async fn take_over_as(
        &self,
        slug: &str,
        id: &str,
        query: api::TakeoverQuery,
    ) -> Result<api::Conversation, Error> {
        let path = ["tenants", slug, "conversations", id, "takeover"];
        self.json(request(Method::POST, &path, &query, Body::empty())?).await
    }

    /// Makes somebody responsible for a conversation, or nobody.
    pub async fn assign(&self, slug: &str, id: &str, new: &api::NewAssignee) -> Result<api::Conversation, Error> {
        let body = json_body(new)?;
        self.json(request(Method::PUT, &["tenants", slug, "conversations", id, "assignee"], &(), body)?).await
    }

    /// Lets the assistant answer in a conversation again.
    pub async fn release(&self, slug: &str, id: &str) -> Result<api::Conversation, Error> {
        self.post(&["tenants", slug, "conversations", id, "release"], &()).await
    }

    /// Erases a conversation for good; `confirm` repeats its id.
    pub async fn erase(&self, slug: &str, id: &str, confirm: &str) -> Result<api::Erased, Error> {
        let path = ["tenants", slug, "conversations", id];
        self.json(request(Method::DELETE, &path, &[("confirm", confirm)], Body::empty())?).await
    }

    /// Puts a label on a conversation, or takes it off.
    pub async fn label(&self, slug: &str, id: &str, label: &api::NewLabel) -> Result<api::Conversation, Error> {
        let body = json_body(label)?;
        self.json(request(Method::PUT, &["tenants", slug, "conversations", id, "label"], &(), body)?).await
    }

    /// Queues a person's message; a long one takes several rows, in order.
    pub async fn send(&self, slug: &str, id: &str, message: &api::NewMessage) -> Result<Vec<api::OutboxRow>, Error> {
        let queued = self.post::<api::List<_>>(&["tenants", slug, "conversations", id, "messages"], message).await?;
        Ok(queued.items)
    }

    /// Lets a draft go out; returns what is queued.
    pub async fn approve_draft(
        &self,
        slug: &str,
        id: &str,
        decision: &api::DraftDecision,
    ) -> Result<Vec<api::OutboxRow>, Error> {
        let path = ["tenants", slug, "conversations", id, "draft", "approve"];
        Ok(self.post::<api::List<_>>(&path, decision).await?.items)
    }

    /// Refuses a draft.
    pub async fn reject_draft(
        &self,
        slug: &str,
        id: &str,
        decision: &api::DraftDecision,
    ) -> Result<api::Conversation, Error> {
        self.post(&["tenants", slug, "conversations", id, "draft", "reject"], decision).await
    }

    /// Sends a person's words in a draft's place; returns what is queued.
    pub async fn edit_draft(&self, slug: &str, id: &str, edit: &api::DraftEdit) -> Result<Vec<api::OutboxRow>, Error> {
        let path = ["tenants", slug, "conversations", id, "draft", "edit"];
        Ok(self.post::<api::List<_>>(&path, edit).await?.items)
    }

    /// Events of one tenant, or of all; without end when the query says `follow`.
    pub async fn events(
        &self,
        slug: Option<&str>,
        query: &api::EventQuery,
    ) -> Result<impl Stream<Item = Result<api::Event, Error>> + Send + use<>, Error> {
        let request = request(Method::GET, &under(slug, &["events"]), query, Body::empty())?;
        let body = self.open(request).await?;
        Ok(lines(body).and_then(|line| std::future::ready(parse_line(&line))))
    }

    /// Checks every hash chain, or one tenant's, also against a checkpoint that was kept elsewhere.
    pub async fn audit_verify(
        &self,
        slug: Option<&str>,
        checkpoint: Option<Bytes>,
    ) -> Result<impl Stream<Item = Result<api::AuditLine, Error>> + Send + use<>, Error> {
        let body = checkpoint.map_or_else(Body::empty, Body::from);
        let request = request(Method::POST, &under(slug, &["audit", "verify"]), &(), body)?;
        Ok(lines(self.open(request).await?).and_then(|line| std::future::ready(parse_line(&line))))
    }

    /// Takes a signed checkpoint of every chain.
    pub async fn checkpoint(&self) -> Result<api::Checkpoint, Error> {
        self.post(&["audit", "checkpoint"], &()).await
    }

    /// Secrets by name and fingerprint.
    pub async fn secrets(&self, owner: Owner<'_>) -> Result<Vec<api::Secret>, Error> {
        self.list(&under(owner, &["secrets"]), &()).await
    }

    /// Stores a secret.
    pub async fn set_secret(&self, owner: Owner<'_>, name: &str, value: &api::NewSecret) -> Result<api::Secret, Error> {
        let body = json_body(value)?;
        self.json(request(Method::PUT, &under(owner, &["secrets", name]), &(), body)?).await
    }

    /// Destroys a secret.
    pub async fn remove_secret(&self, owner: Owner<'_>, name: &str) -> Result<(), Error> {
        let request = request(Method::DELETE, &under(owner, &["secrets", name]), &(), Body::empty())?;
        self.open(request).await.map(drop)
    }

    /// Changes the master key.
    pub async fn change_master_key(&self) -> Result<api::MasterKeyChanged, Error> {
        self.post(&["master-key", "change"], &()).await
    }

    /// A copy of the master key, sealed for those who are named.
    pub async fn recovery_copy(&self, new: &api::NewRecoveryCopy) -> Result<api::RecoveryCopy, Error> {
        self.post(&["master-key", "recovery-copy"], new).await
    }

    /// Notes that a copy is kept somewhere.
    pub async fn recovery_copy_kept(&self, kept: &api::RecoveryCopyKept) -> Result<(), Error> {
        let path = ["master-key", "recovery-copy", "kept"];
        self.open(request(Method::POST, &path, &(), json_body(kept)?)?).await.map(drop)
    }

    /// A check-up; with `fix` what is safe to mend is mended.
    pub async fn doctor(&self, query: &api::DoctorQuery, fix: bool) -> Result<api::DoctorReport, Error> {
        let method = if fix { Method::POST } else { Method::GET };
        self.json(request(method, &["doctor"], query, Body::empty())?).await
    }

    /// Has a backup made; its bytes as they come. It is whole when they end without an error, and
    /// [`backup_kept`](Self::backup_kept) takes it for the one that was made.
    pub async fn backup(
        &self,
        new: &api::NewBackup,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
        let body = self.open(request(Method::POST, &["backup"], &(), json_body(new)?)?).await?;
        Ok(TryStreamExt::map_err(body.into_data_stream(), |error| Error::Broken(error.into())))
    }

    /// Notes that a backup is kept somewhere; what is in it.
    pub async fn backup_kept(&self, kept: &api::BackupKept) -> Result<api::KeptBackup, Error> {
        self.post(&["backup", "kept"], kept).await
    }

    /// Which models hold.
    pub async fn models(&self, owner: Owner<'_>) -> Result<api::Models, Error> {
        self.get(&under(owner, &["models"]), &()).await
    }

    /// How models fare, and who uses which.
    pub async fn model_health(&self) -> Result<api::ModelHealth, Error> {
        self.get(&["models", "health"], &()).await
    }

    /// Chooses the models of a role.
    pub async fn use_model(
        &self,
        owner: Owner<'_>,
        role: &str,
        choice: &api::UseModel,
    ) -> Result<api::ModelUsed, Error> {
        let body = json_body(choice)?;
        self.json(request(Method::PUT, &under(owner, &["models", role]), &(), body)?).await
    }

    /// Tries a model.
    pub async fn test_model(&self, owner: Owner<'_>, wanted: &api::TestModel) -> Result<api::ModelTest, Error> {
        self.post(&under(owner, &["models", "test"]), wanted).await
    }

    /// What several models would answer to one question; nothing of it is kept or sent.
    pub async fn preview_models(&self, slug: &str, wanted: &api::ModelPreview) -> Result<api::ModelPreviewed, Error> {
        self.post(&["tenants", slug, "models", "preview"], wanted).await
    }

    /// Has Ollama fetch a model; ends when it is there.
    pub async fn pull_model(
        &self,
        wanted: &api::PullModel,
    ) -> Result<impl Stream<Item = Result<api::PullProgress, Error>> + Send + use<>, Error> {
        let request = request(Method::POST, &["models", "pull"], &(), json_body(wanted)?)?;
        Ok(lines(self.open(request).await?).and_then(|line| std::future::ready(parse_line(&line))))
    }

    /// Limits what models may cost.
    pub async fn limit_models(&self, owner: Owner<'_>, budget: &api::Budget) -> Result<api::Budget, Error> {
        let body = json_body(budget)?;
        self.json(request(Method::PUT, &under(owner, &["model-budget"]), &(), body)?).await
    }

    /// What models cost.
    pub async fn model_prices(&self) -> Result<Vec<api::ModelPrice>, Error> {
        self.list(&["model-prices"], &()).await
    }

    /// What a tenant's models have cost.
    pub async fn usage(&self, slug: &str, query: &api::UsageQuery) -> Result<api::UsageReport, Error> {
        self.get(&["tenants", slug, "usage"], query).await
    }

    /// Whom a tenant's people are told through.
    pub async fn notify_targets(&self, slug: &str) -> Result<Vec<api::NotifyTarget>, Error> {
        self.list(&["tenants", slug, "notify"], &()).await
    }

    /// Adds a target.
    pub async fn add_notify_target(
        &self,
        slug: &str,
        new: &api::NewNotifyTarget,
    ) -> Result<api::NotifyTargetAdded, Error> {
        self.post(&["tenants", slug, "notify"], new).await
    }

    /// Removes a target.
    pub async fn remove_notify_target(&self, slug: &str, name: &str) -> Result<(), Error> {
        let request = request(Method::DELETE, &["tenants", slug, "notify", name], &(), Body::empty())?;
        self.open(request).await.map(drop)
    }

    /// Sends a test to a target.
    pub async fn test_notify_target(&self, slug: &str, name: &str) -> Result<api::NotifyTested, Error> {
        self.post(&["tenants", slug, "notify", name, "test"], &()).await
    }

    /// Has the daemon sign `payload` and put it through its webhook path, byte for byte.
    pub async fn trigger(&self, slug: &str, payload: Bytes) -> Result<api::Triggered, Error> {
        self.json(request(Method::POST, &["tenants", slug, "trigger"], &(), payload.into())?).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &(impl Serialize + Sync)) -> Result<T, Error> {
        self.json(request(Method::GET, path, query, Body::empty())?).await
    }

    async fn list<T: DeserializeOwned>(&self, path: &[&str], query: &(impl Serialize + Sync)) -> Result<Vec<T>, Error> {
        self.get::<api::List<T>>(path, query).await.map(|list| list.items)
    }

    async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &(impl Serialize + Sync)) -> Result<T, Error> {
        self.json(request(Method::POST, path, &(), json_body(body)?)?).await
    }

    async fn json<T: DeserializeOwned>(&self, request: Request<Body>) -> Result<T, Error> {
        let bytes = whole(self.open(request).await?).await?;
        serde_json::from_slice(&bytes).map_err(Error::unreadable)
    }

    /// The body of a good answer; an error for any other.
    async fn open(&self, request: Request<Body>) -> Result<Body, Error> {
        self.answer(request).await.map(Response::into_body)
    }

    /// A good answer; an error for any other.
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut request = request;
        let tried_out = self.tries_out && request.method() != Method::GET;
        if tried_out {
            request.headers_mut().insert(api::DRY_RUN, HeaderValue::from_static("1"));
        }
        let (head, body) = self.transport.send(request).await?.into_parts();
        if tried_out && head.status.is_success() {
            return Err(Error::Rehearsed { changes: head.headers.contains_key(api::DRY_RUN) });
        }
        if head.status.is_success() {
            return Ok(Response::from_parts(head, body));
        }
        let status = head.status.as_u16();
        let bytes = whole(body).await?;
        match serde_json::from_slice::<ProblemBody>(&bytes) {
            Ok(ProblemBody { error }) => Err(Error::Refused { status, problem: error }),
            Err(error) => Err(Error::unreadable(error)),
        }
    }
}

fn under<'a>(tenant: Option<&'a str>, rest: &[&'a str]) -> Vec<&'a str> {
    tenant.map_or_else(Vec::new, |slug| vec!["tenants", slug]).into_iter().chain(rest.iter().copied()).collect()
}

fn request(method: Method, path: &[&str], query: &impl Serialize, body: Body) -> Result<Request<Body>, Error> {
    let query = serde_urlencoded::to_string(query).map_err(Error::unwritable)?;
    let mut target = String::from("/api/v1");
    for part in path {
        target.push('/');
        target.extend(part.bytes().map(Escaped).map(|byte| byte.to_string()));
    }
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query);
    }
    Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, "aura")
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(Error::unwritable)
}

/// A byte of a path segment. Everything but letters, digits, `-` and `_` is escaped, so that no name means another path.
struct Escaped(u8);

impl std::fmt::Display for Escaped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') => write!(f, "{}", char::from(byte)),
            byte => write!(f, "%{byte:02X}"),
        }
    }
}

fn json_body(value: &impl Serialize) -> Result<Body, Error> {
    serde_json::to_vec(value).map(Body::from).map_err(Error::unwritable)
}

async fn whole(body: Body) -> Result<Bytes, Error> {
    let limited = http_body_util::Limited::new(body, ANSWER_BYTES_MAX);
    limited.collect().await.map(http_body_util::Collected::to_bytes).map_err(Error::Broken)
}

/// The lines of an answer; an empty one only says that somebody is there.
fn lines(body: Body) -> impl Stream<Item = Result<String, Error>> + Send {
    all_lines(body).try_filter(|line| std::future::ready(!line.is_empty()))
}

fn all_lines(body: Body) -> impl Stream<Item = Result<String, Error>> + Send {
    let reader = StreamReader::new(TryStreamExt::map_err(body.into_data_stream(), io::Error::other));
    let lines = stream::unfold(reader.lines(), |mut lines| async move {
        let line = lines.next_line().await.map_err(|error| Error::Broken(error.into())).transpose()?;
        Some((line, lines))
    });
    lines.fuse()
}

fn parse_line<T: DeserializeOwned>(line: &str) -> Result<T, Error> {
    serde_json::from_str(line).map_err(|error| match serde_json::from_str::<ProblemBody>(line) {
        // The status had gone out as 200 when it happened.
        Ok(ProblemBody { error }) => Error::Refused { status: 500, problem: error },
        Err(_) => Error::unreadable(error),
    })
}

#[cfg(test)]
mod tests;
