//! A neutral request as the Responses API wants it.

use std::borrow::Cow;

use serde::Serialize;

use super::{ENCRYPTED_REASONING, family::Family};
use crate::{
    domain::chat::{
        CacheHint, ChatRequest, Content, Effort, Image, ImageDetail, ImageSource, Message, ModelRef, Part, Role,
        ServiceTier, ToolChoice, ToolResult, ToolSpec,
    },
    provider::wire::{Raw, args_text, call_id, image_url, result_images, result_text, tool_name},
};

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    store: bool,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<[&'static str; 1]>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Message {
        role: &'static str,
        content: Vec<Piece<'a>>,
    },
    /// An item that goes back as it came.
    Verbatim(Raw<'a>),
    Call(CallItem<'a>),
    Output(OutputItem<'a>),
}

#[derive(Debug, Serialize)]
struct CallItem<'a> {
    r#type: &'static str,
    call_id: Cow<'a, str>,
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
struct OutputItem<'a> {
    r#type: &'static str,
    call_id: Cow<'a, str>,
    output: Output<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Output<'a> {
    Text(String),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        detail: &'static str,
    },
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: Raw<'a>,
    /// Always said: left out, it is true here.
    strict: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Function { r#type: &'static str, name: &'a str },
}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: &'static str,
}

#[derive(Debug, Serialize)]
struct TextConfig<'a> {
    format: Format<'a>,
}

#[derive(Debug, Serialize)]
struct Format<'a> {
    r#type: &'static str,
    name: Cow<'a, str>,
    schema: Raw<'a>,
    strict: bool,
}

