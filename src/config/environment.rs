//! The process's environment as a value, so that tests have their own.

use std::collections::BTreeMap;

use super::{Error, keys::Keys};

/// What every variable of ours starts with.
const PREFIX: &str = "AURA_";
/// Ends the name of a variable that names a file to read a secret from.
const FILE_SUFFIX: &str = "_FILE";
/// Variables that are the command line's and no configuration, with what they do.
pub const COMMAND_LINE: &[(&str, &str)] = &[
    ("AURA_TENANT", "the tenant, where `-t` does not name one"),
    ("AURA_KEY", "the key of one of the staff, who asks with it"),
    ("AURA_KEY_FILE", "a file with that key"),
    ("AURA_PAGER", "the pager for results longer than the screen, before PAGER; empty: none"),
    ("AURA_FORCE_TTY", "lay results out as for a terminal so many columns wide, also where there is none"),
    ("AURA_COMPLETION_MS", "how long completions wait for names, in milliseconds; 400"),
];

/// Environment variables by name. Shows the names only: values may be secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A key as the environment sets it.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) variable: String,
    pub(super) value: Given,
}

pub(super) enum Given {
    Text(String),
    /// The path of a file that holds the text.
    File(String),
}

impl Environment {
    /// That of this process. What is not Unicode is kept as near as it can be.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect()
    }

    /// A variable; an empty one counts as unset, as containers pass on what they do not have.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The settings among the variables.
    pub(super) fn settings(&self) -> Result<Vec<Setting>, Error> {
        let keys = Keys::all();
        self.0
            .iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty() && !is_foreign(name))
            .map(|(name, value)| setting(name, value, &keys))
            .collect()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Kubernetes and Docker announce a service called `aura` to its neighbours by variables such as `AURA_SERVICE_HOST` and
/// `AURA_PORT_8080_TCP`: not ours, and no reason to refuse to start.
fn is_foreign(name: &str) -> bool {
    COMMAND_LINE.iter().any(|(known, _)| *known == name)
        || name == "AURA_PORT"
        || name.starts_with("AURA_PORT_")
        || name.starts_with("AURA_SERVICE_")
}

fn setting(name: &str, value: &str, keys: &Keys) -> Result<Setting, Error> {
    let key_of = |name: &str| name[PREFIX.len()..].replace("__", ".").to_lowercase();
    let is_known = |key: &String| keys.kind(key).is_some();
    let (key, variable) = (key_of(name), name.to_owned());
    if is_known(&key) {
        return Ok(Setting { key, variable, value: Given::Text(value.to_owned()) });
    }
    let file_key = name.strip_suffix(FILE_SUFFIX).filter(|base| base.len() > PREFIX.len()).map(key_of).filter(is_known);
    match file_key {
        Some(key) if keys.is_secret(&key) => Ok(Setting { key, variable, value: Given::File(value.to_owned()) }),
        Some(key) => Err(Error::NotSecret { key, variable }),
        None => Err(Error::UnknownVariable { variable, nearest: keys.nearest_variable(name) }),
    }
}
