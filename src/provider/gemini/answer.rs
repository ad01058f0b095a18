//! What Gemini answers, streamed or whole: both are the same objects.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{SIGNATURE, failure};
use crate::{
    domain::chat::{Finish, Json, Modality, ModalityTokens, ModelRef, Opaque, StreamEvent, Usage},
    provider::{
        ErrorClass, ProviderError,
        wire::{Count, Decoder, Frame, OwnIds, Refused, code, or_default, tool_args_of_value},
    },
};

/// One object of an answer. Every field may be missing or null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(default, deserialize_with = "or_default", borrow)]
    candidates: Vec<Candidate<'a>>,
    prompt_feedback: Option<PromptFeedback>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    model_version: Option<String>,
    response_id: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<WireContent<'a>>,
    finish_reason: Option<String>,
    continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireContent<'a> {
    #[serde(default, deserialize_with = "or_default", borrow)]
    parts: Vec<WirePart<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart<'a> {
    text: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    thought: bool,
    #[serde(borrow)]
    function_call: Option<FunctionCall<'a>>,
    thought_signature: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FunctionCall<'a> {
    id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UsageMetadata {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
    total_token_count: Count,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: Vec<ModalityCount>,
    #[serde(deserialize_with = "or_default")]
    candidates_tokens_details: Vec<ModalityCount>,
    service_tier: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModalityCount {
    modality: Option<String>,
    #[serde(default)]
    token_count: Count,
}

/// What a part that is still open is, so that the next piece of the same kind may continue it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thought,
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(in crate::provider) struct AnswerDecoder {
    provider: Box<str>,
    /// Who makes the signatures, and where they may go back to.
    model: ModelRef,
    endpoint: Box<str>,
    own_ids: OwnIds,
    has_started: bool,
    calls: u32,
    open: Option<Open>,
    finish: Option<String>,
    continuation: Option<String>,
    blocked: Option<String>,
    served_model: Option<Box<str>>,
}

impl AnswerDecoder {
    pub(super) fn new(model: ModelRef, endpoint: Box<str>, own_ids: OwnIds) -> Self {
        Self {
            provider: model.provider.clone(),
            model,
            endpoint,
            own_ids,
            has_started: false,
            calls: 0,
            open: None,
            finish: None,
            continuation: None,
            blocked: None,
            served_model: None,
        }
    }

    fn protocol(&self, code: &str) -> ProviderError {
        ProviderError::new(&self.provider, ErrorClass::Protocol).with_code(code)
    }

    fn chunk(&mut self, text: &str, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        // A failure may come wrapped in a list of one (and a stream without `alt=sse` is a list of chunks).
        if text.trim_start().starts_with('[') {
            let chunks: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| self.protocol("not_json"))?;
            return chunks.into_iter().try_for_each(|chunk| self.chunk(chunk.get(), out));
        }
        let chunk: Chunk<'_> = serde_json::from_str(text).map_err(|_| self.protocol("not_json"))?;
        if let Some(error) = chunk.error {
            return Err(failure::of_body(&self.provider, None, error.get()));
        }
        if !self.has_started {
            self.has_started = true;
            self.served_model = chunk.model_version.as_deref().and_then(code);
            let id = chunk.response_id.as_deref().and_then(code);
            out.push(StreamEvent::Start { served_model: self.served_model.clone(), id });
        }
        if let Some(reason) = chunk.prompt_feedback.and_then(|feedback| feedback.block_reason) {
            self.blocked = Some(reason);
        }
        // One candidate is asked for; others would be other answers.
        if let Some(candidate) = chunk.candidates.into_iter().next() {
            for part in candidate.content.into_iter().flat_map(|content| content.parts) {
                self.part(part, out);
            }
            self.finish = candidate.finish_reason.or(self.finish.take());
            self.continuation =
                candidate.continuation_token.filter(|token| !token.is_empty()).or(self.continuation.take());
        }
        if let Some(usage) = chunk.usage_metadata {
            // A usage that cannot be read is one that is missing; the answer counts all the same.
            let metadata = serde_json::from_str::<UsageMetadata>(usage.get());
            let told = metadata.map(|metadata| metadata.usage(self.served_model.clone(), usage));
            out.extend(told.into_iter().filter(Usage::is_told).map(|usage| StreamEvent::Usage(Box::new(usage))));
        }
        Ok(())
    }

    fn part(&mut self, part: WirePart<'_>, out: &mut Vec<StreamEvent>) {
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        if let Some(call) = part.function_call {
            self.call(call, out);
            self.open = None;
        } else if part.text.is_some() || signature.is_some() {
            let words = part.text.unwrap_or_default();
            let kind = if part.thought { Open::Thought } else { Open::Text };
            // A part with a signature is never one with the part before it.
            if signature.is_some() && self.open == Some(kind) {
                out.push(StreamEvent::PartEnd);
            }
            self.open = Some(kind);
            match kind {
                Open::Text if words.is_empty() && signature.is_none() => {}
                Open::Text => out.push(StreamEvent::TextDelta(words)),
                Open::Thought => out.push(StreamEvent::ReasoningDelta { text: words, summary: true }),
            }
        }
        if let Some(data) = signature {
            let (model, endpoint) = (self.model.clone(), self.endpoint.clone());
            let opaque = Opaque { model, endpoint, kind: SIGNATURE.into(), data: data.into() };
            out.push(StreamEvent::OpaqueAttach(opaque));
            self.open = None;
        }
    }

    /// Calls arrive whole on this interface.
    fn call(&mut self, call: FunctionCall<'_>, out: &mut Vec<StreamEvent>) {
        let index = self.calls;
        self.calls += 1;
        let provider_id: Option<Box<str>> = call.id.filter(|id| !id.is_empty()).map(Into::into);
        let id = provider_id.clone().unwrap_or_else(|| self.own_ids.id(index));
        out.push(StreamEvent::ToolStart { index, id, provider_id, item_id: None, name: call.name.into() });
        out.push(StreamEvent::ToolEnd { index, args: tool_args_of_value(call.args) });
    }
}

