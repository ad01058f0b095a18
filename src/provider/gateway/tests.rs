//! What the gateway promises, with models that play a script and a clock that stands still.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::{FutureExt as _, stream, stream::BoxStream};
use uuid::Uuid;

use super::*;
use crate::domain::chat::{Message, Role};

/// What a model does when it is asked.
#[derive(Clone, Debug)]
enum Does {
    Says(&'static str),
    Fails(ProviderError),
    /// Says the beginning of something, then fails.
    BreaksOff(&'static str, ProviderError),
    EndsAs(Finish),
    /// Answers after so long.
    Takes(Duration),
}

#[derive(Debug)]
struct Scripted {
    provider: &'static str,
    does: Mutex<VecDeque<Does>>,
    asked: AtomicU32,
    under_way: AtomicU32,
    most_under_way: AtomicU32,
}

impl Scripted {
    fn new(provider: &'static str, does: impl IntoIterator<Item = Does>) -> Arc<Self> {
        Arc::new(Self {
            provider,
            does: Mutex::new(does.into_iter().collect()),
            asked: AtomicU32::new(0),
            under_way: AtomicU32::new(0),
            most_under_way: AtomicU32::new(0),
        })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The next line of the script; the last one again and again.
    fn next(&self) -> Does {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut does = self.does.lock().unwrap_or_else(PoisonError::into_inner);
        if does.len() > 1 { does.pop_front().expect("it has some") } else { does[0].clone() }
    }
}

fn says(text: &str, finish: Finish) -> Vec<Result<StreamEvent, ProviderError>> {
    let usage = Usage { input_total: 100, output_total: 10, ..Usage::default() };
    vec![
        Ok(StreamEvent::Start { served_model: None, id: None }),
        Ok(StreamEvent::TextDelta(text.to_owned())),
        Ok(StreamEvent::Usage(Box::new(usage))),
        Ok(StreamEvent::Finish { reason: finish, raw: None }),
    ]
}

impl ChatModel for Scripted {
    fn provider(&self) -> &str {
        self.provider
    }

    fn answer<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ProviderError>> {
        async move { super::super::collect(self.provider, self.stream(request, access)).await }.boxed()
    }

    fn stream<'a>(
        &'a self,
        _: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxStream<'a, Result<StreamEvent, ProviderError>> {
        let does = self.next();
        let events = async move {
            let most = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_under_way.fetch_max(most, Ordering::Relaxed);
            let events = match does {
                Does::Says(text) => says(text, Finish::Stop),
                Does::EndsAs(finish) => says("half of", finish),
                Does::Fails(error) => vec![Err(error)],
                Does::BreaksOff(text, error) => vec![Ok(StreamEvent::TextDelta(text.to_owned())), Err(error)],
                Does::Takes(time) if time > access.deadlines.total => {
                    tokio::time::sleep(access.deadlines.total).await;
                    vec![Err(failed(self.provider, ErrorClass::Timeout(TimeoutKind::Total)))]
                }
                Does::Takes(time) => {
                    tokio::time::sleep(time).await;
                    says("late", Finish::Stop)
                }
            };
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            stream::iter(events)
        };
        events.flatten_stream().boxed()
    }
}

fn failed(provider: &str, class: ErrorClass) -> ProviderError {
    ProviderError::new(provider, class)
}

/// Keys of two names; `keyless` has none.
struct Keys(&'static str);

impl KeyRing for Keys {
    fn key<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Option<Key>> {
        let key = (provider != "keyless").then(|| Key { secret: None, name: self.0.into() });
        std::future::ready(key).boxed()
    }
}

/// A purse with so many tokens of output left, that writes down what it is told.
#[derive(Default)]
struct Tokens {
    left: Mutex<Option<u64>>,
    settled: Mutex<Vec<(&'static str, bool)>>,
    calls: AtomicU32,
}

impl Purse for Tokens {
    fn reserve<'a>(&'a self, model: &'a ModelRef, bound: Bound) -> BoxFuture<'a, Result<CallId, NoMoney>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let reserved = match left.as_mut() {
            Some(left) if *left < bound.output => Err(NoMoney::Unpriced(model.clone())),
            Some(left) => {
                *left -= bound.output;
                Ok(())
            }
            None => Ok(()),
        };
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(reserved.map(|()| CallId(Uuid::from_u128(number.into())))).boxed()
    }

    fn settle<'a>(&'a self, _: CallId, _: &'a ModelRef, spent: Spent) -> BoxFuture<'a, ()> {
        let known = spent.usage.is_some() || spent.at_most == Bound { input: 0, output: 0 };
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).push((spent.outcome, known));
        std::future::ready(()).boxed()
    }
}

impl Tokens {
    fn settled(&self) -> Vec<(&'static str, bool)> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Bench {
    gateway: Gateway,
    purse: Tokens,
    request: ChatRequest,
}

impl Bench {
    fn new(models: &[&Arc<Scripted>]) -> Self {
        Self::with(models, GatewaySettings::default())
    }

    fn with(models: &[&Arc<Scripted>], settings: GatewaySettings) -> Self {
        let models = models.iter().map(|model| Arc::clone(model) as Arc<dyn ChatModel>);
        Self {
            gateway: Gateway::new(models, settings),
            purse: Tokens::default(),
            request: ChatRequest {
                max_output_tokens: Some(100),
                ..ChatRequest::new("", vec![Message::text(Role::User, "Hello")])
            },
        }
    }

    async fn ask_as(&self, keys: &Keys, route: &[&str]) -> Result<Answered, Unanswered> {
        let route: Vec<ModelRef> = route.iter().map(|model| model.parse().expect("a model")).collect();
        let within = Duration::from_secs(30);
        self.gateway.answer(Wish { route: &route, request: &self.request, within, keys, purse: &self.purse }).await
    }

    async fn ask(&self, route: &[&str]) -> Result<Answered, Unanswered> {
        self.ask_as(&Keys("shared"), route).await
    }
}

fn told(answered: &Answered) -> (String, String, Vec<&'static str>) {
    let missed = answered.missed.iter().map(|attempt| attempt.miss.code()).collect();
    (answered.answer.text(), answered.model.to_string(), missed)
}

fn expected(text: &str, model: &str, missed: &[&'static str]) -> (String, String, Vec<&'static str>) {
    (text.to_owned(), model.to_owned(), missed.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_busy_is_asked_again_after_a_pause() {
    let model = Scripted::new("a", [Does::Fails(failed("a", ErrorClass::Overloaded)), Does::Says("Hi")]);
    let bench = Bench::new(&[&model]);
    let began = Instant::now();
    let answered = bench.ask(&["a:m"]).await.expect("an answer");
    assert_eq!(told(&answered), expected("Hi", "a:m", &["overloaded"]));
    let pause = began.elapsed();
    assert!(Duration::from_millis(375) <= pause && pause <= Duration::from_millis(501), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_for_as_the_provider_says_and_no_longer_than_the_turn() {
    let limited = |seconds| {
        Does::Fails(ProviderError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..failed("a", ErrorClass::RateLimit)
        })
    };
    let too_long = Scripted::new("a", [limited(40), Does::Says("never")]);
    let other = Scripted::new("b", [Does::Says("Hi")]);
    let bench = Bench::new(&[&too_long, &other]);
    let answered = bench.ask(&["a:m", "b:m"]).await.expect("an answer");
    assert_eq!(told(&answered), expected("Hi", "b:m", &["rate_limit"]));
    assert_eq!(too_long.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_money_a_bad_key_and_a_wrong_request_are_never_sent_twice_and_the_next_model_answers() {
    for class in [ErrorClass::Billing, ErrorClass::Auth, ErrorClass::Invalid, ErrorClass::Safety, ErrorClass::TooLong] {
        let error = ProviderError { should_retry: Some(true), http: Some(400), ..failed("a", class) };
        let (one, two) = (Scripted::new("a", [Does::Fails(error)]), Scripted::new("b", [Does::Says("Hi")]));
        let bench = Bench::new(&[&one, &two]);
        let answered = bench.ask(&["a:m", "b:m"]).await.expect("an answer");
        assert_eq!(told(&answered), expected("Hi", "b:m", &[class.code()]));
        assert_eq!(one.asked(), 1);
        assert_eq!(bench.purse.settled(), [(class.code(), true), ("ok", true)], "what is turned away costs nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_never_comes_out_and_what_it_may_have_cost_counts() {
    let cut = Does::BreaksOff("The dress costs", failed("a", ErrorClass::Transport));
    let model = Scripted::new("a", [cut, Does::Says("Whole.")]);
    let bench = Bench::new(&[&model]);
    let answered = bench.ask(&["a:m"]).await.expect("an answer");
    assert_eq!(told(&answered), expected("Whole.", "a:m", &["transport"]));
    assert!(matches!(&answered.missed[0].miss, Miss::Failed(error) if error.output_began));
    assert_eq!(bench.purse.settled(), [("transport", false), ("ok", true)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_or_filtered_is_none() {
    for finish in [Finish::Length, Finish::ContentFilter, Finish::Refusal, Finish::MalformedToolCall, Finish::Error] {
        let one = Scripted::new("a", [Does::EndsAs(finish.clone())]);
        let two = Scripted::new("b", [Does::Says("Hi")]);
        let answered = Bench::new(&[&one, &two]).ask(&["a:m", "b:m"]).await.expect("an answer");
        assert_eq!(told(&answered), expected("Hi", "b:m", &[finish.code()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_too_slow_is_not_asked_again_and_the_turn_ends_in_time() {
    let slow = || Does::Takes(Duration::from_secs(3_600));
    let settings = GatewaySettings {
        deadlines: Deadlines { total: Duration::from_secs(20), ..Deadlines::default() },
        ..GatewaySettings::default()
    };
    let (one, two) = (Scripted::new("a", [slow()]), Scripted::new("b", [slow()]));
    let bench = Bench::with(&[&one, &two], settings);
    let began = Instant::now();
    let none = bench.ask(&["a:m", "b:m", "a:n"]).await.expect_err("no answer");
    assert_eq!(began.elapsed(), Duration::from_secs(30), "20 s for the first, what is left for the second");
    assert_eq!((one.asked(), two.asked(), none.missed.len()), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_keeps_shoppers_from_waiting_and_one_tenants_key_never_opens_anothers() {
    let bad = Does::Fails(failed("a", ErrorClass::Auth));
    let model = Scripted::new("a", [bad, Does::Says("Hi")]);
    let bench = Bench::new(&[&model]);
    let (mine, yours) = (Keys("mine"), Keys("yours"));
    assert_eq!(bench.ask_as(&mine, &["a:m"]).await.expect_err("refused").missed[0].miss.code(), "auth");
    let open = bench.ask_as(&mine, &["a:m"]).await.expect_err("open");
    assert_eq!((open.missed[0].miss.code(), model.asked()), ("breaker_open", 1));
    assert_eq!(told(&bench.ask_as(&yours, &["a:m"]).await.expect("an answer")), expected("Hi", "a:m", &[]));
    assert_eq!(bench.gateway.breakers().open().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_purse_refuses_is_not_asked_and_a_probe_it_refuses_is_made_later() {
    let model = Scripted::new("a", [Does::Fails(failed("a", ErrorClass::Billing)), Does::Says("Hi")]);
    let bench = Bench::new(&[&model]);
    bench.ask(&["a:m"]).await.expect_err("refused");
    tokio::time::advance(Duration::from_secs(301)).await;
    *bench.purse.left.lock().expect("free") = Some(99);
    assert_eq!(bench.ask(&["a:m"]).await.expect_err("no money").missed[0].miss.code(), "unpriced");
    assert_eq!(model.asked(), 1);
    *bench.purse.left.lock().expect("free") = Some(100);
    assert_eq!(bench.ask(&["a:m"]).await.expect("the probe").answer.text(), "Hi");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_configured_or_has_no_key_is_passed_over() {
    let (one, two) = (Scripted::new("keyless", [Does::Says("?")]), Scripted::new("b", [Does::Says("Hi")]));
    let answered = Bench::new(&[&one, &two]).ask(&["nobody:m", "keyless:m", "b:m"]).await.expect("an answer");
    assert_eq!(told(&answered), expected("Hi", "b:m", &["not_configured", "no_key"]));
    assert_eq!(one.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_has_so_many_calls_at_once_and_no_more() {
    let model = Scripted::new("a", [Does::Takes(Duration::from_millis(1_500))]);
    let bench = Bench::with(&[&model], GatewaySettings { parallel: 2, ..GatewaySettings::default() });
    let asks = futures_util::future::join_all((0..8).map(|_| bench.ask(&["a:m"]))).await;
    assert_eq!(model.most_under_way.load(Ordering::Relaxed), 2);
    let full = asks.iter().filter(|ask| matches!(ask, Err(none) if none.missed[0].miss == Miss::Full)).count();
    assert_eq!((full, model.asked()), (4, 4), "who has waited two seconds for a place gives up");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_asks_the_next_model_after_its_time_and_the_first_answer_counts() {
    let settings = GatewaySettings { hedge_after: Some(Duration::from_secs(2)), ..GatewaySettings::default() };
    let slow = Scripted::new("a", [Does::Takes(Duration::from_secs(9))]);
    let quick = Scripted::new("b", [Does::Takes(Duration::from_secs(1))]);
    let bench = Bench::with(&[&slow, &quick], settings);
    let began = Instant::now();
    assert_eq!(bench.ask(&["a:m", "b:m"]).await.expect("an answer").model.to_string(), "b:m");
    assert_eq!((began.elapsed(), slow.asked(), quick.asked()), (Duration::from_secs(3), 1, 1));
    // Without a hedge the first is waited for.
    let bench = Bench::new(&[&slow, &quick]);
    assert_eq!(bench.ask(&["a:m", "b:m"]).await.expect("an answer").model.to_string(), "a:m");
    assert_eq!(quick.asked(), 1);
}
