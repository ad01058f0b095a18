//! The cases that every adapter has to stand, one table over all of them: what differs is only how a provider writes the same.
//!
//! What is special to one provider is tested beside its adapter.

use std::{slice, time::Duration};

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Access, ChatModel, Deadlines, ErrorClass, ProviderError, TimeoutKind, collect, fixture,
    gemini::Gemini,
    ollama::Ollama,
    openai::OpenAi,
    openai_chat::{Compat, OpenAiChat},
    testing::{Answer, WireServer},
};
use crate::{
    domain::chat::{ChatAnswer, Finish},
    net,
};

/// Three scripts, and signs of four bytes with modifiers.
const WORDS: &str = "بله، موجود است 👗🏽 — نعم، بالأزرق فقط 💙";
/// Long enough for loopback, short enough for a test.
const SHORT: Duration = Duration::from_millis(80);
/// Characters of two bytes each: a megabyte of arguments.
const HUGE: usize = 500_000;

/// How a provider writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Gemini,
    OpenAi,
    Chat,
    Ollama,
}

use Dialect::{Chat, Gemini as Google, Ollama as Local, OpenAi as Responses};

const ALL: [Dialect; 4] = [Google, Responses, Chat, Local];

/// What a model says.
#[derive(Clone, Debug)]
enum Said {
    Text(String),
    /// A call of `find_products` without an id.
    Call(Value),
    /// What this version of Aura has never heard of.
    Odd,
}

/// Where the figures stand: 900 tokens in and 40 out, and smaller ones before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figures {
    Nowhere,
    AtTheEnd,
    Everywhere,
}

fn text() -> Vec<Said> {
    vec![Said::Text(WORDS.into())]
}

impl Dialect {
    fn model(self, url: &str) -> Box<dyn ChatModel> {
        match self {
            Google => Box::new(Gemini::new("x", &format!("{url}/v1beta"), net::CONNECT_DEADLINE).expect("an address")),
            Responses => Box::new(OpenAi::new("x", &format!("{url}/v1"), net::CONNECT_DEADLINE).expect("an address")),
            Chat => Box::new(
                OpenAiChat::new("x", &format!("{url}/v1"), Compat::default(), net::CONNECT_DEADLINE)
                    .expect("an address"),
            ),
            Local => Box::new(Ollama::new("x", url, net::CONNECT_DEADLINE).expect("an address")),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Google => "gemini-3.8-flash",
            Responses => "gpt-6-luna",
            Chat => "qwen3.8-27b",
            Local => "qwen3.5:9b",
        }
    }

