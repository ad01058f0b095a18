//! A neutral request as Chat Completions have it, and as one server takes it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use super::{
    EXTRA_CONTENT,
    compat::{Compat, EffortStyle, ImageStyle, MaxTokensField, SchemaStyle},
};
use crate::{
    domain::chat::{
        ChatRequest, Content, Effort, Image, ImageDetail, ImageSource, Message, ModelRef, Part, Role, ToolChoice,
        ToolSpec,
    },
    provider::wire::{Raw, args_text, call_id, image_url, result_images, result_text, tool_name},
};

/// Stands for a picture that the server does not take.
const PICTURE: &str = "[picture]";

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// One message.
#[derive(Debug, Serialize)]
struct Said<'a> {
    role: &'static str,
    /// Said even when there is none: templates look for it.
    content: Option<Words<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
}

/// Words alone are a text: servers without eyes take no list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Words<'a> {
    Text(String),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Debug, Serialize)]
struct ImageUrl {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    function: Function<'a>,
    /// What came with the call and goes back with it (Gemini's signatures).
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Raw<'a>>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Function { r#type: &'static str, function: Named<'a> },
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Format<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<Schema<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Raw<'a>>,
}

#[derive(Debug, Serialize)]
struct Schema<'a> {
    name: Cow<'a, str>,
    schema: Raw<'a>,
    strict: bool,
}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: &'static str,
}

/// Writes requests for one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) compat: &'a Compat,
    /// The model whose signatures go back.
    pub(super) model: &'a ModelRef,
    /// The endpoint and key that they go back to.
    pub(super) endpoint: &'a str,
    pub(super) streams: bool,
}

impl Serialize for Writer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.compat.strip_fields.is_empty() {
            return self.body().serialize(serializer);
        }
        // The text of an error could quote the request.
        let written = serde_json::to_string(&self.body()).map_err(|_| S::Error::custom("no JSON"))?;
        let fields: Result<BTreeMap<&str, &RawValue>, _> = serde_json::from_str(&written);
        let mut fields = fields.map_err(|_| S::Error::custom("no object"))?;
        fields.retain(|name, _| !self.compat.strip_fields.iter().any(|stripped| stripped == name));
        fields.serialize(serializer)
    }
}

