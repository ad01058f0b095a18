//! Secrets go in and never come out: not into a file, a log, a figure or a word on the terminal.
//!
//! The real binary runs as a daemon that says all it can, secrets come to it by stdin only, and then everything that
//! it has written anywhere is searched.

use std::{path::PathBuf, sync::Arc};

use aura::{daemon::SystemClock, sim::Sim};

use crate::{
    logged::Daemon,
    shop::{DEADLINE, aura, command, files, holds, sign, until},
    support::Terminal,
};

const ACCOUNT: &str = "17841400000000001";
const TOKEN: &str = "IGAAtoken4f8ac1d79be2035566d8f1";
const INSTALLATION_SECRET: &str = "d0c1a7f4e5b64a0f9c3b2e1d77aa55cc";
const TENANT_SECRET: &str = "7b1f0d9e4c3a49d28e5f60718293a4b5";
const VERIFY_TOKEN: &str = "verify-8d7c6b5a49382716";
/// What shoppers and shops say; logs and figures are no place for it.
const WORDS: [&str; 3] =
    ["canary-words-of-the-shopper-91ab", "canary-words-of-the-person-47cd", "canary-words-in-trial-03ef"];

/// A secret as it is, and as hexadecimal digits of its bytes.
fn spellings(secret: &str) -> [String; 2] {
    [secret.to_owned(), secret.bytes().map(|byte| format!("{byte:02x}")).collect()]
}

