//! Drafts: what a person sees, what comes of each decision, and what becomes of a draft that loses its reason.

use std::sync::Arc;

use aura::{
    api::{self, ConversationFilter, DraftDecision, DraftEdit},
    app::{Caller, accounts},
    daemon::SystemClock,
    domain::{
        audit::Act,
        channel::{AccountId, ChannelKind},
        tenant::TenantSlug,
    },
    sim::{By, CallKind, Fault, Sim},
};

use crate::{
    modes::{listed, outcomes, parked, set_mode, shop, writes},
    support::{ACCOUNT, APP_SECRET, Binary, DEADLINE, Process, SHOP, TOKEN, TestAura, connect, until, until_idle},
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DEBOUNCE_MS: i64 = 3_000;
const QUESTION: &str = "Do you have a blue linen shirt?";

async fn suggesting() -> TestAura {
    let aura = shop().await;
    set_mode(&aura, "suggest", &[]).await;
    aura
}

/// Id and words of the draft that waits for `name`.
async fn draft(aura: &TestAura, name: &str) -> Option<(String, Vec<String>)> {
    let detail = aura.conversation(name).await;
    let id = detail.conversation.draft?.id;
    let is_part = |row: &api::OutboxRow| row.turn.as_ref() == Some(&id) && row.held;
    let parts = detail.outbox.into_iter().filter(is_part).map(|row| row.text).collect();
    Some((id, parts))
}

async fn id_of(aura: &TestAura, name: &str) -> String {
    aura.conversation(name).await.conversation.id
}

fn only(draft: &str) -> DraftDecision {
    DraftDecision { draft: Some(draft.to_owned()), ..DraftDecision::default() }
}

async fn approve(aura: &TestAura, name: &str) -> Vec<api::OutboxRow> {
    let id = id_of(aura, name).await;
    let rows = aura.client().approve_draft(SHOP, &id, &DraftDecision::default()).await.expect("a draft waits");
    aura.until_idle().await;
    rows
}

/// The exit code of an approval that must be refused, and why.
async fn refused(aura: &TestAura, name: &str) -> (u8, String) {
    let id = id_of(aura, name).await;
    let error = aura.client().approve_draft(SHOP, &id, &DraftDecision::default()).await.expect_err("refused");
    (error.exit_code(), error.to_string())
}

/// The kinds of the events about drafts, with their actors and reasons.
async fn told(aura: &TestAura) -> Vec<String> {
    let lines = aura.run(&["tail", "-t", SHOP, "--no-follow", "--json"]).await;
    let events = lines.lines().map(|line| serde_json::from_str::<api::Event>(line).expect("an event"));
    let of_drafts = events.filter(|event| event.kind.starts_with("draft."));
    let line = |event: api::Event| match event.fields.get("reason").and_then(|reason| reason.as_str()) {
        Some(reason) => format!("{} {} {reason}", event.kind, event.actor),
        None => format!("{} {}", event.kind, event.actor),
    };
    of_drafts.map(line).collect()
}

#[tokio::test]
async fn a_draft_waits_unseen_by_the_shopper_and_goes_out_when_approved() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let (turn, words) = draft(&aura, "ana").await.expect("a draft waits");
    let world = aura.sim.world();
    assert_eq!((world.sends.len(), world.actions.len()), (0, 0), "no message, no typing");
    let id = id_of(&aura, "ana").await;
    assert_eq!(listed(&aura, ConversationFilter::Draft).await, std::slice::from_ref(&id));
    assert!(aura.run(&["status"]).await.contains("1 draft waits for approval"));
    assert!(aura.run(&["conversation", "list", "-t", SHOP, "--state", "draft"]).await.contains("draft"));
    let shown = aura.run(&["conversation", "show", "-t", SHOP, &id]).await;
    assert!(shown.contains(&format!("Draft {turn}")) && shown.contains("Cove Linen Shirt"), "{shown}");
    let tail = aura.run(&["tail", "-t", SHOP, "--no-follow", "--kind", "draft.waiting"]).await;
    let beginning: String = words[0].chars().take(10).collect();
    assert!(tail.contains(&beginning), "the words are joined for people: {tail}");

    let said = aura.said(&["conversation", "approve", "-t", SHOP, &id, "--draft", &turn], 0).await;
    assert!(said.contains("approved") && said.contains("Cove Linen Shirt"), "{said}");
    aura.until_idle().await;
    assert_eq!(aura.sim.replies_to("ana"), words);
    assert!(aura.sim.world().sends.iter().all(|send| send.tag.is_none()), "it is still the bot's");
    let detail = aura.conversation("ana").await;
    assert!(detail.outbox.iter().all(|row| row.author == "bot" && row.state == "sent" && !row.held), "{detail:?}");
    assert_eq!((outcomes(&detail), &detail.conversation.draft), (vec![("answered", None)], &None));
    assert_eq!(told(&aura).await, ["draft.waiting bot", "draft.approved operator"]);
    let audited = aura.app().store.control().audit_after(0, 100).await.expect("read");
    let entry = audited.iter().find(|entry| entry.action == "draft.approved").expect("it is in the audit");
    assert!(entry.actor == "operator" && entry.payload.contains(&id) && entry.payload.contains(&turn), "{entry:?}");
}

