//! The public listener alone, over an embedded store: what `aura bench` puts under load. Nothing dispatches or answers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Embedded, UuidV7};
use crate::http::{self, Draining};

/// What happens to a delivery before its 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepting {
    /// What the daemon does: the signature, then the journal.
    Durably,
    /// The signature only, to measure what the journal costs.
    Unstored,
}

/// A public listener on a free loopback port.
#[derive(Debug)]
pub struct Edge {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Embedded {
    /// Serves the public listener until [`Edge::close`].
    ///
    /// # Errors
    /// When no loopback port is free.
    pub async fn serve_edge(&self, accepting: Accepting) -> io::Result<Edge> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = match accepting {
            Accepting::Durably => http::public_router(self.app.clone(), Arc::new(UuidV7), Draining::default()),
            Accepting::Unstored => http::unstored_router(self.app.clone(), Arc::new(UuidV7)),
        };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(http::serve_tcp(listener, router, stop.clone()));
        Ok(Edge { address, stop, serving })
    }
}

impl Edge {
    /// Accepts nothing more and lets requests in progress end.
    pub async fn close(self) {
        self.stop.cancel();
        if let Err(failure) = self.serving.await
            && failure.is_panic()
        {
            std::panic::resume_unwind(failure.into_panic());
        }
    }
}
