//! Nothing is changed or lost unnoticed: the logs and the checkpoints, as an operator checks them.

use std::{fs, path::PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    shop::{DEADLINE, House, Ran, aura},
    support::check_files,
};

const SHOPS: [(&str, &str); 2] = [("alder", "17841400000000001"), ("birch", "17841400000000002")];

/// Two shops with a few answered messages each, stopped; its folder, its data directory and a checkpoint that was taken
/// at the end and kept elsewhere.
async fn two_shops() -> (tempfile::TempDir, PathBuf, [PathBuf; 2], String) {
    let house = House::open().await;
    let mut files = Vec::new();
    for (slug, account) in SHOPS {
        let tenant = house.tenant(slug, account).await;
        for shopper in ["ana", "ben"] {
            let shopper = format!("{shopper}-{slug}");
            house.sim.shopper(&shopper).writes(account, "Hello, do you have linen?");
            house.sim.until_replies(&shopper, 1, DEADLINE).await.expect("answered");
        }
        files.push(house.tenant_folder(&tenant).join("tenant.db"));
    }
    house.sim.until_delivered(DEADLINE).await.expect("echoes are taken");
    house.settle(&["alder", "birch"]).await;
    let taken = house.aura(&["audit", "checkpoint"], "").await;
    assert_eq!(taken.code, 0, "{taken:?}");
    let (folder, data_dir) = house.close().await;
    check_files(&data_dir);
    let files = files.try_into().expect("two");
    (folder, data_dir, files, taken.stdout)
}

/// What `aura audit verify` says: its exit code, and every fault with whose it is.
fn faults(ran: &Ran) -> (i32, Vec<(String, String)>) {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let chains = report["chains"].as_array().expect("chains");
    let of = |chain: &Value| {
        let faults = chain["result"]["faults"].as_array().expect("faults").clone();
        let name = chain["chain"].as_str().expect("a name").to_owned();
        faults.into_iter().map(move |fault| (name.clone(), fault["what"].as_str().expect("what").to_owned()))
    };
    (ran.code, chains.iter().flat_map(of).collect())
}

async fn verify(data_dir: &std::path::Path, args: &[&str], stdin: &str) -> (i32, Vec<(String, String)>) {
    faults(&aura(data_dir, &[&["audit", "verify", "--json"], args].concat(), stdin).await)
}

fn tamper(file: &std::path::Path, sql: &str) {
    Connection::open(file).expect("it opens").execute_batch(sql).expect("tampered with");
}

