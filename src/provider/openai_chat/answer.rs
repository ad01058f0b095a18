//! What Chat Completions answer: chunks of one choice, or the choice whole, in all the ways that servers write them.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{EXTRA_CONTENT, compat::ReasoningField};
use crate::{
    domain::chat::{Finish, Json, ModelRef, Opaque, StreamEvent, ToolArgs, Usage},
    provider::{
        ErrorClass, ProviderError,
        openai::failure::{self, ErrorBody},
        wire::{Count, Decoder, Frame, OwnIds, Refused, code, or_default, tool_args},
    },
};

/// A chunk, or the whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    object: Option<String>,
    id: Option<String>,
    model: Option<String>,
    #[serde(deserialize_with = "or_default", borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    service_tier: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// Groq's own place for usage.
    #[serde(borrow)]
    x_groq: Option<XGroq<'a>>,
    /// llama.cpp's.
    timings: Option<Timings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct XGroq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Timings {
    cache_n: Count,
    prompt_n: Count,
    predicted_n: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    index: Count,
    #[serde(deserialize_with = "or_default", borrow)]
    delta: Said<'a>,
    #[serde(deserialize_with = "or_default", borrow)]
    message: Said<'a>,
    finish_reason: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    #[serde(deserialize_with = "or_default", borrow)]
    tool_calls: Vec<CallPiece<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CallPiece<'a> {
    index: Count,
    id: Option<String>,
    #[serde(deserialize_with = "or_default", borrow)]
    function: FunctionPiece<'a>,
    #[serde(borrow)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FunctionPiece<'a> {
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: CompletionDetails,
    /// What it costs, in dollars (OpenRouter).
    cost: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}

/// A call in the making.
#[derive(Debug)]
struct OpenCall {
    /// The server's place for it, if it says one.
    place: Option<i64>,
    provider_id: Option<Box<str>>,
    /// Empty until it is said.
    name: String,
    args: String,
    opaque: Option<Box<str>>,
    has_started: bool,
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(in crate::provider) struct AnswerDecoder {
    model: ModelRef,
    endpoint: Box<str>,
    own_ids: OwnIds,
    reasoning_field: ReasoningField,
    has_started: bool,
    has_refusal: bool,
    /// Whether any choice has come: a stream of nothing is no answer.
    has_choice: bool,
    calls: Vec<OpenCall>,
    reason: Option<String>,
    served_model: Option<Box<str>>,
    service_tier: Option<Box<str>>,
    has_usage: bool,
    timings: Option<Timings>,
}

impl AnswerDecoder {
    pub(super) fn new(model: ModelRef, endpoint: Box<str>, own_ids: OwnIds, reasoning_field: ReasoningField) -> Self {
        Self {
            model,
            endpoint,
            own_ids,
            reasoning_field,
            has_started: false,
            has_refusal: false,
            has_choice: false,
            calls: Vec::new(),
            reason: None,
            served_model: None,
            service_tier: None,
            has_usage: false,
            timings: None,
        }
    }

    fn protocol(&self, code: &str) -> ProviderError {
        ProviderError::new(&self.model.provider, ErrorClass::Protocol).with_code(code)
    }

    fn failed(&self, error: &str) -> ProviderError {
        let body: Value = serde_json::from_str(error).unwrap_or_default();
        ErrorBody::of(&body).inside_success(&self.model.provider)
    }

    fn chunk(&mut self, text: &str, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let chunk: Chunk<'_> = serde_json::from_str(text).map_err(|_| self.protocol("not_json"))?;
        if let Some(error) = said(chunk.error) {
            return Err(self.failed(error));
        }
        if chunk.object.as_deref() == Some("error") {
            return Err(self.failed(text));
        }
        self.start(&chunk, out);
        // Only one choice was asked for.
        for choice in chunk.choices.iter().filter(|choice| choice.index.or_zero() == 0) {
            self.has_choice = true;
            if let Some(error) = said(choice.error) {
                return Err(self.failed(error));
            }
            self.said(&choice.delta, out);
            self.said(&choice.message, out);
            if let Some(reason) = choice.finish_reason.as_deref().filter(|reason| !reason.is_empty()) {
                self.reason = Some(reason.to_owned());
            }
        }
        self.timings = chunk.timings.or(self.timings);
        let usage = [chunk.usage, chunk.x_groq.and_then(|groq| groq.usage)].into_iter().flatten();
        for raw in usage.filter(|raw| raw.get().starts_with('{')) {
            self.usage(raw, out);
        }
        Ok(())
    }

