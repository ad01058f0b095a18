//! OpenAI's Responses API on the wire, byte for byte.

use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::chat::{
        ChatAnswer, Content, Effort, Finish, Image, ImageDetail, ImageSource, Json, Message, Part, ResponseSchema,
        ResultPart, Role, Sampling, ServiceTier, StreamEvent, ToolArgs, ToolCall, ToolChoice, ToolResult,
    },
    net,
    provider::{
        ChatModel as _, ErrorClass, ProviderError, collect,
        fixture::{self, FIND_ARGS, FIRST_REPLY, SECOND_REPLY, STOCK_ARGS, TRANSCRIPT},
        testing::{Answer, WireServer},
    },
};

const MODEL: &str = "gpt-6-luna";

fn openai(server: &WireServer) -> OpenAi {
    OpenAi::new("openai", &format!("{}/v1", server.url), net::CONNECT_DEADLINE).expect("an address")
}

fn key() -> SecretString {
    "sk-test".into()
}

fn with(key: &SecretString) -> Access<'_> {
    Access { key: Some(key), ..Access::default() }
}

/// One event, named twice as OpenAI does.
fn event(body: &Value) -> String {
    format!("event: {}\ndata: {body}\n\n", body["type"].as_str().unwrap_or("x"))
}

fn response(status: &str, output: &[Value]) -> Value {
    json!({
        "id": "resp_1", "object": "response", "model": "gpt-6-luna-2026-09-01", "status": status, "output": output,
        "error": null, "incomplete_details": null, "service_tier": "default",
        "usage": {
            "input_tokens": 900,
            "input_tokens_details": {"cached_tokens": 512, "cache_write_tokens": 100,
                "cache_write_tokens_details": {"ttl_30m_tokens": 60, "ttl_12h_tokens": 40}},
            "output_tokens": 160, "output_tokens_details": {"reasoning_tokens": 120}, "total_tokens": 1060,
        },
    })
}

fn reasoning() -> Value {
    json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA=="})
}

fn call(number: usize, name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"), "name": name,
        "arguments": arguments, "status": "completed"})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// The events of a stream that brings `output`, as OpenAI sends them.
fn stream_of(output: &[Value]) -> String {
    let mut body = event(&json!({"type": "response.created", "response": response("in_progress", &[])}));
    for (place, item) in output.iter().enumerate() {
        let mut begun = item.clone();
        match item["type"].as_str() {
            Some("function_call") => begun["arguments"] = "".into(),
            Some("message") => begun["content"] = json!([]),
            _ => begun["encrypted_content"] = "".into(),
        }
        body += &event(&json!({"type": "response.output_item.added", "output_index": place, "item": begun}));
        if let Some(arguments) = item["arguments"].as_str() {
            let (begin, end) = arguments.split_at(arguments.len().min(1));
            for delta in [begin, end] {
                body += &event(
                    &json!({"type": "response.function_call_arguments.delta", "output_index": place, "delta": delta}),
                );
            }
            body += &event(
                &json!({"type": "response.function_call_arguments.done", "output_index": place, "arguments": arguments}),
            );
        }
        if let Some(text) = item["content"][0]["text"].as_str() {
            body += ": keep-alive\n\n";
            for delta in text.split_inclusive(' ') {
                body += &event(&json!({"type": "response.output_text.delta", "output_index": place, "delta": delta}));
            }
            body += &event(&json!({"type": "response.output_text.done", "output_index": place, "text": text}));
        }
        body += &event(&json!({"type": "response.output_item.done", "output_index": place, "item": item}));
    }
    body + &event(&json!({"type": "response.completed", "response": response("completed", output)}))
}

async fn ask(answer: Answer, request: &ChatRequest) -> Result<ChatAnswer, ProviderError> {
    let server = WireServer::start([answer]).await;
    let (openai, key) = (openai(&server), key());
    collect("openai", openai.stream(request, with(&key))).await
}

async fn asked(answer: Answer) -> Result<ChatAnswer, ProviderError> {
    ask(answer, &fixture::question(MODEL)).await
}

async fn body_of(request: &ChatRequest) -> Value {
    let server = WireServer::start([Answer::json(200, response("completed", &[message("ok")]).to_string())]).await;
    let key = key();
    openai(&server).answer(request, with(&key)).await.expect("an answer");
    server.body()
}

