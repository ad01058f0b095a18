//! Going live in steps: off, then drafts, then live, each for everyone or for chosen shoppers; and what is too old.

use aura::{
    api,
    sim::{CallKind, Fault, Order},
};

use crate::support::{ACCOUNT, SHOP, TestAura, connect, until};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DEBOUNCE_MS: i64 = 3_000;

/// Time stands still; the shop has a catalogue.
pub async fn shop() -> TestAura {
    let setup = TestAura::setup().manual_clock().catalog("harbor_and_pine.jsonl");
    setup.config(|config| config.conversation.debounce_ms = DEBOUNCE_MS as u32).start().await
}

/// Changes the shop's mode; `only_from` empty: for everyone.
pub async fn set_mode(aura: &TestAura, mode: &str, only_from: &[&str]) -> api::Tenant {
    let only_from = only_from.iter().map(|&text| text.to_owned()).collect();
    let edit = api::TenantEdit { mode: Some(mode.into()), only_from: Some(only_from) };
    aura.client().edit_tenant(SHOP, &edit).await.expect("changed")
}

/// Lets the shopper write, and everything that is due by then happen.
pub async fn writes(aura: &TestAura, name: &str, text: &str) -> String {
    let mid = aura.sim.shopper(name).writes(ACCOUNT, text);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
    mid
}

/// Outcome and reason of each turn of a conversation.
pub fn outcomes(conversation: &api::ConversationDetail) -> Vec<(&str, Option<&str>)> {
    let finished =
        conversation.turns.iter().filter_map(|turn| Some((turn.outcome.as_deref()?, turn.reason.as_deref())));
    finished.collect()
}

/// Why the conversation of `name` is left to people, if it is.
pub async fn parked(aura: &TestAura, name: &str) -> Option<String> {
    aura.conversation(name).await.conversation.parked.map(|parked| parked.reason)
}

/// Names of the shoppers in a list of conversations.
pub async fn listed(aura: &TestAura, state: api::ConversationFilter) -> Vec<String> {
    let query = api::ConversationQuery { state: Some(state), ..api::ConversationQuery::default() };
    let found = aura.client().conversations(SHOP, &query).await.expect("listed");
    found.into_iter().map(|conversation| conversation.id).collect()
}

async fn status(aura: &TestAura) -> api::TenantStatus {
    aura.client().status().await.expect("the daemon answers").tenants.remove(0)
}

#[tokio::test]
async fn a_tenant_is_live_for_everyone_unless_said_otherwise() {
    let aura = shop().await;
    let tenant = aura.client().tenant(SHOP).await.expect("shown").tenant;
    assert_eq!((tenant.mode.as_str(), tenant.only_from.len()), ("live", 0));
    writes(&aura, "ana", "Do you have scarves?").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 1);
}

#[tokio::test]
async fn off_records_and_leaves_to_people_and_going_live_answers_only_what_is_new() {
    let aura = shop().await;
    set_mode(&aura, "off", &[]).await;
    writes(&aura, "ana", "Do you have scarves?").await;
    let conversation = aura.conversation("ana").await;
    assert_eq!(outcomes(&conversation), [("suppressed", Some("mode_off"))]);
    assert_eq!(conversation.conversation.takeover, None, "nobody has taken it");
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("mode_off"));
    assert_eq!(listed(&aura, api::ConversationFilter::Parked).await, [conversation.conversation.id]);
    let counted = status(&aura).await;
    assert_eq!((counted.mode.as_str(), counted.parked, counted.open_messages), ("off", 1, 0));

    aura.advance(MINUTE_MS);
    set_mode(&aura, "live", &[]).await;
    aura.until_looked("fence").await;
    let world = aura.sim.world();
    assert_eq!(world.replies_to("ana").len(), 0, "the backlog is not answered");
    let ana = aura.sim.shopper("ana").id(ACCOUNT);
    assert!(world.actions.iter().all(|shown| shown.shopper != ana), "she has seen no typing");

    writes(&aura, "ana", "Hello? Any scarves?").await;
    let conversation = aura.conversation("ana").await;
    assert_eq!(outcomes(&conversation), [("suppressed", Some("mode_off")), ("answered", None)]);
    assert_eq!(aura.sim.replies_to("ana").len(), 1);
    assert_eq!(parked(&aura, "ana").await, None, "she has her answer");
}