impl Decoder for AnswerDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        self.chunk(frame.data, out)
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let text = std::str::from_utf8(body).map_err(|_| self.protocol("not_utf8"))?;
        self.chunk(text, out)
    }

    /// The connection's end is the answer's end; there is no other sign.
    fn end(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let finished = match (&self.finish, &self.blocked) {
            (Some(raw), _) => Some((reason(raw, self.calls > 0, self.continuation.as_deref()), raw)),
            (None, Some(raw)) => Some((Finish::PromptBlocked, raw)),
            (None, None) => None,
        };
        if let Some((reason, raw)) = finished {
            out.push(StreamEvent::Finish { reason, raw: code(raw) });
        }
        Ok(())
    }

    fn refused(&self, refused: &Refused) -> ProviderError {
        failure::of_answer(&self.provider, refused)
    }
}

/// Gemini's words for why an answer ends. A step that calls tools ends with `STOP` too.
fn reason(raw: &str, has_calls: bool, continuation: Option<&str>) -> Finish {
    match (raw, continuation) {
        ("STOP", _) if has_calls => Finish::ToolCalls,
        ("STOP", _) => Finish::Stop,
        ("MAX_TOKENS", _) => Finish::Length,
        (
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "MODEL_ARMOR",
            _,
        ) => Finish::ContentFilter,
        ("MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL", _) => Finish::MalformedToolCall,
        ("MISSING_THOUGHT_SIGNATURE" | "MALFORMED_RESPONSE", _) => Finish::Error,
        ("CONTINUATION", Some(token)) => Finish::Continue { token: token.into() },
        (other, _) => Finish::Other(code(other).unwrap_or_default()),
    }
}

impl UsageMetadata {
    /// Gemini's figures in the neutral sense: the prompt holds the cached part, tools of the provider come on top, and
    /// thoughts are beside the answer unless the total shows that they are inside.
    pub(super) fn usage(&self, served_model: Option<Box<str>>, raw: &RawValue) -> Usage {
        let tool_prompt = self.tool_use_prompt_token_count.or_zero();
        let input_total = self.prompt_token_count.or_zero().saturating_add(tool_prompt);
        let (written, thoughts) = (self.candidates_token_count.or_zero(), self.thoughts_token_count.or_zero());
        let holds_thoughts = self.total_token_count.0 == Some(input_total.saturating_add(written));
        let of = |counts: &[ModalityCount], is_input| {
            let known = counts.iter().filter_map(|count| {
                let modality = modality(count.modality.as_deref()?)?;
                Some(ModalityTokens { modality, is_input, tokens: count.token_count.or_zero() })
            });
            known.collect::<Vec<_>>()
        };
        Usage {
            input_total,
            input_cached: self.cached_content_token_count.or_zero(),
            tool_prompt,
            output_total: if holds_thoughts { written } else { written.saturating_add(thoughts) },
            output_reasoning: thoughts,
            by_modality: [of(&self.prompt_tokens_details, true), of(&self.candidates_tokens_details, false)].concat(),
            served_model,
            service_tier: self.service_tier.as_deref().and_then(code),
            raw: Some(Json::from_text(raw.get())),
            ..Usage::default()
        }
    }
}

fn modality(word: &str) -> Option<Modality> {
    Some(match word {
        "TEXT" => Modality::Text,
        "IMAGE" => Modality::Image,
        "AUDIO" => Modality::Audio,
        "VIDEO" => Modality::Video,
        "DOCUMENT" => Modality::Document,
        _ => return None,
    })
}
