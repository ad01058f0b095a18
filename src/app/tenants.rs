//! Adding, listing, pausing, resuming and removing tenants.

use super::{App, Caller, Error, Installation, TenantCtx, secrets::Secrets};
use crate::{
    domain::{
        Currency, Ids, Language, TenantId,
        audit::Act,
        channel::AccountId,
        event::{EventKind, NewEvent},
        persona::{Persona, PersonaVersion},
        reach::{Mode, Reach, Standing},
        secret::SecretScope,
        tenant::{Tenant, TenantSlug, TenantState},
    },
    fault,
    store::{self, Control, Store},
};

/// The longest name of a shop, in characters: what a line on a screen holds.
const NAME_CHARS_MAX: usize = 80;
/// The longest address that any browser takes.
const URL_BYTES_MAX: usize = 2_048;

/// A tenant about to be added.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// How it is addressed.
    pub slug: TenantSlug,
    /// The shop's own name.
    pub name: String,
    /// The currency of prices that come without one.
    pub currency: Currency,
    /// What the shop speaks.
    pub language: Language,
    /// The shop's site; `https://` is put before it when it has no scheme.
    pub website: Option<String>,
    /// How far its assistant may go from the start.
    pub mode: Mode,
}

/// What is gone after a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The tenant that was.
    pub tenant: Tenant,
    /// Its accounts; they can be connected to another tenant now.
    pub accounts: Vec<AccountId>,
    /// How many secrets went.
    pub secrets: u64,
    /// How many files went.
    pub files: u64,
    /// How large they were together.
    pub bytes: u64,
    /// Whether its key is gone from the disk already; otherwise it goes with the next checkpoint.
    pub key_overwritten: bool,
}

impl App {
    /// Adds a tenant, with a key, a file and a voice of its own.
    ///
    /// # Errors
    /// See [`add`].
    pub async fn tenant_add(&self, caller: &Caller, new: NewTenant, persona: Persona) -> Result<Tenant, Error> {
        let act = caller.act(self.clock.now());
        add(caller, &self.installation, &self.store, &*self.ids, new, persona, act).await
    }

    /// Makes the assistant silent; what comes in is recorded.
    pub async fn tenant_pause(&self, ctx: &TenantCtx) -> Result<Tenant, Error> {
        self.set_state(ctx, TenantState::Paused, EventKind::TenantPaused).await
    }

    /// Lets the assistant answer again; what came in meanwhile is answered, or parked if it is too old.
    pub async fn tenant_resume(&self, ctx: &TenantCtx) -> Result<Tenant, Error> {
        self.set_state(ctx, TenantState::Active, EventKind::TenantResumed).await
    }

    async fn set_state(&self, ctx: &TenantCtx, state: TenantState, kind: EventKind) -> Result<Tenant, Error> {
        let (control, act) = (self.store.control(), ctx.act(self.clock.now()));
        let changed = match state {
            TenantState::Active => resume(ctx, control, act).await?,
            TenantState::Paused => pause(ctx, control, act).await?,
        };
        if changed {
            self.tenant_store(ctx).await?.append_event(NewEvent::new(kind, "operator"), act.at).await?;
            self.changed(ctx.id()).await?;
        }
        show(ctx, control).await
    }

    /// Removes a tenant for good and says what is gone. `confirm` must repeat its slug.
    ///
    /// # Errors
    /// [`Error::Invalid`] without the confirmation; else see [`remove`].
    pub async fn tenant_remove(&self, ctx: TenantCtx, confirm: &str) -> Result<Removed, Error> {
        let slug = ctx.tenant().slug.clone();
        if confirm != slug.as_str() {
            return Err(Error::Invalid {
                message: format!("`{confirm}` does not confirm removing `{slug}`"),
                hint: Some(format!("Repeat the slug: `--confirm {slug}`.")),
            });
        }
        let act = ctx.act(self.clock.now());
        let removed = remove(ctx, &self.installation, &self.store, &self.secrets, act).await;
        self.forget_owners();
        removed
    }

    /// The tenant's voice.
    pub async fn persona_show(&self, ctx: &TenantCtx) -> Result<Persona, Error> {
        Ok(self.tenant_store(ctx).await?.persona().await?)
    }

    /// A version of the tenant's voice.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that was never set or is no longer kept.
    pub async fn persona_version(&self, ctx: &TenantCtx, number: u32) -> Result<PersonaVersion, Error> {
        let version = self.tenant_store(ctx).await?.persona_version(number).await?;
        version.ok_or_else(|| no_version(ctx, number))
    }

