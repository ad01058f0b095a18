//! Why a call to a provider failed, in terms of what may be done about it.

use std::{fmt, time::Duration};

/// A failed call.
///
/// It never holds a key. What the provider said in words is kept apart in [`Words`], which neither `Debug` nor `Display`
/// shows: a server that dislikes a request likes to quote it, and what a shopper wrote belongs in no log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// Who failed, by the name it is configured under.
    pub provider: Box<str>,
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// The HTTP status, when there was an answer.
    pub http: Option<u16>,
    /// The provider's own code (`insufficient_quota`, `RESOURCE_EXHAUSTED`), or Aura's for what it found itself.
    pub code: Option<Box<str>>,
    /// The field of the request that the provider dislikes (OpenAI's `param`).
    pub param: Option<Box<str>>,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether the provider said outright that the same request may be sent again (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// The provider's id of the call, for its support.
    pub request_id: Option<Box<str>>,
    /// Whether a piece of the answer had come out already, so that another attempt may say it again in other words.
    pub output_began: bool,
    /// What the provider said.
    pub words: Option<Words>,
}

/// What kind of failure it is; the order means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Too many requests or tokens in a span of time that passes.
    RateLimit,
    /// No money or a spending limit: it does not pass by itself, and the owner has to know.
    Billing,
    /// No key, a wrong one, or one that may not do this.
    Auth,
    /// A request that this provider or model will never take.
    Invalid,
    /// The conversation is longer than this model reads; another may take it.
    TooLong,
    /// No such model or path.
    NotFound,
    /// The provider's rules refuse the request.
    Safety,
    /// The provider is too busy or broken; the same request may pass later.
    Overloaded,
    /// It took too long.
    Timeout(TimeoutKind),
    /// The connection failed or broke off.
    Transport,
    /// An answer that does not follow the provider's own format, or ends before its end.
    Protocol,
}

/// Which limit of time was reached ([`super::Deadlines`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeoutKind {
    /// Until the connection stands.
    Connect,
    /// Until the first piece of the answer.
    FirstToken,
    /// Between two pieces.
    Idle,
    /// The whole call.
    Total,
}

impl ErrorClass {
    /// The word in metrics, events and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Billing => "billing",
            Self::Auth => "auth",
            Self::Invalid => "invalid",
            Self::TooLong => "too_long",
            Self::NotFound => "not_found",
            Self::Safety => "safety",
            Self::Overloaded => "overloaded",
            Self::Timeout(TimeoutKind::Connect) => "timeout_connect",
            Self::Timeout(TimeoutKind::FirstToken) => "timeout_first_token",
            Self::Timeout(TimeoutKind::Idle) => "timeout_idle",
            Self::Timeout(TimeoutKind::Total) => "timeout_total",
            Self::Transport => "transport",
            Self::Protocol => "protocol",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::RateLimit => "is limiting our requests",
            Self::Billing => "wants to be paid first",
            Self::Auth => "rejected the API key",
            Self::Invalid => "rejected the request",
            Self::TooLong => "cannot read a conversation of this length",
            Self::NotFound => "does not know the model",
            Self::Safety => "refused the request by its rules",
            Self::Overloaded => "is overloaded or broken",
            Self::Timeout(TimeoutKind::Connect) => "could not be connected to in time",
            Self::Timeout(TimeoutKind::FirstToken) => "did not begin to answer in time",
            Self::Timeout(TimeoutKind::Idle) => "stopped in the middle of its answer",
            Self::Timeout(TimeoutKind::Total) => "did not complete its answer in time",
            Self::Transport => "could not be reached, or the connection broke off",
            Self::Protocol => "answered in a way that cannot be read",
        }
    }
}

/// What a provider said about a failure, for the eyes of an operator who asks (`aura model test`). It may quote the
/// request, so it goes into no log, event or message.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(Box<str>);

impl Words {
    /// The most that is kept, in bytes.
    pub const BYTES_MAX: usize = 1_000;

    /// Keeps the beginning of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::BYTES_MAX)].into())
    }

    /// The words. Foreign text: not for a terminal as it is.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({} bytes)", self.0.len())
    }
}

impl ProviderError {
    /// A failure of which nothing more is known.
    #[must_use]
    pub fn new(provider: &str, class: ErrorClass) -> Self {
        Self {
            provider: provider.into(),
            class,
            http: None,
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            request_id: None,
            output_began: false,
            words: None,
        }
    }

    /// The same with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Box<str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Whether the same request may be sent to the same model again. The provider's word counts first; money, keys and
    /// requests that are wrong do not change by waiting, whatever it says.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.class {
            ErrorClass::Billing
            | ErrorClass::Auth
            | ErrorClass::Invalid
            | ErrorClass::TooLong
            | ErrorClass::NotFound
            | ErrorClass::Safety => false,
            ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::Timeout(_)
            | ErrorClass::Transport
            | ErrorClass::Protocol => self.should_retry.unwrap_or(true),
        }
    }

    /// What the operator can do, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let provider = &self.provider;
        match self.class {
            ErrorClass::Auth => Some(format!("Set a key that works with `aura secret set {provider}.api_key`.")),
            ErrorClass::Billing => Some(format!("Look at the balance and spending limits at {provider}.")),
            ErrorClass::NotFound => Some("See what there is with `aura model list`.".to_owned()),
            ErrorClass::RateLimit
            | ErrorClass::Invalid
            | ErrorClass::TooLong
            | ErrorClass::Safety
            | ErrorClass::Overloaded
            | ErrorClass::Timeout(_)
            | ErrorClass::Transport
            | ErrorClass::Protocol => None,
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.class.sentence())?;
        let http = self.http.map(|status| format!("HTTP {status}"));
        let param = self.param.as_deref().map(|param| format!("field {param}"));
        let known = [http.as_deref(), self.code.as_deref(), param.as_deref()];
        let known: Vec<_> = known.into_iter().flatten().collect();
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
}

impl std::error::Error for ProviderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_what_the_provider_said() {
        let words = Some(Words::new("you sent: my card is 4111"));
        let error = ProviderError { http: Some(400), words, ..ProviderError::new("openai", ErrorClass::Invalid) };
        assert!(!format!("{error:?} {error}").contains("4111"));
        assert_eq!(error.with_code("bad").to_string(), "openai rejected the request (HTTP 400, bad)");
    }

    #[test]
    fn words_are_cut_between_characters() {
        let words = Words::new(&"ä".repeat(Words::BYTES_MAX));
        assert_eq!(words.expose().len(), Words::BYTES_MAX);
        assert_eq!(Words::new(&format!("a{}", "ä".repeat(Words::BYTES_MAX))).expose().len(), Words::BYTES_MAX - 1);
    }

    #[test]
    fn money_keys_and_wrong_requests_are_never_sent_again_whatever_the_provider_says() {
        let of = |class, should_retry| ProviderError { should_retry, ..ProviderError::new("x", class) };
        for class in [ErrorClass::Billing, ErrorClass::Auth, ErrorClass::Invalid, ErrorClass::NotFound] {
            assert!(!of(class, Some(true)).is_retryable(), "{class:?}");
        }
        assert!(of(ErrorClass::RateLimit, None).is_retryable());
        assert!(!of(ErrorClass::Overloaded, Some(false)).is_retryable());
    }
}
