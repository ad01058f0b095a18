//! Models of providers as a tenant uses them: which ones, with whose key, for how much, and how a draft comes of it.

mod keys;
mod memory;
mod purse;
mod settings;
mod write;

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use self::{
    settings::{ModelChange, ModelReport, Usage},
    write::ModelWriter,
};
use crate::{
    config::Config,
    domain::{TenantId, model::ModelSettings, secret::SecretScope},
    provider::{
        ChatModel, Deadlines, InvalidEndpoint,
        gateway::{Gateway, GatewaySettings},
        gemini::Gemini,
        openai::OpenAi,
        price::Prices,
    },
    store::Remembered,
};

/// The name of Google's provider.
pub const GEMINI: &str = "gemini";
/// The name of OpenAI's provider.
pub const OPENAI: &str = "openai";
/// Scopes that are remembered.
const REMEMBERED_MAX: usize = 4_096;
/// Hex digits of a mark: nobody guesses them, and they cost a model few tokens.
const MARK_DIGITS: usize = 10;
/// Hex digits of a canary: so long that it cannot be given away in a few harmless pieces.
const CANARY_DIGITS: usize = 24;

/// Everything that calls of models share. One per process.
#[derive(Debug)]
pub struct Models {
    gateway: Gateway,
    prices: Prices,
    /// Makes marks and canaries that nobody outside this process can know.
    salt: Salt,
    /// What the configuration says.
    configured: ModelSettings,
    /// What was said by scope, so that a turn does not cost two reads.
    remembered: Remembered<SecretScope, ModelSettings>,
}

struct Salt([u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt")
    }
}

impl Models {
    /// The providers of a configuration.
    ///
    /// # Errors
    /// When an address in it cannot be called.
    pub fn new(config: &Config) -> Result<Self, InvalidEndpoint> {
        let providers = &config.providers;
        let connect = Deadlines::CONNECT;
        let models: [Arc<dyn ChatModel>; 2] = [
            Arc::new(Gemini::new(GEMINI, &providers.gemini.base_url, connect)?),
            Arc::new(OpenAi::new(OPENAI, &providers.openai.base_url, connect)?),
        ];
        Ok(Self::with(models, config))
    }

    /// These models and no others.
    pub fn with(models: impl IntoIterator<Item = Arc<dyn ChatModel>>, config: &Config) -> Self {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).expect("the system has randomness: keys were made of it before");
        Self {
            gateway: Gateway::new(models, GatewaySettings::default()),
            prices: Prices::built_in().clone(),
            salt: Salt(salt),
            configured: config.models.settings().expect("the configuration was checked when it was read"),
            remembered: Remembered::new(REMEMBERED_MAX),
        }
    }

    /// What models cost.
    #[must_use]
    pub const fn prices(&self) -> &Prices {
        &self.prices
    }

    /// What sets data apart in a tenant's prompts: the same each time, so that a provider's cache finds them.
    fn mark(&self, tenant: TenantId) -> String {
        self.digits("mark", &tenant.to_string(), MARK_DIGITS)
    }

    /// What shows that a tenant's prompt has leaked.
    fn canary(&self, tenant: TenantId) -> String {
        format!("ref-{}", self.digits("canary", &tenant.to_string(), CANARY_DIGITS))
    }

    fn digits(&self, what: &str, of: &str, count: usize) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.salt.0).expect("a key of any length will do");
        mac.update(what.as_bytes());
        mac.update(&[0]);
        mac.update(of.as_bytes());
        let mut digits = hex::encode(mac.finalize().into_bytes());
        digits.truncate(count);
        digits
    }
}
