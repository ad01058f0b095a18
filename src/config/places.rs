//! Where the data directory is, and where a running daemon may be found. Looks at nothing but its arguments, and at a link.

use std::path::{Path, PathBuf};

use super::{Environment, Error, Loaded, Origin};

/// The socket's name in whichever folder it is.
const SOCKET: &str = "aura.sock";
/// The staff's socket, beside it.
const STAFF_SOCKET: &str = "staff.sock";
/// Where a system service leaves its socket.
const SYSTEM_RUNTIME: &str = "/run/aura";

/// Where to look, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirPlaces {
    /// The data directory.
    pub data_dir: PathBuf,
    /// What decided it, for people: a flag, a variable, a file and line, or what the default came from.
    pub decided_by: String,
    /// Whether somebody named it; if not, only `serve`, `init` and `demo` create it.
    pub named: bool,
    /// Sockets of a daemon that may be running, in the order to try them.
    pub sockets: Vec<PathBuf>,
}

/// The staff's socket of the daemon whose operator's socket this is. A runtime folder holds a link to the latter.
#[must_use]
pub fn staff_socket(socket: &Path) -> PathBuf {
    let place = std::fs::read_link(socket).unwrap_or_else(|_| socket.to_owned());
    place.with_file_name(STAFF_SOCKET)
}

/// Decides by flag, environment, file, `$STATE_DIRECTORY`, then the user's XDG data folder.
///
/// A directory that somebody named is the only place to look for a daemon: another one that happens to run must not
/// answer for it.
///
/// # Errors
/// [`Error::NoDataDir`] when nothing decides.
pub fn places(loaded: &Loaded, environment: &Environment) -> Result<DataDirPlaces, Error> {
    if let Some(data_dir) = loaded.config.data_dir.clone() {
        let sockets = vec![data_dir.join(SOCKET)];
        let decided_by = match loaded.origin("data_dir") {
            Origin::Default => "the configuration".to_owned(),
            origin => origin.to_string(),
        };
        return Ok(DataDirPlaces { data_dir, decided_by, named: true, sockets });
    }
    let (data_dir, decided_by) = default_dir(environment).ok_or(Error::NoDataDir)?;
    let runtime = absolute(environment, "XDG_RUNTIME_DIR").map(|folder| folder.join("aura"));
    let sockets = runtime
        .into_iter()
        .chain([PathBuf::from(SYSTEM_RUNTIME), data_dir.clone()])
        .map(|folder| folder.join(SOCKET))
        .collect();
    Ok(DataDirPlaces { data_dir, decided_by: decided_by.to_owned(), named: false, sockets })
}

fn default_dir(environment: &Environment) -> Option<(PathBuf, &'static str)> {
    // Systemd separates several directories by colons; the first is ours.
    let state = environment.get("STATE_DIRECTORY").and_then(|list| list.split(':').next()).map(PathBuf::from);
    if let Some(state) = state.filter(|path| path.is_absolute()) {
        return Some((state, "STATE_DIRECTORY"));
    }
    absolute(environment, "XDG_DATA_HOME").map(|data| (data.join("aura"), "XDG_DATA_HOME")).or_else(|| {
        let home = absolute(environment, "HOME")?;
        Some((home.join(Path::new(".local/share/aura")), "the home directory"))
    })
}

/// The XDG rules: a relative path is as good as none.
fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flag, Inputs, load};

    fn decide(variables: &[(&str, &str)], flag: Option<&str>) -> Result<DataDirPlaces, Error> {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        // No file of this machine may decide: an empty one is named.
        let file = folder.path().join("empty.toml");
        std::fs::write(&file, "").expect("written");
        let flags = flag.map(|value| Flag { key: "data_dir", flag: "--data-dir", value: value.into() });
        let inputs = Inputs {
            flags: flags.into_iter().collect(),
            file: Some(file),
            environment: environment.clone(),
            folder: folder.path().to_owned(),
        };
        places(&load(&inputs).expect("loads"), &environment)
    }

    const ALL: &[(&str, &str)] = &[
        ("AURA_DATA_DIR", "/from/variable"),
        ("STATE_DIRECTORY", "/var/lib/aura:/var/lib/other"),
        ("XDG_DATA_HOME", "/home/ana/data"),
        ("HOME", "/home/ana"),
        ("XDG_RUNTIME_DIR", "/run/user/1000"),
    ];

    #[test]
    fn each_place_gives_way_to_the_one_before_it() {
        let dir = |from: usize, flag| {
            let places = decide(&ALL[from..], flag).expect("decided");
            (places.data_dir.display().to_string(), places.decided_by)
        };
        assert_eq!(dir(0, Some("/from/flag")), ("/from/flag".into(), "--data-dir".into()));
        assert_eq!(dir(0, None), ("/from/variable".into(), "AURA_DATA_DIR".into()));
        assert_eq!(dir(1, None), ("/var/lib/aura".into(), "STATE_DIRECTORY".into()));
        assert_eq!(dir(2, None), ("/home/ana/data/aura".into(), "XDG_DATA_HOME".into()));
        assert_eq!(dir(3, None), ("/home/ana/.local/share/aura".into(), "the home directory".into()));
        assert!(matches!(decide(&ALL[4..], None), Err(Error::NoDataDir)));
    }

    #[test]
    fn a_named_directory_is_the_only_place_to_look_for_a_daemon() {
        let named = decide(ALL, None).expect("decided");
        assert_eq!((named.named, named.sockets), (true, vec![PathBuf::from("/from/variable/aura.sock")]));
        let found = decide(&ALL[2..], None).expect("decided");
        let expected = ["/run/user/1000/aura/aura.sock", "/run/aura/aura.sock", "/home/ana/data/aura/aura.sock"];
        assert_eq!((found.named, found.sockets), (false, expected.map(PathBuf::from).to_vec()));
    }

    #[test]
    fn relative_folders_count_for_nothing() {
        let places = decide(&[("STATE_DIRECTORY", "aura"), ("XDG_DATA_HOME", "x"), ("HOME", "/h")], None);
        assert_eq!(places.expect("decided").data_dir, Path::new("/h/.local/share/aura"));
    }
}
