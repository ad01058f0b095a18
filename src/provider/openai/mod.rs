//! OpenAI by its Responses API, and embeddings in OpenAI's form.
//!
//! Its newest models take tools here only. Nothing is kept at OpenAI (`store: false`), so what a model thought goes back
//! to it encrypted, as an item of its own before the calls that came of it. Compatible servers speak Chat Completions,
//! which is another adapter.

mod answer;
mod embed;
pub(in crate::provider) mod failure;
mod family;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::header;

pub use self::embed::OpenAiEmbeddings;
use self::{answer::AnswerDecoder, request::Writer};
use super::{
    Access,
    telemetry::Operation,
    wire::{Adapter, Call, Endpoint, Framing, InvalidEndpoint, OwnIds, key_mark},
};
use crate::domain::chat::{ChatRequest, ModelRef};

/// OpenAI's own address.
pub const BASE_URL: &str = "https://api.openai.com/v1";

/// What the conventions for traces call it.
const SYSTEM: &str = "openai";

/// The interface that encrypted reasoning belongs to.
const ENDPOINT: &str = "responses";

/// The kind of opaque data that it is: a whole item.
const ENCRYPTED_REASONING: &str = "encrypted_reasoning";

/// OpenAI at one address.
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
}

impl OpenAi {
    /// The server `provider` at `base_url` ([`BASE_URL`]).
    pub fn new(provider: &str, base_url: &str, connect: Duration) -> Result<Self, InvalidEndpoint> {
        Ok(Self { endpoint: Endpoint::new(provider, base_url, connect)? })
    }

    /// The same with other settings of its endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        self.endpoint = change(self.endpoint);
        self
    }
}

impl Adapter for OpenAi {
    type Decoder = AnswerDecoder;

    const FRAMING: Framing = Framing::Sse;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn call<'a>(&'a self, request: &'a ChatRequest, access: Access<'a>, streams: bool) -> Call<'a, AnswerDecoder> {
        let model = ModelRef::new(self.endpoint.provider(), &*request.model);
        let mark: Box<str> = format!("{ENDPOINT}/{}", key_mark(access.key)).into();
        let body = Writer { request, model: &model, endpoint: &mark, streams }.body();
        let post = self.endpoint.post(self.endpoint.url(&["responses"]), &body);
        let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
        let span = self.endpoint.span(Operation::Chat, SYSTEM, &request.model, streams);
        let decoder = AnswerDecoder::new(model, mark, OwnIds::after(request));
        Call { request: post, provider: self.endpoint.provider(), access, decoder, span }
    }
}
