//! What each command prints under `--json`: the one table behind `--json=FIELD,…`. A test finds a command that is missing,
//! and another one a command whose document has a field that stands nowhere here.

use aura::api;
use schemars::{JsonSchema, Schema, json_schema, schema_for};

use crate::commands::{config, connect, trigger};

/// The schema of a list's document.
fn items<T: JsonSchema>() -> Schema {
    schema_for!(api::List<T>)
}

/// A document that only this command makes, of these fields.
fn own(fields: &[(&str, &str)]) -> Schema {
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|(name, about)| ((*name).to_owned(), serde_json::json!({ "description": about }))).collect();
    json_schema!({ "type": "object", "properties": properties })
}

/// What `aura status` finds: how things are, or with `--system` the machinery.
#[expect(dead_code, reason = "only its fields are of interest")]
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Found {
    Status(Box<api::Status>),
    System(Box<api::System>),
}

/// What `aura conversation show` finds: the conversation, or with `--turn` one of its turns.
#[expect(dead_code, reason = "only its fields are of interest")]
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Shown {
    Conversation(Box<api::ConversationDetail>),
    Turn(Box<api::TurnDetail>),
}

/// What `aura listen` hears, or with `--forward-to` hands on.
#[expect(dead_code, reason = "only its fields are of interest")]
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Heard {
    Event(Box<api::Event>),
    Handed {
        /// What happened
        event: Box<api::Event>,
        /// What the server made of it
        forward: serde_json::Value,
    },
}

/// The document of a command; `None` if it prints none.
pub fn of(command: &str) -> Option<Schema> {
    Some(match command {
        "tenant add" | "tenant edit" | "tenant pause" | "tenant resume" => schema_for!(api::Tenant),
        "tenant list" => items::<api::Tenant>(),
        "tenant show" => schema_for!(api::TenantDetail),
        "tenant remove" => schema_for!(api::Removed),
        "persona show" | "persona edit" | "persona set" => schema_for!(api::Persona),
        "persona history" => items::<api::PersonaVersion>(),
        "connect instagram" => schema_for!(api::Account),
        "connect list" => items::<connect::Row>(),
        "catalog import" => schema_for!(api::ImportReport),
        "catalog status" => schema_for!(api::CatalogStatus),
        "catalog search" => schema_for!(api::SearchResult),
        "catalog show" => schema_for!(api::Product),
        "model list" => schema_for!(api::Models),
        "model use" => schema_for!(api::ModelUsed),
        "model test" => schema_for!(api::ModelTest),
        "model status" => schema_for!(api::ModelHealth),
        "model compare" => schema_for!(api::ModelPreviewed),
        "model pull" => schema_for!(api::PullProgress),
        "model budget" => schema_for!(api::Budget),
        "model prices" => items::<api::ModelPrice>(),
        "chat" => schema_for!(api::ChatAnswer),
        "trigger" => schema_for!(trigger::Sent),
        "tail" => schema_for!(api::Event),
        "listen" => schema_for!(Heard),
        "conversation list" => items::<api::Conversation>(),
        "conversation show" => schema_for!(Shown),
        "conversation picture" => own(&[
            ("file", "Where the picture is"),
            ("media_type", "What it is: image/jpeg, image/png"),
            ("bytes", "How large the file is"),
        ]),
        "conversation erase" => schema_for!(api::Erased),
        "conversation takeover"
        | "conversation release"
        | "conversation assign"
        | "conversation label"
        | "conversation reject" => {
            schema_for!(api::Conversation)
        }
        "conversation send" | "conversation approve" | "conversation edit" => items::<api::OutboxRow>(),
        "notify add" => schema_for!(api::NotifyTargetAdded),
        "notify list" => items::<api::NotifyTarget>(),
        "notify test" => items::<api::NotifyTested>(),
        "notify remove" | "secret remove" => {
            own(&[("removed", "The name that was removed"), ("tenant", "The tenant's slug; null: the installation's")])
        }
        "status" => schema_for!(Found),
        "doctor" => schema_for!(api::DoctorReport),
        "backup" => own(&[
            ("file", "Where the backup is"),
            ("bytes", "Its size"),
            ("sha256", "The SHA-256 of the file"),
            ("made_at", "When it was begun: what was accepted before is in it"),
            ("tenants", "How many tenants are in it"),
            ("left_out", "Tenants whose files could not be read, by slug"),
            ("master_key", "The fingerprint of the master key that opens its secrets"),
            ("checked", "How many files and bytes were read back and checked; null: made for recipients"),
        ]),
        "restore" => own(&[
            ("data_dir", "Where it was restored"),
            ("restored", "Whether it was; false: a dry run"),
            ("made_at", "When the backup was begun"),
            ("made_by", "The version of Aura that made it"),
            ("files", "How many files are in it"),
            ("bytes", "Their size"),
            ("tenants", "Tenants in it, by slug"),
            ("left_out", "Tenants whose files could not be read when it was made"),
            ("held", "Replies that wait for a person, by tenant"),
            ("erased", "Conversations that were erased since the backup, and are again"),
            ("erasures_unknown", "Tenants, by slug, of which nobody knows what was erased since"),
            ("before", "Where the data of before is"),
            ("master_key", "The fingerprint of its master key, and whether that is in its place"),
        ]),
        "usage" => schema_for!(api::UsageReport),
        "audit verify" => schema_for!(api::AuditReport),
        "audit checkpoint" => schema_for!(api::Checkpoint),
        "staff add" | "staff edit" | "staff remove" => schema_for!(api::Staff),
        "staff list" => items::<api::Staff>(),
        "secret set" => schema_for!(api::Secret),
        "secret list" => items::<api::Secret>(),
        "secret rotate-master" => schema_for!(api::MasterKeyChanged),
        "secret recovery-copy" => {
            own(&[("file", "Where the copy is"), ("fingerprint", "The fingerprint of the key in it")])
        }
        "secret restore-master" => {
            own(&[("place", "Where the key is kept"), ("restored", "Whether it had to be put there")])
        }
        "init" => own(&[
            ("data_dir", "Where all data is kept"),
            ("master_key", "Where the master key is kept"),
            ("recovery_copy", "The copy of the master key that was written"),
            ("config", "The configuration file that was written"),
            ("shop", "The shop that was added, by slug"),
            ("model", "The model that was chosen"),
        ]),
        // The keys of the configuration are its fields.
        "config show" => json_schema!({ "type": "object", "additionalProperties": true }),
        "config sources" => schema_for!(Vec<config::Source>),
        "config validate" => own(&[("valid", "That it is"), ("file", "The file that was read")]),
        "completion" => own(&[("shell", "The shell"), ("script", "What it reads")]),
        "explain" => schema_for!(api::Explained),
        "version" => schema_for!(api::Version),
        _ => return None,
    })
}