impl<'a> Writer<'a> {
    fn body(&self) -> Body<'a> {
        let (request, compat) = (self.request, self.compat);
        let sampling = request.sampling.unwrap_or_default();
        let tools = self.tools();
        let has_tools = !tools.is_empty();
        let max_tokens = |field| request.max_output_tokens.filter(|_| compat.max_tokens_field == field);
        let effort = |style| request.effort.filter(|_| compat.effort_style == style).map(effort);
        Body {
            model: &request.model,
            messages: self.messages(),
            stream: self.streams,
            stream_options: (self.streams && compat.supports_stream_usage)
                .then_some(StreamOptions { include_usage: true }),
            tools,
            tool_choice: self.tool_choice().filter(|_| has_tools && compat.supports_tool_choice),
            parallel_tool_calls: (has_tools && compat.supports_parallel).then_some(request.parallel_tools),
            response_format: self.format(),
            max_tokens: max_tokens(MaxTokensField::MaxTokens),
            max_completion_tokens: max_tokens(MaxTokensField::MaxCompletionTokens),
            reasoning_effort: effort(EffortStyle::ReasoningEffort),
            reasoning: effort(EffortStyle::ReasoningObject).map(|effort| Reasoning { effort }),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            seed: sampling.seed,
            stop: &request.stop,
            user: request.end_user_hash.as_deref().filter(|_| compat.supports_user),
        }
    }

    fn messages(&self) -> Vec<Said<'a>> {
        let system = self.request.system.as_deref().filter(|text| !text.is_empty());
        let role = self.compat.system_role.as_str();
        let first = system.map(|text| Said::of(role, Some(Words::Text(text.to_owned()))));
        first.into_iter().chain(self.request.messages.iter().flat_map(|message| self.said(message))).collect()
    }

    fn said(&self, message: &'a Message) -> Vec<Said<'a>> {
        match message.role {
            Role::System => vec![Said::of(self.compat.system_role.as_str(), self.words(&message.parts))],
            Role::User => vec![Said::of("user", self.words(&message.parts))],
            Role::Assistant => {
                let tool_calls: Vec<_> = message.parts.iter().filter_map(|part| self.call(part)).collect();
                let content = self.words(&message.parts);
                // Thoughts alone are nothing that can be said again.
                let is_empty = content.is_none() && tool_calls.is_empty();
                if is_empty { vec![] } else { vec![Said { tool_calls, ..Said::of("assistant", content) }] }
            }
            Role::Tool => self.results(&message.parts),
        }
    }

    /// Each result is a message of its own. Pictures cannot stand in one, so they follow all of them as the user's.
    fn results(&self, parts: &'a [Part]) -> Vec<Said<'a>> {
        let results = parts.iter().filter_map(|part| match &part.content {
            Content::ToolResult(result) => Some(result),
            _ => None,
        });
        let mut said: Vec<_> = results
            .clone()
            .map(|result| Said {
                tool_call_id: Some(call_id(&result.call_id)),
                ..Said::of("tool", Some(Words::Text(result_text(result))))
            })
            .collect();
        let pictures: Vec<_> = results.flat_map(result_images).map(|image| self.picture(image)).collect();
        if !pictures.is_empty() {
            said.push(Said::of("user", Some(joined(pictures))));
        }
        said
    }

    /// Words and pictures; `None` where there are none.
    fn words(&self, parts: &'a [Part]) -> Option<Words<'a>> {
        let pieces: Vec<_> = parts
            .iter()
            .filter_map(|part| match &part.content {
                Content::Text(text) | Content::Refusal(text) if text.is_empty() => None,
                Content::Text(text) | Content::Refusal(text) => Some(Piece::Text { text: Cow::Borrowed(text) }),
                Content::Image(image) => Some(self.picture(image)),
                Content::ToolCall(_) | Content::ToolResult(_) | Content::Reasoning { .. } => None,
            })
            .collect();
        (!pieces.is_empty()).then(|| joined(pieces))
    }

    fn picture(&self, image: &Image) -> Piece<'a> {
        let url = match (self.compat.image_style, &image.source) {
            (ImageStyle::Url, _) | (ImageStyle::DataOnly, ImageSource::Bytes(_)) => image_url(image),
            (ImageStyle::DataOnly | ImageStyle::None, _) => None,
        };
        let detail = match image.detail {
            ImageDetail::Auto => None,
            ImageDetail::Low => Some("low"),
            ImageDetail::High => Some("high"),
        };
        match url {
            Some(url) => Piece::ImageUrl { image_url: ImageUrl { url, detail } },
            None => Piece::Text { text: Cow::Borrowed(PICTURE) },
        }
    }

    fn call(&self, part: &'a Part) -> Option<Call<'a>> {
        let call = part.as_tool_call()?;
        let opaque = part.opaque_of(self.model, self.endpoint).filter(|opaque| &*opaque.kind == EXTRA_CONTENT);
        Some(Call {
            id: call_id(&call.id),
            r#type: "function",
            function: Function { name: tool_name(&call.name), arguments: args_text(&call.args) },
            extra_content: opaque.map(|opaque| Raw(&opaque.data)),
        })
    }

    fn tools(&self) -> Vec<Tool<'a>> {
        let can_choose = self.compat.supports_tool_choice;
        let is_offered = |tool: &&ToolSpec| match &self.request.tool_choice {
            ToolChoice::Allowed(names) => names.contains(&tool.name),
            ToolChoice::None => can_choose,
            ToolChoice::Named(name) => can_choose || *name == tool.name,
            ToolChoice::Auto | ToolChoice::Required => true,
        };
        let wire = |tool: &'a ToolSpec| Tool {
            r#type: "function",
            function: Declaration {
                name: &tool.name,
                description: &tool.description,
                parameters: Raw(tool.parameters.as_str()),
                strict: tool.strict,
            },
        };
        self.request.tools.iter().filter(is_offered).map(wire).collect()
    }

    fn tool_choice(&self) -> Option<Choice<'a>> {
        Some(match &self.request.tool_choice {
            // The default, and the one word that vLLM refuses without its flags.
            ToolChoice::Auto => return None,
            ToolChoice::None => Choice::Word("none"),
            ToolChoice::Required | ToolChoice::Allowed(_) => Choice::Word("required"),
            ToolChoice::Named(name) => Choice::Function { r#type: "function", function: Named { name } },
        })
    }

    fn format(&self) -> Option<Format<'a>> {
        let wanted = self.request.response_schema.as_ref()?;
        let schema = Raw(wanted.schema.as_str());
        let format = Format { r#type: "json_schema", json_schema: None, schema: None };
        match self.compat.schema_style {
            SchemaStyle::JsonSchema => {
                let named = Schema { name: tool_name(&wanted.name), schema, strict: wanted.strict };
                Some(Format { json_schema: Some(named), ..format })
            }
            SchemaStyle::Flat => Some(Format { schema: Some(schema), ..format }),
            SchemaStyle::JsonObject => Some(Format { r#type: "json_object", ..format }),
            SchemaStyle::None => None,
        }
    }
}

impl<'a> Said<'a> {
    const fn of(role: &'static str, content: Option<Words<'a>>) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None }
    }
}

fn joined(pieces: Vec<Piece<'_>>) -> Words<'_> {
    let texts: Option<Vec<&str>> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text { text } => Some(&**text),
            Piece::ImageUrl { .. } => None,
        })
        .collect();
    match texts {
        Some(texts) => Words::Text(texts.join("\n")),
        None => Words::Pieces(pieces),
    }
}

/// An effort in the words that servers share.
const fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::Off => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}
