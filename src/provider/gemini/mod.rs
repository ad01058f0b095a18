//! Google's Gemini, by `generateContent` and `streamGenerateContent`, and its embeddings.
//!
//! The interface keeps nothing at Google and takes the widest range of models. Two things are particular to it: from
//! generation 3 on every tool call carries a signature that must come back on its own part, and there is no sign for the
//! end of a stream but the end of the connection.

mod answer;
mod embed;
mod failure;
mod family;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::{RequestBuilder, header::HeaderName};

use self::{
    answer::AnswerDecoder,
    family::Family,
    request::{Writer, endpoint_mark},
};
use super::{
    Access, Embedder, ProviderError,
    telemetry::Operation,
    wire::{Adapter, Call, Endpoint, Framing, InvalidEndpoint, OwnIds, key_mark},
};
use crate::domain::{
    chat::{ChatRequest, ModelRef},
    embedding::{EmbeddingAnswer, EmbeddingRequest},
};

/// Google's own address.
pub const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// The header that carries the key.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");

/// What the conventions for traces call it.
const SYSTEM: &str = "gcp.gemini";

/// The interface that signatures belong to.
const ENDPOINT: &str = "generateContent";

/// The kind of opaque data that a signature is.
const SIGNATURE: &str = "thought_signature";

/// Gemini at one address.
#[derive(Clone, Debug)]
pub struct Gemini {
    endpoint: Endpoint,
}

impl Gemini {
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

    /// `POST models/MODEL:METHOD` with `body`.
    fn post(
        &self,
        model: &str,
        method: &str,
        query: Option<(&str, &str)>,
        body: &impl serde::Serialize,
        access: Access<'_>,
    ) -> Result<RequestBuilder, ProviderError> {
        let mut url = self.endpoint.url(&["models", &format!("{}:{method}", bare(model))]);
        if let Some((key, value)) = query {
            url.query_pairs_mut().append_pair(key, value);
        }
        self.endpoint.with_key(self.endpoint.post(url, body)?, KEY_HEADER, "", access.key)
    }
}

impl Adapter for Gemini {
    type Decoder = AnswerDecoder;

    const FRAMING: Framing = Framing::Sse;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn call<'a>(&'a self, request: &'a ChatRequest, access: Access<'a>, streams: bool) -> Call<'a, AnswerDecoder> {
        let model = ModelRef::new(self.endpoint.provider(), bare(&request.model));
        let mark: Box<str> = endpoint_mark(&key_mark(access.key)).into();
        let family = Family::of(&model.model);
        let body = Writer { request, family, model: &model, endpoint: &mark }.body();
        let (method, query) =
            if streams { ("streamGenerateContent", Some(("alt", "sse"))) } else { ("generateContent", None) };
        let request_builder = self.post(&request.model, method, query, &body, access);
        Call {
            request: request_builder,
            provider: self.endpoint.provider(),
            access,
            span: self.endpoint.span(Operation::Chat, SYSTEM, &request.model, streams),
            decoder: AnswerDecoder::new(model, mark, OwnIds::after(request)),
        }
    }
}

/// Lists name models with their collection in front; addresses have it already.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

impl Embedder for Gemini {
    fn provider(&self) -> &str {
        self.endpoint.provider()
    }

    fn embed<'a>(
        &'a self,
        request: &'a EmbeddingRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<EmbeddingAnswer, ProviderError>> {
        embed::embed(self, request, access).boxed()
    }
}
