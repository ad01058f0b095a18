//! What the Responses API answers: events with a type each, or one object with all the items.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    ENCRYPTED_REASONING,
    failure::{self, ErrorBody},
};
use crate::{
    domain::chat::{Finish, Json, ModelRef, Opaque, StreamEvent, Usage},
    provider::{
        ErrorClass, ProviderError,
        wire::{Count, Decoder, Frame, OwnIds, Refused, code, or_default, tool_args},
    },
};

/// One event of a stream; which fields it has depends on its type.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    output_index: Option<u64>,
    summary_index: Option<u64>,
    /// A text in the events that are read here; others have other things in it.
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Event<'_> {
    fn delta(&self) -> String {
        self.delta.and_then(|delta| serde_json::from_str(delta.get()).ok()).unwrap_or_default()
    }
}

/// Of an item, only what it is.
#[derive(Debug, Deserialize)]
struct Kind {
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
}

#[derive(Debug, Deserialize)]
struct Response<'a> {
    id: Option<String>,
    model: Option<String>,
    status: Option<String>,
    #[serde(default, deserialize_with = "or_default", borrow)]
    output: Vec<&'a RawValue>,
    incomplete_details: Option<IncompleteDetails>,
    error: Option<ErrorBody>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    service_tier: Option<String>,
}