fn conversation() -> [Vec<Value>; 3] {
    [
        vec![reasoning(), call(1, "find_products", FIND_ARGS), call(2, "check_stock", STOCK_ARGS)],
        vec![message(FIRST_REPLY)],
        vec![message(SECOND_REPLY)],
    ]
}

#[tokio::test]
async fn the_conversation_is_the_same_streamed_in_any_pieces_and_not_streamed() {
    let key = key();
    for size in [1, 5, 100_000] {
        let answers = conversation().map(|output| Answer::sse(&stream_of(&output)).in_pieces_of(size));
        let server = WireServer::start(answers).await;
        let (transcript, _) = fixture::converse(&openai(&server), MODEL, with(&key), true).await;
        assert_eq!(transcript, TRANSCRIPT, "{size}");
        if size == 1 {
            insta::assert_json_snapshot!("openai_conversation", server.received()[2].body);
        }
    }
    let answers = conversation().map(|output| Answer::json(200, response("completed", &output).to_string()));
    let server = WireServer::start(answers).await;
    let (transcript, _) = fixture::converse(&openai(&server), MODEL, with(&key), false).await;
    assert_eq!(transcript, TRANSCRIPT);
    let first = &server.received()[0];
    assert_eq!((first.line(), first.header("authorization")), ("POST /v1/responses", Some("Bearer sk-test")));
    assert_eq!(first.body["store"], false);
}

