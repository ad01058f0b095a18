//! Calls against a server whose every byte and pause is chosen here: what holds for all adapters.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header;

use super::*;
use crate::{
    domain::chat::Finish,
    net,
    provider::{
        Endpoint,
        telemetry::{CallInfo, GenAiFields, Operation},
        testing::{Answer, WireServer},
    },
};

const KEY: &str = "sk-live-123";

/// Long enough for loopback, short enough for a test.
const SHORT: Duration = Duration::from_millis(60);

/// Every frame is text; `END` is the end, `BAD` a failure.
struct Echo;

impl Decoder for Echo {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        match frame.data {
            "BAD" => return Err(ProviderError::new("x", ErrorClass::Overloaded).with_code("bad")),
            "END" => out.push(StreamEvent::Finish { reason: Finish::Stop, raw: None }),
            text => out.push(StreamEvent::TextDelta(text.into())),
        }
        Ok(())
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let text = std::str::from_utf8(body).expect("the tests send text");
        text.lines().try_for_each(|data| self.frame(Frame { name: "", data }, out))
    }

    fn end(&mut self, _: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn refused(&self, refused: &Refused) -> ProviderError {
        let mut error = refused.error("x");
        error.words = std::str::from_utf8(&refused.body).ok().map(crate::provider::Words::new);
        error
    }
}

struct Client {
    endpoint: Endpoint,
    key: SecretString,
    deadlines: Deadlines,
}

impl Client {
    fn new(url: &str) -> Self {
        let endpoint = Endpoint::new("x", url, net::CONNECT_DEADLINE).expect("an address");
        Self { endpoint, key: KEY.into(), deadlines: Deadlines::default() }
    }

    fn call(&self) -> Call<'_, Echo> {
        let access = Access { key: Some(&self.key), deadlines: self.deadlines };
        let post = self.endpoint.post(self.endpoint.url(&["ask"]), &"?");
        let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
        let span = CallSpan::begin(CallInfo {
            fields: GenAiFields::Off,
            operation: Operation::Chat,
            provider: "x",
            system: "x",
            host: "x",
            model: "m",
            streams: true,
        });
        Call { request: post, provider: "x", access, decoder: Echo, span }
    }

    /// All texts, and the failure if there is one.
    async fn read(&self, framing: Framing) -> (Vec<String>, Option<ProviderError>) {
        let mut stream = self.call().stream(framing);
        let (mut texts, mut failure) = (Vec::new(), None);
        while let Some(item) = stream.next().await {
            assert!(failure.is_none(), "nothing comes after a failure");
            match item {
                Ok(StreamEvent::TextDelta(text)) => texts.push(text),
                Ok(StreamEvent::Finish { .. }) => texts.push("END".into()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => failure = Some(error),
            }
        }
        (texts, failure)
    }
}

async fn read(framing: Framing, answer: Answer) -> (Vec<String>, Option<ProviderError>) {
    let server = WireServer::start([answer]).await;
    Client::new(&server.url).read(framing).await
}

#[tokio::test]
async fn frames_are_the_same_wherever_the_network_cuts() {
    let sse = ": keep-alive\r\n\r\ndata: سلام\r\n\r\nevent: x\ndata: 👋🏽 you\n\ndata: END\n\n";
    let lines = "سلام\r\n\n👋🏽 you\nEND";
    for size in [1, 2, 3, 7, 1_000] {
        for (framing, answer) in [(Framing::Sse, Answer::sse(sse)), (Framing::Lines, Answer::ndjson(lines))] {
            let (texts, failure) = read(framing, answer.in_pieces_of(size)).await;
            assert_eq!(texts, ["سلام", "👋🏽 you", "END"], "{framing:?} {size}");
            assert_eq!(failure, None);
        }
    }
}

