//! The way to an answer over several models: asked again on the provider's own terms, then the next model of the route,
//! each call paid for before it is made.
//!
//! It knows no prices, no keys and no tenants: a [`Purse`] keeps the money and a [`KeyRing`] the keys of whoever asks. A
//! route holds only what the tenant allows, and nothing here ever goes beside it.

mod bound;
mod breaker;
mod record;
mod retry;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use secrecy::SecretString;
use tokio::{sync::Semaphore, time::Instant};

pub use self::{
    bound::Bound,
    breaker::{BreakerState, Breakers, Circuit},
    record::{Figures, Quantiles, Record},
};
use super::{Access, ChatModel, Deadlines, ErrorClass, ProviderError, TimeoutKind};
use crate::domain::{
    chat::{ChatAnswer, ChatRequest, Finish, Fold, ModelRef, StreamEvent, Usage},
    failure::chain,
    id::CallId,
    spend::OverBudget,
};

/// A key and a word that tells it from others.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key; `None` where the server wants none.
    pub secret: Option<SecretString>,
    /// The same for the same key; tells nothing of it.
    pub name: Box<str>,
}

/// Finds the keys of whoever asks.
pub trait KeyRing: Send + Sync {
    /// The key for a provider; `None` when it needs one and there is none.
    fn key<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Option<Key>>;
}

/// Why no money was set aside for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMoney {
    /// It would pass a limit.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// There is a limit, and nobody knows what the model costs.
    #[error("no price is known for {0}, and there is a budget")]
    Unpriced(ModelRef),
    /// What is spent could not be read or written.
    #[error("the budget cannot be kept: {0}")]
    Failed(String),
}

impl NoMoney {
    /// The word in events and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OverBudget(_) => "over_budget",
            Self::Unpriced(_) => "unpriced",
            Self::Failed(_) => "budget_failed",
        }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// What the provider says it used; `None` when it did not say.
    pub usage: Option<Usage>,
    /// Without its word: the most that it can have used.
    pub at_most: Bound,
    /// How it ended: `ok`, or the class of the error.
    pub outcome: &'static str,
    /// How long it took.
    pub timing: Timing,
}

/// Keeps the money of whoever asks.
pub trait Purse: Send + Sync {
    /// Sets aside what a call may cost at most, before it is made.
    fn reserve<'a>(&'a self, model: &'a ModelRef, bound: Bound) -> BoxFuture<'a, Result<CallId, NoMoney>>;

    /// Puts what it did cost in that place. Its failure is the purse's to tell: the answer is there, and stays.
    ///
    /// A call that is dropped before its end, because its caller ran out of time or a hedge was faster, is never settled.
    /// Providers bill what was written until they notice, and tell nobody how much that was, so nothing better is known
    /// than what was set aside: it stays so, and counts in full when the reservation runs out.
    fn settle<'a>(&'a self, call: CallId, model: &'a ModelRef, spent: Spent) -> BoxFuture<'a, ()>;
}

/// One wish for an answer.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// The models in the order in which they are tried: what the tenant chose, as far as it is allowed.
    pub route: &'a [ModelRef],
    /// The question; its model is replaced by each of the route in turn.
    pub request: &'a ChatRequest,
    /// How long everything may take together.
    pub within: Duration,
    /// The keys.
    pub keys: &'a dyn KeyRing,
    /// The money.
    pub purse: &'a dyn Purse,
}

impl fmt::Debug for Wish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish").field("route", &self.route).field("within", &self.within).finish_non_exhaustive()
    }
}

/// Why one try gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// No provider of that name is configured.
    #[error("the provider is not configured")]
    NotConfigured,
    /// It needs a key, and there is none.
    #[error("there is no key for it")]
    NoKey,
    /// It failed too often and is left alone.
    #[error("it is left alone for {} s after failures", .0.as_secs())]
    Open(Duration),
    /// Too many calls of it are under way.
    #[error("too many calls are under way")]
    Full,
    /// No money was set aside.
    #[error(transparent)]
    NoMoney(#[from] NoMoney),
    /// It was asked and failed.
    #[error(transparent)]
    Failed(#[from] ProviderError),
    /// It answered with nothing that can be used: cut off, filtered or refused.
    #[error("its answer ended as {0} and cannot be used")]
    Unusable(&'static str),
}

impl Miss {
    /// The word in events and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NoKey => "no_key",
            Self::Open(_) => "breaker_open",
            Self::Full => "busy",
            Self::NoMoney(reason) => reason.code(),
            Self::Failed(error) => error.class.code(),
            Self::Unusable(finish) => finish,
        }
    }
}

/// One try of one model that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub model: ModelRef,
    /// Why not.
    pub miss: Miss,
}

/// An answer and how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: ChatAnswer,
    /// The model that was asked for it.
    pub model: ModelRef,
    /// The tries before it.
    pub missed: Vec<Attempt>,
    /// How long the call took that gave it.
    pub timing: Timing,
}

/// How long a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From its start to the first piece of the answer; `None` when it was not read as it was written.
    pub first_token: Option<Duration>,
    /// From its start to its end.
    pub total: Duration,
}

