//! What an Ollama has, what it knows of a model, and fetching one.

use std::{collections::HashMap, time::Duration};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use reqwest::Response;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Ollama, answer::refused_by};
use crate::provider::{
    Access, ErrorClass, ProviderError, TimeoutKind,
    openai::failure::ErrorBody,
    wire::{Hints, LINE_BYTES_MAX, LineEnd, Lines, Refused, ask, or_default},
};

/// How long a pull may say nothing. It is silent while it checks what it has fetched: minutes for tens of gigabytes.
const PULL_IDLE: Duration = Duration::from_secs(600);

/// How much is read of a pull that is refused.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// A model that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LocalModel {
    /// Its name with its tag, such as `qwen3.5:9b`.
    pub name: String,
    /// Bytes on its disk.
    pub size: u64,
    /// What it can do (`completion`, `tools`, `vision`, `embedding`, `thinking`), where the server says so in its list.
    #[serde(deserialize_with = "or_default")]
    pub capabilities: Vec<String>,
}

/// What a server knows of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelDetails {
    /// As [`LocalModel::capabilities`].
    pub capabilities: Vec<String>,
    /// Tokens that it was made for.
    pub context_tokens: Option<u64>,
    /// Numbers in its vectors or states: the dimension of an embedder.
    pub embedding_length: Option<u64>,
}

/// How far a pull is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// What is being done, in Ollama's words. Foreign text: not for a terminal as it is.
    pub status: String,
    /// Bytes fetched, of all layers that are known by now.
    pub completed: u64,
    /// Bytes to fetch, likewise: it grows while layers are found.
    pub total: u64,
    /// Whether the model is there: the last word of a pull that went well.
    pub is_done: bool,
}

#[derive(Debug, Deserialize)]
struct Tags {
    #[serde(default, deserialize_with = "or_default")]
    models: Vec<LocalModel>,
}

#[derive(Debug, Deserialize)]
struct Shown {
    #[serde(default, deserialize_with = "or_default")]
    capabilities: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    model_info: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PullLine {
    status: String,
    digest: Option<String>,
    total: Option<u64>,
    completed: Option<u64>,
    error: Option<Value>,
}

impl Ollama {
    /// The models that are there.
    ///
    /// # Errors
    /// When the server is not there, or answers otherwise.
    pub async fn models(&self, access: Access<'_>) -> Result<Vec<LocalModel>, ProviderError> {
        let request = self.with_key(self.endpoint.get(self.endpoint.url(&["api", "tags"])), access);
        let tags: Tags = self.ask_json(request, access).await?;
        Ok(tags.models)
    }

    /// What the server knows of a model.
    ///
    /// # Errors
    /// [`ErrorClass::NotFound`] when it has no such model.
    pub async fn show(&self, model: &str, access: Access<'_>) -> Result<ModelDetails, ProviderError> {
        let request = self.endpoint.post(self.endpoint.url(&["api", "show"]), &json!({ "model": model }));
        let request = request.and_then(|request| self.with_key(request, access));
        let shown: Shown = self.ask_json(request, access).await?;
        // `llama.context_length`: the architecture stands before it.
        let figure = |name: &str| {
            let suffix = format!(".{name}");
            shown.model_info.iter().find(|(key, _)| key.ends_with(&suffix)).and_then(|(_, value)| value.as_u64())
        };
        Ok(ModelDetails {
            context_tokens: figure("context_length"),
            embedding_length: figure("embedding_length"),
            capabilities: shown.capabilities,
        })
    }

    /// Has the server fetch a model, and tells how far it is. The last item is done, or an error; dropping the stream
    /// ends the pull, and the next one goes on where it ended.
    pub fn pull(&self, model: &str, access: Access<'_>) -> BoxStream<'static, Result<PullProgress, ProviderError>> {
        let pulling = Pulling {
            ollama: self.clone(),
            model: model.to_owned(),
            key: access.key.cloned(),
            source: None,
            layers: HashMap::new(),
            is_over: false,
        };
        stream::unfold(pulling, |mut pulling| async move {
            if pulling.is_over {
                return None;
            }
            let item = pulling.next().await;
            pulling.is_over = !matches!(&item, Ok(progress) if !progress.is_done);
            Some((item, pulling))
        })
        .boxed()
    }

    async fn ask_json<T: serde::de::DeserializeOwned>(
        &self,
        request: Result<reqwest::RequestBuilder, ProviderError>,
        access: Access<'_>,
    ) -> Result<T, ProviderError> {
        let provider = self.endpoint.provider();
        let refused = |refused: &Refused| refused_by(provider, refused);
        let bad = || ProviderError::new(provider, ErrorClass::Protocol).with_code("not_json");
        ask(provider, request, access, &refused, |body| serde_json::from_slice(body).map_err(|_| bad())).await
    }

    fn with_key(
        &self,
        request: reqwest::RequestBuilder,
        access: Access<'_>,
    ) -> Result<reqwest::RequestBuilder, ProviderError> {
        self.endpoint.with_key(request, reqwest::header::AUTHORIZATION, "Bearer ", access.key)
    }
}

/// A pull that is going on.
struct Pulling {
    ollama: Ollama,
    model: String,
    key: Option<SecretString>,
    /// `None`: not asked yet.
    source: Option<(Response, Lines)>,
    /// Bytes fetched and in all, by layer.
    layers: HashMap<String, (u64, u64)>,
    is_over: bool,
}

impl Pulling {
    fn error(&self, class: ErrorClass, code: &str) -> ProviderError {
        self.ollama.endpoint.error(class, code)
    }

