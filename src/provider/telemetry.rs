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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fmt,
        sync::{Arc, Mutex},
    };

    use secrecy::SecretString;
    use tracing::{
        Subscriber,
        field::{Field, Visit},
        span,
    };
    use tracing_subscriber::{Layer, Registry, layer::Context, layer::SubscriberExt as _};

    use super::*;
    use crate::{
        net,
        provider::{
            Access, ChatModel as _, collect, fixture,
            openai::OpenAi,
            testing::{Answer, WireServer},
        },
    };

    /// What a trace would show: the fields of every span and event.
    #[derive(Clone, Debug, Default)]
    struct Seen(Arc<Mutex<BTreeMap<String, String>>>);

    impl Visit for Seen {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.lock().expect("one thread").insert(field.name().to_owned(), format!("{value:?}"));
        }
    }

    impl<S: Subscriber> Layer<S> for Seen {
        fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
            attributes.record(&mut self.clone());
        }

        fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
            values.record(&mut self.clone());
        }

        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            event.record(&mut self.clone());
        }
    }

    impl Seen {
        fn all(&self) -> BTreeMap<String, String> {
            self.0.lock().expect("one thread").clone()
        }
    }

    const WHOLE: &str = r#"{"id":"resp_1","model":"gpt-6-luna-2026","status":"completed",
        "output":[{"type":"message","content":[{"type":"output_text","text":"secret reply"}]}],
        "usage":{"input_tokens":900,"input_tokens_details":{"cached_tokens":512,"cache_write_tokens":100},"output_tokens":40}}"#;

    /// Everything that a trace shows of one call with `fields`, answered with `answer`.
    async fn trace(fields: GenAiFields, answer: Answer) -> BTreeMap<String, String> {
        let seen = Seen::default();
        let guard = tracing::subscriber::set_default(Registry::default().with(seen.clone()));
        let server = WireServer::start([answer]).await;
        let openai = OpenAi::new("openai", &server.url, net::CONNECT_DEADLINE).expect("an address");
        let openai = openai.with_endpoint(|endpoint| endpoint.with_fields(fields));
        let key = SecretString::from("sk-live-123");
        let access = Access { key: Some(&key), ..Access::default() };
        let request = fixture::question("gpt-6-luna");
        let whole = openai.answer(&request, access).await;
        let streamed = collect("openai", openai.stream(&request, access)).await;
        assert_eq!(whole.is_ok(), streamed.is_ok());
        drop(guard);
        seen.all()
    }

    #[tokio::test]
    async fn a_call_s_span_has_models_and_figures_by_the_names_of_the_chosen_version() {
        let newer = trace(GenAiFields::V1_40, Answer::json(200, WHOLE)).await;
        for (name, value) in [
            ("gen_ai.operation.name", "\"chat\""),
            ("gen_ai.provider.name", "\"openai\""),
            ("gen_ai.request.model", "\"gpt-6-luna\""),
            ("gen_ai.response.model", "\"gpt-6-luna-2026\""),
            ("gen_ai.response.id", "\"resp_1\""),
            ("gen_ai.response.finish_reasons", "\"stop\""),
            ("gen_ai.usage.input_tokens", "900"),
            ("gen_ai.usage.output_tokens", "40"),
            ("gen_ai.usage.cache_read.input_tokens", "512"),
            ("gen_ai.usage.cache_creation.input_tokens", "100"),
            ("server.address", "\"127.0.0.1\""),
            ("outcome", "\"ok\""),
        ] {
            assert_eq!(newer.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!newer.contains_key("gen_ai.system") && !newer.contains_key("error.type"));
        let older = trace(GenAiFields::V1_36, Answer::json(200, WHOLE)).await;
        assert_eq!(older.get("gen_ai.system").map(String::as_str), Some("\"openai\""));
        assert!(!older.keys().any(|name| name.contains("provider.name") || name.contains("cache_")));
        let off = trace(GenAiFields::Off, Answer::json(200, WHOLE)).await;
        assert!(!off.keys().any(|name| name.starts_with("gen_ai.")), "{off:?}");
    }

    #[tokio::test]
    async fn no_word_of_a_conversation_and_no_key_is_in_a_trace() {
        let quoting = r#"{"error":{"message":"you said Is this still there? with sk-live-123","code":"bad"}}"#;
        for answer in [Answer::json(200, WHOLE), Answer::json(400, quoting)] {
            let all = format!("{:?}", trace(GenAiFields::V1_40, answer).await);
            for word in ["still there", "secret reply", "You answer for the shop", "sk-live", "find_products"] {
                assert!(!all.contains(word), "{word} in {all}");
            }
        }
    }

    #[tokio::test]
    async fn a_failed_call_and_one_that_is_dropped_say_so() {
        let failed = trace(GenAiFields::V1_40, Answer::json(429, "{}")).await;
        assert_eq!(failed.get("error.type").map(String::as_str), Some("\"rate_limit\""));
        let seen = Seen::default();
        let guard = tracing::subscriber::set_default(Registry::default().with(seen.clone()));
        let server = WireServer::start([Answer::sse("").then_stall()]).await;
        let openai = OpenAi::new("openai", &server.url, net::CONNECT_DEADLINE).expect("an address");
        let request = fixture::question("gpt-6-luna");
        {
            let mut call = openai.answer(&request, Access::default());
            tokio::select! {
                biased;
                _ = &mut call => panic!("the server never answers"),
                () = server.has_been_asked() => {}
            }
        }
        server.client_has_gone().await;
        drop(guard);
        assert_eq!(seen.all().get("outcome").map(String::as_str), Some("\"cancelled\""));
    }
}