#[tokio::test]
async fn a_new_message_supersedes_the_draft_and_one_draft_covers_both() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let (first, _) = draft(&aura, "ana").await.expect("a draft waits");
    writes(&aura, "ana", "In M please").await;
    let (second, words) = draft(&aura, "ana").await.expect("another draft waits");
    assert_ne!(first, second);
    let detail = aura.conversation("ana").await;
    assert_eq!(outcomes(&detail), [("superseded", None), ("answered", None)]);
    let turns: Vec<_> = aura.file().kept().into_iter().map(|message| message.turn).collect();
    assert_eq!(turns, [Some(second.clone()), Some(second)]);
    // Whoever approves the first has not read the second.
    let id = id_of(&aura, "ana").await;
    let error = aura.client().approve_draft(SHOP, &id, &only(&first)).await.expect_err("it is gone");
    assert_eq!(error.exit_code(), 6);
    assert!(error.to_string().contains("superseded"), "{error}");
    assert_eq!(aura.sim.replies_to("ana").len(), 0);
    approve(&aura, "ana").await;
    assert_eq!(aura.sim.replies_to("ana"), words);
    let withdrawn = "draft.withdrawn system superseded";
    assert_eq!(told(&aura).await, ["draft.waiting bot", withdrawn, "draft.waiting bot", "draft.approved operator"]);
}

#[tokio::test]
async fn what_a_superseded_draft_disclosed_and_named_counts_as_unsaid() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let (_, first) = draft(&aura, "ana").await.expect("a draft waits");
    assert!(first[0].contains("assistant"), "the first answer discloses: {first:?}");
    aura.client().reject_draft(SHOP, &id_of(&aura, "ana").await, &DraftDecision::default()).await.expect("waits");
    writes(&aura, "ana", "How much is it?").await;
    let (_, second) = draft(&aura, "ana").await.expect("a draft waits");
    assert!(second[0].contains("assistant"), "nobody has been told yet: {second:?}");
    assert!(!second.join("\n").contains("Cove Linen Shirt"), "she has seen no shirt that could be `it`: {second:?}");
}

