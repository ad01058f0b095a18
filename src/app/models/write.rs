//! A draft by a model: the prompt, the gateway, and what is read from the answer.

use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::{sync::OnceCell, time::Instant};

use super::{
    ask::{Asker, Matter},
    pictures::{Looked, Sent},
};
use crate::{
    agent::{
        prompt::{self, Scene},
        rounds::Calling,
        writer::{Authored, BuiltIn, Missed, WriteError, WriteRequest, Writer, Wrote},
    },
    app::{App, Error},
    domain::{chat::ModelRef, model::ModelRole, secret::SecretScope, tenant::Tenant, turn::TurnInput},
    provider::gateway::Attempt,
    store::TenantStore,
    workflow::Intent,
};

/// What a draft's time leaves to the call of a model: the rest is for reading the answer and counting what it cost.
const SHARE_OF_TIME: f64 = 0.95;

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
        let route = settings.route(ModelRole::Chat);
        if route.is_empty() {
            return Ok(Box::new(BuiltIn));
        }
        let asker = Asker {
            app: self,
            store,
            tenant: tenant.id,
            budget: settings.budget,
            correlation: Some(correlation.to_owned()),
            tally: None,
        };
        Ok(Box::new(ModelWriter { asker, route, looked: OnceCell::new(), missed: Mutex::default() }))
    }
}

/// A writer that stands for every model.
#[derive(Debug)]
pub(super) struct Given<'a>(pub(super) &'a dyn Writer);

impl Writer for Given<'_> {
    fn calls_tools(&self) -> bool {
        self.0.calls_tools()
    }

    fn missed(&self) -> Vec<Missed> {
        self.0.missed()
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        self.0.write(request)
    }
}

/// Writes with the models that a tenant chose, in their order.
pub struct ModelWriter<'a> {
    pub(super) asker: Asker<'a>,
    /// The models in the order in which they are tried; never empty.
    pub(super) route: Vec<ModelRef>,
    /// The pictures of this turn, once they are wanted.
    pub(super) looked: OnceCell<Looked>,
    /// The models that gave nothing.
    pub(super) missed: Mutex<Vec<Missed>>,
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

    fn missed(&self) -> Vec<Missed> {
        std::mem::take(&mut *self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        self.written(request).boxed()
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

    /// The pictures of the open messages; nobody is shown any where a model of the route does not see.
    async fn look(&self, input: &TurnInput) -> Looked {
        let app = self.asker.app;
        // Nobody is asked whether a model sees where there is nothing to be seen.
        let shown = Sent::all(&input.open).next().is_some() && app.all_see(&self.route).await;
        if shown { app.pictures.look(input).await } else { Looked::away(input) }
    }

    async fn written(&self, write: WriteRequest<'_>) -> Result<Wrote, WriteError> {
        let input = write.input;
        let app = self.asker.app;
        let (mark, canary) = (app.models.mark(input.tenant.id), app.models.canary(input.tenant.id));
        let history_tokens = app.history_tokens(&self.route);
        let began = Instant::now();
        let looked = self.looked.get_or_init(|| self.look(input)).await;
        // Nothing but a picture that nobody could look at: a model could only guess.
        let is_known = input.open.iter().any(|message| !message.sights.is_empty());
        let sees_nothing = looked.seen.is_empty() && looked.missed > 0 && !is_known;
        if sees_nothing && write.understanding.intent == Intent::Media {
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
        // What is tallied is of a turn that is kept nowhere.
        let conversation = self.asker.tally.is_none().then_some(input.conversation);
        let matter = Matter { role: ModelRole::Chat, conversation, turn: Some(input.turn) };
        let within = write.within.saturating_sub(began.elapsed()).mul_f64(SHARE_OF_TIME);
        let missed = |attempts: &[Attempt]| {
            let missed = attempts.iter().map(|it| Missed { model: it.model.to_string(), why: it.miss.code() });
            self.missed.lock().unwrap_or_else(PoisonError::into_inner).extend(missed);
        };
        let asked = self.asker.ask(matter, &self.route(&write), &request, within).await;
        missed(asked.as_ref().map_or_else(|none| &none.missed, |answered| &answered.missed));
        let answered = asked.map_err(|none| WriteError::Unavailable { reason: none.to_string() })?;
        let by = answered.model.to_string();
        if answered.answer.tool_calls().next().is_some() {
            return Ok(Wrote::Calls(Calling { by, said: answered.answer.into_message() }));
        }
        let drafted = prompt::read(&answered.answer, &[&canary, &mark])
            .map_err(|error| WriteError::Unreadable { reason: error.to_string() })?;
        Ok(Wrote::Draft(Authored { draft: drafted.draft, by, hands_over: drafted.hands_over }))
    }
}
