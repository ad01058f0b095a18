//! What an Ollama has, and fetching models for it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::BoxStream};
use secrecy::SecretString;

use crate::{
    app::{App, Error, secrets::KnownSecret},
    config::Providers,
    domain::chat::ModelRef,
    provider::{
        Access, Deadlines, ErrorClass, ProviderError,
        ollama::{LocalModel, ModelDetails, PullProgress},
    },
};

/// How long a list waits for an Ollama: one that is there answers at once.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

impl App {
    /// The models that an Ollama has.
    ///
    /// # Errors
    /// The provider's, when it is not there or answers otherwise.
    pub async fn local_models(&self) -> Result<Vec<LocalModel>, ProviderError> {
        let key = self.ollama_key().await;
        let deadlines = Deadlines::default().within(LOOK_WITHIN);
        self.models.ollama.models(Access { key: key.as_ref(), deadlines }).await
    }

    /// What an Ollama knows of a model.
    ///
    /// # Errors
    /// The provider's, when it is not there, has no such model, or answers otherwise.
    pub(super) async fn local_model(&self, model: &str) -> Result<ModelDetails, ProviderError> {
        let key = self.ollama_key().await;
        let deadlines = Deadlines::default().within(LOOK_WITHIN);
        self.models.ollama.show(model, Access { key: key.as_ref(), deadlines }).await
    }

    /// Has an Ollama fetch a model, and tells how far it is. Dropping the stream ends it; the next one goes on from there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a model of another provider.
    pub async fn pull_model(&self, model: &ModelRef) -> Result<BoxStream<'static, Result<PullProgress, Error>>, Error> {
        if &*model.provider != Providers::OLLAMA {
            return Err(Error::Invalid {
                message: format!("`{model}` cannot be fetched: only an Ollama fetches models"),
                hint: Some(format!("Name one as {}:NAME, such as {0}:qwen3.5:9b.", Providers::OLLAMA)),
            });
        }
        let key = self.ollama_key().await;
        let pulling = self.models.ollama.pull(&model.model, Access { key: key.as_ref(), ..Access::default() });
        let model = model.clone();
        Ok(pulling.map(move |step| step.map_err(|error| not_pulled(&model, error))).boxed())
    }

    /// What the proxy in front of it wants to see, if there is one. A key that cannot be read is as none: it says so then.
    async fn ollama_key(&self) -> Option<SecretString> {
        let known = KnownSecret::of_provider(Providers::OLLAMA);
        self.secrets.resolve(&known, None).await.unwrap_or_else(|error| {
            tracing::error!(error = %crate::domain::chain(&error), "the key of Ollama cannot be read");
            None
        })
    }
}

fn not_pulled(model: &ModelRef, error: ProviderError) -> Error {
    match error.class {
        ErrorClass::NotFound => Error::NotFound {
            what: "model",
            name: model.to_string(),
            hint: Some("https://ollama.com/library lists those that there are.".into()),
        },
        _ => Error::Temporary { message: format!("`{model}` was not fetched"), source: Some(Box::new(error)) },
    }
}
