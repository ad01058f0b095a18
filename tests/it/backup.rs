//! Backups by the real command: what they hold whatever happens meanwhile, what a restore makes of them, and what it refuses.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use age::{secrecy::ExposeSecret, x25519};
use aura::{
    api,
    domain::Timestamp,
    sim::{
        Fault,
        payload::{self, Of},
    },
};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    modes::set_mode,
    shop::{Ran, aura, command, files, holds},
    support::{
        ACCOUNT, Binary, DEADLINE, SHOP, Scene, TenantFile, TestAura, check_files, post_signed, until, until_idle,
    },
};

const PASSPHRASE: &str = "correct horse battery staple";
const SECRET: &str = "app-secret-91c7aa";
/// Deliveries of the busy test, before and during the backup.
const DELIVERIES: usize = 40;

/// A folder with what belongs beside a data directory.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        place.write("words", PASSPHRASE);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).expect("written");
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Runs a command on the data directory `data`.
    async fn on(&self, data: &str, args: &[&str]) -> Ran {
        aura(&self.at(data), args, "").await
    }

    async fn done(&self, data: &str, args: &[&str]) -> Ran {
        let ran = self.on(data, args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    }

    /// Runs one that has to fail so; what it says.
    async fn refused(&self, data: &str, args: &[&str], exit: i32, code: &str) -> String {
        let ran = self.on(data, &[args, &["--json"]].concat()).await;
        let error = ran.error(exit);
        assert_eq!(error["code"], code, "{args:?}: {ran:?}");
        format!("{} {}", error["message"], error["hint"])
    }

    /// A small installation in `data` with a secret and a backup of it in `b.age`.
    async fn with_backup() -> Self {
        let place = Self::new();
        place.done("data", &["init"]).await;
        place.done("data", &["tenant", "add", "noor", "--name", "Noor"]).await;
        let set = aura(&place.at("data"), &["secret", "set", "-t", "noor", "meta.app_secret", "-"], SECRET).await;
        assert_eq!(set.code, 0, "{set:?}");
        place.done("data", &["backup", "--to", "b.age", "--passphrase-file", "words"]).await;
        place
    }

    /// Puts the master key of one data directory where another looks for it.
    fn bring_key(&self, from: &Path, data: &str) {
        fs::create_dir_all(self.at(data)).expect("created");
        fs::copy(from.join("master.key"), self.at(data).join("master.key")).expect("the key is there");
    }
}

/// Every file of a data directory but those that come and go by themselves.
fn data(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let kept = |path: &Path| !path.to_string_lossy().ends_with("-shm") && !path.ends_with("aura.lock");
    files(folder).into_iter().filter(|(path, _)| kept(path)).collect()
}