#[tokio::test]
async fn streamed_and_whole_answers_are_equal_to_the_last_field() {
    let mut thought = reasoning();
    thought["summary"] = json!([{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]);
    let output = [thought.clone(), message("Hello there"), call(1, "find_products", FIND_ARGS)];
    let mut streamed = stream_of(&output);
    let summary = |index: u64, delta: &str| {
        event(
            &json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": index, "delta": delta}),
        )
    };
    let done = event(&json!({"type": "response.output_item.done", "output_index": 0, "item": thought}));
    streamed = streamed.replacen(&done, &(summary(0, "o") + &summary(0, "ne") + &summary(1, "two") + &done), 1);
    let streamed = asked(Answer::sse(&streamed)).await.expect("an answer");
    let whole = asked(Answer::json(200, response("completed", &output).to_string())).await.expect("an answer");
    assert_eq!(streamed, whole);
    let summary = Content::Reasoning { text: None, summary: Some("one\n\ntwo".into()) };
    assert_eq!(streamed.parts[0].content, summary);
}

#[tokio::test]
async fn encrypted_reasoning_goes_back_to_its_own_model_and_key_only() {
    let output = [reasoning(), call(1, "find_products", "{}")];
    let server = WireServer::start([Answer::json(200, response("completed", &output).to_string())]).await;
    let (openai, ours, others) = (openai(&server), key(), SecretString::from("sk-other"));
    let mut request = fixture::question(MODEL);
    let answer = openai.answer(&request, with(&ours)).await.expect("an answer");
    request.messages.push(answer.into_message());
    let other = ChatRequest { model: "gpt-6.1-terra".into(), ..request.clone() };
    for (request, key) in [(&request, &ours), (&request, &others), (&other, &ours)] {
        openai.answer(request, with(key)).await.expect("an answer");
    }
    let input = |at: usize| server.received()[at].body["input"].clone();
    assert_eq!(input(1)[1], reasoning());
    for at in [2, 3] {
        assert_eq!(input(at)[1]["type"], "function_call");
    }
}

#[tokio::test]
async fn what_a_request_asks_for_is_said_in_openai_s_words() {
    let mut request = fixture::question(MODEL);
    request.sampling = Some(Sampling { temperature: Some(0.5), top_p: Some(0.9), seed: Some(7) });
    request.service_tier = Some(ServiceTier::Priority);
    request.tool_choice = ToolChoice::Allowed(vec!["find_products".into()]);
    request.parallel_tools = false;
    request.tools[0].strict = true;
    let schema = Json::from_text(r#"{"type":"object","properties":{}}"#);
    request.response_schema = Some(ResponseSchema { name: "reply text".into(), schema, strict: true });
    request.messages.push(Message::text(Role::System, "Be brief."));
    let made_up = ToolCall {
        id: "an id that no server takes".into(),
        provider_id: None,
        item_id: None,
        name: "default_api.find".into(),
        args: ToolArgs::Malformed("{\"q".into()),
        index: 0,
    };
    let picture = Image {
        source: ImageSource::Url("https://shop.example/1.jpg".into()),
        mime: "image/jpeg".into(),
        detail: ImageDetail::Auto,
    };
    let result = ToolResult {
        call_id: made_up.id.clone(),
        name: made_up.name.clone(),
        parts: vec![ResultPart::Text("seen".into()), ResultPart::Image(picture)],
        is_error: false,
    };
    let refusal = Part::new(Content::Refusal("No.".into()));
    request.messages.push(Message::new(
        Role::Assistant,
        [Part::text("Let me see."), Part::new(Content::ToolCall(made_up)), refusal],
    ));
    request.messages.push(Message::new(Role::Tool, [Part::new(Content::ToolResult(result))]));
    insta::assert_json_snapshot!("openai_request", body_of(&request).await);
}

#[tokio::test]
async fn models_that_do_not_think_are_not_told_to_and_take_randomness() {
    let mut request = fixture::question("gpt-4.1-mini");
    request.sampling = Some(Sampling { temperature: Some(0.5), top_p: None, seed: None });
    let body = body_of(&request).await;
    assert_eq!((&body["reasoning"], &body["include"], &body["temperature"]), (&Value::Null, &Value::Null, &json!(0.5)));
    request.model = MODEL.into();
    request.effort = Some(Effort::Off);
    let body = body_of(&request).await;
    assert_eq!((&body["reasoning"], &body["temperature"]), (&json!({"effort": "none"}), &json!(0.5)));
    request.effort = Some(Effort::Max);
    let body = body_of(&request).await;
    assert_eq!((&body["reasoning"], &body["temperature"]), (&json!({"effort": "high"}), &Value::Null));
    for (choice, expected) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
        (ToolChoice::Named("check_stock".into()), json!({"type": "function", "name": "check_stock"})),
    ] {
        request.tool_choice = choice;
        assert_eq!(body_of(&request).await["tool_choice"], expected);
    }
}

#[tokio::test]
async fn usage_has_every_figure_and_may_be_missing() {
    let usage = asked(Answer::sse(&stream_of(&[message("x")]))).await.expect("an answer").usage.expect("a usage");
    assert_eq!((usage.input_total, usage.input_cached), (900, 512));
    assert_eq!((usage.input_cache_write_30m, usage.input_cache_write_12h), (60, 40));
    assert_eq!((usage.output_total, usage.output_reasoning), (160, 120));
    assert_eq!(usage.served_model.as_deref(), Some("gpt-6-luna-2026-09-01"));
    for (usage, input) in
        [(Value::Null, None), (json!("?"), None), (json!({"input_tokens": 7, "input_tokens_details": null}), Some(7))]
    {
        let mut last = response("completed", &[message("x")]);
        last["usage"] = usage;
        let body = event(&json!({"type": "response.completed", "response": last}));
        let found = asked(Answer::sse(&body)).await.expect("an answer").usage;
        assert_eq!(found.map(|usage| usage.input_total), input);
    }
}

#[tokio::test]
async fn every_way_to_end_has_a_meaning_and_unknown_ones_are_kept() {
    let refused = json!({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]});
    for (status, because, item, finish) in [
        ("completed", Value::Null, message("x"), Finish::Stop),
        ("completed", Value::Null, call(1, "f", "{}"), Finish::ToolCalls),
        ("completed", Value::Null, refused, Finish::Refusal),
        ("incomplete", json!({"reason": "max_output_tokens"}), message("x"), Finish::Length),
        ("incomplete", json!({"reason": "content_filter"}), message("x"), Finish::ContentFilter),
        ("incomplete", json!({"reason": "brand_new"}), message("x"), Finish::Other("brand_new".into())),
        ("cancelled", Value::Null, message("x"), Finish::Error),
        ("brand_new", Value::Null, message("x"), Finish::Other("brand_new".into())),
    ] {
        let mut last = response(status, &[item]);
        last["incomplete_details"] = because;
        let answer = asked(Answer::json(200, last.to_string())).await.expect("an answer");
        assert_eq!(answer.finish, finish);
    }
}