#[tokio::test]
async fn of_two_who_approve_at_once_one_wins_and_the_other_is_told() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let (_, words) = draft(&aura, "ana").await.expect("a draft waits");
    let id = id_of(&aura, "ana").await;
    let args = ["conversation", "approve", "-t", SHOP, &id, "--json"];
    let (data_dir, mut codes) = (aura.data_dir().to_owned(), Vec::new());
    let race =
        futures_util::future::join(crate::shop::aura(&data_dir, &args, ""), crate::shop::aura(&data_dir, &args, ""));
    let (one, other) = race.await;
    for ran in [&one, &other] {
        codes.push(ran.code);
    }
    codes.sort_unstable();
    assert_eq!(codes, [0, 6], "{one:?} {other:?}");
    let loser = if one.code == 6 { one } else { other };
    assert!(loser.error(6)["message"].as_str().is_some_and(|text| text.contains("approved already")), "{loser:?}");
    aura.until_idle().await;
    assert_eq!(aura.sim.replies_to("ana"), words, "once");
}

#[tokio::test]
async fn edited_words_are_a_person_s_and_the_assistant_goes_on_suggesting() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let id = id_of(&aura, "ana").await;
    // Nothing checks a person's words, not even a price.
    let words = "Mia here: yes, for 12 euros!";
    let ran =
        crate::shop::aura(aura.data_dir(), &["conversation", "edit", "-t", SHOP, &id], &format!("{words}\n")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    aura.until_idle().await;
    assert_eq!(aura.sim.replies_to("ana"), [words]);
    let detail = aura.conversation("ana").await;
    assert_eq!(outcomes(&detail), [("suppressed", Some("answered_by_person"))]);
    let sides: Vec<_> = detail.messages.iter().map(|message| message.side.as_str()).collect();
    assert_eq!(sides, ["shopper", "person"]);
    assert_eq!((detail.conversation.takeover, detail.conversation.parked), (None, None));
    assert_eq!(told(&aura).await, ["draft.waiting bot", "draft.edited operator"]);
    writes(&aura, "ana", "And trousers?").await;
    assert!(draft(&aura, "ana").await.is_some(), "her next message gets a draft");
    let empty = DraftEdit { text: " ".into(), ..DraftEdit::default() };
    assert_eq!(aura.client().edit_draft(SHOP, &id, &empty).await.expect_err("empty").exit_code(), 2);
}

#[tokio::test]
async fn the_editor_opens_with_the_draft_only_where_a_person_sits() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let id = id_of(&aura, "ana").await;
    // Stdin is no terminal here: what it holds is the message, and nothing is the empty message.
    let said = aura.said(&["conversation", "edit", "-t", SHOP, &id], 2).await;
    assert!(said.contains("empty"), "{said}");
    assert!(draft(&aura, "ana").await.is_some(), "it still waits");
    aura.said(&["conversation", "edit", "-t", SHOP, &id, "--text", "Yes!"], 0).await;
    aura.until_idle().await;
    assert_eq!(aura.sim.replies_to("ana"), ["Yes!"]);
}

#[tokio::test]
async fn a_rejected_draft_leaves_its_messages_to_people_and_the_next_message_gets_a_draft() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let id = id_of(&aura, "ana").await;
    let said = aura.said(&["conversation", "reject", "-t", SHOP, &id], 0).await;
    assert!(said.contains("left to people"), "{said}");
    let detail = aura.conversation("ana").await;
    assert_eq!(outcomes(&detail), [("suppressed", Some("draft_rejected"))]);
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("draft_rejected"));
    assert_eq!(detail.conversation.takeover, None);
    assert_eq!(told(&aura).await, ["draft.waiting bot", "draft.rejected operator"]);
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 6 && why.contains("rejected already"), "{why}");
    writes(&aura, "ana", "Hello?").await;
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("draft_rejected"), "nobody has answered it yet");
    approve(&aura, "ana").await;
    assert_eq!(parked(&aura, "ana").await, None);
    assert!(!aura.sim.replies_to("ana").is_empty());
}

