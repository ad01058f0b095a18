//! A provider on the wire, for tests: takes one request per connection, remembers it, and answers with raw bytes in
//! pieces whose borders the test chooses.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// What the server does with one connection, step by step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends these bytes at once, as a piece of their own.
    Send(Vec<u8>),
    /// Sends nothing more and keeps the connection open until the client leaves.
    Stall,
}

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    head: String,
    steps: Vec<Step>,
}

impl Answer {
    /// An answer with `status` and `headers`, whose body ends with the connection.
    pub(super) fn new(status: u16, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self { head: format!("{head}\r\n"), steps: Vec::new() }
    }

    /// An event stream.
    pub(super) fn sse(body: &str) -> Self {
        Self::new(200, &[("content-type", "text/event-stream")]).then(body)
    }

    /// Lines of JSON.
    pub(super) fn ndjson(body: &str) -> Self {
        Self::new(200, &[("content-type", "application/x-ndjson")]).then(body)
    }

    /// A whole answer.
    pub(super) fn json(status: u16, body: impl AsRef<str>) -> Self {
        Self::new(status, &[("content-type", "application/json")]).then(body.as_ref())
    }

    /// Then these bytes.
    pub(super) fn then(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    /// Then nothing for ever.
    pub(super) fn then_stall(mut self) -> Self {
        self.steps.push(Step::Stall);
        self
    }

    /// The same bytes in pieces of `size`.
    pub(super) fn in_pieces_of(mut self, size: usize) -> Self {
        let cut = |step| match step {
            Step::Send(bytes) => bytes.chunks(size).map(|piece| Step::Send(piece.to_vec())).collect(),
            Step::Stall => vec![Step::Stall],
        };
        self.steps = self.steps.into_iter().flat_map(cut).collect();
        self
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Method, path and headers, line by line.
    pub(super) head: String,
    /// The body.
    pub(super) body: Value,
}

impl Received {
    /// Method and path.
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A server that gives `answers`, one after another, and then the last one again.
#[derive(Debug)]
pub(super) struct WireServer {
    /// Its address, `http://127.0.0.1:PORT`.
    pub(super) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    /// One message for each request.
    asked: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    /// One message for each client that went away before its answer was complete.
    gone: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for WireServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl WireServer {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (asks, asked) = mpsc::unbounded_channel();
        let (went, gone) = mpsc::unbounded_channel();
        let seen = Arc::clone(&received);
        let task = tokio::spawn(async move {
            for number in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let answer = answers.get(number).or(answers.last()).cloned().expect("there is an answer");
                let (seen, asks, went) = (Arc::clone(&seen), asks.clone(), went.clone());
                tokio::spawn(async move {
                    if serve(socket, answer, &seen, &asks).await == Some(Left::Early) {
                        let _ = went.send(());
                    }
                });
            }
        });
        Self { url, received, asked: asked.into(), gone: gone.into(), task }
    }

    /// All requests up to now.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no test panics while it holds this").clone()
    }

    /// The body of the only request.
    pub(super) fn body(&self) -> Value {
        let received = self.received();
        assert_eq!(received.len(), 1, "one request");
        received[0].body.clone()
    }

    /// Waits until a whole request has come.
    pub(super) async fn has_been_asked(&self) {
        self.asked.lock().await.recv().await.expect("the server runs");
    }

    /// Waits until a client has left a stalled answer.
    pub(super) async fn client_has_gone(&self) {
        self.gone.lock().await.recv().await.expect("the server runs");
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// With the answer's end.
    AtTheEnd,
    /// The client went while the answer stood still.
    Early,
}

/// Serves one connection; `None` if the client left before it had asked or read everything.
async fn serve(
    mut socket: TcpStream,
    answer: Answer,
    received: &Mutex<Vec<Received>>,
    asks: &mpsc::UnboundedSender<()>,
) -> Option<Left> {
    socket.set_nodelay(true).expect("a TCP socket");
    let request = read(&mut socket).await?;
    received.lock().expect("no test panics while it holds this").push(request);
    // Nobody listens in tests that do not ask.
    let _ = asks.send(());
    socket.write_all(answer.head.as_bytes()).await.ok()?;
    for step in answer.steps {
        match step {
            Step::Send(bytes) => {
                socket.write_all(&bytes).await.ok()?;
                // The client may read this piece before the next is written.
                tokio::task::yield_now().await;
            }
            Step::Stall => {
                // Ends when the client closes; whether by FIN or by reset is the same.
                let _ = socket.read(&mut [0; 1]).await;
                return Some(Left::Early);
            }
        }
    }
    Some(Left::AtTheEnd)
}

/// Reads one request; `None` if the client leaves before its end.
async fn read(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("headers are text");
            let length = head.lines().filter_map(|line| line.split_once(": "));
            let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = length.map(|(_, value)| value.parse().expect("a length")).next().unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = &bytes[end + 4..end + 4 + length];
                let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).expect("JSON") };
                return Some(Received { head, body });
            }
        }
        match socket.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}
