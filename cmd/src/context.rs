//! Finds the Aura that a command speaks to: the daemon's socket, or the data directory itself in this process.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aura::{
    api::{self, exit, exit_code_of},
    client::{Client, Transport},
    config::{self, Config, DataDirPlaces, Environment, Flag, Inputs, Loaded},
    daemon::{self, Embedded},
};
use secrecy::SecretString;

use crate::{cli::Global, commands::input, failure::Failure, ui::Ui};

/// What a command has to work with.
pub struct Context {
    /// How it speaks.
    pub ui: Ui,
    global: Global,
    embedded: Mutex<Option<Embedded>>,
    /// Everything is only tried out.
    tries_out: bool,
}

/// What to do when nobody listens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Work on the data directory in this process.
    Embed,
    /// The same, and make the directory if somebody named it.
    Create,
    /// The same, and make the directory.
    Found,
    /// Refuse: only a daemon can do it.
    Refuse,
}

impl Context {
    pub const fn new(ui: Ui, global: Global) -> Self {
        Self { ui, global, embedded: Mutex::new(None), tries_out: false }
    }

    /// The same, for a command that is only tried out.
    #[must_use]
    pub const fn trying_out(mut self, tries_out: bool) -> Self {
        self.tries_out = tries_out;
        self
    }

    /// The configuration, with the flags of every command and these on top.
    pub fn load(&self, mut flags: Vec<Flag>) -> Result<Loaded, Failure> {
        let Global { data_dir, config, .. } = self.global.clone();
        if let Some(dir) = data_dir {
            flags.push(Flag { key: "data_dir", flag: "--data-dir", value: dir.display().to_string() });
        }
        let folder = std::env::current_dir().map_err(|error| Failure::io("the current folder is not known", &error))?;
        let loaded = config::load(&Inputs { flags, file: config, environment: Environment::of_process(), folder })?;
        for warning in &loaded.warnings {
            self.ui.say(format!("warning: {warning}"));
        }
        Ok(loaded)
    }

    /// The daemon if one runs, else the data directory in this process.
    pub async fn client(&self) -> Result<Client, Failure> {
        self.find(Without::Embed).await
    }

    /// The same; makes the data directory if a flag, the environment or a file names it.
    pub async fn creating_client(&self) -> Result<Client, Failure> {
        self.find(Without::Create).await
    }

    /// The same; makes the data directory.
    pub async fn founding_client(&self) -> Result<Client, Failure> {
        self.find(Without::Found).await
    }

    /// The configuration and a data directory that is there, for what needs no key in it.
    pub fn directory(&self) -> Result<(Config, PathBuf), Failure> {
        let loaded = self.load(Vec::new())?;
        let data_dir = config::places(&loaded, &Environment::of_process())?.data_dir;
        check_directory(&data_dir, true, Without::Embed)?;
        Ok((loaded.config, data_dir))
    }

    /// The same on another data directory; closed by whoever asked for it.
    pub fn at(&self, data_dir: PathBuf) -> Self {
        Self::new(self.ui, Global { data_dir: Some(data_dir), ..self.global.clone() })
    }

    /// Where the data directory is or would be, and whether a flag, the environment or a file says so.
    pub fn data_dir_named(&self) -> Result<(PathBuf, bool), Failure> {
        let loaded = self.load(Vec::new())?;
        let places = config::places(&loaded, &Environment::of_process())?;
        Ok((places.data_dir, places.named))
    }

    /// The configuration file that is read, or would be.
    pub fn config_file(&self, loaded: &Loaded) -> Result<PathBuf, Failure> {
        let named = self.global.config.clone().or_else(|| loaded.file.clone());
        named.or_else(|| config::user_file(&Environment::of_process())).ok_or_else(|| {
            Failure::usage("there is no place for a configuration file").hint("Name one with `--config FILE`.")
        })
    }

    /// Where the data directory is or would be.
    pub fn data_dir(&self) -> Result<PathBuf, Failure> {
        let loaded = self.load(Vec::new())?;
        Ok(config::places(&loaded, &Environment::of_process())?.data_dir)
    }

    /// The same for a data directory that need not be there yet.
    pub fn directory_to_be(&self) -> Result<(Config, PathBuf), Failure> {
        let loaded = self.load(Vec::new())?;
        let data_dir = config::places(&loaded, &Environment::of_process())?.data_dir;
        check_directory(&data_dir, true, Without::Found)?;
        Ok((loaded.config, data_dir))
    }

    /// The running daemon, and nothing else.
    pub async fn daemon(&self) -> Result<Client, Failure> {
        self.find(Without::Refuse).await
    }

    /// Lets go of the data directory if this command holds it.
    pub async fn close(&self) -> Result<(), Failure> {
        let embedded = self.embedded.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(embedded) = embedded {
            embedded.close().await;
        }
        Ok(())
    }

