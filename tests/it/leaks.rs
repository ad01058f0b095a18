//! The leak hunt: the daemon does everything it can while it says all it can, and then every byte that it wrote is searched
//! for what must not be there. Each canary has a home; anywhere else it is a leak, and the hunt says which and where.

use std::{cell::RefCell, path::Path, sync::Arc};

use aura::{
    daemon::SystemClock,
    sim::{CallKind, Fault, Sim},
};
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde_json::json;

use crate::{
    isolation::stage::{canary, catalogue, persona},
    logged::Daemon,
    shop::{DEADLINE, aura, files, holds, sign, until},
    support::Upstream,
};

const SHOPS: [(&str, &str); 2] = [("alder", "17841400000000001"), ("birch", "17841400000000002")];
const INSTALLATION_SECRET: &str = "d0c1a7f4e5b64a0f9c3b2e1d77aa55cc";
const VERIFY_TOKEN: &str = "verify-8d7c6b5a49382716";
/// The installation's key for every provider of models.
const MODEL_KEY: &str = "sk-canary-9f1d7c3b5a2e4860";
/// What it is called.
const MODEL_KEYS: [&str; 3] = ["openai.api_key", "gemini.api_key", "mine.api_key"];
/// A model of each.
const MODELS: [&str; 3] = ["openai:gpt-6-luna", "gemini:gemini-3.5-flash-lite", "mine:anything"];
/// Correctly signed and not to be read; kept for a person to look at, and shown nowhere.
const UNREADABLE: &str = "canary-in-an-unreadable-body-55d0";
/// Badly signed, unsigned or for nobody here: kept nowhere at all.
const REFUSED: &str = "canary-in-a-refused-body-66e1";

/// Columns in which the words of shoppers and of the shop's people may stand.
const WORDS: &[&str] = &["message.text", "message.payload", "outbox.text", "pending_echo.text", "turn_record.steps"];
/// Columns in which the catalogue may.
const PRODUCTS: &[&str] = &[
    "product.",
    "product_text",
    "product_word.",
    "message.text",
    "outbox.text",
    "outbox.products",
    "turn_record.basis",
];
/// Columns in which the shop's voice may.
const VOICE: &[&str] = &["persona.", "message.text", "outbox.text"];

/// Something that stands nowhere but where it belongs.
struct Canary {
    word: String,
    what: String,
    /// The shop whose file may hold it; `None`: no file at all.
    owner: Option<&'static str>,
    /// The columns there, by their beginning.
    homes: &'static [&'static str],
}

impl Canary {
    /// The word as it is, as hexadecimal digits, and as it stands in JSON that escapes it.
    fn stands_in(&self, bytes: &[u8]) -> bool {
        let hex: String = self.word.bytes().map(|byte| format!("{byte:02x}")).collect();
        holds(bytes, &self.word) || holds(bytes, &hex)
    }

    fn may_stand(&self, file: &str, column: &str) -> bool {
        self.owner == Some(file) && self.homes.iter().any(|home| column.starts_with(home))
    }
}

fn canaries() -> Vec<Canary> {
    let secret = |word: &str, what: &str| Canary { word: word.into(), what: what.into(), owner: None, homes: &[] };
    let mut all = vec![
        secret(INSTALLATION_SECRET, "the installation's app secret"),
        secret(VERIFY_TOKEN, "the verify token"),
        secret(MODEL_KEY, "the installation's key for models"),
        secret(REFUSED, "a refused delivery's text"),
        Canary {
            word: UNREADABLE.into(),
            what: "an unreadable body".into(),
            owner: Some("journal"),
            homes: &["unreadable.body"],
        },
    ];
    for (slug, _) in SHOPS {
        let mut add = |place: &str, homes| {
            let owner = (!["secret", "token", "model_key"].contains(&place)).then_some(slug);
            all.push(Canary { word: canary(slug, place), what: format!("{slug}'s {place}"), owner, homes });
        };
        ["secret", "token", "model_key"].into_iter().for_each(|place| add(place, &[]));
        ["message", "person", "echo", "trial", "postback", "trigger"].into_iter().for_each(|place| add(place, WORDS));
        ["title", "description", "link", "tag", "draft"].into_iter().for_each(|place| add(place, PRODUCTS));
        ["greeting", "sign_off", "disclosure"].into_iter().for_each(|place| add(place, VOICE));
        // A row that cannot be imported is told by its line and its fault, not by its words.
        add("bad row", &[]);
    }
    all
}

