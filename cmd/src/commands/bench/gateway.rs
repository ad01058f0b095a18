//! `aura bench gateway`: what the way to a model adds to the model itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aura::{
    daemon::UuidV7,
    domain::{
        CallId, Ids,
        chat::{ChatRequest, Message, ModelRef, Role, StreamEvent},
    },
    net,
    provider::{
        Access, ChatModel, Deadlines,
        gateway::{Bound, Gateway, GatewaySettings, Key, KeyRing, NoMoney, Purse, Spent, Wish},
        openai_chat::{Compat, OpenAiChat},
    },
};
use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, FuturesUnordered},
};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, body::Frame, body::Incoming, header::CONTENT_TYPE, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{
    failed,
    report::{Figure, Percentiles, Report},
};
use crate::failure::Failure;

/// What the way to a model may add to a call, at the median, ms.
const OVERHEAD_MAX_MS: f64 = 0.2;
/// Calls a second that must get through, at least.
const CALLS_MIN: f64 = 8_000.0;
/// Calls that warm up and are not counted.
const WARM_UP: usize = 200;
/// The answer of the instant model.
const ANSWER: &str = r#"{"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Yes, the linen shirt is there in blue, size M."},"finish_reason":"stop"}],"usage":{"prompt_tokens":900,"completion_tokens":12,"total_tokens":912}}"#;
/// How long the streaming model thinks before its first token: long enough that everything is waiting for it.
const THINKS: Duration = Duration::from_millis(2);

/// Measure what the way to a model adds to the model itself
///
/// A model that answers at once listens on this machine. It is asked directly, by the same HTTP client, and through
/// the gateway, in turns of the same run: breakers, places, retries, reading and writing are in the difference, money is
/// not (a tenant's file takes two commits for it, `aura bench turn` has them). Then how long a first token takes from
/// the model's hand to ours.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench gateway
  aura bench gateway --calls 2000 --json")]
pub struct GatewayArgs {
    /// Calls of each kind
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    calls: u32,
    /// Calls under way at once, where the rate is measured
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    parallel: u32,
    /// First tokens to wait for
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    tokens: u32,
}

pub async fn run(report: &Report, args: GatewayArgs) -> Result<(), Failure> {
    let upstream = Upstream::start()?;
    let gate = Gate::to(upstream.address)?;
    let calls = args.calls as usize;
    for _ in 0..WARM_UP {
        gate.directly().await?;
        gate.through().await?;
    }
    // One after the other and in turns, so that whatever else this machine does meets both alike.
    let (mut bare, mut through) = (Vec::with_capacity(calls), Vec::with_capacity(calls));
    for _ in 0..calls {
        bare.push(timed(gate.directly()).await?);
        through.push(timed(gate.through()).await?);
    }
    let (bare, through) = (Percentiles::of(bare), Percentiles::of(through));
    let bare_rate = rate(calls, args.parallel, || gate.directly()).await?;
    let rate = rate(calls, args.parallel, || gate.through()).await?;
    let tokens = gate.first_tokens(args.tokens as usize, &upstream.sent).await?;
    report.add([
        Figure::new("call without the gateway, p50", bare.ms(0.50), "ms"),
        Figure::new("call through the gateway, p50", through.ms(0.50), "ms"),
        Figure::new("added, p50", through.ms(0.50) - bare.ms(0.50), "ms").at_most(OVERHEAD_MAX_MS),
        Figure::new("added, p99", through.ms(0.99) - bare.ms(0.99), "ms"),
        Figure::new("calls without the gateway", bare_rate, "/s"),
        Figure::new("calls through the gateway", rate, "/s").at_least(CALLS_MIN),
        Figure::new("first token, from the model to us, p50", tokens.ms(0.50), "ms"),
        Figure::new("first token, from the model to us, p99", tokens.ms(0.99), "ms"),
    ])
}

async fn timed(call: impl Future<Output = Result<(), Failure>>) -> Result<Duration, Failure> {
    let began = Instant::now();
    call.await?;
    Ok(began.elapsed())
}

/// Calls a second, so many at a time.
async fn rate<F: Future<Output = Result<(), Failure>>>(
    calls: usize,
    parallel: u32,
    call: impl Fn() -> F,
) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut under_way: FuturesUnordered<F> = (0..(parallel as usize).min(calls)).map(|_| call()).collect();
    let mut left = calls - under_way.len();
    while let Some(ended) = under_way.next().await {
        ended?;
        if left > 0 {
            left -= 1;
            under_way.push(call());
        }
    }
    Ok(calls as f64 / began.elapsed().as_secs_f64())
}

/// Both ways to the model.
struct Gate {
    client: HttpClient,
    url: String,
    body: Bytes,
    gateway: Gateway,
    model: OpenAiChat,
    route: [ModelRef; 1],
    request: ChatRequest,
}

