//! A draft by a model: the prompt, the gateway, and what is read from the answer.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::{sync::OnceCell, time::Instant};

use super::{keys::Keys, pictures::Looked, purse::TenantPurse};
use crate::{
    agent::{
        prompt::{self, Scene},
        rounds::Calling,
        writer::{Authored, BuiltIn, WriteError, WriteRequest, Writer, Wrote},
    },
    app::{App, Error},
    domain::{
        TenantId, TurnId,
        chat::{ChatRequest, ModelRef},
        cost::Budget,
        model::ModelRole,
        secret::SecretScope,
        tenant::Tenant,
        turn::TurnInput,
    },
    provider::gateway::{Answered, Wish},
    store::TenantStore,
    workflow::Intent,
};

/// What a draft's time leaves to the call of a model: the rest is for reading the answer and counting what it cost.
const SHARE_OF_TIME: f64 = 0.95;
/// What it leaves to a summary that is made beside it: a shopper does not wait for one that takes long.
const SHARE_OF_SUMMARY: f64 = 0.5;

impl App {
    /// Who writes for a tenant now: what it chose, as far as that is allowed; else the built-in composer.
    pub(in crate::app) async fn writer_for<'a>(
        &'a self,
        tenant: &Tenant,
        store: &'a TenantStore,
        correlation: &str,
    ) -> Result<Box<dyn Writer + 'a>, Error> {
        if let Some(given) = &self.writer {
            return Ok(Box::new(Given(&**given)));
        }
        let settings = self.models_of(SecretScope::Tenant(tenant.id)).await?;
        let allowed = settings.allowed.clone().unwrap_or_default();
        let route = settings.choice(ModelRole::Chat).map_or_else(Vec::new, |choice| choice.route(&allowed));
        if route.is_empty() {
            return Ok(Box::new(BuiltIn));
        }
        let correlation = Some(correlation.to_owned());
        Ok(Box::new(ModelWriter {
            app: self,
            store,
            route,
            budget: settings.budget,
            correlation,
            looked: OnceCell::new(),
        }))
    }
}

/// A writer that stands for every model.
#[derive(Debug)]
struct Given<'a>(&'a dyn Writer);

impl Writer for Given<'_> {
    fn calls_tools(&self) -> bool {
        self.0.calls_tools()
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        self.0.write(request)
    }
}

/// Writes with the models that a tenant chose, in their order.
pub struct ModelWriter<'a> {
    pub(in crate::app) app: &'a App,
    pub(in crate::app) store: &'a TenantStore,
    /// The models in the order in which they are tried; never empty.
    pub(in crate::app) route: Vec<ModelRef>,
    pub(in crate::app) budget: Budget,
    pub(in crate::app) correlation: Option<String>,
    /// The pictures of this turn, once they are wanted.
    pub(in crate::app) looked: OnceCell<Looked>,
}

impl std::fmt::Debug for ModelWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelWriter").field("route", &self.route).finish_non_exhaustive()
    }
}

impl Writer for ModelWriter<'_> {
    fn calls_tools(&self) -> bool {
        true
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        self.draft(request).boxed()
    }
}

impl ModelWriter<'_> {
    /// The models in the order in which they are asked for this: who has called tools goes on as long as it answers,
    /// because what it attached to its words is worth nothing to another.
    fn route(&self, write: &WriteRequest<'_>) -> Vec<ModelRef> {
        let mut route = self.route.clone();
        let called = write.steps.rounds.last().map(|round| round.calling.by.as_str());
        let at = route.iter().position(|model| called == Some(model.to_string().as_str()));
        if let Some(at) = at {
            route[..=at].rotate_right(1);
        }
        route
    }

    /// Tokens of earlier messages that are told in full.
    pub(super) fn history_tokens(&self) -> usize {
        usize::try_from(self.app.config.models.history_tokens).unwrap_or(usize::MAX)
    }

    /// What sets data apart in a prompt, and what shows that it leaked.
    pub(super) fn marks(&self, tenant: TenantId) -> (String, String) {
        (self.app.models.mark(tenant), self.app.models.canary(tenant))
    }

    /// Asks the models of a route, each call paid for.
    ///
    /// # Errors
    /// When none gave an answer.
    pub(super) async fn ask(
        &self,
        route: &[ModelRef],
        request: &ChatRequest,
        input: &TurnInput,
        turn: Option<TurnId>,
        within: Duration,
    ) -> Result<Answered, WriteError> {
        let app = self.app;
        let keys = Keys { secrets: &app.secrets, providers: &app.config.providers, tenant: Some(input.tenant.id) };
        let purse = TenantPurse {
            store: self.store,
            budget: self.budget,
            prices: &app.models.prices,
            clock: &*app.clock,
            ids: &*app.ids,
            role: ModelRole::Chat,
            conversation: Some(input.conversation),
            turn,
            correlation: self.correlation.clone(),
        };
        let asked = app.models.gateway.answer(Wish { route, request, within, keys: &keys, purse: &purse }).await;
        for missed in asked.as_ref().map_or_else(|none| &none.missed, |answered| &answered.missed) {
            app.metrics.model_misses.with_label_values(&[missed.miss.code()]).inc();
        }
        asked.map_err(|none| WriteError::Unavailable { reason: none.to_string() })
    }

    async fn draft(&self, write: WriteRequest<'_>) -> Result<Wrote, WriteError> {
        let begins = write.steps.rounds.is_empty() && write.refused.is_empty();
        let remember = async {
            if begins {
                self.remember(write.input, write.within.mul_f64(SHARE_OF_SUMMARY)).await;
            }
        };
        tokio::join!(self.written(write), remember).0
    }

    async fn written(&self, write: WriteRequest<'_>) -> Result<Wrote, WriteError> {
        let input = write.input;
        let (mark, canary) = self.marks(input.tenant.id);
        let history_tokens = self.history_tokens();
        let began = Instant::now();
        let looked = self.looked.get_or_init(|| self.app.pictures.look(input, &self.route)).await;
        // Nothing but a picture that nobody could look at: a model could only guess.
        if looked.seen.is_empty() && looked.missed > 0 && write.understanding.intent == Intent::Media {
            return Ok(Wrote::Draft(BuiltIn::draft(write)));
        }
        let request = prompt::request(&Scene {
            write,
            history_tokens,
            mark: &mark,
            canary: &canary,
            pictures: &looked.seen,
            pictures_missed: looked.missed,
        });
        let within = write.within.saturating_sub(began.elapsed()).mul_f64(SHARE_OF_TIME);
        let answered = self.ask(&self.route(&write), &request, input, Some(input.turn), within).await?;
        let by = answered.model.to_string();
        if answered.answer.tool_calls().next().is_some() {
            return Ok(Wrote::Calls(Calling { by, said: answered.answer.into_message() }));
        }
        let drafted = prompt::read(&answered.answer, &[&canary, &mark])
            .map_err(|error| WriteError::Unreadable { reason: error.to_string() })?;
        Ok(Wrote::Draft(Authored { draft: drafted.draft, by, hands_over: drafted.hands_over }))
    }
}
