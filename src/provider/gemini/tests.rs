//! Gemini on the wire, byte for byte.

use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::chat::{
        ChatAnswer, Content, Effort, Finish, Message, Modality, Opaque, Part, ResponseSchema, Role, Sampling,
        ServiceTier, StreamEvent, ToolArgs, ToolCall, ToolChoice,
    },
    net,
    provider::{
        ChatModel as _, ErrorClass, collect,
        fixture::{self, FIND_ARGS, FIRST_REPLY, SECOND_REPLY, STOCK_ARGS, TRANSCRIPT},
        testing::{Answer, WireServer},
    },
};

const MODEL: &str = "gemini-3.8-flash";

fn gemini(server: &WireServer) -> Gemini {
    Gemini::new("gemini", &format!("{}/v1beta", server.url), net::CONNECT_DEADLINE).expect("an address")
}

fn key() -> SecretString {
    "AIza-test".into()
}

fn with(key: &SecretString) -> Access<'_> {
    Access { key: Some(key), ..Access::default() }
}

/// One event, with the line ends that Google sends.
fn event(body: &str) -> String {
    format!("data: {body}\r\n\r\n")
}

fn said(parts: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}},"index":0}}],"modelVersion":"{MODEL}","responseId":"r1"}}"#
    )
}

fn last(parts: &str, reason: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}},"finishReason":"{reason}","index":0}}],"usageMetadata":{{"promptTokenCount":900,"cachedContentTokenCount":512,"candidatesTokenCount":40,"thoughtsTokenCount":120,"totalTokenCount":1060}},"modelVersion":"{MODEL}","responseId":"r1"}}"#
    )
}

fn text(text: &str) -> String {
    json!({"text": text}).to_string()
}

/// The two calls as Gemini writes them: arguments as objects, one signature for both.
fn calls() -> String {
    format!(
        r#"{{"functionCall":{{"id":"fc1","name":"find_products","args":{FIND_ARGS}}},"thoughtSignature":"c2lnMQ=="}},{{"functionCall":{{"id":"fc2","name":"check_stock","args":{STOCK_ARGS}}}}}"#
    )
}

async fn ask(answer: Answer, request: &ChatRequest) -> Result<ChatAnswer, ProviderError> {
    let server = WireServer::start([answer]).await;
    let (gemini, key) = (gemini(&server), key());
    collect("gemini", gemini.stream(request, with(&key))).await
}

async fn asked(answer: Answer) -> Result<ChatAnswer, ProviderError> {
    ask(answer, &fixture::question(MODEL)).await
}

/// The body that a request becomes.
async fn body_of(request: &ChatRequest) -> Value {
    let server = WireServer::start([Answer::json(200, last(&text("ok"), "STOP"))]).await;
    gemini(&server).answer(request, Access::default()).await.expect("an answer");
    server.body()
}

