//! One question to several models, each as the tenant's assistant would be with it: the same rules, tools, guard and budget as
//! a turn. No conversation is begun and nothing is sent; what it cost is counted as everything else.

use std::{
    collections::BTreeSet,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use tokio::{sync::OnceCell, time::Instant};

use super::{
    ask::Asker,
    purse::Tally,
    write::{Given, ModelWriter},
};
use crate::{
    agent::writer::{BuiltIn, WriteError, WriteRequest, Writer, Wrote},
    app::{App, Error, TenantCtx, answer, run_turn::Catalogue, write::readable},
    channel::split,
    domain::{
        ConversationId, MessageId, TurnId, chain,
        channel::{ChannelKind, ChannelRules},
        conversation::{Message, Side},
        model::{Model, ModelSettings},
        persona::Persona,
        product::{Product, ProductKey},
        spend::Used,
        turn::{Answer, TurnInput, TurnOutcome},
    },
    store::TenantStore,
};

/// What its calls are tied to in the log and in events.
const CORRELATION: &str = "model_preview";

/// What one model would answer.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// Which.
    pub model: Model,
    /// What a shopper would get; `None`: nobody could be asked.
    pub said: Option<Said>,
    /// What its calls used.
    pub used: Used,
    /// How long it took.
    pub took: Duration,
    /// Why it could not be asked, or gave no draft.
    pub error: Option<String>,
}

/// An answer that is not sent.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its messages, cut as they would be sent.
    pub messages: Vec<String>,
    /// The products that they name.
    pub products: Vec<ProductKey>,
    /// The products that it rests on.
    pub evidence: Vec<Product>,
    /// What wrote it in the end.
    pub by: String,
    /// Drafts that the guard refused.
    pub guard_refusals: u32,
    /// Why a person would be needed, if one were.
    pub handoff: Option<&'static str>,
}

/// What all models are asked with.
struct Asking<'a> {
    tenant: &'a TenantCtx,
    store: &'a TenantStore,
    settings: &'a ModelSettings,
    persona: &'a Persona,
    question: &'a str,
}

impl App {
    /// Models that are asked at the same time at most.
    pub const PREVIEWED_MAX: usize = 4;

    /// What each of these models would answer to a question.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no models, too many, or one that is named twice. What keeps one of them from answering is said in
    /// its place, and costs no other its answer.
    pub async fn preview_models(
        &self,
        tenant: &TenantCtx,
        question: &str,
        models: Vec<Model>,
    ) -> Result<Vec<Previewed>, Error> {
        let most = Self::PREVIEWED_MAX;
        if !(1..=most).contains(&models.len()) {
            let message = format!("{} models were named; 1 to {most} can be compared", models.len());
            return Err(Error::Invalid { message, hint: None });
        }
        if models.iter().collect::<BTreeSet<_>>().len() < models.len() {
            return Err(Error::Invalid { message: "a model is named twice".into(), hint: None });
        }
        let store = self.tenant_store(tenant).await?;
        let settings = self.models_of(tenant.scope()).await?;
        let persona = store.persona().await?;
        let asking = &Asking { tenant, store: &store, settings: &settings, persona: &persona, question };
        Ok(join_all(models.into_iter().map(|model| self.preview_one(asking, model))).await)
    }

    async fn preview_one(&self, asking: &Asking<'_>, model: Model) -> Previewed {
        let (began, tally, failed) = (Instant::now(), Tally::default(), Failed::default());
        let answered = AssertUnwindSafe(self.answer_as(asking, &model, &tally, &failed)).catch_unwind().await;
        let (said, error) = match answered.unwrap_or_else(|_panic| Err(Error::panicked())) {
            Ok(answer) => (Some(said(answer)), failed.take()),
            Err(error) => (None, Some(chain(&error).to_string())),
        };
        Previewed { model, said, used: tally.used(), took: began.elapsed(), error }
    }

    async fn answer_as(
        &self,
        asking: &Asking<'_>,
        model: &Model,
        tally: &Tally,
        failed: &Failed,
    ) -> Result<Answer, Error> {
        let Asking { tenant, store, settings, persona, question } = *asking;
        let inner: Box<dyn Writer + '_> = match model.remote() {
            None => Box::new(BuiltIn),
            Some(model) => {
                self.check_allowed(settings, model)?;
                let asker = Asker {
                    app: self,
                    store,
                    tenant: tenant.id(),
                    budget: settings.budget,
                    correlation: Some(CORRELATION.into()),
                    tally: Some(tally),
                };
                match &self.writer {
                    Some(given) => Box::new(Given(&**given)),
                    None => Box::new(ModelWriter {
                        asker,
                        route: vec![model.clone()],
                        looked: OnceCell::new(),
                        missed: Mutex::default(),
                    }),
                }
            }
        };
        let writer = Watched { inner, failed };
        let lookup = Catalogue { store, tenant: tenant.tenant() };
        let input = self.previewed_turn(tenant, persona.clone(), question);
        // Nothing of the run outlives it: a preview that is cut off is asked for again.
        let run = answer::answer(&lookup, self.writing(&writer), &input, Vec::new(), |_| async { Ok(()) }).await?;
        Ok(run.answer)
    }

    /// The first turn of a shopper who has written nothing but this.
    fn previewed_turn(&self, tenant: &TenantCtx, persona: Persona, question: &str) -> TurnInput {
        let now = self.clock.now();
        let message = Message {
            id: MessageId::next(&*self.ids),
            side: Side::Shopper,
            text: Some(question.to_owned()),
            payload: None,
            attachments: Vec::new(),
            pictures: Vec::new(),
            sights: Vec::new(),
            at: now,
            unsent: false,
        };
        TurnInput {
            turn: TurnId::next(&*self.ids),
            conversation: ConversationId::next(&*self.ids),
            tenant: tenant.tenant().clone(),
            disclose: persona.disclose,
            persona,
            open: vec![message],
            history: Vec::new(),
            memory: None,
            recalled: Vec::new(),
            language: None,
            now,
        }
    }
}

fn said(answer: Answer) -> Said {
    let rules = ChannelRules::of(ChannelKind::Instagram);
    Said {
        messages: answer.messages.iter().flat_map(|text| split(text, rules.text_bytes_max)).collect(),
        products: answer.products,
        evidence: answer.evidence.products,
        by: answer.model,
        guard_refusals: answer.guard_refusals,
        handoff: match answer.outcome {
            TurnOutcome::HandedOver(reason) => Some(reason.as_str()),
            TurnOutcome::Answered | TurnOutcome::Suppressed(_) | TurnOutcome::Parked(_) => None,
        },
    }
}

/// Why a writer brought no draft the last time.
#[derive(Debug, Default)]
struct Failed(Mutex<Option<String>>);

impl Failed {
    fn set(&self, why: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A writer of which it is noted when it brings no draft and the built-in composer stands in.
#[derive(Debug)]
struct Watched<'a> {
    inner: Box<dyn Writer + 'a>,
    failed: &'a Failed,
}

impl Writer for Watched<'_> {
    fn calls_tools(&self) -> bool {
        self.inner.calls_tools()
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        async move {
            // Whoever waits may give up and hear no more of it.
            let given_up =
                WriteError::TimedOut { limit_ms: u64::try_from(request.within.as_millis()).unwrap_or(u64::MAX) };
            self.failed.set(Some(given_up.to_string()));
            let wrote = self.inner.write(request).await.and_then(|wrote| readable(wrote, request));
            self.failed.set(wrote.as_ref().err().map(|error| chain(error).to_string()));
            wrote
        }
        .boxed()
    }
}