fn assert_silent(place: &str, bytes: &[u8], never: &[&str]) {
    for word in never {
        for spelling in spellings(word) {
            assert!(!holds(bytes, &spelling), "{place} holds `{word}`: {}", String::from_utf8_lossy(bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_written_down_or_said() {
    let secrets = [TOKEN, INSTALLATION_SECRET, TENANT_SECRET, VERIFY_TOKEN];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir: PathBuf = folder.path().join("data");
    let sim = Sim::start(Arc::new(SystemClock), INSTALLATION_SECRET).await.expect("the simulator starts");
    sim.account(ACCOUNT, "noor", TOKEN);
    let daemon = Daemon::start(&data_dir, sim.url(), "trace").await;
    let http = aura::net::fixed_client().expect("a client");

    let mut printed = String::new();
    let mut run = async |args: &[&str], stdin: &str, code: i32| {
        let ran = aura(&data_dir, args, stdin).await;
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        printed += &format!("{}{}\n", ran.stdout, ran.stderr);
        ran.stdout
    };
    run(&["tenant", "add", "noor", "--name", "Noor"], "", 0).await;
    run(&["secret", "set", "meta.app_secret", "-", "-v"], INSTALLATION_SECRET, 0).await;
    run(&["secret", "set", "meta.verify_token", "--file", "-", "--json"], VERIFY_TOKEN, 0).await;
    run(&["secret", "set", "meta.app_secret", "-t", "noor", "-", "--json"], TENANT_SECRET, 0).await;
    let connect = ["connect", "instagram", "-t", "noor", "--account-id", ACCOUNT, "--token-file", "-", "-v"];
    run(&connect, TOKEN, 0).await;
    // Refused ones are no reason to repeat them either.
    run(
        &["connect", "instagram", "-t", "noor", "--account-id", "17841400000000009", "--token-file", "-", "-v"],
        TOKEN,
        4,
    )
    .await;
    run(&["secret", "set", "meta.app_secert", "-", "--json"], INSTALLATION_SECRET, 2).await;
    run(&["secret", "set", "meta.app_secret", "-"], &format!("{TENANT_SECRET} \u{1}{INSTALLATION_SECRET}"), 2).await;

    sim.deliver_to(&daemon.webhooks);
    assert!(sim.handshake(&daemon.webhooks, VERIFY_TOKEN).await.expect("answered"), "the handshake is refused");
    assert!(!sim.handshake(&daemon.webhooks, TENANT_SECRET).await.expect("answered"), "any token would do");
    sim.shopper("ana").writes(ACCOUNT, &format!("Hello! {}", WORDS[0]));
    sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    sim.until_delivered(DEADLINE).await.expect("all echoes are taken");
    let listed = run(&["conversation", "list", "-t", "noor", "--json"], "", 0).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let conversation = listed["items"][0]["id"].as_str().expect("a conversation").to_owned();
    run(&["conversation", "send", "-t", "noor", &conversation, WORDS[1]], "", 0).await;
    until("the person's message is out", async || sim.replies_to("ana").iter().any(|text| text == WORDS[1])).await;
    // A token that Instagram takes back is refused in words that repeat nothing.
    sim.replace_token(ACCOUNT, "another");
    sim.shopper("ana").writes(ACCOUNT, &format!("Hello! {}", WORDS[0]));
    run(&["chat", "-t", "noor", "--once", WORDS[2]], "", 0).await;
    // Wrong and broken deliveries are where logs are tempted to show what came.
    let body = format!("{{\"object\":\"instagram\",\"text\":\"{}\"", WORDS[0]);
    for signature in
        [sign(body.as_bytes(), INSTALLATION_SECRET), sign(body.as_bytes(), "wrong"), TENANT_SECRET.to_owned()]
    {
        let post = http.post(&daemon.webhooks).header("x-hub-signature-256", signature).body(body.clone());
        post.send().await.expect("the daemon answers");
    }
    for args in [
        &["status", "-v"][..],
        &["secret", "list"],
        &["secret", "list", "-t", "noor", "--json"],
        &["connect", "list", "-t", "noor", "--json"],
        &["tenant", "show", "noor", "--json"],
        &["config", "show", "--json"],
        &["config", "sources"],
        &["tail", "--no-follow", "--json"],
        &["secret", "remove", "meta.verify_token", "-v"],
    ] {
        run(args, "", 0).await;
    }
    let metrics = http.get(&daemon.metrics).send().await.expect("metrics answer").text().await.expect("text");
    assert!(metrics.contains("aura_turns_total"), "{metrics}");
    let log = daemon.stop().await;
    assert!(log.contains("turn finished"), "a daemon that logs nothing proves nothing: {log}");

    assert_silent("the terminal", printed.as_bytes(), &secrets);
    for (place, text) in [("the metrics", &metrics), ("the log", &log)] {
        assert_silent(place, text.as_bytes(), &secrets);
        assert_silent(place, text.as_bytes(), &WORDS);
    }
    let files = files(&data_dir);
    for (path, bytes) in &files {
        assert_silent(&path.display().to_string(), bytes, &secrets);
    }
    assert!(files.iter().any(|(_, bytes)| holds(bytes, WORDS[0])), "the message is nowhere: the search finds nothing");
    assert_eq!(sim.world().tokens_in_urls, 0, "a token stood in an address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_as_an_argument_is_not_possible() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    for args in [
        &["secret", "set", "meta.app_secret", TENANT_SECRET][..],
        &["secret", "set", "meta.app_secret", "--value", TENANT_SECRET],
        &["connect", "instagram", "-t", "noor", "--account-id", ACCOUNT, "--token", TOKEN],
    ] {
        assert_eq!(aura(&data_dir, args, "").await.code, 2, "{args:?}");
    }
    assert!(!data_dir.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_asked_for_on_the_terminal_where_what_is_said_goes_to_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data_dir, log) = (folder.path().join("data"), folder.path().join("log"));
    assert_eq!(aura(&data_dir, &["init"], "").await.code, 0);
    let mut terminal = Terminal::run_logging(&command(&data_dir), &["secret", "set", "meta.app_secret"], &log);
    terminal.answer("meta.app_secret (not shown): ", INSTALLATION_SECRET).await;
    let (code, shown) = terminal.ended().await;
    let said = std::fs::read_to_string(&log).expect("the log");
    assert!(code == 0 && !shown.contains(INSTALLATION_SECRET), "{code}: {shown}{said}");
    assert!(said.contains("stored meta.app_secret") && !said.contains("not shown"), "{said}");
    let typed = aura(&data_dir, &["secret", "list", "--json"], "").await.json();
    let piped = aura(&data_dir, &["secret", "set", "meta.app_secret", "-", "--json"], INSTALLATION_SECRET).await.json();
    assert_eq!(typed["items"][0]["fingerprint"], piped["fingerprint"], "{typed} {piped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_s_own_files_are_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let sim = Sim::start(Arc::new(SystemClock), INSTALLATION_SECRET).await.expect("the simulator starts");
    let daemon = Daemon::start(&data_dir, sim.url(), "info").await;
    let mode = |name: &str| data_dir.join(name).metadata().expect(name).permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("aura.sock"), mode("master.key")), (0o700, 0o600, 0o600));
    daemon.stop().await;
}
