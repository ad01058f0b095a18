//! Manners from the webhook to the shopper's screen: how often the bot speaks, and when it is silent.

use aura::api;

use crate::support::{ACCOUNT, SHOP, Setup, TestAura};

const MINUTE_MS: i64 = 60_000;
const DEBOUNCE_MS: i64 = 3_000;

fn setup() -> Setup {
    let setup = TestAura::setup().manual_clock().catalog("harbor_and_pine.jsonl");
    setup.config(|config| config.conversation.debounce_ms = DEBOUNCE_MS as u32)
}

/// Writes and waits until the bot has thought about it.
async fn says(aura: &TestAura, name: &str, text: &str) {
    aura.sim.shopper(name).writes(ACCOUNT, text);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_idle().await;
}

/// The same where a person has the conversation: nothing is due, and somebody else's answer shows that all was looked at.
async fn says_to_a_person(aura: &TestAura, name: &str, text: &str, fence: &str) {
    aura.sim.shopper(name).writes(ACCOUNT, text);
    aura.until_recorded().await;
    aura.advance(DEBOUNCE_MS);
    aura.until_looked(fence).await;
}

async fn labelled(aura: &TestAura, label: Option<&str>, state: Option<api::ConversationFilter>) -> Vec<String> {
    let query = api::ConversationQuery { state, label: label.map(Into::into), ..api::ConversationQuery::default() };
    let found = aura.client().conversations(SHOP, &query).await.expect("the daemon answers");
    found.into_iter().map(|conversation| conversation.id).collect()
}

#[tokio::test]
async fn a_closing_gets_one_short_reply_and_then_silence() {
    let aura = setup().start().await;
    for text in ["Do you have scarves?", "Thanks!!", "bye", "❤️"] {
        says(&aura, "ana", text).await;
    }
    let said = aura.sim.replies_to("ana");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].len() < 30 && !said[1].contains("http"), "{said:?}");
}

#[tokio::test]
async fn a_question_asked_twice_is_answered_in_two_ways() {
    let aura = setup().start().await;
    for text in ["Do you have scarves?", "do you have SCARVES"] {
        says(&aura, "ana", text).await;
    }
    let said = aura.sim.replies_to("ana");
    assert!(said.len() == 2 && said[0] != said[1], "{said:?}");
}

#[tokio::test]
async fn what_is_no_customer_matter_is_parked_where_people_find_it_and_a_later_question_is_answered() {
    let aura = setup().start().await;
    says(&aura, "ana", "Buy 10k real followers for only $29").await;
    says(&aura, "ben", "Hi, I'm an influencer and would love to collaborate with your brand").await;
    says(&aura, "cleo", "Do you have scarves?").await;
    assert_eq!((aura.sim.replies_to("ana").len(), aura.sim.replies_to("ben").len()), (0, 1));
    let (ana, ben) = (aura.conversation("ana").await, aura.conversation("ben").await);
    assert_eq!(ana.conversation.label.as_deref(), Some("spam"));
    assert_eq!(ana.turns[0].outcome.as_deref(), Some("parked"));
    assert_eq!((ana.turns[0].reason.as_deref(), ana.conversation.takeover), (Some("spam"), None));
    assert_eq!(labelled(&aura, Some("spam"), None).await, std::slice::from_ref(&ana.conversation.id));
    assert_eq!(labelled(&aura, Some("collaboration"), None).await, std::slice::from_ref(&ben.conversation.id));
    assert_eq!(labelled(&aura, None, Some(api::ConversationFilter::Labelled)).await.len(), 2);
    let status = aura.client().status().await.expect("the daemon answers");
    assert_eq!((status.tenants[0].labelled, status.tenants[0].waiting), (2, 0));

    says(&aura, "ana", "Do you have scarves?").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 1, "a real question is answered, label or not");
    assert_eq!(aura.conversation("ana").await.conversation.label.as_deref(), Some("spam"), "until a person clears it");
    let cleared = aura.client().label(SHOP, &ana.conversation.id, &api::NewLabel { label: None }).await;
    assert_eq!(cleared.expect("it has one").label, None);
    let set = api::NewLabel { label: Some("other".into()) };
    assert_eq!(
        aura.client().label(SHOP, &ana.conversation.id, &set).await.expect("set").label.as_deref(),
        Some("other")
    );
    let unknown = api::NewLabel { label: Some("nonsense".into()) };
    let refused = aura.client().label(SHOP, &ana.conversation.id, &unknown).await.expect_err("no such label");
    assert!(refused.to_string().contains("collaboration"), "{refused}");
}

