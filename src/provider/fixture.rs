//! One conversation that every adapter has with its own wire server, and the transcript that has to come of it.
//!
//! A text with a picture, two tools at once, their results, an answer, a follow-up. What a provider says in its own
//! format differs; what Aura keeps of it does not, but for ids and what only that provider understands.

use std::{fmt::Write as _, sync::Arc};

use super::{Access, ChatModel, collect};
use crate::domain::chat::{
    CacheHint, ChatRequest, Content, Effort, Image, ImageDetail, ImageSource, Json, Message, Part, ResultPart, Role,
    ToolArgs, ToolResult, ToolSpec,
};

/// What the model writes into its two calls, to the byte.
pub(super) const FIND_ARGS: &str = r#"{"query":"پیراهن قرمز","limit":3}"#;
pub(super) const STOCK_ARGS: &str = r#"{"product_id":"p1"}"#;
/// What it says then, and to the follow-up. Cut anywhere, also inside a character.
pub(super) const FIRST_REPLY: &str = "بله، موجود است 👗🏽 — 49,00 €";
pub(super) const SECOND_REPLY: &str = "نعم، ولكن بالأزرق فقط 💙";

/// What comes of it, whoever answers.
pub(super) const TRANSCRIPT: &str = r#"user: text "سلام! Is this still there?" | image image/jpeg 3 bytes
assistant: call find_products {"query":"پیراهن قرمز","limit":3} | call check_stock {"product_id":"p1"} [tool_calls]
tool: result find_products {"items":["p1"]} | result check_stock error no such size
assistant: text "بله، موجود است 👗🏽 — 49,00 €" [stop]
user: text "And in blue?"
assistant: text "نعم، ولكن بالأزرق فقط 💙" [stop]
"#;

/// The first question, with everything that a request can hold and every adapter can say.
pub(super) fn question(model: &str) -> ChatRequest {
    let image = Image {
        source: ImageSource::Bytes(Arc::from(&[0xff, 0xd8, 0xff][..])),
        mime: "image/jpeg".into(),
        detail: ImageDetail::Low,
    };
    let asked = Message::new(Role::User, [Part::text("سلام! Is this still there?"), Part::new(Content::Image(image))]);
    let tool = |name: &str, description: &str, parameters: &str| ToolSpec {
        name: name.into(),
        description: description.into(),
        parameters: Json::from_text(parameters),
        strict: false,
    };
    ChatRequest {
        system: Some("You answer for the shop. Data is data.".into()),
        tools: vec![
            tool(
                "find_products",
                "Find products",
                r#"{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer"}},"required":["query"]}"#,
            ),
            tool(
                "check_stock",
                "Check stock",
                r#"{"type":"object","properties":{"product_id":{"type":"string"}},"required":["product_id"]}"#,
            ),
            tool("hand_over", "Call a person", r#"{"type":"object","properties":{}}"#),
        ],
        max_output_tokens: Some(800),
        effort: Some(Effort::Low),
        cache_hint: Some(CacheHint { key: "tenant-42".into(), stable_messages: 1 }),
        end_user_hash: Some("5f2c".into()),
        ..ChatRequest::new(model, vec![asked])
    }
}

/// Has the conversation with `model`, streamed or not, and gives its transcript and the last request.
pub(super) async fn converse(
    model: &dyn ChatModel,
    name: &str,
    access: Access<'_>,
    streams: bool,
) -> (String, ChatRequest) {
    let mut request = question(name);
    let mut transcript = transcribe(&request.messages[0], None);
    for step in 0..3 {
        let answer = if streams {
            collect(model.provider(), model.stream(&request, access)).await
        } else {
            model.answer(&request, access).await
        };
        let answer = answer.expect("the wire server answers");
        let finish = answer.finish.code();
        let said = answer.into_message();
        transcript.push_str(&transcribe(&said, Some(finish)));
        let next = match step {
            0 => results(&said),
            1 => Message::text(Role::User, "And in blue?"),
            _ => break,
        };
        transcript.push_str(&transcribe(&next, None));
        request.messages.extend([said, next]);
    }
    (transcript, request)
}

/// One result is data, the other a failure.
fn results(said: &Message) -> Message {
    let results = said.tool_calls().enumerate().map(|(number, call)| {
        let (part, is_error) = if number == 0 {
            (ResultPart::Json(Json::from_text(r#"{"items":["p1"]}"#)), false)
        } else {
            (ResultPart::Text("no such size".into()), true)
        };
        let (call_id, name) = (call.id.clone(), call.name.clone());
        Part::new(Content::ToolResult(ToolResult { call_id, name, parts: vec![part], is_error }))
    });
    Message::new(Role::Tool, results)
}

/// One line of the transcript: what everybody has to agree on. Empty texts and thoughts are left out.
fn transcribe(message: &Message, finish: Option<&str>) -> String {
    let parts = message.parts.iter().filter_map(|part| {
        Some(match &part.content {
            Content::Text(text) if text.is_empty() => return None,
            Content::Text(text) => format!("text \"{text}\""),
            Content::Image(Image { source: ImageSource::Bytes(bytes), mime, .. }) => {
                format!("image {mime} {} bytes", bytes.len())
            }
            Content::ToolCall(call) => match &call.args {
                ToolArgs::Object(json) => format!("call {} {json}", call.name),
                ToolArgs::Malformed(text) => format!("call {} malformed {text}", call.name),
            },
            Content::ToolResult(result) => {
                let mut line = format!("result {}", result.name);
                if result.is_error {
                    line.push_str(" error");
                }
                for part in &result.parts {
                    match part {
                        ResultPart::Text(text) => write!(line, " {text}"),
                        ResultPart::Json(json) => write!(line, " {json}"),
                        ResultPart::Image(image) => write!(line, " {image:?}"),
                    }
                    .expect("a string takes everything");
                }
                line
            }
            Content::Reasoning { .. } => return None,
            other => format!("{other:?}"),
        })
    });
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let end = finish.map(|finish| format!(" [{finish}]")).unwrap_or_default();
    format!("{role}: {}{end}\n", parts.collect::<Vec<_>>().join(" | "))
}
