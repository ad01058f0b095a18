//! The check-up by the real command: what it finds, what it mends, and that what it says can be shown to anybody.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    shop::{Ran, aura},
    support::{ACCOUNT, Binary, SHOP, TOKEN, TestAura},
};

const WORDS: &str = "Do you have the blue linen shirt, canary-5d20?";

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    (folder, data)
}

async fn made(data: &Path) {
    for args in [&["init"][..], &["tenant", "add", "noor", "--name", "Noor"]] {
        let ran = aura(data, args, "").await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

/// What a check-up that ended so found.
async fn found(data: &Path, args: &[&str], code: i32) -> Vec<Value> {
    let ran = aura(data, &[&["doctor", "--json"], args].concat(), "").await;
    assert_eq!(ran.code, code, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(report["ok"], code == 0, "{report}");
    report["findings"].as_array().cloned().unwrap_or_default()
}

/// The states of a check's findings, and all that they say.
fn of<'a>(found: &'a [Value], check: &str) -> (Vec<&'a str>, String) {
    let of_check: Vec<_> = found.iter().filter(|finding| finding["check"] == check).collect();
    let states = of_check.iter().filter_map(|finding| finding["state"].as_str()).collect();
    (states, of_check.iter().map(ToString::to_string).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_passes_and_what_is_said_of_it_can_be_shown_to_anybody() {
    let house = TestAura::setup().catalog("harbor_and_pine.jsonl").start().await;
    house.sim.shopper("ana").writes(ACCOUNT, WORDS);
    house.until_idle().await;
    // Without the disk: the machine of a test may be short of room.
    let checks = [
        "data_directory",
        "permissions",
        "clock",
        "master_key",
        "database_integrity",
        "versions",
        "tls",
        "public_reachability",
        "channels",
        "providers",
        "catalogue_freshness",
        "oldest_queued_turn",
    ];
    let offline = found(house.data_dir(), &checks, 0).await;
    let online = found(house.data_dir(), &[&checks[..], &["--online", "--chains"]].concat(), 0).await;
    for check in checks.into_iter().filter(|check| !matches!(*check, "tls" | "public_reachability")) {
        let states = of(&offline, check).0;
        assert!(
            !states.is_empty() && states.iter().all(|state| matches!(*state, "ok" | "warning")),
            "{check}: {offline:#?}"
        );
    }
    for check in ["tls", "public_reachability"] {
        assert_eq!(of(&offline, check).0, ["skipped"]);
    }
    assert!(of(&online, "channels").1.contains("Instagram knows the token"), "{online:#?}");
    assert_eq!(of(&online, "database_integrity").0, ["ok"]);
    let person = aura(house.data_dir(), &["doctor", "-v"], "").await;
    let said = format!("{offline:?}{online:?}{}{}", person.stdout, person.stderr);
    for secret in ["canary-5d20", TOKEN, ACCOUNT] {
        assert!(!said.contains(secret), "{secret} is in it: {said}");
    }

    house.sim.replace_token(ACCOUNT, "another");
    let refused = found(house.data_dir(), &["--online", "channels"], 8).await;
    assert_eq!(of(&refused, "channels").0, ["failed"]);
    assert!(
        refused.iter().all(|finding| finding["check"] == "channels" && finding["hint"].is_string()),
        "{refused:#?}"
    );
    assert_eq!(refused[0]["tenant"], SHOP);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_safe_to_mend_is_mended_when_asked_and_not_before() {
    let (_folder, data) = place();
    made(&data).await;
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let control = data.join("control.db");
    fs::set_permissions(&control, fs::Permissions::from_mode(0o644)).expect("opened up");
    let open = found(&data, &["permissions"], 8).await;
    assert!(of(&open, "permissions").1.contains("~/data/control.db") && mode(&control) == 0o644, "{open:#?}");
    let fixed = found(&data, &["--fix", "permissions", "oldest_queued_turn"], 0).await;
    assert!(fixed.iter().all(|finding| finding["fixed"].is_string()), "{fixed:#?}");
    assert_eq!(mode(&control), 0o600);
    assert!(found(&data, &["permissions"], 0).await[0]["fixed"].is_null());
    let wrong: Ran = aura(&data, &["doctor", "everything"], "").await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_lost_or_not_there_is_a_finding_with_a_way_out() {
    let (folder, data) = place();
    let none = found(&data, &[], 8).await;
    assert!(of(&none, "data_directory").0.contains(&"failed") && !data.exists(), "{none:#?}");

    made(&data).await;
    let key = fs::read(data.join("master.key")).expect("the key");
    fs::remove_file(data.join("master.key")).expect("lost");
    let keyless = found(&data, &[], 8).await;
    let (_, said) = of(&keyless, "data_directory");
    assert!(said.contains("restore-master"), "{keyless:#?}");
    assert_eq!(of(&keyless, "channels").0, ["skipped"]);
    fs::write(data.join("master.key"), key).expect("back");
    fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o600)).expect("closed");

    let tenant = fs::read_dir(data.join("tenants")).expect("there").next().expect("one").expect("readable").path();
    for entry in fs::read_dir(&tenant).expect("there") {
        fs::remove_file(entry.expect("readable").path()).expect("its log would mend it");
    }
    fs::write(tenant.join("tenant.db"), "no database at all").expect("broken on purpose");
    let damaged = found(&data, &["database_integrity"], 8).await;
    assert_eq!((&damaged[0]["tenant"], &damaged[0]["state"]), (&"noor".into(), &"failed".into()), "{damaged:#?}");
    assert!(damaged[0]["hint"].as_str().is_some_and(|hint| hint.contains("aura restore")), "{damaged:#?}");

    // Nobody listens on that port.
    let binary =
        Binary::for_simulator(folder.path(), "http://127.0.0.1:9").with("AURA_PUBLIC_URL", "http://127.0.0.1:9");
    let daemon = binary.start().await;
    let away = found(&data, &["public_reachability", "tls"], 8).await;
    assert_eq!(
        (of(&away, "public_reachability").0, of(&away, "tls").0),
        (vec!["failed"], vec!["warning"]),
        "{away:#?}"
    );
    daemon.kill().await;
    // What a killed daemon leaves is a socket that nobody listens on.
    assert!(data.join("aura.sock").exists());
}