#[tokio::test(flavor = "multi_thread")]
async fn untouched_logs_hold_with_and_without_a_daemon_and_every_message_is_accounted_for() {
    let house = House::open().await;
    house.tenant("alder", SHOPS[0].1).await;
    house.sim.shopper("ana").writes(SHOPS[0].1, "Hello, do you have linen?");
    house.sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    house.settle(&["alder"]).await;
    let beside = house.aura(&["audit", "verify"], "").await;
    assert_eq!(beside.code, 0, "{beside:?}");
    assert!(beside.stdout.contains("2 logs with"), "{beside:?}");
    assert!(beside.stdout.contains("1 accepted message is accounted for"), "{beside:?}");
    let (_folder, data_dir) = house.close().await;
    // The daemon has taken a checkpoint when it ended.
    let alone = aura(&data_dir, &["audit", "verify", "--json"], "").await;
    assert_eq!(faults(&alone), (0, vec![]), "{alone:?}");
    let report: Value = serde_json::from_str(&alone.stdout).expect("JSON");
    for chain in report["chains"].as_array().expect("chains") {
        assert_eq!(chain["result"]["checkpoints"], 1, "{chain}");
    }
    assert_eq!(report["chains"][1]["result"]["messages"]["answered"], 1, "{report}");
    let one = aura(&data_dir, &["audit", "verify", "-t", "alder", "--json"], "").await;
    assert_eq!(faults(&one), (0, vec![]));
    assert_eq!(one.stdout.matches("\"chain\":").count(), 1, "{one:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_file_is_found_and_named() {
    const REWRITE: &str = "
        DELETE FROM event WHERE seq > (SELECT max(seq) - 3 FROM event);
        UPDATE event_head SET seq = (SELECT max(seq) FROM event),
            hash = (SELECT hash FROM event ORDER BY seq DESC LIMIT 1);";
    const FRESH: &str = "
        DELETE FROM event; UPDATE event_head SET seq = 0, hash = zeroblob(32);";
    let (_folder, data_dir, [alder, birch], checkpoint) = two_shops().await;
    // Whoever stops in a hurry leaves the log beside the file.
    tamper(&alder, "PRAGMA wal_checkpoint(TRUNCATE)");
    let saved = fs::read(&alder).expect("readable");
    for (sql, what) in [
        ("UPDATE event SET actor = 'system' WHERE seq = 2", "entry 2 or the one before it was changed"),
        ("UPDATE event SET version = 1 WHERE seq = 2", "entry 2 or the one before it was changed"),
        ("DELETE FROM event WHERE seq = 3", "entries 3 to 3 are missing"),
        ("DELETE FROM event WHERE seq > 4", "but the file's note of the end says"),
        (REWRITE, "the rest was cut off"),
        (FRESH, "the rest was cut off"),
        ("UPDATE event_head SET owner = 'ten_nobody'", "the file says that it belongs to ten_nobody"),
        ("UPDATE message SET turn_id = NULL WHERE answerable = 1", "2 accepted messages are lost"),
        ("UPDATE turn SET outcome = 'superseded'", "2 accepted messages are lost"),
        ("DELETE FROM outbox", "2 accepted messages are lost"),
    ] {
        tamper(&alder, sql);
        let (code, found) = verify(&data_dir, &[], "").await;
        assert_eq!(code, 8, "{sql}: {found:?}");
        assert!(found.iter().all(|(chain, _)| chain == "alder"), "{sql}: {found:?}");
        assert!(found.iter().any(|(_, fault)| fault.contains(what)), "{sql}: {found:?}");
        let _ = fs::remove_file(alder.with_extension("db-wal"));
        let _ = fs::remove_file(alder.with_extension("db-shm"));
        fs::write(&alder, &saved).expect("restored");
    }
    assert_eq!(verify(&data_dir, &["--from-checkpoint", "-"], &checkpoint).await, (0, vec![]));

    // The files of two tenants in each other's place.
    let swap = alder.with_extension("swap");
    for (from, to) in [(&alder, &swap), (&birch, &alder), (&swap, &birch)] {
        fs::rename(from, to).expect("moved");
    }
    let (code, found) = verify(&data_dir, &[], "").await;
    assert_eq!((code, found.len()), (8, 2), "{found:?}");
    assert!(found.iter().all(|(_, fault)| fault.contains("the file says that it belongs to ten_")), "{found:?}");
    let served = aura(&data_dir, &["conversation", "list", "-t", "alder"], "").await;
    assert_eq!(served.code, 1, "another tenant's file is served: {served:?}");
    assert!(served.stderr.contains("put each back"), "{served:?}");
    fs::remove_file(&alder).expect("removed");
    let (code, found) = verify(&data_dir, &[], "").await;
    assert_eq!(code, 8);
    assert!(found.iter().any(|(chain, fault)| chain == "alder" && fault.contains("there is no file")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_the_audit_log_and_to_the_checkpoint_is_found() {
    const CUT: &str = "
        DELETE FROM audit WHERE seq > 3;
        UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3);";
    const CUT_LAST: &str = "
        DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit);
        UPDATE audit_head SET seq = (SELECT max(seq) FROM audit),
            hash = (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1);";
    const FORGET: &str = "
        DELETE FROM due; DELETE FROM account WHERE tenant_id = (SELECT id FROM tenant WHERE slug = 'birch');
        DELETE FROM tenant WHERE slug = 'birch';";
    let (_folder, data_dir, _, _) = two_shops().await;
    let control = data_dir.join("control.db");
    let note = data_dir.join("checkpoint");
    let (saved, saved_note) = (fs::read(&control).expect("readable"), fs::read(&note).expect("readable"));
    let text = String::from_utf8(saved_note.clone()).expect("text");
    let changed = text.replacen("\ntenant ", "\ntenant  ", 1);
    for (sql, new_note, what) in [
        (CUT, Some(text.as_str()), "the rest was cut off"),
        (CUT_LAST, Some(&text), "is not the one that the audit log names last"),
        (FORGET, Some(&text), "which is gone, and the audit log does not say that it was removed"),
        ("SELECT 1", None, "which the audit log names, is gone"),
        ("SELECT 1", Some(&changed), "is not the one that the audit log names last"),
    ] {
        tamper(&control, sql);
        match new_note {
            Some(text) => fs::write(&note, text).expect("written"),
            None => fs::remove_file(&note).expect("removed"),
        }
        let (code, found) = verify(&data_dir, &[], "").await;
        assert_eq!(code, 8, "{sql}: {found:?}");
        assert!(found.iter().any(|(chain, fault)| chain == "installation" && fault.contains(what)), "{sql}: {found:?}");
        for end in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(control.with_extension(end));
        }
        fs::write(&control, &saved).expect("restored");
        fs::write(&note, &saved_note).expect("restored");
    }
    assert_eq!(verify(&data_dir, &[], "").await, (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_kept_elsewhere_finds_what_all_files_here_agree_to_hide() {
    // Everything as it was before: an old copy of the whole directory, consistent in itself.
    let house = House::open().await;
    house.tenant("alder", SHOPS[0].1).await;
    house.sim.shopper("ana").writes(SHOPS[0].1, "Hello!");
    house.sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    house.settle(&["alder"]).await;
    let before = house.aura(&["audit", "checkpoint"], "").await.stdout;
    house.sim.shopper("ben").writes(SHOPS[0].1, "Hello!");
    house.sim.until_replies("ben", 1, DEADLINE).await.expect("answered");
    house.settle(&["alder"]).await;
    let after = house.aura(&["audit", "checkpoint"], "").await.stdout;
    let tenant = house.client().tenant("alder").await.expect("there").tenant;
    let file = house.tenant_folder(&tenant).join("tenant.db");
    let (_folder, data_dir) = house.close().await;
    for note in [&before, &after] {
        assert_eq!(verify(&data_dir, &["--from-checkpoint", "-"], note).await, (0, vec![]));
    }
    tamper(
        &file,
        "DELETE FROM event WHERE seq > 2;
         UPDATE event_head SET seq = 2, hash = (SELECT hash FROM event WHERE seq = 2);",
    );
    fs::remove_file(data_dir.join("checkpoint")).expect("removed");
    tamper(
        &data_dir.join("control.db"),
        "DELETE FROM audit WHERE seq >= (SELECT min(seq) FROM audit WHERE action = 'checkpoint.taken');
         UPDATE audit_head SET seq = (SELECT max(seq) FROM audit),
             hash = (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1);",
    );
    assert_eq!(verify(&data_dir, &[], "").await, (0, vec![]), "the files agree with each other");
    let (code, found) = verify(&data_dir, &["--from-checkpoint", "-"], &after).await;
    assert_eq!(code, 8);
    for chain in ["installation", "alder"] {
        let known = found.iter().any(|(of, fault)| of == chain && fault.contains("the given checkpoint knows"));
        assert!(known, "{chain}: {found:?}");
    }
    // One that nobody here has signed proves nothing.
    let refused = aura(&data_dir, &["audit", "verify", "--from-checkpoint", "-"], &after.replacen('1', "2", 1)).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("is not believed"), "{refused:?}");
}