/// Writes requests for one model and key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) request: &'a ChatRequest,
    /// The model whose encrypted reasoning goes back.
    pub(super) model: &'a ModelRef,
    /// The endpoint and key that it goes back to.
    pub(super) endpoint: &'a str,
    pub(super) streams: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn body(self) -> Body<'a> {
        let request = self.request;
        let family = Family::of(&request.model);
        let effort = request.effort.and_then(|effort| effort.nearest(family.efforts));
        // Randomness is taken by models that do not think, or are told not to.
        let is_thoughtless = !family.thinks() || effort == Some(Effort::Off);
        let sampling = request.sampling.filter(|_| is_thoughtless).unwrap_or_default();
        let tools = self.tools();
        let has_tools = !tools.is_empty();
        Body {
            model: &request.model,
            instructions: request.system.as_deref().filter(|text| !text.is_empty()),
            store: false,
            stream: self.streams,
            include: family.thinks().then_some(["reasoning.encrypted_content"]),
            input: request.messages.iter().flat_map(|message| self.items(message)).collect(),
            tools,
            tool_choice: self.tool_choice().filter(|_| has_tools),
            parallel_tool_calls: has_tools.then_some(request.parallel_tools),
            reasoning: effort.map(|effort| Reasoning { effort: word(effort) }),
            max_output_tokens: request.max_output_tokens,
            text: request.response_schema.as_ref().map(|schema| TextConfig {
                format: Format {
                    r#type: "json_schema",
                    name: tool_name(&schema.name),
                    schema: Raw(schema.schema.as_str()),
                    strict: schema.strict,
                },
            }),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            prompt_cache_key: request.cache_hint.as_ref().map(|CacheHint { key, .. }| &**key),
            safety_identifier: request.end_user_hash.as_deref(),
            service_tier: request.service_tier.map(|tier| match tier {
                ServiceTier::Standard => "default",
                ServiceTier::Flex => "flex",
                ServiceTier::Priority => "priority",
            }),
        }
    }

    /// Items of one message. What the model said is cut where a call or its reasoning stands between: order counts.
    fn items(self, message: &'a Message) -> Vec<Item<'a>> {
        let role = match message.role {
            Role::System => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => return message.parts.iter().filter_map(output).collect(),
        };
        let is_ours = message.role == Role::Assistant;
        let mut items = Vec::new();
        let mut pieces = Vec::new();
        for part in &message.parts {
            let item = match &part.content {
                Content::Text(text) if text.is_empty() => continue,
                Content::Text(text) if is_ours => {
                    pieces.push(Piece::OutputText { text });
                    continue;
                }
                Content::Text(text) => {
                    pieces.push(Piece::InputText { text: Cow::Borrowed(text) });
                    continue;
                }
                Content::Refusal(refusal) => {
                    pieces.push(Piece::Refusal { refusal });
                    continue;
                }
                Content::Image(image) if !is_ours => {
                    pieces.push(picture(image));
                    continue;
                }
                Content::ToolCall(call) => Item::Call(CallItem {
                    r#type: "function_call",
                    call_id: call_id(&call.id),
                    name: tool_name(&call.name),
                    arguments: args_text(&call.args),
                }),
                Content::Reasoning { .. } => match self.reasoning(part) {
                    Some(item) => item,
                    None => continue,
                },
                Content::Image(_) | Content::ToolResult(_) => continue,
            };
            if !pieces.is_empty() {
                items.push(Item::Message { role, content: std::mem::take(&mut pieces) });
            }
            items.push(item);
        }
        if !pieces.is_empty() {
            items.push(Item::Message { role, content: pieces });
        }
        items
    }

    /// The reasoning item as it came, if this model made it with this key; another cannot read it.
    fn reasoning(self, part: &'a Part) -> Option<Item<'a>> {
        let opaque = part.opaque_of(self.model, self.endpoint)?;
        (&*opaque.kind == ENCRYPTED_REASONING).then_some(Item::Verbatim(Raw(&opaque.data)))
    }

    fn tools(self) -> Vec<Tool<'a>> {
        let is_offered = |tool: &&ToolSpec| match &self.request.tool_choice {
            ToolChoice::Allowed(names) => names.contains(&tool.name),
            ToolChoice::Auto | ToolChoice::None | ToolChoice::Required | ToolChoice::Named(_) => true,
        };
        let wire = |tool: &'a ToolSpec| Tool {
            r#type: "function",
            name: &tool.name,
            description: &tool.description,
            parameters: Raw(tool.parameters.as_str()),
            strict: tool.strict,
        };
        self.request.tools.iter().filter(is_offered).map(wire).collect()
    }

    fn tool_choice(self) -> Option<Choice<'a>> {
        Some(match &self.request.tool_choice {
            ToolChoice::Auto => return None,
            ToolChoice::None => Choice::Word("none"),
            ToolChoice::Required | ToolChoice::Allowed(_) => Choice::Word("required"),
            ToolChoice::Named(name) => Choice::Function { r#type: "function", name },
        })
    }
}

/// A tool's result.
fn output(part: &Part) -> Option<Item<'_>> {
    let Content::ToolResult(result) = &part.content else { return None };
    Some(Item::Output(OutputItem {
        r#type: "function_call_output",
        call_id: call_id(&result.call_id),
        output: output_of(result),
    }))
}

fn output_of(result: &ToolResult) -> Output<'_> {
    let text = result_text(result);
    let pictures: Vec<_> = result_images(result).map(picture).collect();
    if pictures.is_empty() {
        return Output::Text(text);
    }
    let words = (!text.is_empty()).then_some(Piece::InputText { text: Cow::Owned(text) });
    Output::Pieces(words.into_iter().chain(pictures).collect())
}

fn picture(image: &Image) -> Piece<'_> {
    let file_id = match &image.source {
        ImageSource::FileRef(id) => Some(&**id),
        ImageSource::Bytes(_) | ImageSource::Url(_) => None,
    };
    let detail = match image.detail {
        ImageDetail::Auto => "auto",
        ImageDetail::Low => "low",
        ImageDetail::High => "high",
    };
    Piece::InputImage { image_url: image_url(image), file_id, detail }
}

/// An effort in OpenAI's word.
pub(in crate::provider) const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::Off => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}
