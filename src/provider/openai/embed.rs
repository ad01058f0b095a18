//! Embeddings in OpenAI's form, which compatible servers speak too. Texts only.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::header;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::Instrument as _;

use super::{SYSTEM, failure};
use crate::{
    domain::{
        chat::{Json, ModelRef, Usage},
        embedding::{EmbeddingAnswer, EmbeddingRequest, EmbeddingSpace, UnitVector},
    },
    provider::{
        Access, Embedder, ErrorClass, ProviderError,
        telemetry::Operation,
        wire::{Count, Endpoint, InvalidEndpoint, Load, Refused, add_usage, ask, batches},
    },
};

/// The most texts of one call (OpenAI).
const INPUTS_MAX: usize = 2_048;

/// The most text of one call: OpenAI takes 300,000 tokens, and a token is a byte at least.
const BYTES_MAX: usize = 300_000;

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    encoding_format: &'static str,
}

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<One<'a>>,
    model: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct One<'a> {
    index: Option<usize>,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Count,
    total_tokens: Count,
}

/// Embeddings of OpenAI or a compatible server.
#[derive(Clone, Debug)]
pub struct OpenAiEmbeddings {
    endpoint: Endpoint,
    /// Whether the server can be told the dimension; otherwise it has to come so by itself.
    takes_dimension: bool,
    /// Whether it sends vectors in base64, a third of the bytes and none of the parsing.
    sends_base64: bool,
}

impl OpenAiEmbeddings {
    /// OpenAI itself at `base_url` ([`super::BASE_URL`]).
    pub fn new(provider: &str, base_url: &str, connect: Duration) -> Result<Self, InvalidEndpoint> {
        let endpoint = Endpoint::new(provider, base_url, connect)?;
        Ok(Self { endpoint, takes_dimension: true, sends_base64: true })
    }

    /// A compatible server: vectors as numbers, and the dimension that it has.
    pub fn compatible(provider: &str, base_url: &str, connect: Duration) -> Result<Self, InvalidEndpoint> {
        let endpoint = Endpoint::new(provider, base_url, connect)?;
        Ok(Self { endpoint, takes_dimension: false, sends_base64: false })
    }

    /// The same with other settings of its endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        self.endpoint = change(self.endpoint);
        self
    }

    async fn embed_all(
        &self,
        request: &EmbeddingRequest,
        access: Access<'_>,
    ) -> Result<EmbeddingAnswer, ProviderError> {
        let provider = self.endpoint.provider();
        let texts = texts(request).map_err(|code| self.endpoint.error(ErrorClass::Invalid, code))?;
        let mut vectors = Vec::with_capacity(texts.len());
        let mut usage = None;
        let limit = Load { inputs: INPUTS_MAX, images: 0, bytes: BYTES_MAX };
        for run in batches(&texts, |text| Load { inputs: 1, images: 0, bytes: text.len() }, limit) {
            let body = Body {
                model: &request.model,
                input: run.iter().map(String::as_str).collect(),
                dimensions: self.takes_dimension.then_some(request.dimension),
                encoding_format: if self.sends_base64 { "base64" } else { "float" },
            };
            let post = self.endpoint.post(self.endpoint.url(&["embeddings"]), &body);
            let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
            let refused = |refused: &Refused| failure::of_answer(provider, refused);
            let read = |body: &[u8]| {
                let bad = |code| ProviderError::new(provider, ErrorClass::Protocol).with_code(code);
                read(body, run.len(), request.dimension).map_err(bad)
            };
            let (some, used) = ask(provider, post, access, &refused, read).await?;
            vectors.extend(some);
            usage = add_usage(usage, used);
        }
        let space = EmbeddingSpace { model: ModelRef::new(provider, &*request.model), dimension: request.dimension };
        Ok(EmbeddingAnswer { space, vectors, usage })
    }
}

/// The words of every input: title and text, as one.
fn texts(request: &EmbeddingRequest) -> Result<Vec<String>, &'static str> {
    let text = |input: &crate::domain::embedding::EmbeddingInput| {
        if !input.images.is_empty() {
            return Err("model_embeds_no_pictures");
        }
        let words = [&input.title, &input.text].into_iter().flatten().filter(|words| !words.is_empty());
        let text = words.map(String::as_str).collect::<Vec<_>>().join("\n");
        if text.is_empty() { Err("nothing_to_embed") } else { Ok(text) }
    };
    request.inputs.iter().map(text).collect()
}

fn read(body: &[u8], expected: usize, dimension: u32) -> Result<(Vec<UnitVector>, Option<Usage>), &'static str> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| "not_json")?;
    if answer.data.len() != expected {
        return Err("wrong_number_of_vectors");
    }
    // The index counts, not the order.
    let mut vectors: Vec<Option<UnitVector>> = vec![None; expected];
    for (at, one) in answer.data.iter().enumerate() {
        let place = vectors.get_mut(one.index.unwrap_or(at)).ok_or("bad_index")?;
        let values = values(one.embedding.get()).ok_or("bad_vector")?;
        *place = Some(UnitVector::normalise(values, dimension).map_err(|_| "bad_vector")?);
    }
    let vectors = vectors.into_iter().collect::<Option<Vec<_>>>().ok_or("bad_index")?;
    let usage = answer.usage.and_then(|raw| {
        let used: WireUsage = serde_json::from_str(raw.get()).ok()?;
        Some(Usage {
            input_total: used.prompt_tokens.0.unwrap_or(used.total_tokens.or_zero()),
            served_model: answer.model.as_deref().map(Into::into),
            raw: Some(Json::from_text(raw.get())),
            ..Usage::default()
        })
    });
    Ok((vectors, usage))
}

/// A list of numbers, or little-endian floats in base64.
fn values(json: &str) -> Option<Vec<f32>> {
    if json.starts_with('[') {
        return serde_json::from_str(json).ok();
    }
    let bytes = STANDARD.decode(serde_json::from_str::<&str>(json).ok()?).ok()?;
    let (floats, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| floats.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

impl Embedder for OpenAiEmbeddings {
    fn provider(&self) -> &str {
        self.endpoint.provider()
    }

    fn embed<'a>(
        &'a self,
        request: &'a EmbeddingRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<EmbeddingAnswer, ProviderError>> {
        async move {
            let mut span = self.endpoint.span(Operation::Embeddings, SYSTEM, &request.model, false);
            let answered = self.embed_all(request, access).instrument(span.span().clone()).await;
            span.embedded(&answered);
            answered
        }
        .boxed()
    }
}
