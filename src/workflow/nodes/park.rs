//! `park`: ends the run with a label on the conversation. A draft that passed the guard still goes out.

use serde::{Deserialize, Deserializer};

use crate::{domain::conversation::Label, workflow::vocabulary::Variables};

/// `park`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Park {
    /// Left out: the one that was understood.
    #[serde(default, deserialize_with = "label")]
    label: Option<Label>,
}

impl Park {
    /// What the conversation is parked as.
    pub(super) fn label(&self, variables: &Variables) -> Label {
        self.label.or_else(|| variables.label()).unwrap_or(Label::Other)
    }
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Label>, D::Error> {
    let word = String::deserialize(deserializer)?;
    let label = Label::parse(&word).ok_or_else(|| {
        let known = Label::ALL.map(Label::as_str).join(", ");
        serde::de::Error::custom(format!("unknown label `{word}`, expected one of {known}"))
    });
    label.map(Some)
}