#[tokio::test]
async fn calls_without_ids_or_a_beginning_are_calls_all_the_same() {
    let odd = json!({"type": "function_call", "name": "find_products", "arguments": "{\"q\":"});
    let body = event(&json!({"type": "response.output_item.done", "output_index": 3, "item": odd}))
        + &event(
            &json!({"type": "response.brand_new", "delta": {"not": "text"}})
                .to_string()
                .parse::<Value>()
                .expect("JSON"),
        )
        + &event(&json!({"type": "response.completed", "response": response("completed", std::slice::from_ref(&odd))}));
    // An event of an unknown type may have fields of any type.
    let answer = asked(Answer::sse(&body)).await.expect("an answer");
    let calls: Vec<_> = answer.tool_calls().map(|call| (&*call.id, call.args.clone())).collect();
    assert_eq!(calls, [("aura_call_0", ToolArgs::Malformed("{\"q\":".into()))]);
}

#[tokio::test]
async fn huge_arguments_come_through_whole() {
    let arguments = json!({"query": "پ".repeat(500_000)}).to_string();
    let answer = asked(Answer::sse(&stream_of(&[call(1, "find_products", &arguments)])).in_pieces_of(65_537)).await;
    assert_eq!(answer.expect("an answer").tool_calls().next().expect("a call").args.raw(), arguments);
}

#[tokio::test]
async fn failures_in_the_middle_are_failures_in_each_of_their_forms() {
    let begin = event(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"}));
    let mut failed = response("failed", &[]);
    failed["error"] = json!({"code": "server_error", "message": "?"});
    for (body, class) in [
        (
            event(&json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": null})),
            ErrorClass::RateLimit,
        ),
        (event(&json!({"type": "error", "error": {"code": "server_error", "message": "?"}})), ErrorClass::Overloaded),
        (event(&json!({"type": "response.failed", "response": failed})), ErrorClass::Overloaded),
        ("data: {\"error\":{\"message\":\"?\",\"code\":503}}\n\n".to_owned(), ErrorClass::Overloaded),
        ("data: {\"type\":\n\n".to_owned(), ErrorClass::Protocol),
        (String::new(), ErrorClass::Transport),
    ] {
        let error = asked(Answer::sse(&(begin.clone() + &body))).await.expect_err("a failure");
        assert_eq!((error.class, error.output_began), (class, true), "{body}");
    }
    let error = asked(Answer::json(200, r#"{"error":{"message":"credits","code":402}}"#)).await.expect_err("a failure");
    assert_eq!((error.class, error.http, error.output_began), (ErrorClass::Billing, Some(402), false));
}

#[tokio::test]
async fn refusals_say_what_can_be_done_about_them() {
    let money = json!({"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted", "message": "?"}})
        .to_string();
    let limit =
        json!({"error": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "?"}}).to_string();
    let second = Duration::from_secs(1);
    for (status, headers, body, class, retry_after) in [
        (429, &[("retry-after", "1")][..], &*limit, ErrorClass::RateLimit, Some(second)),
        (429, &[("retry-after-ms", "1000"), ("retry-after", "9")], &limit, ErrorClass::RateLimit, Some(second)),
        (
            429,
            &[("retry-after", "Sun, 22 Nov 2026 10:00:01 GMT"), ("date", "Sun, 22 Nov 2026 10:00:00 GMT")],
            &limit,
            ErrorClass::RateLimit,
            Some(second),
        ),
        (429, &[("x-should-retry", "false")], &limit, ErrorClass::RateLimit, None),
        (429, &[], &money, ErrorClass::Billing, None),
        (401, &[], "{}", ErrorClass::Auth, None),
        (402, &[], "", ErrorClass::Billing, None),
        (500, &[], "<html>", ErrorClass::Overloaded, None),
        (503, &[], r#"{"error":{"code":"server_is_overloaded"}}"#, ErrorClass::Overloaded, None),
    ] {
        let error = asked(Answer::new(status, headers).then(body)).await.expect_err("a refusal");
        assert_eq!((error.class, error.retry_after), (class, retry_after), "{status} {body}");
        let may_retry =
            matches!(class, ErrorClass::RateLimit | ErrorClass::Overloaded) && error.should_retry != Some(false);
        assert_eq!(error.is_retryable(), may_retry);
    }
}

#[tokio::test]
async fn the_first_items_arrive_before_the_last_are_written() {
    let begin = event(&json!({"type": "response.created", "response": response("in_progress", &[])}))
        + &event(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"}));
    let server = WireServer::start([Answer::sse(&begin).then_stall()]).await;
    let openai = openai(&server);
    let request = fixture::question(MODEL);
    let mut stream = openai.stream(&request, Access::default());
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Start { .. }))));
    assert_eq!(stream.next().await, Some(Ok(StreamEvent::TextDelta("Hel".into()))));
}

