//! People of the shop are told what needs them: whom, of what, when, and never twice.

use std::time::Duration;

use aura::{
    api,
    config::SmtpTls,
    domain::notify::{GATHER_MS, HABIT_DAYS, REPEAT_MS, STORM_MESSAGES, STORM_MS, USUAL_MIN},
    sim::{Hook, HookAnswer, MailServer, Received},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    modes::set_mode,
    support::{ACCOUNT, DEADLINE, SHOP, TOKEN, TestAura, connect, until},
};

/// What makes the assistant hand over.
const ASKS: &str = "I want to talk to a real person please";
/// A word that stands in no other text.
const CANARY: &str = "xylophone-7391";
/// The wait after a shopper's last message, where a test moves the clock itself.
const DEBOUNCE_MS: i64 = 3_000;
const HOUR_MS: i64 = 3_600_000;

fn webhook(url: &str) -> api::NewNotifyTarget {
    api::NewNotifyTarget { via: "webhook".into(), address: format!("{url}/hook"), ..api::NewNotifyTarget::default() }
}

async fn add(aura: &TestAura, new: api::NewNotifyTarget) -> api::NotifyTargetAdded {
    aura.client().add_notify_target(SHOP, &new).await.expect("a target can be added")
}

async fn target(aura: &TestAura, name: &str) -> api::NotifyTarget {
    let targets = aura.client().notify_targets(SHOP).await.expect("listed");
    targets.into_iter().find(|target| target.name == name).expect("the target is there")
}

async fn got(hook: &Hook, count: usize) -> Vec<Received> {
    hook.until_received(count, DEADLINE).await.unwrap_or_else(|| panic!("not {count}: {:?}", hook.received()))
}

async fn with_manual_clock() -> TestAura {
    TestAura::setup().manual_clock().config(|config| config.conversation.debounce_ms = DEBOUNCE_MS as u32).start().await
}

/// A shopper asks for a person, and the assistant has handed over.
async fn asks(aura: &TestAura, name: &str) {
    aura.sim.shopper(name).writes(ACCOUNT, ASKS);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_conversation(name, "the conversation is handed over", |it| it.conversation.takeover.is_some()).await;
    aura.until_idle().await;
}

/// Shows that whoever is due by now has been told: a target that always hears hears of somebody new.
async fn waiting_is(aura: &TestAura, name: &str, count: u64) {
    until(&format!("{count} notices wait for {name}"), async || target(aura, name).await.waiting == count).await;
}

#[tokio::test]
async fn a_hand_over_reaches_a_webhook_within_ten_seconds_and_is_signed() {
    let aura = TestAura::setup().start().await;
    let hook = Hook::start().await.expect("a free port");
    let key = add(&aura, webhook(hook.url())).await.signing_key.expect("a key is made and shown once");
    aura.sim.shopper("ana").writes(ACCOUNT, ASKS);
    let received = hook.until_received(1, Duration::from_secs(10)).await.expect("people hear within ten seconds");
    let [told] = &received[..] else { panic!("{received:?}") };
    let body = told.json();
    let conversation = aura.conversation("ana").await.conversation;
    assert_eq!(
        (told.path.as_str(), body["type"].as_str(), body["version"].as_u64()),
        ("/hook", Some("notification"), Some(1))
    );
    assert_eq!((body["tenant"]["slug"].as_str(), body["total"].as_u64()), (Some(SHOP), Some(1)));
    let notice = &body["notices"][0];
    assert_eq!((notice["kind"].as_str(), notice["reason"].as_str()), (Some("hand_over"), Some("asked")));
    assert_eq!(notice["conversation_id"].as_str(), Some(conversation.id.as_str()));
    assert_eq!(notice["command"], format!("aura conversation show -t {SHOP} {}", conversation.id));
    assert!(notice["waiting_since"].is_string());
    assert_eq!(told.header("webhook-id"), body["id"]);
    let signed = format!("{}.{}.", told.header("webhook-id"), told.header("webhook-timestamp"));
    // Checked here by hand: a mistake of ours in making it must not go unseen.
    let key = BASE64.decode(key.strip_prefix("whsec_").expect("it begins so")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(signed.as_bytes());
    mac.update(&told.body);
    assert_eq!(told.header("webhook-signature"), format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())));
    until("the list says so", async || target(&aura, "webhook").await.last.is_some_and(|last| last.state == "sent"))
        .await;
}

