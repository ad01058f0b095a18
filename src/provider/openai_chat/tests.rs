//! Compatible servers on the wire, byte for byte, in all their ways.

use std::{fmt::Write as _, time::Duration};

use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::chat::{
        ChatAnswer, Content, Effort, Finish, Image, ImageDetail, ImageSource, Json, Message, Part, ResponseSchema,
        ResultPart, Role, Sampling, ToolArgs, ToolChoice, ToolResult,
    },
    net,
    provider::{
        ChatModel as _, Deadlines, ErrorClass, ProviderError, TimeoutKind, collect,
        fixture::{self, FIND_ARGS, FIRST_REPLY, SECOND_REPLY, STOCK_ARGS, TRANSCRIPT},
        testing::{Answer, WireServer},
    },
};

const MODEL: &str = "qwen3.8-27b";
const USAGE: &str = r#"{"prompt_tokens":900,"completion_tokens":40,"total_tokens":940,"prompt_tokens_details":{"cached_tokens":512},"completion_tokens_details":{"reasoning_tokens":7}}"#;
/// Long enough for loopback, short enough for a test.
const SHORT: Duration = Duration::from_millis(80);

fn server_at(url: &str, compat: Compat) -> OpenAiChat {
    OpenAiChat::new("local", &format!("{url}/v1"), compat, net::CONNECT_DEADLINE).expect("an address")
}

fn event(body: &str) -> String {
    format!("data: {body}\n\n")
}

fn delta(delta: &str) -> String {
    event(&format!(
        r#"{{"id":"c1","object":"chat.completion.chunk","model":"{MODEL}","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null}}"#
    ))
}

fn finish(reason: &str) -> String {
    event(&format!(
        r#"{{"id":"c1","model":"{MODEL}","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
    ))
}

