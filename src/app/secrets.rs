//! Setting, listing, removing and finding secrets.
//!
//! A value goes in once and comes out only to the use case that needs it: nothing here shows one to a caller.

use std::{collections::HashMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::{Caller, Error, Installation, TenantCtx, installation::data_key};
use crate::{
    config::Config,
    domain::{
        TenantId, Timestamp,
        audit::Act,
        erasure::Tombstones,
        secret::{SecretInfo, SecretName, SecretScope},
    },
    secret::{DataKey, Signer, TombstoneKey, Vault},
    store::{self, Control, NewSecret, Remembered},
};

/// The longest secret, in bytes: tokens have a few hundred, and nobody pastes a file by mistake.
const VALUE_BYTES_MAX: usize = 4 * 1024;
/// Values remembered, over all tenants.
const REMEMBERED_MAX: usize = 4 * 1024;
/// Tries to store a secret that others set at the same time.
const ATTEMPTS_MAX: usize = 4;
/// Less alike than this, and a suggestion would only confuse (Jaro–Winkler: 1 is equal).
const SIMILARITY_MIN: f64 = 0.7;

/// The secrets that people set by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KnownSecret {
    /// Signs webhooks of the Facebook Login product.
    MetaAppSecret,
    /// Signs webhooks of the Instagram Login product.
    MetaInstagramAppSecret,
    /// Answers Meta's verification handshake.
    MetaVerifyToken,
    /// The password of the mail server that people are told through.
    NotifySmtpPassword,
    /// The key of a provider of models: `gemini.api_key`, or that of a server with a name of its own.
    ProviderKey(Box<str>),
}

/// What a provider's name has behind it in the name of its key.
const KEY_SUFFIX: &str = ".api_key";

impl KnownSecret {
    /// Those that every installation has. Providers come with the configuration.
    const FIXED: [Self; 4] =
        [Self::MetaAppSecret, Self::MetaInstagramAppSecret, Self::MetaVerifyToken, Self::NotifySmtpPassword];

    /// The key of a provider of models.
    #[must_use]
    pub fn of_provider(provider: &str) -> Self {
        Self::ProviderKey(provider.into())
    }

    /// Reads the word that people type; `None` when nothing is called so. Whether there is such a provider is for
    /// [`Secrets::known`] to say.
    fn parse(word: &str) -> Option<Self> {
        let fixed = Self::FIXED.into_iter().find(|known| known.to_string() == word);
        let provider = || word.strip_suffix(KEY_SUFFIX).filter(|name| !name.is_empty() && !name.contains('.'));
        fixed.or_else(|| provider().map(Self::of_provider))
    }

    fn name(&self) -> SecretName {
        SecretName::parse(&self.to_string()).expect("our own names and those of checked providers follow the rule")
    }

    fn configured(&self, config: &Config) -> Option<SecretString> {
        let meta = &config.meta;
        let value = match self {
            Self::MetaAppSecret => meta.app_secret.as_ref(),
            Self::MetaInstagramAppSecret => meta.instagram_app_secret.as_ref(),
            Self::MetaVerifyToken => meta.verify_token.as_ref(),
            Self::NotifySmtpPassword => config.notify.smtp.password.as_ref(),
            Self::ProviderKey(provider) => config.providers.api_key(provider),
        };
        value.map(crate::secret::Secret::to_secret_string)
    }
}

impl std::fmt::Display for KnownSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MetaAppSecret => "meta.app_secret",
            Self::MetaInstagramAppSecret => "meta.instagram_app_secret",
            Self::MetaVerifyToken => "meta.verify_token",
            Self::NotifySmtpPassword => "notify.smtp.password",
            Self::ProviderKey(provider) => return write!(f, "{provider}{KEY_SUFFIX}"),
        })
    }
}

/// Whose secrets are meant, with the leave to touch them.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The installation's: the operator's business.
    Installation(&'a Caller),
    /// One tenant's.
    Tenant(&'a TenantCtx),
}

impl Owner<'_> {
    pub(super) const fn scope(self) -> SecretScope {
        match self {
            Self::Installation(_) => SecretScope::Installation,
            Self::Tenant(ctx) => ctx.scope(),
        }
    }

    /// The doing of whoever has the leave.
    pub(crate) fn act(self, at: Timestamp) -> Act {
        match self {
            Self::Installation(caller) => caller.act(at),
            Self::Tenant(ctx) => ctx.act(at),
        }
    }
}

