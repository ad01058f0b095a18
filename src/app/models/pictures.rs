//! Shoppers' pictures for models that see: fetched by the guarded client, decoded with limits, written anew without metadata.
//!
//! A picture that cannot be had is no failure: the addresses expire, files are too large or no pictures at all. Then the answer
//! says that it was not seen, and guesses nothing.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    config::Providers,
    domain::{
        TenantId, chain,
        chat::{Image, ImageDetail, ImageSource, ModelRef},
        turn::TurnInput,
    },
    media::Picture,
    net::{Fetch, Guarded},
};

/// Pictures of one turn that are looked at, the newest ones.
const PICTURES_MAX: usize = 3;
/// How long a turn waits for its pictures: a shopper waits for the answer.
const PICTURES_DEADLINE: Duration = Duration::from_secs(10);
/// Pictures that are decoded at the same time, over all tenants: each takes up to 64 MiB and a core.
const DECODING_MAX: usize = 2;

/// What became of the pictures of a turn.
#[derive(Debug, Default)]
pub struct Looked {
    /// Those that a model can be shown, in their order.
    pub seen: Vec<Image>,
    /// How many could not be had.
    pub missed: usize,
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

    /// Looks at the pictures of the open messages; nobody is shown any where a model of the route does not see.
    pub(super) async fn look(&self, input: &TurnInput, route: &[ModelRef]) -> Looked {
        let open = input.open.iter().filter(|message| !message.unsent);
        let all: Vec<&str> = open.flat_map(|message| &message.pictures).map(String::as_str).collect();
        let sent: usize =
            input.open.iter().filter(|message| !message.unsent).map(|message| message.picture_count()).sum();
        if !route.iter().all(sees) {
            return Looked { seen: Vec::new(), missed: sent };
        }
        let newest = all.len().saturating_sub(PICTURES_MAX);
        let fetches = all[newest..].iter().map(|url| timeout(PICTURES_DEADLINE, self.fetch(input.tenant.id, url)));
        let fetched = futures_util::future::join_all(fetches).await;
        let seen: Vec<Image> = fetched.into_iter().filter_map(|picture| picture.ok().flatten()).collect();
        Looked { missed: sent.saturating_sub(seen.len()), seen }
    }

    async fn fetch(&self, tenant: TenantId, url: &str) -> Option<Image> {
        let fetched = match self.guarded.fetch(tenant, Fetch::image(url)).await {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::info!(tenant.id = %tenant, error = %chain(&error), "a shopper's picture could not be fetched");
                return None;
            }
        };
        let _place = self.decoding.acquire().await.expect("never closed");
        match spawn_blocking(move || Picture::read(&fetched.body)).await {
            Ok(Ok(picture)) => Some(Image {
                source: ImageSource::Bytes(picture.bytes.into()),
                mime: picture.format.media_type().into(),
                detail: ImageDetail::Auto,
            }),
            Ok(Err(error)) => {
                tracing::info!(tenant.id = %tenant, error = %chain(&error), "a shopper's picture could not be read");
                None
            }
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error = %chain(&error), "decoding a picture has panicked");
                None
            }
        }
    }
}

/// Whether a model sees. Every chat model of these two does; of others it is not known here.
fn sees(model: &ModelRef) -> bool {
    matches!(&*model.provider, Providers::GEMINI | Providers::OPENAI)
}
