//! Changing a few settings in a configuration file that somebody else wrote: everything else in it stays byte for byte.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use aura::config::{self, Environment, Inputs};

use super::init::folder_of;
use crate::failure::Failure;

/// A file with what is to be in it.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    changes: Vec<String>,
}

impl ConfigFile {
    /// What the file at `path` will hold with these top-level settings; it need not be there.
    pub fn with(path: PathBuf, settings: &[(&str, String)]) -> Result<Self, Failure> {
        let mut text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::io(format!("{} could not be read", path.display()), &error)),
        };
        let mut changes = Vec::new();
        for (key, value) in settings {
            let line = format!("{key} = {}", toml::Value::from(value.as_str()));
            text = set(&text, key, &line);
            changes.push(line);
        }
        Ok(Self { path, text, changes })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines that are set.
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// Writes it in one step, once it has been read as the daemon will read it.
    pub fn write(&self) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::io(format!("{} could not be written", self.path.display()), &error);
        let folder = folder_of(&self.path);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut draft =
            tempfile::Builder::new().prefix(".aura-config-").suffix(".toml").tempfile_in(folder).map_err(failed)?;
        draft.write_all(self.text.as_bytes()).map_err(failed)?;
        let inputs = Inputs {
            flags: Vec::new(),
            file: Some(draft.path().to_owned()),
            environment: Environment::default(),
            folder: folder.to_owned(),
        };
        config::load(&inputs)?;
        if let Ok(known) = fs::metadata(&self.path) {
            draft.as_file().set_permissions(known.permissions()).map_err(failed)?;
        }
        draft.as_file().sync_all().map_err(failed)?;
        draft.persist(&self.path).map(drop).map_err(|error| failed(error.error))
    }
}

/// The text with a top-level setting: in the place of the one there is, else before everything else that is set.
fn set(text: &str, key: &str, line: &str) -> String {
    let is_setting =
        |text: &str| text.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    let mut lines: Vec<&str> = text.lines().collect();
    let top = lines.iter().position(|line| line.trim_start().starts_with('[')).unwrap_or(lines.len());
    match lines[..top].iter().position(|line| is_setting(line)) {
        Some(at) => lines[at] = line,
        None => {
            let comments = lines.iter().take_while(|line| line.starts_with('#')).count();
            let at = if lines.get(comments).is_none_or(|line| line.trim().is_empty()) { comments } else { 0 };
            lines.insert(at, line);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_takes_its_own_place_or_the_first_and_nothing_else_changes() {
        let url = r#"public_url = "https://new.example""#;
        let set = |text: &str| set(text, "public_url", url);
        assert_eq!(set(""), format!("{url}\n"));
        assert_eq!(set("# mine\n\nworkers = 3\n"), format!("# mine\n{url}\n\nworkers = 3\n"));
        assert_eq!(
            set("workers = 3 # three\npublic_url=\"a\"\n[meta]\n"),
            format!("workers = 3 # three\n{url}\n[meta]\n")
        );
        assert_eq!(set("[meta]\npublic_url = \"not ours\"\n"), format!("{url}\n[meta]\npublic_url = \"not ours\"\n"));
        assert_eq!(set("#public_url = \"x\"\nworkers = 3\n"), format!("{url}\n#public_url = \"x\"\nworkers = 3\n"));
    }

    #[test]
    fn what_the_daemon_would_not_read_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/aura.toml");
        let good = ConfigFile::with(path.clone(), &[("public_url", "https://dm.example.com".into())]).expect("made");
        good.write().expect("written");
        let text = fs::read_to_string(&path).expect("read");
        assert_eq!(text, "public_url = \"https://dm.example.com\"\n");
        let bad = ConfigFile::with(path.clone(), &[("public_url", "no address".into())]).expect("made");
        assert_eq!(bad.write().expect_err("refused").exit, 2);
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
    }
}
