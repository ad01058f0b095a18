//! What people do with drafts: approve, reject, edit. And what becomes of one that nobody decides about.

use super::{App, Error, TenantCtx, attend::Attended, conversations};
use crate::{
    channel::split,
    domain::{
        ConversationId, Timestamp, TurnId,
        audit::NewAudit,
        channel::{ChannelKind, ChannelRules},
        conversation::{Overview, WhenHeld},
        outbox::Author,
        policy,
        reach::Allowed,
        turn::SuppressReason,
    },
    store::{self, OutboxRow},
};

/// Until when a draft can wait: the end of the channel's window.
pub(super) fn held_until(channel: ChannelKind, last_shopper_at: Option<Timestamp>) -> Timestamp {
    policy::window_ends_at(ChannelRules::of(channel), last_shopper_at).unwrap_or(Timestamp(i64::MAX))
}

impl App {
    /// Lets the draft go out. It stays the assistant's: its window, no tag, and the guard once more if it has waited.
    /// `wanted` names the draft that the person has seen.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no draft waits, or another one by now; [`Error::Refused`] when the window has closed;
    /// [`Error::Held`] when another person has the conversation and `when_held` does not go on.
    pub async fn draft_approve(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        wanted: Option<TurnId>,
        when_held: WhenHeld,
    ) -> Result<Vec<OutboxRow>, Error> {
        let store = self.tenant_store(ctx).await?;
        let mut conversation = conversations::find(&store, id).await?;
        if conversation.draft.is_some() {
            self.may_send(ctx, &conversation, Author::Bot).await?;
            let attended = Attended { tenant: ctx.tenant().clone(), store: store.clone(), preview: None };
            // What is only tried out notes no name, and would end with that.
            if !store::is_tried_out() {
                self.learn_name(&attended, &mut conversation).await?;
            }
            let allowed = self.allowed(ctx.tenant(), &conversation, self.clock.now()).await?;
            if let Allowed::Nothing(_) = allowed {
                return Err(Error::Conflict {
                    message: "the assistant is off for this shopper: nothing that it wrote goes out".into(),
                    hint: Some(format!("Answer yourself: `aura conversation send -t {} {id} TEXT`.", slug(ctx))),
                });
            }
        }
        let (rows, other) = match store.approve_draft(id, wanted, when_held, self.clock.now()).await {
            Ok(approved) => approved,
            Err(error) => return Err(self.settled(ctx, id, error).await),
        };
        self.went_on(ctx, id, "approve", other).await?;
        self.decided(ctx, "draft.approved", id, rows.first().and_then(|row| row.turn)).await?;
        Ok(rows)
    }

    /// Refuses the draft; the messages are left to people, and the shopper's next one gets a new draft.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no draft waits, or another one by now.
    pub async fn draft_reject(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        wanted: Option<TurnId>,
    ) -> Result<Overview, Error> {
        let store = self.tenant_store(ctx).await?;
        conversations::find(&store, id).await?;
        let turn = match store.reject_draft(id, wanted, self.clock.now()).await {
            Ok(turn) => turn,
            Err(error) => return Err(self.settled(ctx, id, error).await),
        };
        self.decided(ctx, "draft.rejected", id, Some(turn)).await?;
        conversations::overview(&store, id).await
    }

    /// Sends a person's words in the draft's place, by the rules for people.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no words; [`Error::Conflict`] when no draft waits, or another one by now;
    /// [`Error::Refused`] when the window for people has closed; [`Error::Held`] when another person has the conversation and
    /// `when_held` does not go on.
    pub async fn draft_edit(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        wanted: Option<TurnId>,
        text: &str,
        when_held: WhenHeld,
    ) -> Result<Vec<OutboxRow>, Error> {
        conversations::not_empty(text)?;
        let store = self.tenant_store(ctx).await?;
        let conversation = conversations::find(&store, id).await?;
        if conversation.draft.is_some() {
            self.may_send(ctx, &conversation, Author::Person).await?;
        }
        let parts = split(text, ChannelRules::of(conversation.key.channel).text_bytes_max);
        let (turn, rows, other) = match store.edit_draft(id, wanted, parts, when_held, self.clock.now()).await {
            Ok(edited) => edited,
            Err(error) => return Err(self.settled(ctx, id, error).await),
        };
        self.went_on(ctx, id, "edit", other).await?;
        self.decided(ctx, "draft.edited", id, Some(turn)).await?;
        Ok(rows)
    }

    /// A draft that no longer waits is a conflict, whoever was faster.
    async fn settled(&self, ctx: &TenantCtx, id: ConversationId, error: store::Error) -> Error {
        match error {
            store::Error::Conflict(message) => Error::Conflict {
                message,
                hint: Some(format!("`aura conversation show -t {} {id}` shows how it stands.", slug(ctx))),
            },
            other => self.in_the_way(other).await,
        }
    }

    async fn decided(
        &self,
        ctx: &TenantCtx,
        action: &'static str,
        id: ConversationId,
        turn: Option<TurnId>,
    ) -> Result<(), Error> {
        let mut entry = NewAudit::new(action, Some(ctx.id())).id("conversation", id);
        if let Some(turn) = turn {
            entry = entry.id("turn", turn);
        }
        self.store.control().append_audit(ctx.act(self.clock.now()), entry).await?;
        self.changed(ctx.id()).await
    }

    /// A draft's time is up: the window has closed, and its messages are left to people. If the shopper has done
    /// something meanwhile that holds the window open, it waits on.
    pub(super) async fn draft_lapsed(&self, attended: &Attended, row: &OutboxRow) -> Result<bool, Error> {
        let Some(turn) = row.turn else { return Ok(false) };
        let (store, now) = (&attended.store, self.clock.now());
        let until = held_until(row.channel, row.last_shopper_at);
        if until > now {
            return Ok(store.hold_answer(row.conversation, turn, until, now).await?);
        }
        tracing::info!(
            tenant.id = %attended.tenant.id, conversation.id = %row.conversation, turn.id = %turn,
            "a draft was not approved before the channel's window closed"
        );
        Ok(store.withdraw_answer(row.conversation, turn, SuppressReason::WindowClosed, now).await?)
    }
}

fn slug(ctx: &TenantCtx) -> &str {
    ctx.tenant().slug.as_str()
}