#[tokio::test]
async fn a_takeover_withdraws_the_draft_and_the_release_brings_a_new_one() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let id = id_of(&aura, "ana").await;
    let taken = aura.client().take_over(SHOP, &id).await.expect("taken");
    assert_eq!((taken.draft, taken.open_messages), (None, 1), "her message waits for the person");
    assert!(taken.takeover.is_some_and(|takeover| takeover.waiting_since.is_some()));
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 6 && why.contains("a person has the conversation"), "{why}");
    aura.client().release(SHOP, &id).await.expect("released");
    aura.until_idle().await;
    approve(&aura, "ana").await;
    assert!(!aura.sim.replies_to("ana").is_empty());
    let withdrawn = "draft.withdrawn system takeover";
    assert_eq!(told(&aura).await, ["draft.waiting bot", withdrawn, "draft.waiting bot", "draft.approved operator"]);
}

#[tokio::test]
async fn a_person_who_writes_settles_the_draft() {
    let aura = suggesting().await;
    for name in ["ana", "ben"] {
        writes(&aura, name, QUESTION).await;
    }
    aura.sim.person_writes(ACCOUNT, "ana", "Yes, two of them.");
    aura.until_recorded().await;
    let message = api::NewMessage { text: "Yes, three of them.".into(), ..api::NewMessage::default() };
    aura.client().send(SHOP, &id_of(&aura, "ben").await, &message).await.expect("a draft blocks no person");
    aura.until_idle().await;
    for (name, texts) in [("ana", vec![]), ("ben", vec!["Yes, three of them.".to_owned()])] {
        assert_eq!(draft(&aura, name).await, None, "{name}");
        let detail = aura.conversation(name).await;
        assert_eq!(outcomes(&detail), [("superseded", None), ("suppressed", Some("answered_by_person"))], "{name}");
        assert_eq!(detail.conversation.takeover.map(|takeover| takeover.waiting_since), Some(None), "{name}");
        assert_eq!(refused(&aura, name).await.0, 6);
        assert_eq!(aura.sim.replies_to(name), texts);
    }
}

#[tokio::test]
async fn what_a_shopper_takes_back_is_in_no_draft() {
    let aura = suggesting().await;
    let mid = writes(&aura, "ana", QUESTION).await;
    aura.sim.shopper("ana").unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    assert_eq!(draft(&aura, "ana").await, None);
    assert_eq!(outcomes(&aura.conversation("ana").await), [("superseded", None), ("suppressed", Some("unsent"))]);
    assert_eq!(parked(&aura, "ana").await, None, "there is nothing left to answer");

    let ben = aura.sim.shopper("ben");
    let mid = ben.writes(ACCOUNT, "I am Ben Miller of 7 Elm Street.");
    writes(&aura, "ben", QUESTION).await;
    let (first, _) = draft(&aura, "ben").await.expect("a draft waits");
    ben.unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
    let (second, _) = draft(&aura, "ben").await.expect("the other message gets a draft of its own");
    assert_ne!(first, second);
    approve(&aura, "ben").await;
    assert!(!aura.sim.replies_to("ben").is_empty());
}

#[tokio::test]
async fn a_draft_that_nobody_decides_about_is_parked_when_the_window_closes() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    aura.advance(23 * HOUR_MS);
    aura.until_idle().await;
    assert!(draft(&aura, "ana").await.is_some(), "there is still time");
    aura.advance(56 * MINUTE_MS);
    until("the draft is withdrawn", async || draft(&aura, "ana").await.is_none()).await;
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("window_closed"))]);
    assert_eq!(parked(&aura, "ana").await.as_deref(), Some("window_closed"));
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 6 && why.contains("window has closed"), "{why}");
    assert_eq!(told(&aura).await, ["draft.waiting bot", "draft.withdrawn system window_closed"]);
    assert_eq!(aura.sim.world().sends.len(), 0);
}

#[tokio::test]
async fn whatever_holds_the_window_open_lets_the_draft_wait_on() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    aura.advance(20 * HOUR_MS);
    // A bare story mention opens the window and wants no answer.
    aura.sim.shopper("ana").mentions_in_story(ACCOUNT, "https://cdn.example/story");
    aura.until_recorded().await;
    aura.advance(5 * HOUR_MS);
    set_mode(&aura, "live", &["@ana", "@fence"]).await;
    aura.until_looked("fence").await;
    assert!(draft(&aura, "ana").await.is_some());
    approve(&aura, "ana").await;
    assert!(!aura.sim.replies_to("ana").is_empty());
}

