//! How far a tenant's assistant may go with a shopper: changing it, and deciding by it.
//!
//! Everything is decided by what holds when it is decided; what was written before the last change, by what held then too.

use std::time::Duration;

use super::{App, Error, TenantCtx, attend::Attended, tenants};
use crate::{
    channel::ReadError,
    domain::{
        ConversationId, Timestamp, chain,
        conversation::{Conversation, Overview},
        event::{EventKind, NewEvent},
        reach::{Allowed, Chosen, Mode, Reach},
        tenant::Tenant,
        turn::SuppressReason,
    },
    store::{ConversationFilter, Listing, OutboxRow},
};

/// A name as it was last read is believed so long: people change their names.
const NAME_FRESH_MS: i64 = 24 * 3_600_000;
/// How long a turn waits for the shopper's name.
const NAME_MAX: Duration = Duration::from_secs(5);
/// Drafts looked at when a mode changes. More wait only where nobody has approved for long, and those are withdrawn with
/// the next look.
const DRAFTS_MAX: u32 = 10_000;

/// What of a tenant's reach is to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReachChange {
    /// How far the assistant may go.
    pub mode: Option<Mode>,
    /// With whom; empty: with everyone.
    pub only_from: Option<Vec<Chosen>>,
}

impl App {
    /// Changes how far the assistant may go, and with whom. What waits already is not answered by it: going live answers
    /// no backlog and sends no draft, and drafts of shoppers for whom it is off now are withdrawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than [`Reach::ONLY_FROM_MAX`] shoppers.
    pub async fn tenant_edit(&self, ctx: &TenantCtx, change: ReachChange) -> Result<Tenant, Error> {
        let (control, act) = (self.store.control(), ctx.act(self.clock.now()));
        let before = tenants::show(ctx, control).await?.standing.reach;
        let mut only_from = change.only_from.unwrap_or(before.only_from);
        only_from.sort();
        only_from.dedup();
        if only_from.len() > Reach::ONLY_FROM_MAX {
            return Err(Error::Invalid {
                message: format!("{} shoppers are more than can be chosen: {}", only_from.len(), Reach::ONLY_FROM_MAX),
                hint: Some("Let everyone in with `--everyone`.".into()),
            });
        }
        let reach = Reach { mode: change.mode.unwrap_or(before.mode), only_from };
        let store = self.tenant_store(ctx).await?;
        let _hint = self.wakes.hold(control, ctx.id(), act.at).await?;
        if control.set_reach(ctx.id(), reach.clone(), act).await? {
            let changed = NewEvent::new(EventKind::TenantModeChanged, "operator")
                .word("mode", reach.mode.as_str())
                .number("only_from", reach.only_from.len() as i64);
            store.append_event(changed, act.at).await?;
        }
        let tenant = tenants::show(ctx, control).await?;
        // Also where nothing has changed: the process may have died between the change and this.
        self.settle_drafts(&Attended { tenant: tenant.clone(), store, preview: None }).await?;
        self.changed(ctx.id()).await?;
        Ok(tenant)
    }

