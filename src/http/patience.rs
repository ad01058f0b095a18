//! How long a connection may keep us waiting: briefly once a request's head has begun, longer between two requests.
//!
//! hyper has one timeout for both. A proxy keeps its connections for about a minute and is surprised when one that it has just
//! picked is closed; half-sent heads must not stay that long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, MissedTickBehavior, interval},
};

/// How long a client may take to send a request's head, the first one from the moment it connects (facts: a server
/// without it kept half-sent heads open for more than 45 s).
const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long it may rest between two requests: longer than the minute that proxies keep a connection.
const REST_MAX: Duration = Duration::from_secs(75);
/// How often a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a connection is doing, in the lower bits; the upper ones count changes, so that one look tells whether anything has
/// happened since the last one. Whoever serves requests reads no clock.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<AtomicU64>);

/// The head of a request is being sent.
const HEAD: u64 = 0;
/// A request is being served.
const SERVING: u64 = 1;
/// Nothing is under way.
const RESTING: u64 = 2;
const DOING: u64 = 3;
const CHANGE: u64 = 4;

impl Patience {
    /// A client has connected: a head is due.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(HEAD)))
    }

    fn now(&self, doing: u64) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store((before & !DOING).wrapping_add(CHANGE) | doing, Ordering::Relaxed);
    }

    /// A head has come whole.
    pub(super) fn serving(&self) {
        self.now(SERVING);
    }

    /// The answer is on its way.
    pub(super) fn answered(&self) {
        self.now(RESTING);
    }

    fn bytes(&self) {
        if self.0.load(Ordering::Relaxed) & DOING == RESTING {
            self.now(HEAD);
        }
    }

    /// Completes when the client has kept us waiting too long.
    pub(super) async fn lost(&self) {
        self.lost_after(HEAD_MAX, REST_MAX, LOOK_EVERY).await;
    }

    async fn lost_after(&self, head: Duration, rest: Duration, look: Duration) {
        let mut looks = interval(look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.0.load(Ordering::Relaxed);
        let mut since = Instant::now();
        loop {
            looks.tick().await;
            let now = self.0.load(Ordering::Relaxed);
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            let over = match now & DOING {
                HEAD => since.elapsed() >= head,
                RESTING => since.elapsed() >= rest,
                _ => false,
            };
            if over {
                return;
            }
        }
    }
}

/// A stream that notices when the next request begins.
#[derive(Debug)]
pub(super) struct Noticing<S> {
    pub(super) stream: S,
    pub(super) patience: Patience,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noticing<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.patience.bytes();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noticing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
