//! The JSON shapes of `/api/v1`, for the edge and for its clients. Shapes only: no rule of the product lives here.
//!
//! Amounts and costs are decimal strings, ids are prefixed strings, times are RFC 3339 in UTC. Fields are only ever
//! added.

mod account;
mod audit;
mod backup;
mod catalog;
mod chat;
mod conversation;
mod doctor;
mod event;
mod explain;
mod model;
mod model_health;
mod model_preview;
mod notify;
mod problem;
mod rehearsal;
mod secret;
mod staff;
mod status;
mod system;
mod tenant;
mod time;
mod turn;

pub use account::{Account, Connect};
pub use audit::{AuditFault, AuditLine, AuditReport, CHECKPOINT_BYTES_MAX, ChainResult, Checkpoint, Messages};
pub use backup::{BackupKept, KeptBackup, NewBackup};
pub use catalog::{
    CatalogStatus, ImportQuery, ImportReport, MetWord, Price, Product, ProductName, ProductQuery, ProductRef,
    SearchHit, SearchQuery, SearchResult, Skipped, Variant,
};
pub use chat::{ChatAnswer, ChatQuestion, ChatReply, Usage};
pub use conversation::{
    CONVERSATION_IDS_MAX, Conversation, ConversationDetail, ConversationFilter, ConversationQuery, Draft,
    DraftDecision, DraftEdit, Erased, Holder, InboxLine, Message, NewAssignee, NewLabel, NewMessage, OutboxRow,
    PageQuery, Parked, Person, Preview, Seen, SkippedTenant, Takeover, TakeoverQuery, Turn,
};
pub use doctor::{DoctorQuery, DoctorReport, Finding};
pub use event::{EVENTS_BYTES_MAX, EVENTS_HEARTBEAT_S, EVENTS_SINCE, Event, EventQuery};
pub use explain::{Explained, explained};
pub use model::{
    Budget, LocalModel, ModelChoice, ModelPrice, ModelProbe, ModelTest, ModelUsed, Models, Provider, PullModel,
    PullProgress, TestModel, UsageQuery, UsageReport, UsageRow, UseModel,
};
pub use model_health::{ModelFigures, ModelHealth, Percentiles, TenantModels};
pub use model_preview::{ModelPreview, ModelPreviewed, PreviewAnswer};
pub use notify::{LastNotification, NewNotifyTarget, NotifyTarget, NotifyTargetAdded, NotifyTested};
pub use problem::{ErrorKind, KINDS, KindRow, Problem, ProblemBody, exit, exit_code_of, status_of};
pub use rehearsal::{DRY_RUN, Rehearsed};
pub use secret::{MasterKeyChanged, NewRecoveryCopy, NewSecret, RecoveryCopy, RecoveryCopyKept, Secret};
pub use staff::{NewStaff, STAFF_KEY, Staff, StaffEdit};
pub use status::{
    AccountStatus, Journal, KeptCopy, LastBackup, OutboxCounts, Status, StatusProblem, TenantStatus, Versions,
};
pub use system::{AccountToken, BulkQueue, Listening, Queues, Storage, System, SystemVersions, TenantBytes, TurnQueue};
pub use tenant::{
    Languages, NewTenant, Persona, PersonaQuery, PersonaVersion, Removed, RestorePersona, Spoken, Tenant, TenantDetail,
    TenantEdit,
};
pub use time::{InvalidTime, Time};
pub use turn::{Citation, MissedModel, ModelCall, ProductRead, Step, ToolCalled, TurnDetail};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A list, under a name of its own so that figures can be added beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct List<T> {
    /// The things, in the order that the route documents.
    pub items: Vec<T>,
}

/// What a webhook that was sent by `trigger` met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Triggered {
    /// What the webhook path answered: 200 once the body is durable.
    pub status: u16,
}

/// What runs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The version of Aura.
    pub version: String,
}

/// The most bytes of a JSON request (facts: reliability §7).
pub const BODY_BYTES_MAX: usize = 256 * 1024;
