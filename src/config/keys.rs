//! The names of everything that can be set, and the nearest of them to a name that cannot.

use serde_json::Value;

use super::Config;

/// Keys whose values are secrets: never shown, and readable from a file named by `…_FILE`.
pub(super) const SECRET: &[&str] = &[
    "meta.app_secret",
    "meta.instagram_app_secret",
    "meta.verify_token",
    "notify.smtp.password",
    "providers.gemini.api_key",
    "providers.openai.api_key",
];

/// Keys and sections of the product's interface that this version has no capability for yet.
const LATER: &[&str] = &["providers.ollama"];

/// Less alike than this, and a suggestion would only confuse (Jaro–Winkler: 1 is equal).
const SIMILARITY_MIN: f64 = 0.75;

/// Every key with its value in `config`, in the file's order of sections.
pub(super) fn flatten(config: &Config) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let tree = serde_json::to_value(config).expect("a configuration is plain data");
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

/// Whether the key, or the section it is in, comes with a later version.
pub(super) fn is_later(key: &str) -> bool {
    LATER.iter().any(|later| key == *later || key.strip_prefix(later).is_some_and(|rest| rest.starts_with('.')))
}

/// The environment's name of a key: `a.b_c` is `AURA_A__B_C`.
pub(super) fn variable(key: &str) -> String {
    format!("AURA_{}", key.replace('.', "__").to_uppercase())
}

/// The known name most like `name`, if any is like it.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
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
        let keys = flatten(&Config::default());
        for secret in SECRET {
            assert!(keys.iter().any(|(key, value)| key == secret && value.is_null()), "{secret}");
        }
    }

    #[test]
    fn the_environments_name_of_a_key_follows_one_rule() {
        assert_eq!(variable("conversation.debounce_ms"), "AURA_CONVERSATION__DEBOUNCE_MS");
        assert_eq!(variable("data_dir"), "AURA_DATA_DIR");
    }

    #[test]
    fn later_keys_are_recognised_with_what_is_below_them() {
        for key in ["providers.ollama", "providers.ollama.base_url"] {
            assert!(is_later(key), "{key}");
        }
        assert!(!is_later("providers.ollama_x") && !is_later("providers.openai"));
    }
}
