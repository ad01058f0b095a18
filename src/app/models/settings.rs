//! What was said about models: by a tenant, behind it by the installation, behind that by the configuration.

use crate::app::{
    App, Error, TenantCtx,
    caller::nearest,
    secrets::{KnownSecret, Owner},
};
use crate::domain::{
    chat::ModelRef,
    cost::Budget,
    model::{Model, ModelChoice, ModelRole, ModelSettings},
    secret::SecretScope,
    spend::{SpendRow, Spent},
};
use crate::{config::Providers, domain::chain, provider::ollama::LocalModel};

const DAY_MS: i64 = 86_400_000;

/// What a choice came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChange {
    /// What holds now.
    pub choice: ModelChoice,
    /// Whether it was otherwise before.
    pub changed: bool,
    /// Providers of it for which there is no key: their models are passed over until there is one.
    pub keys_missing: Vec<String>,
}

/// How a scope's models stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelReport {
    /// What holds.
    pub settings: ModelSettings,
    /// The configured providers, and whether each has the key it wants.
    pub providers: Vec<(String, bool)>,
    /// What Ollama has; `None` when it does not answer.
    pub local: Option<Vec<LocalModel>>,
}

/// What a tenant's models have cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In sum.
    pub spent: Spent,
    /// By day, role and model, the newest day first.
    pub rows: Vec<SpendRow>,
}

impl App {
    /// What holds for a scope: its own words, and where it says nothing those of who stands behind.
    pub async fn models_of(&self, scope: SecretScope) -> Result<ModelSettings, Error> {
        let configured = &self.models.configured;
        let shared = self.said_of_models(SecretScope::Installation).await?;
        Ok(match scope {
            SecretScope::Installation => shared.or(configured),
            SecretScope::Tenant(_) => self.said_of_models(scope).await?.or(&shared.or(configured)),
        })
    }

    /// Chooses the models of a role from the next turn on; a turn under way ends on its own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a provider that is not configured, for too many fallbacks, for a model that `allowed` does not
    /// hold, and for one that is to look at pictures and is not known to see.
    pub async fn use_model(
        &self,
        owner: Owner<'_>,
        role: ModelRole,
        choice: ModelChoice,
    ) -> Result<ModelChange, Error> {
        if choice.fallbacks.len() > ModelChoice::FALLBACKS_MAX {
            let most = ModelChoice::FALLBACKS_MAX;
            let message = format!("{} fallbacks are more than {most}", choice.fallbacks.len());
            return Err(Error::Invalid { message, hint: Some("A shopper waits for each that fails.".into()) });
        }
        let scope = owner.scope();
        let settings = self.models_of(scope).await?;
        if role == ModelRole::Embed && choice != ModelChoice::builtin() {
            let message = "only `builtin` is available for embed: products are found by words in this version".into();
            return Err(Error::Invalid { message, hint: None });
        }
        for model in std::iter::once(&choice.model).chain(&choice.fallbacks).filter_map(Model::remote) {
            self.check_allowed(&settings, model)?;
            if role == ModelRole::Vision && !self.sees(model).await {
                return Err(not_known_to_see(model));
            }
        }
        let changed =
            self.store.control().choose_model(scope, role, Some(choice.clone()), owner.act(self.clock.now())).await?;
        self.models.remembered.forget(|known| *known == scope);
        let mut keys_missing: Vec<String> = Vec::new();
        for model in std::iter::once(&choice.model).chain(&choice.fallbacks).filter_map(Model::remote) {
            let provider = &*model.provider;
            if !keys_missing.iter().any(|known| known == provider) && !self.has_key(scope, provider).await? {
                keys_missing.push(provider.to_owned());
            }
        }
        Ok(ModelChange { choice, changed, keys_missing })
    }

    /// How a scope's models stand.
    pub async fn model_report(&self, owner: Owner<'_>) -> Result<ModelReport, Error> {
        let scope = owner.scope();
        let mut providers = Vec::new();
        for provider in self.models.gateway.providers() {
            providers.push((provider.to_owned(), self.has_key(scope, provider).await?));
        }
        let local = match self.local_models().await {
            Ok(local) => Some(local),
            Err(error) => {
                tracing::debug!(error = %chain(&error), "Ollama does not say what it has");
                None
            }
        };
        Ok(ModelReport { settings: self.models_of(scope).await?, providers, local })
    }

    /// What a tenant's models have cost, in the last `days` days and in sum.
    pub async fn usage(&self, tenant: &TenantCtx, days: u32) -> Result<Usage, Error> {
        let store = self.tenant_store(tenant).await?;
        let now = self.clock.now();
        let from = now.plus_ms(-i64::from(days.saturating_sub(1)) * DAY_MS);
        Ok(Usage { spent: store.spent(now).await?, rows: store.spend_rows(from, now).await? })
    }

    async fn has_key(&self, scope: SecretScope, provider: &str) -> Result<bool, Error> {
        if !self.config.providers.needs_key(provider) {
            return Ok(true);
        }
        let tenant = match scope {
            SecretScope::Installation => None,
            SecretScope::Tenant(tenant) => Some(tenant),
        };
        Ok(self.secrets.resolve(&KnownSecret::of_provider(provider), tenant).await?.is_some())
    }

    /// Says what a scope's models may cost; a limit that is absent is left to who stands behind.
    pub async fn limit_models(&self, owner: Owner<'_>, budget: Budget) -> Result<bool, Error> {
        let scope = owner.scope();
        let allowed = self.said_of_models(scope).await?.allowed;
        let changed = self.store.control().limit_models(scope, allowed, budget, owner.act(self.clock.now())).await?;
        self.models.remembered.forget(|known| *known == scope);
        Ok(changed)
    }

    async fn said_of_models(&self, scope: SecretScope) -> Result<ModelSettings, Error> {
        let remembered = &self.models.remembered;
        let changes = match remembered.get(&scope) {
            Ok(known) => return Ok(known),
            Err(changes) => changes,
        };
        let read = self.store.control().model_settings(scope).await?;
        remembered.keep(scope, read.clone(), changes);
        Ok(read)
    }

    /// Refuses a model that is not configured, or that these settings do not allow.
    pub(super) fn check_allowed(&self, settings: &ModelSettings, model: &ModelRef) -> Result<(), Error> {
        self.check_provider(&model.provider)?;
        if settings.allowed.as_ref().is_none_or(|allowed| allowed.has(model)) {
            return Ok(());
        }
        let message = format!("`{model}` is not among the models that are allowed here");
        Err(Error::Invalid { message, hint: Some("`aura model list` shows what is allowed.".into()) })
    }

    fn check_provider(&self, provider: &str) -> Result<(), Error> {
        let known: Vec<&str> = self.models.gateway.providers().collect();
        if known.contains(&provider) {
            return Ok(());
        }
        Err(Error::Invalid {
            message: format!("no provider `{provider}` is configured"),
            hint: Some(match nearest(provider, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`? There are {}.", known.join(", ")),
                None => format!("There are {}.", known.join(", ")),
            }),
        })
    }
}

fn not_known_to_see(model: &ModelRef) -> Error {
    let ModelRef { provider, model: name } = model;
    let hint = match &**provider {
        Providers::GEMINI | Providers::OPENAI => "Choose one that does.".to_owned(),
        _ => format!(
            "If it does, say so: `providers.{provider}.sees = [\"{name}\"]`. `aura model test {model}` shows it."
        ),
    };
    Error::Invalid { message: format!("`{model}` is not known to look at pictures"), hint: Some(hint) }
}
