//! Servers that speak Chat Completions: vLLM, llama.cpp, OpenRouter, Groq, LM Studio, and whatever else does.
//!
//! They agree on the shape and on little else. What is sent differs by [`Compat`]; what comes back is read in every way
//! that one of them is known to write it.

mod answer;
mod compat;
mod request;

use std::time::Duration;

use reqwest::header;

pub use self::compat::{
    Compat, EffortStyle, ImageStyle, MaxTokensField, Preset, ReasoningField, SchemaStyle, Switches, SystemRole, preset,
    presets,
};
use self::{answer::AnswerDecoder, request::Writer};
use super::{
    Access,
    telemetry::Operation,
    wire::{Adapter, Call, Endpoint, Framing, InvalidEndpoint, OwnIds, key_mark},
};
use crate::domain::chat::{ChatRequest, ModelRef};

/// The interface that signatures belong to.
const ENDPOINT: &str = "chat";

/// The kind of opaque data that comes with a call.
const EXTRA_CONTENT: &str = "extra_content";

/// A compatible server at one address.
#[derive(Clone, Debug)]
pub struct OpenAiChat {
    endpoint: Endpoint,
    compat: Compat,
}

impl OpenAiChat {
    /// The server that the operator calls `provider`, at `base_url`, which ends where `/chat/completions` begins.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(provider: &str, base_url: &str, compat: Compat, connect: Duration) -> Result<Self, InvalidEndpoint> {
        Ok(Self { endpoint: Endpoint::new(provider, base_url, connect)?, compat })
    }

    /// The same with other settings of its endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        self.endpoint = change(self.endpoint);
        self
    }
}

impl Adapter for OpenAiChat {
    type Decoder = AnswerDecoder;

    const FRAMING: Framing = Framing::Sse;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn call<'a>(&'a self, request: &'a ChatRequest, access: Access<'a>, streams: bool) -> Call<'a, AnswerDecoder> {
        let provider = self.endpoint.provider();
        let model = ModelRef::new(provider, &*request.model);
        let mark: Box<str> = format!("{ENDPOINT}/{}", key_mark(access.key)).into();
        let body = Writer { request, compat: &self.compat, model: &model, endpoint: &mark, streams };
        let post = self.endpoint.post(self.endpoint.url(&["chat", "completions"]), &body);
        let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
        let span = self.endpoint.span(Operation::Chat, provider, &request.model, streams);
        let decoder = AnswerDecoder::new(model, mark, OwnIds::after(request), self.compat.reasoning_field);
        Call { request: post, provider, access, decoder, span }
    }
}

#[cfg(test)]
mod tests;
