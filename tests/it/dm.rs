//! The life of a DM from the webhook to the shopper's screen, and everything that comes between.
//!
//! Says how often and when the bot speaks, not what it says: that is for the tests of answers.

use std::{collections::BTreeMap, time::Duration};

use aura::{
    api,
    app::Caller,
    domain::{Timestamp, tenant::TenantSlug},
    sim::{
        By, CallKind, Deliveries, Echoes, Fault, Verdict,
        payload::{self, Of},
    },
    store::{Covered, EffectRecord},
};

use crate::support::{ACCOUNT, DEADLINE, SHOP, TestAura, connect, until};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// The wait after a shopper's last message, where a test moves the clock itself.
const DEBOUNCE_MS: i64 = 3_000;

async fn with_manual_clock() -> TestAura {
    TestAura::setup().manual_clock().config(|config| config.conversation.debounce_ms = DEBOUNCE_MS as u32).start().await
}

/// What became of the turns of a conversation, in order.
fn outcomes(conversation: &api::ConversationDetail) -> Vec<(&str, Option<&str>)> {
    let outcome = |turn: &'_ api::Turn| turn.outcome.is_some();
    let turns = conversation.turns.iter().filter(|turn| outcome(turn));
    turns.map(|turn| (turn.outcome.as_deref().unwrap_or_default(), turn.reason.as_deref())).collect()
}

#[tokio::test]
async fn a_dm_is_marked_seen_and_typing_is_shown_before_the_answer() {
    let aura = TestAura::setup().catalog("harbor_and_pine.jsonl").start().await;
    let ana = aura.sim.shopper("ana");
    ana.writes(ACCOUNT, "Do you have scarves?");
    aura.until_replies("ana", 1).await;
    let world = aura.sim.world();
    let shown: Vec<_> = world.actions.iter().map(|shown| (shown.action.as_str(), shown.shopper.clone())).collect();
    assert_eq!(shown, [("mark_seen", ana.id(ACCOUNT)), ("typing_on", ana.id(ACCOUNT))]);
    assert!(world.actions.iter().all(|shown| shown.at <= world.sends[0].at), "{:?} {:?}", world.actions, world.sends);
    assert_eq!(world.sends[0].tag, None, "a bot never carries a person's tag");
    assert_eq!(world.tokens_in_urls, 0);
}

#[tokio::test]
async fn an_answer_does_not_wait_for_courtesies_that_hang() {
    let aura = TestAura::setup().start().await;
    let fault = Fault::Hang { delivered: false };
    aura.sim.fail_calls(|call| call.kind == CallKind::Action, 0, usize::MAX, fault);
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.sim.until_replies("ana", 1, Duration::from_secs(10)).await.expect("a call is given up after 15 s only");
}

#[tokio::test]
async fn a_burst_is_answered_by_one_turn() {
    let aura = with_manual_clock().await;
    let ana = aura.sim.shopper("ana");
    for text in ["Hi", "Do you have scarves?", "In blue"] {
        ana.writes(ACCOUNT, text);
        aura.until_recorded().await;
        aura.advance(DEBOUNCE_MS - 1_000);
    }
    assert_eq!(aura.sim.replies_to("ana").len(), 0, "she is still writing");
    aura.advance(1_000);
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("answered", None)]);
    let turns: Vec<_> = aura.file().kept().into_iter().map(|message| message.turn).collect();
    assert_eq!(turns.len(), 3);
    assert!(turns.iter().all(|turn| turn.is_some() && *turn == turns[0]), "{turns:?}");
}

#[tokio::test]
async fn a_webhook_delivered_again_and_again_is_answered_once() {
    let aura = TestAura::setup().start().await;
    aura.sim.deliveries(Deliveries { copies: 3, parallel: 3, ..Deliveries::default() });
    let ana = aura.sim.shopper("ana");
    let mid = ana.writes(ACCOUNT, "Do you have scarves?");
    aura.until_idle().await;
    let of = Of { account: ACCOUNT, shopper: &ana.id(ACCOUNT), at: aura.now() };
    let item = payload::text(of, &mid, "Do you have scarves?");
    assert_eq!(aura.post_signed(payload::body(&[payload::entry(ACCOUNT, of.at, vec![item])])).await, 200);
    aura.until_idle().await;
    assert_eq!(aura.sim.replies_to("ana").len(), 1);
    assert_eq!(aura.file().kept().len(), 1);
}