#[tokio::test]
async fn going_live_sends_no_draft_but_answers_it_with_the_next_message() {
    let aura = suggesting().await;
    for name in ["ana", "ben"] {
        writes(&aura, name, QUESTION).await;
    }
    aura.advance(MINUTE_MS);
    set_mode(&aura, "live", &[]).await;
    aura.until_looked("fence").await;
    assert_eq!(["ana", "ben"].map(|name| aura.sim.replies_to(name).len()), [0, 0], "it waits on");
    writes(&aura, "ana", "Hello?").await;
    assert!(!aura.sim.replies_to("ana").is_empty(), "she is answered now, both messages in one turn");
    assert_eq!(outcomes(&aura.conversation("ana").await), [("superseded", None), ("answered", None)]);
    approve(&aura, "ben").await;
    assert!(!aura.sim.replies_to("ben").is_empty());
}

#[tokio::test]
async fn switching_off_withdraws_drafts_and_so_does_no_longer_choosing_the_shopper() {
    let aura = suggesting().await;
    for name in ["ana", "ben"] {
        writes(&aura, name, QUESTION).await;
    }
    let ana = aura.sim.shopper("ana").id(ACCOUNT);
    set_mode(&aura, "suggest", &[&ana]).await;
    assert!(draft(&aura, "ana").await.is_some() && draft(&aura, "ben").await.is_none());
    assert_eq!(parked(&aura, "ben").await.as_deref(), Some("not_chosen"));
    set_mode(&aura, "off", &[]).await;
    assert_eq!(draft(&aura, "ana").await, None);
    assert_eq!(outcomes(&aura.conversation("ana").await), [("suppressed", Some("mode_off"))]);
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 6 && why.contains("off for this shopper"), "{why}");
}

#[tokio::test]
async fn an_answer_that_has_not_left_becomes_a_draft_when_the_mode_goes_back_to_suggest() {
    let aura = shop().await;
    // The answer is durable while the courtesies before it hang.
    aura.sim.fail_calls(|call| call.kind == CallKind::Action, 0, usize::MAX, Fault::Hang { delivered: false });
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_conversation("ana", "the answer is queued", |detail| !detail.outbox.is_empty()).await;
    set_mode(&aura, "suggest", &[]).await;
    until("it is a draft", async || draft(&aura, "ana").await.is_some()).await;
    assert_eq!(aura.sim.world().sends.len(), 0);
    aura.sim.clear_faults();
    approve(&aura, "ana").await;
    assert!(!aura.sim.replies_to("ana").is_empty());
}

#[tokio::test]
async fn an_answer_that_has_been_on_the_wire_is_not_made_a_draft_again() {
    let aura = TestAura::setup().start().await;
    aura.sim.replace_token(ACCOUNT, "IGAA-another-token");
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_conversation("ana", "the answer waits for the account", |conversation| {
        conversation.outbox.iter().any(|row| row.state == "pending" && row.reason.is_some())
    })
    .await;
    set_mode(&aura, "suggest", &[]).await;
    connect(&aura.client(), ACCOUNT, "IGAA-another-token").await;
    aura.until_replies("ana", 1).await;
}

#[tokio::test]
async fn without_its_account_a_draft_cannot_be_approved_and_waits_for_it() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let leave =
        aura.app().authorize(&Caller::Operator, &TenantSlug::parse(SHOP).expect("a slug")).await.expect("leave");
    let (control, secrets) = (aura.app().store.control(), &aura.app().secrets);
    let (account, act) = (AccountId(ACCOUNT.into()), Act::operator(aura.now()));
    accounts::disconnect(&leave, control, secrets, ChannelKind::Instagram, account, act).await.expect("disconnected");
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 2 && why.contains("has no token"), "{why}");
    assert!(draft(&aura, "ana").await.is_some(), "it waits on");
    connect(&aura.client(), ACCOUNT, TOKEN).await;
    approve(&aura, "ana").await;
    assert!(!aura.sim.replies_to("ana").is_empty());
}

