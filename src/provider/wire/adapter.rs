//! How an adapter is a chat model: it makes a [`Call`], and everything else is the same for all of them.

use futures_util::{
    future::{BoxFuture, FutureExt as _},
    stream::BoxStream,
};

use super::{Call, Decoder, Endpoint, Framing};
use crate::{
    domain::chat::{ChatAnswer, ChatRequest, StreamEvent},
    provider::{Access, ChatModel, ProviderError},
};

/// One interface of one provider.
pub(in crate::provider) trait Adapter: Send + Sync + std::fmt::Debug {
    /// Reads its answers.
    type Decoder: Decoder;

    /// How its streams are cut.
    const FRAMING: Framing;

    /// Where it is.
    fn endpoint(&self) -> &Endpoint;

    /// A call that is ready to go.
    fn call<'a>(&'a self, request: &'a ChatRequest, access: Access<'a>, streams: bool) -> Call<'a, Self::Decoder>;
}

impl<A: Adapter> ChatModel for A {
    fn provider(&self) -> &str {
        self.endpoint().provider()
    }

    fn answer<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ProviderError>> {
        async move { self.call(request, access, false).answer().await }.boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxStream<'a, Result<StreamEvent, ProviderError>> {
        self.call(request, access, true).stream(A::FRAMING)
    }
}