/// The secrets of an installation. Cheap to clone; all clones remember together, so there is one per process.
#[derive(Clone)]
pub struct Secrets {
    control: Control,
    vault: Arc<Vault>,
    /// Every secret that has a meaning here.
    known: Arc<[KnownSecret]>,
    configured: Arc<HashMap<KnownSecret, SecretString>>,
    /// So that a webhook's signature does not cost a read and a decryption.
    remembered: Remembered<(SecretScope, SecretName), Option<SecretString>>,
    /// The same for as long as the installation lives.
    tombstone_key: Arc<OnceCell<TombstoneKey>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// The secrets in `installation`, with those of the configuration behind them.
    #[must_use]
    pub fn new(installation: &Installation, config: &Config) -> Self {
        let providers = config.providers.names().map(KnownSecret::of_provider);
        let known: Arc<[_]> = KnownSecret::FIXED.into_iter().chain(providers).collect();
        let configured = known.iter().filter_map(|known| Some((known.clone(), known.configured(config)?))).collect();
        Self {
            control: installation.control.clone(),
            vault: Arc::clone(&installation.vault),
            known,
            configured: Arc::new(configured),
            remembered: Remembered::new(REMEMBERED_MAX),
            tombstone_key: Arc::default(),
        }
    }

    /// The secret that people call `word`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the nearest name.
    pub fn known(&self, word: &str) -> Result<KnownSecret, Error> {
        if let Some(known) = self.known.iter().find(|known| known.to_string() == word) {
            return Ok(known.clone());
        }
        let nearest = self
            .known
            .iter()
            .map(|known| (strsim::jaro_winkler(word, &known.to_string()), known))
            .filter(|(likeness, _)| *likeness >= SIMILARITY_MIN)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let hint = match nearest {
            Some((_, known)) => format!("Did you mean `{known}`?"),
            None => {
                let names: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
                format!("The names are {}.", names.join(", "))
            }
        };
        Err(Error::Invalid { message: format!("there is no secret called `{word}`"), hint: Some(hint) })
    }

    /// The same, and also the key of a provider that the configuration no longer has: it can still be removed.
    ///
    /// # Errors
    /// As [`Self::known`].
    pub fn once_known(&self, word: &str) -> Result<KnownSecret, Error> {
        self.known(word)
            .or_else(|error| KnownSecret::parse(word).filter(|_| SecretName::parse(word).is_ok()).ok_or(error))
    }

    /// Sets a secret, in place of the one before it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value is empty, too long, or holds white space or control characters.
    pub async fn set(
        &self,
        owner: Owner<'_>,
        known: &KnownSecret,
        value: &SecretString,
        act: Act,
    ) -> Result<SecretInfo, Error> {
        let value = checked(value)?;
        for _ in 1..ATTEMPTS_MAX {
            let secret = self.seal_next(owner.scope(), known.name(), &value).await?;
            match self.control.put_secret(secret, act).await {
                Err(store::Error::Conflict(_)) => {}
                outcome => {
                    self.forget(owner.scope());
                    return Ok(outcome?);
                }
            }
        }
        let message = format!("`{known}` is being set by others at the same time");
        Err(Error::Conflict { message, hint: Some("Try again.".into()) })
    }

