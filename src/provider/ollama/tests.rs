//! Ollama on the wire, byte for byte.

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        chat::{ChatAnswer, Content, Finish, Json, ResponseSchema, Role, ToolArgs, ToolChoice},
        embedding::{EmbeddingInput, EmbeddingRequest, EmbeddingTask},
    },
    net,
    provider::{
        ChatModel as _, Deadlines, Embedder as _, ErrorClass, ProviderError, TimeoutKind, collect,
        fixture::{self, FIND_ARGS, FIRST_REPLY, SECOND_REPLY, STOCK_ARGS, TRANSCRIPT},
        testing::{Answer, WireServer},
    },
};

const MODEL: &str = "qwen3.5:9b";
/// Long enough for loopback, short enough for a test.
const SHORT: Duration = Duration::from_millis(80);

fn ollama(server: &WireServer) -> Ollama {
    Ollama::new("ollama", &server.url, net::CONNECT_DEADLINE).expect("an address")
}

fn line(message: &str) -> String {
    format!(r#"{{"model":"{MODEL}","created_at":"2026-11-22T08:00:00Z","message":{message},"done":false}}"#) + "\n"
}

fn say(text: &str) -> String {
    line(&json!({"role": "assistant", "content": text}).to_string())
}

fn last(message: &str, reason: &str) -> String {
    format!(
        r#"{{"model":"{MODEL}","message":{message},"done":true,"done_reason":"{reason}","total_duration":5,"prompt_eval_count":900,"eval_count":40}}"#
    ) + "\n"
}

fn done(reason: &str) -> String {
    last(r#"{"role":"assistant","content":""}"#, reason)
}

/// Two calls as Ollama writes them: arguments as objects; here without ids, as older servers do.
fn calls(ids: bool) -> String {
    let id = |id: &str| if ids { format!(r#""id":"{id}","#) } else { String::new() };
    format!(
        r#"{{"role":"assistant","content":"","tool_calls":[{{{}"function":{{"index":0,"name":"find_products","arguments":{FIND_ARGS}}}}},{{{}"function":{{"name":"check_stock","arguments":{STOCK_ARGS}}}}}]}}"#,
        id("c1"),
        id("c2")
    )
}

async fn asked(answer: Answer) -> Result<ChatAnswer, ProviderError> {
    let server = WireServer::start([answer]).await;
    collect("ollama", ollama(&server).stream(&fixture::question(MODEL), Access::default())).await
}

async fn asked_lines(body: impl AsRef<str>) -> Result<ChatAnswer, ProviderError> {
    asked(Answer::ndjson(body.as_ref()).in_pieces_of(7)).await
}

async fn body_of(request: &ChatRequest) -> Value {
    let server = WireServer::start([Answer::json(200, done("stop"))]).await;
    ollama(&server).answer(request, Access::default()).await.expect("an answer");
    server.body()
}

#[tokio::test]
async fn the_conversation_is_the_same_streamed_in_any_pieces_and_not_streamed() {
    let cut = FIRST_REPLY.char_indices().nth(9).map_or(0, |(at, _)| at);
    let text = |text: &str| json!({"role": "assistant", "content": text}).to_string();
    for ids in [true, false] {
        let streamed = [
            // The last line says "stop", whatever came before it.
            line(&calls(ids)) + &done("stop"),
            line(r#"{"role":"assistant","content":"","thinking":"Let me see."}"#)
                + &say(&FIRST_REPLY[..cut])
                + "\r\n"
                + &say(&FIRST_REPLY[cut..])
                + &done("stop"),
            say(SECOND_REPLY) + done("stop").trim_end(),
        ];
        let whole = [last(&calls(ids), "stop"), last(&text(FIRST_REPLY), "stop"), last(&text(SECOND_REPLY), "stop")];
        for size in [1, 5, 100_000] {
            let server = WireServer::start(streamed.iter().map(|body| Answer::ndjson(body).in_pieces_of(size))).await;
            let (transcript, _) = fixture::converse(&ollama(&server), MODEL, Access::default(), true).await;
            assert_eq!(transcript, TRANSCRIPT, "{size}");
            assert_eq!(server.received()[0].line(), "POST /api/chat");
            if size == 1 && ids {
                insta::assert_json_snapshot!("ollama_conversation", server.received()[2].body);
            }
        }
        let server = WireServer::start(whole.iter().map(|body| Answer::json(200, body))).await;
        let (transcript, _) = fixture::converse(&ollama(&server), MODEL, Access::default(), false).await;
        assert_eq!(transcript, TRANSCRIPT);
        assert_eq!(server.received()[0].body["stream"], false);
        assert!(server.received()[0].header("authorization").is_none());
    }
}

#[tokio::test]
async fn the_context_is_always_said_and_what_must_not_be_called_is_not_offered() {
    let mut request = fixture::question("gpt-oss:20b");
    request.response_schema =
        Some(ResponseSchema { name: "reply".into(), schema: Json::from_text(r#"{"type":"object"}"#), strict: true });
    request.tool_choice = ToolChoice::Named("check_stock".into());
    let body = body_of(&request).await;
    assert_eq!(body["options"], json!({"num_ctx": Runtime::CONTEXT_TOKENS, "num_predict": 800}));
    assert_eq!(
        (&body["truncate"], &body["think"], &body["format"]),
        (&json!(false), &json!("low"), &json!({"type": "object"}))
    );
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    request.tool_choice = ToolChoice::None;
    assert!(body_of(&request).await.get("tools").is_none());
}

#[tokio::test]
async fn pictures_go_inside_and_an_address_is_only_mentioned() {
    let mut request = fixture::question(MODEL);
    assert_eq!(body_of(&request).await["messages"][1]["images"], json!(["/9j/"]));
    for part in &mut request.messages[0].parts {
        if let Content::Image(image) = &mut part.content {
            image.source = crate::domain::chat::ImageSource::Url("https://cdn.example/a.jpg".into());
        }
    }
    let message = body_of(&request).await["messages"][1].clone();
    assert!(message.get("images").is_none());
    assert_eq!(message["content"], "سلام! Is this still there?\n[picture]");
}

#[tokio::test]
async fn calls_are_understood_however_they_are_written() {
    let call = |function: Value| line(&json!({"tool_calls": [{"function": function}]}).to_string());
    let big = "پ".repeat(200_000);
    for (what, function, expected) in [
        ("an object", json!({"name": "f", "arguments": {"q": "👋🏽"}}), Ok(r#"{"q":"👋🏽"}"#.to_owned())),
        ("its text", json!({"name": "f", "arguments": "{\"q\":1}"}), Ok(r#"{"q":1}"#.to_owned())),
        ("nothing", json!({"name": "f"}), Ok("{}".to_owned())),
        ("null", json!({"name": "f", "arguments": null}), Ok("{}".to_owned())),
        ("huge", json!({"name": "f", "arguments": {"q": big}}), Ok(json!({"q": big}).to_string())),
        ("a list", json!({"name": "f", "arguments": [1]}), Err("[1]".to_owned())),
        ("no JSON", json!({"name": "f", "arguments": "{\"q\":"}), Err("{\"q\":".to_owned())),
    ] {
        let answer = asked(Answer::ndjson(&(call(function) + &done("stop"))).in_pieces_of(4_099)).await.expect(what);
        let call = answer.tool_calls().next().expect("a call");
        let found = match &call.args {
            ToolArgs::Object(json) => Ok(json.as_str().to_owned()),
            ToolArgs::Malformed(text) => Err(text.to_string()),
        };
        assert_eq!(found, expected, "{what}");
        assert_eq!((&*call.id, &answer.finish), ("aura_call_0", &Finish::ToolCalls), "{what}");
    }
}

#[tokio::test]
async fn an_answer_ends_with_done_or_not_at_all() {
    let missing = format!(r#"{{"model":"{MODEL}","done":true}}"#);
    for (what, body, expected) in [
        ("stop", say("Hi") + &done("stop"), Ok(Finish::Stop)),
        ("too long", say("Hi") + &done("length"), Ok(Finish::Length)),
        ("only loaded", done("load"), Ok(Finish::Other("load".into()))),
        ("without figures", say("Hi") + &missing, Ok(Finish::Stop)),
        ("cut off", say("Hi"), Err("cut_off")),
        ("nothing", String::new(), Err("cut_off")),
        ("half a line", say("Hi") + r#"{"model":"#, Err("not_json")),
        ("an error", say("Hi") + "{\"error\":\"llama runner process has terminated\"}\n", Err("")),
    ] {
        let answer = asked_lines(body).await;
        let found = answer.map(|answer| answer.finish).map_err(|error| error.code.unwrap_or_default());
        assert_eq!(found, expected.map_err(Into::into), "{what}");
    }
    let used = asked_lines(say("Hi") + &done("stop")).await.expect("an answer").usage.expect("figures");
    assert_eq!((used.input_total, used.output_total, used.served_model.as_deref()), (900, 40, Some(MODEL)));
    let none = asked_lines(say("Hi") + &missing).await.expect("an answer").usage;
    assert!(none.is_none(), "nothing is told, and nothing is free: {none:?}");
    let cached = missing.replace("}", r#","eval_count":3}"#);
    let cached = asked_lines(say("Hi") + &cached).await.expect("an answer").usage.expect("zero is left out");
    assert_eq!((cached.input_total, cached.output_total), (0, 3));
    let whole = asked(Answer::json(200, last(r#"{"content":"a secret"}"#, "stop"))).await.expect("an answer");
    assert!(!whole.usage.and_then(|used| used.raw).expect("figures").as_str().contains("secret"));
}

#[tokio::test]
async fn failures_say_what_can_be_done_wherever_they_come() {
    for (status, said, class, code) in [
        (404, "model 'x' not found, try pulling it first", ErrorClass::NotFound, Some("not_pulled")),
        (400, "registry.ollama.ai/library/x does not support tools", ErrorClass::Invalid, Some("no_tools")),
        (400, "\"x\" does not support thinking", ErrorClass::Invalid, Some("no_thinking")),
        (400, "the input length exceeds the context length", ErrorClass::TooLong, Some("context_length")),
        (
            503,
            "server busy, please try again. maximum pending requests exceeded",
            ErrorClass::Overloaded,
            Some("server_busy"),
        ),
        (
            500,
            "model requires more system memory (9 GiB) than is available",
            ErrorClass::Invalid,
            Some("out_of_memory"),
        ),
        (429, "slow down", ErrorClass::RateLimit, None),
        (402, "pay", ErrorClass::Billing, None),
        (502, "cloud", ErrorClass::Overloaded, None),
    ] {
        let body = json!({ "error": said }).to_string();
        let error = asked(Answer::json(status, &body)).await.expect_err("no success");
        assert_eq!((error.class, error.code.as_deref(), error.http), (class, code, Some(status)), "{said}");
        if status != 429 && status != 402 && status != 502 {
            // The same in the middle of an answer, behind HTTP 200.
            let error = asked_lines(say("Hel") + &body + "\n").await.expect_err("no success");
            assert_eq!((error.class, error.output_began), (class, true), "{said}");
        }
    }
    let error = asked(Answer::new(429, &[("retry-after", "3")]).then("{}")).await.expect_err("no success");
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
    let error = asked_lines(say("Hel") + "{\"error\":\"boom\"}").await.expect_err("no success");
    assert_eq!((error.class, error.output_began), (ErrorClass::Overloaded, true));
}

#[tokio::test]
async fn a_stall_is_given_up_before_the_first_token_and_in_the_middle() {
    let deadlines = Deadlines { first_token: SHORT, idle: SHORT, ..Deadlines::default() };
    for (answer, kind) in [
        (Answer::ndjson("").then_stall(), TimeoutKind::FirstToken),
        (Answer::ndjson(&say("Hel")).then_stall(), TimeoutKind::Idle),
    ] {
        let server = WireServer::start([answer]).await;
        let (ollama, request) = (ollama(&server), fixture::question(MODEL));
        let error = collect("ollama", ollama.stream(&request, Access { key: None, deadlines })).await;
        assert_eq!(error.expect_err("too slow").class, ErrorClass::Timeout(kind));
        server.client_has_gone().await;
    }
}

#[tokio::test]
async fn vectors_come_in_order_with_length_one_over_several_calls() {
    let many = json!({"model": "bge-m3", "embeddings": vec![[3.0, 4.0]; 64], "prompt_eval_count": 7}).to_string();
    let rest = json!({"embeddings": [[0.0, 2.0]]}).to_string();
    let server = WireServer::start([Answer::json(200, many), Answer::json(200, rest)]).await;
    let inputs = (0..65).map(|n| EmbeddingInput::text(format!("text {n}"))).collect();
    let request = EmbeddingRequest { model: "bge-m3".into(), dimension: 2, task: EmbeddingTask::Query, inputs };
    let answer = ollama(&server).embed(&request, Access::default()).await.expect("vectors");
    assert_eq!(
        (answer.vectors.len(), answer.vectors[0].as_slice(), answer.vectors[64].as_slice()),
        (65, &[0.6, 0.8][..], &[0.0, 1.0][..])
    );
    assert_eq!(answer.usage.map(|used| used.input_total), Some(7));
    let first = &server.received()[0];
    assert_eq!(
        (first.line(), &first.body["dimensions"], &first.body["truncate"]),
        ("POST /api/embed", &json!(2), &json!(false))
    );
    assert_eq!(server.received()[1].body["input"], json!(["text 64"]));
    for (body, code) in [
        (json!({"embeddings": [[1.0, 0.0]]}), "wrong_number_of_vectors"),
        (json!({"embeddings": vec![[1.0]; 64]}), "bad_vector"),
        (json!({"embedding": []}), "not_json"),
    ] {
        let server = WireServer::start([Answer::json(200, body.to_string())]).await;
        let error = ollama(&server).embed(&request, Access::default()).await.expect_err("no vectors");
        assert_eq!(error.code.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn what_is_there_is_listed_and_shown() {
    let tags = json!({"models": [{"name": MODEL, "model": MODEL, "size": 6_600_000_000_u64, "details": {"family": "qwen"}, "capabilities": ["tools"]}, {"name": "old"}]});
    let shown = json!({"capabilities": ["completion", "vision"], "model_info": {"qwen.context_length": 262_144, "qwen.embedding_length": 4_096}});
    let missing = json!({"error": "model 'x' not found"});
    let server = WireServer::start([
        Answer::json(200, tags.to_string()),
        Answer::json(200, shown.to_string()),
        Answer::json(404, missing.to_string()),
    ])
    .await;
    let ollama = ollama(&server);
    let models = ollama.models(Access::default()).await.expect("a list");
    assert_eq!((models[0].name.as_str(), models[0].size, models[0].capabilities.len()), (MODEL, 6_600_000_000, 1));
    assert_eq!((models[1].name.as_str(), models[1].size), ("old", 0));
    let details = ollama.show(MODEL, Access::default()).await.expect("details");
    assert_eq!((details.context_tokens, details.embedding_length), (Some(262_144), Some(4_096)));
    assert_eq!(details.capabilities, ["completion", "vision"]);
    assert_eq!(ollama.show("x", Access::default()).await.expect_err("missing").class, ErrorClass::NotFound);
    let lines: Vec<_> = server.received().iter().map(|request| request.line().to_owned()).collect();
    assert_eq!(lines, ["GET /api/tags", "POST /api/show", "POST /api/show"]);
}

#[tokio::test]
async fn a_pull_tells_how_far_it_is_over_all_layers_and_when_it_is_done() {
    let start = concat!(
        r#"{"status":"pulling manifest"}"#,
        "\n",
        r#"{"status":"pulling a","digest":"a","total":100}"#,
        "\n",
        r#"{"status":"pulling b","digest":"b","total":50,"completed":10}"#,
        "\n\n",
        r#"{"status":"pulling a","digest":"a","total":100,"completed":60}"#,
        "\n",
    );
    let pulled = async |end: &str| {
        let server = WireServer::start([Answer::ndjson(&format!("{start}{end}")).in_pieces_of(9)]).await;
        let ollama = ollama(&server);
        let items: Vec<_> = ollama.pull(MODEL, Access::default()).collect().await;
        assert_eq!(server.body(), json!({"model": MODEL, "stream": true}));
        items
    };
    let items = pulled("{\"status\":\"success\"}\n{\"status\":\"more\"}\n").await;
    let seen: Vec<_> = items.iter().map(|item| item.as_ref().map(|it| (it.completed, it.total, it.is_done))).collect();
    assert_eq!(
        seen,
        [Ok((0, 0, false)), Ok((0, 100, false)), Ok((10, 150, false)), Ok((70, 150, false)), Ok((70, 150, true))]
    );
    for (end, code) in [("", "cut_off"), ("{\"status\":", "not_json")] {
        let last = pulled(end).await.pop().expect("an item");
        assert_eq!(last.expect_err("not there").code.as_deref(), Some(code));
    }
    let refused = pulled("{\"error\":\"pull model manifest: file does not exist\"}\n").await.pop().expect("an item");
    assert!(refused.expect_err("not there").words.is_some_and(|words| words.expose().contains("does not exist")));
    let server = WireServer::start([Answer::json(404, r#"{"error":"no such thing"}"#)]).await;
    let items: Vec<_> = ollama(&server).pull("x", Access::default()).collect().await;
    assert!(matches!(&items[..], [Err(error)] if error.class == ErrorClass::NotFound));
}

#[test]
fn a_turn_of_thoughts_alone_is_not_said_again() {
    let thought = crate::domain::chat::Part::new(Content::Reasoning { text: Some("Hm.".into()), summary: None });
    let request = ChatRequest::new(MODEL, vec![crate::domain::chat::Message::new(Role::Assistant, [thought])]);
    let runtime = Runtime::default();
    let body = Writer { request: &request, runtime: &runtime, streams: false }.body();
    assert_eq!(serde_json::to_value(body).expect("JSON")["messages"], json!([]));
}
