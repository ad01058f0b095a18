//! Every stable code that can leave Aura, explained: those of errors and those of problems that `aura status` names. A code
//! without a row here fails a test.

mod a_to_l;
mod m_to_z;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// The code.
    pub code: String,
    /// What it means.
    pub means: String,
    /// Why it happens.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// Code, what it means, why it happens, what to do.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn rows() -> impl Iterator<Item = &'static Row> {
    a_to_l::ROWS.iter().chain(m_to_z::ROWS)
}

/// Every code, in the order of the alphabet.
#[must_use]
pub fn explained() -> Vec<Explained> {
    let row = |&(code, means, why, remedy): &Row| Explained {
        code: code.into(),
        means: means.into(),
        why: why.into(),
        remedy: remedy.into(),
    };
    rows().map(row).collect()
}

#[cfg(test)]
mod tests;
