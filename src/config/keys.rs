//! The names of everything that can be set, and the nearest of them to a name that cannot.
//!
//! Most keys are fixed. Below `providers` there are also those of servers with names of their own, `providers.NAME.FIELD`:
//! any name, and the fields that every server has.

use serde::Serialize;
use serde_json::Value;

use super::{
    Config,
    providers::{self, Server},
};

/// Fixed keys whose values are secrets: never shown, and readable from a file named by `…_FILE`.
const SECRET: &[&str] = &[
    "meta.app_secret",
    "meta.instagram_app_secret",
    "meta.verify_token",
    "notify.smtp.password",
    "providers.gemini.api_key",
    "providers.ollama.api_key",
    "providers.openai.api_key",
];

/// Where servers have names of their own.
const SERVERS: &str = "providers";
/// The field of a server that is a secret.
const SERVER_SECRET: &str = "api_key";

/// Less alike than this, and a suggestion would only confuse (Jaro–Winkler: 1 is equal).
const SIMILARITY_MIN: f64 = 0.75;

/// Every key that there is, with a value of the kind that it takes.
pub(super) struct Keys {
    fixed: Vec<(String, Value)>,
    /// The fields of a server with a name of its own.
    server: Vec<(String, Value)>,
}

impl Keys {
    pub(super) fn all() -> Self {
        Self { fixed: flatten(&Config::default()), server: flatten(&Server::template()) }
    }

    /// A value of the kind that the key takes: null for text that is unset by default. `None`: there is no such key.
    pub(super) fn kind(&self, key: &str) -> Option<&Value> {
        let value = |(known, value)| (known == key).then_some(value);
        if let Some(found) = self.fixed.iter().map(|(known, kind)| (known.as_str(), kind)).find_map(value) {
            return Some(found);
        }
        let (_, field) = self.server_of(key)?;
        self.server.iter().find(|(known, _)| known == field).map(|(_, value)| value)
    }

    /// Whether other keys stand below this one.
    pub(super) fn is_section(&self, key: &str) -> bool {
        let is_above = |known: &str| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.fixed.iter().any(|(known, _)| is_above(known))
            || key.strip_prefix(SERVERS).and_then(|rest| rest.strip_prefix('.')).is_some_and(providers::is_server_name)
    }

    /// Whether the key's value is a secret.
    pub(super) fn is_secret(&self, key: &str) -> bool {
        SECRET.contains(&key) || self.server_of(key).is_some_and(|(_, field)| field == SERVER_SECRET)
    }

    /// The known key most like `key`, if any is like it.
    pub(super) fn nearest(&self, key: &str) -> Option<String> {
        let server = self
            .server_of(key)
            .into_iter()
            .flat_map(|(name, _)| self.server.iter().map(move |(field, _)| format!("{SERVERS}.{name}.{field}")));
        most_alike(key, self.fixed.iter().map(|(known, _)| known.clone()).chain(server))
    }

    /// The known variable most like `name`, if any is like it.
    pub(super) fn nearest_variable(&self, name: &str) -> Option<String> {
        most_alike(name, self.fixed.iter().map(|(known, _)| variable(known)))
    }

    /// The server and the field, of a key of a server with a name of its own.
    fn server_of<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        let (name, field) = key.strip_prefix(SERVERS)?.strip_prefix('.')?.split_once('.')?;
        let section = &key[..key.len() - field.len()];
        let is_fixed = self.fixed.iter().any(|(known, _)| known.starts_with(section));
        (!is_fixed && providers::is_server_name(name)).then_some((name, field))
    }
}

/// Every key with its value in `tree`, in the file's order of sections.
pub(super) fn flatten(tree: &impl Serialize) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let tree = serde_json::to_value(tree).expect("a configuration is plain data");
    collect("", tree, &mut found);
    found
}

fn collect(prefix: &str, value: Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(section) => {
            for (name, value) in section {
                let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                collect(&key, value, found);
            }
        }
        leaf => found.push((prefix.to_owned(), leaf)),
    }
}

/// The environment's name of a key: `a.b_c` is `AURA_A__B_C`.
fn variable(key: &str) -> String {
    format!("AURA_{}", key.replace('.', "__").to_uppercase())
}

fn most_alike(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, &candidate), candidate))
        .filter(|(likeness, _)| *likeness >= SIMILARITY_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_key_is_a_key_without_a_default() {
        let keys = Keys::all();
        for secret in SECRET.iter().copied().chain(["providers.mine.api_key"]) {
            assert!(keys.is_secret(secret) && keys.kind(secret).is_some_and(Value::is_null), "{secret}");
        }
    }

    #[test]
    fn every_key_that_never_shows_its_value_is_a_secret_and_no_other() {
        let mut config = Config::default();
        let secret = || Some(crate::secret::Secret::from("hunter2".to_owned()));
        config.meta.app_secret = secret();
        config.meta.instagram_app_secret = secret();
        config.meta.verify_token = secret();
        config.notify.smtp.password = secret();
        config.providers.gemini.api_key = secret();
        config.providers.openai.api_key = secret();
        config.providers.ollama.api_key = secret();
        config.providers.servers.insert("mine".into(), Server { api_key: secret(), ..Server::default() });
        let keys = Keys::all();
        for (key, value) in flatten(&config) {
            assert_eq!(keys.is_secret(&key), value == "***", "{key}");
        }
    }

    #[test]
    fn the_environments_name_of_a_key_follows_one_rule() {
        assert_eq!(variable("conversation.debounce_ms"), "AURA_CONVERSATION__DEBOUNCE_MS");
        assert_eq!(variable("data_dir"), "AURA_DATA_DIR");
    }

    #[test]
    fn a_server_has_the_fields_of_every_server_under_any_name_that_a_model_can_have() {
        let keys = Keys::all();
        for known in ["providers.mine.base_url", "providers.my-box_2.supports_tool_choice", "providers.x.strip_fields"]
        {
            assert!(keys.kind(known).is_some(), "{known}");
        }
        for unknown in
            ["providers.mine.base", "providers.builtin.base_url", "providers.Mine.base_url", "providers.gemini.preset"]
        {
            assert!(keys.kind(unknown).is_none(), "{unknown}");
        }
        assert!(keys.is_section("providers.mine") && keys.is_section("providers") && !keys.is_section("providers.a b"));
        assert_eq!(keys.nearest("providers.mine.bas_url").as_deref(), Some("providers.mine.base_url"));
    }
}
