//! Asking models of providers on a tenant's behalf: with its keys, out of its budget, along a route that it allows.

use std::time::Duration;

use super::{
    keys::Keys,
    purse::{Tally, TenantPurse},
};
use crate::{
    app::App,
    domain::{
        ConversationId, TenantId, TurnId,
        chat::{ChatRequest, ModelRef},
        cost::Budget,
        model::ModelRole,
    },
    provider::gateway::{Answered, Unanswered, Wish},
    store::TenantStore,
};

/// Who asks, and who pays.
pub(super) struct Asker<'a> {
    pub(super) app: &'a App,
    pub(super) store: &'a TenantStore,
    pub(super) tenant: TenantId,
    pub(super) budget: Budget,
    pub(super) correlation: Option<String>,
    /// Adds up what calls of no conversation cost; `None`: their conversation remembers it.
    pub(super) tally: Option<&'a Tally>,
}

/// What a call is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matter {
    pub(super) role: ModelRole,
    /// `None`: it is for no conversation that is kept.
    pub(super) conversation: Option<ConversationId>,
    /// The turn whose ceiling it counts towards; `None`: it serves those that come.
    pub(super) turn: Option<TurnId>,
}

impl Asker<'_> {
    /// Asks the models of a route one after the other, each call paid for.
    ///
    /// # Errors
    /// When none gave an answer.
    pub(super) async fn ask(
        &self,
        matter: Matter,
        route: &[ModelRef],
        request: &ChatRequest,
        within: Duration,
    ) -> Result<Answered, Unanswered> {
        let app = self.app;
        let keys = Keys { secrets: &app.secrets, providers: &app.config.providers, tenant: Some(self.tenant) };
        let purse = TenantPurse {
            store: self.store,
            budget: self.budget,
            tenant: self.tenant,
            prices: &app.models.prices,
            spent_today: &app.models.spent_today,
            clock: &*app.clock,
            ids: &*app.ids,
            role: matter.role,
            conversation: matter.conversation,
            turn: matter.turn,
            correlation: self.correlation.clone(),
            tally: self.tally,
        };
        let asked = app.models.gateway.answer(Wish { route, request, within, keys: &keys, purse: &purse }).await;
        for missed in asked.as_ref().map_or_else(|none| &none.missed, |answered| &answered.missed) {
            app.metrics.model_misses.with_label_values(&[missed.miss.code()]).inc();
        }
        asked
    }
}
