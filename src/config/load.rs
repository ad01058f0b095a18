//! Joining the layers: default, file, environment, flag. Each value remembers where it came from.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Config, Environment, Error,
    environment::Given,
    file,
    keys::{self, Keys},
};

/// A secret in a file is read up to here; no secret of ours is longer.
const SECRET_FILE_BYTES_MAX: u64 = 16 * 1024;

/// A value given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its key, such as `data_dir`.
    pub key: &'static str,
    /// As the person wrote it, such as `--data-dir`.
    pub flag: &'static str,
    /// The value, as text.
    pub value: String,
}

/// Where a configuration is read from.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Values given on the command line.
    pub flags: Vec<Flag>,
    /// `--config`; `None`: the first of `./aura.toml`, the user's and the machine's that exists.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// The current folder.
    pub folder: PathBuf,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file.
    File {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A file that an environment variable names.
    SecretFile {
        /// The variable.
        variable: String,
        /// The file.
        path: PathBuf,
    },
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::SecretFile { variable, path } => write!(f, "{} ({variable})", path.display()),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A configuration with its history.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What a person should know, one sentence each.
    pub warnings: Vec<String>,
    origins: BTreeMap<String, Origin>,
}

/// One key as `aura config show` and `aura config sources` print it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// Its value; secrets are `***`, what is not set is null.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Loaded {
    /// Where a key's value came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// Every key, its value and where that came from.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        keys::flatten(&self.config)
            .into_iter()
            .map(|(key, value)| Entry { origin: self.origin(&key), key, value })
            .collect()
    }
}

type Layers = BTreeMap<String, (toml::Value, Origin)>;

/// Reads and joins the layers, and checks the result. Blocking.
pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
    let (mut layers, mut warnings, keys) = (Layers::new(), Vec::new(), Keys::all());
    let file = file::read(inputs.file.as_deref(), &inputs.folder, &inputs.environment)?;
    if let Some((path, text)) = &file {
        add_file(&mut layers, &mut warnings, &keys, path, text)?;
    }
    add_environment(&mut layers, &inputs.environment, &keys)?;
    for Flag { key, flag, value } in &inputs.flags {
        let origin = Origin::Flag(flag);
        let Some(kind) = keys.kind(key) else {
            return Err(Error::UnknownKey { key: (*key).into(), at: (*flag).into(), nearest: None });
        };
        layers.insert((*key).to_owned(), (parse_text(key, value, kind, &origin)?, origin));
    }
    let config = join(&layers, &keys)?;
    let origins: BTreeMap<_, _> = layers.into_iter().map(|(key, (_, origin))| (key, origin)).collect();
    config.check().map_err(|(key, reason)| {
        let at = origin_of(&origins, &key).to_string();
        Error::Invalid { key: key.into_owned(), at, reason }
    })?;
    Ok(Loaded { config, file: file.map(|(path, _)| path), warnings, origins })
}

/// Where a key was set; where it was not, and something of its section was, there.
fn origin_of<'a>(origins: &'a BTreeMap<String, Origin>, key: &str) -> &'a Origin {
    let section = key.rsplit_once('.').map(|(section, _)| format!("{section}."));
    let neighbour = || section.and_then(|section| origins.iter().find(|(other, _)| other.starts_with(&section)));
    origins.get(key).or_else(|| neighbour().map(|(_, origin)| origin)).unwrap_or(&Origin::Default)
}

fn add_file(
    layers: &mut Layers,
    warnings: &mut Vec<String>,
    keys: &Keys,
    path: &Path,
    text: &str,
) -> Result<(), Error> {
    for file::Setting { key, mut value, line } in file::parse(path, text)? {
        if let (true, Some(given)) = (key == "data_dir", value.as_str()) {
            let folder = path.parent().unwrap_or(Path::new(""));
            value = folder.join(given).to_string_lossy().into_owned().into();
        }
        if keys.is_secret(&key) && is_readable_by_others(path) {
            warnings.push(format!("{} holds `{key}` and can be read by other users: chmod 600 it", path.display()));
        }
        layers.insert(key, (value, Origin::File { path: path.to_owned(), line }));
    }
    Ok(())
}

fn is_readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o044 != 0)
}

fn add_environment(layers: &mut Layers, environment: &Environment, keys: &Keys) -> Result<(), Error> {
    let mut set_by: BTreeMap<String, String> = BTreeMap::new();
    for setting in environment.settings()? {
        let (key, variable) = (setting.key, setting.variable);
        if let Some(first) = set_by.insert(key.clone(), variable.clone()) {
            return Err(Error::Twice { key, first, second: variable });
        }
        let (text, origin) = match setting.value {
            Given::Text(text) => (text, Origin::Variable(variable)),
            Given::File(path) => {
                let path = PathBuf::from(path);
                (read_secret(&path, &variable)?, Origin::SecretFile { variable, path })
            }
        };
        let kind = keys.kind(&key).expect("the environment gives known keys only");
        let value = parse_text(&key, &text, kind, &origin)?;
        layers.insert(key, (value, origin));
    }
    Ok(())
}

fn read_secret(path: &Path, variable: &str) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), named_by: Some(variable.to_owned()), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > SECRET_FILE_BYTES_MAX {
        return Err(failed(std::io::Error::other(format!("{bytes} bytes are too many for a secret"))));
    }
    Ok(fs::read_to_string(path).map_err(failed)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// Text from a variable or a flag as the kind of value that the key takes.
fn parse_text(key: &str, text: &str, kind: &Value, origin: &Origin) -> Result<toml::Value, Error> {
    let toml_text = match kind {
        Value::Number(_) | Value::Bool(_) => format!("value = {text}"),
        Value::Array(_) if text.trim_start().starts_with('[') => format!("value = {text}"),
        Value::Array(_) => format!("value = [{text}]"),
        Value::Null | Value::String(_) | Value::Object(_) => return Ok(text.into()),
    };
    let parsed: Option<toml::Value> = toml::from_str::<toml::Table>(&toml_text)
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut t| t.remove("value"));
    parsed.ok_or_else(|| {
        let wanted = match kind {
            Value::Array(_) => "a list such as 1,2",
            Value::Bool(_) => "true or false",
            _ => "a number",
        };
        Error::Invalid { key: key.to_owned(), at: origin.to_string(), reason: format!("`{text}` is not {wanted}") }
    })
}

/// Makes one configuration of the layers. Each key is tried alone first, so that an error names its key and place.
fn join(layers: &Layers, keys: &Keys) -> Result<Config, Error> {
    let mut all = toml::Table::new();
    for (key, (value, origin)) in layers {
        let mut alone = toml::Table::new();
        insert(&mut alone, key, value.clone());
        if let Err(error) = Config::deserialize(alone) {
            // The parser quotes what it could not use.
            let is_secret = keys.is_secret(key);
            let reason = if is_secret { "not a text in quotes".into() } else { error.message().trim().to_owned() };
            return Err(Error::Invalid { key: key.clone(), at: origin.to_string(), reason });
        }
        insert(&mut all, key, value.clone());
    }
    Ok(Config::deserialize(all).expect("each key alone fits, and keys do not depend on each other"))
}

fn insert(table: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            insert(inner.as_table_mut().expect("a section is a table"), rest, value);
        }
    }
}

#[cfg(test)]
mod tests;
