//! The recovery copy of the master key: written by the real command, opened by the public format, put back where it was.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use age::{secrecy::ExposeSecret, x25519};
use aura::{daemon::SystemClock, sim::Sim};
use tempfile::TempDir;

use crate::{
    logged::Daemon,
    shop::{Ran, aura, command, files, holds},
    support::Terminal,
};

const PASSPHRASE: &str = "correct horse battery staple";
const SECRET: &str = "app-secret-3c9d1f";

/// A folder with a data directory in it, and what belongs beside one.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data_dir(&self) -> PathBuf {
        self.at("data")
    }

    fn key(&self) -> PathBuf {
        self.at("data/master.key")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).expect("written");
    }

    /// Runs a command in the folder; names of files are relative to it.
    async fn aura(&self, args: &[&str]) -> Ran {
        aura(&self.data_dir(), args, "").await
    }

    async fn done(&self, args: &[&str]) -> Ran {
        let ran = self.aura(args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    }

    /// Runs one that has to fail so.
    async fn refused(&self, args: &[&str], exit: i32, code: &str) -> String {
        let ran = self.aura(&[args, &["--json"]].concat()).await;
        let error = ran.error(exit);
        assert_eq!(error["code"], code, "{args:?}: {ran:?}");
        format!("{} {}", error["message"], error["hint"])
    }

    /// An installation with a secret, and a copy of its key for whoever holds the second part.
    async fn with_copy(name: &str) -> (Self, x25519::Identity) {
        let (place, identity) = (Self::new(), x25519::Identity::generate());
        let public = identity.to_public().to_string();
        place.done(&["init", "--recovery-copy", name, "--recovery-recipient", &public]).await;
        let secret = aura(&place.data_dir(), &["secret", "set", "meta.app_secret", "-"], SECRET).await;
        assert_eq!(secret.code, 0, "{secret:?}");
        place.write("identity.txt", identity.to_string().expose_secret());
        (place, identity)
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_made_at_init_opens_without_aura_for_each_recipient() {
    let (place, keys) = (Place::new(), [x25519::Identity::generate(), x25519::Identity::generate()]);
    let public = keys.each_ref().map(|key| key.to_public().to_string());
    let mut args = vec!["init", "--recovery-copy", "copy.age", "--json"];
    args.extend(public.iter().flat_map(|key| ["--recovery-recipient", key.as_str()]));
    let made = place.aura(&args).await.json();
    assert_eq!(made["recovery_copy"]["file"], "copy.age", "{made}");
    let copy = place.at("copy.age");
    assert_eq!(fs::metadata(&copy).expect("is there").permissions().mode() & 0o777, 0o600);
    assert!(text(&copy).starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    for key in &keys {
        let opened = age::decrypt(key, text(&copy).as_bytes()).expect("opened");
        assert_eq!(String::from_utf8(opened).expect("text"), text(&place.key()), "it is the key file, as it stands");
    }
    let known = place.aura(&["status", "--json"]).await.json();
    assert_eq!(known["recovery_copy"]["current"], true, "{known}");
    // A second time it is all there, and nothing is made again.
    let key = text(&place.key());
    place.done(&["init"]).await;
    assert_eq!(text(&place.key()), key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_without_its_key_opens_again_with_the_passphrase_and_with_no_other() {
    let place = Place::new();
    place.write("words", format!("{PASSPHRASE}\n"));
    place.done(&["init"]).await;
    place.done(&["secret", "recovery-copy", "copy.age", "--passphrase-file", "words"]).await;
    let key = text(&place.key());
    fs::remove_file(place.key()).expect("lost");
    let hint = place.refused(&["tenant", "list"], 1, "no_master_key").await;
    assert!(hint.contains("aura secret restore-master"), "{hint}");

    place.write("wrong", "correct horse battery stable");
    let restore = ["secret", "restore-master", "copy.age"];
    let wrong = [&restore[..], &["--passphrase-file", "wrong"]].concat();
    place.refused(&wrong, 4, "recovery_copy_refused").await;
    assert!(!place.key().exists(), "nothing is put anywhere");

    let ran = aura(&place.data_dir(), &[&restore[..], &["--json"]].concat(), PASSPHRASE).await;
    assert_eq!(ran.json()["restored"], true, "by stdin, as a secret is given");
    assert_eq!(text(&place.key()), key);
    assert_eq!(fs::metadata(place.key()).expect("is there").permissions().mode() & 0o777, 0o600);
    place.done(&["tenant", "list"]).await;
    // With the key in its place the same command tries the copy and writes nothing.
    let tried = aura(&place.data_dir(), &[&restore[..], &["--json"]].concat(), PASSPHRASE).await;
    assert_eq!(tried.json()["restored"], false);
    let control = rusqlite::Connection::open(place.at("data/control.db")).expect("it opens");
    let named = "SELECT count(*) FROM audit WHERE action = 'master_key.restored'";
    let named: i64 = control.query_row(named, [], |row| row.get(0)).expect("counted");
    assert_eq!(named, 1, "the audit log names what was done, and nothing where nothing was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_open_or_does_not_fit_puts_no_key_anywhere() {
    let (place, _) = Place::with_copy("copy.age").await;
    let (other, stranger) = Place::with_copy("copy.age").await;
    fs::remove_file(place.key()).expect("lost");
    let whole = text(&place.at("copy.age"));
    place.write("cut.age", &whole[..whole.len() / 2]);
    place.write("no.age", "hello");
    place.write("foreign.age", text(&other.at("copy.age")));
    place.write("stranger.txt", stranger.to_string().expose_secret());
    place.write("public.txt", stranger.to_public().to_string());
    let cases: &[(&str, &str, i32, &str)] = &[
        ("copy.age", "stranger.txt", 4, "recovery_copy_refused"),
        ("copy.age", "public.txt", 2, "not_identity"),
        ("cut.age", "identity.txt", 2, "recovery_copy_unreadable"),
        ("no.age", "identity.txt", 2, "recovery_copy_unreadable"),
        ("foreign.age", "stranger.txt", 6, "other_master_key"),
        ("missing.age", "identity.txt", 3, "file_not_found"),
    ];
    for (copy, identity, exit, code) in cases {
        place.refused(&["secret", "restore-master", copy, "--identity", identity], *exit, code).await;
        assert!(!place.key().exists(), "{copy} with {identity}");
    }
    let asked = place.refused(&["secret", "restore-master", "copy.age"], 2, "usage").await;
    assert!(asked.contains("--identity"), "{asked}");
    place.done(&["secret", "restore-master", "copy.age", "--identity", "identity.txt"]).await;
    place.done(&["tenant", "list"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_file_is_ever_overwritten() {
    let (place, identity) = Place::with_copy("copy.age").await;
    let public = identity.to_public().to_string();
    let (copy, key) = (text(&place.at("copy.age")), text(&place.key()));
    let again = ["secret", "recovery-copy", "copy.age", "--recipient", &public];
    place.refused(&again, 6, "file_exists").await;
    assert_eq!(text(&place.at("copy.age")), copy);
    for other in ["ab".repeat(32), "no key at all".to_owned()] {
        place.write("data/master.key", &other);
        let restore = ["secret", "restore-master", "copy.age", "--identity", "identity.txt"];
        place.refused(&restore, 6, "master_key_occupied").await;
        assert_eq!(text(&place.key()), other);
    }
    place.write("data/master.key", key);
    let empty = Place::new();
    fs::create_dir(empty.data_dir()).expect("made");
    for name in ["copy.age", "identity.txt"] {
        empty.write(name, text(&place.at(name)));
    }
    let restore = ["secret", "restore-master", "copy.age", "--identity", "identity.txt"];
    empty.refused(&restore, 6, "conflict").await;
    assert!(!empty.key().exists() && !empty.at("data/control.db").exists(), "nothing is sealed there: nothing is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_guessed_or_is_no_key_makes_no_copy() {
    let place = Place::new();
    for weak in ["", "eleven char", "\n"] {
        let args = ["init", "--recovery-copy", "copy.age", "--json"];
        assert_eq!(aura(&place.data_dir(), &args, weak).await.code, 2, "{weak:?}");
        assert!(!place.data_dir().exists(), "nothing is made before the passphrase is good: {weak:?}");
    }
    let secret = x25519::Identity::generate().to_string().expose_secret().to_owned();
    let args = ["init", "--recovery-copy", "copy.age", "--recovery-recipient", &secret];
    let said = place.refused(&args, 2, "not_recipient").await;
    assert!(!said.contains(&secret), "a secret key that was taken for the public one is not repeated: {said}");
    assert!(!place.at("copy.age").exists());
    // On the command line every process could read it.
    let args = ["init", "--recovery-copy", "copy.age", "--recovery-passphrase", PASSPHRASE];
    assert_eq!(place.aura(&args).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_change_of_the_master_key_the_old_copy_is_told_as_such() {
    let (place, identity) = Place::with_copy("old.age").await;
    let changed = place.done(&["secret", "rotate-master"]).await;
    assert!(changed.stderr.contains("the recovery copy holds the old master key"), "{changed:?}");
    let status = place.aura(&["status", "--json"]).await.json();
    assert_eq!(status["recovery_copy"]["current"], false, "{status}");
    let restore = ["secret", "restore-master", "old.age", "--identity", "identity.txt"];
    let said = place.refused(&restore, 6, "conflict").await;
    assert!(said.contains("an older master key"), "{said}");
    let public = identity.to_public().to_string();
    place.done(&["secret", "recovery-copy", "new.age", "--recipient", &public]).await;
    let status = place.aura(&["status", "--json"]).await.json();
    assert_eq!(status["recovery_copy"]["current"], true, "{status}");
    let opened = age::decrypt(&identity, text(&place.at("new.age")).as_bytes()).expect("opened");
    assert_eq!(String::from_utf8(opened).expect("text"), text(&place.key()));
    // Who never wrote one is told of none.
    let without = Place::new();
    without.done(&["init"]).await;
    let changed = without.aura(&["secret", "rotate-master", "--json"]).await.json();
    assert_eq!(changed["copy_stale"], false);
    let alone = without.done(&["secret", "rotate-master"]).await;
    assert!(alone.stderr.contains("; 1 key is sealed anew"), "{alone:?}");
    without.done(&["tenant", "add", "noor", "--name", "Noor"]).await;
    let both = without.done(&["secret", "rotate-master"]).await;
    assert!(both.stderr.contains("; 2 keys are sealed anew"), "{both:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_daemon_a_copy_can_be_written_and_neither_key_nor_passphrase_is_ever_told() {
    let (place, identity) = Place::with_copy("first.age").await;
    let sim = Sim::start(Arc::new(SystemClock), SECRET).await.expect("the simulator starts");
    let daemon = Daemon::start(&place.data_dir(), sim.url(), "trace").await;
    let copied = aura(&place.data_dir(), &["secret", "recovery-copy", "copy.age", "-v"], PASSPHRASE).await;
    assert_eq!(copied.code, 0, "{copied:?}");
    let restore = ["secret", "restore-master", "first.age", "--identity", "identity.txt"];
    let said = place.refused(&restore, 6, "data_dir_locked").await;
    let log = daemon.stop().await;
    assert!(log.contains("recovery copy"), "a daemon that logs nothing proves nothing: {log}");
    let key = text(&place.key());
    let secrets = [key.trim(), PASSPHRASE, identity.to_string().expose_secret()].map(str::to_owned);
    for secret in &secrets {
        for (what, words) in [("the log", &log), ("the terminal", &format!("{copied:?}{said}"))] {
            assert!(!holds(words.as_bytes(), secret), "{what} holds it");
        }
        for (path, bytes) in files(&place.data_dir()) {
            assert!(path.ends_with("master.key") || !holds(&bytes, secret), "{} holds it", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_typed_twice_unseen_and_once_to_open() {
    let place = Place::new();
    let init = ["init", "--recovery-copy", "copy.age"];
    let mut terminal = Terminal::run(command(&place.data_dir()), &init);
    terminal.answer("passphrase, 12 characters", PASSPHRASE).await;
    terminal.answer("the same again", "correct horse battery stable").await;
    let (code, shown) = terminal.ended().await;
    assert!(code == 2 && shown.contains("not the same") && !place.data_dir().exists(), "{code}: {shown}");
    let mut terminal = Terminal::run(command(&place.data_dir()), &init);
    terminal.answer("passphrase, 12 characters", PASSPHRASE).await;
    terminal.answer("the same again", PASSPHRASE).await;
    let (code, shown) = terminal.ended().await;
    assert!(code == 0 && !shown.contains(PASSPHRASE), "{code}: {shown}");
    let key = text(&place.key());
    fs::remove_file(place.key()).expect("lost");
    let mut terminal = Terminal::run(command(&place.data_dir()), &["secret", "restore-master", "copy.age"]);
    terminal.answer("passphrase (not shown)", PASSPHRASE).await;
    let (code, shown) = terminal.ended().await;
    assert!(code == 0 && !shown.contains(PASSPHRASE), "{code}: {shown}");
    assert_eq!(text(&place.key()), key);
}