/// What the daemon and its commands have said, each under a name.
type Said = Vec<(String, String)>;

/// Searches what was said and every column of every file; each finding says what leaked where.
fn hunt(data_dir: &Path, said: &Said) -> Vec<String> {
    let canaries = canaries();
    let mut found = Vec::new();
    for (place, text) in said {
        let leaked = canaries.iter().filter(|canary| canary.stands_in(text.as_bytes()));
        found.extend(leaked.map(|canary| format!("{} leaked into {place}", canary.what)));
    }
    let mut databases =
        vec![("control".to_owned(), data_dir.join("control.db")), ("journal".into(), data_dir.join("journal.db"))];
    for (slug, id) in tenants(data_dir) {
        databases.push((slug, data_dir.join("tenants").join(id).join("tenant.db")));
    }
    for (name, path) in &databases {
        found.extend(hunt_columns(name, path, &canaries));
    }
    // Free pages, logs of the database and whatever else lies there: no secret, and nothing of another shop.
    for (path, bytes) in files(data_dir) {
        let of =
            databases.iter().find(|(_, database)| database.parent() == path.parent()).map(|(name, _)| name.as_str());
        let of = if path.starts_with(data_dir.join("tenants")) {
            of
        } else {
            path.file_stem().and_then(|stem| stem.to_str())
        };
        let leaked = canaries.iter().filter(|canary| canary.owner.is_none() || canary.owner != of);
        let leaked = leaked.filter(|canary| canary.stands_in(&bytes));
        found.extend(leaked.map(|canary| format!("{} leaked into the bytes of {}", canary.what, path.display())));
    }
    found
}

/// The slug and the id of every shop.
fn tenants(data_dir: &Path) -> Vec<(String, String)> {
    let control = open(&data_dir.join("control.db"));
    let mut select = control.prepare("SELECT slug, id FROM tenant").expect("the schema is as known");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("readable");
    rows.map(|row| row.expect("a row")).collect()
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file opens")
}