    /// Every version of the tenant's voice that is kept, the newest first.
    pub async fn persona_versions(&self, ctx: &TenantCtx) -> Result<Vec<PersonaVersion>, Error> {
        Ok(self.tenant_store(ctx).await?.persona_versions().await?)
    }

    /// Replaces the tenant's voice by a new version; the next turn speaks with it.
    pub async fn persona_set(&self, ctx: &TenantCtx, persona: Persona) -> Result<PersonaVersion, Error> {
        let set = self.tenant_store(ctx).await?.set_persona(persona, self.clock.now()).await?;
        self.changed(ctx.id()).await?;
        Ok(set)
    }

    /// Takes up an earlier version of the tenant's voice again, as a new one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that was never set or is no longer kept.
    pub async fn persona_restore(&self, ctx: &TenantCtx, number: u32) -> Result<PersonaVersion, Error> {
        let set = match self.tenant_store(ctx).await?.restore_persona(number, self.clock.now()).await {
            Err(store::Error::NotFound { .. }) => return Err(no_version(ctx, number)),
            other => other?,
        };
        self.changed(ctx.id()).await?;
        Ok(set)
    }
}

fn no_version(ctx: &TenantCtx, number: u32) -> Error {
    let slug = &ctx.tenant().slug;
    Error::NotFound {
        what: "version of the persona",
        name: number.to_string(),
        hint: Some(format!("`aura persona history -t {slug}` shows those that are kept.")),
    }
}

/// Adds a tenant, with a key, a file and a voice of its own.
///
/// Its folder is noted as nobody's before it is made, and becomes the tenant's in the transaction that records the
/// tenant: there is never a tenant without its file, and what a crash leaves behind goes at the next start.
///
/// # Errors
/// [`Error::Store`] with a conflict when the slug is taken; [`Error::Invalid`] for a name or a site that cannot be one.
pub async fn add(
    _caller: &Caller,
    installation: &Installation,
    store: &Store,
    ids: &dyn Ids,
    new: NewTenant,
    persona: Persona,
    act: Act,
) -> Result<Tenant, Error> {
    let tenant = Tenant {
        id: TenantId::next(ids),
        slug: new.slug,
        name: checked_name(&new.name)?,
        currency: new.currency,
        language: new.language,
        website: new.website.as_deref().map(checked_website).transpose()?,
        state: TenantState::Active,
        standing: Standing { reach: Reach { mode: new.mode, only_from: Vec::new() }, since: act.at },
        created_at: act.at,
    };
    let _sealing = installation.sealing.read().await;
    let key = installation.vault.seal_fresh_key(SecretScope::Tenant(tenant.id))?;
    installation.control.note_unowned(tenant.id, act.at).await?;
    let prepared = prepare(store, tenant.id, persona, act).await;
    let added = match prepared {
        Ok(()) => {
            fault::point("mid_tenant_create");
            installation.control.add_tenant(tenant.clone(), key, act).await.map_err(Error::from)
        }
        Err(error) => Err(error),
    };
    if added.is_err() {
        store.close_tenant(tenant.id).await?;
        installation.remove_unowned(tenant.id).await?;
    }
    added.map(|()| tenant)
}

async fn prepare(store: &Store, id: TenantId, persona: Persona, act: Act) -> Result<(), Error> {
    let file = store.create_tenant(id).await?;
    if persona != Persona::default() {
        file.set_persona(persona, act.at).await?;
    }
    Ok(())
}

/// Every tenant that the caller may see, by slug.
pub async fn list(caller: &Caller, control: &Control) -> Result<Vec<Tenant>, Error> {
    Ok(caller.tenants(control).await?.into_iter().map(|ctx| ctx.tenant().clone()).collect())
}

/// The tenant as it is now.
pub async fn show(ctx: &TenantCtx, control: &Control) -> Result<Tenant, Error> {
    control.tenant_by_id(ctx.id()).await?.ok_or_else(|| gone(ctx))
}

/// Makes the assistant silent; what comes in is recorded. `false` if it was paused already.
pub async fn pause(ctx: &TenantCtx, control: &Control, act: Act) -> Result<bool, Error> {
    Ok(control.set_tenant_state(ctx.id(), TenantState::Paused, act).await?)
}

/// Lets the assistant answer again. `false` if it was not paused.
pub async fn resume(ctx: &TenantCtx, control: &Control, act: Act) -> Result<bool, Error> {
    Ok(control.set_tenant_state(ctx.id(), TenantState::Active, act).await?)
}

