//! Passes a waiting reply through the guard again, against what the shop's data says now.

use super::{App, Error, attend::Attended};
use crate::{
    agent::{
        compose,
        guard::{self, Limits, Rules},
    },
    domain::evidence::Evidence,
    store::OutboxRow,
};

/// A reply that still holds may go; one that does not is made anew, or handed over once part of it is out.
pub(super) async fn guard_again(app: &App, attended: &Attended, row: &OutboxRow) -> Result<bool, Error> {
    let Attended { tenant, store, .. } = attended;
    let now = app.clock.now();
    let products = store.products_by_key(row.products.clone()).await?;
    let persona = attended.persona().await?;
    let evidence = Evidence { products, facts: persona.facts.clone(), read_at: now };
    let own_words = compose::own_words(&persona, tenant);
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::PassedBefore,
        own_words: &own_words,
        asked: &[],
        citations: &[],
        author: guard::Author::House,
    };
    if guard::check(std::slice::from_ref(&row.text), &rules).is_empty() {
        return Ok(store.mark_guarded(row.id, row.epoch, now).await?);
    }
    tracing::info!(
        tenant.id = %tenant.id, conversation.id = %row.conversation, outbox.id = %row.id,
        correlation = row.correlation, "a waiting reply no longer matches the catalogue"
    );
    if !store.reopen_unsent(row.conversation, now).await? {
        store.cancel_send(row.id, row.epoch, "guard", true, now).await?;
    }
    Ok(true)
}
