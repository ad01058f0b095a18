//! Where the models of others are: those that everybody knows, and servers of one's own by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Wrong, settings::check_url};
use crate::{
    domain::{chat::ModelRef, model::Model, notify::is_loopback},
    provider::{
        ollama::{self, Runtime},
        openai_chat::{self, Compat, ImageStyle, Preset, Switches},
        price::Rate,
    },
    secret::Secret,
};

/// The section.
const SECTION: &str = "providers";
/// Tokens that a conversation with a local model may have.
const CONTEXT_TOKENS: std::ops::RangeInclusive<u32> = 1_024..=1_048_576;

/// Where the models of others are.
///
/// A key of an unknown name is refused before this is read, so every name that is left is that of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Providers {
    /// Google's Gemini API.
    pub gemini: Gemini,
    /// OpenAI's Responses API.
    pub openai: OpenAi,
    /// An Ollama.
    pub ollama: Ollama,
    /// Servers that speak Chat Completions, by the name that stands before the colon of their models.
    #[serde(flatten)]
    pub servers: BTreeMap<String, Server>,
}

impl Providers {
    /// The provider of Google's models.
    pub const GEMINI: &'static str = "gemini";
    /// The provider of OpenAI's models.
    pub const OPENAI: &'static str = "openai";
    /// The provider of an Ollama's models.
    pub const OLLAMA: &'static str = "ollama";

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [Self::GEMINI, Self::OPENAI, Self::OLLAMA].into_iter().chain(self.servers.keys().map(String::as_str))
    }

    /// The key that stands in the configuration.
    #[must_use]
    pub fn api_key(&self, name: &str) -> Option<&Secret> {
        match name {
            Self::GEMINI => self.gemini.api_key.as_ref(),
            Self::OPENAI => self.openai.api_key.as_ref(),
            Self::OLLAMA => self.ollama.api_key.as_ref(),
            name => self.servers.get(name)?.api_key.as_ref(),
        }
    }

    /// Whether a provider answers nobody without a key.
    #[must_use]
    pub fn needs_key(&self, name: &str) -> bool {
        match name {
            Self::GEMINI | Self::OPENAI => true,
            name => self.servers.get(name).is_some_and(Server::needs_key),
        }
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        let urls =
            [("gemini", &self.gemini.base_url), ("openai", &self.openai.base_url), ("ollama", &self.ollama.base_url)];
        for (name, url) in urls {
            check_url(url).map_err(|reason| (format!("{SECTION}.{name}.base_url").into(), reason))?;
        }
        self.ollama.check().map_err(|(key, reason)| (format!("{SECTION}.ollama.{key}").into(), reason))?;
        for (name, server) in &self.servers {
            server.check().map_err(|(key, reason)| (format!("{SECTION}.{name}.{key}").into(), reason))?;
        }
        Ok(())
    }
}

/// Whether a server may have this name: what may stand before a model's colon, and is not said of Aura's own.
pub(super) fn is_server_name(name: &str) -> bool {
    let fits = format!("{name}:x").parse::<ModelRef>().is_ok_and(|model| *model.provider == *name);
    fits && name != Model::BUILTIN
}

/// Google's Gemini API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gemini {
    /// Its address, without a slash at its end.
    pub base_url: String,
    /// The key. Better kept with `aura secret set`.
    pub api_key: Option<Secret>,
}

impl Default for Gemini {
    fn default() -> Self {
        Self { base_url: "https://generativelanguage.googleapis.com/v1beta".into(), api_key: None }
    }
}

/// OpenAI's Responses API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenAi {
    /// Its address, without a slash at its end.
    pub base_url: String,
    /// The key. Better kept with `aura secret set`.
    pub api_key: Option<Secret>,
}

impl Default for OpenAi {
    fn default() -> Self {
        Self { base_url: "https://api.openai.com/v1".into(), api_key: None }
    }
}

/// An Ollama.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ollama {
    /// Its address, without a slash at its end.
    pub base_url: String,
    /// What a proxy in front of it wants to see; by itself it wants nothing. Better kept with `aura secret set`.
    pub api_key: Option<Secret>,
    /// Tokens that a conversation may have, its answer included (1024 to 1048576): more of them take more memory.
    pub context_tokens: u32,
    /// How long a model stays in memory after an answer, in Ollama's words: `30m`, `-1` for ever.
    pub keep_alive: String,
    /// Models that look at pictures, `*` at the end for all whose names begin so. Ollama itself says it of its models; an old
    /// one does not.
    pub sees: Vec<String>,
}

impl Default for Ollama {
    fn default() -> Self {
        let Runtime { context_tokens, keep_alive } = Runtime::default();
        let (base_url, keep_alive) = (ollama::BASE_URL.into(), keep_alive.into());
        Self { base_url, api_key: None, context_tokens, keep_alive, sees: Vec::new() }
    }
}

impl Ollama {
    /// How its models are run.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        Runtime { context_tokens: self.context_tokens, keep_alive: self.keep_alive.as_str().into() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        check_context(self.context_tokens)?;
        check_sees(&self.sees)?;
        let digits = self.keep_alive.trim_start_matches('-').trim_end_matches(['h', 'm', 's']);
        match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(()),
            false => Err(("keep_alive", format!("`{}` is no time such as 30m, 2h, 90s or -1", self.keep_alive))),
        }
    }
}

fn check_context(tokens: u32) -> Result<(), (&'static str, String)> {
    if CONTEXT_TOKENS.contains(&tokens) {
        return Ok(());
    }
    let (least, most) = (CONTEXT_TOKENS.start(), CONTEXT_TOKENS.end());
    Err(("context_tokens", format!("{tokens} is not between {least} and {most}")))
}

