//! The promises at every point where a crash would hurt most: the real binary dies there, starts again, and nothing is
//! lost, doubled or left behind. A point that is never reached fails its test.

use std::fs;

use aura::{
    api,
    client::{self, Client},
    sim::{Echoes, Fault, Hook, HookAnswer},
};

use crate::support::{ACCOUNT, DEADLINE, SHOP, Scene, check_files, post_signed, until, until_idle};

/// On the way of a DM, in the order in which it comes by.
const OF_A_DM: &[&str] = &[
    "after_journal_commit",
    "before_200",
    "before_settle",
    "after_claim",
    "before_llm",
    "after_llm",
    "after_turn_commit",
    "after_intent_commit",
    "after_response",
    "after_sent_commit",
];

/// Bytes of a delivery that fills the journal's log by itself, so that it is moved into the file at once.
const LARGE_BYTES: usize = 4 * 1024 * 1024 - 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dm_is_answered_once_wherever_on_its_way_the_daemon_dies() {
    let scene = Scene::new().await;
    let mut messages = 0;
    for point in OF_A_DM {
        // The first that comes by, and one that finds others half done.
        for (skip, shoppers) in [(0, 1), (1, 3)] {
            let process = scene.start_armed(&format!("{point}={skip}*off->return")).await;
            for n in 0..shoppers {
                scene
                    .sim
                    .shopper(&format!("{point}-{skip}-{n}"))
                    .writes(ACCOUNT, &format!("{point}: is coat {n} there?"));
            }
            messages += shoppers;
            process.died_at(point).await;
            scene.recover().await;
        }
    }
    scene.judge(messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_costs_nobody_an_answer_and_shows_its_place_and_none_of_its_words() {
    const WORDS: &str = "words-of-a-shopper-8c41";
    let scene = Scene::new().await;
    // As many as there are workers: none of them may be lost.
    let process = scene
        .binary
        .clone()
        .with("AURA_WORKERS", "2")
        .with("FAILPOINTS", &format!("after_claim=2*panic({WORDS})"))
        .start()
        .await;
    scene.sim.deliver_to(&process.webhook_url().await);
    for name in ["ana", "ben"] {
        scene.sim.shopper(name).writes(ACCOUNT, "Is the coat there?");
    }
    for name in ["ana", "ben"] {
        scene.sim.until_replies(name, 1, DEADLINE).await.expect("answered after a rest");
    }
    scene.rest(&process).await;
    let said = process.stderr();
    scene.end(process).await;
    let panics: Vec<_> = said.iter().filter(|line| line.contains("\"panicked\"")).collect();
    assert_eq!(panics.len(), 2, "{said:#?}");
    assert!(panics.iter().all(|line| line.contains("panic.location") && line.contains(".rs:")), "{panics:#?}");
    assert!(!said.iter().any(|line| line.contains(WORDS)), "{said:#?}");
    scene.judge(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_over_one_delivery_or_one_shop_is_tried_again_or_set_aside_and_stops_nobody() {
    let scene = Scene::new().await;
    // The first body that is read breaks its reader: it is set aside. The next is recorded and looked at in a second try.
    let points = "before_parse=1*panic(one)->off;before_record=1*panic(two)->off;before_scan=1*panic(three)->off";
    let process = scene.binary.clone().with("FAILPOINTS", points).start().await;
    let broken = post_signed(&process.webhook_url().await, br#"{"object":"instagram","entry":[]}"#.to_vec()).await;
    assert_eq!(broken, Some(200));
    scene.sim.deliver_to(&process.webhook_url().await);
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    scene.sim.until_replies("ana", 1, DEADLINE).await.expect("answered in a second try");
    scene.rest(&process).await;
    let said = process.stderr();
    scene.end(process).await;
    let lines = |words: &str| said.iter().filter(|line| line.contains(words)).count();
    assert_eq!((lines("\"panicked\""), lines("delivery set aside as unreadable")), (3, 1), "{said:#?}");
    scene.judge(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_has_lost_a_part_of_itself_ends_and_says_which() {
    let scene = Scene::new().await;
    let mut process = scene.binary.clone().with("FAILPOINTS", "before_settle=1*panic(broken)").start().await;
    scene.sim.deliver_to(&process.webhook_url().await);
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    let status = process.ended_within(DEADLINE).await;
    assert_eq!(status.code(), Some(1), "{:#?}", process.stderr());
    let said = process.stderr();
    assert!(said.iter().any(|line| line.contains("has ended by itself: dispatch")), "{said:#?}");
    // What it had taken is answered by the next one.
    scene.recover().await;
    scene.judge(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_is_seen_once_though_the_daemon_dies_with_it_on_the_wire() {
    let scene = Scene::new().await;
    let mut messages = 0;
    for (delivered, echoes) in [(true, Echoes::Prompt), (true, Echoes::Never), (false, Echoes::Prompt)] {
        scene.sim.echoes(echoes);
        scene.sim.fail_send(1, Fault::Hang { delivered });
        let process = scene.start().await;
        let sends = scene.sim.world().sends.len();
        scene.sim.shopper(&format!("shopper-{messages}")).writes(ACCOUNT, "Is the coat there?");
        messages += 1;
        // The other end tells that bytes have arrived, and never answers.
        scene.sim.until(|world| world.sends.len() > sends, DEADLINE).await.expect("a send begins");
        process.kill().await;
        scene.recover().await;
    }
    scene.judge(messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_daemon_dies_in_the_middle_of_a_checkpoint() {
    let scene = Scene::new().await;
    let process = scene.start_armed("mid_checkpoint=return").await;
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    scene.rest(&process).await;
    // A delivery of no interest, but large.
    let body = format!(r#"{{"object":"page","filler":"{}"}}"#, "x".repeat(LARGE_BYTES));
    // It may be gone before it has answered.
    let _ = post_signed(&process.webhook_url().await, body.into_bytes()).await;
    process.died_at("mid_checkpoint").await;
    scene.recover().await;
    scene.judge(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_interrupted_is_made_at_the_next_start() {
    for nth in 0.. {
        let scene = Scene::bare().await;
        let process = scene.binary.clone().with("FAILPOINTS", &format!("mid_migration={nth}*off->return")).spawn();
        let whole = process.accepts().await && add(&process.client()).await.is_ok();
        if whole {
            assert!(nth >= 3, "each of the three files has a migration at least");
            return;
        }
        process.died_at("mid_migration").await;
        let process = scene.start().await;
        if process.client().tenants().await.expect("listed").is_empty() {
            scene.add_shop(&process).await;
        }
        scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
        scene.rest(&process).await;
        scene.end(process).await;
        scene.judge(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_addition_was_interrupted_is_not_there_and_can_be_added() {
    let scene = Scene::bare().await;
    let process = scene.start_armed("mid_tenant_create=return").await;
    add(&process.client()).await.expect_err("it dies before it can say so");
    process.died_at("mid_tenant_create").await;
    let process = scene.start().await;
    assert!(process.client().tenants().await.expect("listed").is_empty());
    assert_eq!(folders(&scene), 0, "nothing of it is left");
    scene.add_shop(&process).await;
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    scene.rest(&process).await;
    scene.end(process).await;
    scene.judge(1);
}

/// On the way of a change of the master key, in their order: the next key is kept, everything is sealed under it, it is
/// the key.
const OF_A_MASTER_KEY: &[&str] = &["master_key_begun", "master_key_committed", "master_key_changed"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_secret_stays_readable_wherever_a_change_of_the_master_key_is_cut_off() {
    let scene = Scene::new().await;
    let file = scene.data_dir().join("master.key");
    let mut messages = 0;
    for point in OF_A_MASTER_KEY {
        let before = fs::read(&file).expect("the key lies in a file");
        let process = scene.start_armed(&format!("{point}=return")).await;
        process.client().change_master_key().await.expect_err("it dies before it can say so");
        process.died_at(point).await;
        let process = scene.start().await;
        // The reply needs the account's token, which is sealed under the tenant's key.
        scene.sim.shopper(point).writes(ACCOUNT, "Is the coat there?");
        messages += 1;
        scene.rest(&process).await;
        let after = fs::read(&file).expect("the key lies in a file");
        assert_eq!(before == after, *point == "master_key_begun", "{point}");
        let changed = process.client().change_master_key().await.expect("it can be changed again");
        assert_eq!((changed.keys, changed.placed), (2, true));
        scene.sim.shopper(&format!("{point}-again")).writes(ACCOUNT, "Is the coat there?");
        messages += 1;
        scene.rest(&process).await;
        scene.end(process).await;
        assert!(!file.with_extension("key.next").exists(), "no second key is left behind");
    }
    scene.judge(messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_was_interrupted_is_finished_at_the_next_start() {
    let scene = Scene::new().await;
    let process = scene.start_armed("mid_tenant_delete=return").await;
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    scene.rest(&process).await;
    process.client().remove_tenant(SHOP, SHOP).await.expect_err("it dies before it can say so");
    process.died_at("mid_tenant_delete").await;
    assert_eq!(folders(&scene), 1, "it died before the folder was deleted");
    let process = scene.start().await;
    until("the folder is gone", async || folders(&scene) == 0).await;
    assert!(process.client().tenants().await.expect("listed").is_empty());
    // Slug and account can be used again.
    scene.add_shop(&process).await;
    scene.sim.shopper("ben").writes(ACCOUNT, "Is the scarf there?");
    until_idle(&process.client()).await;
    scene.end(process).await;
    assert_eq!(check_files(&scene.data_dir()), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_once_wherever_on_the_way_to_them_the_daemon_dies() {
    let scene = Scene::new().await;
    let hook = Hook::start().await.expect("a free port");
    let process = scene.start().await;
    let target = api::NewNotifyTarget {
        via: "webhook".into(),
        address: format!("{}/hook", hook.url()),
        ..api::NewNotifyTarget::default()
    };
    process.client().add_notify_target(SHOP, &target).await.expect("a target can be added");
    process.kill().await;
    // Noted and not yet told; claimed and not yet sent; sent, and nobody remembers; on the wire.
    let deaths = [("after_turn_commit", 1), ("after_notify_claim", 1), ("after_notify_answer", 2), ("on the wire", 2)];
    for (death, requests) in deaths {
        let before = hook.received().len();
        let asks = || scene.sim.shopper(death).writes(ACCOUNT, "I want to talk to a real person please");
        if death == "on the wire" {
            hook.answer_next([HookAnswer::Hang]);
            let process = scene.start().await;
            asks();
            hook.until_received(before + 1, DEADLINE).await.expect("an attempt begins");
            process.kill().await;
        } else {
            let process = scene.start_armed(&format!("{death}=return")).await;
            asks();
            process.died_at(death).await;
        }
        let process = scene.start().await;
        hook.until_received(before + requests, DEADLINE).await.unwrap_or_else(|| panic!("{death}: nobody is told"));
        scene.rest(&process).await;
        until(&format!("{death}: it counts as told"), async || {
            let targets = process.client().notify_targets(SHOP).await.expect("listed");
            targets[0].waiting == 0 && targets[0].last.as_ref().is_some_and(|last| last.state == "sent")
        })
        .await;
        scene.end(process).await;
        let told = hook.received().split_off(before);
        assert_eq!(told.len(), requests, "{death}: {told:?}");
        let first = &told[0];
        assert!(told.iter().all(|again| again.header("webhook-id") == first.header("webhook-id")), "{death}: {told:?}");
        assert!(told.iter().all(|again| again.body == first.body), "{death}: the same id says the same: {told:?}");
        assert_eq!(first.json()["total"], 1, "{death}");
    }
    assert_eq!(check_files(&scene.data_dir()), 3);
}

async fn add(client: &Client) -> Result<api::Tenant, client::Error> {
    let new = api::NewTenant { slug: SHOP.into(), name: "The Shop".into(), ..api::NewTenant::default() };
    client.add_tenant(&new).await
}

/// Tenants' folders in the data directory.
fn folders(scene: &Scene) -> usize {
    fs::read_dir(scene.data_dir().join("tenants")).expect("it is there").count()
}

/// A release must not be able to do any of this: the points come with the tests' own dependencies alone.
#[test]
fn only_the_tests_have_points() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| fs::read_to_string(format!("{root}/{path}")).expect("it is in the repository");
    let cli = read("cmd/Cargo.toml");
    let (product, tests) = cli.split_once("[dev-dependencies]").expect("the tests have dependencies");
    assert!(!product.contains("failpoints") && tests.contains("failpoints"));
    let library = read("Cargo.toml");
    let switches =
        |line: &&str| line.contains("failpoints") || line.starts_with("fail ") || line.starts_with("default =");
    let lines: Vec<_> = library.lines().filter(switches).collect();
    assert_eq!(
        lines,
        [
            r#"fail = { version = "0.5", features = ["failpoints"] }"#,
            r#"failpoints = ["dep:fail"]"#,
            r#"fail = { workspace = true, optional = true }"#,
        ]
    );
}