fn hunt_columns(name: &str, path: &Path, canaries: &[Canary]) -> Vec<String> {
    let file = open(path);
    let mut names = file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("readable");
    let tables: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("readable").map(|row| row.expect("a name")).collect();
    let mut found = Vec::new();
    for table in tables {
        // A virtual table's own tables are searched as they lie.
        let Ok(mut select) = file.prepare(&format!("SELECT * FROM \"{table}\"")) else { continue };
        let columns: Vec<String> = select.column_names().map(|column| format!("{table}.{column}")).collect();
        let mut rows = select.query([]).expect("readable");
        while let Some(row) = rows.next().expect("readable") {
            for (at, column) in columns.iter().enumerate() {
                let bytes = match row.get_ref(at).expect("a value") {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
                    _ => continue,
                };
                let astray =
                    canaries.iter().filter(|canary| !canary.may_stand(name, column) && canary.stands_in(bytes));
                found.extend(astray.map(|canary| format!("{} leaked into {name}'s {column}", canary.what)));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Every class of failure that a send can meet, but the one that takes as long as a timeout.
fn faults() -> Vec<Fault> {
    let codes = [
        (4, None),
        (613, None),
        (80_002, None),
        (1, None),
        (2, None),
        (10, Some(2_534_022)),
        (551, None),
        (100, None),
        (190, Some(463)),
        (368, None),
        (777_777, None),
    ];
    let mut all: Vec<_> = codes.into_iter().map(|(code, sub)| Fault::graph(code, sub)).collect();
    all.extend([
        Fault::SENT_BUT_REPORTED_FAILED,
        Fault::Http { status: 500, delivered: false },
        Fault::Cut { delivered: true },
        Fault::Garbage { delivered: false },
        Fault::TooMany { retry_after_s: Some(1) },
        Fault::Throttled { minutes: 1 },
    ]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stands_where_it_does_not_belong_whatever_the_daemon_is_put_through() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let sim = Sim::start(Arc::new(SystemClock), INSTALLATION_SECRET).await.expect("the simulator starts");
    // Providers that repeat the key they refuse, in every place that an error has room for.
    let keys = [MODEL_KEY.to_owned(), canary("alder", "model_key"), canary("birch", "model_key")].join(" ");
    let quoting = json!({ "error": { "message": format!("Incorrect API key provided: {keys}"), "type": keys,
                          "code": keys, "param": keys, "status": keys } });
    let (models, models_url) = Upstream::answering(&[(401, quoting.to_string())]).await;
    let base = format!("{models_url}/v1");
    let variables = [
        ("AURA_PROVIDERS__OPENAI__BASE_URL", base.as_str()),
        ("AURA_PROVIDERS__GEMINI__BASE_URL", base.as_str()),
        ("AURA_PROVIDERS__MINE__KIND", "openai_chat"),
        ("AURA_PROVIDERS__MINE__BASE_URL", base.as_str()),
    ];
    let daemon = Daemon::start_with(&data_dir, sim.url(), "trace", &variables).await;
    let http = aura::net::fixed_client().expect("a client");
    let said: RefCell<Said> = RefCell::default();
    // Results are for whoever asked; what is said beside them is for the terminal and for its logs.
    let run = async |args: &[&str], stdin: &str, code: i32| {
        let ran = aura(&data_dir, args, stdin).await;
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        let typed: String = canaries().iter().fold(ran.stderr.clone(), |text, canary| {
            // Repeating what was typed just now, in the same terminal, tells nobody anything; a secret is never repeated.
            if canary.owner.is_some()
                && (stdin.contains(&canary.word) || args.iter().any(|arg| arg.contains(&canary.word)))
            {
                text.replace(&canary.word, "…")
            } else {
                text
            }
        });
        said.borrow_mut().push((format!("what `aura {}` says", args.first().copied().unwrap_or_default()), typed));
        ran.stdout
    };

    run(&["secret", "set", "meta.app_secret", "-", "-v"], INSTALLATION_SECRET, 0).await;
    run(&["secret", "set", "meta.verify_token", "-", "--json"], VERIFY_TOKEN, 0).await;
    for name in MODEL_KEYS {
        run(&["secret", "set", name, "-", "-v"], MODEL_KEY, 0).await;
    }
    for model in MODELS {
        let tested = run(&["model", "test", model, "--json"], "", 8).await;
        said.borrow_mut().push(("what a trial of a model found".into(), tested));
    }
    assert!(models.asked().iter().any(|asked| asked.key == MODEL_KEY), "no key was used: the search finds nothing");
    sim.deliver_to(&daemon.webhooks);
    for (slug, account) in SHOPS {
        let own = |place: &str| canary(slug, place);
        sim.account(account, slug, &own("token"));
        run(&["tenant", "add", slug, "--name", slug], "", 0).await;
        run(
            &["connect", "instagram", "-t", slug, "--account-id", account, "--token-file", "-", "-v"],
            &own("token"),
            0,
        )
        .await;
        run(&["secret", "set", "-t", slug, "meta.app_secret", "-", "-v"], &own("secret"), 0).await;
        run(&["persona", "set", "-t", slug, "--file", "-"], &persona(slug), 0).await;
        run(&["persona", "set", "-t", slug, "--file", "-"], &format!("tone: {}\n", own("bad row")), 2).await;
        run(&["catalog", "import", "-t", slug, "-"], &catalogue(slug), 0).await;
        let bad = format!("{{\"id\":\"x\",\"title\":\"{0}\",\"price\":\"{0}\"}}\n{{\"{0}\"\n", own("bad row"));
        let imported = aura(&data_dir, &["catalog", "import", "-t", slug, "-", "--json"], &bad).await;
        assert!(imported.stdout.contains("skipped") || imported.code != 0, "{imported:?}");

        // Messages, questions of a trial, a person in the app and one in Aura, and every kind of webhook.
        sim.shopper("ana").writes(account, &format!("Do you have the blue linen shirt? {}", own("message")));
        sim.until(|world| world.sends.iter().any(|send| send.account == account), DEADLINE).await.expect("answered");
        run(&["chat", "-t", slug, "--once", &format!("Is the shirt there? {}", own("trial"))], "", 0).await;
        sim.shopper("ben").writes(account, "I want to talk to a person please");
        sim.person_writes(account, "ben", &format!("Here I am {}", own("echo")));
        for kind in ["dm.text", "dm.burst", "quick_reply", "postback", "echo.human", "read", "unsend", "duplicate"] {
            run(&["trigger", kind, "-t", slug, "--from", kind, "--text", &own("trigger")], "", 0).await;
        }
        sim.until_delivered(DEADLINE).await.expect("all webhooks are taken");
        let listed = run(&["conversation", "list", "-t", slug, "--json"], "", 0).await;
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let conversation =
            listed["items"].as_array().expect("a list").last().expect("one")["id"].as_str().expect("an id").to_owned();
        run(&["conversation", "takeover", "-t", slug, &conversation], "", 0).await;
        run(&["conversation", "send", "-t", slug, &conversation, &own("person")], "", 0).await;
        run(&["conversation", "release", "-t", slug, &conversation], "", 0).await;

        // A send fails in every way there is; each on a shopper of its own.
        let faults = if slug == SHOPS[0].0 { faults() } else { Vec::new() };
        for (at, fault) in faults.into_iter().enumerate() {
            let shopper = format!("{slug}-{at}");
            let refused = sim.world().sends.len();
            sim.fail_send(1, fault);
            sim.shopper(&shopper).writes(account, &format!("Hello! {}", own("message")));
            sim.until(|world| world.sends.len() > refused, DEADLINE).await.expect("tried");
            // A refused account is mended before the next.
            run(&["connect", "instagram", "-t", slug, "--account-id", account, "--token-file", "-"], &own("token"), 0)
                .await;
        }
        sim.clear_faults();
        sim.fail_calls(|call| call.kind == CallKind::Me, 0, 1, Fault::graph(190, None));
        run(
            &["connect", "instagram", "-t", slug, "--account-id", account, "--token-file", "-", "-v"],
            &own("token"),
            4,
        )
        .await;

        // Its own keys for models, refused in the middle of a turn.
        for (name, model) in MODEL_KEYS.into_iter().zip(MODELS) {
            run(&["secret", "set", "-t", slug, name, "-", "-v"], &own("model_key"), 0).await;
            run(&["model", "use", model, "-t", slug], "", 0).await;
            run(&["chat", "-t", slug, "--once", &format!("Is the shirt there? {}", own("trial")), "-v"], "", 0).await;
            let tested = run(&["model", "test", "-t", slug, "--json"], "", 8).await;
            said.borrow_mut().push(("what a trial of a model found".into(), tested));
        }
        run(&["model", "list", "-t", slug], "", 0).await;
        run(&["model", "use", "builtin", "-t", slug], "", 0).await;

        // Deliveries that are wrong, and requests that are.
        let refused = format!("{{\"object\":\"instagram\",\"entry\":[{{\"id\":\"1\",\"text\":\"{REFUSED}\"}}]}}");
        let own_path = format!("{}/{slug}", daemon.webhooks);
        let other = SHOPS.iter().find(|(other, _)| *other != slug).expect("two").0;
        let signatures = [
            sign(refused.as_bytes(), "wrong"),
            canary(slug, "secret"),
            sign(refused.as_bytes(), &canary(other, "secret")),
            String::new(),
        ];
        for (path, signature) in
            [&daemon.webhooks, &own_path].into_iter().flat_map(|path| signatures.iter().map(move |one| (path, one)))
        {
            let answer = http
                .post(path)
                .header("x-hub-signature-256", signature)
                .body(refused.clone())
                .send()
                .await
                .expect("answered");
            assert_eq!(answer.status(), 401);
            let heard = (
                "the answer to a refused webhook".into(),
                format!("{:?} {}", answer.headers().clone(), answer.text().await.expect("text")),
            );
            said.borrow_mut().push(heard);
        }
        let unreadable = format!("{{\"object\":\"instagram\",\"text\":\"{UNREADABLE}\"");
        let signature = sign(unreadable.as_bytes(), INSTALLATION_SECRET);
        let answer = http
            .post(&daemon.webhooks)
            .header("x-hub-signature-256", signature)
            .body(unreadable)
            .send()
            .await
            .expect("answered");
        assert_eq!(answer.status(), 200);
        run(&["trigger", "-t", slug, "--file", "-"], &format!("{{\"{UNREADABLE}"), 0).await;
        run(&["catalog", "show", "-t", slug, "nothing-of-this-name"], "", 3).await;
        run(&["conversation", "show", "-t", slug, "conv_0192f5c8-0000-7000-8000-00000000dead"], "", 3).await;
        run(&["conversation", "send", "-t", slug, &conversation, "  "], "", 2).await;
        run(
            &["connect", "instagram", "-t", slug, "--account-id", "178414999", "--token-file", "-"],
            &canary(slug, "token"),
            4,
        )
        .await;
        run(&["secret", "set", "-t", slug, "meta.app_secert", "-"], &canary(slug, "secret"), 2).await;
        run(&["tenant", "pause", slug], "", 0).await;
        run(&["tenant", "resume", slug], "", 0).await;
        run(&["audit", "verify"], "", 0).await;
        run(&["audit", "checkpoint"], "", 0).await;
    }
    // Whatever is listed of the installation names no secret and repeats nobody.
    for args in [
        &["status", "-v"][..],
        &["secret", "list"],
        &["config", "show", "--json"],
        &["config", "sources"],
        &["connect", "list", "-t", "alder"],
    ] {
        let ran = aura(&data_dir, args, "").await;
        said.borrow_mut().push((format!("what `aura {}` prints", args.join(" ")), ran.stdout + &ran.stderr));
    }
    // Events as they stand in the log, without the words that are joined for display.
    until("the journal is empty", async || {
        let status = aura(&data_dir, &["status", "--json"], "").await.json();
        status["journal"]["backlog"] == 0
    })
    .await;
    for path in ["/livez", "/readyz?verbose", "/version", "/nothing"] {
        let url = daemon.webhooks.replace("/webhooks/instagram", path);
        let text = http.get(url).send().await.expect("answered").text().await.expect("text");
        said.borrow_mut().push((format!("`{path}`"), text));
    }
    let metrics = http.get(&daemon.metrics).send().await.expect("metrics answer").text().await.expect("text");
    assert!(metrics.contains("aura_send_attempts_total{outcome=\"refused"), "no send was refused:\n{metrics}");
    said.borrow_mut().push(("the metrics".into(), metrics));
    let log = daemon.stop().await;
    for line in ["turn finished", "reply attempted", "delivery set aside", "delivery accepted", "checkpoint taken"] {
        assert!(log.contains(line), "a daemon that does not say `{line}` proves nothing: {log}");
    }
    said.borrow_mut().push(("the log".into(), log));

    let said = said.into_inner();
    let found = hunt(&data_dir, &said);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    // Else the hunt would find nothing anywhere: every shop's own words are at home.
    for (slug, id) in tenants(&data_dir) {
        let own = files(&data_dir.join("tenants").join(id));
        for place in ["message", "person", "echo", "title", "greeting"] {
            assert!(own.iter().any(|(_, bytes)| holds(bytes, &canary(&slug, place))), "{slug}'s {place} is nowhere");
        }
    }
    finds_what_is_planted(&data_dir, &said);
}

/// The hunt is hunted: what is planted on purpose is found, and named.
fn finds_what_is_planted(data_dir: &Path, said: &Said) {
    let tenants = tenants(data_dir);
    let file = |slug: &str| {
        let id = &tenants.iter().find(|(known, _)| known == slug).expect("there").1;
        data_dir.join("tenants").join(id).join("tenant.db")
    };
    let plant = |path: &Path, sql: &str, word: &str| {
        let changed = Connection::open(path).expect("it opens").execute(sql, [word]).expect("planted");
        assert!(changed > 0, "{sql}");
    };
    let message = canary("alder", "message");
    let mut said = said.iter().map(|(place, text)| (place.clone(), text.clone())).collect::<Said>();
    said.push(("a planted log".into(), format!("… {} …", canary("birch", "token"))));
    let hex: String = INSTALLATION_SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    said.push(("a planted figure".into(), hex));
    plant(&file("alder"), "UPDATE event SET payload = ?1 WHERE seq = 1", &message);
    plant(&file("alder"), "UPDATE channel_event SET detail = ?1", &message);
    plant(&file("birch"), "UPDATE message SET text = ?1 WHERE rowid = 1", &message);
    plant(&data_dir.join("control.db"), "UPDATE audit SET payload = ?1 WHERE seq = 2", &canary("birch", "title"));
    plant(
        &data_dir.join("journal.db"),
        "INSERT INTO delivery (received_at_ms, body) VALUES (1, cast(?1 AS BLOB))",
        &message,
    );
    std::fs::write(data_dir.join("core"), canary("alder", "secret")).expect("written");
    let found = hunt(data_dir, &said);
    for leak in [
        "birch's token leaked into a planted log",
        "the installation's app secret leaked into a planted figure",
        "alder's message leaked into alder's event.payload",
        "alder's message leaked into alder's channel_event.detail",
        "alder's message leaked into birch's message.text",
        "birch's title leaked into control's audit.payload",
        "alder's message leaked into journal's delivery.body",
    ] {
        assert!(found.iter().any(|it| it == leak), "not found: {leak}\n{}", found.join("\n"));
    }
    assert!(found.iter().any(|it| it.starts_with("alder's secret leaked into the bytes of")), "{found:?}");
}