    fn start(&mut self, chunk: &Chunk<'_>, out: &mut Vec<StreamEvent>) {
        self.served_model = chunk.model.as_deref().and_then(code).or(self.served_model.take());
        self.service_tier = chunk.service_tier.as_deref().and_then(code).or(self.service_tier.take());
        if !std::mem::replace(&mut self.has_started, true) {
            let id = chunk.id.as_deref().and_then(code);
            out.push(StreamEvent::Start { served_model: self.served_model.clone(), id });
        }
    }

    fn said(&mut self, said: &Said<'_>, out: &mut Vec<StreamEvent>) {
        let (content, plain) = (said.reasoning_content.as_ref(), said.reasoning.as_ref());
        let thoughts = match self.reasoning_field {
            ReasoningField::ReasoningContent => content.or(plain),
            ReasoningField::Reasoning => plain.or(content),
            ReasoningField::None => None,
        };
        if let Some(text) = thoughts.filter(|text| !text.is_empty()) {
            out.push(StreamEvent::ReasoningDelta { text: text.clone(), summary: false });
        }
        let text = said.content.map(|raw| content_text(raw.get())).unwrap_or_default();
        if !text.is_empty() {
            out.push(StreamEvent::TextDelta(text));
        }
        if let Some(text) = said.refusal.as_ref().filter(|text| !text.is_empty()) {
            self.has_refusal = true;
            out.push(StreamEvent::RefusalDelta(text.clone()));
        }
        for piece in &said.tool_calls {
            self.call_piece(piece, out);
        }
    }

    /// Which call a piece belongs to. Servers forget the index, the id, or both, and some give all calls the index 0.
    fn call_of(&mut self, piece: &CallPiece<'_>) -> usize {
        let id = piece.id.as_deref().filter(|id| !id.is_empty());
        let has_name = piece.function.name.as_deref().is_some_and(|name| !name.is_empty());
        let is_other = |call: &OpenCall| has_name && id.is_some() && call.provider_id.as_deref() != id;
        let known = match (piece.index.0, id) {
            (Some(place), _) => {
                self.calls.iter().rposition(|call| call.place == Some(place)).filter(|at| !is_other(&self.calls[*at]))
            }
            (None, Some(id)) => self.calls.iter().rposition(|call| call.provider_id.as_deref() == Some(id)),
            (None, None) if has_name => None,
            (None, None) => self.calls.len().checked_sub(1),
        };
        known.unwrap_or_else(|| {
            self.calls.push(OpenCall {
                place: piece.index.0,
                provider_id: None,
                name: String::new(),
                args: String::new(),
                opaque: None,
                has_started: false,
            });
            self.calls.len() - 1
        })
    }

    fn call_piece(&mut self, piece: &CallPiece<'_>, out: &mut Vec<StreamEvent>) {
        let at = self.call_of(piece);
        let call = &mut self.calls[at];
        if call.provider_id.is_none() {
            call.provider_id = piece.id.as_deref().filter(|id| !id.is_empty()).map(Into::into);
        }
        // Some servers say the name with every piece.
        if call.name.is_empty() {
            call.name = piece.function.name.clone().unwrap_or_default();
        }
        call.opaque = said(piece.extra_content).map(Into::into).or(call.opaque.take());
        let more = piece.function.arguments.map(|raw| argument_text(raw.get())).unwrap_or_default();
        call.args.push_str(&more);
        if !call.name.is_empty() && !call.has_started {
            out.push(begin(call, index(at), self.own_ids));
        }
        if call.has_started && !more.is_empty() {
            out.push(StreamEvent::ToolArgsDelta { index: index(at), text: more });
        }
    }

    fn usage(&mut self, raw: &RawValue, out: &mut Vec<StreamEvent>) {
        // A usage that cannot be read is one that is missing; the answer counts all the same.
        let Ok(used) = serde_json::from_str::<WireUsage>(raw.get()) else { return };
        let told = Usage {
            input_total: used.prompt_tokens.or_zero(),
            input_cached: used.prompt_tokens_details.cached_tokens.or_zero(),
            input_cache_write_30m: used.prompt_tokens_details.cache_write_tokens.or_zero(),
            output_total: used.completion_tokens.or_zero(),
            output_reasoning: used.completion_tokens_details.reasoning_tokens.or_zero(),
            served_model: self.served_model.clone(),
            service_tier: self.service_tier.clone(),
            provider_cost_pico_usd: used.cost.and_then(pico_dollars),
            raw: Some(Json::from_text(raw.get())),
            ..Usage::default()
        };
        self.tell(told, out);
    }

    fn tell(&mut self, usage: Usage, out: &mut Vec<StreamEvent>) {
        if usage.is_told() {
            self.has_usage = true;
            out.push(StreamEvent::Usage(Box::new(usage)));
        }
    }