/// No model of the route gave an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What was tried, in order.
    pub missed: Vec<Attempt>,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no model gave an answer")?;
        for (number, Attempt { model, miss }) in self.missed.iter().enumerate() {
            write!(f, "{} {model}: {}", if number == 0 { ":" } else { ";" }, chain(miss))?;
        }
        Ok(())
    }
}

impl std::error::Error for Unanswered {}

/// How the gateway behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewaySettings {
    /// How long one call may take, part by part.
    pub deadlines: Deadlines,
    /// Calls of one provider under way at once.
    pub parallel: usize,
    /// Whether answers are read as they are written: only then is a model noticed early that does not begin.
    pub streams: bool,
    /// After so long without an answer the next model of the route is asked too, and the first answer counts. Costs
    /// twice; off unless set.
    pub hedge_after: Option<Duration>,
}

impl GatewaySettings {
    /// Calls of one provider under way at once, unless set otherwise: more than the workers that make turns.
    pub const PARALLEL: usize = 64;
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self { deadlines: Deadlines::default(), parallel: Self::PARALLEL, streams: true, hedge_after: None }
    }
}

/// How long a call waits for its place among a provider's calls before the next model is tried.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(2);

/// The models of all configured providers, behind breakers.
pub struct Gateway {
    providers: BTreeMap<Box<str>, Place>,
    breakers: Breakers,
    record: Record,
    settings: GatewaySettings,
}

struct Place {
    model: Arc<dyn ChatModel>,
    calls: Arc<Semaphore>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway to these providers.
    #[must_use]
    pub fn new(models: impl IntoIterator<Item = Arc<dyn ChatModel>>, settings: GatewaySettings) -> Self {
        let place = |model: Arc<dyn ChatModel>| {
            (model.provider().into(), Place { model, calls: Arc::new(Semaphore::new(settings.parallel)) })
        };
        Self {
            providers: models.into_iter().map(place).collect(),
            breakers: Breakers::default(),
            record: Record::default(),
            settings,
        }
    }

    /// The names of the providers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(|name| &**name)
    }

    /// The breakers, to be shown.
    #[must_use]
    pub const fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// What became of the newest calls.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Asks the models of the route, one after the other, until one answers.
    ///
    /// # Errors
    /// When none did: the caller then writes itself, or hands over.
    pub async fn answer(&self, wish: Wish<'_>) -> Result<Answered, Unanswered> {
        let until = Instant::now() + wish.within;
        match self.settings.hedge_after {
            Some(after) if wish.route.len() > 1 => self.hedged(wish, until, after).await,
            _ => self.in_turn(wish, until, wish.route).await,
        }
    }

    async fn in_turn(&self, wish: Wish<'_>, until: Instant, route: &[ModelRef]) -> Result<Answered, Unanswered> {
        let mut missed = Vec::new();
        for model in route {
            match self.one(wish, until, model, &mut missed).await {
                Some((answer, timing)) => return Ok(Answered { answer, model: model.clone(), missed, timing }),
                None if Instant::now() >= until => break,
                None => {}
            }
        }
        Err(Unanswered { missed })
    }

    /// The route from each model on, begun one after the other while none has answered.
    async fn hedged(&self, wish: Wish<'_>, until: Instant, after: Duration) -> Result<Answered, Unanswered> {
        let mut waiting = wish.route.iter();
        let mut asked = FuturesUnordered::new();
        let mut missed = Vec::new();
        loop {
            if let Some(model) = waiting.next() {
                asked.push(self.in_turn(wish, until, std::slice::from_ref(model)));
            }
            // The next one is asked when its time has come, or when nobody is being asked.
            let pause = tokio::time::sleep(after);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    biased;
                    Some(came) = asked.next() => match came {
                        Ok(answered) => return Ok(Answered { missed: missed.into_iter().chain(answered.missed).collect(), ..answered }),
                        Err(none) => {
                            missed.extend(none.missed);
                            if asked.is_empty() { break }
                        }
                    },
                    () = &mut pause, if waiting.len() > 0 => break,
                    else => break,
                }
            }
            if asked.is_empty() && waiting.len() == 0 {
                return Err(Unanswered { missed });
            }
        }
    }

    /// Asks one model, as often as its provider allows; what it misses is noted.
    async fn one(
        &self,
        wish: Wish<'_>,
        until: Instant,
        model: &ModelRef,
        missed: &mut Vec<Attempt>,
    ) -> Option<(ChatAnswer, Timing)> {
        for asked in 1.. {
            let miss = match self.call(wish, until, model).await {
                Ok(answer) => return Some(answer),
                Err(miss) => miss,
            };
            let left = until.saturating_duration_since(Instant::now());
            let pause = match &miss {
                Miss::Failed(error) => retry::pause(error, asked, left, random()),
                _ => None,
            };
            missed.push(Attempt { model: model.clone(), miss });
            tokio::time::sleep(pause?).await;
        }
        None
    }

    /// One call: a key, an open breaker, a place, money, and then the model.
    async fn call(&self, wish: Wish<'_>, until: Instant, model: &ModelRef) -> Result<(ChatAnswer, Timing), Miss> {
        let place = self.providers.get(&model.provider).ok_or(Miss::NotConfigured)?;
        let key = wish.keys.key(&model.provider).await.ok_or(Miss::NoKey)?;
        let circuit = Circuit { model: model.clone(), key: key.name };
        let left = || until.saturating_duration_since(Instant::now());
        let entered = tokio::time::timeout(left().min(PLACE_WAIT_MAX), place.calls.acquire()).await;
        let Ok(Ok(_place)) = entered else { return Err(Miss::Full) };
        self.breakers.admit(&circuit).map_err(Miss::Open)?;
        let request = ChatRequest { model: model.model.clone(), ..wish.request.clone() };
        let bound = Bound::of(&request);
        let reserved = wish.purse.reserve(model, bound).await;
        let call = reserved.inspect_err(|_| self.breakers.not_made(&circuit))?;
        let under_way = self.record.begin(model);
        let began = Instant::now();
        let access = Access { key: key.secret.as_ref(), deadlines: self.settings.deadlines.within(left()) };
        let (told, heard) = self.ask(place, &request, access).await;
        let outcome = told.as_ref().map_or_else(|error| error.class.code(), |_| crate::domain::spend::Settlement::OK);
        let at_most = heard.at_most(bound, told.as_ref().err());
        let timing = Timing { first_token: heard.first.map(|at| at - began), total: began.elapsed() };
        wish.purse.settle(call, model, Spent { usage: heard.usage, at_most, outcome, timing }).await;
        match told {
            Ok(answer) => {
                self.breakers.succeeded(&circuit);
                match usable(answer) {
                    Ok(answer) => {
                        under_way.answered(timing);
                        Ok((answer, timing))
                    }
                    Err(miss) => {
                        under_way.failed(miss.code());
                        Err(miss)
                    }
                }
            }
            Err(error) => {
                under_way.failed(error.class.code());
                self.breakers.failed(&circuit, &error);
                Err(Miss::Failed(error))
            }
        }
    }

    async fn ask(
        &self,
        place: &Place,
        request: &ChatRequest,
        access: Access<'_>,
    ) -> (Result<ChatAnswer, ProviderError>, Heard) {
        let mut heard = Heard::default();
        if !self.settings.streams {
            let told = place.model.answer(request, access).await;
            heard.usage = told.as_ref().ok().and_then(|answer| answer.usage.clone());
            return (told, heard);
        }
        let mut fold = Fold::default();
        let mut stream = place.model.stream(request, access);
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    heard.take(&event);
                    fold.push(event);
                }
                Err(error) => return (Err(ProviderError { output_began: heard.began, ..error }), heard),
            }
        }
        let no_finish = || ProviderError {
            output_began: heard.began,
            ..ProviderError::new(place.model.provider(), ErrorClass::Protocol).with_code("no_finish")
        };
        (fold.finish().ok_or_else(no_finish), heard)
    }
}

