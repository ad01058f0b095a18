//! Embeddings of local models. Texts only.

use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::header;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::{Ollama, SYSTEM, answer::refused_by};
use crate::{
    domain::{
        chat::{ModelRef, Usage},
        embedding::{EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, EmbeddingSpace, EmbeddingTask, UnitVector},
    },
    provider::{
        Access, Embedder, ErrorClass, ProviderError,
        telemetry::Operation,
        wire::{Count, Load, Refused, add_usage, ask, batches},
    },
};

/// Texts of one call, and their bytes: a local model takes its time, and every call has a deadline.
const BATCH: Load = Load { inputs: 64, images: 0, bytes: 128 << 10 };

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<&'a str>,
    dimensions: u32,
    /// Too long is an error, not something to be cut without a word.
    truncate: bool,
    keep_alive: &'a str,
}

#[derive(Debug, Deserialize)]
struct Answer {
    model: Option<String>,
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Count,
}

/// The words that a model was trained to see before a text.
#[derive(Clone, Copy, Debug)]
struct Prefixes {
    /// How its name begins, behind whoever publishes it.
    model: &'static str,
    query: &'static str,
    similarity: &'static str,
    document: Document,
}

/// How a document with a title is written.
#[derive(Clone, Copy, Debug)]
enum Document {
    /// `title: … | text: …`, with `none` where there is no title.
    TitleAndText,
    /// This before it, then title and text on lines of their own.
    Prefixed(&'static str),
}

/// As the models' own cards say.
const PREFIXES: &[Prefixes] = &[
    Prefixes {
        model: "embeddinggemma",
        query: "task: search result | query: ",
        similarity: "task: sentence similarity | query: ",
        document: Document::TitleAndText,
    },
    Prefixes {
        model: "nomic-embed-text",
        query: "search_query: ",
        similarity: "clustering: ",
        document: Document::Prefixed("search_document: "),
    },
];

/// Models without words of their own.
const PLAIN: Prefixes = Prefixes { model: "", query: "", similarity: "", document: Document::Prefixed("") };

fn text(model: &str, task: EmbeddingTask, input: &EmbeddingInput) -> Result<String, &'static str> {
    if !input.images.is_empty() {
        return Err("model_embeds_no_pictures");
    }
    let filled = |words: &'_ Option<String>| words.clone().filter(|words| !words.is_empty());
    let (title, text) = (filled(&input.title), filled(&input.text));
    if title.is_none() && text.is_none() {
        return Err("nothing_to_embed");
    }
    let name = model.rsplit('/').next().unwrap_or(model);
    let prefixes = PREFIXES.iter().find(|known| name.starts_with(known.model)).unwrap_or(&PLAIN);
    let joined = || [&title, &text].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n");
    Ok(match (task, prefixes.document) {
        (EmbeddingTask::Query, _) => format!("{}{}", prefixes.query, joined()),
        (EmbeddingTask::Similarity, _) => format!("{}{}", prefixes.similarity, joined()),
        (EmbeddingTask::Document, Document::Prefixed(prefix)) => format!("{prefix}{}", joined()),
        (EmbeddingTask::Document, Document::TitleAndText) => {
            let title = title.as_deref().unwrap_or("none");
            format!("title: {title} | text: {}", text.as_deref().unwrap_or_default())
        }
    })
}

impl Ollama {
    async fn embed_all(
        &self,
        request: &EmbeddingRequest,
        access: Access<'_>,
    ) -> Result<EmbeddingAnswer, ProviderError> {
        let provider = self.endpoint.provider();
        let texts = request.inputs.iter().map(|input| text(&request.model, request.task, input));
        let texts: Vec<_> =
            texts.collect::<Result<_, _>>().map_err(|code| self.endpoint.error(ErrorClass::Invalid, code))?;
        let mut vectors = Vec::with_capacity(texts.len());
        let mut usage = None;
        for run in batches(&texts, |text| Load { inputs: 1, images: 0, bytes: text.len() }, BATCH) {
            let body = Body {
                model: &request.model,
                input: run.iter().map(String::as_str).collect(),
                dimensions: request.dimension,
                truncate: false,
                keep_alive: &self.runtime.keep_alive,
            };
            let post = self.endpoint.post(self.endpoint.url(&["api", "embed"]), &body);
            let post = post.and_then(|post| self.endpoint.with_key(post, header::AUTHORIZATION, "Bearer ", access.key));
            let refused = |refused: &Refused| refused_by(provider, refused);
            let read = |body: &[u8]| {
                let bad = |code| ProviderError::new(provider, ErrorClass::Protocol).with_code(code);
                read(body, run.len(), request.dimension).map_err(bad)
            };
            let (some, used) = ask(provider, post, access, &refused, read).await?;
            vectors.extend(some);
            usage = add_usage(usage, Some(used));
        }
        let space = EmbeddingSpace { model: ModelRef::new(provider, &*request.model), dimension: request.dimension };
        Ok(EmbeddingAnswer { space, vectors, usage })
    }
}

fn read(body: &[u8], expected: usize, dimension: u32) -> Result<(Vec<UnitVector>, Usage), &'static str> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "not_json")?;
    if answer.embeddings.len() != expected {
        return Err("wrong_number_of_vectors");
    }
    let vectors = answer.embeddings.into_iter().map(|values| UnitVector::normalise(values, dimension));
    let usage = Usage {
        input_total: answer.prompt_eval_count.or_zero(),
        served_model: answer.model.as_deref().map(Into::into),
        ..Usage::default()
    };
    Ok((vectors.collect::<Result<_, _>>().map_err(|_| "bad_vector")?, usage))
}

impl Embedder for Ollama {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_sees_the_words_it_was_trained_with() {
        let titled = EmbeddingInput { title: Some("Red dress".into()), ..EmbeddingInput::text("midi") };
        let bare = EmbeddingInput::text("midi");
        for (model, task, input, expected) in [
            ("embeddinggemma:300m", EmbeddingTask::Query, &bare, "task: search result | query: midi"),
            ("embeddinggemma-2", EmbeddingTask::Document, &titled, "title: Red dress | text: midi"),
            ("someone/embeddinggemma", EmbeddingTask::Document, &bare, "title: none | text: midi"),
            ("nomic-embed-text", EmbeddingTask::Document, &titled, "search_document: Red dress\nmidi"),
            ("bge-m3", EmbeddingTask::Query, &bare, "midi"),
            ("bge-m3", EmbeddingTask::Document, &titled, "Red dress\nmidi"),
        ] {
            assert_eq!(text(model, task, input).as_deref(), Ok(expected), "{model} {task:?}");
        }
        assert_eq!(text("bge-m3", EmbeddingTask::Query, &EmbeddingInput::text("")), Err("nothing_to_embed"));
    }
}