#[tokio::test]
async fn after_a_wish_for_a_person_the_bot_says_when_and_nothing_more_whatever_happens() {
    let aura = setup().start().await;
    let persona = "hours: Mon-Fri, 9 am to 6 pm\nreply_time: {en: within two hours}\ndisclose: false\n";
    aura.client().set_persona(SHOP, persona.into()).await.expect("the hours are in order");
    // The wish and a question come together.
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    says(&aura, "ana", "Can I talk to a human please?").await;
    let said = aura.sim.replies_to("ana");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("Mon-Fri, 9 am to 6 pm") && said[0].contains("within two hours"), "{said:?}");
    let silent = |aura: &TestAura| assert_eq!(aura.sim.replies_to("ana").len(), 1, "{:?}", aura.sim.replies_to("ana"));

    for (n, text) in ["How much is it?", "thanks!", "hello? a human please!"].into_iter().enumerate() {
        says_to_a_person(&aura, "ana", text, &format!("fence-{n}")).await;
        silent(&aura);
    }
    // Neither the clock, nor a restart, nor a person's words in the app bring the bot back.
    aura.advance(3 * 60 * MINUTE_MS);
    aura.until_looked("fence-3").await;
    silent(&aura);
    let aura = aura.restart().await;
    aura.until_looked("fence-4").await;
    silent(&aura);
    aura.sim.person_writes(ACCOUNT, "ana", "Mia here, let me look.");
    aura.until_recorded().await;
    says_to_a_person(&aura, "ana", "and?", "fence-5").await;
    aura.advance(3 * 60 * MINUTE_MS);
    aura.until_looked("fence-6").await;
    silent(&aura);
    let conversation = aura.conversation("ana").await.conversation;
    assert_eq!(conversation.takeover.map(|takeover| takeover.cause).as_deref(), Some("asked"));

    // A person lets the bot answer again: what comes from now on, not what was written to the person.
    aura.client().release(SHOP, &conversation.id).await.expect("a person has it");
    aura.until_idle().await;
    aura.until_looked("fence-7").await;
    silent(&aura);
    says(&aura, "ana", "Do you have scarves?").await;
    assert_eq!(aura.sim.replies_to("ana").len(), 2);
}

