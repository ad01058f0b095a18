//! Ollama by its own interface: chat and embeddings, and what it has, knows and can fetch.
//!
//! Its compatible endpoint cannot be told the size of the context, and cuts what is too long without a word; this one can.

mod answer;
mod embed;
mod local;
mod request;

use std::time::Duration;

use reqwest::header;

pub use self::local::{LocalModel, ModelDetails, PullProgress};
use self::{answer::AnswerDecoder, request::Writer};
use super::{
    Access,
    telemetry::Operation,
    wire::{Adapter, Call, Endpoint, Framing, InvalidEndpoint, OwnIds},
};
use crate::domain::chat::ChatRequest;

/// Where it listens unless it was told otherwise.
pub const BASE_URL: &str = "http://127.0.0.1:11434";

/// What the conventions for traces call it.
const SYSTEM: &str = "ollama";

/// How its models are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Tokens that a conversation may have, its answer included. Always said: left out, Ollama takes what its own
    /// environment says, often 4,096.
    pub context_tokens: u32,
    /// How long a model stays in memory after an answer, in Ollama's words (`5m`, `-1` for ever): loading takes longer
    /// than answering.
    pub keep_alive: Box<str>,
}

impl Runtime {
    /// Room for a shop's instructions, ten tools and a day's conversation, in memory that a small machine has.
    pub const CONTEXT_TOKENS: u32 = 16_384;
}

impl Default for Runtime {
    fn default() -> Self {
        Self { context_tokens: Self::CONTEXT_TOKENS, keep_alive: "30m".into() }
    }
}

/// Ollama at one address.
#[derive(Clone, Debug)]
pub struct Ollama {
    endpoint: Endpoint,
    runtime: Runtime,
}

impl Ollama {
    /// The server `provider` at `base_url` ([`BASE_URL`]).
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(provider: &str, base_url: &str, connect: Duration) -> Result<Self, InvalidEndpoint> {
        Ok(Self { endpoint: Endpoint::new(provider, base_url, connect)?, runtime: Runtime::default() })
    }

    /// The same with models run otherwise.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// The same with other settings of its endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        self.endpoint = change(self.endpoint);
        self
    }
}

impl Adapter for Ollama {
    type Decoder = AnswerDecoder;

    const FRAMING: Framing = Framing::Lines;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn call<'a>(&'a self, request: &'a ChatRequest, access: Access<'a>, streams: bool) -> Call<'a, AnswerDecoder> {
        let provider = self.endpoint.provider();
        let body = Writer { request, runtime: &self.runtime, streams }.body();
        let post = self.endpoint.post(self.endpoint.url(&["api", "chat"]), &body);
        // Locally there is no key; a proxy in front may want one.
        let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
        let span = self.endpoint.span(Operation::Chat, SYSTEM, &request.model, streams);
        Call { request: post, provider, access, decoder: AnswerDecoder::new(provider, OwnIds::after(request)), span }
    }
}

#[cfg(test)]
mod tests;