    /// Withdraws the drafts of shoppers for whom the assistant is off.
    pub(super) async fn settle_drafts(&self, attended: &Attended) -> Result<(), Error> {
        let Attended { tenant, store, .. } = attended;
        if tenant.standing.reach.mode != Mode::Off && tenant.standing.reach.only_from.is_empty() {
            return Ok(());
        }
        let drafts = Listing { filter: ConversationFilter::Draft, limit: DRAFTS_MAX, ..Listing::default() };
        for Overview { conversation: mut found, .. } in store.conversations(drafts).await? {
            if let Err(error) = self.learn_name(attended, &mut found).await {
                // Not knowing withdraws nothing; nor is the channel asked for the names of all the others now.
                tracing::warn!(tenant.id = %tenant.id, error = %chain(&error), "drafts were not all looked at");
                return Ok(());
            }
            if let (Some(draft), Allowed::Nothing(reason)) = (found.draft, towards(tenant, &found)) {
                store.withdraw_answer(found.id, draft.turn, reason, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// What the assistant may do about what a shopper wrote last at `written_at`.
    pub(super) async fn allowed(
        &self,
        tenant: &Tenant,
        conversation: &Conversation,
        written_at: Timestamp,
    ) -> Result<Allowed, Error> {
        if written_at < tenant.standing.since
            && let Some(then) = self.store.control().reach_at(tenant.id, written_at).await?
        {
            let key = &conversation.key;
            let name = conversation.shopper_name.as_deref();
            if let Allowed::Nothing(reason) = then.towards(key.channel, &key.shopper, name) {
                return Ok(Allowed::Nothing(reason));
            }
        }
        Ok(towards(tenant, conversation))
    }

    /// Learns the shopper's name from the channel where it decides whether the shopper is a chosen one. A channel that
    /// will not tell leaves it as it was.
    ///
    /// # Errors
    /// [`Error::Temporary`] where the channel may tell later: nothing is decided without it.
    pub(super) async fn learn_name(&self, attended: &Attended, conversation: &mut Conversation) -> Result<(), Error> {
        let Attended { tenant, store, .. } = attended;
        let (key, now) = (conversation.key.clone(), self.clock.now());
        let fresh = || conversation.shopper_name_at.is_some_and(|at| now.since_ms(at) < NAME_FRESH_MS);
        if !tenant.standing.reach.turns_on_name(key.channel, &key.shopper) || fresh() {
            return Ok(());
        }
        let Some(channel) = self.channel(tenant.id, key.channel, &key.account).await? else { return Ok(()) };
        let unreachable = |source: Option<ReadError>| Error::Temporary {
            message: "the shopper's name could not be read".into(),
            source: source.map(Into::into),
        };
        let name = match tokio::time::timeout(NAME_MAX, channel.shopper_name(&key.shopper)).await {
            Ok(Ok(name)) => name,
            Ok(Err(error)) if error.is_retryable() => return Err(unreachable(Some(error))),
            Ok(Err(error)) => {
                tracing::info!(
                    tenant.id = %tenant.id, conversation.id = %conversation.id, error = %chain(&error),
                    "the channel does not tell the shopper's name"
                );
                None
            }
            Err(_) => return Err(unreachable(None)),
        };
        store.name_shopper(conversation.id, name.clone(), now).await?;
        conversation.shopper_name = name.or(conversation.shopper_name.take());
        conversation.shopper_name_at = Some(now);
        Ok(())
    }

    /// The tenant as it is now: a run may have taken long. `None` if it is gone.
    pub(super) async fn tenant_now(&self, tenant: &Tenant) -> Result<Option<Tenant>, Error> {
        Ok(self.store.control().tenant_by_id(tenant.id).await?)
    }

    /// Deals with a queued answer of the bot by what holds now; `true` if it may not go out as it is.
    pub(super) async fn held_back(&self, attended: &Attended, row: &OutboxRow) -> Result<bool, Error> {
        let Attended { tenant, store, .. } = attended;
        let Some(turn) = row.turn else { return Ok(false) };
        let now = self.clock.now();
        let mut allowed = tenant.standing.reach.towards(row.channel, &row.shopper, row.shopper_name.as_deref());
        if tenant.standing.reach.turns_on_name(row.channel, &row.shopper)
            && let Some(mut found) = store.conversation(row.conversation).await?
        {
            self.learn_name(attended, &mut found).await?;
            allowed = towards(tenant, &found);
        }
        match allowed {
            Allowed::Answer => Ok(false),
            Allowed::Suggest if row.approved => Ok(false),
            Allowed::Suggest => {
                let until = super::drafts::held_until(row.channel, row.last_shopper_at);
                Ok(store.hold_answer(row.conversation, turn, until, now).await?)
            }
            Allowed::Nothing(reason) => Ok(store.withdraw_answer(row.conversation, turn, reason, now).await?),
        }
    }

    /// Leaves what is open to people, without a word to the shopper.
    pub(super) async fn leave_to_people(
        &self,
        attended: &Attended,
        conversation: ConversationId,
        reason: SuppressReason,
    ) -> Result<(), Error> {
        attended.store.leave_open(conversation, reason, self.clock.now()).await?;
        self.metrics.turn("suppressed");
        tracing::info!(
            tenant.id = %attended.tenant.id, conversation.id = %conversation, outcome = "suppressed",
            reason = reason.as_str(), "messages left to people"
        );
        Ok(())
    }
}

fn towards(tenant: &Tenant, conversation: &Conversation) -> Allowed {
    let key = &conversation.key;
    tenant.standing.reach.towards(key.channel, &key.shopper, conversation.shopper_name.as_deref())
}
