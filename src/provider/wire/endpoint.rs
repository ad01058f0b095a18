//! Where a provider is reached: its base address, the client, the key in its header.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{
    net,
    provider::{
        ErrorClass, ProviderError,
        telemetry::{CallInfo, CallSpan, GenAiFields, Operation},
    },
};

/// Why a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The base address is none.
    #[error("`{0}` is not an http or https address without a question mark")]
    BaseUrl(String),
    /// The HTTP client failed.
    #[error(transparent)]
    Client(#[from] net::Error),
}

/// One provider's address.
#[derive(Clone, Debug)]
pub struct Endpoint {
    provider: Box<str>,
    base: Url,
    client: reqwest::Client,
    fields: GenAiFields,
}

impl Endpoint {
    /// The provider `provider` at `base_url` (`https://api.openai.com/v1`), which the operator configured. A connection
    /// is given up after `connect`.
    pub fn new(provider: &str, base_url: &str, connect: Duration) -> Result<Self, InvalidEndpoint> {
        let bad_base = || InvalidEndpoint::BaseUrl(base_url.to_owned());
        let mut base = Url::parse(base_url).map_err(|_| bad_base())?;
        let is_plain = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
        if !matches!(base.scheme(), "http" | "https") || !is_plain {
            return Err(bad_base());
        }
        base.path_segments_mut().map_err(|()| bad_base())?.pop_if_empty();
        let client = net::streaming_client(connect)?;
        Ok(Self { provider: provider.into(), base, client, fields: GenAiFields::default() })
    }

    /// The same with other names for the fields of its spans.
    #[must_use]
    pub const fn with_fields(mut self, fields: GenAiFields) -> Self {
        self.fields = fields;
        self
    }

    /// The name it is configured under.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    pub(in crate::provider) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The span of a call that is about to begin. `system`: the provider in the words of the conventions for traces.
    pub(in crate::provider) fn span(&self, operation: Operation, system: &str, model: &str, streams: bool) -> CallSpan {
        CallSpan::begin(CallInfo {
            fields: self.fields,
            operation,
            provider: &self.provider,
            system,
            host: self.host(),
            model,
            streams,
        })
    }

    /// A failure of this provider.
    pub(in crate::provider) fn error(&self, class: ErrorClass, code: &str) -> ProviderError {
        ProviderError::new(&self.provider, class).with_code(code)
    }

    /// The address below the base. A name in it may hold anything: it stays one segment.
    pub(in crate::provider) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("`new` has pushed and popped segments").extend(segments);
        url
    }

    /// A request without a body.
    pub(in crate::provider) fn get(&self, url: Url) -> RequestBuilder {
        self.client.request(Method::GET, url)
    }

    /// A request with `body` as JSON.
    pub(in crate::provider) fn post(&self, url: Url, body: &impl Serialize) -> Result<RequestBuilder, ProviderError> {
        // Fails only for a schema or arguments that are no JSON after all; the text of the error could quote them.
        let bytes = serde_json::to_vec(body).map_err(|_| self.error(ErrorClass::Invalid, "unwritable_request"))?;
        let request = self.client.request(Method::POST, url);
        Ok(request.header(header::CONTENT_TYPE, "application/json").body(bytes))
    }

    /// Puts `prefix` and the key into the header `name`.
    pub(in crate::provider) fn with_key(
        &self,
        request: RequestBuilder,
        name: header::HeaderName,
        prefix: &str,
        key: Option<&SecretString>,
    ) -> Result<RequestBuilder, ProviderError> {
        let Some(key) = key else { return Ok(request) };
        let text = format!("{prefix}{}", key.expose_secret().trim());
        let value = header::HeaderValue::try_from(text);
        let mut value = value.map_err(|_| self.error(ErrorClass::Auth, "key_is_no_header_text"))?;
        value.set_sensitive(true);
        Ok(request.header(name, value))
    }
}

/// Tells two keys apart without saying what they are: part of what opaque data is bound to, since no provider accepts
/// what another account's key has made. Four bytes of a hash say nothing about a key of twenty or more random ones.
pub(in crate::provider) fn key_mark(key: Option<&SecretString>) -> String {
    key.map_or_else(String::new, |key| hex::encode(&Sha256::digest(key.expose_secret().trim().as_bytes())[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Result<Endpoint, InvalidEndpoint> {
        Endpoint::new("x", base, net::CONNECT_DEADLINE)
    }

    #[test]
    fn a_name_in_a_path_stays_one_segment_below_the_base() {
        for base in ["https://host/v1", "https://host/v1/"] {
            let url = endpoint(base).expect("an address").url(&["models", "a/../b?c:d"]);
            assert_eq!(url.as_str(), "https://host/v1/models/a%2F..%2Fb%3Fc:d");
        }
    }

    #[test]
    fn what_is_no_plain_web_address_is_refused() {
        for bad in ["", "host/v1", "file:///etc", "https://host/v1?key=1", "https://host/#a", "https://me:pw@host/"] {
            assert!(matches!(endpoint(bad), Err(InvalidEndpoint::BaseUrl(_))), "{bad}");
        }
    }

    #[test]
    fn a_key_is_in_the_header_and_not_in_debug() {
        let endpoint = endpoint("http://host").expect("an address");
        let key = SecretString::from("sk-live-123\n");
        let request = endpoint.post(endpoint.url(&["models"]), &"?").expect("JSON");
        let request = endpoint.with_key(request, header::AUTHORIZATION, "Bearer ", Some(&key)).expect("header text");
        assert!(!format!("{request:?}").contains("sk-live"));
        let request = request.build().expect("a request");
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer sk-live-123");
        let bad = SecretString::from("a\u{1}b");
        let error = endpoint.with_key(
            endpoint.post(endpoint.url(&[]), &"?").expect("JSON"),
            header::AUTHORIZATION,
            "",
            Some(&bad),
        );
        assert_eq!(error.expect_err("no header text").class, ErrorClass::Auth);
    }

    #[test]
    fn two_keys_have_two_marks_and_none_has_none() {
        let mark = |key: &str| key_mark(Some(&SecretString::from(key.to_owned())));
        assert_eq!(mark("a").len(), 8);
        assert_ne!(mark("a"), mark("b"));
        assert_eq!(key_mark(None), "");
    }
}
