//! How a request reaches the edge: over the daemon's socket, or by calling a router in this process.

use std::path::PathBuf;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::Error;
use crate::api::STAFF_KEY;

/// How a request reaches the edge.
#[derive(Clone, Debug)]
pub enum Transport {
    /// The daemon's socket; a connection a request, so that a long `tail` holds up nothing.
    Socket(PathBuf),
    /// The staff's socket, with the key that says who asks; without one, the user of this process does.
    Staff {
        /// Where it is.
        socket: PathBuf,
        /// The key.
        key: Option<SecretString>,
    },
    /// A router in this process.
    InProcess(Router),
}

impl Transport {
    /// Sends a request; the answer's body arrives as it is read.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        match self {
            Self::Socket(path) => {
                let unreachable = |source| Error::Unreachable { socket: path.clone(), source };
                let stream = UnixStream::connect(path).await.map_err(unreachable)?;
                over(stream, request).await
            }
            Self::Staff { socket, key } => {
                let mut request = request;
                if let Some(key) = key {
                    let mut value = HeaderValue::from_str(key.expose_secret()).map_err(Error::unwritable)?;
                    value.set_sensitive(true);
                    request.headers_mut().insert(STAFF_KEY, value);
                }
                let unreachable = |source| Error::Unreachable { socket: socket.clone(), source };
                let stream = UnixStream::connect(socket).await.map_err(unreachable)?;
                over(stream, request).await
            }
            Self::InProcess(router) => router.clone().oneshot(request).await.map_err(|never| match never {}),
        }
    }
}

async fn over(stream: UnixStream, request: Request<Body>) -> Result<Response<Body>, Error> {
    let broken = |error: hyper::Error| Error::Broken(error.into());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with the connection, which ends when the answer has been read or dropped. Its error reaches the request.
    tokio::spawn(async move { connection.await.map_err(|error| tracing::debug!(%error, "the connection broke off")) });
    sender.send_request(request).await.map(|response| response.map(Body::new)).map_err(broken)
}
