//! The load generator: keep-alive connections on threads of their own, so that it takes turns with the server only by
//! the kernel's leave.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aura::{domain::Timestamp, sim::payload};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::{failed, place::APP_SECRET, report::Percentiles};
use crate::failure::Failure;

/// The account that the deliveries are for.
pub const ACCOUNT: &str = "17841400000009999";

/// A delivery with its signature.
#[derive(Clone, Debug)]
struct Signed {
    header: HeaderName,
    signature: HeaderValue,
    body: Bytes,
}

/// Deliveries signed beforehand, each with an id of its own.
#[derive(Clone, Debug)]
pub struct Bodies(Arc<Vec<Signed>>);

impl Bodies {
    /// `count` text messages of about 400 bytes.
    pub fn make(count: usize) -> Result<Self, Failure> {
        (0..count).map(signed).collect::<Result<_, _>>().map(|bodies| Self(Arc::new(bodies)))
    }
}

fn signed(number: usize) -> Result<Signed, Failure> {
    let shopper = format!("9999{number:012}");
    let at = Timestamp(1_790_000_000_000);
    let mid = format!("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDAwMDAwMDA5OTk5OjM0MDI4MjM2Njg0MTcxMD{number:09}");
    let text = "Hi! Do you have the linen shirt in blue, size M? And could it be here before Friday?";
    let item = payload::text(payload::Of { account: ACCOUNT, shopper: &shopper, at }, &mid, text);
    let body = payload::body(&[payload::entry(ACCOUNT, at, vec![item])]);
    let (name, value) = payload::signature(&body, APP_SECRET);
    let signature = HeaderValue::from_str(&value).map_err(|_| failed("a signature is no header value"))?;
    Ok(Signed { header: HeaderName::from_static(name), signature, body: body.into() })
}

/// Where to send, how many at a time, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    /// Requests a second; `None`: as fast as they are answered.
    pub rate: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// 200s.
    pub accepted: usize,
    /// Anything else.
    pub refused: usize,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// From the moment a request was due (with a rate) or made, to its answer.
    pub latency: Percentiles,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.accepted as f64 / self.elapsed.as_secs_f64()
    }
}

impl Load {
    /// Sends every body once.
    pub async fn send(self, bodies: &Bodies) -> Result<Outcome, Failure> {
        let bodies = bodies.clone();
        let (done, outcome) = tokio::sync::oneshot::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("bench-load").enable_all().build();
            let outcome = runtime
                .map_err(|error| Failure::io("the load generator did not start", &error))
                .and_then(|runtime| runtime.block_on(self.run(bodies)));
            // Nobody waits any more when the measurement was interrupted.
            drop(done.send(outcome));
        };
        std::thread::Builder::new()
            .name("bench-load".into())
            .spawn(run)
            .map_err(|error| Failure::io("the load generator did not start", &error))?;
        outcome.await.map_err(|_| failed("the load generator ended early"))?
    }

    async fn run(self, bodies: Bodies) -> Result<Outcome, Failure> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            connections.push(self.connect().await?);
        }
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for connection in connections {
            let (bodies, next) = (bodies.clone(), Arc::clone(&next));
            let worker = Worker { connection, address: self.address, rate: self.rate, began };
            tasks.spawn(worker.run(bodies, next));
        }
        let (mut latencies, mut refused) = (Vec::with_capacity(bodies.0.len()), 0);
        while let Some(ended) = tasks.join_next().await {
            let (took, others) = ended.map_err(|error| failed(format!("a connection broke: {error}")))??;
            latencies.extend(took);
            refused += others;
        }
        let elapsed = began.elapsed();
        Ok(Outcome { accepted: latencies.len(), refused, elapsed, latency: Percentiles::of(latencies) })
    }

    async fn connect(self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = stream.map_err(|error| Failure::io("the server does not take connections", &error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Ends with its sender; what broke shows in the request that met it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

struct Worker {
    connection: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    rate: Option<f64>,
    began: Instant,
}

impl Worker {
    /// Takes bodies until there are none; what the accepted ones took, and how many were not.
    async fn run(mut self, bodies: Bodies, next: Arc<AtomicUsize>) -> Result<(Vec<Duration>, usize), Failure> {
        let host =
            HeaderValue::from_str(&self.address.to_string()).map_err(|_| failed("an address is no header value"))?;
        let (mut took, mut refused) = (Vec::new(), 0);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(signed) = bodies.0.get(number) else { return Ok((took, refused)) };
            let due = self.due(number).await;
            let request = Request::post("/webhooks/instagram")
                .header(HOST, host.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .header(signed.header.clone(), signed.signature.clone())
                .body(Full::new(signed.body.clone()))
                .map_err(|error| failed(format!("a request could not be made: {error}")))?;
            self.connection.ready().await.map_err(broken)?;
            let response = self.connection.send_request(request).await.map_err(broken)?;
            let status = response.status();
            response.into_body().collect().await.map_err(broken)?;
            match status.as_u16() {
                200 => took.push(due.elapsed()),
                _ => refused += 1,
            }
        }
    }

    /// Waits for the moment of a request. A late server does not make it later: its delay counts.
    async fn due(&self, number: usize) -> Instant {
        let Some(rate) = self.rate else { return Instant::now() };
        let due = self.began + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        due
    }
}

fn broken(error: hyper::Error) -> Failure {
    failed(format!("a connection to the server broke: {error}"))
}
