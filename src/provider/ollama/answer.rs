//! What Ollama answers: one JSON document a line, the last with `done`, or one document alone.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::chat::{Finish, Json, StreamEvent, Usage},
    provider::{
        ErrorClass, ProviderError,
        openai::failure::{self, ErrorBody},
        wire::{Count, Decoder, Frame, OwnIds, Refused, code, or_default, tool_args_of_value},
    },
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    model: Option<String>,
    #[serde(deserialize_with = "or_default", borrow)]
    message: Said<'a>,
    done: bool,
    done_reason: Option<String>,
    /// Left out when zero.
    prompt_eval_count: Count,
    eval_count: Count,
    /// Nanoseconds, as the others.
    total_duration: Count,
    load_duration: Count,
    prompt_eval_duration: Count,
    eval_duration: Count,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said<'a> {
    #[serde(deserialize_with = "or_default")]
    content: String,
    #[serde(deserialize_with = "or_default")]
    thinking: String,
    #[serde(deserialize_with = "or_default", borrow)]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    id: Option<String>,
    #[serde(deserialize_with = "or_default", borrow)]
    function: Function<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(in crate::provider) struct AnswerDecoder {
    provider: Box<str>,
    own_ids: OwnIds,
    has_started: bool,
    calls: u32,
}

impl AnswerDecoder {
    pub(super) fn new(provider: &str, own_ids: OwnIds) -> Self {
        Self { provider: provider.into(), own_ids, has_started: false, calls: 0 }
    }

    fn line(&mut self, text: &str, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let protocol = |code| ProviderError::new(&self.provider, ErrorClass::Protocol).with_code(code);
        let line: Line<'_> = serde_json::from_str(text).map_err(|_| protocol("not_json"))?;
        if let Some(error) = line.error.filter(|error| error.get() != "null") {
            let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
            return Err(refine(ErrorBody::of(&error).inside_success(&self.provider)));
        }
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(StreamEvent::Start { served_model: line.model.as_deref().and_then(code), id: None });
        }
        let Said { content, thinking, tool_calls } = &line.message;
        if !thinking.is_empty() {
            out.push(StreamEvent::ReasoningDelta { text: thinking.clone(), summary: false });
        }
        if !content.is_empty() {
            out.push(StreamEvent::TextDelta(content.clone()));
        }
        // Calls come whole, and in any line: the last one may say "stop" all the same.
        for call in tool_calls {
            let index = self.calls;
            self.calls += 1;
            let provider_id: Option<Box<str>> = call.id.as_deref().filter(|id| !id.is_empty()).map(Into::into);
            let id = provider_id.clone().unwrap_or_else(|| self.own_ids.id(index));
            let name = call.function.name.as_str().into();
            out.push(StreamEvent::ToolStart { index, id, provider_id, item_id: None, name });
            out.push(StreamEvent::ToolEnd { index, args: tool_args_of_value(call.function.arguments) });
        }
        if line.done {
            // Each count is left out when it is zero; without any, nothing is told.
            out.extend(Some(usage(&line)).filter(Usage::is_told).map(|usage| StreamEvent::Usage(Box::new(usage))));
            let reason = match line.done_reason.as_deref() {
                Some("length") => Finish::Length,
                Some("stop") | None if self.calls > 0 => Finish::ToolCalls,
                Some("stop") | None => Finish::Stop,
                Some(other) => Finish::Other(code(other).unwrap_or_default()),
            };
            out.push(StreamEvent::Finish { reason, raw: line.done_reason.as_deref().and_then(code) });
        }
        Ok(())
    }
}

/// The figures of the last line, without its words.
fn usage(line: &Line<'_>) -> Usage {
    let figures = json!({
        "prompt_eval_count": line.prompt_eval_count.or_zero(), "eval_count": line.eval_count.or_zero(),
        "total_duration": line.total_duration.or_zero(), "load_duration": line.load_duration.or_zero(),
        "prompt_eval_duration": line.prompt_eval_duration.or_zero(), "eval_duration": line.eval_duration.or_zero(),
    });
    Usage {
        input_total: line.prompt_eval_count.or_zero(),
        output_total: line.eval_count.or_zero(),
        served_model: line.model.as_deref().and_then(code),
        raw: Some(Json::from_text(figures.to_string())),
        ..Usage::default()
    }
}

impl Decoder for AnswerDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        self.line(frame.data, out)
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        let not_text = || ProviderError::new(&self.provider, ErrorClass::Protocol).with_code("not_utf8");
        let text = std::str::from_utf8(body).map_err(|_| not_text())?;
        self.line(text, out)
    }

    /// Only `done` is an end.
    fn end(&mut self, _: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn refused(&self, refused: &Refused) -> ProviderError {
        refused_by(&self.provider, refused)
    }
}

/// Ollama says `{"error": "text"}`, and no code: what the text says is all there is.
pub(super) fn refused_by(provider: &str, refused: &Refused) -> ProviderError {
    refine(failure::of_answer(provider, refused))
}

/// What Ollama's sentences mean, by their fixed parts.
const SENTENCES: &[(&str, ErrorClass, &str)] = &[
    ("does not support tools", ErrorClass::Invalid, "no_tools"),
    ("does not support thinking", ErrorClass::Invalid, "no_thinking"),
    ("does not support chat", ErrorClass::Invalid, "no_chat"),
    ("does not support embeddings", ErrorClass::Invalid, "no_embeddings"),
    ("try pulling it first", ErrorClass::NotFound, "not_pulled"),
    ("exceeds the context length", ErrorClass::TooLong, "context_length"),
    ("exceeds maximum context", ErrorClass::TooLong, "context_length"),
    ("server busy", ErrorClass::Overloaded, "server_busy"),
    ("more system memory", ErrorClass::Invalid, "out_of_memory"),
];

fn refine(mut error: ProviderError) -> ProviderError {
    let said = error.words.as_ref().map(|words| words.expose().to_ascii_lowercase()).unwrap_or_default();
    if let Some((_, class, code)) = SENTENCES.iter().find(|(part, ..)| said.contains(part)) {
        (error.class, error.code) = (*class, Some((*code).into()));
    }
    error
}
