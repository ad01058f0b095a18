//! The simulator against the real client of the Graph API and the real reader of webhooks.

use std::{
    collections::VecDeque,
    future::IntoFuture,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State as Ours,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::*;
use crate::{
    channel::{
        Channel, Instagram, ReadError,
        instagram::{Graph, event, graph::Action, signature},
    },
    domain::{
        channel::{AccountId, ShopperId},
        inbound::{InboundEvent, InboundKind},
        outbox::{RefusalScope, SendOutcome},
        policy::Tag,
    },
};

const SECRET: &str = "app-secret";
const SHOP: &str = "17841400000000001";
const TOKEN: &str = "token-of-the-shop";
const START: Timestamp = Timestamp(1_791_000_000_000);
const HOUR_MS: i64 = 3_600_000;
/// Long enough for a slow machine; nothing waits this long when all is well.
const DEADLINE: Duration = Duration::from_secs(20);

/// A simulator with one shop, and a client of it.
struct Scene {
    sim: Sim,
    clock: Arc<ManualClock>,
    graph: Graph,
    account: AccountId,
    token: SecretString,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let sim = Sim::start(Arc::clone(&clock) as Arc<dyn Clock>, SECRET).await.expect("loopback has a free port");
        sim.account(SHOP, "shop", TOKEN);
        let graph = Graph::new(sim.url(), "v26.0", Some(SecretString::from(SECRET))).expect("the address is valid");
        let graph = graph.with_deadline(Duration::from_secs(10));
        Self { sim, clock, graph, account: AccountId(SHOP.into()), token: SecretString::from(TOKEN) }
    }

    async fn send(&self, name: &str, text: &str, tag: Option<Tag>) -> SendOutcome {
        let shopper = ShopperId(self.sim.shopper(name).id(SHOP));
        self.graph.send_text(&self.account, &self.token, &shopper, text, tag).await
    }

    async fn newest(&self, name: &str) -> Result<Vec<crate::channel::ThreadMessage>, ReadError> {
        let shopper = ShopperId(self.sim.shopper(name).id(SHOP));
        self.graph.newest_messages(&self.account, &self.token, &shopper).await
    }
}

/// A webhook endpoint that remembers what came and answers as told, then with 200.
#[derive(Clone, Debug, Default)]
struct Endpoint {
    events: Arc<Mutex<Vec<InboundEvent>>>,
    requests: Arc<Mutex<Vec<usize>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Endpoint {
    async fn open(sim: &Sim) -> Self {
        let endpoint = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let receive = get(handshake).post(receive);
        let router = Router::new().route("/hook", receive).with_state(endpoint.clone());
        drop(tokio::spawn(axum::serve(listener, router).into_future()));
        sim.deliver_to(&format!("http://{address}/hook"));
        assert!(sim.handshake(&format!("http://{address}/hook"), "verify").await.expect("it answers"));
        endpoint
    }

    fn answer_next(&self, status: StatusCode) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back(status);
    }

    fn events(&self) -> Vec<InboundEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn texts(&self) -> Vec<String> {
        let text = |event: InboundEvent| match event.kind {
            InboundKind::Message(message) => message.text.unwrap_or_default(),
            InboundKind::Echo { text, .. } => format!("echo {}", text.unwrap_or_default()),
            other => other.name().to_owned(),
        };
        self.events().into_iter().map(text).collect()
    }

