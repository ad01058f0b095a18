//! One call from its first byte to its last: deadlines, limits of size, frames, and the order that events promise.
//!
//! Knows nothing of any provider; a [`Decoder`] says what frames and bodies mean.

use std::{collections::VecDeque, future::Future, time::Duration};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use reqwest::{RequestBuilder, Response, header};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    lines::{LINE_BYTES_MAX, LineEnd, Lines},
    refused::{Hints, Refused, scrub},
    sse::{Sse, Unreadable},
};
use crate::{
    domain::chat::{ChatAnswer, Fold, StreamEvent},
    provider::{Access, Deadlines, ErrorClass, ProviderError, TimeoutKind, telemetry::CallSpan},
};

/// The largest answer that is read, streamed or not: thousands of times what a reply to a DM needs.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How much is read of an answer that is no success.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// How an answer is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) enum Framing {
    /// `text/event-stream`.
    Sse,
    /// One JSON document per line (Ollama).
    Lines,
}

/// One frame of a streamed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) struct Frame<'a> {
    /// The event's name; empty where it has none, and for lines.
    pub(in crate::provider) name: &'a str,
    /// The event's data, or the line.
    pub(in crate::provider) data: &'a str,
}

/// Says what a provider's words mean.
///
/// Events go to `out` in the order that [`StreamEvent`] promises. After `Finish` nothing more is read.
pub(in crate::provider) trait Decoder: Send + Sync {
    /// Reads a frame of a streamed answer.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError>;

    /// Reads a whole answer: one that was not to be streamed, or one that came whole though it was.
    fn whole(&mut self, body: &[u8], out: &mut Vec<StreamEvent>) -> Result<(), ProviderError>;

    /// Nothing more comes, and no `Finish` was given. Gives it if the answer is complete all the same.
    fn end(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ProviderError>;

    /// Why the provider gave no answer.
    fn refused(&self, refused: &Refused) -> ProviderError;
}

/// A call that is ready to go.
pub(in crate::provider) struct Call<'a, D> {
    /// The request with everything in it, or why there is none.
    pub(in crate::provider) request: Result<RequestBuilder, ProviderError>,
    /// Whom it goes to.
    pub(in crate::provider) provider: &'a str,
    /// Key and deadlines.
    pub(in crate::provider) access: Access<'a>,
    /// Reads the answer.
    pub(in crate::provider) decoder: D,
    /// The span of the call.
    pub(in crate::provider) span: CallSpan,
}

impl<'a, D: Decoder + 'a> Call<'a, D> {
    /// Asks for the whole answer.
    pub(in crate::provider) async fn answer(mut self) -> Result<ChatAnswer, ProviderError> {
        let span = self.span.span().clone();
        let asked = async {
            let exchange = Exchange::new(self.provider, self.access);
            let refused = |refused: &Refused| self.decoder.refused(refused);
            let (body, request_id) = exchange.whole(self.request, &refused).await?;
            let mut events = Vec::new();
            whole(self.provider, &mut self.decoder, &body, &mut events).map_err(with_id(&request_id))?;
            Ok(events)
        };
        let events = asked.instrument(span).await.map_err(|error| {
            let error = scrubbed(error, self.access.key);
            self.span.failed(&error);
            error
        })?;
        let mut fold = Fold::default();
        for event in events {
            self.span.saw(&event);
            fold.push(event);
        }
        fold.finish().ok_or_else(|| ProviderError::new(self.provider, ErrorClass::Protocol).with_code("no_finish"))
    }

    /// Asks for the answer piece by piece.
    pub(in crate::provider) fn stream(self, framing: Framing) -> BoxStream<'a, Result<StreamEvent, ProviderError>> {
        let reading = Reading {
            exchange: Exchange::new(self.provider, self.access),
            source: Source::Unsent(Some(self.request)),
            framing,
            decoder: self.decoder,
            span: self.span,
            ready: VecDeque::new(),
            failure: None,
            is_over: false,
        };
        stream::unfold(reading, |mut reading| async move { reading.next().await.map(|item| (item, reading)) }).boxed()
    }
}

