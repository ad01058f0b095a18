//! Models of providers as a tenant uses them: which ones, with whose key, for how much, and how a draft comes of it.

mod ask;
mod health;
mod keys;
mod local;
mod memory;
mod pictures;
mod preview;
mod probe;
mod purse;
mod settings;
mod sight;
mod standing;
mod write;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use self::{health::OfDay, sight::Told};
pub use self::{
    health::{ModelHealth, ModelState},
    memory::{Notes, take_notes},
    pictures::Pictures,
    preview::{Previewed, Said},
    probe::{Skill, Trial, Tried, TryOutcome},
    settings::{ModelChange, ModelReport, Usage},
    standing::ModelStanding,
    write::ModelWriter,
};
pub(in crate::app) use self::{memory::Answered, pictures::Unseen};
use crate::{
    config::{Config, Providers, Server},
    domain::{TenantId, model::ModelSettings, secret::SecretScope},
    provider::{
        ChatModel, Deadlines, InvalidEndpoint,
        gateway::{Gateway, GatewaySettings},
        gemini::Gemini,
        known::KnownModels,
        ollama::Ollama,
        openai::OpenAi,
        openai_chat::OpenAiChat,
        price::{Prices, Rate},
    },
    store::Remembered,
};

/// Scopes that are remembered.
const REMEMBERED_MAX: usize = 4_096;
/// Tenants of which it is remembered what they spent today.
const SPENT_MAX: usize = 65_536;
/// Hex digits of a mark: nobody guesses them, and they cost a model few tokens.
const MARK_DIGITS: usize = 10;
/// Hex digits of a canary: so long that it cannot be given away in a few harmless pieces.
const CANARY_DIGITS: usize = 24;

/// Everything that calls of models share. One per process.
#[derive(Debug)]
pub struct Models {
    gateway: Gateway,
    /// Has more to say than chat models have.
    ollama: Ollama,
    prices: Prices,
    known: KnownModels,
    /// What an Ollama has said of its models.
    told: Mutex<HashMap<Box<str>, Told>>,
    /// Makes marks and canaries that nobody outside this process can know.
    salt: Salt,
    /// What the configuration says.
    configured: ModelSettings,
    /// What was said by scope, so that a turn does not cost two reads.
    remembered: Remembered<SecretScope, ModelSettings>,
    /// What tenants' models cost today, as last read; forgotten with every call that is set aside or settled.
    spent_today: Remembered<TenantId, OfDay>,
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
        let Providers { gemini, openai, ollama, servers } = &config.providers;
        let connect = Deadlines::CONNECT;
        let ollama = Ollama::new(Providers::OLLAMA, &ollama.base_url, connect)?.with_runtime(ollama.runtime());
        let mut models: Vec<Arc<dyn ChatModel>> = vec![
            Arc::new(Gemini::new(Providers::GEMINI, &gemini.base_url, connect)?),
            Arc::new(OpenAi::new(Providers::OPENAI, &openai.base_url, connect)?),
            Arc::new(ollama.clone()),
        ];
        for (name, server) in servers {
            models.push(Arc::new(OpenAiChat::new(name, &server.base_url(), server.compat(), connect)?));
        }
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).expect("the system has randomness: keys were made of it before");
        Ok(Self {
            gateway: Gateway::new(models, GatewaySettings::default()),
            ollama,
            prices: prices(servers),
            known: known(&config.providers),
            told: Mutex::default(),
            salt: Salt(salt),
            configured: config.models.settings().expect("the configuration was checked when it was read"),
            remembered: Remembered::new(REMEMBERED_MAX),
            spent_today: Remembered::new(SPENT_MAX),
        })
    }

    /// What models cost.
    #[must_use]
    pub const fn prices(&self) -> &Prices {
        &self.prices
    }

    fn told(&self) -> MutexGuard<'_, HashMap<Box<str>, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What is known of models, with what the operator says of those of an Ollama and of servers with names of their own.
fn known(Providers { ollama, servers, .. }: &Providers) -> KnownModels {
    let mut known = KnownModels::built_in().clone();
    known.say(Providers::OLLAMA, &ollama.sees, Some(ollama.context_tokens));
    for (name, server) in servers {
        known.say(name, &server.sees, server.context_tokens);
    }
    known
}

/// The price list, with what is known of servers that have names of their own.
fn prices(servers: &BTreeMap<String, Server>) -> Prices {
    let mut prices = Prices::built_in().clone();
    for (name, server) in servers {
        match (server.rates(), &server.preset) {
            (Some((input, output)), _) => prices.set_all(name, input, output),
            (None, _) if server.is_local() => prices.set_all(name, Rate::default(), Rate::default()),
            (None, Some(preset)) => prices.set_like(name, preset),
            (None, None) => {}
        }
    }
    prices
}
