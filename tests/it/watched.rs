//! What an owner's tools can see: one id from webhook to send, the figures, the health.

use std::{path::PathBuf, sync::Arc};

use aura::{
    api,
    daemon::SystemClock,
    domain::Clock,
    sim::{
        Sim,
        payload::{self, Of},
    },
};
use rusqlite::Connection;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    logged::Daemon,
    shop::{DEADLINE, House, aura, sign, until},
};

const ACCOUNT: &str = "17841400000000001";
const APP_SECRET: &str = "d0c1a7f4e5b64a0f9c3b2e1d77aa55cc";

#[tokio::test(flavor = "multi_thread")]
async fn one_id_leads_from_a_webhook_to_its_send_in_the_log_and_in_the_events() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir: PathBuf = folder.path().join("data");
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("the simulator starts");
    sim.account(ACCOUNT, "noor", "a-token");
    let daemon = Daemon::start(&data_dir, sim.url(), "debug").await;
    let ran = async |args: &[&str], stdin: &str| {
        let ran = aura(&data_dir, args, stdin).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.stdout
    };
    ran(&["tenant", "add", "noor", "--name", "Noor"], "").await;
    ran(&["secret", "set", "meta.app_secret", "-"], APP_SECRET).await;
    ran(&["connect", "instagram", "-t", "noor", "--account-id", ACCOUNT, "--token-file", "-"], "a-token").await;

    // The simulator keeps its webhooks to itself: these come from here, so that the id of each answer is known. Two DMs of two people at once: each has an id of its own.
    let http = aura::net::fixed_client().expect("a client");
    let mut ids = Vec::new();
    for name in ["ana", "ben"] {
        let shopper = sim.shopper(name);
        let mid = shopper.writes(ACCOUNT, "Hello, do you have linen?");
        let shopper = shopper.id(ACCOUNT);
        let of = Of { account: ACCOUNT, shopper: &shopper, at: SystemClock.now() };
        let text = "Hello, do you have linen?";
        let event = payload::text(of, &mid, text);
        let body = payload::body(&[payload::entry(ACCOUNT, of.at, vec![event])]);
        let signature = sign(&body, APP_SECRET);
        let post = http.post(&daemon.webhooks).header("x-hub-signature-256", signature).body(body);
        let answer = post.send().await.expect("the daemon answers");
        assert_eq!(answer.status(), 200);
        ids.push(answer.headers()["x-request-id"].to_str().expect("text").to_owned());
    }
    for name in ["ana", "ben"] {
        sim.until_replies(name, 1, DEADLINE).await.expect("answered");
    }
    let tail = ["tail", "--no-follow", "--json"];
    until("the sends are in the events", async || ran(&tail, "").await.matches("\"reply.sent\"").count() == 2).await;
    let events = ran(&tail, "").await;
    let log = daemon.stop().await;
    for id in &ids {
        let kinds: Vec<_> = events
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|event| event["correlation"] == id.as_str())
            .map(|event| event["kind"].as_str().expect("a kind").to_owned())
            .collect();
        assert_eq!(kinds, ["message.received", "turn.finished", "reply.queued", "reply.sent"], "{events}");
        let lines: Vec<_> = log.lines().filter(|line| line.contains(id.as_str())).collect();
        let messages: Vec<_> = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(messages, ["delivery accepted", "turn finished", "reply attempted"], "{log}");
        let send: Value = serde_json::from_str(lines[2]).expect("JSON");
        for field in ["tenant.id", "conversation.id", "outbox.id", "attempt", "outcome", "elapsed_ms"] {
            assert!(!send[field].is_null(), "no {field}: {send}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takeovers_and_imports_are_in_the_log_with_how_they_began_how_they_ended_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir: PathBuf = folder.path().join("data");
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("the simulator starts");
    sim.account(ACCOUNT, "noor", "a-token");
    let daemon = Daemon::start(&data_dir, sim.url(), "info").await;
    sim.deliver_to(&daemon.webhooks);
    let run = async |args: &[&str], stdin: &str, code: i32| {
        let ran = aura(&data_dir, args, stdin).await;
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        ran.stdout
    };
    run(&["tenant", "add", "noor", "--name", "Noor"], "", 0).await;
    run(&["secret", "set", "meta.app_secret", "-"], APP_SECRET, 0).await;
    run(&["connect", "instagram", "-t", "noor", "--account-id", ACCOUNT, "--token-file", "-"], "a-token", 0).await;
    let line = |id: &str, title: &str| format!("{{\"id\":\"{id}\",\"title\":\"{title}\"}}\n");
    let catalogue = line("1", "A canary-shirt") + &line("2", "A canary-coat") + "{\"id\":\"3\"}\n";
    run(&["catalog", "import", "-t", "noor", "-"], &catalogue, 0).await;
    run(&["catalog", "import", "-t", "noor", "--prune", "-"], &line("1", "A canary-shirt"), 6).await;
    run(&["catalog", "import", "-t", "noor", "-"], "canary-nonsense", 2).await;

    sim.shopper("ana").writes(ACCOUNT, "Can I talk to a human please? canary-words");
    sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    let listed = run(&["conversation", "list", "-t", "noor", "--state", "waiting", "--json"], "", 0).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let id = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    run(&["conversation", "takeover", "-t", "noor", &id], "", 0).await;
    run(&["conversation", "release", "-t", "noor", &id], "", 0).await;
    run(&["conversation", "takeover", "-t", "noor", &id], "", 0).await;
    let log = daemon.stop().await;
    assert!(!log.contains("canary"), "{log}");
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |message: &str, fields: &[&str]| -> Vec<String> {
        let row = |line: &Value| fields.iter().map(|field| line[*field].to_string()).collect::<Vec<_>>().join(" ");
        lines.iter().filter(|line| line["message"] == message).map(row).collect()
    };
    let (asked, staff) = (format!("{id:?} \"bot\" \"asked\""), format!("{id:?} \"operator\" \"staff\""));
    assert_eq!(of("takeover started", &["conversation.id", "actor", "reason"]), [asked, staff], "{log}");
    let released = format!("{id:?} \"operator\" \"released\"");
    assert_eq!(of("takeover ended", &["conversation.id", "actor", "reason"]), [released], "{log}");
    assert_eq!(of("import started", &["format", "dry_run", "prune"]).len(), 3, "{log}");
    let counts = ["format", "products", "variants", "added", "updated", "unchanged", "removed", "skipped"];
    assert_eq!(of("import finished", &counts), ["\"aura_jsonl\" 2 2 2 0 0 0 1"], "{log}");
    assert_eq!(of("import failed", &["reason"]), ["\"conflict\"", "\"invalid\""], "{log}");
    let told = lines.iter().filter(|line| {
        line["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("takeover ") || message.starts_with("import "))
    });
    for line in told {
        assert!(line["tenant.id"].as_str().is_some_and(|id| id.starts_with("ten_")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_that_the_docs_promise_is_there_when_it_has_something_to_tell() {
    let house = House::open().await;
    let tenant = house.tenant("alder", ACCOUNT).await;
    house.sim.shopper("ana").writes(ACCOUNT, "Hello, do you have linen?");
    house.sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    house.settle(&["alder"]).await;
    let docs = include_str!("../../docs/metrics.md");
    let listed = docs.split("<!-- metrics -->").nth(1).expect("a list").lines();
    // Series with a label show with the first thing they count.
    let plain = listed.filter(|line| line.split('|').nth(3).is_some_and(|label| label.trim().is_empty()));
    let names: Vec<_> =
        plain.filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect();
    assert!(names.len() > 10, "{names:?}");
    let metrics = house.metrics().await;
    for name in &names {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name} is not exported:\n{metrics}");
    }
    assert!(!metrics.contains(&tenant.id) && !metrics.contains("alder") && !metrics.contains(ACCOUNT), "{metrics}");
    let value = |metrics: &str, series: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().expect("a number")
    };
    assert!(value(&metrics, "aura_disk_free_bytes") > 0.0);
    assert!(value(&metrics, "aura_turn_stage_duration_seconds_count{stage=\"send\"}") >= 1.0);
    assert!(value(&metrics, "aura_tenant_db_open_duration_seconds_count") >= 1.0);

    // An account whose token is refused: the reply waits, and shows.
    house.sim.replace_token(ACCOUNT, "another");
    house.sim.shopper("ben").writes(ACCOUNT, "Hello!");
    until("a waiting reply shows", async || {
        value(&house.metrics().await, "aura_outbox_messages{state=\"pending\"}") > 0.0
    })
    .await;

    // A message that fell out of everybody's hands is counted.
    assert_eq!(value(&house.metrics().await, "aura_conservation_gap"), 0.0);
    let file = house.tenant_folder(&tenant).join("tenant.db");
    let lose = "UPDATE message SET turn_id = NULL WHERE answerable = 1 AND turn_id IN (
                    SELECT turn_id FROM outbox WHERE state = 'sent')";
    let lost = Connection::open(&file).expect("it opens").execute(lose, []).expect("lost");
    assert_eq!(lost, 1);
    house.app().sweep(&CancellationToken::new()).await;
    assert_eq!(value(&house.metrics().await, "aura_conservation_gap"), 1.0);
    let verdict = house.aura(&["audit", "verify"], "").await;
    assert_eq!(verdict.code, 8, "{verdict:?}");
    assert!(verdict.stdout.contains("1 accepted messages are lost"), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_every_check_and_shows_instagram_without_depending_on_it() {
    let house = House::open().await;
    house.tenant("alder", ACCOUNT).await;
    let verbose = async || {
        let (status, _, text) = house.get("/readyz?verbose").await;
        (status, serde_json::from_str::<Value>(&text).expect("JSON"))
    };
    let (status, before) = verbose().await;
    assert_eq!(status, 200, "{before}");
    for check in ["draining", "journal", "journal_writer", "disk", "master_key"] {
        assert_eq!(before["checks"][check], "ok", "{before}");
    }
    assert!(before["details"]["disk"]["free_bytes"].as_u64() > before["details"]["disk"]["low_bytes"].as_u64());
    assert_eq!(before["dependencies"]["instagram"]["status"], "unknown");
    house.sim.shopper("ana").writes(ACCOUNT, "Hello!");
    house.sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    house.settle(&["alder"]).await;
    assert_eq!(verbose().await.1["dependencies"]["instagram"]["status"], "ok");
    // A key that the master key does not open is no key.
    let control = Connection::open(house.data_dir().join("control.db")).expect("it opens");
    let scope = "UPDATE data_key SET sealed = zeroblob(73) WHERE scope = 'installation'";
    assert_eq!(control.execute(scope, []).expect("spoilt"), 1);
    let (status, after) = verbose().await;
    assert_eq!((status, after["checks"]["master_key"].as_str()), (503, Some("failed")), "{after}");
    assert_eq!(house.client().status().await.map(|status: api::Status| status.tenants.len()).expect("it goes on"), 1);
}