impl Gate {
    fn to(address: SocketAddr) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| failed(format!("the model cannot be reached: {error}"));
        let base = format!("http://{address}/v1");
        let model = OpenAiChat::new("bench", &base, Compat::default(), Deadlines::CONNECT).map_err(|e| wrong(&e))?;
        let settings = GatewaySettings { streams: false, parallel: 1_000, ..GatewaySettings::default() };
        let gateway = Gateway::new([Arc::new(model.clone()) as Arc<dyn ChatModel>], settings);
        let question = "Hi! Do you have the linen shirt in blue, size M?";
        let mut request = ChatRequest::new("m", vec![Message::text(Role::User, question)]);
        request.system = Some("You answer for a shop. ".repeat(100));
        let body = serde_json::json!({ "model": "m", "messages": [
            { "role": "system", "content": request.system }, { "role": "user", "content": question } ] });
        Ok(Self {
            client: net::fixed_client().map_err(|e| wrong(&e))?,
            url: format!("{base}/chat/completions"),
            body: body.to_string().into(),
            gateway,
            model,
            route: [ModelRef::new("bench", "m")],
            request,
        })
    }

    async fn directly(&self) -> Result<(), Failure> {
        let wrong = |error: &dyn std::fmt::Display| failed(format!("a call failed: {error}"));
        let post = self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(self.body.clone());
        let answer = post.send().await.map_err(|e| wrong(&e))?.bytes().await.map_err(|e| wrong(&e))?;
        if answer.len() == ANSWER.len() { Ok(()) } else { Err(failed("the model answered something else")) }
    }

    async fn through(&self) -> Result<(), Failure> {
        let within = Duration::from_secs(30);
        let wish = Wish { route: &self.route, request: &self.request, within, keys: &NoKeys, purse: &FullPurse };
        let answered = self.gateway.answer(wish).await.map_err(|none| failed(none.to_string()))?;
        if answered.answer.text().is_empty() { Err(failed("the model answered nothing")) } else { Ok(()) }
    }

    /// From the moment at which the model lets go of its first token to the one at which we have it.
    async fn first_tokens(&self, count: usize, sent: &Sent) -> Result<Percentiles, Failure> {
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            let mut events = self.model.stream(&self.request, Access::default());
            while let Some(event) = events.next().await {
                let event = event.map_err(|error| failed(format!("a stream failed: {error}")))?;
                if matches!(event, StreamEvent::TextDelta(_)) {
                    took.push(sent.since());
                    break;
                }
            }
            // The rest is read, so that the connection is used again.
            while events.next().await.is_some() {}
        }
        if took.len() == count { Ok(Percentiles::of(took)) } else { Err(failed("a stream had no token")) }
    }
}

type HttpClient = aura::net::Client;

struct NoKeys;

impl KeyRing for NoKeys {
    fn key<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Key>> {
        async { Some(Key { secret: None, name: "none".into() }) }.boxed()
    }
}

/// Pays for everything and counts nothing.
struct FullPurse;

impl Purse for FullPurse {
    fn reserve<'a>(&'a self, _: &'a ModelRef, _: Bound) -> BoxFuture<'a, Result<CallId, NoMoney>> {
        async { Ok(CallId::next(&UuidV7 as &dyn Ids)) }.boxed()
    }

    fn settle<'a>(&'a self, _: CallId, _: &'a ModelRef, _: Spent) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }
}

/// When the model last let go of a first token: nanoseconds since the run began.
#[derive(Clone)]
struct Sent {
    began: Instant,
    nanos: Arc<AtomicU64>,
}

impl Sent {
    fn note(&self) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.store(nanos, Ordering::Release);
    }

    fn since(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_nanos(self.nanos.load(Ordering::Acquire)))
    }
}

/// A model that answers at once, on a thread of its own.
struct Upstream {
    address: SocketAddr,
    sent: Sent,
}

impl Upstream {
    fn start() -> Result<Self, Failure> {
        let wrong = |error: std::io::Error| failed(format!("the model cannot be started: {error}"));
        let sent = Sent { began: Instant::now(), nanos: Arc::default() };
        let socket = std::net::TcpListener::bind("127.0.0.1:0").map_err(wrong)?;
        socket.set_nonblocking(true).map_err(wrong)?;
        let address = socket.local_addr().map_err(wrong)?;
        let noted = sent.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrong)?;
        // It ends with the process: nothing is kept in it.
        let serve = move || {
            let failure = runtime.block_on(serve(socket, noted));
            eprintln!("the model of the measurement has ended: {failure}");
        };
        std::thread::Builder::new().name("bench-model".into()).spawn(serve).map_err(wrong)?;
        Ok(Self { address, sent })
    }
}

/// Serves until accepting fails.
async fn serve(socket: std::net::TcpListener, sent: Sent) -> std::io::Error {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => return error,
        };
        // Without it a small answer waits for an acknowledgement; where it cannot be set the figures show it.
        let _ = stream.set_nodelay(true);
        let sent = sent.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, sent.clone()));
            // A connection that breaks shows as a failed call on the other side.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    sent: Sent,
) -> Result<Response<UnsyncBoxBody<Bytes, std::convert::Infallible>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let streams = body.windows(13).any(|window| window == b"\"stream\":true");
    let (kind, body) = match streams {
        false => ("application/json", BodyExt::boxed_unsync(Full::new(Bytes::from_static(ANSWER.as_bytes())))),
        true => ("text/event-stream", BodyExt::boxed_unsync(StreamBody::new(tokens(sent)))),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    Ok(response)
}

/// A first token after some thought, and then the rest.
fn tokens(sent: Sent) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> {
    let chunk = |delta: &str, finish: &str| {
        let choice = format!(r#"{{"index":0,"delta":{{"content":"{delta}"}},"finish_reason":{finish}}}"#);
        Bytes::from(format!("data: {{\"id\":\"c1\",\"model\":\"m\",\"choices\":[{choice}]}}\n\n"))
    };
    let first = async move {
        tokio::time::sleep(THINKS).await;
        sent.note();
        chunk("Yes", "null")
    };
    let rest = [chunk(", it is.", "\"stop\""), Bytes::from_static(b"data: [DONE]\n\n")];
    stream::once(first).chain(stream::iter(rest)).map(|bytes| Ok(Frame::data(bytes)))
}