    /// The calls are complete, and so is the answer.
    fn finish(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        for (at, call) in self.calls.iter_mut().enumerate() {
            if !call.has_started {
                out.push(begin(call, index(at), self.own_ids));
            }
            out.push(StreamEvent::ToolEnd { index: index(at), args: args(&call.args) });
            if let Some(data) = call.opaque.take() {
                let (model, endpoint) = (self.model.clone(), self.endpoint.clone());
                out.push(StreamEvent::OpaqueAttach(Opaque { model, endpoint, kind: EXTRA_CONTENT.into(), data }));
            }
        }
        if let (false, Some(timings)) = (self.has_usage, self.timings) {
            let cached = timings.cache_n.or_zero();
            let told = Usage {
                input_total: cached.saturating_add(timings.prompt_n.or_zero()),
                input_cached: cached,
                output_total: timings.predicted_n.or_zero(),
                served_model: self.served_model.clone(),
                ..Usage::default()
            };
            self.tell(told, out);
        }
        let has_calls = !self.calls.is_empty();
        let reason = match self.reason.as_deref() {
            Some("error") => {
                return Err(ProviderError::new(&self.model.provider, ErrorClass::Overloaded).with_code("finish_error"));
            }
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::ContentFilter,
            Some("stop" | "tool_calls" | "function_call") | None if has_calls => Finish::ToolCalls,
            Some("stop" | "tool_calls" | "function_call") | None if self.has_refusal => Finish::Refusal,
            Some("stop") | None => Finish::Stop,
            // It says that it calls and calls nothing: what it wrote could not be read over there.
            Some("tool_calls" | "function_call") => Finish::MalformedToolCall,
            Some(other) => Finish::Other(code(other).unwrap_or_default()),
        };
        out.push(StreamEvent::Finish { reason, raw: self.reason.as_deref().and_then(code) });
        Ok(())
    }
}

impl Decoder for AnswerDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        match (frame.name, frame.data.trim()) {
            (_, "") => Ok(()),
            ("error", data) => {
                let body: Value = serde_json::from_str(data).unwrap_or_default();
                let inner = if body["error"].is_null() { &body } else { &body["error"] };
                Err(ErrorBody::of(inner).inside_success(&self.model.provider))
            }
            (_, "[DONE]") if self.has_choice => self.finish(out),
            (_, "[DONE]") => Err(self.protocol("no_answer")),
            (_, data) => self.chunk(data, out),
        }
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let text = std::str::from_utf8(body).map_err(|_| self.protocol("not_utf8"))?;
        self.chunk(text, out)?;
        if self.has_choice { self.finish(out) } else { Err(self.protocol("no_answer")) }
    }

    /// A server that never says `[DONE]` has said why it ends all the same.
    fn end(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        if self.reason.is_some() { self.finish(out) } else { Ok(()) }
    }

    fn refused(&self, refused: &Refused) -> ProviderError {
        let mut error = failure::of_answer(&self.model.provider, refused);
        // OpenRouter: a balance that is used up for a moment, by other calls that are on their way.
        if refused.status == 402 && error.retry_after.is_some() {
            error.class = ErrorClass::RateLimit;
        }
        error
    }
}

fn begin(call: &mut OpenCall, index: u32, own_ids: OwnIds) -> StreamEvent {
    call.has_started = true;
    StreamEvent::ToolStart {
        index,
        id: call.provider_id.clone().unwrap_or_else(|| own_ids.id(index)),
        provider_id: call.provider_id.clone(),
        item_id: None,
        name: call.name.as_str().into(),
    }
}

/// Text that holds JSON, possibly twice: some servers escape what is escaped already.
fn args(text: &str) -> ToolArgs {
    match serde_json::from_str::<String>(text.trim()) {
        Ok(inner) => tool_args(&inner),
        Err(_) => tool_args(text),
    }
}

/// A piece of arguments: of a text, or the object itself.
fn argument_text(raw: &str) -> String {
    match serde_json::from_str::<Option<String>>(raw) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => raw.to_owned(),
    }
}

/// Content is a text, nothing, or a list of pieces with texts.
fn content_text(raw: &str) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Piece {
        #[serde(deserialize_with = "or_default")]
        text: String,
    }
    match serde_json::from_str::<Option<String>>(raw) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => {
            let pieces: Vec<Piece> = serde_json::from_str(raw).unwrap_or_default();
            pieces.into_iter().map(|piece| piece.text).collect()
        }
    }
}

/// What is there and not `null`.
fn said(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| *text != "null")
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Dollars in the unit that money is counted in here.
fn pico_dollars(dollars: f64) -> Option<i64> {
    let pico = (dollars * 1e12).round();
    // `as` saturates, and nothing negative or infinite is a price.
    (pico.is_finite() && pico >= 0.0).then_some(pico as i64)
}
