//! The installation's log of who changed what: ids, words and figures, never names, URLs or secrets.

use super::{StaffId, TenantId, Timestamp, event::Field, staff::Doer};

/// Who does something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// `operator`, `staff` or `system`.
    pub actor: &'static str,
    /// Which of the staff.
    pub staff: Option<StaffId>,
    /// When.
    pub at: Timestamp,
}

impl Act {
    /// The operator's doing.
    #[must_use]
    pub const fn operator(at: Timestamp) -> Self {
        Self::of(Doer::Operator, at)
    }

    /// A person's doing.
    #[must_use]
    pub const fn of(doer: Doer, at: Timestamp) -> Self {
        Self { actor: doer.actor(), staff: doer.staff(), at }
    }

    /// Aura's own doing.
    #[must_use]
    pub const fn system(at: Timestamp) -> Self {
        Self { actor: "system", staff: None, at }
    }
}

/// An entry about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// What was done, such as `tenant.added`.
    pub action: &'static str,
    /// To which tenant; `None`: to the installation.
    pub tenant: Option<TenantId>,
    /// Ids and figures.
    pub fields: Vec<(&'static str, Field)>,
}

impl NewAudit {
    /// An entry without fields.
    #[must_use]
    pub const fn new(action: &'static str, tenant: Option<TenantId>) -> Self {
        Self { action, tenant, fields: Vec::new() }
    }

    /// Adds an id.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: impl std::fmt::Display) -> Self {
        self.fields.push((name, Field::Id(id.to_string())));
        self
    }

    /// Adds a word.
    #[must_use]
    pub fn word(mut self, name: &'static str, word: &'static str) -> Self {
        self.fields.push((name, Field::Word(word)));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.fields.push((name, Field::Number(number)));
        self
    }
}

/// An entry as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the log, from 1, without gaps.
    pub seq: i64,
    /// What was done.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// To which tenant; it may be gone by now.
    pub tenant: Option<TenantId>,
    /// Ids and figures, as a JSON object.
    pub payload: String,
}
