//! A trial from the command line: the shopper's side of a conversation on the local channel. Nothing leaves the machine.

use super::{App, Error, TenantCtx, attend::Attended};
use crate::{
    domain::{
        ConversationId, MessageId, Timestamp,
        channel::{AccountId, ChannelKind, ShopperId},
        conversation::ConversationKey,
        evidence::Evidence,
        inbound::{InboundEvent, InboundKind, InboundMessage},
        outbox::OutboxState,
        persona::Persona,
        product::ProductKey,
        spend::Used,
    },
    store::{Arrival, InboundRules, OutboxRow},
};

/// Steps that one message may take: its turn and the sending of each part.
const STEPS_MAX: u32 = 64;
/// Rows read back at most.
const ROWS_MAX: u32 = 64;

/// What the assistant said to one message.
#[derive(Clone, Debug)]
pub struct ChatAnswer {
    /// Its messages, in order.
    pub replies: Vec<ChatReply>,
    /// What they rest on, read again now.
    pub evidence: Evidence,
    /// What wrote them.
    pub model: Option<String>,
    /// What models used for it, drafts that were refused included.
    pub used: Used,
    /// Why a person is needed, if one is.
    pub handoff: Option<String>,
}

/// One message of the assistant.
#[derive(Clone, Debug)]
pub struct ChatReply {
    /// What it says.
    pub text: String,
    /// The products it names.
    pub products: Vec<ProductKey>,
}

impl App {
    /// Says `text` as the shopper of a session and waits for the answer. `preview`: a voice to try; it is set nowhere.
    pub async fn chat(
        &self,
        tenant: &TenantCtx,
        session: &str,
        text: &str,
        preview: Option<Persona>,
    ) -> Result<ChatAnswer, Error> {
        if text.trim().is_empty() {
            return Err(Error::Invalid { message: "the message is empty".into(), hint: None });
        }
        let store = self.tenant_store(tenant).await?;
        let key = ConversationKey {
            channel: ChannelKind::Local,
            account: AccountId::local(),
            shopper: ShopperId(session.to_owned()),
        };
        let asked_at = self.clock.now();
        let before = match store.conversation_by_key(key.clone()).await? {
            Some(known) => store.outbox_rows(known.id, 1).await?.last().map(|row| row.id),
            None => None,
        };
        store.record_inbound(vec![self.local_message(&key, text)], self.local_rules()).await?;
        let conversation = store
            .conversation_by_key(key)
            .await?
            .ok_or_else(|| Error::Failed { message: "the trial's conversation is gone".into(), source: None })?;
        let attended = Attended { tenant: tenant.tenant().clone(), store, preview };
        self.finish_locally(&attended, conversation.id).await?;
        let mut rows = attended.store.outbox_rows(conversation.id, ROWS_MAX).await?;
        if let Some(last) = before.and_then(|id| rows.iter().position(|row| row.id == id)) {
            rows.drain(..=last);
        }
        self.chat_answer(&attended, conversation.id, rows, asked_at).await
    }

    fn local_message(&self, key: &ConversationKey, text: &str) -> Arrival {
        let now = self.clock.now();
        let mid = MessageId::next(&*self.ids).to_string();
        let message = InboundMessage { mid: mid.clone(), text: Some(text.to_owned()), ..InboundMessage::default() };
        let event = InboundEvent {
            account: key.account.clone(),
            shopper: Some(key.shopper.clone()),
            at: now,
            dedupe_key: mid,
            kind: InboundKind::Message(message),
        };
        Arrival { event, received_at: now, request: None, recovered: false }
    }

    fn local_rules(&self) -> InboundRules {
        InboundRules {
            channel: ChannelKind::Local,
            debounce_ms: 0,
            tombstones: None,
            own_app_id: None,
            now: self.clock.now(),
        }
    }

    async fn finish_locally(&self, attended: &Attended, conversation: ConversationId) -> Result<(), Error> {
        for _ in 0..STEPS_MAX {
            if !self.step(attended, conversation).await? {
                return Ok(());
            }
        }
        Err(Error::Failed { message: "the trial did not come to an end".into(), source: None })
    }

    async fn chat_answer(
        &self,
        attended: &Attended,
        conversation: ConversationId,
        rows: Vec<OutboxRow>,
        asked_at: Timestamp,
    ) -> Result<ChatAnswer, Error> {
        let turn = attended.store.turns(conversation, 1).await?.pop();
        let keys = turn.as_ref().map(|turn| turn.evidence.clone()).unwrap_or_default();
        let products = attended.store.products_by_key(keys).await?;
        let handed_over = turn.as_ref().is_some_and(|turn| turn.outcome.as_deref() == Some("handed_over"));
        Ok(ChatAnswer {
            replies: rows
                .into_iter()
                .filter(|row| row.state == OutboxState::Sent)
                .map(|row| ChatReply { text: row.text, products: row.products })
                .collect(),
            evidence: Evidence { products, facts: Vec::new(), read_at: self.clock.now() },
            model: turn.as_ref().and_then(|turn| turn.model.clone()),
            used: attended.store.spent_in(conversation, asked_at).await?,
            handoff: turn.filter(|_| handed_over).and_then(|turn| turn.reason),
        })
    }
}