#[tokio::test]
async fn the_echo_of_our_own_reply_takes_nothing_over_whenever_and_however_it_comes() {
    let aura = TestAura::setup().start().await;
    for (n, echoes) in [Echoes::Prompt, Echoes::BeforeAnswer, Echoes::Twice, Echoes::Held].into_iter().enumerate() {
        // The app id of an echo is not to be relied on.
        for app_id in [None, Some("2200000000000001")] {
            aura.sim.echo_app_id(app_id);
            aura.sim.echoes(echoes);
            let name = format!("shopper-{n}-{}", app_id.is_some());
            aura.sim.shopper(&name).writes(ACCOUNT, "Do you have scarves?");
            aura.until_idle().await;
            aura.sim.release_echoes();
            aura.until_recorded().await;
            let conversation = aura.conversation(&name).await;
            assert_eq!(conversation.conversation.takeover, None, "{echoes:?} {app_id:?}");
            let sides: Vec<&str> = conversation.messages.iter().map(|message| message.side.as_str()).collect();
            assert_eq!(sides, ["shopper", "bot"], "{echoes:?} {app_id:?}");
        }
    }
}

#[tokio::test]
async fn a_person_who_answers_in_the_app_has_the_conversation_until_it_is_released() {
    let aura = with_manual_clock().await;
    let ana = aura.sim.shopper("ana");
    ana.writes(ACCOUNT, "Do you have scarves?");
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
    aura.sim.person_writes(ACCOUNT, "ana", "Hi, it is Mia. Let me look.");
    aura.until_recorded().await;
    let conversation = aura.conversation("ana").await.conversation;
    assert_eq!(conversation.takeover.map(|takeover| takeover.cause).as_deref(), Some("echo"));
    ana.writes(ACCOUNT, "Thank you, Mia! And do you have hats?");
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_looked("ben").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 1, "the bot is silent");
    let conversation = aura.conversation("ana").await.conversation;
    assert!(conversation.takeover.as_ref().is_some_and(|takeover| takeover.waiting_since.is_some()));

    aura.client().release(SHOP, &conversation.id).await.expect("a person has it");
    aura.until_replies("ana", 2).await;
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("answered", None), ("answered", None)]);
}

#[tokio::test]
async fn a_person_who_answers_first_leaves_nothing_for_the_bot() {
    let aura = with_manual_clock().await;
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.sim.person_writes(ACCOUNT, "ana", "Yes, in blue and in red.");
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_looked("ben").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("answered_by_person"))]);
}

#[tokio::test]
async fn a_shopper_whom_nobody_answers_gets_the_bot_back_when_the_time_is_up() {
    let aura = with_manual_clock().await;
    let ana = aura.sim.shopper("ana");
    ana.writes(ACCOUNT, "Do you have scarves?");
    aura.sim.person_writes(ACCOUNT, "ana", "Hi, it is Mia. Let me look.");
    aura.until_recorded().await;
    aura.advance(10 * MINUTE_MS);
    ana.writes(ACCOUNT, "And?");
    aura.until_recorded().await;
    aura.advance(29 * MINUTE_MS);
    aura.until_looked("ben").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0, "Mia has another minute");
    aura.advance(MINUTE_MS);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    assert_eq!(aura.conversation("ana").await.conversation.takeover, None);
}

