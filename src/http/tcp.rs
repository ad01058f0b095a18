//! Serves a router on TCP. Slow clients are cut off; requests in progress may end when the daemon stops.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::Router;
use hyper::{Request, body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::patience::{Noticing, Patience};

/// How long requests in progress may take to end once the daemon stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long to wait when the system refuses a connection (out of file descriptors).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Headers of one request at most.
const HEADERS_MAX: usize = 100;

/// Who is at the other end of the connection; every request carries it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

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
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection was gone before it began");
                    continue;
                }
                connections.spawn(serve(stream, peer, router.clone(), &graceful));
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

/// One connection, until it ends or has kept us waiting too long.
fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let patience = Patience::new();
    let stream = Noticing { stream, patience: patience.clone() };
    let inner = TowerToHyperService::new(router);
    let service = {
        let patience = patience.clone();
        hyper::service::service_fn(move |mut request: Request<Incoming>| {
            patience.serving();
            request.extensions_mut().insert(Peer(peer.ip()));
            let (answer, patience) = (inner.call(request), patience.clone());
            async move {
                let answer = answer.await;
                patience.answered();
                answer
            }
        })
    };
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None).max_headers(HEADERS_MAX);
    let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            },
            () = patience.lost() => tracing::debug!("a connection was closed: its client kept us waiting"),
        }
    }
}

async fn refused(error: &io::Error) {
    tracing::warn!(%error, "the listener refused a connection");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
