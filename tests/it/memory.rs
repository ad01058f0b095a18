//! Long conversations: what a model is told of them, what of it is summarised, and what is forgotten.

use serde_json::json;

use crate::{
    provider::{self, MODEL, choose, draft, failure, text},
    servers,
    support::{ACCOUNT, TestAura, Upstream, until},
};

const NOTES: &str = "Looks for linen, wears M.";
/// What the shopper asks about, one a turn.
const THINGS: [&str; 9] = [
    "How much is the Cove Linen Shirt?",
    "How much is the Waxed Canvas Tote?",
    "How much is the Squall Rain Shell?",
    "How much is the Wool Camp Blanket?",
    "How much is the Camp Mug?",
    "How much is the Bridle Leather Belt?",
    "How much is the Ragg Wool Socks?",
    "How much is the Watch Cap?",
    "How much is the Linen Apron?",
];

async fn aura() -> (TestAura, Upstream) {
    let (aura, fake) = provider::aura(&[draft(&["Let me see.", "Have a look:"], &[])]).await;
    choose(&aura, MODEL).await;
    (aura, fake)
}

/// The shopper says these one after the other, each answered before the next; the id of each message.
async fn talk(aura: &TestAura, things: &[&str]) -> Vec<String> {
    let mut mids = Vec::new();
    for thing in things {
        let before = aura.sim.replies_to("ana").len();
        mids.push(aura.sim.shopper("ana").writes(ACCOUNT, thing));
        aura.until_replies("ana", before + 2).await;
        aura.until_idle().await;
    }
    mids
}

/// The drafts that were asked for, as text, in order.
fn drafts(fake: &Upstream) -> Vec<String> {
    fake.asked().iter().filter(|asked| !asked.is_for_notes()).map(|asked| asked.body["contents"].to_string()).collect()
}

fn notes_taken(fake: &Upstream) -> usize {
    fake.asked().iter().filter(|asked| asked.is_for_notes()).count()
}

async fn until_noted(aura: &TestAura) {
    until("a summary is kept", async || !aura.file().summaries().is_empty()).await;
}

#[tokio::test]
async fn a_long_conversation_is_summarised_once_and_forgotten_with_what_is_taken_back() {
    let (aura, fake) = aura().await;
    fake.notes(text(NOTES));
    let mids = talk(&aura, &THINGS[..6]).await;
    until_noted(&aura).await;
    talk(&aura, &THINGS[6..8]).await;
    assert_eq!(notes_taken(&fake), 1, "made once, it serves for turns");
    let asked: Vec<_> = fake.asked().into_iter().filter(|asked| asked.is_for_notes()).collect();
    let said = asked[0].body.to_string();
    assert!(said.contains(THINGS[0]) && said.contains("the assistant wrote"), "{said}");
    let told = drafts(&fake);
    let last = told.last().expect("a draft");
    assert!(last.contains("summary of what was said before") && last.contains(NOTES), "{last}");
    assert!(!last.contains(THINGS[0]) && last.contains(THINGS[6]), "what is summarised is not told in full: {last}");
    let with_notes: Vec<&String> = told.iter().filter(|told| told.contains(NOTES)).collect();
    assert_eq!(with_notes.len(), 2, "it is told in every turn from then on");
    aura.sim.shopper("ana").unsends(ACCOUNT, &mids[0]);
    aura.until_conversation("ana", "the message is erased", |conversation| {
        conversation.messages.iter().any(|message| message.unsent)
    })
    .await;
    assert!(aura.file().summaries().is_empty());
    talk(&aura, &THINGS[8..]).await;
    let told = drafts(&fake);
    assert!(!told.last().expect("a draft").contains(NOTES), "{told:?}");
}

#[tokio::test]
async fn where_no_model_summarises_the_oldest_messages_are_left_out_and_it_is_not_asked_in_every_turn() {
    let (aura, fake) = aura().await;
    fake.notes(failure(400, "INVALID_ARGUMENT"));
    talk(&aura, &THINGS).await;
    assert_eq!(notes_taken(&fake), 1, "it rests after a failure");
    let told = drafts(&fake);
    assert_eq!(told.len(), THINGS.len());
    assert!(!told[8].contains(THINGS[0]) && told[8].contains(THINGS[7]), "{}", told[8]);
    let turns = aura.conversation("ana").await.turns;
    assert!(turns.iter().all(|turn| turn.model.as_deref() == Some(MODEL)), "{turns:?}");
}

#[tokio::test]
async fn nobody_waits_for_a_summary_and_one_that_is_cut_off_is_made_after_a_later_turn() {
    let (aura, fake) = aura().await;
    fake.keeps_notes();
    talk(&aura, &THINGS[..8]).await;
    until("notes are asked for", async || notes_taken(&fake) == 1).await;
    assert!(aura.conversation("ana").await.turns.iter().all(|turn| turn.model.as_deref() == Some(MODEL)));
    let aura = aura.restart().await;
    fake.notes(text(NOTES));
    talk(&aura, &THINGS[8..]).await;
    until_noted(&aura).await;
    assert_eq!(notes_taken(&fake), 2);
}

#[tokio::test]
async fn a_fallback_that_is_not_allowed_gets_neither_what_is_to_be_summarised_nor_the_question() {
    let (other, url) = Upstream::answering(&[servers::says(&servers::draft())]).await;
    let (aura, fake) = provider::aura_with(&[draft(&["Let me see.", "Have a look:"], &[])], |config| {
        config.providers.servers.insert("mine".into(), servers::server(&url));
        config.models.chat = MODEL.into();
        config.models.fallbacks = vec![servers::MINE.into()];
        config.models.allowed = vec!["gemini".into()];
    })
    .await;
    fake.notes(failure(400, "INVALID_ARGUMENT"));
    talk(&aura, &THINGS[..7]).await;
    until("notes are asked for", async || notes_taken(&fake) == 1).await;
    fake.answers(&[failure(400, "INVALID_ARGUMENT")]);
    let (_, by) = provider::ask(&aura, "ben").await;
    assert_eq!((by.as_deref(), other.asked().len()), (Some("builtin"), 0));
}

#[tokio::test]
async fn a_model_that_holds_little_is_told_little_in_full() {
    let draft =
        json!({ "messages": ["Let me see.", "Have a look:"], "cards": [], "citations": [], "hand_over": false });
    let (ollama, url) = Upstream::answering(&[servers::local(&draft.to_string())]).await;
    let aura = TestAura::setup()
        .catalog(provider::CATALOG)
        .config(|config| {
            config.providers.ollama.base_url = url;
            config.providers.ollama.context_tokens = 1_024;
        })
        .start()
        .await;
    choose(&aura, servers::LOCAL).await;
    let more = "I want to wear it by the sea. ".repeat(15);
    let things: Vec<String> = THINGS[..3].iter().map(|thing| format!("{thing} {more}")).collect();
    talk(&aura, &things.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let told: Vec<String> = ollama.asked().iter().map(|asked| asked.body["messages"].to_string()).collect();
    let last = told.iter().rev().find(|told| told.contains("You answer the Instagram")).expect("it was asked");
    assert!(last.contains(THINGS[2]) && !last.contains(THINGS[0]), "256 tokens hold one such message: {last}");
}