#[tokio::test]
async fn the_conversation_is_the_same_streamed_in_any_pieces_and_not_streamed() {
    let cut = FIRST_REPLY.char_indices().nth(9).map_or(0, |(at, _)| at);
    let (begin, end) = FIRST_REPLY.split_at(cut);
    let streamed = [
        event(&said(&calls())) + &event(&last("", "STOP")),
        event(&said(&text(begin)))
            + ": keep-alive\n\n"
            + &event(&said(&text(end)))
            + &event(&last(r#"{"text":"","thoughtSignature":"c2lnMg=="}"#, "STOP")),
        event(&last(&text(SECOND_REPLY), "STOP")),
    ];
    let whole = [last(&calls(), "STOP"), last(&text(FIRST_REPLY), "STOP"), last(&text(SECOND_REPLY), "STOP")];
    let key = key();
    for size in [1, 5, 100_000] {
        let server = WireServer::start(streamed.iter().map(|body| Answer::sse(body).in_pieces_of(size))).await;
        let (transcript, _) = fixture::converse(&gemini(&server), MODEL, with(&key), true).await;
        assert_eq!(transcript, TRANSCRIPT, "{size}");
        assert_eq!(server.received()[0].line(), "POST /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
        if size == 1 {
            insta::assert_json_snapshot!("gemini_conversation", server.received()[2].body);
        }
    }
    let server = WireServer::start(whole.iter().map(|body| Answer::json(200, body))).await;
    let (transcript, _) = fixture::converse(&gemini(&server), MODEL, with(&key), false).await;
    assert_eq!(transcript, TRANSCRIPT);
    let first = &server.received()[0];
    assert_eq!(first.line(), "POST /v1beta/models/gemini-3.8-flash:generateContent");
    assert_eq!(first.header("x-goog-api-key"), Some("AIza-test"));
}

#[tokio::test]
async fn a_signature_goes_back_on_its_own_part_to_its_own_model_and_key_only() {
    let parts = format!(r#"{},{{"text":"","thoughtSignature":"dGV4dA=="}}"#, calls());
    let server = WireServer::start([Answer::json(200, last(&parts, "STOP"))]).await;
    let (gemini, ours, others) = (gemini(&server), key(), SecretString::from("AIza-other"));
    let mut request = fixture::question(MODEL);
    let answer = gemini.answer(&request, with(&ours)).await.expect("an answer");
    request.messages.push(answer.into_message());
    let other = ChatRequest { model: "gemini-3.5-flash-lite".into(), ..request.clone() };
    for (request, key) in [(&request, &ours), (&request, &others), (&other, &ours)] {
        gemini.answer(request, with(key)).await.expect("an answer");
    }
    let signatures = |at: usize| {
        let received = server.received();
        let parts = received[at].body["contents"][1]["parts"].as_array().expect("parts").clone();
        parts.iter().map(|part| part["thoughtSignature"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(signatures(1), ["c2lnMQ==", "-", "dGV4dA=="]);
    // Base64 of Google's stand-in, on the first call; the empty text is gone with its signature.
    let stand_in = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";
    assert_eq!(signatures(2), [stand_in, "-"]);
    assert_eq!(signatures(3), [stand_in, "-"]);
}

#[tokio::test]
async fn generation_two_gets_no_ids_and_no_stand_in() {
    let call = ToolCall {
        id: "call_1".into(),
        provider_id: None,
        item_id: None,
        name: "find_products".into(),
        args: ToolArgs::Malformed("{\"q".into()),
        index: 0,
    };
    let said = Message::new(Role::Assistant, [Part::new(Content::ToolCall(call))]);
    let mut request = fixture::question("gemini-2.5-flash");
    request.sampling = Some(Sampling { temperature: Some(0.5), top_p: Some(0.9), seed: Some(7) });
    request.messages.push(said);
    let body = body_of(&request).await;
    let part = &body["contents"][1]["parts"][0];
    assert_eq!(part, &json!({"functionCall": {"name": "find_products", "args": {"malformed": "{\"q"}}}));
    let config = json!({"maxOutputTokens": 800, "thinkingConfig": {"thinkingBudget": 1024}, "temperature": 0.5, "topP": 0.9, "seed": 7});
    assert_eq!(body["generationConfig"], config);
    let schema = crate::domain::chat::Json::from_text(r#"{"type":"object"}"#);
    request.response_schema = Some(ResponseSchema { name: "reply".into(), schema, strict: true });
    assert_eq!(body_of(&request).await["generationConfig"], config, "no schema beside tools");
    request.tools.clear();
    assert_eq!(body_of(&request).await["generationConfig"]["responseMimeType"], "application/json");
}

#[tokio::test]
async fn what_a_request_asks_for_is_said_in_gemini_s_words() {
    let mut request = fixture::question("models/gemini-4-hydrogen");
    request.effort = Some(Effort::Max);
    request.sampling = Some(Sampling { temperature: Some(0.5), top_p: None, seed: Some(7) });
    request.stop = vec!["\n\n".into()];
    request.service_tier = Some(ServiceTier::Flex);
    request.tool_choice = ToolChoice::Allowed(vec!["find_products".into()]);
    let schema = crate::domain::chat::Json::from_text(r#"{"type":"object","properties":{"text":{"type":"string"}}}"#);
    request.response_schema = Some(ResponseSchema { name: "reply".into(), schema, strict: true });
    insta::assert_json_snapshot!("gemini_request", body_of(&request).await);
    for (choice, strict, config) in [
        (ToolChoice::Auto, false, Value::Null),
        (ToolChoice::Auto, true, json!({"functionCallingConfig": {"mode": "VALIDATED"}})),
        (ToolChoice::None, false, json!({"functionCallingConfig": {"mode": "NONE"}})),
        (ToolChoice::Required, false, json!({"functionCallingConfig": {"mode": "ANY"}})),
        (
            ToolChoice::Named("check_stock".into()),
            false,
            json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["check_stock"]}}),
        ),
    ] {
        request.tool_choice = choice;
        request.tools.iter_mut().for_each(|tool| tool.strict = strict);
        assert_eq!(body_of(&request).await["toolConfig"], config);
    }
}

#[tokio::test]
async fn a_schema_that_is_no_json_is_refused_before_anything_is_sent() {
    let server = WireServer::start([Answer::json(200, "{}")]).await;
    let mut request = fixture::question(MODEL);
    request.tools[0].parameters = crate::domain::chat::Json::from_text("{");
    let error = gemini(&server).answer(&request, Access::default()).await.expect_err("no JSON");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Invalid, Some("unwritable_request")));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn usage_is_the_last_of_those_on_every_chunk_and_thoughts_count_once() {
    let with_usage = |usage: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"x"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage},"modelVersion":"served"}}"#
        )
    };
    let first = with_usage(r#"{"promptTokenCount":10,"candidatesTokenCount":1,"totalTokenCount":11}"#);
    let final_one = with_usage(
        r#"{"promptTokenCount":900,"cachedContentTokenCount":512,"candidatesTokenCount":40,"thoughtsTokenCount":120,"toolUsePromptTokenCount":5,"totalTokenCount":1065,"promptTokensDetails":[{"modality":"TEXT","tokenCount":640},{"modality":"IMAGE","tokenCount":260},{"modality":"NEW","tokenCount":1}],"serviceTier":"standard"}"#,
    );
    let usage = asked(Answer::sse(&(event(&first) + &event(&final_one)))).await.expect("an answer").usage;
    let usage = usage.expect("a usage");
    assert_eq!((usage.input_total, usage.input_cached, usage.tool_prompt), (905, 512, 5));
    assert_eq!((usage.output_total, usage.output_reasoning), (160, 120));
    assert_eq!((usage.served_model.as_deref(), usage.service_tier.as_deref()), (Some("served"), Some("standard")));
    let kinds: Vec<_> = usage.by_modality.iter().map(|count| (count.modality, count.tokens)).collect();
    assert_eq!(kinds, [(Modality::Text, 640), (Modality::Image, 260)]);
    // Where prompt and candidates are the total already, the thoughts are inside.
    let inside = r#"{"promptTokenCount":10,"candidatesTokenCount":50,"thoughtsTokenCount":30,"totalTokenCount":60}"#;
    let usage = asked(Answer::sse(&event(&with_usage(inside)))).await.expect("an answer").usage.expect("a usage");
    assert_eq!(usage.output_total, 50);
    for missing in ["null", "\"?\"", "{}", r#"{"promptTokenCount":0,"candidatesTokenCount":0,"totalTokenCount":0}"#] {
        let answer = asked(Answer::sse(&event(&with_usage(missing)))).await.expect("an answer");
        assert_eq!(answer.usage, None, "{missing}");
    }
}

#[tokio::test]
async fn every_reason_to_end_has_a_meaning_and_unknown_ones_are_kept() {
    let cases = [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::ContentFilter),
        ("RECITATION", Finish::ContentFilter),
        ("PROHIBITED_CONTENT", Finish::ContentFilter),
        ("IMAGE_SAFETY", Finish::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", Finish::MalformedToolCall),
        ("UNEXPECTED_TOOL_CALL", Finish::MalformedToolCall),
        ("MISSING_THOUGHT_SIGNATURE", Finish::Error),
        ("CONTINUATION", Finish::Other("CONTINUATION".into())),
        ("BRAND_NEW", Finish::Other("BRAND_NEW".into())),
    ];
    for (raw, finish) in cases {
        let answer = asked(Answer::sse(&event(&last(&text("x"), raw)))).await.expect("an answer");
        assert_eq!((answer.finish, answer.finish_raw.as_deref()), (finish, Some(raw)));
    }
    let body = r#"{"candidates":[{"finishReason":"CONTINUATION","continuationToken":"tok"}]}"#;
    let answer = asked(Answer::sse(&event(body))).await.expect("an answer");
    assert_eq!(answer.finish, Finish::Continue { token: "tok".into() });
}

#[tokio::test]
async fn a_question_that_is_blocked_is_an_answer_without_words() {
    let body = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    for answer in [Answer::sse(&event(body)), Answer::json(200, body)] {
        let answer = asked(answer).await.expect("an answer");
        assert_eq!((answer.finish, answer.parts.len()), (Finish::PromptBlocked, 0));
        assert_eq!(answer.usage.map(|usage| usage.input_total), Some(9));
    }
}

#[tokio::test]
async fn calls_without_ids_get_their_own_and_odd_arguments_stay_readable() {
    let parts = r#"{"functionCall":{"name":"find_products"}},{"functionCall":{"name":"check_stock","args":null}},{"functionCall":{"name":"x","args":"[1]"}},{"executableCode":{"code":"?"}},{"thought":true,"text":"hm"}"#;
    let answer = asked(Answer::sse(&event(&last(parts, "STOP")))).await.expect("an answer");
    let calls: Vec<_> = answer.tool_calls().map(|call| (&*call.id, call.args.raw(), call.index)).collect();
    assert_eq!(calls, [("aura_call_0", "{}", 0), ("aura_call_1", "{}", 1), ("aura_call_2", "[1]", 2)]);
    assert_eq!(answer.finish, Finish::ToolCalls);
    assert!(matches!(&answer.parts[3].content, Content::Reasoning { summary: Some(text), .. } if text == "hm"));
}

#[tokio::test]
async fn pieces_that_say_less_than_google_s_are_read_all_the_same() {
    // As LiteLLM translates other models: no model, no id, null reasons, escaped halves of a character, zeros.
    let piece = |text: &str, reason: &str, more: &str| {
        let body = r#"{"candidates": [{"content": {"parts": [TEXT], "role": "model"}, "finishReason": REASON, "index": 0, "safetyRatings": []}]MORE}"#;
        event(&body.replace("TEXT", text).replace("REASON", reason).replace("MORE", more))
    };
    let body = piece(r#"{"text": "\u0628\u0644\u0647 "}"#, "null", "")
        + &piece(r#"{"text": "\ud83d\udc57\ud83c\udffd"}"#, "null", "")
        + &piece(
            "",
            "\"STOP\"",
            r#", "usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}"#,
        );
    let answer = asked(Answer::sse(&body)).await.expect("an answer");
    assert_eq!((answer.text().as_str(), answer.finish, answer.served_model), ("بله 👗🏽", Finish::Stop, None));
}

#[tokio::test]
async fn huge_arguments_come_through_whole() {
    let query = "پ".repeat(500_000);
    let parts = json!({"functionCall": {"name": "find_products", "args": {"query": query}}}).to_string();
    let answer = asked(Answer::sse(&event(&last(&parts, "STOP"))).in_pieces_of(65_537)).await.expect("an answer");
    assert!(answer.tool_calls().next().expect("a call").args.raw().contains(&query));
}

#[tokio::test]
async fn a_stream_without_a_reason_to_end_was_cut_off_and_what_it_used_counts() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    let server = WireServer::start([Answer::sse(&event(body))]).await;
    let gemini = gemini(&server);
    let request = fixture::question(MODEL);
    let items: Vec<_> = gemini.stream(&request, Access::default()).collect().await;
    assert!(items.iter().any(|item| matches!(item, Ok(StreamEvent::Usage(usage)) if usage.input_total == 9)));
    let error = items.last().expect("items").as_ref().expect_err("cut off");
    assert_eq!((error.class, error.output_began), (ErrorClass::Transport, true));
}

#[tokio::test]
async fn a_failure_inside_a_success_is_a_failure_wherever_it_stands() {
    let error = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    for (answer, output_began) in [
        (Answer::json(200, error), false),
        (Answer::json(200, format!("[{error}]")), false),
        (Answer::sse(&event(error)), false),
        (Answer::sse(&(event(&said(&text("Hel"))) + &event(error))), true),
    ] {
        let error = asked(answer).await.expect_err("a failure");
        assert_eq!((error.class, error.http, error.output_began), (ErrorClass::Overloaded, Some(503), output_began));
        assert_eq!(error.code.as_deref(), Some("UNAVAILABLE"));
    }
    let error = asked(Answer::sse("data: {\"candidates\":\r\n\r\n")).await.expect_err("no JSON");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Protocol, Some("not_json")));
}

