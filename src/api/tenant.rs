//! Tenants and their voices.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// One shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tenant {
    /// `ten_…`.
    pub id: String,
    /// How it is addressed.
    pub slug: String,
    /// The shop's own name.
    pub name: String,
    /// ISO 4217 code of prices that come without one.
    pub currency: String,
    /// What it speaks when the shopper's language is unknown: `en`, `de`, `fr`, `es`, `it`.
    pub language: String,
    /// The shop's site.
    pub website: Option<String>,
    /// `active` or `paused`.
    pub state: String,
    /// How far the assistant may go: `off`, `suggest` (drafts wait for a person) or `live`.
    pub mode: String,
    /// The shoppers whom the mode is for, as ids and `@names`; empty: everyone. The assistant is off for all others.
    pub only_from: Vec<String>,
    /// When it was added.
    pub created_at: Time,
}

/// One shop with its voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantDetail {
    /// The shop.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// Its voice.
    pub persona: Persona,
    /// How it is, in figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<super::TenantStatus>,
}

/// A shop to add. Whatever is left out takes the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// How it will be addressed.
    pub slug: String,
    /// The shop's own name.
    pub name: String,
    /// ISO 4217 code; `EUR` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Language code; `en` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The shop's site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// `off`, `suggest` or `live`; `live` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The voice to start with.
    #[serde(default)]
    pub persona: Persona,
}

/// What to change of a shop. Whatever is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantEdit {
    /// `off`, `suggest` or `live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The shoppers whom the mode is for: user names (`@` or not) or ids, all digits; empty: everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_from: Option<Vec<String>>,
}

/// The voice of a shop: what `aura persona set --file` reads and `aura persona show` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// What the assistant is called; the shop's name when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// `warm`, `crisp` or `formal`; `warm` when left out.
    #[serde(default)]
    pub tone: Option<String>,
    /// `shopper` (theirs, as far as there are words for it), or the codes of the languages that are answered in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Languages>,
    /// `none`, `some` (one in an answer at most) or `many`; as the tone has it when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// How the first answer opens.
    #[serde(default)]
    pub greeting: Option<String>,
    /// How an answer ends.
    #[serde(default)]
    pub sign_off: Option<String>,
    /// Whether shoppers are told that an assistant writes; yes when left out.
    #[serde(default)]
    pub disclose: Option<bool>,
    /// The words in which they are told; a sentence in the shopper's language when left out.
    #[serde(default)]
    pub disclosure: Option<String>,
    /// When people answer, as it follows "Our team is here": `Mon–Fri, 9 am to 6 pm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Spoken>,
    /// How soon people answer, as it follows "You usually hear from us": `within two hours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_time: Option<Spoken>,
    /// What models are asked to do.
    #[serde(default, rename = "do", skip_serializing_if = "Vec::is_empty")]
    pub dos: Vec<String>,
    /// What models are asked not to do.
    #[serde(default, rename = "dont", skip_serializing_if = "Vec::is_empty")]
    pub donts: Vec<String>,
    /// What the shop states of itself: answers may say it, word for word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// Words on which a person answers; `allerg*` stands for every ending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<String>,
}

/// Which languages a shop answers in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Languages {
    /// `shopper`, or one code: always this one.
    One(String),
    /// Codes: only these.
    These(Vec<String>),
}

/// A version of a shop's voice, without the voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonaVersion {
    /// Its number, from 1; 0 is the voice of a shop that has set none.
    pub version: u32,
    /// When it was set.
    pub set_at: Option<Time>,
    /// The version that was taken up again with it.
    pub restored: Option<u32>,
    /// Whether it is the one that answers.
    pub current: bool,
}

/// Which version of a shop's voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonaQuery {
    /// Its number; the newest when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// An earlier version of a shop's voice that is to answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestorePersona {
    /// Its number.
    pub version: u32,
}

/// The shop's own words: in its own language, or in several by language code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Spoken {
    /// In the shop's own language.
    Own(String),
    /// By language: `en`, `de`, `fr`, `es`, `it`.
    By(BTreeMap<String, String>),
}

/// What went with a removed tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// Which one.
    pub slug: String,
    /// Accounts that can be connected to another tenant now.
    pub accounts: Vec<String>,
    /// Secrets destroyed.
    pub secrets: u64,
    /// Files deleted.
    pub files: u64,
    /// How large they were together.
    pub bytes: u64,
    /// Whether its key is overwritten on the disk already; otherwise it is with the next checkpoint.
    pub key_overwritten: bool,
}
