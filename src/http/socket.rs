//! Serves a router on a Unix socket that only its owner can open, or a group as well.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::PeerUid;

/// Connections at once. The CLI and the monitor of one person use a handful.
const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send its request's head (facts: reliability §7).
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests in progress may take to end once the daemon stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait when the system refuses a connection (out of file descriptors).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Tells streams without end that the daemon stops.
#[derive(Clone, Debug)]
pub struct Stopping(CancellationToken);

impl Stopping {
    /// Returns when the daemon stops.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }
}

/// Serves `router` on a socket until `stop`; then lets requests in progress end, and removes the socket. A failing
/// connection is logged and ends alone.
pub async fn serve_socket(router: Router, socket: Socket, stop: CancellationToken) {
    let router = router.layer(Extension(Stopping(stop.clone())));
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&socket.listener, &permits) => accepted,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
        };
        match accepted {
            Ok((stream, permit)) => {
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
                let uid = stream.peer_cred().map(|peer| peer.uid());
                let peer = PeerUid(uid.inspect_err(|error| tracing::warn!(%error, "a socket says no user")).ok());
                let service = TowerToHyperService::new(router.clone().layer(Extension(peer)));
                let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
                connections.spawn(async move {
                    let _permit = permit;
                    connection.await
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the socket refused a connection");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(socket);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests on the socket did not end in time");
    }
    connections.shutdown().await;
}

async fn accept(
    listener: &UnixListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    listener.accept().await.map(|(stream, _)| (stream, permit))
}

fn report(ended: Result<Result<(), hyper::Error>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        // A client that goes away in the middle is ordinary: Ctrl-C in `aura tail`.
        Ok(Err(error)) => tracing::debug!(%error, "a connection on the socket broke off"),
        Err(error) => tracing::error!(%error, "a connection on the socket failed"),
    }
}

/// A listening socket, mode 0600 or for a group 0660, whose file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds under another name, narrows the mode, then renames: nobody ever sees it with a wider one. The caller holds
    /// the data directory's lock: a socket that is already there is a dead one and is replaced.
    ///
    /// # Errors
    /// When it cannot be made, or something that is no socket is in its place.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Self::bind_for(path, None)
    }

    /// The same, for the members of a group too.
    ///
    /// # Errors
    /// Also when the socket cannot be given to the group.
    pub fn bind_for(path: &Path, group: Option<u32>) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                let message = format!("{} is there and is not a socket", path.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut staged = path.as_os_str().to_owned();
        staged.push(".new");
        let staged = PathBuf::from(staged);
        match fs::remove_file(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&staged)?;
        fs::set_permissions(&staged, fs::Permissions::from_mode(0o600))?;
        if group.is_some() {
            std::os::unix::fs::chown(&staged, None, group)?;
            fs::set_permissions(&staged, fs::Permissions::from_mode(0o660))?;
        }
        fs::rename(&staged, path)?;
        Ok(Self { listener, path: path.to_owned() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket's file was gone already");
        }
    }
}
