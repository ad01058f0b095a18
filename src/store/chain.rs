//! The hash chain that the event log of a tenant and the audit log of the installation share: each entry's hash covers
//! the one before it and everything that the entry says.

use sha2::{Digest, Sha256};

use crate::domain::event::Field;

/// The format of entries written today. An entry says its own, and each format is checked by its own rule:
///
/// 1. covers the place, the time and the texts, and takes a missing text for an empty one;
/// 2. covers also the format, whose chain it is, and whether a text is missing.
pub(super) const FORMAT: i64 = 2;
/// Whose chain the audit log is; a tenant's event log is that tenant's, by its id.
pub(super) const INSTALLATION: &str = "installation";
/// The hash of an entry.
pub(super) type Hash = [u8; 32];

/// Domain separation of a chain entry's hash, by format.
const PREFIXES: [u8; 2] = [0x01, 0x02];

/// An entry as it stands in its table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Its place, from 1.
    pub(super) seq: i64,
    /// Its format.
    pub(super) version: i64,
    /// When it was appended.
    pub(super) at_ms: i64,
    /// What changed, or what was done.
    pub(super) what: &'a str,
    /// Who did it.
    pub(super) actor: &'a str,
    /// An event's correlation, or the tenant that an audit entry is about.
    pub(super) about: Option<&'a str>,
    /// Ids and figures, JSON.
    pub(super) payload: &'a str,
}

/// The hash of an entry in the chain of `owner`; `None` for a format that this Aura does not know.
pub(super) fn link(owner: &str, previous: &[u8], entry: &Entry<'_>) -> Option<Hash> {
    let prefix = *PREFIXES.get(usize::try_from(entry.version.checked_sub(1)?).ok()?)?;
    let mut hash = Sha256::new();
    hash.update([prefix]);
    hash.update(previous);
    hash.update(entry.seq.to_be_bytes());
    hash.update(entry.at_ms.to_be_bytes());
    if entry.version >= FORMAT {
        hash.update(entry.version.to_be_bytes());
        text(&mut hash, owner);
        hash.update([u8::from(entry.about.is_some())]);
    }
    for part in [entry.what, entry.actor, entry.about.unwrap_or_default(), entry.payload] {
        text(&mut hash, part);
    }
    Some(hash.finalize().into())
}

/// A text with its length, so that no two lists of texts read the same.
fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// The fields of an entry as a JSON object.
pub(super) fn payload(fields: &[(&'static str, Field)]) -> String {
    let object: serde_json::Map<String, serde_json::Value> = fields
        .iter()
        .map(|(name, field)| {
            let value = match field {
                Field::Id(id) => id.as_str().into(),
                Field::Word(word) => (*word).into(),
                Field::Number(number) => (*number).into(),
                Field::Flag(flag) => (*flag).into(),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    serde_json::Value::Object(object).to_string()
}