#[tokio::test]
async fn a_receiver_on_a_private_network_is_refused_unless_the_operator_names_it() {
    let aura = TestAura::setup().config(|config| config.net.allow = vec![]).start().await;
    let hook = Hook::start().await.expect("a free port");
    for address in [hook.url(), "https://10.0.0.7", "https://2130706433", "https://[::ffff:7f00:1]", "http://n8n:5678"]
    {
        let refused = aura.client().add_notify_target(SHOP, &webhook(address)).await.expect_err("it is private");
        let said = format!("{refused:?}");
        assert!(said.contains("\"invalid\"") && said.contains("net.allow"), "{said}");
    }
    add(&aura, webhook("https://hooks.shop.example")).await;
}

#[tokio::test]
async fn no_words_of_a_shopper_go_along_unless_the_target_asks_for_them() {
    let aura = TestAura::setup().start().await;
    let (silent, telling) = (Hook::start().await.expect("a port"), Hook::start().await.expect("a port"));
    add(&aura, webhook(silent.url())).await;
    let new = api::NewNotifyTarget { name: Some("telling".into()), include_text: true, ..webhook(telling.url()) };
    add(&aura, new).await;
    aura.sim.shopper("ana").writes(ACCOUNT, &format!("{ASKS} {CANARY}"));
    let (without, with) = (got(&silent, 1).await, got(&telling, 1).await);
    assert!(!String::from_utf8_lossy(&without[0].body).contains(CANARY), "{without:?}");
    assert!(without[0].json()["notices"][0].get("text").is_none());
    assert!(with[0].json()["notices"][0]["text"].as_str().is_some_and(|text| text.contains(CANARY)), "{with:?}");
}

#[tokio::test]
async fn a_trial_on_the_command_line_tells_nobody() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    let question = api::ChatQuestion { session: "trial".into(), text: ASKS.into(), persona: None };
    let answer = aura.client().chat(SHOP, &question).await.expect("answered");
    assert!(answer.handoff.is_some(), "{answer:?}");
    asks(&aura, "ana").await;
    waiting_is(&aura, "webhook", 1).await;
}

