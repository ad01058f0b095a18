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
    agent::{
        rounds::{CallResult, Calling, Outcome},
        tools::Wrong,
        writer::{Authored, WriteError, WriteRequest, Writer, Wrote},
    },
    domain::{
        Language,
        chat::{Content, Json, Message, Part, Role, ToolArgs, ToolCall},
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
    /// Calls these tools, each with its arguments (JSON).
    Calls(Vec<(&'static str, &'static str)>),
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
    /// What the tools have given for this draft, in words: the products' ids, or why a call was wrong.
    pub told: Vec<String>,
    /// How many more times it may call tools.
    pub rounds_left: usize,
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
            told: request.steps.rounds.iter().flat_map(|round| &round.results).map(told).collect(),
            rounds_left: request.steps.left,
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

fn told(result: &CallResult) -> String {
    match &result.outcome {
        Outcome::Products { products, .. } => {
            products.iter().map(|product| product.key.0.as_str()).collect::<Vec<_>>().join(" ")
        }
        Outcome::Person => "a person".into(),
        Outcome::Wrong(Wrong(why)) => why.clone(),
    }
}

/// An answer that calls these tools.
fn calling(by: String, calls: &[(&str, &str)]) -> Calling {
    let call = |(index, (name, args)): (usize, &(&str, &str))| {
        Part::new(Content::ToolCall(ToolCall {
            id: format!("call_{index}").into(),
            provider_id: None,
            item_id: None,
            name: (*name).into(),
            args: ToolArgs::Object(Json::from_text(*args)),
            index: u32::try_from(index).unwrap_or(u32::MAX),
        }))
    };
    Calling { by, said: Message::new(Role::Assistant, calls.iter().enumerate().map(call)) }
}

impl Writer for ScriptedModel {
    fn calls_tools(&self) -> bool {
        true
    }

    fn write<'a>(&'a self, request: WriteRequest<'a>) -> BoxFuture<'a, Result<Wrote, WriteError>> {
        let by = self.0.name.clone();
        let drafted = |draft, by| Ok(Wrote::Draft(Authored { draft, by, hands_over: false }));
        match self.next(Asked::of(&request)) {
            Play::Draft(draft) => ready(drafted(draft, by)).boxed(),
            Play::Calls(calls) => ready(Ok(Wrote::Calls(calling(by, &calls)))).boxed(),
            Play::Fail(error) => ready(Err(error)).boxed(),
            Play::Wait(draft) => async move {
                let told = self.0.told.acquire().await.expect("it is never closed");
                told.forget();
                drafted(draft, by)
            }
            .boxed(),
            Play::Hang => pending().boxed(),
        }
    }
}