#[tokio::test]
async fn what_was_written_while_off_is_left_even_if_it_comes_in_after_going_live() {
    let aura = shop().await;
    set_mode(&aura, "off", &[]).await;
    aura.sim.hold_webhooks();
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.sim.shopper("ben").writes(ACCOUNT, "Do you have hats?");
    aura.advance(MINUTE_MS);
    // In two steps: what was written is judged by what held then, not by what held just before.
    set_mode(&aura, "suggest", &[]).await;
    aura.advance(1);
    set_mode(&aura, "live", &[]).await;
    aura.sim.release_webhooks(Order::AsHappened);
    writes(&aura, "ben", "And gloves?").await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("mode_off"))]);
    assert_eq!(outcomes(&aura.conversation("ben").await), [("answered", None)], "he has written since");
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
}

#[tokio::test]
async fn a_dm_found_by_reading_the_thread_is_judged_by_when_it_was_written() {
    let aura = shop().await;
    aura.advance(MINUTE_MS);
    set_mode(&aura, "off", &[]).await;
    aura.sim.lose_webhooks(1);
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.advance(2 * MINUTE_MS);
    set_mode(&aura, "live", &[]).await;
    assert_eq!(aura.catch_up().await.expect("compared"), 1);
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("mode_off"))]);
}

#[tokio::test]
async fn a_person_who_answers_has_dealt_with_what_was_left_and_so_has_one_who_says_so() {
    let aura = shop().await;
    set_mode(&aura, "off", &[]).await;
    for name in ["ana", "ben", "cleo"] {
        writes(&aura, name, "Do you have scarves?").await;
    }
    aura.sim.person_writes(ACCOUNT, "ana", "Yes, in the shop.");
    aura.until_recorded().await;
    let [ben, cleo] = [aura.conversation("ben").await, aura.conversation("cleo").await];
    let message = api::NewMessage { text: "Yes, in the shop.".into(), ..api::NewMessage::default() };
    aura.client().send(SHOP, &ben.conversation.id, &message).await.expect("the window is open");
    aura.client().release(SHOP, &cleo.conversation.id).await.expect("it is there");
    for name in ["ana", "ben", "cleo"] {
        assert_eq!(parked(&aura, name).await, None, "{name}");
    }
    assert_eq!(status(&aura).await.parked, 0);
}

#[tokio::test]
async fn a_mode_can_be_for_chosen_shoppers_by_name_or_id_and_is_off_for_everyone_else() {
    let aura = shop().await;
    let ben = aura.sim.shopper("ben").id(ACCOUNT);
    let tenant = set_mode(&aura, "live", &["@Ana", &ben, "ana"]).await;
    assert_eq!(tenant.only_from, [ben.as_str(), "@ana"], "each once, ids before names");
    for name in ["ana", "ben", "cleo"] {
        writes(&aura, name, "Do you have scarves?").await;
    }
    assert_eq!(["ana", "ben", "cleo"].map(|name| aura.sim.replies_to(name).len()), [1, 1, 0]);
    assert_eq!(outcomes(&aura.conversation("cleo").await), [("suppressed", Some("not_chosen"))]);
    assert_eq!(parked(&aura, "cleo").await.as_deref(), Some("not_chosen"));
    let cleo = aura.sim.shopper("cleo").id(ACCOUNT);
    assert!(aura.sim.world().actions.iter().all(|shown| shown.shopper != cleo), "she has seen no typing");
    assert_eq!(aura.conversation("ana").await.conversation.shopper_name.as_deref(), Some("ana"));

    aura.advance(MINUTE_MS);
    set_mode(&aura, "live", &[]).await;
    writes(&aura, "cleo", "Hello?").await;
    assert_eq!(aura.sim.replies_to("cleo").len(), 1, "with everyone again");
}

#[tokio::test]
async fn names_are_asked_for_only_where_they_decide() {
    let aura = shop().await;
    aura.sim.fail_calls(|call| call.kind == CallKind::Profile, 0, usize::MAX, Fault::graph(230, None));
    let ana = aura.sim.shopper("ana").id(ACCOUNT);
    set_mode(&aura, "live", &[&ana]).await;
    for name in ["ana", "ben"] {
        writes(&aura, name, "Do you have scarves?").await;
    }
    assert_eq!(aura.conversation("ben").await.conversation.shopper_name, None);
    assert_eq!(["ana", "ben"].map(|name| aura.sim.replies_to(name).len()), [1, 0]);
}