/// Removes a tenant for good: its key first, which makes every copy of its secrets unreadable, then its files.
///
/// Workers find no tenant any more once its record is gone; those that still use its file are waited for.
///
/// # Errors
/// [`Error::DataDir`] when the files could not be deleted; the tenant, its key and its secrets are gone even then.
pub async fn remove(
    ctx: TenantCtx,
    installation: &Installation,
    store: &Store,
    secrets: &Secrets,
    act: Act,
) -> Result<Removed, Error> {
    let removed = installation.control.remove_tenant(ctx.id(), act).await?;
    fault::point("mid_tenant_delete");
    secrets.forget(ctx.scope());
    store.close_tenant(ctx.id()).await?;
    let deleted = installation.remove_unowned(ctx.id()).await;
    store.tenant_is_gone(ctx.id());
    let (files, bytes) = deleted?;
    Ok(Removed {
        tenant: removed.tenant,
        accounts: removed.accounts,
        secrets: removed.secrets,
        files,
        bytes,
        key_overwritten: removed.key_overwritten,
    })
}

fn gone(ctx: &TenantCtx) -> Error {
    Error::NotFound { what: "tenant", name: ctx.tenant().slug.to_string(), hint: None }
}

fn checked_name(raw: &str) -> Result<String, Error> {
    let name = raw.trim();
    let message = match name {
        "" => "the tenant's name is empty",
        _ if name.chars().count() > NAME_CHARS_MAX => "the tenant's name has more than 80 characters",
        _ if name.chars().any(char::is_control) => "the tenant's name holds control characters",
        _ => return Ok(name.to_owned()),
    };
    Err(Error::Invalid { message: message.into(), hint: Some("Give the shop's own name with --name.".into()) })
}