#[tokio::test]
async fn a_hanging_receiver_delays_neither_turns_nor_other_targets() {
    let aura = TestAura::setup().start().await;
    let (hanging, prompt) = (Hook::start().await.expect("a port"), Hook::start().await.expect("a port"));
    hanging.answer_always(HookAnswer::Hang);
    add(&aura, api::NewNotifyTarget { name: Some("hanging".into()), ..webhook(hanging.url()) }).await;
    add(&aura, webhook(prompt.url())).await;
    for n in 0..8 {
        aura.sim.shopper(&format!("shopper-{n}")).writes(ACCOUNT, ASKS);
    }
    got(&hanging, 1).await;
    got(&prompt, 1).await;
    aura.sim.shopper("zoe").writes(ACCOUNT, "Do you have scarves?");
    aura.until_replies("zoe", 1).await;
    assert_eq!(hanging.received().len(), 1, "one attempt at a time");
}

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_id_and_then_given_up_visibly() {
    let aura = TestAura::setup().manual_clock().config(|config| config.notify.attempts_max = 4).start().await;
    let hook = Hook::start().await.expect("a free port");
    let answers =
        [HookAnswer::Status(500), HookAnswer::RetryAfter(600), HookAnswer::Status(503), HookAnswer::Status(500)];
    hook.answer_next(answers);
    add(&aura, webhook(hook.url())).await;
    aura.sim.shopper("ana").writes(ACCOUNT, ASKS);
    aura.until_recorded().await;
    aura.advance(1_000);
    waiting_is(&aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
    for attempt in 1..=4 {
        got(&hook, attempt).await;
        let attempted = async || {
            let last = target(&aura, "webhook").await.last;
            last.is_some_and(|last| last.state != "sending" && last.attempts == attempt as u32)
        };
        until("the attempt is recorded", attempted).await;
        if attempt == 2 {
            let next_at = target(&aura, "webhook").await.next_at.expect("it will be tried again");
            assert_eq!(next_at.0 - aura.now().0, 600_000, "the receiver's own wish holds");
        }
        aura.advance(HOUR_MS);
    }
    let ids: std::collections::BTreeSet<_> =
        hook.received().iter().map(|it| it.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "receivers recognise a repetition");
    let bodies: std::collections::BTreeSet<_> = hook.received().into_iter().map(|it| it.body).collect();
    assert_eq!(bodies.len(), 1);
    until("it is given up", async || target(&aura, "webhook").await.given_up == 1).await;
    let last = target(&aura, "webhook").await.last.expect("there was one");
    assert_eq!((last.state.as_str(), last.attempts, last.error.as_deref()), ("given_up", 4, Some("it answers 500")));
    // The next thing is told all the same.
    asks_again(&aura, "ben").await;
    assert_eq!(got(&hook, 5).await.len(), 5);
}

async fn asks_again(aura: &TestAura, name: &str) {
    aura.sim.shopper(name).writes(ACCOUNT, ASKS);
    aura.until_recorded().await;
    aura.advance(1_000);
    waiting_is(aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_refusal_is_believed_after_three_attempts() {
    let aura = TestAura::setup().manual_clock().start().await;
    let hook = Hook::start().await.expect("a free port");
    hook.answer_always(HookAnswer::Redirect);
    add(&aura, webhook(hook.url())).await;
    asks_again(&aura, "ana").await;
    for attempt in 1..=3 {
        got(&hook, attempt).await;
        let attempted = async || {
            let last = target(&aura, "webhook").await.last;
            last.is_some_and(|last| last.state != "sending" && last.attempts == attempt as u32)
        };
        until("the attempt is recorded", attempted).await;
        aura.advance(HOUR_MS);
    }
    until("it is given up", async || target(&aura, "webhook").await.given_up == 1).await;
    assert!(hook.received().iter().all(|it| it.path == "/hook"));
}

#[tokio::test]
async fn a_storm_becomes_a_few_messages_and_one_digest() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    for n in 0..STORM_MESSAGES as usize {
        asks(&aura, &format!("first-{n}")).await;
        aura.advance(GATHER_MS);
        got(&hook, n + 1).await;
        until("it is told", async || target(&aura, "webhook").await.last.is_some_and(|last| last.state == "sent"))
            .await;
    }
    for n in 0..12 {
        asks(&aura, &format!("more-{n}")).await;
    }
    waiting_is(&aura, "webhook", 12).await;
    assert_eq!(hook.received().len(), STORM_MESSAGES as usize);
    aura.advance(STORM_MS);
    let received = got(&hook, STORM_MESSAGES as usize + 1).await;
    let digest = received.last().expect("there is one").json();
    assert_eq!((digest["total"].as_u64(), digest["counts"]["hand_over"].as_u64()), (Some(12), Some(12)));
    assert_eq!(digest["notices"].as_array().map(Vec::len), Some(10));
    assert_eq!(digest["title"], "The Shop: 12 hand-overs");
}

#[tokio::test]
async fn one_matter_is_told_once_until_it_is_over() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    asks(&aura, "ana").await;
    aura.advance(GATHER_MS);
    got(&hook, 1).await;
    let id = aura.conversation("ana").await.conversation.id;
    aura.client().release(SHOP, &id).await.expect("released");
    asks(&aura, "ana").await;
    aura.advance(GATHER_MS);
    assert_eq!(got(&hook, 2).await.len(), 2, "a person had it over with, so it is a new matter");
}

/// A shopper asks in mode `suggest`, and a draft other than `before` waits.
async fn suggests(aura: &TestAura, name: &str, before: Option<String>) -> Option<String> {
    aura.sim.shopper(name).writes(ACCOUNT, "Do you have a blue linen shirt?");
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    let draft = |it: &api::ConversationDetail| it.conversation.draft.as_ref().map(|draft| draft.id.clone());
    let is_new = |it: &api::ConversationDetail| draft(it).is_some() && draft(it) != before;
    aura.until_conversation(name, "a new draft waits", is_new).await;
    draft(&aura.conversation(name).await)
}

#[tokio::test]
async fn a_draft_that_is_written_anew_is_told_once_until_a_person_decides_or_half_an_hour_is_over() {
    let aura = with_manual_clock().await;
    set_mode(&aura, "suggest", &[]).await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    let is_told = async || {
        until("it is told", async || target(&aura, "webhook").await.last.is_some_and(|last| last.state == "sent"))
            .await;
    };
    let first = suggests(&aura, "ana", None).await;
    aura.advance(GATHER_MS);
    let told = got(&hook, 1).await[0].json();
    let notice = &told["notices"][0];
    assert_eq!((notice["kind"].as_str(), notice["reason"].as_str()), (Some("draft"), Some("waiting")));
    is_told().await;
    let second = suggests(&aura, "ana", first).await;
    assert_eq!(target(&aura, "webhook").await.waiting, 0, "they know of it");
    let id = aura.conversation("ana").await.conversation.id;
    aura.client().reject_draft(SHOP, &id, &api::DraftDecision::default()).await.expect("rejected");
    let third = suggests(&aura, "ana", second).await;
    assert_eq!(target(&aura, "webhook").await.waiting, 1, "a person had decided, so it is a new matter");
    aura.advance(GATHER_MS);
    got(&hook, 2).await;
    is_told().await;
    aura.advance(REPEAT_MS);
    suggests(&aura, "ana", third).await;
    aura.advance(GATHER_MS);
    assert_eq!(got(&hook, 3).await.len(), 3, "half an hour is long");
}

#[tokio::test]
async fn quiet_hours_are_kept_and_their_end_brings_one_digest() {
    let aura = with_manual_clock().await;
    let (sleeper, watch) = (Hook::start().await.expect("a port"), Hook::start().await.expect("a port"));
    // The clock of tests begins at 2026-10-03T04:40Z: 06:40 in Berlin.
    let quiet = api::NewNotifyTarget {
        name: Some("sleeper".into()),
        quiet: Some("22:00-07:30".into()),
        time_zone: Some("Europe/Berlin".into()),
        ..webhook(sleeper.url())
    };
    add(&aura, quiet).await;
    add(&aura, api::NewNotifyTarget { name: Some("watch".into()), ..webhook(watch.url()) }).await;
    for (n, name) in ["ana", "ben", "cleo"].into_iter().enumerate() {
        asks(&aura, name).await;
        aura.advance(GATHER_MS);
        got(&watch, n + 1).await;
    }
    let sleeping = target(&aura, "sleeper").await;
    assert_eq!((sleeping.waiting, sleeper.received().len()), (3, 0));
    let end = sleeping.next_at.expect("it is planned");
    assert!(end.to_string().ends_with("T05:30:00.000Z"), "{end}");
    // Somebody of the shop writes to Ben before: he need not be told of any more.
    let ben = aura.conversation("ben").await.conversation.id;
    let message = api::NewMessage { text: "I am here".into(), ..api::NewMessage::default() };
    aura.client().send(SHOP, &ben, &message).await.expect("queued");
    aura.until_idle().await;
    waiting_is(&aura, "sleeper", 2).await;
    aura.advance(end.0 - aura.now().0);
    let digest = got(&sleeper, 1).await[0].json();
    assert_eq!(digest["total"].as_u64(), Some(2), "{digest}");
}

#[tokio::test]
async fn what_waited_when_the_daemon_ended_is_told_by_the_next_one() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    asks(&aura, "ana").await;
    waiting_is(&aura, "webhook", 1).await;
    let aura = aura.restart().await;
    aura.advance(GATHER_MS);
    assert_eq!(got(&hook, 1).await.len(), 1);
    until("it is told", async || target(&aura, "webhook").await.last.is_some_and(|last| last.state == "sent")).await;
}