/// Asks for something that is no chat and comes whole; `read` makes sense of it.
pub(in crate::provider) async fn ask<T>(
    provider: &str,
    request: Result<RequestBuilder, ProviderError>,
    access: Access<'_>,
    refused: &(dyn Fn(&Refused) -> ProviderError + Sync),
    read: impl FnOnce(&[u8]) -> Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    let answer = Exchange::new(provider, access).whole(request, refused).await;
    let answer = answer.and_then(|(body, request_id)| read(&body).map_err(with_id(&request_id)));
    answer.map_err(|error| scrubbed(error, access.key))
}

fn scrubbed(error: ProviderError, key: Option<&SecretString>) -> ProviderError {
    match key {
        Some(key) => scrub(error, key.expose_secret().trim()),
        None => error,
    }
}

/// A whole answer, with its end.
fn whole(
    provider: &str,
    decoder: &mut impl Decoder,
    body: &[u8],
    events: &mut Vec<StreamEvent>,
) -> Result<(), ProviderError> {
    decoder.whole(body, events)?;
    if is_finished(events) { Ok(()) } else { end(provider, decoder, events) }
}

/// The end of an answer, which a decoder cannot leave out.
fn end(provider: &str, decoder: &mut impl Decoder, events: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
    decoder.end(events)?;
    // A connection that closes early looks like an end: only the provider's own words for it count.
    let cut_off = || ProviderError::new(provider, ErrorClass::Transport).with_code("cut_off");
    if is_finished(events) { Ok(()) } else { Err(cut_off()) }
}

fn is_finished(events: &[StreamEvent]) -> bool {
    matches!(events.last(), Some(StreamEvent::Finish { .. }))
}

/// One request and its answer, against the clock.
struct Exchange<'a> {
    provider: &'a str,
    key: Option<&'a SecretString>,
    deadlines: Deadlines,
    /// Begins when the call is first polled, not when it is made.
    started: Option<Instant>,
    /// When anything came last.
    last_life: Option<Instant>,
    /// Whether a piece of the answer has come.
    output_began: bool,
    /// How much of the answer has come.
    bytes: usize,
}

impl<'a> Exchange<'a> {
    const fn new(provider: &'a str, access: Access<'a>) -> Self {
        let Access { key, deadlines } = access;
        Self { provider, key, deadlines, started: None, last_life: None, output_began: false, bytes: 0 }
    }

    fn error(&self, class: ErrorClass) -> ProviderError {
        ProviderError { output_began: self.output_began, ..ProviderError::new(self.provider, class) }
    }

    /// Waits for `next` as long as every deadline allows.
    async fn in_time<T>(
        &mut self,
        is_streamed: bool,
        next: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, ProviderError> {
        let started = *self.started.get_or_insert_with(Instant::now);
        let at = |from: Instant, wait: Duration| from.checked_add(wait).unwrap_or_else(|| from + FOREVER);
        let mut until = (at(started, self.deadlines.total), TimeoutKind::Total);
        if is_streamed && !self.output_began {
            until = until.min_by_time((at(started, self.deadlines.first_token), TimeoutKind::FirstToken));
        } else if let (true, Some(last_life)) = (is_streamed, self.last_life) {
            until = until.min_by_time((at(last_life, self.deadlines.idle), TimeoutKind::Idle));
        }
        match tokio::time::timeout_at(until.0, next).await {
            Err(_) => Err(self.error(ErrorClass::Timeout(until.1))),
            Ok(Ok(came)) => {
                self.last_life = Some(Instant::now());
                Ok(came)
            }
            Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                Err(self.error(ErrorClass::Timeout(TimeoutKind::Connect)))
            }
            Ok(Err(error)) if error.is_connect() => Err(self.error(ErrorClass::Transport).with_code("connect")),
            Ok(Err(error)) if error.is_builder() => {
                Err(self.error(ErrorClass::Invalid).with_code("unwritable_request"))
            }
            Ok(Err(error)) if error.is_decode() => Err(self.error(ErrorClass::Protocol).with_code("encoding")),
            Ok(Err(_)) => Err(self.error(ErrorClass::Transport).with_code("broken_off")),
        }
    }