/// Who waits for a person, as the real command lists them.
async fn waiting(aura: &TestAura) -> Vec<serde_json::Value> {
    let listed = aura.run(&["conversation", "list", "-t", SHOP, "--state", "waiting", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("one JSON document");
    listed["items"].as_array().expect("a list").clone()
}

async fn hands_over(aura: &TestAura, name: &str) -> String {
    says(aura, name, "Can I talk to a human please?").await;
    aura.conversation(name).await.conversation.id
}

#[tokio::test]
async fn a_hand_over_is_on_the_list_of_those_who_wait_at_once_and_until_a_person_comes() {
    let aura = setup().start().await;
    assert!(waiting(&aura).await.is_empty());
    let mut names = Vec::new();
    for name in ["ana", "ben", "cleo", "dora"] {
        names.push((name, hands_over(&aura, name).await));
        aura.advance(MINUTE_MS);
    }
    let id_of = |wanted: &str| names.iter().find(|(name, _)| *name == wanted).expect("handed over").1.clone();
    let rows = waiting(&aura).await;
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| row["takeover"]["waiting_since"].is_string()), "{rows:?}");
    assert!(aura.run(&["conversation", "list", "-t", SHOP, "--state", "parked"]).await.lines().count() <= 1);
    let status = aura.run(&["status"]).await;
    assert!(status.contains("4 shoppers wait for a person, the longest for 4 minutes"), "{status}");
    let shop = aura.client().status().await.expect("the daemon answers").tenants.remove(0);
    let ana = aura.conversation("ana").await.conversation.takeover.expect("a person has it");
    assert_eq!((shop.waiting, shop.waiting_since), (4, ana.waiting_since));
    assert_eq!(shop.waiting_since, Some(ana.since));

    // Who takes it has not answered yet; who answers, in Aura or in the app, or lets the bot, has.
    aura.client().take_over(SHOP, &id_of("ana")).await.expect("taken");
    assert_eq!(waiting(&aura).await.len(), 4);
    aura.client()
        .send(SHOP, &id_of("ana"), &api::NewMessage { text: "Mia here.".into(), ..api::NewMessage::default() })
        .await
        .expect("sent");
    aura.sim.person_writes(ACCOUNT, "ben", "Mia here.");
    aura.until_idle().await;
    aura.client().release(SHOP, &id_of("cleo")).await.expect("released");
    let rows = waiting(&aura).await;
    assert_eq!(rows.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), [Some(id_of("dora").as_str())]);
    assert!(aura.run(&["status"]).await.contains("1 shopper waits for a person, the longest for"));

    // A message taken back takes no promise back.
    let mid = aura.sim.shopper("dora").writes(ACCOUNT, "Hello?");
    aura.until_recorded().await;
    aura.sim.shopper("dora").unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    assert_eq!(waiting(&aura).await.len(), 1);
    // Neither does time, nor a restart.
    aura.advance(3 * 60 * MINUTE_MS);
    let aura = aura.restart().await;
    assert_eq!(waiting(&aura).await.len(), 1);
    let status = aura.run(&["status"]).await;
    assert!(status.contains("1 shopper waits for a person, the longest for 181 minutes"), "{status}");
}

#[tokio::test]
async fn a_hand_over_that_a_person_lets_go_waits_for_one_and_an_edited_one_does_not() {
    let aura = setup().start().await;
    aura.run(&["tenant", "edit", SHOP, "--mode", "suggest"]).await;
    let (ana, ben) = (hands_over(&aura, "ana").await, hands_over(&aura, "ben").await);
    assert!(waiting(&aura).await.is_empty(), "nothing was said yet");
    aura.run(&["conversation", "approve", "-t", SHOP, &ana]).await;
    aura.run(&["conversation", "edit", "-t", SHOP, &ben, "--text", "Mia here. What can I do?"]).await;
    aura.until_idle().await;
    let rows = waiting(&aura).await;
    assert_eq!(rows.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), [Some(ana.as_str())]);
}

#[tokio::test]
async fn a_wish_for_a_person_that_no_webhook_brought_gets_its_one_message_and_nothing_more() {
    let aura = setup().start().await;
    let ana = aura.sim.shopper("ana");
    for (text, found) in [("I want to talk to a human", 1), ("and how much are the scarves?", 1)] {
        aura.advance(2_000);
        aura.sim.lose_webhooks(1);
        ana.writes(ACCOUNT, text);
        aura.advance(2 * MINUTE_MS);
        assert_eq!(aura.catch_up().await.expect("compared"), found, "{text}");
        aura.advance(DEBOUNCE_MS);
        aura.until_replies("ana", 1).await;
        aura.until_looked(&format!("fence after {text}")).await;
    }
    assert_eq!(aura.sim.replies_to("ana").len(), 1, "{:?}", aura.sim.replies_to("ana"));
}

#[tokio::test]
async fn hours_that_cannot_be_said_are_refused_with_their_place() {
    let aura = setup().start().await;
    for (yaml, place) in [
        (format!("hours: {{de: {}}}\n", "x".repeat(121)), "hours.de has more than 120 characters"),
        ("reply_time: {nl: binnen een uur}\n".to_owned(), "reply_time.nl: `nl` is not one of"),
        ("hours: \"Mon\\nTue\"\n".to_owned(), "hours is more than one line"),
    ] {
        let refused = aura.client().set_persona(SHOP, yaml.into()).await.expect_err(place);
        assert!(refused.to_string().contains(place), "{refused}");
    }
    let persona = aura.client().set_persona(SHOP, "hours: Mon-Fri\n".into()).await.expect("in the shop's own language");
    assert_eq!(persona.hours, Some(api::Spoken::By([("en".to_owned(), "Mon-Fri".to_owned())].into())));
}