#[tokio::test]
async fn a_refused_token_is_told_once_and_its_end_by_a_person_makes_it_a_new_matter() {
    let aura = TestAura::setup().start().await;
    let hook = Hook::start().await.expect("a free port");
    let new = api::NewNotifyTarget { on: vec!["account".into()], ..webhook(hook.url()) };
    add(&aura, new).await;
    aura.sim.replace_token(ACCOUNT, "another");
    for name in ["ana", "ben"] {
        aura.sim.shopper(name).writes(ACCOUNT, "Do you have scarves?");
    }
    let told = got(&hook, 1).await[0].json();
    let notice = &told["notices"][0];
    assert_eq!((notice["kind"].as_str(), notice["account_id"].as_str()), (Some("account"), Some(ACCOUNT)));
    let fix = format!("aura connect instagram -t {SHOP} --account-id {ACCOUNT} --token-file -");
    assert_eq!(notice["command"], fix);
    aura.sim.replace_token(ACCOUNT, TOKEN);
    connect(&aura.client(), ACCOUNT, TOKEN).await;
    aura.until_replies("ana", 1).await;
    aura.until_replies("ben", 1).await;
    assert_eq!(hook.received().len(), 1);
}

#[tokio::test]
async fn a_message_too_old_to_be_answered_is_told_as_parked() {
    let aura = TestAura::setup().manual_clock().start().await;
    let hook = Hook::start().await.expect("a free port");
    let new = api::NewNotifyTarget { on: vec!["parked".into()], ..webhook(hook.url()) };
    add(&aura, new).await;
    aura.client().pause_tenant(SHOP).await.expect("paused");
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.until_recorded().await;
    aura.advance(13 * HOUR_MS);
    aura.client().resume_tenant(SHOP).await.expect("resumed");
    waiting_is(&aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
    let told = got(&hook, 1).await[0].json();
    assert_eq!(
        (told["notices"][0]["kind"].as_str(), told["notices"][0]["reason"].as_str()),
        (Some("parked"), Some("too_old"))
    );
}

#[tokio::test]
async fn a_proposal_is_told_by_its_label_and_spam_is_not_told() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    let proposal = "Hi! I'm an influencer and would love to collaborate with your brand";
    for (name, text) in [("spammer", "Promote it on @style.hub"), ("mia", proposal)] {
        aura.sim.shopper(name).writes(ACCOUNT, text);
        aura.until_recorded().await;
        aura.advance(DEBOUNCE_MS);
        aura.until_conversation(name, "it has a label", |it| it.conversation.label.is_some()).await;
    }
    waiting_is(&aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
    let told = got(&hook, 1).await[0].json();
    let notice = &told["notices"][0];
    assert_eq!((notice["kind"].as_str(), notice["reason"].as_str()), (Some("parked"), Some("collaboration")));
    assert_eq!(
        (told["total"].as_u64(), notice["summary"].as_str()),
        (Some(1), Some("Somebody proposes a collaboration"))
    );
}

#[tokio::test]
async fn a_test_goes_the_real_way_and_says_what_it_met() {
    let aura = TestAura::setup().start().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, webhook(hook.url())).await;
    let tested = aura.client().test_notify_target(SHOP, "webhook").await.expect("tried");
    assert_eq!((tested.outcome.as_str(), tested.reason), ("sent", None));
    assert_eq!(hook.received()[0].json()["type"], "test");
    hook.answer_always(HookAnswer::Status(403));
    let tested = aura.client().test_notify_target(SHOP, "webhook").await.expect("tried");
    assert_eq!((tested.outcome.as_str(), tested.reason.as_deref()), ("refused", Some("it answers 403")));
    assert!(aura.client().test_notify_target(SHOP, "nobody").await.is_err());
}