    /// What may be shown of the owner's secrets, tokens of accounts included.
    pub async fn list(&self, owner: Owner<'_>) -> Result<Vec<SecretInfo>, Error> {
        Ok(self.control.list_secrets(owner.scope()).await?)
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the owner has none of that name.
    pub async fn remove(&self, owner: Owner<'_>, known: &KnownSecret, act: Act) -> Result<(), Error> {
        let removed = self.control.remove_secret(owner.scope(), known.name(), act).await?;
        self.forget(owner.scope());
        if removed {
            return Ok(());
        }
        let hint = self
            .configured
            .contains_key(known)
            .then(|| format!("`{known}` comes from the configuration; `aura config sources` says where."));
        Err(Error::NotFound { what: "secret", name: known.to_string(), hint })
    }

    /// The value that holds for a tenant: its own, else the installation's, else the configuration's. With no tenant:
    /// the installation's, else the configuration's.
    pub async fn resolve(&self, known: &KnownSecret, tenant: Option<TenantId>) -> Result<Option<SecretString>, Error> {
        if let Some(tenant) = tenant
            && let Some(own) = self.of_tenant(known, tenant).await?
        {
            return Ok(Some(own));
        }
        let shared = self.read(SecretScope::Installation, known.name()).await?;
        Ok(shared.or_else(|| self.configured.get(known).cloned()))
    }

    /// The tenant's own value alone: what a webhook under its own path is checked with.
    pub async fn of_tenant(&self, known: &KnownSecret, tenant: TenantId) -> Result<Option<SecretString>, Error> {
        self.read(SecretScope::Tenant(tenant), known.name()).await
    }

    /// Opens a stored secret, or remembers that there is none.
    pub(super) async fn read(&self, scope: SecretScope, name: SecretName) -> Result<Option<SecretString>, Error> {
        let key = (scope, name);
        let changes = match self.remembered.get(&key) {
            Ok(value) => return Ok(value),
            Err(changes) => changes,
        };
        let value = match self.control.get_secret(scope, key.1.clone()).await? {
            Some(stored) => {
                Some(self.data_key(scope).await?.open(&stored.info.name, stored.info.version, &stored.sealed)?)
            }
            None => None,
        };
        self.remembered.keep(key, value.clone(), changes);
        Ok(value)
    }

    /// Seals a value as the next version of a secret.
    pub(super) async fn seal_next(
        &self,
        scope: SecretScope,
        name: SecretName,
        value: &str,
    ) -> Result<NewSecret, Error> {
        let stored = self.control.get_secret(scope, name.clone()).await?;
        let version = stored.map_or(0, |secret| secret.info.version) + 1;
        let key = self.data_key(scope).await?;
        let (sealed, fingerprint) = (key.seal(&name, version, value)?, key.fingerprint(&name, value));
        Ok(NewSecret { scope, name, version, sealed, fingerprint })
    }

    /// Drops what is remembered of a scope; called after every change of it.
    pub(super) fn forget(&self, scope: SecretScope) {
        self.remembered.forget(|(of, _)| *of == scope);
    }

    /// Who signs for the installation, under `name`.
    pub(super) async fn signer(&self, name: String) -> Result<Signer, Error> {
        Ok(self.data_key(SecretScope::Installation).await?.signer(name)?)
    }

    /// Makes the tombstones of a tenant.
    pub(super) async fn tombstones(&self, tenant: TenantId) -> Result<Tombstones, Error> {
        let make = || async { Ok::<_, Error>(self.data_key(SecretScope::Installation).await?.tombstone_key()) };
        let key = self.tombstone_key.get_or_try_init(make).await?.clone();
        Ok(Tombstones::new(move |conversation| key.tombstone(tenant, conversation)))
    }

    async fn data_key(&self, scope: SecretScope) -> Result<DataKey, Error> {
        data_key(&self.control, &self.vault, scope).await?.ok_or_else(|| Error::NotFound {
            what: "key of",
            name: scope.to_string(),
            hint: Some("The tenant was removed.".into()),
        })
    }
}

/// The value without white space around it, as a paste or `echo` brings it.
pub(super) fn checked(value: &SecretString) -> Result<zeroize::Zeroizing<String>, Error> {
    let text = value.expose_secret().trim();
    let complaint = match text {
        "" => "the value is empty",
        _ if text.len() > VALUE_BYTES_MAX => "the value is longer than 4096 bytes",
        _ if text.chars().any(|character| character.is_control() || character.is_whitespace()) => {
            "the value holds white space or control characters"
        }
        _ => return Ok(zeroize::Zeroizing::new(text.to_owned())),
    };
    Err(Error::Invalid {
        message: complaint.into(),
        hint: Some("Give it on standard input: one line, nothing else.".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            installation::tests::{ACT, fresh},
            tenants::tests::shop,
        },
        secret::Secret,
    };

    const OPERATOR: Owner<'static> = Owner::Installation(&Caller::Operator);

    fn text(value: &str) -> SecretString {
        SecretString::from(value)
    }

    async fn resolved(secrets: &Secrets, tenant: Option<TenantId>) -> Option<String> {
        let found = secrets.resolve(&KnownSecret::MetaAppSecret, tenant).await.expect("resolved");
        found.map(|value| value.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_tenants_own_value_goes_before_the_installations_before_the_configurations() {
        let (_folder, installation) = fresh().await;
        let mut config = Config::default();
        config.meta.app_secret = Some(Secret::from("configured".to_owned()));
        let secrets = Secrets::new(&installation, &config);
        let (one, two) = (shop(&installation, "one").await, shop(&installation, "two").await);
        let known = &KnownSecret::MetaAppSecret;
        assert_eq!(resolved(&secrets, Some(one.id())).await.as_deref(), Some("configured"));
        secrets.set(OPERATOR, known, &text("shared\n"), ACT).await.expect("set");
        assert_eq!(resolved(&secrets, Some(one.id())).await.as_deref(), Some("shared"));
        secrets.set(Owner::Tenant(&one), known, &text("own"), ACT).await.expect("set");
        assert_eq!(resolved(&secrets, Some(one.id())).await.as_deref(), Some("own"));
        assert_eq!(resolved(&secrets, Some(two.id())).await.as_deref(), Some("shared"));
        assert_eq!(resolved(&secrets, None).await.as_deref(), Some("shared"));
        assert!(secrets.of_tenant(known, two.id()).await.expect("read").is_none());
        secrets.remove(OPERATOR, known, ACT).await.expect("removed");
        assert_eq!(resolved(&secrets, None).await.as_deref(), Some("configured"));
    }

    #[tokio::test]
    async fn lists_show_fingerprints_that_change_with_the_value() {
        let (_folder, installation) = fresh().await;
        let secrets = Secrets::new(&installation, &Config::default());
        let known = &KnownSecret::MetaVerifyToken;
        let first = secrets.set(OPERATOR, known, &text("hunter2"), ACT).await.expect("set");
        let same = secrets.set(OPERATOR, known, &text("hunter2"), ACT).await.expect("set");
        let other = secrets.set(OPERATOR, known, &text("hunter3"), ACT).await.expect("set");
        assert_eq!((first.fingerprint == same.fingerprint, same.fingerprint == other.fingerprint), (true, false));
        let listed = secrets.list(OPERATOR).await.expect("listed");
        assert_eq!(listed, [other]);
        assert!(!format!("{listed:?} {secrets:?}").contains("hunter"));
    }

    #[tokio::test]
    async fn no_stored_byte_shows_a_value() {
        let (folder, installation) = fresh().await;
        let secrets = Secrets::new(&installation, &Config::default());
        secrets.set(OPERATOR, &KnownSecret::MetaAppSecret, &text("correct-horse-battery"), ACT).await.expect("set");
        drop((secrets, installation));
        for entry in std::fs::read_dir(folder.path().join("aura")).expect("the data directory") {
            let path = entry.expect("an entry").path();
            let bytes = if path.is_file() { std::fs::read(&path).expect("readable") } else { Vec::new() };
            assert!(!bytes.windows(21).any(|window| window == b"correct-horse-battery"), "{}", path.display());
        }
    }

    #[tokio::test]
    async fn setting_at_the_same_time_keeps_one_whole_value() {
        let (_folder, installation) = fresh().await;
        let secrets = Secrets::new(&installation, &Config::default());
        let (one, two) = (text("one"), text("two"));
        let known = &KnownSecret::MetaAppSecret;
        let both = tokio::join!(secrets.set(OPERATOR, known, &one, ACT), secrets.set(OPERATOR, known, &two, ACT));
        let versions = [both.0.expect("set").version, both.1.expect("set").version];
        assert!(versions == [1, 2] || versions == [2, 1], "{versions:?}");
        assert!(resolved(&secrets, None).await.is_some_and(|value| value == "one" || value == "two"));
    }

    #[tokio::test]
    async fn a_name_that_is_not_known_is_answered_with_the_nearest() {
        let (_folder, installation) = fresh().await;
        let mut config = Config::default();
        config.providers.servers.insert("mine".into(), crate::config::Server::default());
        let secrets = Secrets::new(&installation, &config);
        assert_eq!(secrets.known("meta.app_secret").expect("known"), KnownSecret::MetaAppSecret);
        assert_eq!(secrets.known("mine.api_key").expect("configured"), KnownSecret::of_provider("mine"));
        let hint = |word| secrets.known(word).expect_err("unknown").hint().unwrap_or_default();
        assert_eq!(hint("meta.verify_tokn"), "Did you mean `meta.verify_token`?");
        assert_eq!(hint("mind.api_key"), "Did you mean `mine.api_key`?");
        assert!(hint("xyz").starts_with("The names are `meta.app_secret`"), "{}", hint("xyz"));
        assert!(hint("xyz").contains("`ollama.api_key`"), "{}", hint("xyz"));
        assert_eq!(secrets.once_known("gone.api_key").expect("a name"), KnownSecret::of_provider("gone"));
        assert!(secrets.once_known("xyz").is_err() && secrets.once_known("a b.api_key").is_err());
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for bad in ["", " \n", "two words", "a\u{7}b", &long] {
            let error = checked(&text(bad)).expect_err("refused");
            assert!(!error.to_string().contains("two words"), "{error}");
        }
        assert_eq!(checked(&text(" value\r\n")).expect("fine").as_str(), "value");
    }
}