/// What was heard of an answer, whatever became of it.
#[derive(Debug, Default)]
struct Heard {
    usage: Option<Usage>,
    began: bool,
    bytes: u64,
    /// When the first piece of the answer came.
    first: Option<Instant>,
}

impl Heard {
    fn take(&mut self, event: &StreamEvent) {
        if self.first.is_none() && event.is_output() {
            self.first = Some(Instant::now());
        }
        let bytes = match event {
            StreamEvent::TextDelta(text) | StreamEvent::RefusalDelta(text) => text.len(),
            StreamEvent::ReasoningDelta { text, .. } | StreamEvent::ToolArgsDelta { text, .. } => text.len(),
            StreamEvent::ToolStart { name, .. } => name.len(),
            StreamEvent::Usage(usage) => {
                self.usage = Some((**usage).clone());
                0
            }
            _ => 0,
        };
        self.began |= bytes > 0;
        self.bytes += bytes as u64;
    }

    /// The most that the call can have used, where the provider does not say.
    fn at_most(&self, bound: Bound, error: Option<&ProviderError>) -> Bound {
        match error {
            // Thoughts that were not shown count as well.
            None => bound,
            Some(_) if self.began => bound,
            // It was turned away before it was read, or nobody heard of it.
            Some(error) if error.http.is_some_and(|status| status >= 400) => Bound { input: 0, output: 0 },
            Some(error) if error.class == ErrorClass::Timeout(TimeoutKind::Connect) => Bound { input: 0, output: 0 },
            // It may be thinking still.
            Some(_) => bound,
        }
    }
}

/// An answer that says all it has to say, or calls tools.
fn usable(answer: ChatAnswer) -> Result<ChatAnswer, Miss> {
    match &answer.finish {
        Finish::Stop | Finish::ToolCalls => Ok(answer),
        // Its words are whole as far as they go, and the guard and the parser judge them.
        Finish::Other(_) if !answer.text().trim().is_empty() => Ok(answer),
        finish => Err(Miss::Unusable(finish.code())),
    }
}

/// Between 0 and 1; without randomness everybody waits for the same time.
fn random() -> f64 {
    let mut byte = [0_u8];
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests;