#[tokio::test]
async fn a_name_that_is_not_told_chooses_nobody_and_one_that_cannot_be_had_now_is_waited_for() {
    let aura = TestAura::setup().start().await;
    let [ana, ben] = ["ana", "ben"].map(|name| aura.sim.shopper(name).id(ACCOUNT));
    let of = |shopper: String| {
        move |call: &aura::sim::Call| call.kind == CallKind::Profile && call.shopper.as_deref() == Some(&shopper)
    };
    aura.sim.fail_calls(of(ana), 0, usize::MAX, Fault::graph(230, None));
    aura.sim.fail_calls(of(ben), 0, 1, Fault::Cut { delivered: false });
    set_mode(&aura, "live", &["@ana", "@ben"]).await;
    for name in ["ana", "ben"] {
        aura.sim.shopper(name).writes(ACCOUNT, "Do you have scarves?");
    }
    aura.until_replies("ben", 1).await;
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("not_chosen"))]);
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
}

#[tokio::test]
async fn switching_off_takes_back_an_answer_that_has_not_left() {
    let aura = TestAura::setup().start().await;
    aura.sim.replace_token(ACCOUNT, "IGAA-another-token");
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.until_conversation("ana", "the answer waits for the account", |conversation| {
        conversation.outbox.iter().any(|row| row.state == "pending" && row.reason.is_some())
    })
    .await;
    set_mode(&aura, "off", &[]).await;
    connect(&aura.client(), ACCOUNT, "IGAA-another-token").await;
    aura.until_idle().await;
    let conversation = aura.conversation("ana").await;
    assert_eq!(conversation.outbox[0].state, "cancelled");
    assert_eq!(conversation.outbox[0].reason.as_deref(), Some("mode_off"));
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("mode_off"));
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
}

#[tokio::test]
async fn a_local_trial_answers_in_every_mode() {
    let aura = shop().await;
    set_mode(&aura, "off", &["@nobody"]).await;
    let question = api::ChatQuestion { session: "trial".into(), text: "Do you have scarves?".into(), persona: None };
    let answer = aura.client().chat(SHOP, &question).await.expect("answered");
    assert!(!answer.replies.is_empty());
}

#[tokio::test]
async fn an_old_dm_found_after_a_long_absence_is_parked_with_its_reason_and_a_younger_one_answered() {
    let aura = shop().await;
    aura.advance(2_000);
    aura.sim.lose_webhooks(1);
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.advance(11 * HOUR_MS);
    aura.sim.lose_webhooks(1);
    aura.sim.shopper("ben").writes(ACCOUNT, "Do you have hats?");
    aura.advance(2 * HOUR_MS);
    let aura = aura.restart().await;
    assert_eq!(aura.catch_up().await.expect("compared"), 2);
    aura.advance(DEBOUNCE_MS);
    aura.until_replies("ben", 1).await;
    aura.until_idle().await;
    let conversation = aura.conversation("ana").await;
    assert_eq!(outcomes(&conversation), [("suppressed", Some("too_old"))]);
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("too_old"));
    assert_eq!(listed(&aura, api::ConversationFilter::Parked).await, [conversation.conversation.id]);
    assert_eq!(status(&aura).await.parked, 1);
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
}

#[tokio::test]
async fn an_old_message_followed_by_a_new_one_is_answered_with_it_in_one_turn() {
    let aura = shop().await;
    aura.advance(2_000);
    aura.sim.hold_webhooks();
    let ana = aura.sim.shopper("ana");
    ana.writes(ACCOUNT, "Do you have scarves?");
    aura.advance(13 * HOUR_MS);
    ana.writes(ACCOUNT, "Hello? In blue?");
    aura.sim.release_webhooks(Order::AsHappened);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("answered", None)]);
    let turns: Vec<_> = aura.file().kept().into_iter().map(|message| message.turn).collect();
    assert!(turns.len() == 2 && turns[0].is_some() && turns[0] == turns[1], "{turns:?}");
    assert_eq!(parked(&aura, "ana").await, None);
}

#[tokio::test]
async fn a_parked_conversation_tells_its_reason_in_every_view() {
    let aura = shop().await;
    set_mode(&aura, "off", &[]).await;
    writes(&aura, "ana", "Do you have scarves?").await;
    let id = aura.conversation("ana").await.conversation.id;
    let list = aura.run(&["conversation", "list", "-t", SHOP, "--state", "parked"]).await;
    assert!(list.contains(&id) && list.contains("mode_off"), "{list}");
    let shown = aura.run(&["conversation", "show", "-t", SHOP, &id]).await;
    assert!(shown.contains("left to people\tmode_off"), "{shown}");
    let page = aura.run(&["status"]).await;
    assert!(page.contains("1 conversation is left to people"), "{page}");
    let tail = aura.run(&["tail", "-t", SHOP, "--no-follow", "--kind", "conversation.parked"]).await;
    assert!(tail.contains("conversation.parked") && tail.contains("reason=mode_off"), "{tail}");
}

