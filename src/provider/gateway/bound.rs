//! The most that a request can cost, in tokens, before anybody has counted them.

use crate::domain::chat::{ChatRequest, Content, Message, ResultPart};

/// Tokens of a picture, at most: the dearest tiling of a provider for a picture of the size that is sent (Gemini: 2,240
/// at ultra high resolution; OpenAI: 1,536 patches).
const PICTURE_TOKENS: u64 = 2_500;
/// Tokens that a provider puts around one message, tool or part, at most.
const WRAPPING_TOKENS: u64 = 32;
/// Tokens that a model writes when the request does not say.
const OUTPUT_TOKENS: u64 = 8_192;

/// Upper bounds of what a call reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Tokens read, at most.
    pub input: u64,
    /// Tokens written, at most, thoughts included.
    pub output: u64,
}

impl Bound {
    /// Of a request. A token is at least one byte of text, so no request reads more tokens than it has bytes.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        let system = request.system.as_ref().map_or(0, String::len);
        let tools: usize = request
            .tools
            .iter()
            .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.as_str().len())
            .sum();
        let schema = request.response_schema.as_ref().map_or(0, |schema| schema.schema.as_str().len());
        let wrapped =
            request.messages.iter().map(|message| message.parts.len() + 1).sum::<usize>() + request.tools.len() + 1;
        let messages: u64 = request.messages.iter().map(message).sum();
        let output =
            request.max_output_tokens.map_or(OUTPUT_TOKENS, |most| u64::try_from(most).unwrap_or(OUTPUT_TOKENS));
        Self { input: (system + tools + schema) as u64 + messages + wrapped as u64 * WRAPPING_TOKENS, output }
    }
}

fn message(message: &Message) -> u64 {
    message
        .parts
        .iter()
        .map(|part| {
            let opaque = part.opaque.as_ref().map_or(0, |opaque| opaque.data.len()) as u64;
            opaque + content(&part.content)
        })
        .sum()
}

fn content(content: &Content) -> u64 {
    let bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    match content {
        Content::Text(text) | Content::Refusal(text) => text.len() as u64,
        Content::Image(_) => PICTURE_TOKENS,
        Content::ToolCall(call) => (call.name.len() + call.args.raw().len()) as u64,
        Content::ToolResult(result) => {
            let parts = result.parts.iter().map(|part| match part {
                ResultPart::Text(text) => text.len() as u64,
                ResultPart::Json(json) => json.as_str().len() as u64,
                ResultPart::Image(_) => PICTURE_TOKENS,
            });
            result.name.len() as u64 + parts.sum::<u64>()
        }
        Content::Reasoning { text, summary } => (bytes(text) + bytes(summary)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{Message, Role};

    #[test]
    fn a_request_reads_no_more_tokens_than_its_bound() {
        let mut request = ChatRequest::new("m", vec![Message::text(Role::User, "آیا این را قرمز دارید؟ 👗")]);
        let text = request.messages[0].parts[0].as_text().expect("a text").len() as u64;
        let bound = Bound::of(&request);
        assert!(bound.input > text && bound.input < text + 200, "{bound:?}");
        assert_eq!(bound.output, OUTPUT_TOKENS);
        request.system = Some("s".repeat(1_000));
        request.max_output_tokens = Some(600);
        assert_eq!(Bound::of(&request), Bound { input: bound.input + 1_000, output: 600 });
    }
}