    async fn next(&mut self) -> Result<PullProgress, ProviderError> {
        if self.source.is_none() {
            let response = self.ask().await?;
            self.source = Some((response, Lines::new(LineEnd::Newline, LINE_BYTES_MAX)));
        }
        loop {
            let (class, broken) = (ErrorClass::Protocol, "bad_line");
            let bad = self.error(class, broken);
            let Some((response, lines)) = &mut self.source else { return Err(bad) };
            if let Some(line) = lines.next_line().map_err(|_| bad.clone())? {
                let line: Vec<u8> = line.trim_ascii().to_vec();
                if !line.is_empty() {
                    return self.read(&line);
                }
                continue;
            }
            let chunk = tokio::time::timeout(PULL_IDLE, response.chunk()).await;
            match chunk {
                Err(_) => return Err(self.error(ErrorClass::Timeout(TimeoutKind::Idle), "pull")),
                Ok(Err(_)) => return Err(self.error(ErrorClass::Transport, "broken_off")),
                Ok(Ok(Some(bytes))) => lines.push(&bytes),
                Ok(Ok(None)) => {
                    let rest = lines.rest().trim_ascii().to_vec();
                    // Without its last word it is not there.
                    let progress = if rest.is_empty() { PullProgress::default() } else { self.read(&rest)? };
                    let cut_off = self.error(ErrorClass::Transport, "cut_off");
                    return if progress.is_done { Ok(progress) } else { Err(cut_off) };
                }
            }
        }
    }

    async fn ask(&self) -> Result<Response, ProviderError> {
        let ollama = &self.ollama;
        let body = json!({"model": self.model, "stream": true});
        let access = Access { key: self.key.as_ref(), ..Access::default() };
        let request = ollama.endpoint.post(ollama.endpoint.url(&["api", "pull"]), &body)?;
        let sent = tokio::time::timeout(PULL_IDLE, ollama.with_key(request, access)?.send()).await;
        let sent = sent.map_err(|_| self.error(ErrorClass::Timeout(TimeoutKind::FirstToken), "pull"))?;
        let mut response = sent.map_err(|_| self.error(ErrorClass::Transport, "connect"))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let mut refused =
            Refused { status: response.status().as_u16(), hints: Hints::of(response.headers()), body: Vec::new() };
        // A refusal counts even if its body breaks off: the status has come.
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(PULL_IDLE, response.chunk()).await {
            refused.body.extend_from_slice(&chunk);
            if refused.body.len() > REFUSAL_BYTES_MAX {
                break;
            }
        }
        Err(refused_by(ollama.endpoint.provider(), &refused))
    }

    fn read(&mut self, line: &[u8]) -> Result<PullProgress, ProviderError> {
        let line: PullLine = serde_json::from_slice(line).map_err(|_| self.error(ErrorClass::Protocol, "not_json"))?;
        if let Some(error) = line.error.filter(|error| !error.is_null()) {
            return Err(ErrorBody::of(&error).inside_success(self.ollama.endpoint.provider()));
        }
        if let Some(digest) = line.digest {
            let (completed, total) = self.layers.entry(digest).or_default();
            *total = line.total.unwrap_or(*total);
            *completed = line.completed.unwrap_or(*completed).min(*total);
        }
        let sum = |part: fn(&(u64, u64)) -> u64| self.layers.values().map(part).fold(0, u64::saturating_add);
        let is_done = line.status == "success";
        Ok(PullProgress { status: line.status, completed: sum(|it| it.0), total: sum(|it| it.1), is_done })
    }
}