#[tokio::test]
async fn what_comes_before_a_failure_is_given_first_wherever_the_network_cuts() {
    for size in [1, 1_000] {
        let (texts, failure) = read(Framing::Lines, Answer::ndjson("one\nBAD\ntwo\n").in_pieces_of(size)).await;
        assert_eq!(texts, ["one"]);
        let failure = failure.expect("a failure");
        assert_eq!((failure.code.as_deref(), failure.output_began), (Some("bad"), true));
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_its_end_was_cut_off() {
    let (texts, failure) = read(Framing::Sse, Answer::sse("data: one\n\n")).await;
    assert_eq!(texts, ["one"]);
    let failure = failure.expect("a failure");
    assert_eq!((failure.class, failure.code.as_deref()), (ErrorClass::Transport, Some("cut_off")));
    assert!(failure.output_began);
}

#[tokio::test]
async fn nothing_is_read_behind_the_end() {
    let server = WireServer::start([Answer::sse("data: END\n\ndata: more\n\n").then_stall()]).await;
    let (texts, failure) = Client::new(&server.url).read(Framing::Sse).await;
    assert_eq!((texts, failure), (vec!["END".to_owned()], None));
}

#[tokio::test]
async fn a_stream_that_comes_as_one_json_body_is_read_whole() {
    let (texts, failure) = read(Framing::Sse, Answer::json(200, "one\nEND")).await;
    assert_eq!((texts, failure), (vec!["one".to_owned(), "END".to_owned()], None));
    let (texts, failure) = read(Framing::Sse, Answer::json(200, "BAD")).await;
    assert!(texts.is_empty());
    assert!(!failure.expect("a failure").output_began);
}

#[tokio::test]
async fn a_refusal_has_status_hints_and_words_but_never_the_key() {
    let head = [("retry-after", "7"), ("x-should-retry", "true"), ("x-request-id", "req_1")];
    let server = WireServer::start([Answer::new(429, &head).then(format!("slow down, {KEY}"))]).await;
    let client = Client::new(&server.url);
    let (_, failure) = client.read(Framing::Sse).await;
    let streamed = failure.expect("a failure");
    assert_eq!(client.call().answer().await, Err(streamed.clone()));
    assert_eq!((streamed.class, streamed.http), (ErrorClass::RateLimit, Some(429)));
    assert_eq!(streamed.retry_after, Some(Duration::from_secs(7)));
    assert_eq!((streamed.should_retry, streamed.request_id.as_deref()), (Some(true), Some("req_1")));
    assert_eq!(streamed.words.as_ref().map(|words| words.expose()), Some("slow down, ***"));
    assert!(!format!("{streamed} {streamed:?}").contains(KEY));
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer sk-live-123"));
}

#[tokio::test]
async fn a_refusal_whose_body_never_ends_is_read_to_its_limit_only() {
    let endless = Answer::new(500, &[]).then("x".repeat(REFUSAL_BYTES_MAX + 1)).then_stall();
    let (_, failure) = read(Framing::Sse, endless).await;
    assert_eq!(failure.expect("a failure").http, Some(500));
}

#[tokio::test]
async fn each_wait_has_its_own_limit() {
    let stalled = |before: &str| Answer::sse(before).then_stall();
    let long = Duration::from_secs(10);
    let none = Deadlines { connect: long, first_token: long, idle: long, total: long };
    for (answer, deadlines, kind) in [
        (stalled(""), Deadlines { first_token: SHORT, ..none }, TimeoutKind::FirstToken),
        // A keep-alive is no token.
        (stalled(": alive\n\n"), Deadlines { first_token: SHORT, ..none }, TimeoutKind::FirstToken),
        (stalled("data: one\n\n"), Deadlines { idle: SHORT, ..none }, TimeoutKind::Idle),
        (stalled("data: one\n\n"), Deadlines { total: SHORT, ..none }, TimeoutKind::Total),
        (Answer::new(500, &[]).then_stall(), Deadlines { total: SHORT, ..none }, TimeoutKind::Total),
    ] {
        let is_refusal = format!("{answer:?}").contains("500 X");
        let server = WireServer::start([answer]).await;
        let client = Client { deadlines, ..Client::new(&server.url) };
        let (texts, failure) = client.read(Framing::Sse).await;
        let failure = failure.expect("a failure");
        // The status of a refusal has come, whatever becomes of its body.
        let expected = if is_refusal { ErrorClass::Overloaded } else { ErrorClass::Timeout(kind) };
        assert_eq!(failure.class, expected);
        assert_eq!(failure.output_began, !texts.is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_has_the_limit_of_the_whole_call_alone() {
    let server = WireServer::start([Answer::json(200, "one").then_stall()]).await;
    let deadlines =
        Deadlines { total: SHORT, first_token: Duration::ZERO, idle: Duration::ZERO, ..Deadlines::default() };
    let client = Client { deadlines, ..Client::new(&server.url) };
    let failure = client.call().answer().await.expect_err("it stalls");
    assert_eq!(failure.class, ErrorClass::Timeout(TimeoutKind::Total));
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let server = WireServer::start([Answer::sse("data: one\n\n").then_stall()]).await;
    let client = Client::new(&server.url);
    let mut stream = client.call().stream(Framing::Sse);
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::TextDelta(_)))));
    drop(stream);
    server.client_has_gone().await;
}

#[tokio::test]
async fn dropping_a_call_that_does_not_stream_closes_the_connection() {
    let server = WireServer::start([Answer::json(200, "one").then_stall()]).await;
    let client = Client::new(&server.url);
    let mut call = Box::pin(client.call().answer());
    tokio::select! {
        biased;
        _ = &mut call => panic!("the answer never ends"),
        () = server.has_been_asked() => {}
    }
    drop(call);
    server.client_has_gone().await;
}

#[tokio::test]
async fn a_host_that_takes_the_connection_and_says_nothing_is_given_up_at_the_limit_for_connecting() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    // TLS belongs to the connection, and nobody speaks it here.
    let url = format!("https://{}", listener.local_addr().expect("a bound socket has an address"));
    let endpoint = Endpoint::new("x", &url, SHORT).expect("an address");
    let (_, failure) = Client { endpoint, ..Client::new(&url) }.read(Framing::Sse).await;
    assert_eq!(failure.expect("a failure").class, ErrorClass::Timeout(TimeoutKind::Connect));
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_of_transport_that_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    drop(listener);
    let (_, failure) = Client::new(&url).read(Framing::Sse).await;
    let failure = failure.expect("a failure");
    assert_eq!((failure.class, failure.code.as_deref()), (ErrorClass::Transport, Some("connect")));
}

