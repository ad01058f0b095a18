//! Erasing a person's conversation: nothing of it is left, nothing of it comes back, and everybody else's goes on.

use std::{fs, path::Path};

use aura::{
    api,
    domain::Timestamp,
    sim::payload::{self, Of},
};

use crate::{
    shop::{aura, files, holds},
    support::{ACCOUNT, SHOP, Scene, TestAura, until_idle},
};

const WISH: &str = "Something in zanzibar teal corduroy, please";
const ANSWER: &str = "Corduroy returns in the quokka season";

/// The files below a folder that hold one of these.
fn traces(folder: &Path, needles: &[&str]) -> Vec<String> {
    let found = files(folder).into_iter().filter(|(_, bytes)| needles.iter().any(|needle| holds(bytes, needle)));
    found.map(|(path, _)| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_stands_in_no_byte_of_any_file_and_others_keep_theirs() {
    let house = TestAura::setup().catalog("harbor_and_pine.jsonl").start().await;
    let client = house.client();
    for (name, text) in [("ana", WISH), ("ben", "Do you have a blue linen shirt?")] {
        house.sim.shopper(name).writes(ACCOUNT, text);
        house.until_replies(name, 1).await;
    }
    let ana = house.conversation("ana").await.conversation;
    client.take_over(SHOP, &ana.id).await.expect("taken over");
    client.send(SHOP, &ana.id, &api::NewMessage { text: ANSWER.into(), anyway: false }).await.expect("queued");
    house.until_replies("ana", 2).await;
    // What nobody could read is kept for a while, with whomever it names.
    let unreadable = format!(r#"{{"object":"instagram","entry":[{{"id":"{ACCOUNT}","from":"{}"}}"#, ana.shopper_id);
    house.post_signed(unreadable.into_bytes()).await;
    house.until_idle().await;
    let needles = [WISH, ANSWER, &ana.shopper_id];
    for needle in needles {
        assert!(!traces(house.data_dir(), &[needle]).is_empty(), "{needle} was there to be erased");
    }

    let said = house.said(&["conversation", "erase", "-t", SHOP, &ana.id, "--confirm", "conv_other"], 2).await;
    assert!(said.contains(&format!("--confirm {}", ana.id)), "{said}");
    house.conversation("ana").await;
    let erase = ["conversation", "erase", "-t", SHOP, &ana.id, "--confirm", &ana.id];
    let said = house.said(&erase, 0).await;
    assert!(said.contains("3 messages and 1 turn are gone") && said.contains("aura backup"), "{said}");
    assert_eq!(traces(house.data_dir(), &needles), Vec::<String>::new());

    let again = house.said(&erase, 0).await;
    assert!(again.contains("before"), "what was cut short can be finished: {again}");
    house.said(&["conversation", "show", "-t", SHOP, &ana.id], 3).await;
    assert_eq!(house.conversation("ben").await.messages.len(), 2);
    house.run(&["audit", "verify"]).await;
    house.file().check_events();
}

#[tokio::test]
async fn nothing_of_before_comes_back_and_what_is_written_afterwards_is_answered() {
    let house = TestAura::setup().manual_clock().config(|config| config.conversation.debounce_ms = 1_000).start().await;
    let conversations = async || {
        let all = api::ConversationQuery::default();
        house.client().conversations(SHOP, &all).await.expect("the daemon answers")
    };
    house.sim.shopper("ana").writes(ACCOUNT, WISH);
    house.until_recorded().await;
    house.sim.lose_webhooks(1);
    house.sim.shopper("ana").writes(ACCOUNT, "In size M");
    let before = house.now();
    let ana = conversations().await.remove(0);
    house.run(&["conversation", "erase", "-t", SHOP, &ana.id, "--confirm", &ana.id]).await;

    let shopper = ana.shopper_id.as_str();
    let late = |mid: &str, at: Timestamp| {
        let of = Of { account: ACCOUNT, shopper, at };
        payload::single(of, payload::text(of, mid, "As I wrote"))
    };
    assert_eq!(house.post_signed(late("mid-late", Timestamp(before.0 - 1))).await, 200);
    house.until_recorded().await;
    house.advance(2 * 60_000);
    assert_eq!(house.catch_up().await.expect("compared"), 0);
    assert_eq!(conversations().await.len(), 0);

    assert_eq!(house.post_signed(late("mid-new", house.now())).await, 200);
    house.until_recorded().await;
    let fresh = conversations().await;
    assert_eq!(fresh.len(), 1);
    assert_ne!(fresh[0].id, ana.id);
    let detail = house.client().conversation(SHOP, &fresh[0].id).await.expect("it is there");
    assert_eq!(detail.messages.len(), 1, "{detail:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_before_is_restored_without_what_was_erased_since() {
    let scene = Scene::new().await;
    let house = scene.start().await;
    for (name, text) in [("ana", WISH), ("ben", "Do you have a blue linen shirt?")] {
        scene.sim.shopper(name).writes(ACCOUNT, text);
    }
    until_idle(&house.client()).await;
    let all = api::ConversationQuery::default();
    let both = house.client().conversations(SHOP, &all).await.expect("the daemon answers");
    let ana = both.iter().find(|it| it.shopper_id == scene.sim.shopper("ana").id(ACCOUNT)).expect("she wrote");
    let place = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| place.path().join(name).display().to_string();
    let (words, to) = (at("words"), at("b.age"));
    fs::write(&words, "correct horse battery staple").expect("written");
    let on = async |args: &[&str]| {
        let ran = aura(&scene.data_dir(), args, "").await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    };
    on(&["backup", "--to", &to, "--passphrase-file", &words]).await;
    on(&["conversation", "erase", "-t", SHOP, &ana.id, "--confirm", &ana.id]).await;
    scene.end(house).await;

    let folder = scene.data_dir();
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let restore = ["restore", &to, "--passphrase-file", &words, "--confirm", &name];
    let dry = on(&[&restore[..], &["--dry-run"]].concat()).await;
    assert!(dry.stderr.contains("and would be erased again: 1 conversation"), "{dry:?}");
    let restored = on(&[&restore[..], &["--json"]].concat()).await.json();
    assert_eq!((&restored["erased"], &restored["erasures_unknown"]), (&1.into(), &serde_json::json!([])), "{restored}");
    let listed = on(&["conversation", "list", "-t", SHOP, "--json"]).await.json();
    let ids: Vec<_> = listed["items"].as_array().expect("a list").iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids.len(), 1, "{listed}");
    assert_ne!(ids[0], ana.id.as_str());
    assert_eq!(traces(&folder, &[WISH]), Vec::<String>::new());
    on(&["audit", "verify"]).await;
    // Nor out of one that was restored and whose erasures nobody can read any more: that is said.
    let tenants = folder.join("tenants");
    for (path, _) in files(&tenants) {
        fs::write(path, "no database at all").expect("broken on purpose");
    }
    let again = on(&[&restore[..], &["--json"]].concat()).await.json();
    assert_eq!(again["erasures_unknown"], serde_json::json!([SHOP]), "{again}");
}