#[derive(Debug, Deserialize)]
struct IncompleteDetails {
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    id: Option<String>,
    call_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    arguments: String,
    #[serde(default, deserialize_with = "or_default")]
    content: Vec<Piece>,
    #[serde(default, deserialize_with = "or_default")]
    summary: Vec<Piece>,
    encrypted_content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Piece {
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    #[serde(default, deserialize_with = "or_default")]
    text: String,
    #[serde(default, deserialize_with = "or_default")]
    refusal: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    input_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    input_tokens_details: InputDetails,
    output_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    output_tokens_details: OutputDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_write_tokens_details: WriteDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WriteDetails {
    ttl_12h_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(in crate::provider) struct AnswerDecoder {
    provider: Box<str>,
    /// Who encrypts the reasoning, and where it may go back to.
    model: ModelRef,
    endpoint: Box<str>,
    own_ids: OwnIds,
    has_started: bool,
    has_items: bool,
    has_refusal: bool,
    calls: u32,
    /// The calls that have begun, by the place of their item.
    begun: HashMap<u64, u32>,
    /// Which summary of the thoughts is being written.
    summary_index: u64,
}

impl AnswerDecoder {
    pub(super) fn new(model: ModelRef, endpoint: Box<str>, own_ids: OwnIds) -> Self {
        Self {
            provider: model.provider.clone(),
            model,
            endpoint,
            own_ids,
            has_started: false,
            has_items: false,
            has_refusal: false,
            calls: 0,
            begun: HashMap::new(),
            summary_index: 0,
        }
    }

    fn protocol(&self, code: &str) -> ProviderError {
        ProviderError::new(&self.provider, ErrorClass::Protocol).with_code(code)
    }

    fn start(&mut self, response: &Response<'_>, out: &mut Vec<StreamEvent>) {
        if !std::mem::replace(&mut self.has_started, true) {
            let served_model = response.model.as_deref().and_then(code);
            out.push(StreamEvent::Start { served_model, id: response.id.as_deref().and_then(code) });
        }
    }

    /// An item of a kind that is known here.
    fn item(&self, raw: &RawValue) -> Result<Option<Item>, ProviderError> {
        let bad = |_| self.protocol("bad_item");
        let kind: Kind = serde_json::from_str(raw.get()).map_err(bad)?;
        let is_known = matches!(kind.r#type.as_str(), "message" | "function_call" | "reasoning");
        if is_known { serde_json::from_str(raw.get()).map(Some).map_err(bad) } else { Ok(None) }
    }

    /// An item begins.
    fn begin(&mut self, place: u64, item: &Item, out: &mut Vec<StreamEvent>) {
        self.has_items = true;
        match item.r#type.as_str() {
            "function_call" => {
                let index = self.calls;
                self.calls += 1;
                self.begun.insert(place, index);
                let provider_id: Option<Box<str>> = some(item.call_id.as_deref());
                let id = provider_id.clone().unwrap_or_else(|| self.own_ids.id(index));
                let (item_id, name) = (some(item.id.as_deref()), item.name.as_str().into());
                out.push(StreamEvent::ToolStart { index, id, provider_id, item_id, name });
            }
            "reasoning" => {
                self.summary_index = 0;
                out.push(StreamEvent::PartEnd);
                out.push(StreamEvent::ReasoningDelta { text: String::new(), summary: true });
            }
            _ => {}
        }
    }

    /// An item is complete.
    fn complete(&mut self, place: u64, item: &Item, raw: &RawValue, out: &mut Vec<StreamEvent>) {
        match item.r#type.as_str() {
            "function_call" => {
                if let Some(index) = self.begun.get(&place) {
                    out.push(StreamEvent::ToolEnd { index: *index, args: tool_args(&item.arguments) });
                }
            }
            "reasoning" if item.encrypted_content.as_deref().is_some_and(|content| !content.is_empty()) => {
                out.push(StreamEvent::OpaqueAttach(Opaque {
                    model: self.model.clone(),
                    endpoint: self.endpoint.clone(),
                    kind: ENCRYPTED_REASONING.into(),
                    data: raw.get().into(),
                }));
            }
            "message" | "reasoning" => out.push(StreamEvent::PartEnd),
            _ => {}
        }
    }

    /// An item that comes whole.
    fn whole_item(&mut self, place: u64, raw: &RawValue, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let Some(item) = self.item(raw)? else { return Ok(()) };
        self.begin(place, &item, out);
        for piece in &item.content {
            match piece.r#type.as_str() {
                "output_text" => out.push(StreamEvent::TextDelta(piece.text.clone())),
                "refusal" => self.refusal(piece.refusal.clone(), out),
                "reasoning_text" => {
                    out.push(StreamEvent::ReasoningDelta { text: piece.text.clone(), summary: false });
                }
                _ => {}
            }
        }
        for (at, piece) in item.summary.iter().enumerate() {
            self.summary(at as u64, piece.text.clone(), out);
        }
        self.complete(place, &item, raw, out);
        Ok(())
    }

    fn refusal(&mut self, text: String, out: &mut Vec<StreamEvent>) {
        self.has_refusal = true;
        out.push(StreamEvent::RefusalDelta(text));
    }

    /// Several summaries of one thought are paragraphs of one.
    fn summary(&mut self, index: u64, text: String, out: &mut Vec<StreamEvent>) {
        let text =
            if std::mem::replace(&mut self.summary_index, index) == index { text } else { format!("\n\n{text}") };
        out.push(StreamEvent::ReasoningDelta { text, summary: true });
    }

    /// The last object: usage and why it ends.
    fn finish(&mut self, response: &Response<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        self.start(response, out);
        if !self.has_items {
            for (place, raw) in response.output.iter().enumerate() {
                self.whole_item(place as u64, raw, out)?;
            }
        }
        if let Some(raw) = response.usage {
            // A usage that cannot be read is one that is missing; the answer counts all the same.
            let told = serde_json::from_str::<WireUsage>(raw.get()).map(|usage| usage.usage(response, raw));
            out.extend(told.into_iter().filter(Usage::is_told).map(|usage| StreamEvent::Usage(Box::new(usage))));
        }
        let status = response.status.as_deref().unwrap_or_default();
        let because = response.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
        let reason = match (status, because) {
            ("failed", _) => return Err(self.failed(response)),
            ("completed", _) if self.calls > 0 => Finish::ToolCalls,
            ("completed", _) if self.has_refusal => Finish::Refusal,
            ("completed", _) => Finish::Stop,
            ("incomplete", Some("max_output_tokens")) => Finish::Length,
            ("incomplete", Some("content_filter")) => Finish::ContentFilter,
            ("cancelled", _) => Finish::Error,
            (status, because) => Finish::Other(code(because.unwrap_or(status)).unwrap_or_default()),
        };
        out.push(StreamEvent::Finish { reason, raw: code(because.unwrap_or(status)) });
        Ok(())
    }

    fn failed(&self, response: &Response<'_>) -> ProviderError {
        match &response.error {
            Some(error) => error.inside_success(&self.provider),
            None => ProviderError::new(&self.provider, ErrorClass::Overloaded).with_code("failed"),
        }
    }

    fn event(&mut self, event: &Event<'_>, text: &str, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let place = event.output_index.unwrap_or_default();
        match (event.r#type.as_str(), event.item, &event.response) {
            ("response.created" | "response.in_progress" | "response.queued", _, Some(response)) => {
                self.start(response, out);
            }
            ("response.output_item.added", Some(raw), _) => {
                if let Some(item) = self.item(raw)? {
                    self.begin(place, &item, out);
                }
            }
            ("response.output_item.done", Some(raw), _) => {
                let Some(item) = self.item(raw)? else { return Ok(()) };
                // One that was never said to begin comes whole here.
                if item.r#type == "function_call" && !self.begun.contains_key(&place) {
                    self.begin(place, &item, out);
                }
                self.complete(place, &item, raw, out);
            }
            ("response.output_text.delta", ..) => {
                self.has_items = true;
                out.push(StreamEvent::TextDelta(event.delta()));
            }
            ("response.refusal.delta", ..) => self.refusal(event.delta(), out),
            ("response.reasoning_text.delta", ..) => {
                out.push(StreamEvent::ReasoningDelta { text: event.delta(), summary: false });
            }
            ("response.reasoning_summary_text.delta", ..) => {
                self.summary(event.summary_index.unwrap_or_default(), event.delta(), out);
            }
            ("response.function_call_arguments.delta", ..) => {
                if let Some(index) = self.begun.get(&place) {
                    out.push(StreamEvent::ToolArgsDelta { index: *index, text: event.delta() });
                }
            }
            (
                "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled",
                _,
                Some(last),
            ) => {
                return self.finish(last, out);
            }
            ("error", ..) => {
                // The object is the event itself, or inside it.
                let body = event.error.map_or(text, RawValue::get);
                let body: ErrorBody = serde_json::from_str(body).unwrap_or_default();
                return Err(body.inside_success(&self.provider));
            }
            // Others tell of tools that are not used here, or repeat what the deltas said.
            _ => {}
        }
        Ok(())
    }
}

