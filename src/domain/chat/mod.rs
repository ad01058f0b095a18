//! The chat vocabulary between Aura and models: what is asked, what comes back, piece by piece or whole.
//!
//! It belongs to no provider, and loses nothing of any of them: what only one provider understands travels as [`Opaque`]
//! beside the part it came with. JSON is text here ([`Json`]): `provider` reads and writes it, `domain` does not. Nothing
//! in here is sent or believed; `agent` builds requests, `provider` speaks them, the guard judges what comes of them.

mod answer;
mod fold;
mod json;
mod message;
mod model;
mod request;

pub use answer::{ChatAnswer, Finish, Modality, ModalityTokens, StreamEvent, Usage};
pub use fold::Fold;
pub use json::Json;
pub use message::{
    Content, Image, ImageDetail, ImageSource, Message, Opaque, Part, ResultPart, Role, ToolArgs, ToolCall, ToolResult,
};
pub use model::{InvalidModelRef, ModelRef};
pub use request::{CacheHint, ChatRequest, Effort, ResponseSchema, Sampling, ServiceTier, ToolChoice, ToolSpec};
