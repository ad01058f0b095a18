//! People beside each other: which of them has a conversation, and who is responsible for it.
//!
//! Who asks is known to the write that runs ([`told::doer`]), so what is compared and what is written are of one moment.

use rusqlite::{Transaction, named_params};

use super::{Error, TenantStore, conversation::require, event, told};
use crate::domain::{
    ConversationId, Timestamp,
    conversation::{Conversation, Holder, WhenHeld},
    event::{EventKind, NewEvent},
    staff::{Doer, OPERATOR},
};

/// The other person who has the conversation, if one has.
///
/// # Errors
/// [`Error::Held`] when one has and `when_held` does not go on.
pub(super) fn other_holder(conversation: &Conversation, when_held: WhenHeld) -> Result<Option<Holder>, Error> {
    let other = conversation.holder.filter(|holder| holder.by != told::doer());
    match (other, when_held) {
        (Some(holder), WhenHeld::Refuse) => Err(Error::Held(holder)),
        (other, _) => Ok(other),
    }
}

/// Whoever has the write done has the conversation from now on, if people have it at all. `before`: as it was.
pub(super) fn hold(tx: &Transaction<'_>, before: &Conversation, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE conversation SET holder = :by, held_since_ms = :now
        WHERE id = :id AND takeover_cause IS NOT NULL AND holder IS NOT :by";
    let (conversation, by) = (before.id, told::doer());
    let changed = tx
        .prepare_cached(SQL)
        .and_then(|mut update| {
            update.execute(named_params! { ":id": conversation.to_string(), ":by": by.to_string(), ":now": now.0 })
        })
        .map_err(Error::sql("note who has a conversation"))?;
    // A takeover that begins with it says so itself.
    if changed == 1 && before.takeover.is_some() {
        let mut passed = NewEvent::new(EventKind::TakeoverPassed, OPERATOR).id("conversation", conversation);
        if let Some(holder) = before.holder {
            passed = passed.id("from", holder.by);
        }
        event::append(tx, now, &passed)?;
    }
    Ok(())
}

impl TenantStore {
    /// Makes somebody responsible for a conversation, or nobody. `false` if it was so already.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown conversation.
    pub async fn assign(
        &self,
        conversation: ConversationId,
        assignee: Option<Doer>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE conversation SET assignee = :assignee WHERE id = :id AND assignee IS NOT :assignee";
        self.write("assign a conversation", move |tx| {
            require(tx, conversation)?;
            let assignee = assignee.map(|doer| doer.to_string());
            let changed = tx
                .prepare_cached(SQL)
                .and_then(|mut update| {
                    update.execute(named_params! { ":id": conversation.to_string(), ":assignee": assignee })
                })
                .map_err(Error::sql("assign a conversation"))?;
            if changed == 1 {
                let kind = if assignee.is_some() { EventKind::Assigned } else { EventKind::Unassigned };
                let mut assigned = NewEvent::new(kind, OPERATOR).id("conversation", conversation);
                if let Some(assignee) = &assignee {
                    assigned = assigned.id("assignee", assignee);
                }
                event::append(tx, now, &assigned)?;
            }
            Ok(changed == 1)
        })
        .await
    }
}