    /// The object that an answer that is not streamed is, or the last frame of one that is. `said`: what stands in it.
    fn last(self, said: &[Said], reason: &str, figures: Figures) -> Value {
        let mut body = match self {
            Google => {
                let parts: Vec<Value> = said.iter().map(gemini_part).collect();
                json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}]})
            }
            Responses => {
                let output: Vec<Value> = said.iter().map(openai_item).collect();
                let known = reason == self.stop();
                let because = if known { Value::Null } else { json!({ "reason": reason }) };
                let status = if known { "completed" } else { "incomplete" };
                json!({"id": "r1", "status": status, "incomplete_details": because, "error": null, "output": output})
            }
            Chat => {
                let mut message = json!({"role": "assistant", "content": null});
                for (index, one) in said.iter().enumerate() {
                    merge(&mut message, chat_delta(one, index));
                }
                json!({"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]})
            }
            Local => {
                let mut message = json!({"role": "assistant", "content": ""});
                for one in said {
                    merge(&mut message, ollama_message(one));
                }
                json!({"message": message, "done": true, "done_reason": reason})
            }
        };
        if figures != Figures::Nowhere {
            self.tell(&mut body, 900, 40);
        }
        body
    }

    fn tell(self, body: &mut Value, input: u32, output: u32) {
        match self {
            Google => {
                body["usageMetadata"] = json!({"promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output});
            }
            Responses => body["usage"] = json!({"input_tokens": input, "output_tokens": output}),
            Chat => body["usage"] = json!({"prompt_tokens": input, "completion_tokens": output}),
            Local => {
                body["prompt_eval_count"] = input.into();
                body["eval_count"] = output.into();
            }
        }
    }

    /// The frames of a stream that says this, each as its JSON.
    fn frames(self, said: &[Said], reason: &str, figures: Figures) -> Vec<String> {
        let mut frames = Vec::new();
        for (index, one) in said.iter().enumerate() {
            match self {
                Google => {
                    frames.push(json!({"candidates": [{"content": {"role": "model", "parts": [gemini_part(one)]}}]}))
                }
                Responses => frames.extend(openai_events(one, index)),
                Chat => frames
                    .push(json!({"choices": [{"index": 0, "delta": chat_delta(one, index), "finish_reason": null}]})),
                Local => frames.push(json!({"message": ollama_message(one), "done": false})),
            }
        }
        if figures == Figures::Everywhere {
            for (count, frame) in (1..).zip(&mut frames) {
                match self {
                    Responses => {
                        let mut response = json!({"id": "r1", "status": "in_progress", "output": []});
                        self.tell(&mut response, 9, count);
                        *frame = json!([{"type": "response.in_progress", "response": response}, frame]);
                    }
                    _ => self.tell(frame, 9, count),
                }
            }
        }
        let mut frames: Vec<String> = frames
            .into_iter()
            .flat_map(|frame| if let Value::Array(both) = frame { both } else { vec![frame] })
            .map(|frame| frame.to_string())
            .collect();
        match self {
            Google => frames.push(self.last(&[], reason, figures).to_string()),
            Responses => {
                let last = self.last(said, reason, figures);
                let kind = if reason == self.stop() { "response.completed" } else { "response.incomplete" };
                frames.push(json!({"type": kind, "response": last}).to_string());
            }
            Chat => {
                frames.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}).to_string());
                if figures != Figures::Nowhere {
                    let mut last = json!({"choices": []});
                    self.tell(&mut last, 900, 40);
                    frames.push(last.to_string());
                }
                frames.push("[DONE]".into());
            }
            Local => frames.push(self.last(&[], reason, figures).to_string()),
        }
        frames
    }

    /// How it says that it is done.
    const fn stop(self) -> &'static str {
        match self {
            Google => "STOP",
            Responses => "completed",
            Chat | Local => "stop",
        }
    }

    /// An error as it writes one.
    fn error(self, status: u16) -> String {
        match self {
            Google => json!({"error": {"code": status, "message": "?", "status": "UNAVAILABLE"}}).to_string(),
            Responses | Chat => json!({"error": {"code": status, "message": "?"}}).to_string(),
            Local => json!({"error": "?"}).to_string(),
        }
    }

    /// Frames as bytes of a stream, with `life` between them.
    fn stream(self, frames: &[String], line_end: &str, life: &str) -> Answer {
        let frame = |frame: &String| match self {
            Local => format!("{life}{frame}{line_end}"),
            _ => format!("{life}data: {frame}{line_end}{line_end}"),
        };
        let body: String = frames.iter().map(frame).collect();
        if self == Local { Answer::ndjson(&body) } else { Answer::sse(&body) }
    }

    /// What keeps a connection alive and says nothing.
    const fn life(self) -> &'static str {
        if matches!(self, Local) { "\r\n" } else { ": keep-alive\r\n\r\n" }
    }

    async fn streamed(self, answer: Answer) -> Result<ChatAnswer, ProviderError> {
        self.ask(answer, true, Deadlines::default()).await.0
    }

    async fn ask(
        self,
        answer: Answer,
        streams: bool,
        deadlines: Deadlines,
    ) -> (Result<ChatAnswer, ProviderError>, WireServer) {
        let server = WireServer::start([answer]).await;
        let (model, request, key) =
            (self.model(&server.url), fixture::question(self.name()), SecretString::from("sk-1"));
        let access = Access { key: Some(&key), deadlines };
        let answer = match streams {
            true => collect("x", model.stream(&request, access)).await,
            false => model.answer(&request, access).await,
        };
        (answer, server)
    }

    /// The same said in pieces, and at once.
    async fn both_ways(self, said: &[Said], reason: &str, figures: Figures) -> [ChatAnswer; 2] {
        let stream = self.stream(&self.frames(said, reason, figures), "\n", "").in_pieces_of(65_537);
        let whole = Answer::json(200, self.last(said, reason, figures).to_string());
        let expect =
            |(answer, _): (Result<ChatAnswer, _>, _)| answer.unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
        [
            expect(self.ask(stream, true, Deadlines::default()).await),
            expect(self.ask(whole, false, Deadlines::default()).await),
        ]
    }
}

fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { panic!("objects") };
    into.extend(from);
}

fn gemini_part(said: &Said) -> Value {
    match said {
        Said::Text(text) => json!({ "text": text }),
        Said::Call(args) => json!({"functionCall": {"name": "find_products", "args": args}}),
        Said::Odd => json!({"brandNew": {"text": 7}}),
    }
}

