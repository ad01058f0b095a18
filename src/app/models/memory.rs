//! Has older messages of a conversation summarised, beside the draft that they are too many for; the next turn has the
//! summary. Where no model makes one, older messages are left out, and nothing else changes.

use std::time::Duration;

use super::{ask::Matter, write::ModelWriter};
use crate::{
    agent::memory,
    app::App,
    domain::{MessageId, chain, chat::ModelRef, conversation::Memory, model::ModelRole, turn::TurnInput},
};

/// Of what a model can hold, earlier messages take one part in so many at most: the shop's data, the instructions, the tools
/// and the answer need the rest.
const SHARE_OF_CONTEXT: u32 = 4;

impl App {
    /// Tokens of earlier messages that are told in full: what the setting says, as far as every model of the route holds it.
    pub(super) fn history_tokens(&self, route: &[ModelRef]) -> usize {
        let held = route.iter().filter_map(|model| self.models.known.of(model).context_tokens);
        let most = held.map(|tokens| tokens / SHARE_OF_CONTEXT).min().unwrap_or(u32::MAX);
        usize::try_from(self.config.models.history_tokens.min(most)).unwrap_or(usize::MAX)
    }
}

impl ModelWriter<'_> {
    /// Summarises what has outgrown the prompt, if anything has.
    pub(super) async fn remember(&self, input: &TurnInput, within: Duration) {
        let app = self.asker.app;
        let known = input.memory.as_ref();
        let older = memory::outgrown(&input.history, known, app.history_tokens(&self.route));
        let Some(last) = older.last() else { return };
        let (mark, canary) = (app.models.mark(input.tenant.id), app.models.canary(input.tenant.id));
        let request = memory::request(older, known, &mark);
        // Of no turn: it serves those that come, and takes nothing from the ceiling of this one.
        let matter = Matter { role: ModelRole::Chat, conversation: input.conversation, turn: None };
        let Ok(answered) = self.asker.ask(matter, &self.route, &request, within).await else { return };
        let Some(summary) = memory::read(&answered.answer, &[&canary, &mark]) else {
            tracing::warn!(conversation.id = %input.conversation, model = %answered.model, "its notes cannot be used");
            return;
        };
        let (through_at, through, made_by) = (last.at, last.id, answered.model.to_string());
        let memory = Memory { summary, through_at, through, made_by };
        let of: Vec<MessageId> = older.iter().filter(|message| !message.unsent).map(|message| message.id).collect();
        let (before, now) = (known.map(|known| known.through), app.clock.now());
        match self.asker.store.remember(input.conversation, memory, of, before, now).await {
            Ok(kept) => tracing::debug!(conversation.id = %input.conversation, kept, "older messages were summarised"),
            Err(error) => {
                tracing::warn!(conversation.id = %input.conversation, error = %chain(&error), "a summary is not kept");
            }
        }
    }
}
