//! The configuration file and the environment. What is accepted is checked, shows no secret, and read again from what
//! `aura config show` tells of it is the same.
#![no_main]

use std::{path::PathBuf, sync::OnceLock};

use aura::config::{Entry, Environment, Inputs, Loaded, load};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// In memory where the system has such a folder: a write per run must not wear a disk.
fn file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        folder.join(format!("aura-fuzz-{}.toml", std::process::id()))
    })
}

fn read(text: &str, environment: Environment) -> Result<Loaded, aura::config::Error> {
    std::fs::write(file(), text).expect("the folder is writable");
    load(&Inputs { flags: Vec::new(), file: Some(file().clone()), environment, folder: "/nonexistent".into() })
}

fuzz_target!(|text: &str| {
    // Behind a line of `---`, lines of NAME=VALUE for the environment.
    let (text, variables) = text.split_once("\n---\n").unwrap_or((text, ""));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let ours = variables.filter(|(name, _)| !name.ends_with("_FILE"));
    let environment: Environment = ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let loaded = match read(text, environment) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let entries = loaded.entries();
    let again = read(&as_file(&entries), Environment::default()).expect("what was shown can be read");
    let shown = |entries: &[Entry]| {
        entries
            .iter()
            .filter(|entry| !is_secret(entry))
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&again.entries()), shown(&entries));
});

fn is_secret(entry: &Entry) -> bool {
    entry.key.starts_with("meta.") && (entry.key.contains("secret") || entry.key.contains("token"))
}

fn as_file(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries.iter().filter(|entry| !is_secret(entry)) {
        let value = match &entry.value {
            Value::Null => continue,
            value => toml::Value::try_from(value).expect("a leaf"),
        };
        text.push_str(&format!("{} = {value}\n", entry.key));
    }
    text
}