#[tokio::test]
async fn an_account_that_is_silent_against_its_habit_is_told_once_and_so_is_its_return() {
    let aura = with_manual_clock().await;
    let hook = Hook::start().await.expect("a free port");
    add(&aura, api::NewNotifyTarget { on: vec!["silent".into()], ..webhook(hook.url()) }).await;
    let tenant = aura.client().tenant(SHOP).await.expect("shown").tenant.id.parse().expect("an id");
    let watch = async || aura.app().watch_accounts(tenant).await.expect("compared");
    for day in 0..=HABIT_DAYS {
        assert_eq!(watch().await, 0, "day {day}");
        for n in 0..USUAL_MIN {
            aura.sim.shopper(&format!("ana-{day}")).writes(ACCOUNT, &format!("Do you have scarf {n}?"));
        }
        aura.until_recorded().await;
        aura.advance(DEBOUNCE_MS);
        aura.until_idle().await;
        aura.advance(24 * HOUR_MS - DEBOUNCE_MS);
    }
    assert_eq!(watch().await, 1);
    assert_eq!(watch().await, 0, "once a silence");
    waiting_is(&aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
    let told = got(&hook, 1).await[0].json();
    let notice = &told["notices"][0];
    assert_eq!((notice["kind"].as_str(), notice["reason"].as_str()), (Some("silent"), Some("silent")));
    assert_eq!(notice["account_id"], ACCOUNT);
    assert!(notice["silent_since"].is_string());
    until("it is told", async || target(&aura, "webhook").await.last.is_some_and(|last| last.state == "sent")).await;
    aura.sim.shopper("ana").writes(ACCOUNT, "Hello again");
    aura.until_recorded().await;
    waiting_is(&aura, "webhook", 1).await;
    aura.advance(GATHER_MS);
    assert_eq!(got(&hook, 2).await[1].json()["notices"][0]["reason"], "heard");
}

#[tokio::test]
async fn a_hand_over_reaches_mailboxes_through_the_configured_server_and_the_sealed_password() {
    let post = MailServer::start().await.expect("a free port");
    let port = post.address().port();
    let aura = TestAura::setup()
        .config(|config| {
            config.notify.smtp.host = Some("127.0.0.1".into());
            config.notify.smtp.port = port;
            config.notify.smtp.tls = SmtpTls::None;
            config.notify.smtp.username = Some("aura".into());
            config.notify.smtp.from = Some("Aura <aura@mail.example>".into());
        })
        .start()
        .await;
    let password = api::NewSecret { value: CANARY.into() };
    aura.client().set_secret(None, "notify.smtp.password", &password).await.expect("stored");
    let mail = api::NewNotifyTarget {
        via: "smtp".into(),
        address: "staff@shop.example".into(),
        ..api::NewNotifyTarget::default()
    };
    add(&aura, mail).await;
    aura.sim.shopper("ana").writes(ACCOUNT, ASKS);
    let mails = post.until_mails(1, DEADLINE).await.expect("it arrives");
    assert_eq!(mails[0].to, ["staff@shop.example"]);
    assert_eq!(mails[0].login, Some(BASE64.encode(format!("\0aura\0{CANARY}"))));
    assert!(mails[0].text.contains("aura conversation show -t shop"), "{}", mails[0].text);
}

#[tokio::test]
async fn a_tenant_can_be_removed_while_its_target_hangs() {
    let aura = TestAura::setup().start().await;
    let hook = Hook::start().await.expect("a free port");
    hook.answer_always(HookAnswer::Hang);
    add(&aura, webhook(hook.url())).await;
    aura.sim.shopper("ana").writes(ACCOUNT, ASKS);
    got(&hook, 1).await;
    aura.until_idle().await;
    let removed = aura.client().remove_tenant(SHOP, SHOP).await.expect("nothing keeps its file open");
    assert!(removed.secrets >= 2, "the token, and the target's address: {removed:?}");
}
