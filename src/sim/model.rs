//! A model that plays what it is told to: drafts, failures and silence, in order or by a rule. It names products by their
//! ids, as a real model does, and remembers what it was asked.

use std::{
    collections::VecDeque,
    fmt,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use tokio::sync::Semaphore;

use crate::{
    agent::writer::{Authored, WriteError, WriteRequest, Writer},
    domain::{
        Language,
        product::ProductKey,
        reply::Draft,
        tenant::{Tenant, TenantSlug},
    },
};

/// What the model does when it is asked.
#[derive(Clone, Debug)]
pub enum Play {
    /// Writes this.
    Draft(Draft),
    /// Fails so.
    Fail(WriteError),
    /// Writes this once it is told to ([`ScriptedModel::go_on`]).
    Wait(Draft),
    /// Never answers.
    Hang,
}

impl Play {
    /// A draft of one message that names no product by its id.
    #[must_use]
    pub fn says(text: &str) -> Self {
        Self::Draft(Draft { messages: vec![text.to_owned()], ..Draft::default() })
    }

    /// A draft of one message and the cards of these products.
    #[must_use]
    pub fn shows(text: &str, ids: &[&str]) -> Self {
        let cards = ids.iter().map(|id| ProductKey((*id).to_owned())).collect();
        Self::Draft(Draft { messages: vec![text.to_owned()], cards, ..Draft::default() })
    }
}

/// What the model was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// For which shop.
    pub tenant: TenantSlug,
    /// The shopper's open messages that have text.
    pub texts: Vec<String>,
    /// The language to answer in.
    pub language: Language,
    /// The products that it may speak of.
    pub products: Vec<ProductKey>,
    /// What the guard had against the draft before.
    pub refused: Vec<String>,
}

impl Asked {
    fn of(request: &WriteRequest<'_>) -> Self {
        let Tenant { slug, .. } = &request.input.tenant;
        let evidence = request.findings.evidence(request.input.now);
        Self {
            tenant: slug.clone(),
            texts: request.input.open.iter().filter_map(|message| message.text.clone()).collect(),
            language: request.understanding.language,
            products: evidence.products.into_iter().map(|product| product.key).collect(),
            refused: request.refused.to_vec(),
        }
    }
}

/// The model. Clones are handles on the same one.
#[derive(Clone)]
pub struct ScriptedModel(Arc<Shared>);

struct Shared {
    name: String,
    state: Mutex<State>,
    /// A permit for every draft that need not wait any longer.
    told: Semaphore,
}

/// What it does when nothing is left to play.
type Rule = Box<dyn Fn(&Asked) -> Play + Send>;

#[derive(Default)]
struct State {
    plays: VecDeque<Play>,
    rule: Option<Rule>,
    asked: Vec<Asked>,
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptedModel").field(&self.0.name).finish()
    }
}

impl ScriptedModel {
    /// A model that shows as `name`, `PROVIDER:MODEL`. Until it is told what to do, it is unavailable.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::new(Shared { name: name.to_owned(), state: Mutex::default(), told: Semaphore::new(0) }))
    }

    /// Plays these next, one a call, after what it was told before.
    pub fn plays(&self, plays: impl IntoIterator<Item = Play>) {
        self.state().plays.extend(plays);
    }

    /// Does this whenever nothing else is left to play.
    pub fn always(&self, rule: impl Fn(&Asked) -> Play + Send + 'static) {
        self.state().rule = Some(Box::new(rule));
    }

    /// Lets one draft that waits be written, now or when it is asked for.
    pub fn go_on(&self) {
        self.0.told.add_permits(1);
    }

    /// What it was asked so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, asked: Asked) -> Play {
        let mut state = self.state();
        let play = state.plays.pop_front().or_else(|| state.rule.as_ref().map(|rule| rule(&asked)));
        state.asked.push(asked);
        play.unwrap_or_else(|| Play::Fail(WriteError::Unavailable { reason: "nothing left to play".into() }))
    }
}

impl Writer for ScriptedModel {
    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Authored, WriteError>> {
        match self.next(Asked::of(&request)) {
            Play::Draft(draft) => ready(Ok(Authored { draft, by: self.0.name.clone(), hands_over: false })).boxed(),
            Play::Fail(error) => ready(Err(error)).boxed(),
            Play::Wait(draft) => async move {
                let told = self.0.told.acquire().await.expect("it is never closed");
                told.forget();
                Ok(Authored { draft, by: self.0.name.clone(), hands_over: false })
            }
            .boxed(),
            Play::Hang => pending().boxed(),
        }
    }
}