    fn requests(&self) -> Vec<usize> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn handshake(uri: axum::http::Uri) -> Result<String, StatusCode> {
    let pairs: Vec<_> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let pairs = pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
    signature::verify_subscription(pairs, "verify").map_err(|_| StatusCode::FORBIDDEN)
}

async fn receive(Ours(endpoint): Ours<Endpoint>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = headers.get(signature::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    if signature::verify(header, &body, &[SECRET.as_bytes()]).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let answer = endpoint.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let answer = answer.unwrap_or(StatusCode::OK);
    if answer == StatusCode::OK {
        let events = event::parse(&body, START).events;
        endpoint.requests.lock().unwrap_or_else(PoisonError::into_inner).push(events.len());
        endpoint.events.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
    }
    answer
}

#[tokio::test]
async fn a_shopper_writes_and_the_shop_answers() {
    let scene = Scene::new().await;
    let endpoint = Endpoint::open(&scene.sim).await;
    let ana = scene.sim.shopper("ana");
    let mid = ana.writes(SHOP, "كم السعر؟ 👋 a/b");
    scene.sim.until_delivered(DEADLINE).await.expect("the endpoint answers 200");
    let event = endpoint.events().remove(0);
    assert_eq!((event.account.0.as_str(), event.shopper, event.at), (SHOP, Some(ShopperId(ana.id(SHOP))), START));
    assert_eq!((event.dedupe_key, endpoint.texts()), (mid, vec!["كم السعر؟ 👋 a/b".to_owned()]));

    let SendOutcome::Sent { mid } = scene.send("ana", "24 €", None).await else { panic!("the window is open") };
    scene.sim.until_delivered(DEADLINE).await.expect("the endpoint answers 200");
    let echo = endpoint.events().remove(1);
    assert_eq!((echo.kind.name(), echo.dedupe_key), ("echo", mid.clone()));
    let seen = scene.sim.seen_by("ana").remove(1);
    assert_eq!((seen.mid, seen.by, seen.text.as_deref()), (mid, By::Bot, Some("24 €")));
    assert_eq!(scene.sim.sent(), "to ana: 24 €");
    assert_eq!(scene.sim.world().tokens_in_urls, 0);
}

#[tokio::test]
async fn the_token_tells_the_account_and_turns_webhooks_on() {
    let scene = Scene::new().await;
    let me = scene.graph.me(&scene.token).await.expect("the token is good");
    assert_eq!((me.user_id, me.username.as_deref()), (scene.account.clone(), Some("shop")));
    scene.sim.unsubscribe(SHOP);
    scene.sim.shopper("ana").writes(SHOP, "nobody hears this");
    assert_eq!(scene.sim.world().webhooks_lost, 1);
    scene.graph.subscribe(&scene.account, &scene.token).await.expect("the token is good");
    assert!(scene.sim.world().accounts[SHOP].subscribed);

    scene.sim.replace_token(SHOP, "another");
    let refused = scene.graph.me(&scene.token).await.expect_err("the token is old");
    assert_eq!(refused.code(), "channel_login");
    assert!(!format!("{refused:?} {refused}").contains(TOKEN));
    let outcome = scene.send("ana", "hi", None).await;
    assert!(matches!(outcome, SendOutcome::Refused { scope: RefusalScope::Login, .. }));
}

#[tokio::test]
async fn the_window_closes_and_only_the_human_agent_tag_opens_it() {
    let scene = Scene::new().await;
    let closed = |outcome| matches!(outcome, SendOutcome::Refused { scope: RefusalScope::Thread, .. });
    assert!(closed(scene.send("ana", "hello?", None).await));
    scene.sim.shopper("ana").writes(SHOP, "hi");
    scene.clock.advance_ms(25 * HOUR_MS);
    assert!(closed(scene.send("ana", "late", None).await));
    let tagged = scene.send("ana", "from a person", Some(Tag::HumanAgent)).await;
    assert!(matches!(tagged, SendOutcome::Sent { .. }));
    scene.clock.advance_ms(7 * 24 * HOUR_MS);
    assert!(closed(scene.send("ana", "too late", Some(Tag::HumanAgent)).await));
    scene.sim.shopper("ana").taps(SHOP, "Menu", "MENU");
    scene.sim.shopper("ana").blocks(SHOP, true);
    assert!(closed(scene.send("ana", "blocked", None).await));
    let world = scene.sim.world();
    assert_eq!(world.sends.len(), 5);
    assert_eq!(world.sends[1].verdict, Verdict::Refused(10, Some(2_534_022)));
    assert_eq!(world.sends[2].tag.as_deref(), Some("HUMAN_AGENT"));
}

#[tokio::test]
async fn every_fault_gives_its_outcome_and_the_oracle_knows_what_arrived() {
    let scene = Scene::new().await;
    // Only a planned hang is cut short: a slow machine must not look like one.
    let impatient = scene.graph.clone().with_deadline(Duration::from_millis(300));
    scene.sim.shopper("ana").writes(SHOP, "hi");
    let shopper = ShopperId(scene.sim.shopper("ana").id(SHOP));
    let ambiguous = [
        Fault::graph(1, None),
        Fault::graph(2, None),
        Fault::graph(-1, None),
        Fault::Http { status: 500, delivered: false },
        Fault::Http { status: 503, delivered: false },
        Fault::Cut { delivered: false },
        Fault::Hang { delivered: false },
        Fault::Garbage { delivered: false },
    ];
    let both = ambiguous.into_iter().flat_map(|fault| [fault, fault.and_delivered()]);
    for fault in both.chain([Fault::SENT_BUT_REPORTED_FAILED]) {
        let before = scene.sim.replies_to("ana").len();
        scene.sim.fail_send(1, fault);
        let hangs = matches!(fault, Fault::Hang { .. });
        let graph = if hangs { &impatient } else { &scene.graph };
        let outcome = graph.send_text(&scene.account, &scene.token, &shopper, "text", None).await;
        assert!(matches!(outcome, SendOutcome::Ambiguous { .. }), "{fault:?}: {outcome:?}");
        let arrived = scene.sim.replies_to("ana").len() - before;
        assert_eq!(arrived, usize::from(fault.delivers()), "{fault:?}");
    }
    let waits = [
        (Fault::TooMany { retry_after_s: Some(3) }, Some(3_000)),
        (Fault::TooMany { retry_after_s: None }, None),
        (Fault::Throttled { minutes: 2 }, Some(120_000)),
        (Fault::graph(80_006, None), Some(60_000)),
        (Fault::graph(4, None), None),
    ];
    for (fault, wait_ms) in waits {
        scene.sim.fail_send(1, fault);
        let outcome = scene.send("ana", "text", None).await;
        assert!(
            matches!(outcome, SendOutcome::NotSent { retry_after_ms, .. } if retry_after_ms == wait_ms),
            "{fault:?}"
        );
    }
    let scopes = [
        (Fault::graph(190, Some(463)), RefusalScope::Login),
        (Fault::graph(551, None), RefusalScope::Thread),
        (Fault::graph(368, None), RefusalScope::Account),
        (Fault::graph(100, None), RefusalScope::Request),
    ];
    for (fault, expected) in scopes {
        scene.sim.fail_send(1, fault);
        let outcome = scene.send("ana", "text", None).await;
        assert!(matches!(outcome, SendOutcome::Refused { scope, .. } if scope == expected), "{fault:?}");
    }
}

#[tokio::test]
async fn a_host_where_nobody_listens_has_sent_nothing() {
    let Scene { sim, account, token, .. } = Scene::new().await;
    let nowhere = Graph::new("http://127.0.0.1:1", "v26.0", None).expect("the address is valid");
    let shopper = ShopperId(sim.shopper("ana").id(SHOP));
    let outcome = nowhere.send_text(&account, &token, &shopper, "hi", None).await;
    assert!(matches!(&outcome, SendOutcome::NotSent { reason, .. } if !reason.contains(TOKEN)), "{outcome:?}");
    assert!(matches!(nowhere.me(&token).await, Err(ReadError::Unreachable { .. })));
}

#[tokio::test]
async fn the_nth_send_and_the_fitting_send_can_be_chosen() {
    let scene = Scene::new().await;
    scene.sim.shopper("ana").writes(SHOP, "hi");
    scene.sim.fail_send(2, Fault::graph(100, None));
    scene.sim.fail_sends_when(|call| call.text.as_deref() == Some("three"), 1, Fault::graph(368, None));
    let mut sent = Vec::new();
    for text in ["one", "two", "three", "three"] {
        sent.push(matches!(scene.send("ana", text, None).await, SendOutcome::Sent { .. }));
    }
    assert_eq!(sent, [true, false, false, true]);
    assert_eq!(scene.sim.replies_to("ana"), ["one", "three"]);
}

#[tokio::test]
async fn the_thread_is_read_back_with_its_lag_and_limits() {
    let scene = Scene::new().await;
    assert_eq!(scene.newest("ana").await, Err(ReadError::NoThread));
    let ana = scene.sim.shopper("ana");
    for n in 0..25 {
        ana.writes(SHOP, &format!("message {n}"));
        scene.clock.advance_ms(1_000);
    }
    let SendOutcome::Sent { mid } = scene.send("ana", "an answer", None).await else { panic!("the window is open") };
    let newest = scene.newest("ana").await.expect("the thread is shown");
    assert_eq!(newest.len(), 20);
    assert_eq!((newest[0].mid.as_str(), newest[0].from_shopper), (mid.as_str(), false));
    assert_eq!((newest[1].text.as_deref(), newest[1].from_shopper), (Some("message 24"), true));
    assert_eq!(newest[1].created_at, START.plus_ms(24_000));

    scene.sim.readback_lag_ms(500);
    assert_eq!(scene.newest("ana").await.expect("the thread is shown")[0].text.as_deref(), Some("message 24"));
    scene.sim.hide_threads(true);
    assert_eq!(scene.newest("ana").await, Err(ReadError::NoThread));
    scene.sim.hide_threads(false);
    scene.sim.fail_reads(1, Fault::Http { status: 500, delivered: false });
    assert!(matches!(scene.newest("ana").await, Err(ReadError::Unreachable { .. })));
    scene.sim.fail_reads(1, Fault::Throttled { minutes: 1 });
    let limited = scene.newest("ana").await;
    assert!(matches!(limited, Err(ReadError::Limited { retry_after_ms: Some(60_000), .. })));
}

#[tokio::test]
async fn the_newest_threads_are_found_whatever_id_the_account_goes_by() {
    let scene = Scene::new().await;
    scene.sim.lose_webhooks(3);
    scene.sim.shopper("ana").writes(SHOP, "first");
    scene.clock.advance_ms(1_000);
    scene.sim.shopper("bo").sends_images(SHOP, None, &["https://cdn.example/a.jpg"]);
    scene.clock.advance_ms(1_000);
    scene.sim.shopper("cy").writes(SHOP, "third");
    scene.sim.person_writes(SHOP, "cy", "I will look");
    for app_scoped in [false, true] {
        scene.sim.use_app_scoped_ids(app_scoped);
        let threads = scene.graph.newest_threads(&scene.account, &scene.token, 2).await.expect("they are shown");
        let names: Vec<_> = threads.iter().filter_map(|thread| thread.shopper_name.as_deref()).collect();
        assert_eq!(names, ["cy", "bo"]);
        let sides: Vec<_> = threads[0].messages.iter().map(|message| message.from_shopper).collect();
        assert_eq!(sides.iter().filter(|shopper| **shopper).count(), 1);
        let picture = threads[1].messages[0].clone().into_event(scene.account.clone(), threads[1].shopper.clone());
        assert_eq!(picture.shopper, Some(ShopperId(scene.sim.shopper("bo").id(SHOP))));
        assert!(picture.kind.answerable());
    }
}

#[tokio::test]
async fn a_list_that_is_too_large_for_meta_is_asked_for_in_halves() {
    let scene = Scene::new().await;
    for name in ["ana", "bo", "cy"] {
        scene.sim.shopper(name).writes(SHOP, "hi");
    }
    scene.sim.fail_reads(1, Fault::graph(1, None));
    let threads = scene.graph.newest_threads(&scene.account, &scene.token, 4).await.expect("the second try is smaller");
    assert_eq!(threads.len(), 2);
}

/// Meta: two calls a second on the Conversations API for each account.
#[tokio::test]
async fn calls_that_follow_each_other_for_one_account_are_half_a_second_apart() {
    const APART: Duration = Duration::from_millis(500);
    let scene = Scene::new().await;
    for name in ["ana", "bo"] {
        scene.sim.shopper(name).writes(SHOP, "hi");
    }
    let newest = || async {
        let began = std::time::Instant::now();
        let threads = scene.graph.newest_threads(&scene.account, &scene.token, 4).await.expect("threads");
        let texts: usize = threads.iter().map(|thread| thread.messages.len()).sum();
        (threads.len(), texts, began.elapsed())
    };
    scene.sim.fail_reads(1, Fault::graph(1, None));
    let (threads, _, took) = newest().await;
    assert!(threads == 2 && took >= APART, "{threads} threads after {took:?}");
    scene.sim.list_without_messages(true);
    let (threads, texts, took) = newest().await;
    assert!((threads, texts) == (2, 2) && took >= APART * 2, "{texts} texts after {took:?}");
}

#[tokio::test]
async fn webhooks_come_again_until_a_200() {
    let scene = Scene::new().await;
    let endpoint = Endpoint::open(&scene.sim).await;
    scene.sim.deliveries(Deliveries { retry_delay: Duration::from_millis(1), ..Deliveries::default() });
    endpoint.answer_next(StatusCode::SERVICE_UNAVAILABLE);
    endpoint.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
    scene.sim.shopper("ana").writes(SHOP, "hi");
    scene.sim.until_delivered(DEADLINE).await.expect("the third attempt is answered with 200");
    let statuses: Vec<_> = scene.sim.world().deliveries.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Some(503), Some(500), Some(200)]);
    assert_eq!(endpoint.texts(), ["hi"]);
}

