//! Which model of which provider.

use std::{fmt, str::FromStr};

/// A model as settings and events name it: `PROVIDER:MODEL`, such as `gemini:gemini-3.5-flash-lite` or
/// `ollama:qwen3.5:9b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// The provider as configured: `gemini`, `openai`, `ollama`, or the name of a compatible server. One name is one
    /// address, so that what came from one is never sent to another.
    pub provider: Box<str>,
    /// The model in the provider's own words.
    pub model: Box<str>,
}

/// Text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not PROVIDER:MODEL, such as gemini:gemini-3.5-flash-lite")]
pub struct InvalidModelRef(String);

impl ModelRef {
    /// A reference of two names that are known to be good.
    #[must_use]
    pub fn new(provider: impl Into<Box<str>>, model: impl Into<Box<str>>) -> Self {
        Self { provider: provider.into(), model: model.into() }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.model)
    }
}

impl FromStr for ModelRef {
    type Err = InvalidModelRef;

    /// Splits at the first colon; a model's own name may hold more of them. The provider is `a-z`, `0-9`, `_` and `-`;
    /// the model is anything printable without spaces.
    fn from_str(text: &str) -> Result<Self, InvalidModelRef> {
        let is_provider = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
        };
        let is_model = |name: &str| !name.is_empty() && name.chars().all(|c| !c.is_whitespace() && !c.is_control());
        text.split_once(':')
            .filter(|(provider, model)| is_provider(provider) && is_model(model))
            .map(|(provider, model)| Self::new(provider, model))
            .ok_or_else(|| InvalidModelRef(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_s_own_colons_stay_in_its_name() {
        let model: ModelRef = "ollama:qwen3.5:9b".parse().expect("a provider and a model");
        assert_eq!(model, ModelRef::new("ollama", "qwen3.5:9b"));
        assert_eq!(model.to_string(), "ollama:qwen3.5:9b");
    }

    #[test]
    fn what_lacks_a_provider_or_a_model_is_refused() {
        for bad in ["", "builtin", ":x", "gemini:", "Gemini:x", "gem ini:x", "gemini:a b", "gemini:a\u{7}"] {
            assert!(bad.parse::<ModelRef>().is_err(), "{bad:?}");
        }
    }
}