fn message(mid: &str) -> Vec<u8> {
    let of = Of { account: ACCOUNT, shopper: "1000000000000042", at: Timestamp(1_791_000_000_000) };
    payload::single(of, payload::text(of, mid, "Is the coat there?"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_began_is_in_it_once_whatever_comes_meanwhile() {
    let (place, scene) = (Place::new(), Scene::new().await);
    // Between the copy of the shop's file and whatever comes after it everything can happen.
    let house = scene.start_armed("after_tenant_copy=sleep(1500)").await;
    let off = api::TenantEdit { mode: Some("off".into()), only_from: None };
    house.client().edit_tenant(SHOP, &off).await.expect("changed");
    let url = house.webhook_url().await;
    let post = async |mids: std::ops::Range<usize>| {
        for n in mids {
            assert_eq!(post_signed(&url, message(&format!("mid-{n}"))).await, Some(200));
        }
    };
    let dispatched = async || until_idle(&house.client()).await;
    post(0..DELIVERIES / 2).await;
    dispatched().await;
    // What comes now is accepted and waits in the journal: nobody can write the shop's file.
    let original = TenantFile::only(&scene.data_dir());
    let file = Connection::open(original.path()).expect("it opens");
    file.execute_batch("BEGIN IMMEDIATE").expect("locked");
    post(DELIVERIES / 2..DELIVERIES).await;
    let (words, to) = (place.path("words"), place.path("b.age"));
    let mut backup = command(&scene.data_dir());
    let backup = backup.args(["backup", "--to", &to, "--passphrase-file", &words, "--json"]).output();
    let goes_on = async {
        // The shop's file is copied without them. Now they move into it, and out of the journal.
        let copy = scene.data_dir().join("backup.tmp/tenant.db");
        until("the file is copied", async || fs::metadata(&copy).is_ok_and(|copy| copy.len() > 0)).await;
        file.execute_batch("ROLLBACK").expect("unlocked");
        post(DELIVERIES..2 * DELIVERIES).await;
    };
    let (made, ()) = futures_util::join!(backup, goes_on);
    let made = made.expect("the command runs");
    assert!(made.status.success(), "{made:?}");
    dispatched().await;
    assert_eq!(original.kept().len(), 2 * DELIVERIES, "nothing stood in the way of the daemon");
    assert!(!scene.data_dir().join("backup.tmp").exists());
    scene.end(house).await;

    place.bring_key(&scene.data_dir(), "data");
    let restored = place.on("data", &["restore", "b.age", "--passphrase-file", "words", "--json"]).await.json();
    assert_eq!(restored["tenants"], serde_json::json!([SHOP]), "{restored}");
    let mut daemon = Binary::for_simulator(place.0.path(), scene.sim.url()).start().await;
    let client = daemon.client();
    until("the restored journal is dispatched", async || {
        client.status().await.expect("the daemon answers").journal.backlog == 0
    })
    .await;
    daemon.terminate();
    assert!(daemon.ended_within(DEADLINE).await.success(), "{:?}", daemon.stderr());
    let file = TenantFile::only(&place.at("data"));
    let mut mids: Vec<String> = file.kept().into_iter().map(|kept| kept.mid).collect();
    let all = mids.len();
    mids.sort();
    mids.dedup();
    assert_eq!(mids.len(), all, "no delivery is there twice");
    for n in 0..DELIVERIES {
        assert!(mids.contains(&format!("mid-{n}")), "delivery {n} was acknowledged before, and is lost");
    }
    file.check_events();
    assert_eq!(check_files(&place.at("data")), 3);
}

/// Everything of every conversation, by the shopper, as the control API shows it.
async fn conversations(client: &aura::client::Client) -> BTreeMap<String, api::ConversationDetail> {
    let all = api::ConversationQuery { limit: Some(200), ..api::ConversationQuery::default() };
    let mut found = BTreeMap::new();
    for conversation in client.conversations(SHOP, &all).await.expect("the daemon answers") {
        let detail = client.conversation(SHOP, &conversation.id).await.expect("it is there");
        found.insert(conversation.shopper_id, detail);
    }
    found
}

fn events(file: &TenantFile) -> Vec<(i64, String, String, Vec<u8>)> {
    let file = Connection::open(file.path()).expect("it opens");
    let mut select =
        file.prepare("SELECT seq, kind, payload, hash FROM event ORDER BY seq").expect("the schema is known");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.expect("read").map(|row| row.expect("a row")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_on_another_directory_has_every_conversation_and_sends_nothing_again() {
    let place = Place::new();
    let setup = TestAura::setup().catalog("harbor_and_pine.jsonl");
    let house = setup.config(|config| config.delivery.settle_ms = [3_600_000, 3_600_000]).start().await;
    let shopper = |name: &str| house.sim.shopper(name).id(ACCOUNT);
    let writes = async |name: &str| {
        house.sim.shopper(name).writes(ACCOUNT, "Do you have a blue linen shirt?");
        house.until_recorded().await;
    };
    for name in ["answered", "taken", "labelled"] {
        writes(name).await;
        house.until_replies(name, 1).await;
    }
    house.until_idle().await;
    let client = house.client();
    let id = async |name: &str| house.conversation(name).await.conversation.id;
    client.take_over(SHOP, &id("taken").await).await.expect("taken over");
    let label = api::NewLabel { label: Some("spam".into()) };
    client.label(SHOP, &id("labelled").await, &label).await.expect("labelled");
    // One that has arrived and was not confirmed, one that has not arrived, and one that waits for its next try.
    let faults = [
        ("arrived", Fault::Cut { delivered: true }, "unknown"),
        ("vanished", Fault::Cut { delivered: false }, "unknown"),
        ("waiting", Fault::TooMany { retry_after_s: Some(20) }, "pending"),
    ];
    house.sim.echoes(aura::sim::Echoes::Held);
    for (name, fault, state) in faults {
        let id = shopper(name);
        house.sim.fail_sends_when(move |call| call.shopper.as_deref() == Some(&id), 1, fault);
        writes(name).await;
        let stands = |detail: &api::ConversationDetail| {
            detail.outbox.iter().any(|row| row.state == state && row.reason.is_some())
        };
        house.until_conversation(name, state, stands).await;
    }
    set_mode(&house, "suggest", &[]).await;
    writes("draft").await;
    house.until_conversation("draft", "a draft", |detail| detail.conversation.draft.is_some()).await;

    let before = conversations(&client).await;
    assert_eq!(before.len(), 7);
    let (words, to) = (place.path("words"), place.path("b.age"));
    house.run(&["backup", "--to", &to, "--passphrase-file", &words]).await;
    let before_events = events(&house.file());
    place.bring_key(house.data_dir(), "data");
    let restored = place.on("data", &["restore", "b.age", "--passphrase-file", "words", "--json"]).await.json();
    let held: u64 = before.values().flat_map(|detail| &detail.outbox).filter(|row| is_unsent(row)).count() as u64;
    assert!(held >= 3, "{before:#?}");
    assert_eq!(restored["held"][SHOP], held, "{restored}");
    let found = place.on("data", &["catalog", "search", "-t", SHOP, "blue linen shirt", "--json"]).await.json();
    assert!(!found["results"].as_array().expect("results").is_empty(), "the search finds what it found");
    place.done("data", &["audit", "verify"]).await;

    // The simulated Instagram is the same: what would be sent again would arrive.
    let seen = |name: &str| house.sim.replies_to(name).len();
    let arrived: Vec<usize> = ["answered", "arrived", "vanished", "waiting", "draft"].map(seen).into();
    assert_eq!(arrived, [1, 1, 0, 0, 0]);
    house.sim.clear_faults();
    let binary = Binary::for_simulator(place.0.path(), house.sim.url());
    let daemon = binary.start().await;
    let said = daemon.until_line("restored from a backup").await;
    assert!(said.contains("aura tenant resume shop"), "{said}");
    daemon.client().resume_tenant(SHOP).await.expect("resumed");
    until_idle(&daemon.client()).await;
    let arrived: Vec<usize> = ["answered", "arrived", "vanished", "waiting", "draft"].map(seen).into();
    assert_eq!(arrived, [1, 1, 0, 0, 0], "nothing goes by itself");

    let after = conversations(&daemon.client()).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (shopper, mut was) in before {
        let mut is = after[&shopper].clone();
        assert_eq!(is.messages, was.messages);
        assert_eq!(is.turns, was.turns);
        let unsent: Vec<String> = was.outbox.iter().filter(|row| is_unsent(row)).map(|row| row.id.clone()).collect();
        let held = is.outbox.iter().filter(|row| row.state == "unknown" && row.held).map(|row| row.id.clone());
        assert_eq!(held.collect::<Vec<_>>(), unsent, "what was unsent is unknown and waits for a person");
        assert_eq!(is.conversation.takeover.is_some(), was.conversation.takeover.is_some() || !unsent.is_empty());
        if !unsent.is_empty() {
            was.outbox.retain(|row| !unsent.contains(&row.id));
            is.outbox.retain(|row| !unsent.contains(&row.id));
            assert_eq!(is.outbox, was.outbox);
            continue;
        }
        assert_eq!(is, was, "label, draft, takeover and everything else");
    }
    let vanished = after[&shopper("vanished")].conversation.id.clone();
    let words = api::NewMessage { text: "It is. Shall I put one aside?".into(), ..api::NewMessage::default() };
    daemon.client().send(SHOP, &vanished, &words).await.expect("a person decides what becomes of it");
    until("it is said", async || house.sim.replies_to("vanished") == ["It is. Shall I put one aside?"]).await;
    daemon.kill().await;
    let file = TenantFile::only(&place.at("data"));
    file.check_events();
    assert_eq!(events(&file)[..before_events.len()], before_events, "the log of the original goes on");
}

fn is_unsent(row: &api::OutboxRow) -> bool {
    !row.held && matches!(row.state.as_str(), "pending" | "sending" | "unknown")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_for_its_owner_alone_replaces_nothing_unasked_and_shows_in_the_status() {
    let place = Place::with_backup().await;
    let file = place.at("b.age");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(&file).expect("read");
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    for word in ["noor", SECRET, "control.db"] {
        assert!(!holds(&bytes, word), "{word}");
    }
    let again = ["backup", "--to", "b.age", "--passphrase-file", "words"];
    let hint = place.refused("data", &again, 6, "file_exists").await;
    assert!(hint.contains("--force"), "{hint}");
    assert_eq!(fs::read(&file).expect("read"), bytes);
    let made = place.on("data", &[&again[..], &["--force", "--json"]].concat()).await.json();
    assert_ne!(fs::read(&file).expect("read"), bytes, "the new one has taken its place");
    assert_eq!(made["checked"]["files"], 3, "{made}");
    let status = place.on("data", &["status", "--json"]).await.json();
    assert_eq!(status["last_backup"]["sha256"], made["sha256"], "{status}");
    assert_eq!(status["last_backup"]["bytes"], fs::metadata(&file).expect("there").len());
    let left: Vec<_> =
        files(place.0.path()).into_iter().filter(|(path, _)| path.to_string_lossy().contains("backup.")).collect();
    assert!(left.is_empty(), "no copy and no draft is left: {left:?}");
    for (args, code) in [(&["backup", "--to", "-"][..], 2), (&["backup", "--to", "c.age", "--recipient", "age1no"], 2)]
    {
        assert_eq!(place.on("data", args).await.code, code, "{args:?}");
    }
    place.write("weak", "short");
    place.refused("data", &["backup", "--to", "c.age", "--passphrase-file", "weak"], 2, "weak_passphrase").await;
    assert!(!place.at("c.age").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_back_on_a_machine_that_has_neither_data_nor_key() {
    let place = Place::new();
    let key = x25519::Identity::generate();
    let public = key.to_public().to_string();
    place.write("identity.txt", key.to_string().expose_secret());
    place.done("data", &["init", "--recovery-copy", "key.age", "--recovery-recipient", &public]).await;
    place.done("data", &["tenant", "add", "noor", "--name", "Noor"]).await;
    let set = aura(&place.at("data"), &["secret", "set", "-t", "noor", "meta.app_secret", "-"], SECRET).await;
    assert_eq!(set.code, 0, "{set:?}");
    let secrets = place.on("data", &["secret", "list", "-t", "noor", "--json"]).await.json();
    place.done("data", &["backup", "--to", "b.age", "--recipient", &public]).await;
    // Anybody who has the key and knows the formats can read it: age, gzip, tar.
    let sealed = fs::read(place.at("b.age")).expect("read");
    assert!(age::decrypt(&key, &sealed).expect("opened").starts_with(&[0x1f, 0x8b]));

    let restore = ["restore", "b.age", "--identity-file", "identity.txt"];
    let dry = place.on("new", &[&restore[..], &["--dry-run", "--json"]].concat()).await.json();
    assert_eq!((dry["restored"].clone(), dry["tenants"].clone()), (false.into(), serde_json::json!(["noor"])), "{dry}");
    assert!(!place.at("new").exists(), "a dry run makes no directory");
    let restored = place.on("new", &[&restore[..], &["--json"]].concat()).await.json();
    assert_eq!(restored["master_key"]["in_place"], false, "{restored}");
    let hint = place.refused("new", &["tenant", "list"], 1, "no_master_key").await;
    assert!(hint.contains("aura secret restore-master"), "{hint}");
    place.done("new", &["secret", "restore-master", "key.age", "--identity", "identity.txt"]).await;
    let tenants = place.on("new", &["tenant", "list", "--json"]).await.json();
    assert_eq!((&tenants["items"][0]["slug"], &tenants["items"][0]["state"]), (&"noor".into(), &"paused".into()));
    let there = place.on("new", &["secret", "list", "-t", "noor", "--json"]).await.json();
    assert_eq!(there, secrets, "the same secrets, by their fingerprints");
    place.done("new", &["audit", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_replaces_nothing_that_nobody_gave_up_and_keeps_what_it_replaces() {
    let place = Place::with_backup().await;
    place.done("data", &["tenant", "add", "later", "--name", "Came later"]).await;
    let before = data(&place.at("data"));
    let restore = ["restore", "b.age", "--passphrase-file", "words"];
    let hint = place.refused("data", &restore, 6, "conflict").await;
    assert!(hint.contains("--confirm data"), "{hint}");
    place.refused("data", &[&restore[..], &["--confirm", "other"]].concat(), 6, "conflict").await;
    let dry = place.on("data", &[&restore[..], &["--dry-run", "--json"]].concat()).await.json();
    assert_eq!((&dry["restored"], &dry["before"]), (&false.into(), &Value::Null));
    assert_eq!(data(&place.at("data")), before, "nothing was touched");

    let confirmed = [&restore[..], &["--confirm", "data"]].concat();
    let daemon = Binary::for_simulator(place.0.path(), "http://127.0.0.1:9").start().await;
    let hint = place.refused("data", &confirmed, 6, "data_dir_locked").await;
    assert!(hint.contains("process"), "{hint}");
    daemon.kill().await;

    let restored = place.on("data", &[&confirmed[..], &["--json"]].concat()).await.json();
    let old = PathBuf::from(restored["before"].as_str().expect("a folder"));
    assert!(old.join("control.db").exists() && old.starts_with(place.at("data")), "{restored}");
    let slugs = async |place: &Place| {
        let tenants = place.on("data", &["tenant", "list", "--json"]).await.json();
        let items = tenants["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|tenant| tenant["slug"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(slugs(&place).await, ["noor"]);
    assert_eq!(fs::metadata(place.at("data/control.db")).expect("there").permissions().mode() & 0o777, 0o600);
    let status = place.on("data", &["status", "--json"]).await.json();
    assert!(status["last_backup"].is_null(), "what is known of backups is what was known then: {status}");
    place.done("data", &["audit", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_relied_on_or_does_not_open_changes_nothing() {
    let place = Place::with_backup().await;
    let before = data(&place.at("data"));
    place.write("wrong", "correct horse battery stable");
    let bytes = fs::read(place.at("b.age")).expect("read");
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    place.write("cut.age", &bytes[..bytes.len() - 1]);
    place.write("changed.age", &changed);
    place.write("other.txt", "hello");
    place.write("identity.txt", x25519::Identity::generate().to_string().expose_secret());
    let restore =
        |file: &'static str, how: &'static str, with: &'static str| ["restore", file, "--confirm", "data", how, with];
    for (args, exit, code) in [
        (restore("b.age", "--passphrase-file", "wrong"), 4, "credentials_refused"),
        (restore("b.age", "--identity-file", "identity.txt"), 2, "invalid"),
        (restore("cut.age", "--passphrase-file", "words"), 2, "backup_broken"),
        (restore("changed.age", "--passphrase-file", "words"), 2, "backup_broken"),
        (restore("other.txt", "--passphrase-file", "words"), 2, "backup_broken"),
        (restore("none.age", "--passphrase-file", "words"), 3, "not_found"),
    ] {
        place.refused("data", &args, exit, code).await;
        assert_eq!(data(&place.at("data")), before, "{args:?}");
        place.refused("fresh", &args, exit, code).await;
        assert!(!place.at("fresh").exists(), "{args:?}");
    }
    // A key that stands there and opens something else is somebody's.
    place.done("other", &["init"]).await;
    let args = ["restore", "b.age", "--confirm", "other", "--passphrase-file", "words"];
    let before = data(&place.at("other"));
    let hint = place.refused("other", &args, 6, "conflict").await;
    assert!(hint.contains("restore-master"), "{hint}");
    assert_eq!(data(&place.at("other")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cut_off_leaves_the_old_data_or_the_new_and_never_a_mixture() {
    for (point, is_new) in
        [("before_restore_marker", false), ("after_restore_marker", true), ("mid_restore_swap", true)]
    {
        let place = Place::with_backup().await;
        place.done("data", &["tenant", "add", "later", "--name", "Came later"]).await;
        let ended = command(&place.at("data"))
            .args(["restore", "b.age", "--passphrase-file", "words", "--confirm", "data"])
            .env("FAILPOINTS", format!("{point}=return"))
            .output();
        let ended = ended.await.expect("it runs");
        assert!(!ended.status.success() && String::from_utf8_lossy(&ended.stderr).contains(point), "{ended:?}");
        let tenants = place.on("data", &["tenant", "list", "--json"]).await.json();
        let items = tenants["items"].as_array().expect("a list");
        let slugs: Vec<_> = items.iter().filter_map(|tenant| tenant["slug"].as_str()).collect();
        assert_eq!(slugs, if is_new { vec!["noor"] } else { vec!["later", "noor"] }, "{point}");
        place.done("data", &["audit", "verify"]).await;
        assert!(!place.at("data/restore.new").exists() && !place.at("data/restore.swap").exists(), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_file_is_damaged_keeps_nobody_else_from_being_kept() {
    let place = Place::with_backup().await;
    let other = place.on("data", &["tenant", "add", "other", "--name", "Other", "--json"]).await.json();
    let id = other["id"].as_str().expect("an id");
    let folder = place.at("data/tenants").join(id);
    for (path, _) in files(&folder) {
        fs::remove_file(path).expect("its log would mend it");
    }
    fs::write(folder.join("tenant.db"), "no database at all").expect("broken on purpose");
    let ran = place.on("data", &["backup", "--to", "c.age", "--passphrase-file", "words"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.stderr.contains("other"), "{ran:?}");
    let args = ["restore", "c.age", "--passphrase-file", "words", "--dry-run", "--json"];
    let dry = place.on("data", &args).await.json();
    assert_eq!(dry["tenants"], serde_json::json!(["noor"]), "{dry}");
    assert_eq!(dry["left_out"], serde_json::json!(["other"]), "{dry}");
}
