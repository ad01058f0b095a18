//! The keys that a tenant's calls are made with: its own, else the installation's, else the configuration's. Never
//! another tenant's.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::ExposeSecret as _;

use crate::{
    app::secrets::{KnownSecret, Secrets},
    domain::{TenantId, chain},
    provider::gateway::{Key, KeyRing},
};

/// Names keys within this process, and tells nothing of them.
static NAMES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A tenant's keys.
pub(super) struct TenantKeys<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) tenant: TenantId,
}

impl KeyRing for TenantKeys<'_> {
    fn key<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Option<Key>> {
        async move {
            let Some(known) = KnownSecret::of_provider(provider) else {
                return Some(Key { secret: None, name: "none".into() });
            };
            match self.secrets.resolve(known, Some(self.tenant)).await {
                Ok(found) => found.map(|secret| {
                    let name = format!("{:016x}", NAMES.hash_one(secret.expose_secret()));
                    Key { secret: Some(secret), name: name.into() }
                }),
                Err(error) => {
                    tracing::error!(tenant.id = %self.tenant, provider, error = %chain(&error), "a key cannot be read");
                    None
                }
            }
        }
        .boxed()
    }
}
