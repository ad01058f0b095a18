//! Erasing what is known of a shopper.

use super::{App, Error, TenantCtx, conversations};
use crate::{
    domain::{ConversationId, audit::NewAudit},
    store::Erased,
};

impl App {
    /// Erases a conversation for good, with everything that is known of its shopper through it: messages, pictures'
    /// addresses, what models saw and summed up, turns, replies, and the bytes of all that. `confirm` must repeat its id.
    ///
    /// Run again, it finishes an erasure that was cut short.
    ///
    /// # Errors
    /// [`Error::Invalid`] without the confirmation; [`Error::NotFound`] for one that never was; [`Error::Conflict`] while a
    /// reply is being sent; others when the rows are gone and their bytes could not be overwritten.
    pub async fn conversation_erase(
        &self,
        ctx: &TenantCtx,
        id: ConversationId,
        confirm: &str,
    ) -> Result<Erased, Error> {
        if confirm != id.to_string() {
            return Err(Error::Invalid {
                message: format!("`{confirm}` does not confirm erasing {id}"),
                hint: Some(format!("Repeat the id: `--confirm {id}`.")),
            });
        }
        let now = self.clock.now();
        let store = self.tenant_store(ctx).await?;
        let shopper = store.conversation(id).await?.map(|found| found.key.shopper);
        let tombstones = self.secrets.tombstones(ctx.id()).await?;
        let unscrubbed = |source: crate::store::Error| Error::Temporary {
            message: "not all of it could be overwritten yet".into(),
            source: Some(source.into()),
        };
        // First, while it is known whom to look for: what is set aside there is of no use to anybody but us.
        if let Some(shopper) = shopper.clone() {
            self.store.scrub_journal(shopper).await.map_err(unscrubbed)?;
        }
        let erased = store.erase(id, tombstones, now).await.map_err(conversations::with_hint)?;
        if shopper.is_some() {
            let entry = NewAudit::new("conversation.erased", Some(ctx.id()))
                .id("conversation", id.to_string())
                .number("messages", erased.messages as i64);
            self.store.control().append_audit(ctx.act(now), entry).await?;
        }
        self.changed(ctx.id()).await?;
        store.scrub().await.map_err(unscrubbed)?;
        tracing::info!(tenant.id = %ctx.id(), conversation.id = %id, messages = erased.messages, "a conversation was erased");
        Ok(erased)
    }
}
