//! The keys that a tenant's calls are made with: its own, else the installation's, else the configuration's. Never
//! another tenant's.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::ExposeSecret as _;

use crate::{
    app::secrets::{KnownSecret, Secrets},
    config::Providers,
    domain::{TenantId, chain},
    provider::gateway::{Key, KeyRing},
};

/// Names keys within this process, and tells nothing of them.
static NAMES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A tenant's keys; without a tenant the installation's.
pub(super) struct Keys<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) providers: &'a Providers,
    pub(super) tenant: Option<TenantId>,
}

impl KeyRing for Keys<'_> {
    fn key<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Option<Key>> {
        async move {
            match self.secrets.resolve(&KnownSecret::of_provider(provider), self.tenant).await {
                Ok(Some(secret)) => {
                    let name = format!("{:016x}", NAMES.hash_one(secret.expose_secret()));
                    Some(Key { secret: Some(secret), name: name.into() })
                }
                Ok(None) if self.providers.needs_key(provider) => None,
                Ok(None) => Some(Key { secret: None, name: "none".into() }),
                Err(error) => {
                    let tenant = self.tenant.map(tracing::field::display);
                    tracing::error!(tenant.id = tenant, provider, error = %chain(&error), "a key cannot be read");
                    None
                }
            }
        }
        .boxed()
    }
}
