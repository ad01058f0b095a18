//! A neutral request as `generateContent` wants it.
//!
//! Fields are camelCase; what is not used is left out, because an empty list or schema is refused.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    ENDPOINT, SIGNATURE,
    family::{self, Family, Thinking},
};
use crate::{
    domain::chat::{
        ChatRequest, Content, Image, ImageDetail, ImageSource, Json, Message, ModelRef, Part, ResultPart, Role,
        ServiceTier, ToolArgs, ToolChoice, ToolResult, ToolSpec,
    },
    provider::wire::{Raw, tool_name},
};

/// Google's documented stand-in for a signature that this model did not make: history of another model, or another key.
const FOREIGN_SIGNATURE: &str = "skip_thought_signature_validator";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<WireContent<'a>>,
    contents: Vec<WireContent<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tools<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    store: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct WireContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<WirePart<'a>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_resolution: Option<MediaResolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InlineData<'a> {
    mime_type: &'a str,
    data: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileData<'a> {
    file_uri: &'a str,
    mime_type: &'a str,
}

#[derive(Debug, Serialize)]
struct MediaResolution {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    args: Args<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Args<'a> {
    Object(Raw<'a>),
    /// Only objects are taken; the model sees again what it wrote.
    Malformed {
        malformed: &'a str,
    },
}

#[derive(Debug, Serialize)]
struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    response: Response<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<WirePart<'a>>,
}