    /// Sends, and gives the answer if it is a success.
    async fn open(
        &mut self,
        request: Result<RequestBuilder, ProviderError>,
        is_streamed: bool,
        refused: &(dyn Fn(&Refused) -> ProviderError + Sync),
    ) -> Result<Response, ProviderError> {
        let mut response = self.in_time(is_streamed, request?.send()).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let mut body = Vec::new();
        // A refusal counts even if its body breaks off: the status has come.
        while let Ok(Some(chunk)) = self.in_time(is_streamed, response.chunk()).await {
            body.extend_from_slice(&chunk[..chunk.len().min(REFUSAL_BYTES_MAX - body.len())]);
            if body.len() == REFUSAL_BYTES_MAX {
                break;
            }
        }
        let answer = Refused { status: response.status().as_u16(), hints: Hints::of(response.headers()), body };
        Err(refused(&answer))
    }

    /// The next bytes of an answer.
    async fn chunk(
        &mut self,
        response: &mut Response,
        is_streamed: bool,
    ) -> Result<Option<bytes::Bytes>, ProviderError> {
        let chunk = self.in_time(is_streamed, response.chunk()).await?;
        self.bytes = self.bytes.saturating_add(chunk.as_ref().map_or(0, |chunk| chunk.len()));
        if self.bytes > ANSWER_BYTES_MAX {
            return Err(self.error(ErrorClass::Protocol).with_code("answer_too_large"));
        }
        Ok(chunk)
    }

    async fn body(&mut self, mut response: Response, is_streamed: bool) -> Result<Vec<u8>, ProviderError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(&mut response, is_streamed).await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn whole(
        mut self,
        request: Result<RequestBuilder, ProviderError>,
        refused: &(dyn Fn(&Refused) -> ProviderError + Sync),
    ) -> Result<(Vec<u8>, Option<Box<str>>), ProviderError> {
        let response = self.open(request, false, refused).await?;
        let request_id = Hints::of(response.headers()).request_id;
        let body = self.body(response, false).await.map_err(with_id(&request_id))?;
        Ok((body, request_id))
    }
}

/// Stands for "no limit" where a limit is too large to be added to a moment.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Of two moments the earlier, with what it means.
trait MinByTime {
    fn min_by_time(self, other: Self) -> Self;
}

impl MinByTime for (Instant, TimeoutKind) {
    fn min_by_time(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }
}

/// Where the bytes of a streamed answer come from.
enum Source {
    /// Not asked yet.
    Unsent(Option<Result<RequestBuilder, ProviderError>>),
    /// Coming in.
    Open(Box<Response>, Frames, Option<Box<str>>),
}

/// Bytes on their way to becoming frames.
enum Frames {
    Sse(Sse),
    Lines(Lines),
}