#[tokio::test]
async fn webhooks_are_given_up_after_the_last_attempt() {
    let scene = Scene::new().await;
    scene.sim.deliver_to("http://127.0.0.1:1/nobody");
    let plan = Deliveries { retry_delay: Duration::from_millis(1), attempts_max: 3, ..Deliveries::default() };
    scene.sim.deliveries(plan);
    scene.sim.shopper("ana").writes(SHOP, "hi");
    scene.sim.until(|world| world.webhooks_given_up == 1, DEADLINE).await.expect("three attempts are quick");
    assert_eq!(scene.sim.world().deliveries.len(), 3);
    assert_eq!(scene.sim.world().webhooks_waiting, 0);
}

#[tokio::test]
async fn webhooks_can_be_held_reordered_batched_doubled_and_lost() {
    let scene = Scene::new().await;
    let endpoint = Endpoint::open(&scene.sim).await;
    scene.sim.hold_webhooks();
    scene.sim.lose_webhooks(1);
    let ana = scene.sim.shopper("ana");
    for text in ["lost", "a", "b", "c"] {
        ana.writes(SHOP, text);
    }
    ana.comments(SHOP, "nice", "m");
    scene.sim.deliveries(Deliveries { batch: 3, copies: 2, ..Deliveries::default() });
    scene.sim.release_webhooks(Order::Reversed);
    scene.sim.until_delivered(DEADLINE).await.expect("the endpoint answers 200");
    assert_eq!(endpoint.texts(), ["comment", "c", "b", "comment", "c", "b", "a", "a"]);
    assert_eq!(endpoint.requests(), [3, 3, 1, 1]);
}

