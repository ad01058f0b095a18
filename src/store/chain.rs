//! The hash chain that the event log of a tenant and the audit log of the installation share.

use sha2::{Digest, Sha256};

use crate::domain::{Timestamp, event::Field};

/// Domain separation of a chain entry's hash.
const ENTRY_PREFIX: u8 = 0x01;

/// The hash of an entry: covers the hash before it, its place, its time and all of its texts.
pub(super) fn link(previous: &[u8], seq: i64, at: Timestamp, texts: [&str; 4]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update([ENTRY_PREFIX]);
    hash.update(previous);
    hash.update(seq.to_be_bytes());
    hash.update(at.0.to_be_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().to_vec()
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
