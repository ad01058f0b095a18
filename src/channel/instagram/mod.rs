//! Instagram Direct: signatures, webhook events, the Graph API.

mod error;
pub mod event;
#[cfg(test)]
mod event_tests;
pub mod graph;
mod json;
mod message;
pub mod signature;
mod thread;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::{Channel, ReadError, ThreadMessage};
use crate::domain::{
    channel::{AccountId, ChannelKind, ShopperId},
    outbox::SendOutcome,
    policy::Tag,
};
pub use graph::Graph;

/// One connected account: the API, who we are there, and the token that says so.
#[derive(Clone, Debug)]
pub struct Instagram {
    graph: Graph,
    account: AccountId,
    token: SecretString,
}

impl Instagram {
    /// The channel of `account`.
    #[must_use]
    pub const fn new(graph: Graph, account: AccountId, token: SecretString) -> Self {
        Self { graph, account, token }
    }
}

impl Channel for Instagram {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Instagram
    }

    fn send_text<'a>(&'a self, shopper: &'a ShopperId, text: &'a str, tag: Option<Tag>) -> BoxFuture<'a, SendOutcome> {
        Box::pin(self.graph.send_text(&self.account, &self.token, shopper, text, tag))
    }

    fn show_seen_and_typing<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            for action in [graph::Action::MarkSeen, graph::Action::TypingOn] {
                self.graph.send_action(&self.account, &self.token, shopper, action).await?;
            }
            Ok(())
        })
    }

    fn shopper_name<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<Option<String>, ReadError>> {
        Box::pin(self.graph.shopper_name(&self.token, shopper))
    }

    fn newest_messages<'a>(&'a self, shopper: &'a ShopperId) -> BoxFuture<'a, Result<Vec<ThreadMessage>, ReadError>> {
        Box::pin(self.graph.newest_messages(&self.account, &self.token, shopper))
    }
}