#[tokio::test]
async fn an_early_echo_is_there_before_the_answer() {
    let scene = Scene::new().await;
    let endpoint = Endpoint::open(&scene.sim).await;
    scene.sim.echoes(Echoes::BeforeAnswer);
    scene.sim.shopper("ana").writes(SHOP, "hi");
    assert!(matches!(scene.send("ana", "yes?", None).await, SendOutcome::Sent { .. }));
    assert_eq!(endpoint.texts(), ["hi", "echo yes?"]);
}

#[tokio::test]
async fn echoes_come_twice_late_held_or_never() {
    let scene = Scene::new().await;
    let endpoint = Endpoint::open(&scene.sim).await;
    scene.sim.shopper("ana").writes(SHOP, "hi");
    let modes = [
        (Echoes::Twice, "twice"),
        (Echoes::Late(Duration::from_millis(1)), "late"),
        (Echoes::Held, "held"),
        (Echoes::Never, "never"),
    ];
    for (echoes, text) in modes {
        scene.sim.echoes(echoes);
        scene.send("ana", text, None).await;
        scene.sim.until_delivered(DEADLINE).await.expect("the endpoint answers 200");
    }
    assert_eq!(endpoint.texts(), ["hi", "echo twice", "echo twice", "echo late"]);
    scene.sim.release_echoes();
    scene.sim.until_delivered(DEADLINE).await.expect("the endpoint answers 200");
    assert_eq!(endpoint.texts().last().map(String::as_str), Some("echo held"));
}

