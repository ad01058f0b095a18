//! What is said in a conversation with a model, in parts.

use std::{fmt, sync::Arc};

use super::{Json, ModelRef};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The house, in the middle of a conversation. What a shopper or a shop's data says never goes in here.
    System,
    /// The shopper, and data that is fenced as such.
    User,
    /// The model.
    Assistant,
    /// Results of tools; every part is a [`Content::ToolResult`].
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of parts.
    #[must_use]
    pub fn new(role: Role, parts: impl IntoIterator<Item = Part>) -> Self {
        Self { role, parts: parts.into_iter().collect() }
    }

    /// A message of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, [Part::text(text)])
    }

    /// The tools that are called, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }
}

/// A piece of a message, with what its provider wants to see again.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The piece.
    pub content: Content,
    /// What came with it. Two parts with one are never merged, and none moves to another part (Gemini refuses both).
    pub opaque: Option<Opaque>,
}

impl Part {
    /// A part as anybody may make it.
    #[must_use]
    pub const fn new(content: Content) -> Self {
        Self { content, opaque: None }
    }

    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }

    /// The call, if it is one.
    #[must_use]
    pub const fn as_tool_call(&self) -> Option<&ToolCall> {
        match &self.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        }
    }

    /// The text, if it is visible text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What came with the part, if `model` at `endpoint` made it. To anybody else it is worthless or an error, so it is
    /// left out or replaced.
    #[must_use]
    pub fn opaque_of(&self, model: &ModelRef, endpoint: &str) -> Option<&Opaque> {
        self.opaque.as_ref().filter(|opaque| opaque.model == *model && *opaque.endpoint == *endpoint)
    }
}

/// What a part says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Visible text; may be empty where only what came with it counts.
    Text(String),
    /// A picture.
    Image(Image),
    /// The model wants a tool to be called.
    ToolCall(ToolCall),
    /// What a tool gave.
    ToolResult(ToolResult),
    /// What the model thought; never shown to a shopper.
    Reasoning {
        /// The thoughts in full, where the provider shows them.
        text: Option<String>,
        /// The provider's summary of them.
        summary: Option<String>,
    },
    /// The model will not answer, in its words.
    Refusal(String),
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub source: ImageSource,
    /// Its media type, such as `image/jpeg`.
    pub mime: Box<str>,
    /// How closely the model should look, where it can be told.
    pub detail: ImageDetail,
}

/// Where a picture is.
#[derive(Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// Here.
    Bytes(Arc<[u8]>),
    /// At an address that the provider fetches itself. Never one that a shopper or a model named.
    Url(Box<str>),
    /// At the provider, under the name it gave.
    FileRef(Box<str>),
}

impl fmt::Debug for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Url(url) => write!(f, "Url({} bytes)", url.len()),
            Self::FileRef(name) => write!(f, "FileRef({name})"),
        }
    }
}

/// How closely a model looks at a picture; closer costs more tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ImageDetail {
    /// As the provider thinks best.
    #[default]
    Auto,
    /// A glance.
    Low,
    /// Closely.
    High,
}

/// A model's wish that a tool be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Names the call within the conversation; results refer to it. The provider's id, or one that the adapter made
    /// where the provider gave none.
    pub id: Box<str>,
    /// The provider's id, when it gave one.
    pub provider_id: Option<Box<str>>,
    /// The id of the output item that holds the call (OpenAI Responses).
    pub item_id: Option<Box<str>>,
    /// The tool, as the model wrote it; it may not exist.
    pub name: Box<str>,
    /// With what.
    pub args: ToolArgs,
    /// Its place among the calls of its message, from 0.
    pub index: u32,
}

/// What a model wants to call a tool with, as it wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolArgs {
    /// A JSON object. Whether the tool takes it is for the tool to say.
    Object(Json),
    /// Anything else: cut off, not JSON, or JSON that is no object. The model is told so and may try again.
    Malformed(Box<str>),
}

impl ToolArgs {
    /// The text as the model wrote it.
    #[must_use]
    pub fn raw(&self) -> &str {
        match self {
            Self::Object(json) => json.as_str(),
            Self::Malformed(text) => text,
        }
    }
}

/// What a tool gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call that it answers ([`ToolCall::id`]).
    pub call_id: Box<str>,
    /// The tool.
    pub name: Box<str>,
    /// What it gave.
    pub parts: Vec<ResultPart>,
    /// Whether it failed; the parts say how, in words for the model.
    pub is_error: bool,
}

/// A piece of what a tool gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultPart {
    /// Words.
    Text(String),
    /// Data. Where a provider takes objects it goes as one, elsewhere as its text.
    Json(Json),
    /// A picture, for models that see.
    Image(Image),
}

/// What a provider attached to a part and wants back unchanged: a thought signature, encrypted reasoning.
///
/// It goes back only to the model and endpoint that made it ([`Part::opaque_of`]): with another model, key or route it
/// is refused or ignored (Gemini: HTTP 400 "Corrupted thought signature").
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque {
    /// Who made it.
    pub model: ModelRef,
    /// Through which of the provider's interfaces, and with which key where that matters.
    pub endpoint: Box<str>,
    /// What it is, in the adapter's words.
    pub kind: Box<str>,
    /// The thing itself.
    pub data: Box<str>,
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({} {} {}, {} bytes)", self.model, self.endpoint, self.kind, self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_data_is_for_the_model_and_endpoint_that_made_it() {
        let flash = ModelRef::new("gemini", "gemini-3.8-flash");
        let opaque =
            Opaque { model: flash.clone(), endpoint: "generate".into(), kind: "signature".into(), data: "c2ln".into() };
        let part = Part { opaque: Some(opaque), ..Part::text("Hello") };
        assert!(part.opaque_of(&flash, "generate").is_some());
        assert!(part.opaque_of(&flash, "interactions").is_none());
        assert!(part.opaque_of(&ModelRef::new("gemini", "gemini-3.5-flash-lite"), "generate").is_none());
        assert!(part.opaque_of(&ModelRef::new("vertex", "gemini-3.8-flash"), "generate").is_none());
    }

    #[test]
    fn pictures_and_opaque_data_do_not_print_themselves() {
        let image = ImageSource::Bytes(Arc::from(&b"secret picture"[..]));
        assert_eq!(format!("{image:?}"), "Bytes(14 bytes)");
        let model = ModelRef::new("gemini", "m");
        let opaque = Opaque { model, endpoint: "e".into(), kind: "k".into(), data: "signature".into() };
        assert_eq!(format!("{opaque:?}"), "Opaque(gemini:m e k, 9 bytes)");
    }
}