#[tokio::test]
async fn a_long_message_arrives_in_parts_and_in_order_even_if_the_first_part_has_to_wait() {
    let aura = TestAura::setup().start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, "How do I wash it?");
    aura.until_idle().await;
    let id = aura.conversation("ana").await.conversation.id;
    let text = (0..400).map(|n| format!("wörd{n}")).collect::<Vec<_>>().join(" ");
    aura.sim.fail_send(1, Fault::Http { status: 500, delivered: false });
    let message = api::NewMessage { text: text.clone(), ..api::NewMessage::default() };
    let queued = aura.client().send(SHOP, &id, &message).await.expect("the window is open");
    aura.until_idle().await;
    let parts = aura.sim.replies_to("ana").split_off(1);
    assert!(parts.len() >= 3, "{} bytes in {} parts", text.len(), parts.len());
    assert_eq!(queued.iter().map(|row| &row.text).collect::<Vec<_>>(), parts.iter().collect::<Vec<_>>());
    assert!(parts.iter().all(|part| part.len() <= 1_000));
    let arrived: Vec<&str> = parts.iter().flat_map(|part| part.split_whitespace()).collect();
    assert_eq!(arrived.join(" "), text);
    let sends = aura.sim.world().sends;
    assert_eq!(sends.len(), 1 + parts.len() + 1, "only the first part was tried twice");
    assert_eq!(sends[1].text, sends[2].text, "nothing overtakes it");
}

#[tokio::test]
async fn a_message_taken_back_before_the_turn_is_erased_and_not_answered() {
    let aura = with_manual_clock().await;
    let ana = aura.sim.shopper("ana");
    let mid = ana.writes(ACCOUNT, "My card number is 4111 1111");
    aura.until_recorded().await;
    ana.unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_looked("ben").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
    let kept = aura.file().kept().into_iter().find(|message| message.mid == mid).expect("that it was there is kept");
    assert_eq!(
        (kept.text, kept.outcome.as_deref(), kept.reason.as_deref()),
        (None, Some("suppressed"), Some("unsent"))
    );
}

/// Posts a message that the channel says was written at `at`.
async fn written_at(aura: &TestAura, name: &str, at: Timestamp) {
    let of = Of { account: ACCOUNT, shopper: &aura.sim.shopper(name).id(ACCOUNT), at };
    let item = payload::text(of, &format!("mid-of-{name}"), "Do you have scarves?");
    assert_eq!(aura.post_signed(payload::body(&[payload::entry(ACCOUNT, at, vec![item])])).await, 200);
}

#[tokio::test]
async fn a_message_from_long_ago_is_left_to_a_person() {
    let aura = TestAura::setup().start().await;
    for (name, hours, reason) in [("ana", 25, "window_closed"), ("ben", 13, "too_old")] {
        written_at(&aura, name, aura.now().plus_ms(-hours * HOUR_MS)).await;
        aura.until_idle().await;
        let conversation = aura.conversation(name).await;
        assert_eq!(outcomes(&conversation), [("suppressed", Some(reason))]);
        let cause = conversation.conversation.takeover.map(|takeover| takeover.cause);
        assert_eq!(cause.as_deref(), Some("hand_over"), "it is visible that a person has to look");
    }
    let world = aura.sim.world();
    assert_eq!((world.sends.len(), world.actions.len()), (0, 0));
}