#[tokio::test]
async fn a_draft_whose_price_no_longer_holds_comes_back_as_a_new_draft() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    let (first, words) = draft(&aura, "ana").await.expect("a draft waits");
    assert!(words.join(" ").contains("$58.00"), "{words:?}");
    aura.advance(2 * MINUTE_MS);
    aura.import_changed("harbor_and_pine.jsonl", |text| text.replace("58.00", "61.00")).await;
    approve(&aura, "ana").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0, "an old price does not go out");
    let (second, words) = draft(&aura, "ana").await.expect("a new draft waits");
    assert_ne!(first, second);
    assert!(words.join(" ").contains("$61.00"), "{words:?}");
    approve(&aura, "ana").await;
    assert_eq!(aura.sim.replies_to("ana"), words);
}

#[tokio::test]
async fn a_hand_over_is_a_draft_too_and_takes_place_when_it_is_approved_or_edited() {
    let aura = suggesting().await;
    for name in ["ana", "ben", "cleo"] {
        writes(&aura, name, "Can I talk to a human please?").await;
        let detail = aura.conversation(name).await;
        assert_eq!(outcomes(&detail), [("handed_over", Some("asked"))], "{name}");
        assert_eq!(detail.conversation.takeover, None, "{name}");
    }
    let [ben, cleo] = [id_of(&aura, "ben").await, id_of(&aura, "cleo").await];
    approve(&aura, "ana").await;
    let edit = DraftEdit { text: "Mia here!".into(), ..DraftEdit::default() };
    aura.client().edit_draft(SHOP, &ben, &edit).await.expect("a draft waits");
    aura.client().reject_draft(SHOP, &cleo, &DraftDecision::default()).await.expect("a draft waits");
    aura.until_idle().await;
    let causes = ["ana", "ben", "cleo"].map(|name| async { aura.conversation(name).await.conversation.takeover });
    let causes = futures_util::future::join_all(causes).await;
    let causes: Vec<_> = causes.into_iter().map(|takeover| takeover.map(|takeover| takeover.cause)).collect();
    assert_eq!(causes, [Some("asked".to_owned()), Some("asked".to_owned()), None]);
    assert_eq!(["ana", "ben", "cleo"].map(|name| aura.sim.replies_to(name).len()), [1, 1, 0]);
    assert_eq!(parked(&aura, "cleo").await.as_deref(), Some("draft_rejected"));
}

#[tokio::test]
async fn pausing_keeps_an_approved_draft_until_the_shop_is_resumed() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    aura.client().pause_tenant(SHOP).await.expect("paused");
    let id = id_of(&aura, "ana").await;
    aura.client().approve_draft(SHOP, &id, &DraftDecision::default()).await.expect("a draft waits");
    // A person's message goes out even now: what has been due before it has been looked at.
    let message = api::NewMessage { text: "One moment.".into(), ..api::NewMessage::default() };
    writes_nothing_else(&aura, &message).await;
    assert_eq!(aura.sim.replies_to("ana").len(), 0, "paused");
    aura.client().resume_tenant(SHOP).await.expect("resumed");
    aura.until_replies("ana", 1).await;
}

/// A person writes to somebody else, and it arrives.
async fn writes_nothing_else(aura: &TestAura, message: &api::NewMessage) {
    aura.sim.shopper("ben").writes(ACCOUNT, "Hi");
    aura.until_recorded().await;
    aura.client().send(SHOP, &id_of(aura, "ben").await, message).await.expect("the window is open");
    aura.until_replies("ben", 1).await;
}

