//! Has older messages of a conversation summarised, beside the draft that they are too many for; the next turn has the
//! summary. Where no model makes one, older messages are left out, and nothing else changes.

use std::time::Duration;

use super::write::ModelWriter;
use crate::{
    agent::memory,
    domain::{MessageId, chain, conversation::Memory, turn::TurnInput},
};

impl ModelWriter<'_> {
    /// Summarises what has outgrown the prompt, if anything has.
    pub(super) async fn remember(&self, input: &TurnInput, within: Duration) {
        let known = input.memory.as_ref();
        let older = memory::outgrown(&input.history, known, self.history_tokens());
        let Some(last) = older.last() else { return };
        let (mark, canary) = self.marks(input.tenant.id);
        let request = memory::request(older, known, &mark);
        // Of no turn: it serves those that come, and takes nothing from the ceiling of this one.
        let Ok(answered) = self.ask(&self.route, &request, input, None, within).await else { return };
        let Some(summary) = memory::read(&answered.answer, &[&canary, &mark]) else {
            tracing::warn!(conversation.id = %input.conversation, model = %answered.model, "its notes cannot be used");
            return;
        };
        let (through_at, through, made_by) = (last.at, last.id, answered.model.to_string());
        let memory = Memory { summary, through_at, through, made_by };
        let of: Vec<MessageId> = older.iter().filter(|message| !message.unsent).map(|message| message.id).collect();
        let (before, now) = (known.map(|known| known.through), self.app.clock.now());
        match self.store.remember(input.conversation, memory, of, before, now).await {
            Ok(kept) => tracing::debug!(conversation.id = %input.conversation, kept, "older messages were summarised"),
            Err(error) => {
                tracing::warn!(conversation.id = %input.conversation, error = %chain(&error), "a summary is not kept");
            }
        }
    }
}