#[tokio::test]
async fn bytes_that_are_no_text_and_endless_lines_end_the_call() {
    let not_text = Answer::new(200, &[]).then(b"data: \xff\n\n");
    let (_, failure) = read(Framing::Sse, not_text).await;
    assert_eq!(failure.expect("a failure").code.as_deref(), Some("not_utf8"));
    let endless = Answer::new(200, &[]).then(vec![b'x'; LINE_BYTES_MAX + 1]).then_stall();
    let (_, failure) = read(Framing::Lines, endless).await;
    assert_eq!(failure.expect("a failure").code.as_deref(), Some("line_too_long"));
}

#[tokio::test]
async fn a_connection_whose_answer_was_read_is_used_again() {
    let body = "data: END\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = listener.accept().await.expect("a client");
        for _ in 0..2 {
            let mut request = Vec::new();
            while !request.ends_with(b"\"?\"") {
                request.push(socket.read_u8().await.expect("the same connection asks again"));
            }
            socket.write_all(answer.as_bytes()).await.expect("the client listens");
        }
    });
    // Another connection is never answered here.
    let deadlines = Deadlines { total: Duration::from_secs(2), ..Deadlines::default() };
    let client = Client { deadlines, ..Client::new(&url) };
    for _ in 0..2 {
        assert_eq!(client.read(Framing::Sse).await, (vec!["END".to_owned()], None));
    }
    server.await.expect("both came over one connection");
}
