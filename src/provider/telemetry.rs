//! The span of a call, with the fields that OpenTelemetry's conventions for generative AI name. Never a text, a key or an
//! address: models, figures, codes.
//!
//! The conventions are not stable, so the names are behind a switch ([`GenAiFields`]). `tracing` wants every name at
//! compile time; the names of the version not chosen stay empty and are not exported.

use std::time::Duration;

use tracing::{Span, field::Empty};

use crate::{
    domain::{
        chat::{StreamEvent, Usage},
        embedding::EmbeddingAnswer,
    },
    provider::ProviderError,
};

/// Which version's names a span's fields have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GenAiFields {
    /// None; the span has a model and an outcome for Aura's own logs.
    Off,
    /// Semantic conventions up to 1.36: the provider is `gen_ai.system`, cached tokens have no name.
    V1_36,
    /// Semantic conventions from 1.40: the provider is `gen_ai.provider.name`, cached tokens have names.
    #[default]
    V1_40,
}

/// What a call does, in the words of the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) enum Operation {
    Chat,
    Embeddings,
}

/// What a span begins with.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct CallInfo<'a> {
    /// Names of which version.
    pub(in crate::provider) fields: GenAiFields,
    /// What is done.
    pub(in crate::provider) operation: Operation,
    /// Who is called, by the name it is configured under.
    pub(in crate::provider) provider: &'a str,
    /// Who it is in the words of the conventions: `gcp.gemini`, `openai`; for others as configured.
    pub(in crate::provider) system: &'a str,
    /// The host.
    pub(in crate::provider) host: &'a str,
    /// The model that is asked for.
    pub(in crate::provider) model: &'a str,
    /// Whether the answer streams.
    pub(in crate::provider) streams: bool,
}

/// One call as the trace sees it. Dropped without an outcome it says that it was cancelled.
#[derive(Debug)]
pub(in crate::provider) struct CallSpan {
    span: Span,
    fields: GenAiFields,
    started: tokio::time::Instant,
    first_token: Option<Duration>,
    outcome: Option<&'static str>,
}

impl CallSpan {
    pub(in crate::provider) fn begin(info: CallInfo<'_>) -> Self {
        let span = tracing::info_span!(
            "model call",
            provider = info.provider,
            model = info.model,
            gen_ai.operation.name = Empty,
            gen_ai.system = Empty,
            gen_ai.provider.name = Empty,
            gen_ai.request.model = Empty,
            gen_ai.response.model = Empty,
            gen_ai.response.id = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            gen_ai.usage.cache_creation.input_tokens = Empty,
            server.address = Empty,
            stream = info.streams,
            error.r#type = Empty,
        );
        if info.fields != GenAiFields::Off {
            let operation = match info.operation {
                Operation::Chat => "chat",
                Operation::Embeddings => "embeddings",
            };
            span.record("gen_ai.operation.name", operation);
            let system = if info.fields == GenAiFields::V1_36 { "gen_ai.system" } else { "gen_ai.provider.name" };
            span.record(system, info.system);
            span.record("gen_ai.request.model", info.model);
            span.record("server.address", info.host);
        }
        Self { span, fields: info.fields, started: tokio::time::Instant::now(), first_token: None, outcome: None }
    }

    pub(in crate::provider) const fn span(&self) -> &Span {
        &self.span
    }

    /// Notes what an event tells.
    pub(in crate::provider) fn saw(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::Start { served_model, id } if self.fields != GenAiFields::Off => {
                if let Some(model) = served_model {
                    self.span.record("gen_ai.response.model", &**model);
                }
                if let Some(id) = id {
                    self.span.record("gen_ai.response.id", &**id);
                }
            }
            StreamEvent::Usage(usage) => self.used(usage),
            StreamEvent::Finish { reason, .. } => {
                if self.fields != GenAiFields::Off {
                    self.span.record("gen_ai.response.finish_reasons", reason.code());
                }
                self.outcome = Some("ok");
            }
            event if event.is_output() && self.first_token.is_none() => {
                self.first_token = Some(self.started.elapsed());
            }
            _ => {}
        }
    }

    /// Notes what was used.
    pub(in crate::provider) fn used(&mut self, usage: &Usage) {
        if self.fields == GenAiFields::Off {
            return;
        }
        self.span.record("gen_ai.usage.input_tokens", usage.input_total);
        self.span.record("gen_ai.usage.output_tokens", usage.output_total);
        if self.fields == GenAiFields::V1_40 {
            self.span.record("gen_ai.usage.cache_read.input_tokens", usage.input_cached);
            let written = usage.input_cache_write_30m.saturating_add(usage.input_cache_write_12h);
            self.span.record("gen_ai.usage.cache_creation.input_tokens", written);
        }
    }

    /// The call was for vectors and is over.
    pub(in crate::provider) fn embedded(&mut self, answered: &Result<EmbeddingAnswer, ProviderError>) {
        match answered {
            Ok(answer) => {
                answer.usage.iter().for_each(|usage| self.used(usage));
                self.outcome = Some("ok");
            }
            Err(error) => self.failed(error),
        }
    }

    /// The call has failed.
    pub(in crate::provider) fn failed(&mut self, error: &ProviderError) {
        self.outcome = Some(error.class.code());
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        let outcome = self.outcome.unwrap_or("cancelled");
        if outcome != "ok" {
            self.span.record("error.type", outcome);
        }
        let _entered = self.span.enter();
        let elapsed_ms = self.started.elapsed().as_millis();
        let first_token_ms = self.first_token.map(|wait| wait.as_millis());
        tracing::debug!(outcome, elapsed_ms, first_token_ms, "model call ended");
    }
}
