//! The conversations of all tenants at once, and what a list says of each.

use aura::{
    api::{self, Conversation, InboxLine},
    domain::Clock,
};
use futures_util::TryStreamExt;

use crate::{
    modes::{set_mode, shop, writes},
    shop::{House, files},
    support::{ACCOUNT, SHOP, TestAura},
};

const HOUR_MS: i64 = 3_600_000;

async fn inbox(client: &aura::client::Client, query: &api::ConversationQuery) -> Vec<InboxLine> {
    client.inbox(query).await.expect("listed").try_collect().await.expect("every line can be read")
}

fn rows(lines: Vec<InboxLine>) -> Vec<Conversation> {
    let row = |line| match line {
        InboxLine::Conversation(row) => *row,
        InboxLine::Skipped(skipped) => panic!("{skipped:?}"),
    };
    lines.into_iter().map(row).collect()
}

fn any() -> api::ConversationQuery {
    api::ConversationQuery::default()
}

async fn row(aura: &TestAura, name: &str) -> Conversation {
    aura.conversation(name).await.conversation
}

#[tokio::test]
async fn the_inbox_shows_every_tenants_conversations_and_leaves_out_a_damaged_one_by_name() {
    let house = House::open().await;
    let shops = [("alder", "17841400000000001"), ("birch", "17841400000000002"), ("cedar", "17841400000000003")];
    let mut tenants = Vec::new();
    for (slug, account) in shops {
        tenants.push(house.tenant(slug, account).await);
        for name in ["ana", "ben"] {
            house.sim.shopper(name).writes(account, "Do you have scarves?");
        }
    }
    house.settle(&["alder", "birch", "cedar"]).await;
    let client = house.client();
    let all = rows(inbox(&client, &any()).await);
    for (slug, _) in shops {
        let own = client.conversations(slug, &any()).await.expect("listed");
        let listed: Vec<_> = all.iter().filter(|row| row.tenant == slug).cloned().collect();
        assert_eq!(listed, own, "the same rows in the same order");
        assert_eq!(own.len(), 2);
    }
    assert_eq!(all.len(), 6);
    let first = api::ConversationQuery { limit: Some(1), ..any() };
    assert_eq!(inbox(&client, &first).await.len(), 3, "the limit is each tenant's");
    let later = api::Time(aura::daemon::SystemClock.now().0 + HOUR_MS);
    assert_eq!(inbox(&client, &api::ConversationQuery { since: Some(later), ..any() }).await, []);

    let listed = house.aura(&["conversation", "list"], "").await;
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(
        shops.iter().all(|(slug, _)| listed.stdout.lines().filter(|line| line.starts_with(slug)).count() == 2),
        "{listed:?}"
    );

    let file = house.tenant_folder(&tenants[1]).join("tenant.db");
    let (_folder, data_dir) = house.close().await;
    for (path, _) in files(file.parent().expect("a folder")) {
        std::fs::write(path, "not a database, whatever it was").expect("written");
    }
    let listed = crate::shop::aura(&data_dir, &["conversation", "list", "--json"], "").await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let value = listed.json();
    assert_eq!(value["items"].as_array().map(Vec::len), Some(4), "{value}");
    assert_eq!(value["skipped"][0]["tenant"], "birch", "{value}");
    assert_eq!(value["skipped"][0]["skipped"]["code"], "file_damaged", "{value}");
}

#[tokio::test]
async fn a_row_shows_the_newest_message_and_how_many_there_are() {
    let aura = shop().await;
    writes(&aura, "ana", "Do you have scarves?").await;
    let answered = row(&aura, "ana").await;
    let preview = answered.preview.expect("something was said");
    let said = aura.sim.replies_to("ana").join("");
    assert_eq!(preview.side, "bot");
    let text = preview.text.expect("it has words");
    assert!(said.starts_with(&text) && text.chars().count() <= 120, "{text}");
    assert_eq!((answered.message_count, answered.cost_usd.as_str()), (2, "0"));

    set_mode(&aura, "off", &[]).await;
    let long = "é".repeat(200);
    let mid = writes(&aura, "ana", &long).await;
    let preview = row(&aura, "ana").await.preview.expect("something was said");
    assert_eq!((preview.side.as_str(), preview.text), ("shopper", Some("é".repeat(120))));
    aura.sim.shopper("ana").unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    let taken_back = row(&aura, "ana").await;
    let preview = taken_back.preview.expect("its place is kept");
    assert_eq!((preview.unsent, preview.text, taken_back.message_count), (true, None, 3));
}

