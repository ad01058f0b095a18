//! Shows a daemon's socket where commands look that name no data directory.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        fs::{DirBuilderExt, symlink},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use crate::config::Environment;

/// A link to the socket; goes with the value.
#[derive(Debug)]
pub(super) struct Published {
    link: PathBuf,
    socket: PathBuf,
}

/// The folder of this user's or this service's running daemon: what systemd gives (`RuntimeDirectory=`), else the
/// user's own.
pub(super) fn folder(environment: &Environment) -> Option<PathBuf> {
    let given = environment.get("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()).map(PathBuf::from);
    let own = || environment.get("XDG_RUNTIME_DIR").map(|folder| Path::new(folder).join("aura"));
    given.or_else(own).filter(|folder| folder.is_absolute())
}

impl Published {
    /// Links `socket` into `folder`. `None` if another daemon that answers is shown there already.
    pub(super) fn at(folder: &Path, socket: &Path) -> io::Result<Option<Self>> {
        if !folder.exists() {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        let link = folder.join("aura.sock");
        if UnixStream::connect(&link).is_ok() {
            return Ok(None);
        }
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => symlink(socket, &link)?,
        }
        Ok(Some(Self { link, socket: socket.to_owned() }))
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if fs::read_link(&self.link).is_ok_and(|target| target == self.socket)
            && let Err(error) = fs::remove_file(&self.link)
        {
            tracing::debug!(%error, "the link to the socket was gone already");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_daemon_is_shown_while_it_lives_and_never_in_place_of_another() {
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, socket) = (dir.path().join("run"), dir.path().join("aura.sock"));
        let _listener = UnixListener::bind(&socket).expect("a socket");
        let published = Published::at(&folder, &socket).expect("no error").expect("nobody else is there");
        assert!(UnixStream::connect(folder.join("aura.sock")).is_ok());
        let second = dir.path().join("second.sock");
        assert!(Published::at(&folder, &second).expect("no error").is_none());
        drop(published);
        assert!(!folder.join("aura.sock").exists());
        symlink("/nowhere", folder.join("aura.sock")).expect("a dead link");
        assert!(Published::at(&folder, &socket).expect("no error").is_some());
    }

    #[test]
    fn what_systemd_gives_goes_before_the_users_own_folder() {
        let environment = |pairs: &[(&str, &str)]| -> Environment {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(folder(&environment(&[])), None);
        assert_eq!(folder(&environment(&[("XDG_RUNTIME_DIR", "/run/user/1")])), Some("/run/user/1/aura".into()));
        let both = [("XDG_RUNTIME_DIR", "/run/user/1"), ("RUNTIME_DIRECTORY", "/run/aura:/run/more")];
        assert_eq!(folder(&environment(&both)), Some("/run/aura".into()));
    }
}
