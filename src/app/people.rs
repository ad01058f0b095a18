//! People beside each other: who is responsible for a conversation, who has it, and that a second one is told before both
//! answer the same shopper.

use std::collections::HashMap;

use super::{App, Error, TenantCtx, caller::nearest, conversations};
use crate::{
    domain::{
        ConversationId, StaffId,
        audit::NewAudit,
        conversation::{Holder, Overview},
        staff::{Doer, OPERATOR, Role, Staff, StaffName},
    },
    store::{self, Assigned},
};

/// What people call those who work with Aura. Whoever was removed has no name any more; the id stays.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<StaffId, StaffName>);

impl Names {
    /// What somebody is called; `None`: the person is gone, and the name with the person.
    #[must_use]
    pub fn of(&self, doer: Doer) -> Option<&str> {
        match doer {
            Doer::Operator => Some(OPERATOR),
            Doer::Staff(id) => self.0.get(&id).map(StaffName::as_str),
        }
    }
}

/// Somebody as people name them: the operator, whoever asks, or one of the staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Somebody {
    /// Whoever asks.
    Me,
    /// The operator.
    Operator,
    /// One of the staff.
    Named(StaffName),
}

/// Whose conversations are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Responsible {
    /// Somebody's.
    Is(Somebody),
    /// Nobody's, or somebody's who is gone.
    Nobody,
}

impl App {
    /// What everybody is called now.
    pub async fn names(&self) -> Result<Names, Error> {
        let all = self.store.control().staff().await?;
        Ok(Names(all.into_iter().map(|row| (row.staff.id, row.staff.name)).collect()))
    }

    /// Makes somebody responsible for a conversation, or nobody. Whoever answers in it stays the same.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown conversation, and for a person who does not work for the tenant;
    /// [`Error::Invalid`] for one who may only look.
    pub async fn conversation_assign(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        to: Option<Somebody>,
    ) -> Result<Overview, Error> {
        let store = self.tenant_store(ctx).await?;
        // An unknown conversation is said before an unknown person.
        conversations::find(&store, id).await?;
        let to = match to {
            None => None,
            Some(Somebody::Me) => Some(ctx.doer()),
            Some(Somebody::Operator) => Some(Doer::Operator),
            Some(Somebody::Named(name)) => Some(Doer::Staff(self.colleague(ctx, &name).await?)),
        };
        let now = self.clock.now();
        if store.assign(id, to, now).await.map_err(conversations::with_hint)? {
            let action = if to.is_some() { "conversation.assigned" } else { "conversation.unassigned" };
            let mut entry = NewAudit::new(action, Some(ctx.id())).id("conversation", id);
            if let Some(to) = to {
                entry = entry.id("assignee", to);
            }
            self.store.control().append_audit(ctx.act(now), entry).await?;
        }
        conversations::overview(&store, id).await
    }

    /// One of the staff who can be responsible for conversations of the tenant.
    async fn colleague(&self, ctx: &TenantCtx, name: &StaffName) -> Result<StaffId, Error> {
        let all: Vec<Staff> = self.staff_list().await?.into_iter().filter(|staff| staff.works_for(ctx.id())).collect();
        let Some(staff) = all.iter().find(|staff| staff.name == *name) else {
            // Whoever works for other shops alone is nobody here, and is not told of.
            let near = nearest(name.as_str(), all.iter().map(|staff| staff.name.as_str()));
            let slug = &ctx.tenant().slug;
            let hint = match near {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("`aura staff list` shows who works for {slug}; `operator` and `me` can be given too."),
            };
            return Err(Error::NotFound { what: "person of this shop", name: name.to_string(), hint: Some(hint) });
        };
        if staff.role < Role::Agent {
            return Err(Error::Invalid {
                message: format!("`{name}` may only look at conversations"),
                hint: Some(format!("The operator changes that: `aura staff edit {name} --role agent`.")),
            });
        }
        Ok(staff.id)
    }

    /// What a list asks for that wants conversations of somebody.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such person.
    pub async fn assigned(&self, asking: Doer, wanted: Responsible) -> Result<Assigned, Error> {
        Ok(match wanted {
            Responsible::Is(Somebody::Me) => Assigned::To(asking),
            Responsible::Is(Somebody::Operator) => Assigned::To(Doer::Operator),
            Responsible::Is(Somebody::Named(name)) => Assigned::To(Doer::Staff(self.staff_named(&name).await?.id)),
            Responsible::Nobody => {
                Assigned::ToNobody { known: self.staff_list().await?.into_iter().map(|staff| staff.id).collect() }
            }
        })
    }

    /// Names the person who is in the way.
    pub(super) async fn in_the_way(&self, error: store::Error) -> Error {
        let store::Error::Held(Holder { by, since }) = error else { return conversations::with_hint(error) };
        match self.names().await {
            Ok(names) => Error::Held { who: names.of(by).unwrap_or("somebody who is gone").to_owned(), since },
            Err(error) => error,
        }
    }

    /// Notes in the audit log that somebody went on where another person had the conversation.
    pub(super) async fn went_on(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        deed: &'static str,
        other: Option<Holder>,
    ) -> Result<(), Error> {
        let Some(other) = other else { return Ok(()) };
        let entry = NewAudit::new("conversation.overruled", Some(ctx.id())).id("conversation", id);
        let entry = entry.id("holder", other.by).word("deed", deed);
        Ok(self.store.control().append_audit(ctx.act(self.clock.now()), entry).await?)
    }
}
