//! Finds out whether a reply of unknown outcome arrived, by reading the thread. Nothing is guessed.

use super::{App, Error, attend::Attended};
use crate::{
    domain::Timestamp,
    domain::chain,
    store::{CLOCK_SLACK_MS, Look, OutboxRow, same_text},
};

impl App {
    /// How long an unknown outcome is left to echoes before the first look.
    pub(super) fn first_look_ms(&self) -> i64 {
        self.config.delivery.settle_ms.first().map_or(0, |ms| i64::try_from(*ms).unwrap_or(i64::MAX))
    }

    /// Looks at the thread of an unknown row once.
    pub(super) async fn reconcile(&self, attended: &Attended, row: OutboxRow) -> Result<(), Error> {
        let settle = &self.config.delivery.settle_ms;
        let looks_max = settle.len().max(1) as u32;
        let at = |n: u32| settle.get(n as usize).map_or(0, |ms| i64::try_from(*ms).unwrap_or(i64::MAX));
        let next_look_ms = (at(row.looks + 1) - at(row.looks)).max(0);
        let look = self.look(attended, &row).await?;
        tracing::info!(
            tenant.id = %attended.tenant.id, conversation.id = %row.conversation, outbox.id = %row.id,
            correlation = row.correlation, look = row.looks + 1, found = matches!(look, Look::Found { .. }), "looked for a reply of unknown outcome"
        );
        let resolution = match &look {
            Look::Found { .. } => Some("sent"),
            _ if row.looks + 1 < looks_max => None,
            Look::Unreadable => Some("held"),
            Look::Absent if row.blind_retries > 0 => Some("held"),
            Look::Absent => Some("retried_blind"),
        };
        if let Some(resolution) = resolution {
            self.metrics.outbox_unknown.with_label_values(&[resolution]).inc();
        }
        let now = self.clock.now();
        attended.store.resolve_unknown(row.id, row.epoch, look, looks_max, next_look_ms, now).await?;
        Ok(())
    }

    async fn look(&self, attended: &Attended, row: &OutboxRow) -> Result<Look, Error> {
        let Some(channel) = self.channel(attended.tenant.id, row.channel, &row.account).await? else {
            return Ok(Look::Unreadable);
        };
        let thread = match channel.newest_messages(&row.shopper).await {
            Ok(thread) => thread,
            Err(error) => {
                tracing::warn!(
                    tenant.id = %attended.tenant.id, outbox.id = %row.id, correlation = row.correlation,
                    error = %chain(&error), "the thread could not be read");
                return Ok(Look::Unreadable);
            }
        };
        let sent_at: Timestamp = row.sending_at.unwrap_or(row.queued_at).plus_ms(-CLOCK_SLACK_MS);
        let mut ours: Vec<_> = thread
            .into_iter()
            .filter(|message| !message.from_shopper && message.created_at >= sent_at)
            .filter(|message| message.text.as_deref().is_some_and(|text| same_text(text, &row.text)))
            .collect();
        ours.sort_by_key(|message| message.created_at);
        let mids = ours.into_iter().map(|message| message.mid).collect();
        // One mid belongs to one reply: the oldest that no other reply has.
        let unbound = attended.store.unknown_mids(row.account.clone(), mids).await?;
        Ok(unbound.into_iter().next().map_or(Look::Absent, |mid| Look::Found { mid }))
    }
}
