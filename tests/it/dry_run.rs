//! Trying out: every command with `--dry-run` says what would change and changes nothing; meant, it says what changed and
//! what to do next.

use std::collections::BTreeSet;

use aura::{api, client::Client};
use serde_json::Value;

use crate::shop::{House, aura};

const ACCOUNT: &str = "17841400000000001";
const PERSONA: &str = "name: Layla\ntone: warm\n";

/// One command: what makes ready for it, its own words behind its name, and what it reads.
struct Case {
    command: &'static str,
    before: &'static [&'static [&'static str]],
    args: &'static [&'static str],
    stdin: &'static str,
}

const fn case(command: &'static str, args: &'static [&'static str]) -> Case {
    Case { command, before: &[], args, stdin: "" }
}

/// In an order in which each finds what it needs. `CONV` is the conversation, `DRAFT` one in which a draft waits.
const CASES: &[Case] = &[
    case("tenant edit", &["noor", "--mode", "suggest"]),
    case("tenant pause", &["noor"]),
    case("tenant resume", &["noor"]),
    Case { stdin: PERSONA, ..case("persona set", &["-t", "noor", "--file", "-"]) },
    case("model use", &["builtin", "-t", "noor"]),
    case("model budget", &["--day", "1", "-t", "noor"]),
    case("conversation takeover", &["-t", "noor", "CONV"]),
    case("conversation assign", &["-t", "noor", "CONV", "me"]),
    case("conversation label", &["-t", "noor", "CONV", "spam"]),
    case("conversation send", &["-t", "noor", "CONV", "It ships today"]),
    case("conversation release", &["-t", "noor", "CONV"]),
    case("conversation approve", &["-t", "noor", "DRAFT"]),
    case("conversation edit", &["-t", "noor", "DRAFT", "--text", "My own words"]),
    case("conversation reject", &["-t", "noor", "DRAFT"]),
    Case {
        before: &[&["notify", "add", "-t", "noor", "webhook", "http://127.0.0.1:9/hook"]],
        ..case("notify remove", &["-t", "noor", "webhook"])
    },
    case("staff add", &["ana", "--key"]),
    case("staff edit", &["ana", "--role", "viewer"]),
    case("staff remove", &["ana"]),
    Case { stdin: "a-verify-token\n", ..case("secret set", &["meta.verify_token", "-"]) },
    case("secret remove", &["meta.verify_token"]),
    case("tenant remove", &["noor", "--confirm", "noor"]),
];

/// Everything that the API shows of what can change.
async fn state(client: &Client) -> Value {
    let events = |query| async move {
        use futures_util::TryStreamExt;
        let events: Vec<api::Event> =
            client.events(None, &query).await.expect("read").try_collect().await.expect("every line can be read");
        events
    };
    let since = Some(api::Time(0));
    let tenants = client.tenants().await.expect("listed");
    let mut of_tenants = Vec::new();
    for slug in tenants.iter().map(|tenant| tenant.slug.as_str()) {
        let rows = client.conversations(slug, &api::ConversationQuery::default()).await.expect("listed");
        let mut threads = Vec::new();
        for row in &rows {
            threads.push(client.conversation(slug, &row.id).await.expect("shown"));
        }
        of_tenants.push(serde_json::json!({
            "shown": client.tenant(slug).await.expect("shown"), "threads": threads,
            "voices": client.persona_versions(slug).await.expect("listed"),
            "secrets": client.secrets(Some(slug)).await.expect("listed"),
            "targets": client.notify_targets(slug).await.expect("listed"),
            "models": client.models(Some(slug)).await.expect("listed"),
        }));
    }
    serde_json::json!({
        "events": events(api::EventQuery { since, ..api::EventQuery::default() }).await, "tenants": of_tenants,
        "staff": client.staff().await.expect("listed"), "secrets": client.secrets(None).await.expect("listed"),
    })
}

/// How many entries the audit log has: nothing that a person changes leaves it as it was, but what is in a tenant's file.
async fn acts(house: &House) -> usize {
    house.app().store.control().audit_after(0, 10_000).await.expect("read").len()
}

/// A conversation of a shopper of this name; its id.
async fn written(house: &House, name: &str) -> String {
    house.sim.shopper(name).writes(ACCOUNT, "Do you have scarves?");
    house.settle(&["noor"]).await;
    let rows = house.client().conversations("noor", &api::ConversationQuery::default()).await.expect("listed");
    rows.into_iter().max_by_key(|row| row.last_message_at).expect("it is there").id
}

/// Every command whose help offers it and that Aura itself undoes.
async fn offered(house: &House) -> BTreeSet<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md")).expect("a page");
    let named = page.lines().filter_map(|line| line.strip_prefix("| `aura ")?.split('`').next());
    let mut found = BTreeSet::new();
    for command in named.filter(|name| !name.contains(" --")) {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = aura(house.data_dir(), &args, "").await.stdout;
        if help.contains("Check everything and say what would change") {
            found.insert(command.to_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_tried_out_changes_nothing_and_says_what_it_would_change() {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let conversation = written(&house, "layla").await;
    let covered: BTreeSet<String> = CASES.iter().map(|case| case.command.to_owned()).collect();
    assert_eq!(covered, offered(&house).await, "each command with `--dry-run` has a case here");
    let mut draft = String::new();
    for (number, Case { command, before, args, stdin }) in CASES.iter().enumerate() {
        for args in *before {
            let ran = house.aura(args, "").await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        if args.contains(&"DRAFT") {
            // Since the first case the assistant only suggests.
            draft = written(&house, &format!("shopper-{number}")).await;
        }
        let meant: Vec<&str> = command.split(' ').chain(args.iter().copied()).collect();
        let meant: Vec<&str> = meant
            .into_iter()
            .map(|word| match word {
                "CONV" => conversation.as_str(),
                "DRAFT" => draft.as_str(),
                word => word,
            })
            .collect();
        let tried: Vec<&str> = meant.iter().copied().chain(["--dry-run"]).collect();
        let (state_before, acts_before) = (state(&house.client()).await, acts(&house).await);
        let ran = house.aura(&tried, stdin).await;
        assert!(ran.code == 0 && ran.stdout.is_empty(), "{tried:?}: {ran:?}");
        let says = ran.stderr.contains("dry run, nothing was changed; otherwise: ") && ran.stderr.contains("next: ");
        assert!(says, "{tried:?}: {ran:?}");
        let json: Vec<&str> = tried.iter().copied().chain(["--json"]).collect();
        let told = house.aura(&json, stdin).await.json();
        assert!(told["dry_run"] == true && told["changes"] == true && told["what"].as_str() != Some(""), "{told}");
        assert_eq!(state(&house.client()).await, state_before, "{tried:?} has changed something");
        assert_eq!(acts(&house).await, acts_before, "{tried:?} has left a word in the audit log");

        let ran = house.aura(&meant, stdin).await;
        assert!(ran.code == 0 && ran.stderr.contains("next: "), "{meant:?}: {ran:?}");
        assert!(ran.stderr.lines().next().is_some_and(|line| !line.starts_with("next: ")), "{meant:?}: {ran:?}");
        if *command != "tenant remove" {
            house.settle(&["noor"]).await;
        }
        let changed = state(&house.client()).await != state_before || acts(&house).await > acts_before;
        assert!(changed, "{meant:?} changes nothing: its dry run shows nothing either");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_succeed_fails_when_it_is_tried_out_too() {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let id = written(&house, "layla").await;
    let unknown = "conv_0192f5c8-0000-7000-8000-00000000dead";
    for (args, code) in [
        (vec!["conversation", "takeover", "-t", "noor", unknown, "--dry-run"], 3),
        (vec!["conversation", "approve", "-t", "noor", &id, "--dry-run"], 6),
        (vec!["staff", "remove", "ghost", "--dry-run"], 3),
        (vec!["secret", "remove", "meta.app_secret", "-t", "noor", "--dry-run"], 3),
        (vec!["tenant", "remove", "noor", "--confirm", "nor", "--dry-run"], 2),
        (vec!["tenant", "list", "--dry-run"], 2),
        (vec!["conversation", "erase", "-t", "noor", &id, "--confirm", &id, "--dry-run"], 2),
    ] {
        let ran = house.aura(&args, "").await;
        assert!(ran.code == code && ran.stderr.contains("hint: "), "{args:?}: {ran:?}");
    }
    let same = house.aura(&["tenant", "resume", "noor", "--dry-run"], "").await;
    assert!(same.code == 0 && same.stderr.contains("it is so already"), "{same:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_command_without_a_daemon_tries_out_as_well() {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let (_folder, data_dir) = house.close().await;
    let ran = aura(&data_dir, &["tenant", "pause", "noor", "--dry-run"], "").await;
    assert!(ran.code == 0 && ran.stderr.contains("nothing was changed"), "{ran:?}");
    let shown = aura(&data_dir, &["tenant", "show", "noor", "--json"], "").await.json();
    assert_eq!(shown["state"], "active", "{shown}");
}