#[tokio::test]
async fn a_conversation_that_was_handed_over_says_why_until_it_is_given_back() {
    let aura = shop().await;
    writes(&aura, "ana", "I want to talk to a person").await;
    let handed = row(&aura, "ana").await;
    assert_eq!((handed.state.as_str(), handed.handed_over.as_deref()), ("person", Some("asked")));
    let released = aura.client().release(SHOP, &handed.id).await.expect("given back");
    assert_eq!((released.state.as_str(), released.handed_over), ("bot", None));
}

#[tokio::test]
async fn only_the_conversations_that_are_named_are_read_again() {
    let aura = shop().await;
    for name in ["ana", "ben", "cleo"] {
        writes(&aura, name, "Do you have scarves?").await;
    }
    let (ana, cleo) = (row(&aura, "ana").await, row(&aura, "cleo").await);
    let made_up = "conv_0192f5c8-0000-7000-8000-00000000dead";
    let client = aura.client();
    let found = client.conversations_by_id(SHOP, &[&ana.id, made_up, &cleo.id]).await.expect("listed");
    assert_eq!(found, [cleo, ana.clone()], "the newest first, and nobody else");
    let many = vec![ana.id.as_str(); 101];
    assert_eq!(client.conversations_by_id(SHOP, &many).await.expect_err("too many").exit_code(), 2);
    let of_all = api::ConversationQuery { ids: Some(ana.id), ..any() };
    assert_eq!(client.inbox(&of_all).await.map(drop).expect_err("ids are one tenant's").exit_code(), 2);
}

#[tokio::test]
async fn a_thread_is_read_page_by_page_without_a_gap_or_a_repeat() {
    let aura = shop().await;
    writes(&aura, "ben", "Do you have scarves?").await;
    writes(&aura, "ana", "Do you have scarves?").await;
    set_mode(&aura, "off", &[]).await;
    // Several of one moment: the clock stands still.
    for n in 0..5 {
        aura.sim.shopper("ana").writes(ACCOUNT, &format!("message {n}"));
    }
    aura.until_recorded().await;
    let whole = aura.conversation("ana").await;
    assert_eq!((whole.messages.len(), whole.has_more), (7, false));
    let (client, id) = (aura.client(), &whole.conversation.id);
    let mut read = Vec::new();
    let mut page = api::PageQuery { limit: Some(3), before: None };
    let mut more = Vec::new();
    loop {
        let part = client.conversation_page(SHOP, id, &page).await.expect("read");
        more.push((part.messages.len(), part.has_more));
        let ends = !part.has_more;
        if ends {
            assert_eq!(part.turns, whole.turns[..1], "the turn that the oldest message belongs to");
            assert_eq!(part.outbox, whole.outbox, "and what it sent");
        }
        page.before = part.messages.first().map(|message| message.id.clone());
        read.splice(0..0, part.messages);
        if ends {
            break;
        }
    }
    assert_eq!(more, [(3, true), (3, true), (1, false)]);
    assert_eq!(read, whole.messages);
    let turn = whole.turns[0].id.as_str();
    let of_turn: Vec<_> = read.iter().map(|message| message.turn.as_deref() == Some(turn)).collect();
    assert_eq!(of_turn[..2], [true, true], "the question and its answer: {read:?}");
    assert!(!of_turn[2..].contains(&true), "{read:?}");

    let theirs = aura.conversation("ben").await.messages[0].id.clone();
    let foreign = api::PageQuery { before: Some(theirs), limit: None };
    assert_eq!(client.conversation_page(SHOP, id, &foreign).await.expect_err("ben's").exit_code(), 3);
    let shown = aura.run(&["conversation", "show", "-t", SHOP, id, "--limit", "1", "--json"]).await;
    assert!(shown.contains("message 4") && !shown.contains("message 3"), "{shown}");
    let said = aura.said(&["conversation", "show", "-t", SHOP, id, "--limit", "1"], 0).await;
    assert!(said.contains("--before msg_"), "{said}");
}