/// `https://HOST[:PORT][/PATH]` without a trailing slash.
fn checked_website(raw: &str) -> Result<String, Error> {
    let raw = raw.trim();
    let text = if raw.contains("://") { raw.to_owned() } else { format!("https://{raw}") };
    let invalid = |why: &str| Error::Invalid {
        message: format!("`{raw}` is not the address of a site: {why}"),
        hint: Some("It looks like https://shop.example.".into()),
    };
    if text.len() > URL_BYTES_MAX {
        return Err(invalid("it is too long"));
    }
    let url = url::Url::parse(&text).map_err(|error| invalid(&error.to_string()))?;
    let complaint = match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => "it holds a user or a password",
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => "it holds a query or a fragment",
        "http" | "https" => return Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => "it is neither http nor https",
    };
    Err(invalid(complaint))
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use secrecy::SecretString;
    use uuid::Uuid;

    use super::*;
    use crate::{
        app::{
            ErrorKind,
            installation::tests::{ACT, TestIds, fresh, store_of},
            secrets::{KnownSecret, Owner},
        },
        config::Config,
    };

    fn new_tenant(slug: &str) -> NewTenant {
        NewTenant {
            slug: TenantSlug::parse(slug).expect("a slug"),
            name: format!(" Shop {slug} "),
            currency: Currency::EUR,
            language: Language::En,
            website: Some("shop.example/".into()),
            mode: Mode::Live,
        }
    }

    async fn add_with(installation: &Installation, ids: &dyn Ids, slug: &str) -> Result<Tenant, Error> {
        let store = store_of(installation).await;
        add(&Caller::Operator, installation, &store, ids, new_tenant(slug), Persona::default(), ACT).await
    }

    /// A tenant of that slug, added and authorized.
    pub(in crate::app) async fn shop(installation: &Installation, slug: &str) -> TenantCtx {
        let number = slug.bytes().fold(1, |number, byte| (number << 8) | u128::from(byte));
        let ids = OneId(Uuid::from_u128(number));
        add_with(installation, &ids, slug).await.expect("added");
        let slug = TenantSlug::parse(slug).expect("a slug");
        Caller::Operator.authorize(&installation.control, &slug).await.expect("authorized")
    }

    /// Gives one id, made from a slug.
    #[derive(Debug)]
    struct OneId(Uuid);

    impl Ids for OneId {
        fn next(&self) -> Uuid {
            self.0
        }
    }

    #[tokio::test]
    async fn an_added_tenant_is_tidied_listed_and_has_a_folder() {
        let (_folder, installation) = fresh().await;
        let ctx = shop(&installation, "noor").await;
        assert_eq!(
            (ctx.tenant().name.as_str(), ctx.tenant().website.as_deref()),
            ("Shop noor", Some("https://shop.example"))
        );
        let listed = list(&Caller::Operator, &installation.control).await.expect("listed");
        assert_eq!(listed, [ctx.tenant().clone()]);
        assert!(installation.dir.tenant_folder(ctx.id()).is_dir());
    }

    #[tokio::test]
    async fn a_taken_slug_is_a_conflict_and_leaves_no_folder_behind() {
        let (_folder, installation) = fresh().await;
        let ids = TestIds::default();
        add_with(&installation, &ids, "noor").await.expect("added");
        let error = add_with(&installation, &ids, "noor").await.expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(fs::read_dir(installation.dir.path().join("tenants")).expect("readable").count(), 1);
    }

    #[tokio::test]
    async fn an_unknown_slug_is_answered_with_the_nearest() {
        let (_folder, installation) = fresh().await;
        let ask = async |slug: &str| {
            let slug = TenantSlug::parse(slug).expect("a slug");
            Caller::Operator.authorize(&installation.control, &slug).await.expect_err("unknown")
        };
        assert!(ask("noor").await.hint().is_some_and(|hint| hint.contains("aura tenant add noor")));
        shop(&installation, "noor-atelier").await;
        let error = ask("noor-ateler").await;
        assert_eq!(
            (error.kind(), error.hint().as_deref()),
            (ErrorKind::NotFound, Some("Did you mean `noor-atelier`?"))
        );
        assert_eq!(ask("zzz").await.hint().as_deref(), Some("`aura tenant list` shows every tenant."));
    }

    #[tokio::test]
    async fn pausing_and_resuming_say_whether_anything_changed() {
        let (_folder, installation) = fresh().await;
        let (ctx, control) = (shop(&installation, "noor").await, &installation.control);
        assert!(!resume(&ctx, control, ACT).await.expect("resumed"));
        assert!(pause(&ctx, control, ACT).await.expect("paused"));
        assert!(!pause(&ctx, control, ACT).await.expect("paused"));
        assert_eq!(show(&ctx, control).await.expect("shown").state, TenantState::Paused);
    }

    #[tokio::test]
    async fn removing_says_what_is_gone_and_nothing_of_it_can_be_had_again() {
        let (_folder, installation) = fresh().await;
        let secrets = Secrets::new(&installation, &Config::default());
        let (ctx, other) = (shop(&installation, "noor").await, shop(&installation, "other").await);
        let known = &KnownSecret::MetaAppSecret;
        for owner in [Owner::Tenant(&ctx), Owner::Tenant(&other)] {
            secrets.set(owner, known, &SecretString::from("own"), ACT).await.expect("set");
        }
        fs::write(installation.dir.tenant_db(ctx.id()), "12345").expect("written");
        assert!(secrets.of_tenant(known, ctx.id()).await.expect("read").is_some());
        let sealed = installation.control.data_key(ctx.scope()).await.expect("read").expect("has a key");

        let removed =
            remove(ctx.clone(), &installation, &store_of(&installation).await, &secrets, ACT).await.expect("removed");
        assert_eq!((removed.secrets, removed.files, removed.bytes, removed.key_overwritten), (1, 1, 5, true));
        assert!(!installation.dir.tenant_folder(ctx.id()).exists());
        assert!(secrets.of_tenant(known, ctx.id()).await.expect("read").is_none());
        assert_eq!(installation.control.data_key(ctx.scope()).await.expect("read"), None);
        assert!(installation.vault.data_key(other.scope(), &sealed).is_err());
        assert!(secrets.of_tenant(known, other.id()).await.expect("read").is_some());
        let late = secrets.set(Owner::Tenant(&ctx), known, &SecretString::from("late"), ACT).await;
        assert_eq!(late.expect_err("gone").kind(), ErrorKind::NotFound);
        assert_eq!(show(&ctx, &installation.control).await.expect_err("gone").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn sites_are_brought_into_one_shape_or_refused() {
        for (given, kept) in [
            ("lindgruen.example", "https://lindgruen.example"),
            (" https://Shop.Example/de/ ", "https://shop.example/de"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(checked_website(given).expect(given), kept);
        }
        for bad in ["", "ftp://x", "https://u:p@x.example", "https://x.example?a=1", "https://x y", &"x".repeat(3_000)]
        {
            assert!(checked_website(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_a_short_line_of_text() {
        assert_eq!(checked_name(" Lindgrün ").expect("a name"), "Lindgrün");
        for bad in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(81)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
    }
}
