//! Failures in OpenAI's form, which compatible servers share more or less: `{"error":{message,type,param,code}}`.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::{
    ErrorClass, ProviderError, Words,
    wire::{Refused, class_of, code},
};

/// Codes and types of a 429 that waiting does not cure.
const NO_MONEY: [&str; 6] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
];

/// The object, wherever it stands. Servers differ in which fields they have, and of what type.
#[derive(Debug, Default, PartialEq)]
pub(in crate::provider) struct ErrorBody {
    pub(in crate::provider) message: String,
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
    /// A number in `code` or `status`: the status that the answer should have had.
    status: Option<u16>,
}

impl<'de> Deserialize<'de> for ErrorBody {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Value::deserialize(deserializer)?))
    }
}

impl ErrorBody {
    /// Reads an object, or a text that is all a server says (Ollama, llama.cpp).
    pub(in crate::provider) fn of(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        // As a number (OpenRouter) or as a text that holds one (LiteLLM).
        let status = |key: &str| {
            let number = value[key].as_u64().or_else(|| value[key].as_str()?.parse().ok());
            number.and_then(|status| u16::try_from(status).ok())
        };
        let is_number = |code: &String| code.bytes().all(|byte| byte.is_ascii_digit());
        Self {
            message: value.as_str().map(str::to_owned).or_else(|| text("message")).unwrap_or_default(),
            kind: text("type"),
            param: text("param"),
            code: text("code").filter(|code| !is_number(code)),
            status: status("code").or_else(|| status("status")).filter(|status| (400..600).contains(status)),
        }
    }

    /// What is wrong, from `base`, which holds what the HTTP answer itself says.
    pub(in crate::provider) fn refine(&self, mut error: ProviderError) -> ProviderError {
        let named =
            |words: &[&str]| [&self.code, &self.kind].into_iter().flatten().any(|word| words.contains(&word.as_str()));
        let said = self.message.to_ascii_lowercase();
        error.code = [&self.code, &self.kind].into_iter().flatten().find_map(|word| code(word)).or(error.code);
        error.param = self.param.as_deref().and_then(code);
        if !self.message.is_empty() {
            error.words = Some(Words::new(&self.message));
        }
        let is_too_long = || {
            said.contains("context length")
                || said.contains("context window")
                || said.contains("context size")
                || said.contains("maximum context")
        };
        error.class = match error.class {
            _ if named(&NO_MONEY) => ErrorClass::Billing,
            _ if named(&["context_length_exceeded", "exceed_context_size_error"]) => ErrorClass::TooLong,
            ErrorClass::Invalid | ErrorClass::Protocol if is_too_long() => ErrorClass::TooLong,
            _ if named(&["invalid_api_key", "authentication_error"]) => ErrorClass::Auth,
            _ if named(&["content_policy_violation", "content_filter", "invalid_prompt"]) => ErrorClass::Safety,
            _ if named(&["model_not_found"]) => ErrorClass::NotFound,
            ErrorClass::Protocol if named(&["rate_limit_exceeded", "rate_limit_error", "slow_down"]) => {
                ErrorClass::RateLimit
            }
            // An error inside a success that says nothing more is the provider's own.
            ErrorClass::Protocol => ErrorClass::Overloaded,
            class => class,
        };
        error
    }

    /// An error that came in an answer that began as a success.
    pub(in crate::provider) fn inside_success(&self, provider: &str) -> ProviderError {
        let class = self.status.map_or(ErrorClass::Protocol, class_of);
        self.refine(ProviderError { http: self.status, ..ProviderError::new(provider, class) })
    }
}

/// An answer that is no success. Some servers put the object at the top, some into an event (LiteLLM, when it was to
/// stream), some answer in plain text.
pub(in crate::provider) fn of_answer(provider: &str, refused: &Refused) -> ProviderError {
    let base = refused.error(provider);
    let body = match refused.body.strip_prefix(b"data:") {
        Some(event) => event.split(|byte| *byte == b'\n').next().unwrap_or_default(),
        None => &refused.body,
    };
    match serde_json::from_slice::<Value>(body) {
        Ok(body) if !body["error"].is_null() => ErrorBody::of(&body["error"]).refine(base),
        Ok(body) if body.is_object() => ErrorBody::of(&body).refine(base),
        _ => base,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::wire::Hints;

    fn refused(status: u16, body: &Value) -> ProviderError {
        of_answer("x", &Refused { status, hints: Hints::default(), body: body.to_string().into_bytes() })
    }

    #[test]
    fn codes_say_more_than_the_status() {
        for (status, body, class) in [
            (429, json!({"error": {"code": "rate_limit_exceeded", "type": "rate_limit_error"}}), ErrorClass::RateLimit),
            (429, json!({"error": {"code": "slow_down"}}), ErrorClass::RateLimit),
            (429, json!({"error": {"code": "credit_balance_exhausted"}}), ErrorClass::Billing),
            (429, json!({"error": {"type": "insufficient_quota", "code": null}}), ErrorClass::Billing),
            (400, json!({"error": {"code": "context_length_exceeded"}}), ErrorClass::TooLong),
            (
                400,
                json!({"error": {"message": "This model's maximum context length is 8192 tokens."}}),
                ErrorClass::TooLong,
            ),
            (400, json!({"error": {"code": "content_policy_violation"}}), ErrorClass::Safety),
            (400, json!({"error": {"param": "input[0].content"}}), ErrorClass::Invalid),
            (404, json!({"error": {"code": "model_not_found"}}), ErrorClass::NotFound),
            (503, json!({"error": {"code": "server_is_overloaded"}}), ErrorClass::Overloaded),
            (500, json!({"error": "out of memory"}), ErrorClass::Overloaded),
            (402, json!({"error": {"code": 402, "message": "Insufficient credits"}}), ErrorClass::Billing),
            (400, json!({"object": "error", "message": "bad", "code": 400}), ErrorClass::Invalid),
            (502, json!("gateway"), ErrorClass::Overloaded),
        ] {
            assert_eq!(refused(status, &body).class, class, "{body}");
        }
    }

    #[test]
    fn a_refusal_may_come_as_an_event_and_its_code_as_a_number_in_a_text() {
        let body = b"data: {\"error\": {\"message\": \"?\", \"type\": \"internal_server_error\", \"code\": \"500\"}}\n\ndata: [DONE]\n\n";
        let error = of_answer("x", &Refused { status: 500, hints: Hints::default(), body: body.to_vec() });
        assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Overloaded, Some("internal_server_error")));
        assert!(error.words.is_some());
    }

    #[test]
    fn an_error_inside_a_success_has_the_class_of_the_status_it_names() {
        for (body, class) in [
            (json!({"code": 429, "message": "slow"}), ErrorClass::RateLimit),
            (json!({"code": 502, "message": "bad gateway"}), ErrorClass::Overloaded),
            (json!({"code": "rate_limit_exceeded"}), ErrorClass::RateLimit),
            (json!({"message": "?"}), ErrorClass::Overloaded),
            (json!({"code": 402}), ErrorClass::Billing),
            (json!({"code": "429", "type": "throttling_error"}), ErrorClass::RateLimit),
            (json!({"code": "500", "type": "internal_server_error", "message": "?"}), ErrorClass::Overloaded),
        ] {
            assert_eq!(ErrorBody::of(&body).inside_success("x").class, class, "{body}");
        }
    }
}