#[tokio::test]
async fn the_command_changes_shows_and_clears_mode_and_shoppers() {
    let aura = shop().await;
    let edited = aura.said(&["tenant", "edit", SHOP, "--mode", "suggest", "--only-from", "@ana", "ben"], 0).await;
    assert!(edited.contains("drafts wait for a person, for @ana, @ben only: nobody else is answered"), "{edited}");
    let shown = aura.run(&["tenant", "show", SHOP]).await;
    assert!(shown.contains("suggest, only for") && shown.contains("@ben"), "{shown}");
    assert!(aura.run(&["tenant", "list"]).await.contains("suggest, 2 shoppers"));
    assert!(aura.run(&["status"]).await.contains("suggest for 2 chosen shoppers only"));
    // The mode alone leaves the shoppers as they are.
    let edited = aura.said(&["tenant", "edit", SHOP, "--mode", "live"], 0).await;
    assert!(edited.contains("live, for @ana, @ben only"), "{edited}");
    let edited = aura.said(&["tenant", "edit", SHOP, "--everyone"], 0).await;
    assert!(edited.contains("shop is live\n"), "{edited}");
    for (wrong, says) in [
        (&["--mode", "on"][..], "possible values: off, suggest, live"),
        (&["--only-from", "not a name"], "is no shopper"),
        (&["--everyone", "--only-from", "ana"], "cannot be used with"),
        (&[], "required"),
    ] {
        let said = aura.said(&[&["tenant", "edit", SHOP], wrong].concat(), 2).await;
        assert!(said.contains(says), "{wrong:?}: {said}");
    }
    let many: Vec<String> = (0..201).map(|n| format!("@shopper{n}")).collect();
    let edit = api::TenantEdit { mode: None, only_from: Some(many) };
    assert_eq!(aura.client().edit_tenant(SHOP, &edit).await.expect_err("too many").exit_code(), 2);
}

#[tokio::test]
async fn a_tenant_can_be_added_off_and_every_change_is_in_its_log() {
    let aura = shop().await;
    set_mode(&aura, "off", &[]).await;
    set_mode(&aura, "off", &[]).await;
    set_mode(&aura, "suggest", &["@ana"]).await;
    let lines = aura.run(&["tail", "-t", SHOP, "--no-follow", "--kind", "tenant.mode_changed", "--json"]).await;
    let changes: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let fields: Vec<_> =
        changes.iter().map(|event| (&event["fields"]["mode"], &event["fields"]["only_from"])).collect();
    assert_eq!(fields, [(&"off".into(), &0.into()), (&"suggest".into(), &1.into())]);
    assert!(!lines.contains("@ana"), "the log holds no names");
    aura.said(&["tenant", "add", "quiet", "--name", "Quiet", "--mode", "off"], 0).await;
    assert_eq!(aura.client().tenant("quiet").await.expect("shown").tenant.mode, "off");
}

#[tokio::test]
async fn what_a_dead_process_left_undone_after_a_change_is_done_by_the_next() {
    let aura = shop().await;
    set_mode(&aura, "suggest", &[]).await;
    writes(&aura, "ana", "Do you have scarves?").await;
    assert_eq!(status(&aura).await.drafts, 1);
    // The change alone, as if the process had died right behind it.
    let slug = aura::domain::tenant::TenantSlug::parse(SHOP).expect("a slug");
    let control = aura.app().store.control();
    let tenant = control.tenant_by_slug(slug).await.expect("read").expect("is there");
    let off = aura::domain::reach::Reach { mode: aura::domain::reach::Mode::Off, only_from: Vec::new() };
    control.set_reach(tenant.id, off, aura::domain::audit::Act::operator(aura.now())).await.expect("changed");
    let aura = aura.restart().await;
    writes(&aura, "ben", "Do you have hats?").await;
    until("the draft is withdrawn", async || status(&aura).await.drafts == 0).await;
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("mode_off"));
}

#[tokio::test]
async fn an_answer_that_the_channel_refuses_for_good_is_left_to_people() {
    let aura = shop().await;
    aura.sim.fail_send(0, Fault::graph(100, Some(2_534_015)));
    writes(&aura, "ana", "Do you have scarves?").await;
    let conversation = aura.conversation("ana").await;
    assert_eq!(conversation.outbox[0].state, "failed");
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("send_refused"));
    assert_eq!(status(&aura).await.parked, 1);
}
