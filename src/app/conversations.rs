//! What people do with conversations: look, take over, release, write.

use super::{
    App, Error, TenantCtx,
    record::{Basis, Step},
};
use crate::{
    channel::split,
    domain::{
        ConversationId, Timestamp, TurnId,
        channel::{ChannelKind, ChannelRules},
        conversation::{Conversation, Label, Overview, Takeover, WhenHeld},
        outbox::Author,
        policy,
    },
    store::{Listing, OutboxRow, Page, RecordedTurn, TenantStore, Thread},
};

/// A turn with what is kept of it.
#[derive(Clone, Debug)]
pub struct TurnView {
    /// The turn.
    pub recorded: RecordedTurn,
    /// What its answer rested on; `None`: that was not kept.
    pub basis: Option<Basis>,
    /// How it came about; empty where that was not kept, or is forgotten.
    pub steps: Vec<Step>,
}

impl App {
    /// Lists conversations, the one with the newest message first.
    pub async fn conversation_list(&self, tenant: &TenantCtx, wanted: Listing) -> Result<Vec<Overview>, Error> {
        Ok(self.tenant_store(tenant).await?.conversations(wanted).await?)
    }

    /// Shows a page of one conversation.
    pub async fn conversation_show(&self, tenant: &TenantCtx, id: ConversationId, page: Page) -> Result<Thread, Error> {
        let found = self.tenant_store(tenant).await?.thread(id, page).await?;
        found.ok_or_else(|| not_found(id.to_string()))
    }

    /// Shows one turn of a conversation.
    pub async fn turn_show(&self, tenant: &TenantCtx, id: ConversationId, turn: TurnId) -> Result<TurnView, Error> {
        let store = self.tenant_store(tenant).await?;
        find(&store, id).await?;
        let found = store.recorded_turn(id, turn).await?;
        let recorded = found.ok_or_else(|| Error::NotFound {
            what: "turn",
            name: turn.to_string(),
            hint: Some(format!("`aura conversation show -t {} {id}` shows its turns.", tenant.tenant().slug)),
        })?;
        let unreadable = |source: serde_json::Error| Error::Failed {
            message: "what is kept of a turn cannot be read".into(),
            source: Some(source.into()),
        };
        let record = recorded.record.as_ref();
        let basis = record.map(|record| serde_json::from_str(&record.basis)).transpose().map_err(unreadable)?;
        let steps = record.and_then(|record| record.steps.as_deref()).map(serde_json::from_str);
        let steps = steps.transpose().map_err(unreadable)?.unwrap_or_default();
        Ok(TurnView { recorded, basis, steps })
    }

    /// A person takes the conversation; what the bot had not begun to send is cancelled.
    ///
    /// # Errors
    /// [`Error::Held`] when another person has it and `when_held` does not go on.
    pub async fn conversation_takeover(
        &self,
        tenant: &TenantCtx,
        id: ConversationId,
        when_held: WhenHeld,
    ) -> Result<Overview, Error> {
        let store = self.tenant_store(tenant).await?;
        let other = match store.take_over(id, when_held, self.clock.now()).await {
            Ok(other) => other,
            Err(error) => return Err(self.in_the_way(error).await),
        };
        self.went_on(tenant, id, "takeover", other).await?;
        self.changed(tenant.tenant().id).await?;
        overview(&store, id).await
    }

    /// A person puts a label on a conversation, or takes it off. It changes nothing but where people find it.
    pub async fn conversation_label(
        &self,
        tenant: &TenantCtx,
        id: ConversationId,
        label: Option<Label>,
    ) -> Result<Overview, Error> {
        let store = self.tenant_store(tenant).await?;
        store.label(id, label, self.clock.now()).await.map_err(with_hint)?;
        self.changed(tenant.tenant().id).await?;
        overview(&store, id).await
    }

    /// When the assistant answers again by itself in a conversation that a person has; `None`: only when a person lets it.
    #[must_use]
    pub fn bot_returns_at(&self, takeover: &Takeover) -> Option<Timestamp> {
        policy::bot_returns_at(takeover, self.config.conversation.takeover_minutes)
    }

    /// The bot may answer again; what the shopper wrote meanwhile is answered at once, unless the shopper had asked for
    /// a person: that was written to the person.
    pub async fn conversation_release(&self, tenant: &TenantCtx, id: ConversationId) -> Result<Overview, Error> {
        let store = self.tenant_store(tenant).await?;
        store.release(id, self.clock.now()).await.map_err(with_hint)?;
        self.changed(tenant.tenant().id).await?;
        overview(&store, id).await
    }

    /// Queues a person's message. The window and the tag are decided by `domain::policy`.
    ///
    /// # Errors
    /// [`Error::Held`] when another person has the conversation and `when_held` does not go on; [`Error::Refused`] when the
    /// channel's window for people has closed.
    pub async fn conversation_send(
        &self,
        tenant: &TenantCtx,
        id: ConversationId,
        text: &str,
        when_held: WhenHeld,
    ) -> Result<Vec<OutboxRow>, Error> {
        not_empty(text)?;
        let store = self.tenant_store(tenant).await?;
        let conversation = find(&store, id).await?;
        self.may_send(tenant, &conversation, Author::Person).await?;
        let parts = split(text, ChannelRules::of(conversation.key.channel).text_bytes_max);
        let count = parts.len() as u32;
        let other = match store.queue_person(id, parts, when_held, self.clock.now()).await {
            Ok(other) => other,
            Err(error) => return Err(self.in_the_way(error).await),
        };
        self.went_on(tenant, id, "send", other).await?;
        self.changed(tenant.tenant().id).await?;
        Ok(store.outbox_rows(id, count).await?)
    }

    /// Whether something can go out now: the channel's window, and an account that can send.
    pub(super) async fn may_send(
        &self,
        tenant: &TenantCtx,
        conversation: &Conversation,
        author: Author,
    ) -> Result<(), Error> {
        let key = &conversation.key;
        policy::may_send(ChannelRules::of(key.channel), author, conversation.last_shopper_at, self.clock.now())?;
        if key.channel == ChannelKind::Instagram
            && self.channel(tenant.id(), ChannelKind::Instagram, &key.account).await?.is_none()
        {
            return Err(Error::Invalid {
                message: format!("the account {} has no token", key.account),
                hint: Some("Connect it with `aura connect instagram`.".into()),
            });
        }
        Ok(())
    }
}

pub(super) fn not_empty(text: &str) -> Result<(), Error> {
    match text.trim() {
        "" => Err(Error::Invalid { message: "the message is empty".into(), hint: None }),
        _ => Ok(()),
    }
}

pub(super) async fn find(store: &TenantStore, id: ConversationId) -> Result<Conversation, Error> {
    store.conversation(id).await?.ok_or_else(|| not_found(id.to_string()))
}

/// The conversation as lists show it.
pub(super) async fn overview(store: &TenantStore, id: ConversationId) -> Result<Overview, Error> {
    let only = Listing { ids: Some(vec![id]), limit: 1, ..Listing::default() };
    store.conversations(only).await?.pop().ok_or_else(|| not_found(id.to_string()))
}

fn not_found(name: String) -> Error {
    Error::NotFound {
        what: "conversation",
        name,
        hint: Some("`aura conversation list` shows the tenant's conversations.".into()),
    }
}

pub(super) fn with_hint(error: crate::store::Error) -> Error {
    match error {
        crate::store::Error::NotFound { what: "conversation", name } => not_found(name),
        other => other.into(),
    }
}
