//! Models of providers behind two traits, and everything about their wire formats.
//!
//! An adapter makes one attempt at one model of one provider: it never retries, falls back, counts money or keeps
//! anything. It holds no key; the caller brings the one of the tenant for which it calls.

mod error;
#[cfg(test)]
mod every_adapter_tests;
#[cfg(test)]
mod fixture;
pub mod gateway;
pub mod gemini;
pub mod known;
pub mod ollama;
pub mod openai;
pub mod openai_chat;
pub mod price;
pub mod scripted;
pub mod telemetry;
#[cfg(test)]
mod testing;
mod wire;

use std::time::Duration;

use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{BoxStream, Stream},
};
use secrecy::SecretString;

pub use self::{
    error::{ErrorClass, ProviderError, TimeoutKind, Words},
    wire::{Endpoint, InvalidEndpoint},
};
use crate::{
    domain::{
        chat::{ChatAnswer, ChatRequest, Fold, StreamEvent},
        embedding::{EmbeddingAnswer, EmbeddingRequest},
    },
    net,
};

/// How long an adapter waits, and for what. All four hold at once; the first to be reached ends the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the connection stands: DNS, TCP and TLS. A property of the adapter's client, so no call can change it.
    pub connect: Duration,
    /// From the call's start until the first piece of the answer: text, thoughts, a tool call. Headers and keep-alives
    /// are none. Without streaming there is no such piece, and only `total` holds.
    pub first_token: Duration,
    /// Between two pieces of an answer. Keep-alives count as life here: a server that sends them is at work.
    pub idle: Duration,
    /// The whole call.
    pub total: Duration,
}

impl Deadlines {
    /// As for every fixed host.
    pub const CONNECT: Duration = net::CONNECT_DEADLINE;
    /// Thinking models of 2026 may think for many seconds before they write; a shopper does not wait for longer, and the
    /// rest of the turn has to fit behind it.
    pub const FIRST_TOKEN: Duration = Duration::from_secs(20);
    /// A server that says nothing for so long in the middle of a sentence is gone.
    pub const IDLE: Duration = Duration::from_secs(15);
    /// A reply to a DM has a few hundred tokens; what is not there after a minute is not coming in time.
    pub const TOTAL: Duration = Duration::from_secs(60);

    /// The same, but with at most `left` for the whole call: what remains of a turn that makes several.
    #[must_use]
    pub fn within(mut self, left: Duration) -> Self {
        self.total = self.total.min(left);
        self
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Self::CONNECT, first_token: Self::FIRST_TOKEN, idle: Self::IDLE, total: Self::TOTAL }
    }
}

/// What every call needs beside its question.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access<'a> {
    /// The key of the tenant for which the call is made, or the installation's; `None` where the server wants none.
    pub key: Option<&'a SecretString>,
    /// How long to wait.
    pub deadlines: Deadlines,
}

/// A server that runs chat models.
///
/// Dropping a future or a stream cancels the call: the connection is closed, and the provider stops as soon as it
/// notices. Both ways give the same answer for the same words of the provider ([`collect`]).
pub trait ChatModel: Send + Sync + std::fmt::Debug {
    /// The name that the server is configured under.
    fn provider(&self) -> &str;

    /// Asks, and gives the whole answer at once.
    fn answer<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ProviderError>>;

    /// Asks, and gives the answer as it is written, in the order that [`StreamEvent`] promises. A failure is the last
    /// item; without one the last item is [`StreamEvent::Finish`].
    fn stream<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxStream<'a, Result<StreamEvent, ProviderError>>;
}

/// A server that turns texts and pictures into vectors.
pub trait Embedder: Send + Sync + std::fmt::Debug {
    /// The name that the server is configured under.
    fn provider(&self) -> &str;

    /// Embeds all inputs, in as many calls as the provider wants them in. All of them or none: a failure of one call is
    /// the failure of all, though those before it have been paid for.
    fn embed<'a>(
        &'a self,
        request: &'a EmbeddingRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<EmbeddingAnswer, ProviderError>>;
}

/// Reads a stream to its end and gives the whole answer. `provider` is named when the end never comes.
pub async fn collect(
    provider: &str,
    stream: impl Stream<Item = Result<StreamEvent, ProviderError>>,
) -> Result<ChatAnswer, ProviderError> {
    let mut stream = std::pin::pin!(stream);
    let mut fold = Fold::default();
    while let Some(event) = stream.next().await {
        fold.push(event?);
    }
    fold.finish().ok_or_else(|| ProviderError::new(provider, ErrorClass::Protocol).with_code("no_finish"))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::domain::chat::Finish;

    #[tokio::test]
    async fn a_stream_that_fails_has_no_answer_however_much_it_said() {
        let cut = ProviderError::new("x", ErrorClass::Transport);
        let events = [Ok(StreamEvent::TextDelta("Hel".into())), Err(cut.clone())];
        assert_eq!(collect("x", stream::iter(events)).await, Err(cut));
    }

    #[tokio::test]
    async fn a_stream_without_an_end_is_a_broken_promise() {
        let error = collect("x", stream::iter([Ok(StreamEvent::TextDelta("Hel".into()))])).await;
        assert_eq!(error.expect_err("no end").class, ErrorClass::Protocol);
        let finish = StreamEvent::Finish { reason: Finish::Stop, raw: None };
        let answer = collect("x", stream::iter([Ok(StreamEvent::TextDelta("Hel".into())), Ok(finish)])).await;
        assert_eq!(answer.expect("an end").text(), "Hel");
    }

    #[test]
    fn what_is_left_of_a_turn_only_shortens_a_call() {
        let deadlines = Deadlines::default();
        assert_eq!(deadlines.within(Duration::from_secs(5)).total, Duration::from_secs(5));
        assert_eq!(deadlines.within(Duration::from_secs(500)), deadlines);
    }

    #[test]
    fn models_and_embedders_can_be_chosen_at_run_time() {
        fn assert_dyn(_: Option<&dyn ChatModel>, _: Option<&dyn Embedder>) {}
        assert_dyn(None, None);
    }
}