#[tokio::test]
async fn a_person_s_words_in_a_draft_s_place_may_go_after_the_bot_s_window_with_the_tag() {
    let aura = suggesting().await;
    writes(&aura, "ana", QUESTION).await;
    aura.client().pause_tenant(SHOP).await.expect("paused, so that nobody looks at the draft");
    aura.advance(25 * HOUR_MS);
    let id = id_of(&aura, "ana").await;
    let (code, why) = refused(&aura, "ana").await;
    assert!(code == 5 && why.contains("window"), "{why}");
    let edit = DraftEdit { text: "Mia here: yes!".into(), ..DraftEdit::default() };
    aura.client().edit_draft(SHOP, &id, &edit).await.expect("seven days for a person");
    aura.until_replies("ana", 1).await;
    let send = aura.sim.world().sends.remove(0);
    assert_eq!(send.tag.as_deref(), Some("HUMAN_AGENT"));
}

#[tokio::test]
async fn drafts_and_decisions_survive_a_restart() {
    let aura = suggesting().await;
    for name in ["ana", "ben"] {
        writes(&aura, name, QUESTION).await;
    }
    aura.client().pause_tenant(SHOP).await.expect("paused");
    let id = id_of(&aura, "ana").await;
    aura.client().approve_draft(SHOP, &id, &DraftDecision::default()).await.expect("a draft waits");
    let (_, words) = draft(&aura, "ben").await.expect("a draft waits");
    let aura = aura.restart().await;
    aura.client().resume_tenant(SHOP).await.expect("resumed");
    aura.until_replies("ana", 1).await;
    assert_eq!(draft(&aura, "ben").await.expect("it waits still").1, words);
    approve(&aura, "ben").await;
    assert_eq!(aura.sim.replies_to("ben"), words);
    let by_bot = aura.sim.seen_by("ben").iter().filter(|seen| seen.by == By::Bot).count();
    assert_eq!(by_bot, words.len(), "once");
}

/// A real daemon that the simulator's webhooks reach.
async fn reached(binary: &Binary, sim: &Sim) -> Process {
    let process = binary.start().await;
    sim.deliver_to(&process.webhook_url().await);
    process
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_and_its_approval_outlive_sigkill_and_it_goes_out_once() {
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("loopback has a free port");
    sim.account(ACCOUNT, SHOP, TOKEN);
    let home = tempfile::tempdir().expect("a temporary folder");
    let binary = Binary::for_simulator(home.path(), sim.url());
    let process = reached(&binary, &sim).await;
    let new = api::NewTenant {
        slug: SHOP.into(),
        name: "The Shop".into(),
        mode: Some("suggest".into()),
        ..api::NewTenant::default()
    };
    process.client().add_tenant(&new).await.expect("the tenant is new");
    connect(&process.client(), ACCOUNT, TOKEN).await;
    sim.shopper("ana").writes(ACCOUNT, QUESTION);
    let query = api::ConversationQuery { state: Some(ConversationFilter::Draft), ..api::ConversationQuery::default() };
    let client = process.client();
    until("a draft waits", async || !client.conversations(SHOP, &query).await.expect("listed").is_empty()).await;
    let before = client.conversations(SHOP, &query).await.expect("listed");
    process.kill().await;

    let process = reached(&binary, &sim).await;
    let client = process.client();
    assert_eq!(client.conversations(SHOP, &query).await.expect("listed"), before, "the same draft waits");
    let rows = client.approve_draft(SHOP, &before[0].id, &DraftDecision::default()).await.expect("it waits");
    process.kill().await;

    let process = reached(&binary, &sim).await;
    sim.until_replies("ana", rows.len(), DEADLINE).await.expect("what was approved goes out");
    until_idle(&process.client()).await;
    let words: Vec<String> = rows.into_iter().map(|row| row.text).collect();
    assert_eq!(sim.replies_to("ana"), words, "once");
    let again = process.client().approve_draft(SHOP, &before[0].id, &DraftDecision::default()).await;
    assert_eq!(again.expect_err("it is out").exit_code(), 6);
}
