//! The trial channel of the command line: everything is sent at once, and nothing leaves the machine.

use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};

use super::{Channel, ReadError, ThreadMessage};
use crate::domain::{
    Ids,
    channel::{ChannelKind, ShopperId},
    outbox::SendOutcome,
    policy::Tag,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Local {
    mids: Arc<dyn Ids>,
}

impl Local {
    /// A channel that takes its message ids from `mids`.
    #[must_use]
    pub const fn new(mids: Arc<dyn Ids>) -> Self {
        Self { mids }
    }
}

impl Channel for Local {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Local
    }

    fn send_text<'a>(&'a self, _: &'a ShopperId, _: &'a str, _: Option<Tag>) -> BoxFuture<'a, SendOutcome> {
        Box::pin(ready(SendOutcome::Sent { mid: format!("local-{}", self.mids.next()) }))
    }

    fn show_seen_and_typing<'a>(&'a self, _: &'a ShopperId) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(ready(Ok(())))
    }

    fn shopper_name<'a>(&'a self, _: &'a ShopperId) -> BoxFuture<'a, Result<Option<String>, ReadError>> {
        Box::pin(ready(Ok(None)))
    }

    fn newest_messages<'a>(&'a self, _: &'a ShopperId) -> BoxFuture<'a, Result<Vec<ThreadMessage>, ReadError>> {
        Box::pin(ready(Err(ReadError::Unsupported)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Default)]
    struct Counter(AtomicU64);

    impl Ids for Counter {
        fn next(&self) -> Uuid {
            Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    #[tokio::test]
    async fn every_message_is_sent_at_once_under_its_own_id() {
        let channel: Arc<dyn Channel> = Arc::new(Local::new(Arc::new(Counter::default())));
        let shopper = ShopperId("me".into());
        let first = channel.send_text(&shopper, "one", None).await;
        let second = channel.send_text(&shopper, "two", None).await;
        assert!(matches!(&first, SendOutcome::Sent { .. }));
        assert_ne!(first, second);
        assert_eq!(channel.show_seen_and_typing(&shopper).await, Ok(()));
        assert_eq!(channel.newest_messages(&shopper).await, Err(ReadError::Unsupported));
        assert_eq!(channel.rules().window_ms, None);
    }
}
