//! Gemini's embeddings: texts and pictures in one space (`gemini-embedding-2`), or texts alone (`gemini-embedding-001`).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::Instrument as _;

use super::{
    Gemini,
    answer::UsageMetadata,
    bare, failure,
    request::{WireContent, embedded},
};
use crate::{
    domain::{
        chat::{ModelRef, Usage},
        embedding::{EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, EmbeddingSpace, EmbeddingTask, UnitVector},
    },
    provider::{
        Access, ErrorClass, ProviderError,
        telemetry::Operation,
        wire::{Load, Refused, add_usage, ask, batches},
    },
};

/// The most that one call may embed (Google: 100 requests).
const INPUTS_MAX: usize = 100;

/// The most pictures of one call (Google: 6 per request).
const IMAGES_MAX: usize = 6;

/// The most of pictures and text in one call, before base64; Google takes 20 MB of request.
const BYTES_MAX: usize = 12 * 1024 * 1024;

#[derive(Debug, Serialize)]
struct Batch<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: WireContent<'a>,
    output_dimensionality: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchAnswer<'a> {
    embeddings: Vec<Values>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Values {
    values: Vec<f32>,
}

/// How a model is told what a vector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskStyle {
    /// In a field; texts only (`gemini-embedding-001`).
    Field,
    /// In the text itself (`gemini-embedding-2` and later).
    Prefix,
}

impl TaskStyle {
    fn of(model: &str) -> Self {
        if model.starts_with("gemini-embedding-001") || model.starts_with("text-embedding") {
            Self::Field
        } else {
            Self::Prefix
        }
    }

    /// The words to embed, where there are any.
    fn text(self, input: &EmbeddingInput, task: EmbeddingTask) -> Option<String> {
        let text = input.text.as_deref().filter(|text| !text.is_empty());
        let title = input.title.as_deref().filter(|title| !title.is_empty());
        match (self, task) {
            (Self::Field, _) => text.or(title).map(str::to_owned),
            (Self::Prefix, EmbeddingTask::Document) if text.is_some() || title.is_some() => {
                Some(format!("title: {} | text: {}", title.unwrap_or("none"), text.unwrap_or_default()))
            }
            (Self::Prefix, EmbeddingTask::Document) => None,
            (Self::Prefix, EmbeddingTask::Query) => text.map(|text| format!("task: search result | query: {text}")),
            (Self::Prefix, EmbeddingTask::Similarity) => {
                text.map(|text| format!("task: sentence similarity | query: {text}"))
            }
        }
    }

    /// A title in a field of its own goes with documents that have text besides.
    fn title(self, input: &EmbeddingInput, task: EmbeddingTask) -> Option<&str> {
        let has_field = self == Self::Field && task == EmbeddingTask::Document && input.text.is_some();
        input.title.as_deref().filter(|_| has_field)
    }

    const fn task_type(self, task: EmbeddingTask) -> Option<&'static str> {
        match (self, task) {
            (Self::Prefix, _) => None,
            (Self::Field, EmbeddingTask::Query) => Some("RETRIEVAL_QUERY"),
            (Self::Field, EmbeddingTask::Document) => Some("RETRIEVAL_DOCUMENT"),
            (Self::Field, EmbeddingTask::Similarity) => Some("SEMANTIC_SIMILARITY"),
        }
    }
}

/// Something to embed with the words that stand for it.
struct Item<'a> {
    input: &'a EmbeddingInput,
    text: Option<String>,
}

pub(super) async fn embed(
    gemini: &Gemini,
    request: &EmbeddingRequest,
    access: Access<'_>,
) -> Result<EmbeddingAnswer, ProviderError> {
    let model = bare(&request.model);
    let mut span = gemini.endpoint.span(Operation::Embeddings, super::SYSTEM, &request.model, false);
    let answered = embed_all(gemini, request, model, access).instrument(span.span().clone()).await;
    span.embedded(&answered);
    answered
}

async fn embed_all(
    gemini: &Gemini,
    request: &EmbeddingRequest,
    model: &str,
    access: Access<'_>,
) -> Result<EmbeddingAnswer, ProviderError> {
    let provider = gemini.endpoint.provider();
    let style = TaskStyle::of(model);
    let items = request.inputs.iter().map(|input| Item { input, text: style.text(input, request.task) });
    let items: Vec<_> = items.collect();
    check(provider, style, &items)?;
    let mut vectors = Vec::with_capacity(items.len());
    let mut usage = None;
    let limit = Load { inputs: INPUTS_MAX, images: IMAGES_MAX, bytes: BYTES_MAX };
    let full_name = format!("models/{model}");
    for run in batches(&items, |item| Load::of(item.input, item.text.as_deref()), limit) {
        let requests = run.iter().map(|item| One {
            model: &full_name,
            content: embedded(item.text.as_deref(), &item.input.images),
            output_dimensionality: request.dimension,
            task_type: style.task_type(request.task),
            title: style.title(item.input, request.task),
        });
        let body = Batch { requests: requests.collect() };
        let call = gemini.post(model, "batchEmbedContents", None, &body, access);
        let refused = |refused: &Refused| failure::of_answer(provider, refused);
        let read = |body: &[u8]| read(provider, body, run.len(), request.dimension);
        let (some, used) = ask(provider, call, access, &refused, read).await?;
        vectors.extend(some);
        usage = add_usage(usage, used);
    }
    let space = EmbeddingSpace { model: ModelRef::new(provider, model), dimension: request.dimension };
    Ok(EmbeddingAnswer { space, vectors, usage })
}

/// What no call could embed is refused before any is paid for.
fn check(provider: &str, style: TaskStyle, items: &[Item<'_>]) -> Result<(), ProviderError> {
    let invalid = |code: &str| Err(ProviderError::new(provider, ErrorClass::Invalid).with_code(code));
    for Item { input, text } in items {
        if text.is_none() && input.images.is_empty() {
            return invalid("nothing_to_embed");
        }
        if style == TaskStyle::Field && !input.images.is_empty() {
            return invalid("model_embeds_no_pictures");
        }
        if input.images.len() > IMAGES_MAX {
            return invalid("too_many_pictures");
        }
    }
    Ok(())
}

fn read(
    provider: &str,
    body: &[u8],
    expected: usize,
    dimension: u32,
) -> Result<(Vec<UnitVector>, Option<Usage>), ProviderError> {
    let protocol = |code: &str| ProviderError::new(provider, ErrorClass::Protocol).with_code(code);
    let answer: BatchAnswer<'_> = serde_json::from_slice(body).map_err(|_| protocol("not_json"))?;
    if answer.embeddings.len() != expected {
        return Err(protocol("wrong_number_of_vectors"));
    }
    let vectors = answer.embeddings.into_iter().map(|one| UnitVector::normalise(one.values, dimension));
    let vectors = vectors.collect::<Result<_, _>>().map_err(|_| protocol("bad_vector"))?;
    let metadata = |raw: &RawValue| Some(serde_json::from_str::<UsageMetadata>(raw.get()).ok()?.usage(None, raw));
    Ok((vectors, answer.usage_metadata.and_then(metadata)))
}