/// Names of models, each with at most one `*`, at its end.
fn check_sees(models: &[String]) -> Result<(), (&'static str, String)> {
    let is_name = |text: &str| text.is_empty() || format!("x:{text}").parse::<ModelRef>().is_ok();
    let fits = |text: &&String| {
        let name = text.strip_suffix('*').unwrap_or(text);
        !text.is_empty() && !name.contains('*') && is_name(name)
    };
    match models.iter().find(|text| !fits(text)) {
        None => Ok(()),
        Some(wrong) => {
            Err(("sees", format!("`{wrong}` names no model: say `qwen3-vl:8b`, `qwen3-vl*`, or `*` for all")))
        }
    }
}

/// What a server of one's own speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerKind {
    /// Chat Completions, as OpenAI has made it and everybody else speaks it.
    #[serde(alias = "openai")]
    OpenaiChat,
}

/// A server that speaks Chat Completions: vLLM, llama.cpp, OpenRouter, Groq, LM Studio, or any other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// `openai_chat`; always said, so that a name that is only mistyped is noticed.
    pub kind: Option<ServerKind>,
    /// `vllm`, `llamacpp`, `openrouter`, `groq` or `lmstudio`: what is known of such a server.
    pub preset: Option<String>,
    /// Its address, without a slash at its end, up to where `/chat/completions` begins; the preset's unless said.
    pub base_url: Option<String>,
    /// The key. Better kept with `aura secret set`.
    pub api_key: Option<Secret>,
    /// Whether it answers nobody without a key; the preset's unless said.
    pub needs_key: Option<bool>,
    /// What its models cost for a million tokens that go in, in US dollars. Unsaid: nothing for a server on this very
    /// machine, else what the price list has for the preset, else nobody knows, and under a budget it is not asked.
    pub input_usd: Option<String>,
    /// For a million tokens that come out.
    pub output_usd: Option<String>,
    /// Its models that look at pictures, such as `qwen3-vl*`; `*` for all. Others are shown none: what they would say of one is
    /// guessed.
    pub sees: Vec<String>,
    /// Tokens that one call of its models may hold, the answer included (1024 to 1048576). Unsaid: nobody knows, and
    /// `models.history_tokens` alone says how much of a conversation they are told.
    pub context_tokens: Option<u32>,
    /// How it wants to be spoken to, where that is not as the preset says.
    #[serde(flatten)]
    pub switches: Switches,
}

impl Server {
    /// Every field said, to show which there are and what kind of value each takes.
    pub(super) fn template() -> Self {
        Self {
            kind: Some(ServerKind::OpenaiChat),
            preset: Some(String::new()),
            base_url: Some(String::new()),
            api_key: None,
            needs_key: Some(false),
            input_usd: Some(String::new()),
            output_usd: Some(String::new()),
            sees: Vec::new(),
            context_tokens: Some(0),
            switches: Switches::all(),
        }
    }

    fn known(&self) -> Option<Preset> {
        self.preset.as_deref().and_then(openai_chat::preset)
    }

    /// Its address; empty when neither it nor a preset is said, which no checked configuration has.
    #[must_use]
    pub fn base_url(&self) -> String {
        let known = || self.known().map(|preset| preset.base_url.to_owned());
        self.base_url.clone().or_else(known).unwrap_or_default()
    }

    /// How it wants to be spoken to.
    #[must_use]
    pub fn compat(&self) -> Compat {
        self.known().map(|preset| preset.compat).unwrap_or_default().with(&self.switches)
    }

    /// Whether it is this very machine's.
    #[must_use]
    pub fn is_local(&self) -> bool {
        url::Url::parse(&self.base_url())
            .is_ok_and(|url| url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']']))))
    }

    /// What its models cost, input and output, where that is said.
    #[must_use]
    pub fn rates(&self) -> Option<(Rate, Rate)> {
        let read = |text: &Option<String>| text.as_deref().and_then(|text| Rate::parse(text).ok());
        Some((read(&self.input_usd)?, read(&self.output_usd)?))
    }

    fn needs_key(&self) -> bool {
        self.needs_key.unwrap_or_else(|| self.known().is_some_and(|preset| preset.needs_key))
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.kind.is_none() {
            let known = "`gemini`, `openai` and `ollama` are known, any other name is a server of your own";
            return Err(("kind", format!("{known} and needs `kind = \"openai_chat\"`")));
        }
        if let Some(name) = &self.preset
            && self.known().is_none()
        {
            let names = openai_chat::presets().map(|preset| preset.name).join(", ");
            return Err(("preset", format!("`{name}` is not known; there are {names}")));
        }
        if self.base_url.is_none() && self.preset.is_none() {
            return Err(("base_url", "a server without a preset needs it".into()));
        }
        check_url(&self.base_url()).map_err(|reason| ("base_url", reason))?;
        for (key, text) in [("input_usd", &self.input_usd), ("output_usd", &self.output_usd)] {
            text.as_deref().map(Rate::parse).transpose().map_err(|reason| (key, reason))?;
        }
        check_context(self.context_tokens.unwrap_or(*CONTEXT_TOKENS.start()))?;
        check_sees(&self.sees)?;
        if !self.sees.is_empty() && self.compat().image_style == ImageStyle::None {
            return Err(("sees", "`image_style = \"none\"` shows it no picture; set that to \"data_only\"".into()));
        }
        match (&self.input_usd, &self.output_usd) {
            (Some(_), None) => Err(("output_usd", "`input_usd` is said, so this is needed too".into())),
            (None, Some(_)) => Err(("input_usd", "`output_usd` is said, so this is needed too".into())),
            _ => Ok(()),
        }
    }
}