fn end() -> String {
    event(&format!(r#"{{"id":"c1","model":"{MODEL}","choices":[],"usage":{USAGE}}}"#)) + "data: [DONE]\n\n"
}

fn say(text: &str) -> String {
    delta(&json!({"content": text}).to_string())
}

/// A piece of a call.
fn call(index: Option<u32>, id: Option<&str>, name: Option<&str>, arguments: Value) -> String {
    let mut piece = json!({"type": "function", "function": {"arguments": arguments}});
    if let Some(index) = index {
        piece["index"] = index.into();
    }
    if let Some(id) = id {
        piece["id"] = id.into();
    }
    if let Some(name) = name {
        piece["function"]["name"] = name.into();
    }
    delta(&json!({"tool_calls": [piece]}).to_string())
}

async fn asked(answer: Answer) -> Result<ChatAnswer, ProviderError> {
    let server = WireServer::start([answer]).await;
    let request = fixture::question(MODEL);
    collect("local", server_at(&server.url, Compat::default()).stream(&request, Access::default())).await
}

async fn asked_sse(body: impl AsRef<str>) -> Result<ChatAnswer, ProviderError> {
    asked(Answer::sse(body.as_ref()).in_pieces_of(7)).await
}

/// The body that a request becomes.
async fn body_of(request: &ChatRequest, compat: Compat) -> Value {
    let server = WireServer::start([Answer::sse(&(say("ok") + &finish("stop") + &end()))]).await;
    collect("local", server_at(&server.url, compat).stream(request, Access::default())).await.expect("an answer");
    server.body()
}

fn calls(answer: &ChatAnswer) -> String {
    answer.tool_calls().fold(String::new(), |mut text, call| {
        write!(text, "{} {} {:?}; ", call.id, call.name, call.args).expect("a string takes everything");
        text
    })
}

#[tokio::test]
async fn the_conversation_is_the_same_streamed_in_any_pieces_and_not_streamed() {
    let (begin, rest) = FIND_ARGS.split_at(12);
    let cut = FIRST_REPLY.char_indices().nth(9).map_or(0, |(at, _)| at);
    let streamed = [
        delta(r#"{"role":"assistant","content":null}"#)
            + &call(Some(0), Some("call_1"), Some("find_products"), begin.into())
            + &call(Some(1), Some("call_2"), Some("check_stock"), "".into())
            + &call(Some(0), None, None, rest.into())
            + &call(Some(1), None, None, STOCK_ARGS.into())
            + &finish("tool_calls")
            + &end(),
        ": OPENROUTER PROCESSING\n\n".to_owned()
            + &delta(r#"{"role":"assistant","content":""}"#)
            + &delta(r#"{"reasoning_content":"Let me see."}"#)
            + &say(&FIRST_REPLY[..cut])
            + ": keep-alive\r\n\r\n"
            + &say(&FIRST_REPLY[cut..])
            + &finish("stop")
            + &end(),
        say(SECOND_REPLY) + &finish("stop") + &end(),
    ];
    let calls = json!([
        {"id": "call_1", "type": "function", "function": {"name": "find_products", "arguments": FIND_ARGS}},
        {"id": "call_2", "type": "function", "function": {"name": "check_stock", "arguments": STOCK_ARGS}},
    ]);
    let whole = |message: Value, reason: &str| {
        let usage: Value = serde_json::from_str(USAGE).expect("JSON");
        let choice = json!({"index": 0, "message": message, "finish_reason": reason});
        json!({"id": "c1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage})
            .to_string()
    };
    let wholes = [
        whole(json!({"role": "assistant", "content": null, "tool_calls": calls}), "tool_calls"),
        whole(json!({"role": "assistant", "content": FIRST_REPLY}), "stop"),
        whole(json!({"role": "assistant", "content": SECOND_REPLY}), "stop"),
    ];
    let key = SecretString::from("sk-test");
    let access = Access { key: Some(&key), ..Access::default() };
    for size in [1, 5, 100_000] {
        let server = WireServer::start(streamed.iter().map(|body| Answer::sse(body).in_pieces_of(size))).await;
        let model = server_at(&server.url, Compat::default());
        let (transcript, _) = fixture::converse(&model, MODEL, access, true).await;
        assert_eq!(transcript, TRANSCRIPT, "{size}");
        let received = server.received();
        assert_eq!(received[0].line(), "POST /v1/chat/completions");
        assert_eq!(received[0].header("authorization"), Some("Bearer sk-test"));
        if size == 1 {
            insta::assert_json_snapshot!("openai_chat_conversation", received[2].body);
        }
    }
    // Answered whole, and answered whole although a stream was asked for.
    for streams in [false, true] {
        let server = WireServer::start(wholes.iter().map(|body| Answer::json(200, body))).await;
        let model = server_at(&server.url, Compat::default());
        let (transcript, _) = fixture::converse(&model, MODEL, access, streams).await;
        assert_eq!(transcript, TRANSCRIPT);
        assert_eq!(server.received()[0].body["stream"], streams);
    }
}

#[tokio::test]
async fn each_server_is_asked_as_it_wants_to_be() {
    let mut request = fixture::question(MODEL);
    request.response_schema =
        Some(ResponseSchema { name: "reply".into(), schema: Json::from_text(r#"{"type":"object"}"#), strict: true });
    request.tool_choice = ToolChoice::Named("check_stock".into());
    request.sampling = Some(Sampling { temperature: Some(0.3), top_p: None, seed: Some(7) });
    request.stop = vec!["###".into()];
    let mut asked = serde_json::Map::new();
    for preset in presets() {
        let mut body = body_of(&request, preset.compat).await;
        for same in ["messages", "tools", "model"] {
            body.as_object_mut().expect("an object").remove(same);
        }
        asked.insert(preset.name.into(), body);
    }
    insta::assert_json_snapshot!("openai_chat_presets", asked);
}

#[tokio::test]
async fn a_server_that_takes_little_gets_little() {
    let least = Compat {
        system_role: SystemRole::Developer,
        supports_tool_choice: false,
        supports_stream_usage: false,
        schema_style: SchemaStyle::JsonObject,
        image_style: ImageStyle::None,
        reasoning_field: ReasoningField::None,
        effort_style: EffortStyle::ReasoningEffort,
        strip_fields: vec!["max_tokens".into(), "seed".into(), "absent".into()],
        ..Compat::default()
    };
    let mut request = fixture::question(MODEL);
    request.sampling = Some(Sampling { seed: Some(7), ..Sampling::default() });
    request.response_schema =
        Some(ResponseSchema { name: "reply".into(), schema: Json::from_text("{}"), strict: true });
    request.tool_choice = ToolChoice::Named("check_stock".into());
    let body = body_of(&request, least.clone()).await;
    assert_eq!(body["messages"][0]["role"], "developer");
    assert_eq!(body["messages"][1]["content"], "سلام! Is this still there?\n[picture]");
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1), "only the one that is named");
    assert_eq!((&body["reasoning_effort"], &body["response_format"]), (&json!("low"), &json!({"type": "json_object"})));
    for absent in ["tool_choice", "parallel_tool_calls", "stream_options", "max_tokens", "seed", "user"] {
        assert!(body.get(absent).is_none(), "{absent}: {body}");
    }
    request.tool_choice = ToolChoice::None;
    assert!(body_of(&request, least).await.get("tools").is_none(), "it cannot be told not to call them");
    let body = body_of(&request, Compat::default()).await;
    assert_eq!((body["tool_choice"].as_str(), body["tools"].as_array().map(Vec::len)), (Some("none"), Some(3)));
    request.tool_choice = ToolChoice::Allowed(vec!["hand_over".into()]);
    let body = body_of(&request, Compat::default()).await;
    assert_eq!((body["tool_choice"].as_str(), body["tools"].as_array().map(Vec::len)), (Some("required"), Some(1)));
}

#[tokio::test]
async fn pictures_go_by_address_only_where_that_is_taken_and_those_of_tools_follow_them() {
    let at = |url: &str| Image {
        source: ImageSource::Url(url.into()),
        mime: "image/jpeg".into(),
        detail: ImageDetail::Auto,
    };
    let result = ToolResult {
        call_id: "call 1".into(),
        name: "match_image".into(),
        parts: vec![ResultPart::Text("found".into()), ResultPart::Image(at("https://cdn.example/a.jpg"))],
        is_error: false,
    };
    let request = ChatRequest::new(
        MODEL,
        vec![
            Message::new(Role::User, [Part::new(Content::Image(at("https://cdn.example/b.jpg")))]),
            Message::new(
                Role::Tool,
                [Part::new(Content::ToolResult(result.clone())), Part::new(Content::ToolResult(result))],
            ),
        ],
    );
    let body = body_of(&request, Compat { image_style: ImageStyle::Url, ..Compat::default() }).await;
    let picture = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    assert_eq!(body["messages"][0]["content"], json!([picture("https://cdn.example/b.jpg")]));
    let roles: Vec<_> = (0..4).map(|at| body["messages"][at]["role"].as_str().unwrap_or_default()).collect();
    assert_eq!(roles, ["user", "tool", "tool", "user"], "results first, then all that is to be seen");
    assert_eq!(body["messages"][3]["content"].as_array().map(Vec::len), Some(2));
    assert!(body["messages"][1]["tool_call_id"].as_str().is_some_and(|id| !id.contains(' ')));
    let body = body_of(&request, Compat::default()).await;
    assert_eq!(body["messages"][0]["content"], "[picture]");
}

#[tokio::test]
async fn calls_are_understood_however_they_are_written() {
    let object: Value = serde_json::from_str(r#"{"q":"سلام 👋🏽"}"#).expect("JSON");
    let both = r#"aura_call_0 find Object({"q":1}); aura_call_1 stock Object({"id":2}); "#;
    for (what, body, expected) in [
        (
            "without ids",
            call(Some(0), None, Some("find"), r#"{"q""#.into())
                + &call(Some(0), None, None, ":1}".into())
                + &call(Some(1), None, Some("stock"), r#"{"id":2}"#.into()),
            both,
        ),
        (
            "without ids or places",
            call(None, None, Some("find"), r#"{"q""#.into())
                + &call(None, None, None, ":1}".into())
                + &call(None, None, Some("stock"), r#"{"id":2}"#.into()),
            both,
        ),
        (
            "all at the same place",
            call(Some(0), Some("a"), Some("find"), r#"{"q":1}"#.into())
                + &call(Some(0), Some("b"), Some("stock"), r#"{"id":2}"#.into()),
            r#"a find Object({"q":1}); b stock Object({"id":2}); "#,
        ),
        (
            "by id without places",
            call(None, Some("a"), Some("find"), "{".into())
                + &call(None, Some("b"), Some("stock"), "{}".into())
                + &call(None, Some("a"), None, "}".into()),
            "a find Object({}); b stock Object({}); ",
        ),
        (
            "the name with every piece",
            call(Some(0), Some("a"), Some("find"), "{".into()) + &call(Some(0), Some("a"), Some("find"), "}".into()),
            "a find Object({}); ",
        ),
        (
            "the id before the name",
            call(Some(0), Some("a"), None, "".into()) + &call(Some(0), None, Some("find"), "{}".into()),
            "a find Object({}); ",
        ),
        ("as an object", call(Some(0), Some("a"), Some("find"), object), r#"a find Object({"q":"سلام 👋🏽"}); "#),
        (
            "escaped twice",
            call(Some(0), Some("a"), Some("find"), r#""{\"q\":1}""#.into()),
            r#"a find Object({"q":1}); "#,
        ),
        ("without arguments", call(Some(0), Some("a"), Some("find"), Value::Null), "a find Object({}); "),
        ("with empty arguments", call(Some(0), Some("a"), Some("find"), "".into()), "a find Object({}); "),
        ("cut off", call(Some(0), Some("a"), Some("find"), r#"{"q":"#.into()), r#"a find Malformed("{\"q\":"); "#),
        ("as a list", call(Some(0), Some("a"), Some("find"), json!([1])), r#"a find Malformed("[1]"); "#),
        ("without a name", call(Some(0), Some("a"), None, "{}".into()), "a  Object({}); "),
    ] {
        // Whatever it says of its end.
        for reason in ["tool_calls", "stop", "function_call"] {
            let answer = asked_sse(body.clone() + &finish(reason) + &end()).await.expect(what);
            assert_eq!(calls(&answer), expected, "{what}");
            assert_eq!(answer.finish, Finish::ToolCalls, "{what}, {reason}");
        }
    }
}

#[tokio::test]
async fn huge_arguments_arrive_whole() {
    let text = "پ".repeat(300_000);
    let arguments = json!({ "q": text }).to_string();
    let pieces: String = arguments
        .chars()
        .collect::<Vec<_>>()
        .chunks(10_000)
        .map(|piece| call(Some(0), None, None, piece.iter().collect::<String>().into()))
        .collect();
    let body = call(Some(0), Some("a"), Some("find"), "".into()) + &pieces + &finish("tool_calls") + &end();
    let answer = asked(Answer::sse(&body).in_pieces_of(4_099)).await.expect("an answer");
    let call = answer.tool_calls().next().expect("a call");
    assert!(matches!(&call.args, ToolArgs::Object(json) if json.as_str() == arguments));
}

#[tokio::test]
async fn an_answer_ends_as_the_server_says_or_not_at_all() {
    let hello = say("Hello");
    let done = "data: [DONE]\n\n";
    for (what, body, expected) in [
        ("with its usage", hello.clone() + &finish("stop") + &end(), Ok(Finish::Stop)),
        ("without usage", hello.clone() + &finish("stop") + done, Ok(Finish::Stop)),
        ("without DONE", hello.clone() + &finish("stop"), Ok(Finish::Stop)),
        ("without a reason", hello.clone() + done, Ok(Finish::Stop)),
        ("without its last line end", (hello.clone() + &finish("stop") + done).trim_end().to_owned(), Ok(Finish::Stop)),
        ("too long", hello.clone() + &finish("length") + &end(), Ok(Finish::Length)),
        ("filtered", hello.clone() + &finish("content_filter") + &end(), Ok(Finish::ContentFilter)),
        ("refused", delta(r#"{"refusal":"No."}"#) + &finish("stop") + &end(), Ok(Finish::Refusal)),
        ("a new word", hello.clone() + &finish("tired") + &end(), Ok(Finish::Other("tired".into()))),
        ("calls that are none", finish("tool_calls") + &end(), Ok(Finish::MalformedToolCall)),
        ("cut off", hello.clone(), Err("cut_off")),
        ("nothing", done.to_owned(), Err("no_answer")),
        ("no choices", event(r#"{"id":"c1","choices":null}"#) + done, Err("no_answer")),
        ("no JSON", hello.clone() + "data: <html>\n\n", Err("not_json")),
        ("an error as its reason", hello + &finish("error") + &end(), Err("finish_error")),
    ] {
        let answer = asked_sse(body).await;
        let found = answer.map(|answer| answer.finish).map_err(|error| error.code.unwrap_or_default());
        assert_eq!(found, expected.map_err(Into::into), "{what}");
    }
}

#[tokio::test]
async fn usage_is_read_wherever_it_stands() {
    let hello = say("Hello") + &finish("stop");
    let done = "data: [DONE]\n\n";
    let figures = |answer: ChatAnswer| {
        answer.usage.map(|used| (used.input_total, used.input_cached, used.output_total, used.provider_cost_pico_usd))
    };
    let on_every_chunk = |count: u32| {
        event(&format!(
            r#"{{"model":"{MODEL}","choices":[{{"delta":{{"content":"x"}}}}],"usage":{{"prompt_tokens":9,"completion_tokens":{count}}}}}"#
        ))
    };
    for (what, body, expected) in [
        ("at the end", hello.clone() + &end(), Some((900, 512, 40, None))),
        ("nowhere", hello.clone() + done, None),
        ("null", hello.clone() + &event(r#"{"choices":[],"usage":null}"#) + done, None),
        (
            "zeros",
            hello.clone() + &event(r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#) + done,
            None,
        ),
        ("unreadable", hello.clone() + &event(r#"{"choices":[],"usage":[1]}"#) + done, None),
        ("on every chunk", on_every_chunk(1) + &on_every_chunk(2) + &finish("stop") + done, Some((9, 0, 2, None))),
        (
            "with its price",
            hello.clone()
                + &event(r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"cost":0.00014}}"#)
                + done,
            Some((9, 0, 4, Some(140_000_000))),
        ),
        (
            "in Groq's place",
            hello.clone()
                + &event(r#"{"choices":[],"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":4}}}"#)
                + done,
            Some((9, 0, 4, None)),
        ),
        (
            "in llama.cpp's place",
            hello + &event(r#"{"choices":[],"timings":{"cache_n":5,"prompt_n":4,"predicted_n":3}}"#) + done,
            Some((9, 5, 3, None)),
        ),
    ] {
        assert_eq!(figures(asked_sse(body).await.expect(what)), expected, "{what}");
    }
    let answer = asked_sse(say("x") + &finish("stop") + &end()).await.expect("an answer");
    let used = answer.usage.expect("usage");
    assert_eq!(
        (used.output_reasoning, used.served_model.as_deref(), answer.id.as_deref()),
        (7, Some(MODEL), Some("c1"))
    );
}

#[tokio::test]
async fn thoughts_are_read_from_the_field_that_the_server_uses_and_never_said_again() {
    let body = delta(r#"{"reasoning":"Hm. "}"#)
        + &delta(r#"{"reasoning_content":"Yes."}"#)
        + &say("Hi")
        + &finish("stop")
        + &end();
    let thoughts = async |reasoning_field| {
        let server = WireServer::start([Answer::sse(&body)]).await;
        let model = server_at(&server.url, Compat { reasoning_field, ..Compat::default() });
        let mut request = fixture::question(MODEL);
        let answer = collect("local", model.stream(&request, Access::default())).await.expect("an answer");
        let thoughts = answer.parts.iter().find_map(|part| match &part.content {
            Content::Reasoning { text, .. } => text.clone(),
            _ => None,
        });
        request.messages.push(answer.into_message());
        collect("local", model.stream(&request, Access::default())).await.expect("an answer");
        assert!(!server.received()[1].body["messages"].to_string().contains("Yes."));
        thoughts
    };
    assert_eq!(thoughts(ReasoningField::Reasoning).await.as_deref(), Some("Hm. Yes."));
    assert_eq!(thoughts(ReasoningField::None).await, None);
}

#[tokio::test]
async fn what_came_with_a_call_goes_back_with_it_to_the_same_model_and_key_only() {
    let piece = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "find", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2ln"}}}]});
    let server = WireServer::start([Answer::sse(&(delta(&piece.to_string()) + &finish("tool_calls") + &end()))]).await;
    let (model, key) = (server_at(&server.url, Compat::default()), SecretString::from("sk-1"));
    let mut request = fixture::question(MODEL);
    let access = Access { key: Some(&key), ..Access::default() };
    request.messages.push(collect("local", model.stream(&request, access)).await.expect("an answer").into_message());
    let other = ChatRequest { model: "other".into(), ..request.clone() };
    for (request, access) in [(&request, access), (&other, access), (&request, Access::default())] {
        collect("local", model.stream(request, access)).await.expect("an answer");
    }
    let back: Vec<_> =
        (1..4).map(|at| server.received()[at].body["messages"][2]["tool_calls"][0]["extra_content"].clone()).collect();
    assert_eq!(back, [json!({"google": {"thought_signature": "c2ln"}}), Value::Null, Value::Null]);
}

#[tokio::test]
async fn failures_say_what_can_be_done_wherever_they_come() {
    let late = |body: &str| say("Hel") + body;
    for (what, body, class, code) in [
        (
            "as an event",
            late("event: error\ndata: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n"),
            ErrorClass::RateLimit,
            None,
        ),
        (
            "OpenRouter's",
            late(&event(
                r#"{"id":"c1","error":{"code":502,"message":"bad gateway"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            )),
            ErrorClass::Overloaded,
            None,
        ),
        (
            "in a choice",
            late(&event(r#"{"choices":[{"error":{"code":402,"message":"credits"}}]}"#)),
            ErrorClass::Billing,
            None,
        ),
        (
            "vLLM's",
            late(&event(
                r#"{"object":"error","message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","code":400}"#,
            )),
            ErrorClass::TooLong,
            Some("BadRequestError"),
        ),
        ("a text", late(&event(r#"{"error":"out of memory"}"#)), ErrorClass::Overloaded, None),
    ] {
        let error = asked_sse(body).await.expect_err(what);
        assert_eq!((error.class, error.code.as_deref(), error.output_began), (class, code, true), "{what}");
    }
    // With HTTP 200 and a body that is no stream.
    let error = asked(Answer::json(200, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#)).await;
    assert_eq!(error.expect_err("an error").class, ErrorClass::Billing);
    let error = asked(Answer::json(200, "{}")).await.expect_err("nothing");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Protocol, Some("no_answer")));
    for (status, headers, body, class, wait) in [
        (429, vec![("retry-after", "7")], "{}", ErrorClass::RateLimit, Some(7_000)),
        (429, vec![("retry-after-ms", "1200")], "{}", ErrorClass::RateLimit, Some(1_200)),
        (429, vec![], r#"{"error":{"code":"insufficient_quota"}}"#, ErrorClass::Billing, None),
        (402, vec![], r#"{"error":{"code":402,"message":"no credits"}}"#, ErrorClass::Billing, None),
        (
            402,
            vec![("retry-after", "3")],
            r#"{"error":{"code":402,"message":"in flight"}}"#,
            ErrorClass::RateLimit,
            Some(3_000),
        ),
        (401, vec![], "Unauthorized", ErrorClass::Auth, None),
        (
            404,
            vec![],
            r#"{"object":"error","message":"The model `x` does not exist.","code":404}"#,
            ErrorClass::NotFound,
            None,
        ),
        (400, vec![], r#"{"error":"no such tool"}"#, ErrorClass::Invalid, None),
        (501, vec![], r#"{"error":{"code":501,"message":"not built with embeddings"}}"#, ErrorClass::Invalid, None),
        (498, vec![], "{}", ErrorClass::Overloaded, None),
        (503, vec![], "<html>", ErrorClass::Overloaded, None),
    ] {
        let error = asked(Answer::new(status, &headers).then(body)).await.expect_err("no success");
        let found = (error.class, error.retry_after.map(|wait| wait.as_millis()), error.http);
        assert_eq!(found, (class, wait, Some(status)), "{status} {body}");
    }
}

#[tokio::test]
async fn a_stall_is_given_up_before_the_first_token_and_in_the_middle() {
    let deadlines = Deadlines { first_token: SHORT, idle: SHORT, ..Deadlines::default() };
    for (answer, kind) in [
        (Answer::sse(": OPENROUTER PROCESSING\n\n").then_stall(), TimeoutKind::FirstToken),
        (Answer::sse(&say("Hel")).then_stall(), TimeoutKind::Idle),
    ] {
        let server = WireServer::start([answer]).await;
        let model = server_at(&server.url, Compat::default());
        let request = fixture::question(MODEL);
        let error = collect("local", model.stream(&request, Access { key: None, deadlines })).await;
        assert_eq!(error.expect_err("too slow").class, ErrorClass::Timeout(kind));
        server.client_has_gone().await;
    }
}

#[tokio::test]
async fn content_may_be_a_list_and_other_choices_are_left_alone() {
    let pieces = delta(r#"{"content":[{"type":"text","text":"سلا"},{"type":"text","text":"م 👋🏽"},{"type":"other"}]}"#);
    let second = event(r#"{"choices":[{"index":1,"delta":{"content":"another"}}]}"#);
    let answer = asked_sse(pieces + &second + &finish("stop") + &end()).await.expect("an answer");
    assert_eq!(answer.text(), "سلام 👋🏽");
}

#[test]
fn efforts_beyond_what_servers_share_are_taken_to_the_nearest() {
    let mut request = ChatRequest::new(MODEL, vec![]);
    request.effort = Some(Effort::Max);
    let compat = Compat { effort_style: EffortStyle::ReasoningObject, ..Compat::default() };
    let model = ModelRef::new("local", MODEL);
    let body = Writer { request: &request, compat: &compat, model: &model, endpoint: "", streams: false };
    assert_eq!(serde_json::to_value(body).expect("JSON")["reasoning"], json!({"effort": "high"}));
}

/// Run by `tests/real/litellm.sh`, against a server that is not ours.
#[tokio::test]
#[ignore = "needs a LiteLLM proxy: tests/real/litellm.sh"]
#[expect(clippy::print_stdout, reason = "whoever runs it wants to see what the server said")]
async fn a_real_server_that_is_not_ours_is_understood() {
    let url = std::env::var("AURA_REAL_SERVER").expect("the script says where it is");
    let model = OpenAiChat::new("litellm", &url, Compat::default(), net::CONNECT_DEADLINE).expect("an address");
    let key = SecretString::from("sk-aura-real");
    let access = Access { key: Some(&key), ..Access::default() };
    let question = fixture::question("canned");
    for streams in [false, true] {
        let answer = match streams {
            true => collect("litellm", model.stream(&question, access)).await,
            false => model.answer(&question, access).await,
        };
        let answer = answer.expect("canned text");
        assert_eq!((answer.text().as_str(), &answer.finish), (FIRST_REPLY, &Finish::Stop), "{streams}");
        assert!(answer.usage.as_ref().is_some_and(|used| used.output_total > 0), "{streams}: {answer:?}");
        assert!(answer.served_model.is_some() && answer.id.is_some(), "{streams}: {answer:?}");
        println!("streamed: {streams}, {:?} {:?}", answer.served_model, answer.usage);
    }
    // Keys are not tried: a proxy without a database answers 500 without one and 400 with a wrong one.
    for (name, class) in
        [("limited", ErrorClass::RateLimit), ("failing", ErrorClass::Overloaded), ("too-long", ErrorClass::TooLong)]
    {
        for streams in [false, true] {
            let request = ChatRequest::new(name, question.messages.clone());
            let answer = match streams {
                true => collect("litellm", model.stream(&request, access)).await,
                false => model.answer(&request, access).await,
            };
            let error = answer.expect_err(name);
            println!("{name}, streamed: {streams}: {error} {:?}", error.words.as_ref().map(|words| words.expose()));
            assert_eq!(error.class, class, "{name}, {streams}: {error:?}");
        }
    }
}