mod embeddings {
    use super::*;
    use crate::{
        domain::embedding::{EmbeddingInput, EmbeddingRequest, EmbeddingTask},
        provider::Embedder as _,
    };

    fn request(inputs: Vec<EmbeddingInput>) -> EmbeddingRequest {
        EmbeddingRequest { model: "text-embedding-3-small".into(), dimension: 2, task: EmbeddingTask::Document, inputs }
    }

    fn texts(count: usize) -> Vec<EmbeddingInput> {
        (0..count).map(|number| EmbeddingInput::text(number.to_string())).collect()
    }

    /// 3 and 4 as little-endian floats.
    const BASE64: &str = "AABAQAAAgEA=";

    #[tokio::test]
    async fn vectors_are_put_in_order_by_their_index_and_have_length_one() {
        let answer = json!({"data": [
            {"index": 1, "embedding": BASE64}, {"index": 0, "embedding": [0.0, 2.0]},
        ], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}});
        let server = WireServer::start([Answer::json(200, answer.to_string())]).await;
        let new = |make: fn(&str, &str, Duration) -> Result<OpenAiEmbeddings, InvalidEndpoint>| {
            make("openai", &server.url, net::CONNECT_DEADLINE).expect("an address")
        };
        let mut inputs = texts(2);
        inputs[0].title = Some("Dress".into());
        let found =
            new(OpenAiEmbeddings::new).embed(&request(inputs.clone()), Access::default()).await.expect("vectors");
        assert_eq!(found.vectors[0].as_slice(), [0.0, 1.0]);
        assert_eq!(found.vectors[1].as_slice(), [0.6, 0.8]);
        assert_eq!(found.usage.map(|usage| usage.input_total), Some(8));
        let sent = json!({"model": "text-embedding-3-small", "input": ["Dress\n0", "1"], "dimensions": 2, "encoding_format": "base64"});
        assert_eq!(server.body(), sent);
        new(OpenAiEmbeddings::compatible).embed(&request(inputs), Access::default()).await.expect("vectors");
        let second = &server.received()[1].body;
        assert_eq!((&second["dimensions"], &second["encoding_format"]), (&Value::Null, &json!("float")));
    }

    #[tokio::test]
    async fn broken_answers_and_pictures_are_failures() {
        let one = |embedding: Value| json!({"data": [{"index": 0, "embedding": embedding}]}).to_string();
        let twice = json!({"data": [{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [1, 0]}]}).to_string();
        for (answer, inputs, code) in [
            (one(json!([1.0])), texts(1), "bad_vector"),
            (one(json!("AAA")), texts(1), "bad_vector"),
            (one(json!([0.0, 0.0])), texts(1), "bad_vector"),
            (one(json!([1.0, 0.0])), texts(2), "wrong_number_of_vectors"),
            (twice, texts(2), "bad_index"),
            ("{}".to_owned(), vec![EmbeddingInput::default()], "nothing_to_embed"),
        ] {
            let server = WireServer::start([Answer::json(200, answer)]).await;
            let embedder = OpenAiEmbeddings::new("openai", &server.url, net::CONNECT_DEADLINE).expect("an address");
            let error = embedder.embed(&request(inputs), Access::default()).await.expect_err("a failure");
            assert_eq!(error.code.as_deref(), Some(code));
        }
    }

    #[tokio::test]
    async fn more_texts_than_a_call_takes_go_in_several() {
        let of = |count: usize| {
            let data: Vec<_> = (0..count).map(|index| json!({"index": index, "embedding": [1, 0]})).collect();
            Answer::json(200, json!({"data": data, "usage": {"total_tokens": 3}}).to_string())
        };
        let server = WireServer::start([of(2_048), of(2)]).await;
        let embedder = OpenAiEmbeddings::new("openai", &server.url, net::CONNECT_DEADLINE).expect("an address");
        let found = embedder.embed(&request(texts(2_050)), Access::default()).await.expect("vectors");
        assert_eq!((found.vectors.len(), found.usage.map(|usage| usage.input_total)), (2_050, Some(6)));
    }
}