    /// The key that says who asks, if one is shown.
    fn key(&self) -> Result<Option<SecretString>, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let file = self.global.key_file.clone();
        let key = match (file, set("AURA_KEY")) {
            (Some(file), _) => Some(input::secret(Some(&file), "")?),
            (None, Some(key)) => Some(key),
            (None, None) => match set("AURA_KEY_FILE") {
                Some(file) => Some(input::secret(Some(Path::new(&file)), "")?),
                None => None,
            },
        };
        Ok(key.map(|key| SecretString::from(key.trim())))
    }

    async fn find(&self, without: Without) -> Result<Client, Failure> {
        let client = self.find_any(without).await?;
        Ok(if self.tries_out { client.trying_out() } else { client })
    }

    async fn find_any(&self, without: Without) -> Result<Client, Failure> {
        let loaded = self.load(Vec::new())?;
        let DataDirPlaces { data_dir, named, sockets, .. } = config::places(&loaded, &Environment::of_process())?;
        let mut denied = None;
        let key = self.key()?;
        for socket in sockets {
            // Who shows a key wants to be that person, and nobody else's directory is worked on.
            if key.is_some() {
                let staff = config::staff_socket(&socket);
                if probe(&staff)? == Probe::Listens {
                    return Ok(Client::new(Transport::Staff { socket: staff, key }));
                }
                continue;
            }
            match probe(&socket)? {
                Probe::Nobody => {}
                Probe::OtherUser => {
                    let staff = config::staff_socket(&socket);
                    if probe(&staff)? == Probe::Listens {
                        return Ok(Client::new(Transport::Staff { socket: staff, key: None }));
                    }
                    denied = denied.or(Some(socket));
                }
                Probe::Listens => {
                    if self.ui.verbose || (!named && !socket.starts_with(&data_dir)) {
                        self.ui.say(format!("using the daemon at {}", socket.display()));
                    }
                    return Ok(Client::new(Transport::Socket(socket)));
                }
            }
        }
        if key.is_some() {
            let message = "no daemon with a staff's socket runs, and a key opens nothing else";
            let hint = "Name its directory with `--data-dir`; the operator sets `staff_group`.";
            return Err(Failure::new(exit::UNREACHABLE, "daemon_unreachable", message).hint(hint));
        }
        // Somebody else's daemon matters only to those who have no directory of their own.
        if let Some(socket) = denied.filter(|socket| socket.starts_with(&data_dir) || !data_dir.exists()) {
            return Err(other_user(format!("{} belongs to another user", socket.display())));
        }
        check_directory(&data_dir, named, without)?;
        if self.ui.verbose || !named {
            self.ui.say(format!("no daemon runs; working on {} directly", data_dir.display()));
        }
        let embedded =
            daemon::embed(loaded.config, &data_dir, matches!(without, Without::Create | Without::Found)).await?;
        let client = Client::new(Transport::InProcess(embedded.router.clone()));
        *self.embedded.lock().unwrap_or_else(PoisonError::into_inner) = Some(embedded);
        Ok(client)
    }
}

/// Who is behind a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    Nobody,
    Listens,
    OtherUser,
}

fn probe(socket: &Path) -> Result<Probe, Failure> {
    let Err(error) = UnixStream::connect(socket) else { return Ok(Probe::Listens) };
    match error.kind() {
        // A socket without a listener is what a killed daemon leaves behind.
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => Ok(Probe::Nobody),
        ErrorKind::PermissionDenied => Ok(Probe::OtherUser),
        ErrorKind::InvalidInput => {
            let message = format!("{} is too long for a socket's path", socket.display());
            Err(Failure::usage(message).hint("Name a shorter directory with `--data-dir`, or a symbolic link to it."))
        }
        _ => Err(Failure::io(format!("{} cannot be reached", socket.display()), &error)),
    }
}

fn check_directory(dir: &Path, named: bool, without: Without) -> Result<(), Failure> {
    let shown = dir.display();
    if without == Without::Refuse {
        let message = format!("no daemon runs on {shown}");
        return Err(Failure::new(exit::UNREACHABLE, "daemon_unreachable", message).hint("Start it with `aura serve`."));
    }
    match fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => Err(Failure::usage(format!("{shown} is not a directory"))),
        Ok(metadata) if metadata.uid() != rustix::process::geteuid().as_raw() => {
            Err(other_user(format!("{shown} belongs to another user")))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && named && without == Without::Create => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && without == Without::Found => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("no daemon runs, and there is no data directory {shown}");
            let hint = "Start one with `aura serve`, try `aura demo`, or name another directory with `--data-dir`.";
            Err(Failure::new(exit::UNREACHABLE, "no_installation", message).hint(hint))
        }
        Err(error) => Err(Failure::io(format!("{shown} cannot be read"), &error)),
    }
}

fn other_user(message: String) -> Failure {
    Failure::new(exit_code_of(api::ErrorKind::Credentials), "other_user", message)
        .hint("Run the command as that user, or name your own directory with `--data-dir`.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const SOCKET: &str = "aura.sock";

    #[test]
    fn a_socket_counts_only_while_somebody_listens() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let socket = dir.path().join(SOCKET);
        assert_eq!(probe(&socket).expect("nothing is there"), Probe::Nobody);
        let listener = UnixListener::bind(&socket).expect("bind");
        assert_eq!(probe(&socket).expect("it listens"), Probe::Listens);
        drop(listener);
        assert_eq!(probe(&socket).expect("it is dead"), Probe::Nobody);
        let long = dir.path().join("x".repeat(120));
        assert_eq!(probe(&long).expect_err("no socket has such a path").exit, exit::USAGE);
    }

    #[test]
    fn a_directory_is_made_only_when_somebody_named_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let missing = dir.path().join("missing");
        let code = |named, without| check_directory(&missing, named, without).err().map(|failure| failure.code);
        assert_eq!(code(true, Without::Create), None);
        assert_eq!(code(false, Without::Create).as_deref(), Some("no_installation"));
        assert_eq!(code(false, Without::Found), None);
        assert_eq!(code(true, Without::Embed).as_deref(), Some("no_installation"));
        assert_eq!(code(true, Without::Refuse).as_deref(), Some("daemon_unreachable"));
        assert!(check_directory(dir.path(), false, Without::Embed).is_ok());
    }
}
