//! A neutral request as Ollama wants it.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::Runtime;
use crate::{
    domain::chat::{
        ChatRequest, Content, Effort, Image, ImageSource, Message, Part, ResultPart, Role, ToolChoice, ToolSpec,
    },
    provider::wire::{Raw, args_text, call_id, result_images, result_text, tool_name},
};

/// Stands for a picture that is elsewhere: Ollama fetches none.
const PICTURE: &str = "[picture]";

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    /// Too long is an error, not something to be cut without a word.
    truncate: bool,
    keep_alive: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Think>,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Raw<'a>>,
    options: Options<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Think {
    Whether(bool),
    Level(&'static str),
}

#[derive(Debug, Serialize)]
struct Options<'a> {
    num_ctx: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    role: &'static str,
    content: String,
    /// Base64 without a prefix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: Cow<'a, str>,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    index: u32,
    name: Cow<'a, str>,
    /// An object here, not its text.
    arguments: RawText<'a>,
}

/// JSON whose text may have had to be made.
#[derive(Debug)]
struct RawText<'a>(Cow<'a, str>);

impl Serialize for RawText<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Raw(&self.0).serialize(serializer)
    }
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Declaration<'a>,
}

#[derive(Debug, Serialize)]
struct Declaration<'a> {
    name: &'a str,
    description: &'a str,
    parameters: Raw<'a>,
}

/// Writes requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) runtime: &'a Runtime,
    pub(super) streams: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn body(self) -> Body<'a> {
        let (request, runtime) = (self.request, self.runtime);
        let sampling = request.sampling.unwrap_or_default();
        let system = request.system.as_deref().filter(|text| !text.is_empty());
        let first = system.map(|text| Said { content: text.to_owned(), ..Said::of("system") });
        Body {
            model: &request.model,
            stream: self.streams,
            truncate: false,
            keep_alive: &runtime.keep_alive,
            think: request.effort.map(|effort| think(&request.model, effort)),
            messages: first.into_iter().chain(request.messages.iter().flat_map(said)).collect(),
            tools: self.tools(),
            format: request.response_schema.as_ref().map(|schema| Raw(schema.schema.as_str())),
            options: Options {
                num_ctx: runtime.context_tokens,
                num_predict: request.max_output_tokens,
                temperature: sampling.temperature,
                top_p: sampling.top_p,
                seed: sampling.seed,
                stop: &request.stop,
            },
        }
    }

    /// There is no choice to be told: what must not be called is not offered.
    fn tools(self) -> Vec<Tool<'a>> {
        let is_offered = |tool: &&ToolSpec| match &self.request.tool_choice {
            ToolChoice::Allowed(names) => names.contains(&tool.name),
            ToolChoice::Named(name) => *name == tool.name,
            ToolChoice::None => false,
            ToolChoice::Auto | ToolChoice::Required => true,
        };
        let wire = |tool: &'a ToolSpec| Tool {
            r#type: "function",
            function: Declaration {
                name: &tool.name,
                description: &tool.description,
                parameters: Raw(tool.parameters.as_str()),
            },
        };
        self.request.tools.iter().filter(is_offered).map(wire).collect()
    }
}

/// How hard to think. Only gpt-oss has levels, and cannot be told not to; a model that does not think at all refuses to
/// be told to, so that only a real wish is said.
fn think(model: &str, effort: Effort) -> Think {
    if model.starts_with("gpt-oss") || model.contains("/gpt-oss") {
        return Think::Level(match effort {
            Effort::Off | Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High | Effort::XHigh | Effort::Max => "high",
        });
    }
    Think::Whether(effort >= Effort::Medium)
}

impl Said<'_> {
    const fn of(role: &'static str) -> Self {
        let content = String::new();
        Self { role, content, images: Vec::new(), tool_calls: Vec::new(), tool_name: None, tool_call_id: None }
    }
}

fn said(message: &Message) -> Vec<Said<'_>> {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => return message.parts.iter().filter_map(result).collect(),
    };
    let mut said = Said::of(role);
    let mut texts = Vec::new();
    for part in &message.parts {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) if !text.is_empty() => texts.push(text.as_str()),
            Content::Image(image) => match encoded(image) {
                Some(bytes) => said.images.push(bytes),
                None => texts.push(PICTURE),
            },
            Content::ToolCall(call) => said.tool_calls.push(Call {
                id: call_id(&call.id),
                function: Function {
                    index: call.index,
                    name: tool_name(&call.name),
                    arguments: RawText(args_text(&call.args)),
                },
            }),
            Content::Text(_) | Content::Refusal(_) | Content::Reasoning { .. } | Content::ToolResult(_) => {}
        }
    }
    said.content = texts.join("\n");
    // Thoughts alone are nothing that can be said again.
    let is_empty = said.content.is_empty() && said.images.is_empty() && said.tool_calls.is_empty();
    if is_empty { vec![] } else { vec![said] }
}

fn result(part: &Part) -> Option<Said<'_>> {
    let Content::ToolResult(result) = &part.content else { return None };
    let mut content = result_text(result);
    let is_elsewhere = |part: &ResultPart| matches!(part, ResultPart::Image(image) if encoded(image).is_none());
    if result.parts.iter().any(is_elsewhere) {
        content = format!("{content}\n{PICTURE}");
    }
    Some(Said {
        content,
        images: result_images(result).filter_map(encoded).collect(),
        tool_name: Some(tool_name(&result.name)),
        tool_call_id: Some(call_id(&result.call_id)),
        ..Said::of("tool")
    })
}

fn encoded(image: &Image) -> Option<String> {
    match &image.source {
        ImageSource::Bytes(bytes) => Some(STANDARD.encode(bytes)),
        ImageSource::Url(_) | ImageSource::FileRef(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_with_levels_are_told_a_level() {
        for (model, effort, expected) in [
            ("gpt-oss:20b", Effort::Off, Think::Level("low")),
            ("gpt-oss:20b", Effort::Max, Think::Level("high")),
            ("someone/gpt-oss", Effort::Medium, Think::Level("medium")),
            ("qwen3.5:9b", Effort::Off, Think::Whether(false)),
            ("qwen3.5:9b", Effort::Low, Think::Whether(false)),
            ("qwen3.5:9b", Effort::High, Think::Whether(true)),
        ] {
            assert_eq!(think(model, effort), expected, "{model} {effort:?}");
        }
    }
}
