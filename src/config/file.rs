//! The configuration file: which one it is, and its keys with the lines they stand on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Environment, Error, keys::Keys};

/// The file's name wherever it is looked for by itself.
const NAME: &str = "aura.toml";
/// The machine's own.
const SYSTEM: &str = "/etc/aura/aura.toml";

/// A key as a file sets it.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: toml::Value,
    /// From 1.
    pub(super) line: usize,
}

/// Finds and reads the file: the named one, else the first there is. `None`: there is none.
pub(super) fn read(
    named: Option<&Path>,
    folder: &Path,
    environment: &Environment,
) -> Result<Option<(PathBuf, String)>, Error> {
    let unreadable = |path: &Path, named_by: Option<&str>, source| {
        Err(Error::Read { path: path.to_owned(), named_by: named_by.map(ToOwned::to_owned), source })
    };
    if let Some(path) = named {
        return match fs::read_to_string(path) {
            Ok(text) => Ok(Some((path.to_owned(), text))),
            Err(source) => unreadable(path, Some("--config"), source),
        };
    }
    for path in candidates(folder, environment) {
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((path, text))),
            // `NotADirectory`: a part of the path is a file, so there is no such file either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(source) => return unreadable(&path, None, source),
        }
    }
    Ok(None)
}

/// The user's own file, whether or not it is there.
#[must_use]
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    user.map(|user| user.join("aura").join(NAME))
}

/// `./aura.toml`, the user's, the machine's.
fn candidates(folder: &Path, environment: &Environment) -> Vec<PathBuf> {
    [Some(folder.join(NAME)), user_file(environment), Some(SYSTEM.into())].into_iter().flatten().collect()
}

/// The keys that a file sets.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Setting>, Error> {
    let line_at = |offset: usize| text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1;
    let syntax = |error: &toml::de::Error| Error::Syntax {
        path: path.to_owned(),
        line: line_at(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    };
    let spans = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let values: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
    let reader = Reader { path, keys: Keys::all(), line_at: &line_at };
    let mut found = Vec::new();
    reader.table("", spans.get_ref(), &values, &mut found)?;
    Ok(found)
}

struct Reader<'a> {
    path: &'a Path,
    keys: Keys,
    line_at: &'a dyn Fn(usize) -> usize,
}

impl Reader<'_> {
    /// Walks the table twice at once: `spans` knows the places, `values` the values.
    fn table(
        &self,
        prefix: &str,
        spans: &DeTable<'_>,
        values: &toml::Table,
        found: &mut Vec<Setting>,
    ) -> Result<(), Error> {
        for (name, span) in spans {
            let key =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let line = (self.line_at)(name.span().start);
            let Some(value) = values.get(name.get_ref().as_ref()) else { continue };
            if self.keys.kind(&key).is_some() {
                found.push(Setting { key, value: value.clone(), line });
                continue;
            }
            match (section_spans(span), value) {
                (Some(spans), toml::Value::Table(values)) if self.keys.is_section(&key) => {
                    self.table(&key, spans, values, found)?;
                }
                _ => return Err(self.unknown(key, line)),
            }
        }
        Ok(())
    }

    fn unknown(&self, key: String, line: usize) -> Error {
        let at = format!("{}:{line}", self.path.display());
        if self.keys.is_section(&key) {
            return Error::Invalid { key, at, reason: "this is a section, not a value".into() };
        }
        let nearest = self.keys.nearest(&key);
        Error::UnknownKey { key, at, nearest }
    }
}

fn section_spans<'a, 'i>(span: &'a Spanned<DeValue<'i>>) -> Option<&'a DeTable<'i>> {
    match span.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}
