//! Serves a router on TCP. Slow clients are cut off; requests in progress may end when the daemon stops.

use std::{io, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a client may take to send a request's head, and to begin the next one (facts: a server without it kept
/// half-sent heads open for more than 45 s).
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests in progress may take to end once the daemon stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long to wait when the system refuses a connection (out of file descriptors).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Headers of one request at most.
const HEADERS_MAX: usize = 100;

/// Serves `router` until `stop`; then accepts nothing more and lets requests in progress end.
pub async fn serve_tcp(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection was gone before it began");
                    continue;
                }
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT).max_headers(HEADERS_MAX);
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(graceful.watch(http.serve_connection(TokioIo::new(stream), service)));
            }
            Err(error) => refused(&error).await,
        }
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not end in time");
    }
    connections.shutdown().await;
}

async fn refused(error: &io::Error) {
    tracing::warn!(%error, "the listener refused a connection");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