#[tokio::test]
async fn a_refused_token_keeps_the_reply_until_the_account_is_connected_again() {
    let aura = TestAura::setup().start().await;
    aura.sim.replace_token(ACCOUNT, "IGAA-another-token");
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    let state = async || aura.client().accounts(SHOP).await.expect("the daemon answers").remove(0).state;
    until("the account is refused", async || state().await == "refused").await;
    aura.until_conversation("ana", "the reply waits", |conversation| {
        conversation.outbox.len() == 1 && conversation.outbox[0].state == "pending"
    })
    .await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
    connect(&aura.client(), ACCOUNT, "IGAA-another-token").await;
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    assert_eq!(state().await, "active");
    assert_eq!(aura.sim.replies_to("ana").len(), 1);
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_wire_the_shopper_gets_exactly_one_copy() {
    every_fault(Echoes::Prompt).await;
}

#[tokio::test]
async fn without_echoes_too_whatever_goes_wrong_the_shopper_gets_exactly_one_copy() {
    every_fault(Echoes::Never).await;
}

/// One shopper for each thing that can go wrong.
async fn every_fault(echoes: Echoes) {
    let aura = TestAura::setup().start().await;
    aura.sim.echoes(echoes);
    let both = |fault: Fault| [fault, fault.and_delivered()];
    let faults = [
        both(Fault::Http { status: 500, delivered: false }),
        both(Fault::Http { status: 502, delivered: false }),
        both(Fault::graph(1, Some(1_357_046))),
        both(Fault::graph(2, None)),
        both(Fault::Cut { delivered: false }),
        both(Fault::Garbage { delivered: false }),
        both(Fault::Hang { delivered: false }),
    ];
    let mut faults: Vec<Fault> = faults.into_iter().flatten().collect();
    faults.extend([Fault::TooMany { retry_after_s: Some(1) }, Fault::TooMany { retry_after_s: None }]);
    faults.push(Fault::graph(613, None));
    let names: BTreeMap<String, Fault> =
        faults.iter().enumerate().map(|(n, fault)| (format!("shopper-{n}"), *fault)).collect();
    for (name, fault) in &names {
        let shopper = aura.sim.shopper(name).id(ACCOUNT);
        aura.sim.fail_sends_when(move |call| call.shopper.as_deref() == Some(&shopper), 1, *fault);
        aura.sim.shopper(name).writes(ACCOUNT, "Do you have scarves?");
    }
    aura.sim.until(|world| names.keys().all(|name| !world.replies_to(name).is_empty()), DEADLINE).await.expect("all");
    aura.until_idle().await;
    let world = aura.sim.world();
    let struck = world.sends.iter().filter(|send| matches!(send.verdict, Verdict::Faulted(_))).count();
    assert_eq!(struck, names.len(), "every fault has struck");
    for (name, fault) in &names {
        let seen = world.seen_by(name).iter().filter(|seen| seen.by == By::Bot).count();
        assert_eq!(seen, 1, "{fault:?}");
        let conversation = aura.conversation(name).await;
        let outbox: Vec<_> = conversation.outbox.iter().map(|row| (row.state.as_str(), row.held)).collect();
        assert_eq!(outbox, [("sent", false)], "{fault:?}");
        assert_eq!(conversation.conversation.takeover, None, "{fault:?}");
    }
}

#[tokio::test]
async fn a_run_that_can_never_go_on_is_handed_to_a_person() {
    let aura = with_manual_clock().await;
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.until_recorded().await;
    let conversation = aura.conversation("ana").await;
    let slug = TenantSlug::parse(SHOP).expect("a slug");
    let leave = aura.app().authorize(&Caller::Operator, &slug).await.expect("leave");
    let store = aura.app().tenant_store(&leave).await.expect("a store");
    let id = conversation.conversation.id.parse().expect("an id");
    let covered = Covered::of(&store.messages(id, 10).await.expect("read"));
    let broken = EffectRecord { step: 0, kind: "understand".into(), result: "not of this version".into() };
    let turn = "turn_00000000-0000-7000-8000-000000000007".parse().expect("an id");
    store.record_effects(turn, id, covered, vec![broken], aura.now()).await.expect("recorded");
    aura.advance(DEBOUNCE_MS);
    aura.until_replies("ana", 1).await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("handed_over", Some("failure"))]);
}

#[tokio::test]
async fn a_dm_whose_webhook_never_came_is_found_and_answered_once_and_answered_ones_are_left_alone() {
    let aura = with_manual_clock().await;
    aura.advance(2_000);
    let (ana, ben) = (aura.sim.shopper("ana"), aura.sim.shopper("ben"));
    aura.sim.lose_webhooks(2);
    ana.writes(ACCOUNT, "Do you have scarves?");
    ben.writes(ACCOUNT, "Do you have hats?");
    aura.sim.lose_webhooks(1);
    aura.sim.person_writes(ACCOUNT, "ben", "Yes, Ben, three of them.");
    assert_eq!(aura.catch_up().await.expect("compared"), 0, "its webhook may still be on the way");
    aura.advance(2 * MINUTE_MS);
    assert_eq!(aura.catch_up().await.expect("compared"), 1, "a person has answered Ben");
    assert_eq!(aura.catch_up().await.expect("compared"), 0);
    aura.advance(DEBOUNCE_MS);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("answered", None)]);
    assert!(aura.sim.replies_to("ben").is_empty(), "he has his answer from a person");
}