impl Frames {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(Sse::new(LINE_BYTES_MAX)),
            Framing::Lines => Self::Lines(Lines::new(LineEnd::Newline, LINE_BYTES_MAX)),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(sse) => sse.push(bytes),
            Self::Lines(lines) => lines.push(bytes),
        }
    }

    /// Hands every frame that is whole to the decoder, until it has finished; with `is_end` the unfinished one too.
    fn drain(
        &mut self,
        is_end: bool,
        decoder: &mut impl Decoder,
        out: &mut Vec<StreamEvent>,
        unreadable: impl Fn(Unreadable) -> ProviderError,
    ) -> Result<(), ProviderError> {
        while !is_finished(out) {
            match self {
                Self::Sse(sse) => {
                    let mut event = sse.next_event().map_err(&unreadable)?;
                    if event.is_none() && is_end {
                        event = sse.rest().map_err(&unreadable)?;
                    }
                    let Some(event) = event else { break };
                    decoder.frame(Frame { name: &event.name, data: &event.data }, out)?;
                }
                Self::Lines(lines) => {
                    let line = match lines.next_line().map_err(|error| unreadable(error.into()))? {
                        Some(line) => line,
                        None if is_end => match lines.rest() {
                            b"" => break,
                            rest => rest,
                        },
                        None => break,
                    };
                    let line = std::str::from_utf8(line).map_err(|_| unreadable(Unreadable::NotText))?.trim();
                    if !line.is_empty() {
                        decoder.frame(Frame { name: "", data: line }, out)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A streamed answer that is being read.
struct Reading<'a, D> {
    exchange: Exchange<'a>,
    source: Source,
    framing: Framing,
    decoder: D,
    span: CallSpan,
    /// Decoded, not yet given.
    ready: VecDeque<StreamEvent>,
    /// Given when nothing is ready any more.
    failure: Option<ProviderError>,
    is_over: bool,
}

impl<D: Decoder> Reading<'_, D> {
    async fn next(&mut self) -> Option<Result<StreamEvent, ProviderError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.span.saw(&event);
                return Some(Ok(event));
            }
            // Behind the pieces that came before it, wherever the network cut them.
            if let Some(error) = self.failure.take() {
                self.span.failed(&error);
                return Some(Err(error));
            }
            if self.is_over {
                return None;
            }
            let span = self.span.span().clone();
            let mut events = Vec::new();
            let result = self.advance(&mut events).instrument(span).await;
            self.exchange.output_began |= events.iter().any(StreamEvent::is_output);
            self.is_over = result.is_err() || is_finished(&events);
            self.ready.extend(events);
            let output_began = self.exchange.output_began;
            self.failure =
                result.err().map(|error| scrubbed(ProviderError { output_began, ..error }, self.exchange.key));
        }
    }

    /// Does one step: sends, or takes a chunk, or ends.
    async fn advance(&mut self, events: &mut Vec<StreamEvent>) -> Result<(), ProviderError> {
        match &mut self.source {
            Source::Unsent(request) => {
                let Some(request) = request.take() else { return Err(self.exchange.error(ErrorClass::Protocol)) };
                let refused = |refused: &Refused| self.decoder.refused(refused);
                let response = self.exchange.open(request, true, &refused).await?;
                let request_id = Hints::of(response.headers()).request_id;
                let is_whole = self.framing == Framing::Sse && is_json(&response);
                if is_whole {
                    // A server that streams nothing, or an error that is dressed as a success.
                    let body = self.exchange.body(response, true).await.map_err(with_id(&request_id))?;
                    return whole(self.exchange.provider, &mut self.decoder, &body, events)
                        .map_err(with_id(&request_id));
                }
                self.source = Source::Open(Box::new(response), Frames::new(self.framing), request_id);
                Ok(())
            }
            Source::Open(response, frames, request_id) => {
                let chunk = self.exchange.chunk(response, true).await.map_err(with_id(request_id))?;
                if let Some(chunk) = &chunk {
                    frames.push(chunk);
                }
                let provider = self.exchange.provider;
                let unreadable = |error| {
                    let code = match error {
                        Unreadable::TooLong => "line_too_long",
                        Unreadable::NotText => "not_utf8",
                    };
                    ProviderError::new(provider, ErrorClass::Protocol).with_code(code)
                };
                frames.drain(chunk.is_none(), &mut self.decoder, events, unreadable).map_err(with_id(request_id))?;
                if chunk.is_none() && !is_finished(events) {
                    end(provider, &mut self.decoder, events).map_err(with_id(request_id))?;
                }
                Ok(())
            }
        }
    }
}

fn with_id(request_id: &Option<Box<str>>) -> impl Fn(ProviderError) -> ProviderError + '_ {
    move |error| match &error.request_id {
        Some(_) => error,
        None => ProviderError { request_id: request_id.clone(), ..error },
    }
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"))
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
