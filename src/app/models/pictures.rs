//! Shoppers' pictures for whoever looks at them: fetched by the guarded client, decoded with limits, written anew without metadata.
//!
//! A picture that cannot be had is no failure: the addresses expire, files are too large or no pictures at all. Then the answer
//! says that it was not seen, and guesses nothing.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    domain::{
        MessageId, TenantId, chain,
        chat::{Image, ImageDetail, ImageSource},
        conversation::Message,
        turn::TurnInput,
    },
    media::{self, Picture},
    net::{self, Fetch, Guarded},
};

/// Pictures of one turn that are looked at, the newest ones.
pub(super) const PICTURES_MAX: usize = 3;
/// How long a turn waits for its pictures: a shopper waits for the answer.
const PICTURES_DEADLINE: Duration = Duration::from_secs(10);
/// Pictures that are decoded at the same time, over all tenants: each takes up to 64 MiB and a core.
const DECODING_MAX: usize = 2;

/// Why a picture cannot be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::app) enum Unseen {
    /// It cannot be fetched.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// It cannot be opened.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// It takes too long.
    #[error("it took longer than {} s", PICTURES_DEADLINE.as_secs())]
    Late,
    /// Opening it has panicked.
    #[error("opening it has failed inside Aura")]
    Panicked,
}

/// What became of the pictures of a turn.
#[derive(Debug, Default)]
pub struct Looked {
    /// Those that a model can be shown, in their order.
    pub seen: Vec<Image>,
    /// How many could not be had.
    pub missed: usize,
}

impl Looked {
    /// Nobody was shown any. What somebody else has looked at is not missed.
    pub(super) fn away(input: &TurnInput) -> Self {
        let described = Sent::all(&input.open).filter(|sent| sent.is_described).count();
        Self { seen: Vec::new(), missed: count(&input.open).saturating_sub(described) }
    }
}

/// A picture of an open message whose address is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    /// The message.
    pub(super) message: MessageId,
    /// Which of its pictures, from 0.
    pub(super) picture: usize,
    /// Where it is.
    pub(super) url: &'a str,
    /// Whether what it shows is known.
    pub(super) is_described: bool,
}

impl<'a> Sent<'a> {
    /// Those of these messages that were not taken back, in their order.
    pub(super) fn all(open: &'a [Message]) -> impl Iterator<Item = Self> {
        standing(open).flat_map(|message| {
            message.pictures.iter().enumerate().map(|(picture, url)| Sent {
                message: message.id,
                picture,
                url,
                is_described: message.sights.iter().any(|sight| sight.picture == picture),
            })
        })
    }
}

/// How many pictures were sent, whether their addresses are known or not.
fn count(open: &[Message]) -> usize {
    standing(open).map(Message::picture_count).sum()
}

fn standing(open: &[Message]) -> impl Iterator<Item = &Message> {
    open.iter().filter(|message| !message.unsent)
}

/// Fetches and cleans pictures.
#[derive(Clone, Debug)]
pub struct Pictures {
    guarded: Guarded,
    decoding: Arc<Semaphore>,
}

impl Pictures {
    /// Fetches by this client.
    #[must_use]
    pub fn new(guarded: Guarded) -> Self {
        Self { guarded, decoding: Arc::new(Semaphore::new(DECODING_MAX)) }
    }

    /// Looks at the newest pictures of the open messages.
    pub(super) async fn look(&self, input: &TurnInput) -> Looked {
        let sent: Vec<Sent> = Sent::all(&input.open).collect();
        let newest = &sent[sent.len().saturating_sub(PICTURES_MAX)..];
        let seen: Vec<Image> = self.fetch(input.tenant.id, newest).await.into_iter().flatten().collect();
        Looked { missed: count(&input.open).saturating_sub(seen.len()), seen }
    }

    /// Fetches pictures and cleans them, each as far as it can be had.
    pub(super) async fn fetch(&self, tenant: TenantId, sent: &[Sent<'_>]) -> Vec<Option<Image>> {
        let fetches = sent.iter().map(|sent| timeout(PICTURES_DEADLINE, self.fetch_one(tenant, sent.url)));
        let fetched = futures_util::future::join_all(fetches).await;
        fetched.into_iter().map(|picture| picture.ok().flatten()).collect()
    }

    async fn fetch_one(&self, tenant: TenantId, url: &str) -> Option<Image> {
        match self.clean(tenant, url).await {
            Ok(picture) => Some(Image {
                source: ImageSource::Bytes(picture.bytes.into()),
                mime: picture.format.media_type().into(),
                detail: ImageDetail::Auto,
            }),
            Err(error) => {
                tracing::info!(tenant.id = %tenant, error = %chain(&error), "a shopper's picture could not be had");
                None
            }
        }
    }

    /// Fetches one picture and writes it anew.
    async fn clean(&self, tenant: TenantId, url: &str) -> Result<Picture, Unseen> {
        let fetched = self.guarded.fetch(tenant, Fetch::image(url)).await?;
        let _place = self.decoding.acquire().await.expect("never closed");
        match spawn_blocking(move || Picture::read(&fetched.body)).await {
            Ok(read) => Ok(read?),
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error = %chain(&error), "decoding a picture has panicked");
                Err(Unseen::Panicked)
            }
        }
    }

    /// The same for a person who waits for it.
    pub(in crate::app) async fn open(&self, tenant: TenantId, url: &str) -> Result<Picture, Unseen> {
        timeout(PICTURES_DEADLINE, self.clean(tenant, url)).await.unwrap_or(Err(Unseen::Late))
    }
}