fn openai_item(said: &Said) -> Value {
    match said {
        Said::Text(text) => {
            json!({"type": "message", "id": "m1", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
        }
        Said::Call(args) => {
            json!({"type": "function_call", "name": "find_products", "arguments": args.to_string()})
        }
        Said::Odd => json!({"type": "brand_new_call", "content": 7}),
    }
}

fn openai_events(said: &Said, index: usize) -> Vec<Value> {
    let done = json!({"type": "response.output_item.done", "output_index": index, "item": openai_item(said)});
    match said {
        Said::Text(text) => {
            vec![json!({"type": "response.output_text.delta", "output_index": index, "delta": text}), done]
        }
        Said::Call(_) => vec![done],
        Said::Odd => vec![json!({"type": "response.brand_new", "delta": [7]}), done],
    }
}

fn chat_delta(said: &Said, index: usize) -> Value {
    match said {
        Said::Text(text) => json!({ "content": text }),
        Said::Call(args) => {
            let function = json!({"name": "find_products", "arguments": args.to_string()});
            json!({"tool_calls": [{"index": index, "type": "brand_new", "function": function}]})
        }
        Said::Odd => json!({"role": "robot", "brand_new": [7]}),
    }
}

fn ollama_message(said: &Said) -> Value {
    match said {
        Said::Text(text) => json!({"role": "assistant", "content": text}),
        Said::Call(args) => {
            json!({"content": "", "tool_calls": [{"function": {"name": "find_products", "arguments": args}}]})
        }
        Said::Odd => json!({"role": "robot", "brand_new": [7]}),
    }
}

#[tokio::test]
async fn an_answer_is_the_same_however_it_is_cut_its_lines_end_and_its_connection_is_kept_alive() {
    for dialect in ALL {
        let frames = dialect.frames(&text(), dialect.stop(), Figures::AtTheEnd);
        for line_end in ["\n", "\r\n"] {
            for life in ["", dialect.life()] {
                for size in [1, 3, 100_000] {
                    let answer = dialect.streamed(dialect.stream(&frames, line_end, life).in_pieces_of(size)).await;
                    let answer = answer.unwrap_or_else(|error| panic!("{dialect:?} {line_end:?} {life:?}: {error:?}"));
                    assert_eq!((answer.text().as_str(), &answer.finish), (WORDS, &Finish::Stop), "{dialect:?} {size}");
                }
            }
        }
    }
}

#[tokio::test]
async fn figures_may_be_missing_or_stand_in_every_piece_and_then_the_last_ones_count() {
    for dialect in ALL {
        for (figures, expected) in
            [(Figures::Nowhere, None), (Figures::AtTheEnd, Some((900, 40))), (Figures::Everywhere, Some((900, 40)))]
        {
            for answer in dialect.both_ways(&text(), dialect.stop(), figures).await {
                let found = answer.usage.map(|usage| (usage.input_total, usage.output_total));
                assert_eq!(found, expected, "{dialect:?} {figures:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_behind_a_success_is_a_failure_at_the_beginning_in_the_middle_and_instead_of_a_stream() {
    for dialect in ALL {
        let error = dialect.error(503);
        let begun = dialect.frames(&text(), dialect.stop(), Figures::Nowhere).into_iter().next().expect("a frame");
        let broken = r#"{"candidates":"#.to_owned();
        for (what, answer, streams, class, began) in [
            ("first", dialect.stream(slice::from_ref(&error), "\n", ""), true, ErrorClass::Overloaded, false),
            ("later", dialect.stream(&[begun.clone(), error.clone()], "\n", ""), true, ErrorClass::Overloaded, true),
            ("no stream", Answer::json(200, &error), true, ErrorClass::Overloaded, false),
            ("whole", Answer::json(200, &error), false, ErrorClass::Overloaded, false),
            ("no JSON", dialect.stream(&[begun.clone(), broken], "\n", ""), true, ErrorClass::Protocol, true),
            ("cut off", dialect.stream(&[begun], "\n", ""), true, ErrorClass::Transport, true),
        ] {
            let error = dialect.ask(answer, streams, Deadlines::default()).await.0.expect_err(what);
            assert_eq!((error.class, error.output_began), (class, began), "{dialect:?} {what}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_can_be_done_and_when_in_every_way_of_saying_it() {
    const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
    for dialect in ALL {
        for (status, headers, class, wait_ms, should_retry) in [
            (429, &[("retry-after", "3")][..], ErrorClass::RateLimit, Some(3_000), None),
            (429, &[("retry-after-ms", "1200"), ("retry-after", "3")], ErrorClass::RateLimit, Some(1_200), None),
            (429, &[("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT"), DATE], ErrorClass::RateLimit, Some(7_000), None),
            (429, &[("x-should-retry", "false")], ErrorClass::RateLimit, None, Some(false)),
            (429, &[], ErrorClass::RateLimit, None, None),
            (402, &[], ErrorClass::Billing, None, None),
            (401, &[], ErrorClass::Auth, None, None),
            (500, &[], ErrorClass::Overloaded, None, None),
            (502, &[], ErrorClass::Overloaded, None, None),
            (503, &[("retry-after", "2")], ErrorClass::Overloaded, Some(2_000), None),
            (504, &[], ErrorClass::Overloaded, None, None),
        ] {
            for body in [dialect.error(status), "<html>Bad gateway</html>".into(), String::new()] {
                for streams in [true, false] {
                    let answer = Answer::new(status, headers).then(&body);
                    let error = dialect.ask(answer, streams, Deadlines::default()).await.0.expect_err("a refusal");
                    let wait = error.retry_after.map(|wait| wait.as_millis());
                    let found = (error.class, error.http, wait, error.should_retry, error.output_began);
                    let expected = (class, Some(status), wait_ms, should_retry, false);
                    assert_eq!(found, expected, "{dialect:?} {status} {headers:?} {body}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_stall_is_given_up_before_the_first_token_and_in_the_middle_and_its_connection_closed() {
    let deadlines = Deadlines { first_token: SHORT, idle: SHORT, ..Deadlines::default() };
    for dialect in ALL {
        let begun = dialect.frames(&text(), dialect.stop(), Figures::Nowhere).into_iter().next().expect("a frame");
        for (what, answer, kind) in [
            ("nothing", dialect.stream(&[], "\n", ""), TimeoutKind::FirstToken),
            ("only life", dialect.stream(&[], "\n", "").then(dialect.life()), TimeoutKind::FirstToken),
            ("the middle", dialect.stream(&[begun], "\n", ""), TimeoutKind::Idle),
        ] {
            let (answer, server) = dialect.ask(answer.then_stall(), true, deadlines).await;
            assert_eq!(answer.expect_err(what).class, ErrorClass::Timeout(kind), "{dialect:?} {what}");
            server.client_has_gone().await;
        }
    }
}

#[tokio::test]
async fn huge_arguments_come_through_whole_in_pieces_and_at_once() {
    let args = json!({"query": "پ".repeat(HUGE)});
    let expected = args.to_string();
    for dialect in ALL {
        for answer in dialect.both_ways(&[Said::Call(args.clone())], dialect.stop(), Figures::AtTheEnd).await {
            let found = answer.tool_calls().next().expect("a call").args.raw();
            assert!(found == expected, "{dialect:?}: {} bytes", found.len());
            assert_eq!(answer.finish, Finish::ToolCalls, "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn calls_without_ids_get_ids_of_their_own_each_another() {
    let said = [Said::Call(json!({"query": "قرمز"})), Said::Call(json!({"query": "👗🏽"}))];
    for dialect in ALL {
        // A delta of one call at a time; a message that is whole has both in one list.
        let frames = dialect.frames(&said, dialect.stop(), Figures::AtTheEnd);
        let answer = dialect.streamed(dialect.stream(&frames, "\n", "").in_pieces_of(3)).await.expect("an answer");
        let calls: Vec<_> = answer.tool_calls().map(|call| (&*call.id, call.args.raw(), &call.provider_id)).collect();
        let expected = [("aura_call_0", r#"{"query":"قرمز"}"#, &None), ("aura_call_1", r#"{"query":"👗🏽"}"#, &None)];
        assert_eq!(calls, expected, "{dialect:?}");
    }
}

#[tokio::test]
async fn what_nobody_has_heard_of_is_passed_over_and_an_unknown_end_is_kept_as_it_is_called() {
    let said = [Said::Odd, Said::Text(WORDS.into())];
    for dialect in ALL {
        for answer in dialect.both_ways(&said, dialect.stop(), Figures::AtTheEnd).await {
            assert_eq!((answer.text().as_str(), answer.finish), (WORDS, Finish::Stop), "{dialect:?}");
        }
        for answer in dialect.both_ways(&said, "brand_new", Figures::AtTheEnd).await {
            let expected = (WORDS, Finish::Other("brand_new".into()), Some((900, 40)));
            let used = answer.usage.as_ref().map(|usage| (usage.input_total, usage.output_total));
            assert_eq!((answer.text().as_str(), answer.finish.clone(), used), expected, "{dialect:?}");
        }
    }
}