impl Decoder for AnswerDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        if frame.data.trim() == "[DONE]" {
            return Ok(());
        }
        let event: Event<'_> = serde_json::from_str(frame.data).map_err(|_| self.protocol("not_json"))?;
        // Some proxies send an error alone, without a type.
        if event.r#type.is_empty() && event.error.is_some_and(|error| error.get() != "null") {
            return self.event(&Event { r#type: "error".into(), ..event }, frame.data, out);
        }
        self.event(&event, frame.data, out)
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let response: Response<'_> = serde_json::from_slice(body).map_err(|_| self.protocol("not_json"))?;
        if response.status.is_none() && response.output.is_empty() {
            return Err(match &response.error {
                Some(error) => error.inside_success(&self.provider),
                None => self.protocol("no_answer"),
            });
        }
        self.finish(&response, out)
    }

    /// Only the last object is an end.
    fn end(&mut self, _: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn refused(&self, refused: &Refused) -> ProviderError {
        failure::of_answer(&self.provider, refused)
    }
}

impl WireUsage {
    /// OpenAI counts what was cached and written inside the input, and thoughts inside the output.
    fn usage(&self, response: &Response<'_>, raw: &RawValue) -> Usage {
        let input = &self.input_tokens_details;
        let written_12h = input.cache_write_tokens_details.ttl_12h_tokens.or_zero();
        let written = input.cache_write_tokens.or_zero().max(written_12h);
        Usage {
            input_total: self.input_tokens.or_zero(),
            input_cached: input.cached_tokens.or_zero(),
            // What is written without a word of how long is kept for the shorter time.
            input_cache_write_30m: written.saturating_sub(written_12h),
            input_cache_write_12h: written_12h,
            output_total: self.output_tokens.or_zero(),
            output_reasoning: self.output_tokens_details.reasoning_tokens.or_zero(),
            served_model: response.model.as_deref().and_then(code),
            service_tier: response.service_tier.as_deref().and_then(code),
            raw: Some(Json::from_text(raw.get())),
            ..Usage::default()
        }
    }
}

fn some(text: Option<&str>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty()).map(Into::into)
}
