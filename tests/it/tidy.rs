//! The map stays true: arrows between rooms, what stands only in its room, how files open and how long they are.
//!
//! Reads the sources as text. A rule that is broken is a sentence with the file and the line.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The repository, from the package of this test.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Longer files are tables or state machines, and are named in [`LONG`].
const LINES_MAX: usize = 600;

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// The rooms between `domain` and `app`. They do not know each other but for the arrows named in [`may_use`].
const MIDDLE: &[&str] = &[
    "workflow",
    "agent",
    "search",
    "catalog",
    "knowledge",
    "provider",
    "channel",
    "store",
    "secret",
    "archive",
    "media",
    "net",
    "notify",
    "config",
];

/// Rooms in which `room` may use something; `None`: no such room is on the map.
fn may_use(room: &str) -> Option<Vec<&'static str>> {
    let with_domain = |more: &[&'static str]| [&["domain"][..], more].concat();
    let inner = |more: &[&'static str]| with_domain(&[MIDDLE, more].concat());
    Some(match room {
        "domain" => vec![],
        "fault" => vec![],
        "workflow" | "search" | "knowledge" | "secret" | "archive" | "media" | "net" => with_domain(&[]),
        "store" => with_domain(&["fault"]),
        "agent" => with_domain(&["workflow"]),
        "catalog" | "channel" | "notify" | "provider" => with_domain(&["net"]),
        // A setting that is a secret has a type that does not print; one that names a network, a price or a way of
        // speaking is read by who goes there.
        "config" => with_domain(&["net", "provider", "secret"]),
        "telemetry" => with_domain(&["config"]),
        "app" => inner(&["fault", "telemetry"]),
        // JSON shapes of what use cases take, give and refuse with.
        "api" => inner(&["app"]),
        "terminal" => with_domain(&["api"]),
        // Events are handed on to a server that the operator names.
        "client" => with_domain(&["api", "net"]),
        // A scripted model writes drafts as a real one would.
        "sim" => with_domain(&["agent", "api", "client", "channel", "catalog", "config", "net"]),
        "http" => inner(&["app", "api", "telemetry"]),
        "daemon" => inner(&["app", "api", "http", "client", "sim", "telemetry"]),
        // The command line speaks through the client; `serve` and `demo` start the daemon and the simulator.
        "cmd" => with_domain(&["api", "client", "config", "daemon", "fault", "sim", "telemetry", "terminal", "tui"]),
        // The way to a model is measured by itself, without a turn around it.
        "bench" => with_domain(&["api", "app", "client", "config", "daemon", "net", "provider", "sim", "telemetry"]),
        "tui" => with_domain(&["api", "client", "fault", "terminal"]),
        _ => return None,
    })
}

/// Words that stand in some rooms only, with what to do instead. Tests at a file's foot may use them.
const KEPT: &[(&[&str], &[&str], &str)] = &[
    (&["rusqlite", "sqlite_vec"], &["store"], "SQLite is known to `store` alone"),
    (
        &[
            "INSERT INTO",
            "DELETE FROM",
            "CREATE TABLE",
            "ALTER TABLE",
            "DROP TABLE",
            "PRAGMA ",
            "SELECT ",
            "ON CONFLICT",
        ],
        &["store"],
        "SQL stands beside the function that runs it, in `store`",
    ),
    (&["SystemTime::now", "now_v7", "now_utc"], &["daemon"], "take `now: Timestamp`, a `Clock` or `Ids`"),
    (
        &["reqwest::Client::new", "reqwest::Client::builder", "reqwest::ClientBuilder", "reqwest::get"],
        &["net"],
        "use the clients of `net`",
    ),
];

/// One source file.
struct Source {
    /// From the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// `src/app/error.rs` is in `app`, `src/lib.rs` in none, `cmd/src/…` in `cmd`.
    fn room(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match (parts.next()?, parts.next()?) {
            // A bench measures a use case itself, without the way to it.
            ("cmd", _) if self.path.starts_with("cmd/src/commands/bench/") => Some("bench"),
            ("src", file) => Some(file.strip_suffix(".rs").unwrap_or(file)).filter(|room| *room != "lib"),
            (package, _) => Some(package),
        }
    }
}

fn complaints(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") {
        found.push(format!("{}:1: does not open with `//!`: what it is for, what it never does", source.path));
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX && !LONG.iter().any(|(path, _)| *path == source.path) {
        found.push(format!("{}:{LINES_MAX}: has {lines} lines, more than {LINES_MAX}: split it by noun", source.path));
    }
    let Some(room) = source.room() else { return found };
    // A file of tests may set up whatever it needs.
    if source.path.ends_with("tests.rs") || source.path.ends_with("testing.rs") {
        return found;
    }
    match may_use(room) {
        Some(allowed) => found.extend(arrows(source, room, &allowed)),
        None => found.push(format!("{}:1: the room `{room}` is not on the map", source.path)),
    }
    found.extend(kept(source, room));
    found
}

/// Names of rooms that the file speaks of but may not know.
fn arrows(source: &Source, room: &str, allowed: &[&str]) -> Vec<String> {
    let root = if source.path.starts_with("src/") { "crate" } else { "aura" };
    let code = without_comments(&source.text);
    rooms_named(&code, root)
        .into_iter()
        .filter(|(_, named)| named != room && !allowed.contains(&named.as_str()))
        .map(|(line, named)| format!("{}:{line}: `{room}` must not know `{named}`", source.path))
        .collect()
}

/// Every first name behind `root::`, with its line, also inside `use root::{…}`.
fn rooms_named(code: &str, root: &str) -> BTreeSet<(usize, String)> {
    let marker = format!("{root}::");
    let line_at = |offset: usize| code[..offset].matches('\n').count() + 1;
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices(&marker) {
        let is_part_of_word =
            code[..start].ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == ':');
        if is_part_of_word {
            continue;
        }
        let rest = start + marker.len();
        if !code[rest..].starts_with('{') {
            found.insert((line_at(start), word(&code[rest..]).to_owned()));
            continue;
        }
        let (mut depth, mut expects_name) = (0, false);
        for (offset, character) in code[rest..].char_indices() {
            match character {
                '{' => (depth, expects_name) = (depth + 1, depth == 0),
                '}' => depth -= 1,
                ',' => expects_name = depth == 1,
                _ if character.is_whitespace() => {}
                _ if expects_name => {
                    found.insert((line_at(rest + offset), word(&code[rest + offset..]).to_owned()));
                    expects_name = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.into_iter().filter(|(_, name)| !name.is_empty()).collect()
}

fn word(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    &text[..end]
}

/// Words that stand outside the room they are kept in.
fn kept(source: &Source, room: &str) -> Vec<String> {
    let code = without_comments(&source.text);
    let code = code.split("\n#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for (words, rooms, instead) in KEPT {
        if rooms.contains(&room) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                found.push(format!("{}:{}: `{}`: {instead}", source.path, number + 1, word.trim()));
            }
        }
    }
    found
}

/// The text with line comments blanked out; lines keep their numbers.
fn without_comments(text: &str) -> String {
    let code = |line: &str| {
        let comment = line.match_indices("//").map(|(at, _)| at).find(|&at| !line[..at].ends_with(':'));
        format!("{}\n", &line[..comment.unwrap_or(line.len())])
    };
    text.lines().map(code).collect()
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "cmd/src", "tui/src"] {
        collect(Path::new(ROOT), &PathBuf::from(folder), &mut found);
    }
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries {
        let path = folder.join(entry.expect("a readable folder").file_name());
        if root.join(&path).is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(root.join(&path)).expect("a readable source");
            found.push(Source { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

#[test]
fn the_sources_follow_the_map() {
    let sources = sources();
    assert!(sources.len() > 20, "only {} sources were found", sources.len());
    let found: Vec<_> = sources.iter().flat_map(complaints).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn exceptions_for_long_files_are_still_needed() {
    for (path, reason) in LONG {
        let text = fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default();
        assert!(text.lines().count() > LINES_MAX, "{path} ({reason}) is no longer long");
    }
}

/// The rules above, shown to catch what they are for.
mod catches {
    use super::*;

    fn found(path: &str, code: &str) -> Vec<String> {
        complaints(&Source { path: path.into(), text: format!("//! For a test.\n{code}") })
    }

    fn assert_one(path: &str, code: &str, expected: &str) {
        assert_eq!(found(path, code), [expected], "{code}");
    }

    #[test]
    fn an_arrow_that_points_outward() {
        let expected = "src/store/a.rs:2: `store` must not know `app`";
        for code in [
            "use crate::app::Error;",
            "use crate::app;",
            "fn f() -> crate::app::Error {}",
            "pub(in crate::app) fn f() {}",
        ] {
            assert_one("src/store/a.rs", code, expected);
        }
        assert_one("src/domain/a.rs", "use crate::{store};", "src/domain/a.rs:2: `domain` must not know `store`");
        assert_one("src/search.rs", "use crate::catalog::A;", "src/search.rs:2: `search` must not know `catalog`");
        assert_one("cmd/src/main.rs", "use aura::store::A;", "cmd/src/main.rs:2: `cmd` must not know `store`");
    }

    #[test]
    fn an_arrow_inside_braces_over_several_lines() {
        let code = "use crate::{\n    domain::{store::B, a::{http}},\n    http::C,\n    secret,\n};\nfn f() {}";
        assert_eq!(
            found("src/store/a.rs", code),
            ["src/store/a.rs:4: `store` must not know `http`", "src/store/a.rs:5: `store` must not know `secret`"]
        );
    }

    #[test]
    fn a_room_that_is_not_on_the_map() {
        assert_one("src/attic/mod.rs", "", "src/attic/mod.rs:1: the room `attic` is not on the map");
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for() {
        let source = Source { path: "src/domain/a.rs".into(), text: "use std::fmt;\n".into() };
        assert!(complaints(&source)[0].starts_with("src/domain/a.rs:1: does not open with `//!`"));
    }

    #[test]
    fn a_file_that_is_too_long() {
        let long = found("src/domain/a.rs", &"\n".repeat(LINES_MAX));
        assert_eq!(long, ["src/domain/a.rs:600: has 601 lines, more than 600: split it by noun"]);
    }

    #[test]
    fn sql_the_clock_and_raw_clients_outside_their_rooms() {
        for (path, code) in [
            ("src/app/a.rs", "use rusqlite::Connection;"),
            ("src/app/a.rs", "let sql = \"SELECT 1\";"),
            ("src/agent/a.rs", "let sql = \"\n DELETE FROM message\";"),
            ("src/store/a.rs", "let now = SystemTime::now();"),
            ("src/app/a.rs", "let id = Uuid::now_v7();"),
            ("src/provider/a.rs", "let client = reqwest::Client::builder();"),
        ] {
            assert_eq!(found(path, code).len(), 1, "{code}");
        }
    }

    #[test]
    fn nothing_where_all_is_well() {
        for (path, code) in [
            ("src/lib.rs", "pub mod app;"),
            ("src/app/a.rs", "use crate::{domain::{A, B}, store::{self, C}, secret};\nuse std::fs;"),
            ("src/catalog/a.rs", "use crate::net::Client;"),
            ("src/http/a.rs", "// use crate::daemon::A; `SELECT 1`\nuse crate::app::A;"),
            ("src/store/a.rs", "const SQL: &str = \"SELECT 1\"; use rusqlite::Row;"),
            ("src/daemon/a.rs", "let now = SystemTime::now();"),
            ("src/app/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests { const SQL: &str = \"SELECT 1\"; }"),
            ("cmd/src/main.rs", "use aura::{client::A, daemon};\nlet path = my_aura::store::X;"),
        ] {
            assert!(found(path, code).is_empty(), "{code}: {:?}", found(path, code));
        }
    }
}