#[tokio::test]
async fn refusals_say_what_can_be_done_about_them() {
    let quota = |detail: &str| {
        format!(r#"[{{"error":{{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{detail}]}}}}]"#)
    };
    let retry = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.8s"}"#;
    let daily = r#"{"@type":"…QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]},{"retryDelay":"34s"}"#;
    let plain = |code: u16, status: &str, message: &str| {
        json!({"error": {"code": code, "message": message, "status": status, "details": []}}).to_string()
    };
    let key_invalid = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"…ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
    let signature = "Function call is missing a thought_signature in functionCall parts.";
    let too_long = "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).";
    let cases = [
        (429, quota(retry), ErrorClass::RateLimit, "RESOURCE_EXHAUSTED", Some(Duration::from_millis(800))),
        // 10:00 UTC is 02:00 over there.
        (429, quota(daily), ErrorClass::RateLimit, "quota_per_day", Some(Duration::from_secs(22 * 3_600))),
        (402, plain(402, "RESOURCE_EXHAUSTED", "Prepaid credit"), ErrorClass::Billing, "RESOURCE_EXHAUSTED", None),
        (400, key_invalid.to_owned(), ErrorClass::Auth, "API_KEY_INVALID", None),
        (400, plain(400, "INVALID_ARGUMENT", signature), ErrorClass::Invalid, "thought_signature", None),
        (400, plain(400, "INVALID_ARGUMENT", too_long), ErrorClass::TooLong, "INVALID_ARGUMENT", None),
        (403, plain(403, "PERMISSION_DENIED", ""), ErrorClass::Auth, "PERMISSION_DENIED", None),
        (404, plain(404, "NOT_FOUND", ""), ErrorClass::NotFound, "NOT_FOUND", None),
        (500, plain(500, "INTERNAL", ""), ErrorClass::Overloaded, "INTERNAL", None),
        (503, "<html>Bad gateway</html>".to_owned(), ErrorClass::Overloaded, "-", None),
        (504, plain(504, "DEADLINE_EXCEEDED", ""), ErrorClass::Overloaded, "DEADLINE_EXCEEDED", None),
    ];
    for (status, body, class, code, retry_after) in cases {
        let answer = Answer::new(status, &[("date", "Sun, 22 Nov 2026 10:00:00 GMT")]).then(&body);
        let error = asked(answer).await.expect_err("a refusal");
        assert_eq!((error.class, error.http), (class, Some(status)), "{body}");
        assert_eq!(error.code.as_deref().unwrap_or("-"), code);
        assert_eq!(error.retry_after, retry_after, "{body}");
    }
}

#[tokio::test]
async fn foreign_reasoning_is_dropped_and_house_words_join_the_instructions() {
    let mut request = fixture::question(MODEL);
    let opaque = Opaque {
        model: ModelRef::new("openai", "gpt-6-luna"),
        endpoint: "responses/".into(),
        kind: "encrypted_reasoning".into(),
        data: "{}".into(),
    };
    let thought =
        Part { content: Content::Reasoning { text: None, summary: Some("secret".into()) }, opaque: Some(opaque) };
    request.messages.push(Message::new(Role::Assistant, [thought, Part::text("Hi")]));
    request.messages.push(Message::text(Role::System, "Be brief."));
    let body = body_of(&request).await;
    assert_eq!(body["contents"][1], json!({"role": "model", "parts": [{"text": "Hi"}]}));
    let instructions = json!({"parts": [{"text": "You answer for the shop. Data is data."}, {"text": "Be brief."}]});
    assert_eq!(body["systemInstruction"], instructions);
}

mod embeddings {
    use super::*;
    use crate::domain::{
        chat::{Image, ImageDetail, ImageSource},
        embedding::{EmbeddingInput, EmbeddingTask},
    };

    fn request(model: &str, task: EmbeddingTask, inputs: Vec<EmbeddingInput>) -> EmbeddingRequest {
        EmbeddingRequest { model: model.into(), dimension: 2, task, inputs }
    }

    fn picture() -> Image {
        let source = ImageSource::Bytes(std::sync::Arc::from(&[1, 2, 3][..]));
        Image { source, mime: "image/png".into(), detail: ImageDetail::Auto }
    }

    fn vectors(count: usize) -> String {
        let one = json!({"values": [3.0, 4.0]});
        json!({"embeddings": vec![one; count], "usageMetadata": {"promptTokenCount": 7}}).to_string()
    }

    #[tokio::test]
    async fn texts_and_pictures_share_a_call_and_come_back_with_length_one() {
        let server = WireServer::start([Answer::json(200, vectors(3))]).await;
        let dress = EmbeddingInput {
            title: Some("Red dress".into()),
            text: Some("cotton, midi".into()),
            images: vec![picture()],
        };
        let inputs = vec![
            dress,
            EmbeddingInput { images: vec![picture()], ..EmbeddingInput::default() },
            EmbeddingInput::text("سلام"),
        ];
        let request = request("gemini-embedding-2", EmbeddingTask::Document, inputs);
        let key = key();
        let answer = gemini(&server).embed(&request, with(&key)).await.expect("vectors");
        assert_eq!(
            answer.vectors.iter().map(|vector| vector.as_slice().to_vec()).collect::<Vec<_>>(),
            vec![vec![0.6, 0.8]; 3]
        );
        assert_eq!(answer.space.model, ModelRef::new("gemini", "gemini-embedding-2"));
        assert_eq!(answer.usage.map(|usage| usage.input_total), Some(7));
        insta::assert_json_snapshot!("gemini_embeddings", server.body());
        assert_eq!(server.received()[0].line(), "POST /v1beta/models/gemini-embedding-2:batchEmbedContents");
    }

    #[tokio::test]
    async fn the_older_model_is_told_the_task_in_a_field_and_takes_no_pictures() {
        let server = WireServer::start([Answer::json(200, vectors(1))]).await;
        let query = |input| request("gemini-embedding-001", EmbeddingTask::Query, vec![input]);
        gemini(&server).embed(&query(EmbeddingInput::text("red")), Access::default()).await.expect("vectors");
        let sent = &server.body()["requests"][0];
        assert_eq!(
            (&sent["taskType"], &sent["content"]["parts"][0]["text"]),
            (&json!("RETRIEVAL_QUERY"), &json!("red"))
        );
        let seen = EmbeddingInput { images: vec![picture()], ..EmbeddingInput::text("red") };
        let error = gemini(&server).embed(&query(seen), Access::default()).await.expect_err("no pictures");
        assert_eq!(error.code.as_deref(), Some("model_embeds_no_pictures"));
        assert_eq!(server.received().len(), 1, "nothing was sent for it");
    }

    #[tokio::test]
    async fn many_inputs_go_in_several_calls_and_come_back_in_order() {
        let of = |values: &[f32], count: usize| {
            json!({"embeddings": vec![json!({"values": values}); count], "usageMetadata": {"promptTokenCount": 5}})
                .to_string()
        };
        let answers = [Answer::json(200, of(&[1.0, 0.0], 100)), Answer::json(200, of(&[0.0, 1.0], 1))];
        let server = WireServer::start(answers).await;
        let inputs = (0..101).map(|number| EmbeddingInput::text(number.to_string())).collect();
        let request = request("gemini-embedding-2", EmbeddingTask::Query, inputs);
        let answer = gemini(&server).embed(&request, Access::default()).await.expect("vectors");
        assert_eq!((answer.vectors.len(), answer.vectors[100].as_slice()), (101, &[0.0, 1.0][..]));
        assert_eq!(answer.usage.map(|usage| usage.input_total), Some(10));
        assert_eq!(
            server.received()[1].body["requests"][0]["content"]["parts"][0]["text"],
            "task: search result | query: 100"
        );
    }

    #[tokio::test]
    async fn too_few_vectors_wrong_sizes_and_refusals_are_failures() {
        let wrong_size = json!({"embeddings": [{"values": [1.0]}]}).to_string();
        for (answer, class) in [
            (Answer::json(200, vectors(2)), ErrorClass::Protocol),
            (Answer::json(200, wrong_size), ErrorClass::Protocol),
            (Answer::json(200, "no JSON"), ErrorClass::Protocol),
            (Answer::json(429, "{}"), ErrorClass::RateLimit),
        ] {
            let server = WireServer::start([answer]).await;
            let request = request("gemini-embedding-2", EmbeddingTask::Query, vec![EmbeddingInput::text("a")]);
            let error = gemini(&server).embed(&request, Access::default()).await.expect_err("a failure");
            assert_eq!(error.class, class);
        }
    }
}