/// The two names are Google's convention.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Response<'a> {
    Output(Results<'a>),
    Error(Results<'a>),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Results<'a> {
    One(ResultValue<'a>),
    Many(Vec<ResultValue<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ResultValue<'a> {
    Text(&'a str),
    Json(Raw<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Raw<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<&'a str>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<i64>,
    #[serde(skip_serializing_if = "is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Schema<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Schema<'a>(&'a Json);

impl Serialize for Schema<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Raw(self.0.as_str()).serialize(serializer)
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
}

fn is_empty(list: &&[String]) -> bool {
    list.is_empty()
}

/// Writes requests for one model and key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) family: Family,
    /// The model whose signatures go back.
    pub(super) model: &'a ModelRef,
    /// The endpoint and key that they go back to.
    pub(super) endpoint: &'a str,
}

impl<'a> Writer<'a> {
    pub(super) fn body(self) -> Body<'a> {
        let config = self.generation_config();
        Body {
            system_instruction: self.system(),
            contents: self.contents(),
            tools: self.tools(),
            tool_config: self.tool_config(),
            generation_config: (config != GenerationConfig::default()).then_some(config),
            service_tier: self.request.service_tier.map(|tier| match tier {
                ServiceTier::Standard => "standard",
                ServiceTier::Flex => "flex",
                ServiceTier::Priority => "priority",
            }),
            store: false,
        }
    }

    /// Gemini knows the house's words at the beginning only.
    fn system(self) -> Option<WireContent<'a>> {
        let later = self.request.messages.iter().filter(|message| message.role == Role::System);
        let later = later.flat_map(|message| message.parts.iter().filter_map(Part::as_text));
        let texts = self.request.system.as_deref().into_iter().chain(later).filter(|text| !text.is_empty());
        let parts: Vec<_> = texts.map(text).collect();
        (!parts.is_empty()).then_some(WireContent { role: None, parts })
    }

    fn contents(self) -> Vec<WireContent<'a>> {
        let mut contents: Vec<WireContent<'a>> = Vec::new();
        let mut was_tool = false;
        for message in &self.request.messages {
            let (role, parts) = match message.role {
                Role::System => continue,
                Role::User => ("user", message.parts.iter().filter_map(|part| self.part(part)).collect()),
                Role::Assistant => ("model", self.assistant(message)),
                Role::Tool => ("user", self.results(message)),
            };
            if parts.is_empty() {
                continue;
            }
            // All results of one step belong into one content, however the caller has divided them.
            let is_tool = message.role == Role::Tool;
            match contents.last_mut() {
                Some(last) if is_tool && was_tool => last.parts.extend(parts),
                _ => contents.push(WireContent { role: Some(role), parts }),
            }
            was_tool = is_tool;
        }
        contents
    }

    /// What the model said. The first call of a step carries a signature, its own or the stand-in.
    fn assistant(self, message: &'a Message) -> Vec<WirePart<'a>> {
        let mut is_first_call = true;
        let mut parts = Vec::new();
        for part in &message.parts {
            let Some(mut wire) = self.part(part) else { continue };
            if wire.function_call.is_some() && std::mem::replace(&mut is_first_call, false) {
                let is_needed = self.family.is_third && wire.thought_signature.is_none();
                if is_needed {
                    wire.thought_signature = Some(STANDARD.encode(FOREIGN_SIGNATURE));
                }
            }
            parts.push(wire);
        }
        parts
    }

    fn results(self, message: &'a Message) -> Vec<WirePart<'a>> {
        let mut parts = Vec::new();
        let mut pictures = Vec::new();
        for part in &message.parts {
            let Content::ToolResult(result) = &part.content else { continue };
            let (response, images) = self.result(result);
            // Generation 2 takes no pictures inside a result; beside them it does.
            let (inside, beside) = if self.family.is_third { (images, Vec::new()) } else { (Vec::new(), images) };
            parts.push(WirePart {
                function_response: Some(FunctionResponse {
                    id: self.family.is_third.then_some(&result.call_id),
                    name: tool_name(&result.name),
                    response,
                    parts: inside,
                }),
                ..WirePart::default()
            });
            pictures.extend(beside);
        }
        parts.extend(pictures);
        parts
    }

    fn result(self, result: &'a ToolResult) -> (Response<'a>, Vec<WirePart<'a>>) {
        let mut values = Vec::new();
        let mut images = Vec::new();
        for part in &result.parts {
            match part {
                ResultPart::Text(text) => values.push(ResultValue::Text(text)),
                ResultPart::Json(json) => values.push(ResultValue::Json(Raw(json.as_str()))),
                ResultPart::Image(image) => images.push(self.image(image)),
            }
        }
        let results = if values.len() == 1 { Results::One(values.remove(0)) } else { Results::Many(values) };
        (if result.is_error { Response::Error(results) } else { Response::Output(results) }, images)
    }

    /// A part, or `None` for what this model cannot be told.
    fn part(self, part: &'a Part) -> Option<WirePart<'a>> {
        let own = part.opaque_of(self.model, self.endpoint).filter(|opaque| &*opaque.kind == SIGNATURE);
        let thought_signature = own.map(|opaque| opaque.data.to_string());
        let wire = match &part.content {
            // Empty text is refused, but for one that carries a signature: it was the model's own.
            Content::Text(words) | Content::Refusal(words) if words.is_empty() && own.is_none() => return None,
            Content::Text(words) | Content::Refusal(words) => text(words),
            Content::Image(image) => self.image(image),
            Content::ToolCall(call) => WirePart {
                function_call: Some(FunctionCall {
                    id: self.family.is_third.then_some(&call.id),
                    name: tool_name(&call.name),
                    args: match &call.args {
                        ToolArgs::Object(json) => Args::Object(Raw(json.as_str())),
                        ToolArgs::Malformed(malformed) => Args::Malformed { malformed },
                    },
                }),
                ..WirePart::default()
            },
            // Thoughts come back only where their signature does.
            Content::Reasoning { text: full, summary } => {
                own?;
                let words = full.as_deref().or(summary.as_deref()).unwrap_or_default();
                WirePart { text: Some(words), thought: true, ..WirePart::default() }
            }
            Content::ToolResult(_) => return None,
        };
        Some(WirePart { thought_signature, ..wire })
    }

    fn image(self, image: &'a Image) -> WirePart<'a> {
        let media_resolution = match image.detail {
            _ if !self.family.is_third => None,
            ImageDetail::Auto => None,
            ImageDetail::Low => Some(MediaResolution { level: "MEDIA_RESOLUTION_LOW" }),
            ImageDetail::High => Some(MediaResolution { level: "MEDIA_RESOLUTION_HIGH" }),
        };
        WirePart { media_resolution, ..picture(image) }
    }

    fn tools(self) -> Vec<Tools<'a>> {
        if self.request.tools.is_empty() {
            return Vec::new();
        }
        vec![Tools { function_declarations: self.request.tools.iter().map(declaration).collect() }]
    }

    fn tool_config(self) -> Option<ToolConfig<'a>> {
        if self.request.tools.is_empty() {
            return None;
        }
        let all_strict = self.request.tools.iter().all(|tool| tool.strict);
        let (mode, allowed_function_names) = match &self.request.tool_choice {
            // Holds calls to their schemas and leaves the choice free.
            ToolChoice::Auto if all_strict && self.family.is_third => ("VALIDATED", Vec::new()),
            ToolChoice::Auto => return None,
            ToolChoice::None => ("NONE", Vec::new()),
            ToolChoice::Required => ("ANY", Vec::new()),
            ToolChoice::Named(name) => ("ANY", vec![&**name]),
            ToolChoice::Allowed(names) => ("ANY", names.iter().map(|name| &**name).collect()),
        };
        Some(ToolConfig { function_calling_config: FunctionCallingConfig { mode, allowed_function_names } })
    }

    fn generation_config(self) -> GenerationConfig<'a> {
        let thinking_config = self.request.effort.and_then(|effort| match self.family.thinking {
            Thinking::Levels(levels) => {
                let thinking_level = effort.nearest(levels).map(family::level);
                Some(ThinkingConfig { thinking_level, thinking_budget: None })
            }
            Thinking::Budget { min, max } => {
                let thinking_budget = Some(family::budget(effort, min, max));
                Some(ThinkingConfig { thinking_level: None, thinking_budget })
            }
            Thinking::Untold => None,
        });
        // Generation 3 ignores randomness and says that it may refuse it one day.
        let sampling = self.request.sampling.unwrap_or_default();
        let is_second = !self.family.is_third;
        // Generation 2 refuses a schema beside tools (400 "Function calling with a response mime type … is unsupported").
        let beside_tools = is_second && !self.request.tools.is_empty();
        let schema = self.request.response_schema.as_ref().filter(|_| !beside_tools);
        GenerationConfig {
            max_output_tokens: self.request.max_output_tokens,
            stop_sequences: &self.request.stop,
            response_mime_type: schema.map(|_| "application/json"),
            response_json_schema: schema.map(|schema| Schema(&schema.schema)),
            thinking_config,
            temperature: sampling.temperature.filter(|_| is_second),
            top_p: sampling.top_p.filter(|_| is_second),
            seed: sampling.seed,
        }
    }
}

fn text(text: &str) -> WirePart<'_> {
    WirePart { text: Some(text), ..WirePart::default() }
}

/// A picture, wherever it is.
pub(super) fn picture(image: &Image) -> WirePart<'_> {
    let mime_type = &*image.mime;
    match &image.source {
        ImageSource::Bytes(bytes) => {
            let inline_data = Some(InlineData { mime_type, data: STANDARD.encode(bytes) });
            WirePart { inline_data, ..WirePart::default() }
        }
        ImageSource::Url(file_uri) | ImageSource::FileRef(file_uri) => {
            WirePart { file_data: Some(FileData { file_uri, mime_type }), ..WirePart::default() }
        }
    }
}

/// Parts of what is to be embedded.
pub(super) fn embedded<'a>(words: Option<&'a str>, images: &'a [Image]) -> WireContent<'a> {
    WireContent { role: None, parts: words.map(text).into_iter().chain(images.iter().map(picture)).collect() }
}

fn declaration(tool: &ToolSpec) -> Declaration<'_> {
    // An object without properties is refused; no parameters at all is how to say it.
    let schema: Option<serde_json::Value> = serde_json::from_str(tool.parameters.as_str()).ok();
    let has_none = schema.is_some_and(|schema| match &schema["properties"] {
        serde_json::Value::Object(properties) => properties.is_empty(),
        other => other.is_null() && schema["type"] == "object",
    });
    let parameters_json_schema = (!has_none).then_some(Raw(tool.parameters.as_str()));
    Declaration { name: &tool.name, description: &tool.description, parameters_json_schema }
}

/// The endpoint's name in opaque data, for one key.
pub(super) fn endpoint_mark(key_mark: &str) -> String {
    format!("{ENDPOINT}/{key_mark}")
}