#[tokio::test]
async fn an_unsent_message_is_gone_from_the_thread_too() {
    let scene = Scene::new().await;
    let ana = scene.sim.shopper("ana");
    let mid = ana.writes(SHOP, "forget this");
    ana.writes(SHOP, "but not this");
    ana.unsends(SHOP, &mid);
    let newest = scene.newest("ana").await.expect("the thread is shown");
    assert_eq!(newest.len(), 1);
    assert!(ana.seen()[0].unsent && ana.seen()[0].text.is_none());
}

#[tokio::test]
async fn the_channel_shows_that_it_read_and_writes() {
    let scene = Scene::new().await;
    let ana = scene.sim.shopper("ana");
    ana.writes(SHOP, "hi");
    let channel: Box<dyn Channel> =
        Box::new(Instagram::new(scene.graph.clone(), scene.account.clone(), scene.token.clone()));
    let shopper = ShopperId(ana.id(SHOP));
    channel.show_seen_and_typing(&shopper).await.expect("the token is good");
    assert!(matches!(channel.send_text(&shopper, "hello", None).await, SendOutcome::Sent { .. }));
    assert_eq!(channel.newest_messages(&shopper).await.expect("the thread is shown").len(), 2);
    let actions: Vec<String> = scene.sim.world().actions.into_iter().map(|shown| shown.action).collect();
    assert_eq!(actions, [Action::MarkSeen.as_str(), Action::TypingOn.as_str()]);
}

#[tokio::test]
async fn waiting_ends_with_an_account_of_what_did_happen() {
    let scene = Scene::new().await;
    scene.sim.shopper("ana").writes(SHOP, "hi");
    scene.send("ana", "hello", None).await;
    let late = scene.sim.until_replies("ana", 2, Duration::from_millis(1)).await.expect_err("there is one reply only");
    assert!(late.to_string().contains("to ana: hello"), "{late}");
}
