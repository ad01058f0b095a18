//! Who asks, and for which tenant. The only way to a tenant's data leads through here.

use super::Error;
use crate::{
    domain::{
        TenantId,
        secret::SecretScope,
        tenant::{Tenant, TenantSlug},
    },
    store::Control,
};

/// Less alike than this, and a suggestion would only confuse (Jaro–Winkler: 1 is equal).
const SIMILARITY_MIN: f64 = 0.75;

/// Who asks. Made at the edge, where they proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever may open the socket or the data directory: everything is theirs.
    Operator,
}

/// Leave to work on one tenant's data. Cannot be made up: only [`Caller::authorize`] gives it.
#[derive(Clone, Debug)]
pub struct TenantCtx {
    tenant: Tenant,
}

impl Caller {
    /// Leave to work on the tenant of that slug, if the caller has it.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest slug. The same for a tenant that exists but is not the caller's: nobody
    /// learns which others there are.
    pub async fn authorize(&self, control: &Control, slug: &TenantSlug) -> Result<TenantCtx, Error> {
        match self {
            Self::Operator => match control.tenant_by_slug(slug.clone()).await? {
                Some(tenant) => Ok(TenantCtx { tenant }),
                None => Err(unknown(slug, &control.tenants().await?)),
            },
        }
    }

    /// Leave to work on each tenant that the caller may see, by slug.
    pub async fn tenants(&self, control: &Control) -> Result<Vec<TenantCtx>, Error> {
        match self {
            Self::Operator => Ok(control.tenants().await?.into_iter().map(|tenant| TenantCtx { tenant }).collect()),
        }
    }
}

impl TenantCtx {
    /// The tenant, as it was when leave was given.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TenantId {
        self.tenant.id
    }

    /// Where its own secrets and its key are.
    #[must_use]
    pub const fn scope(&self) -> SecretScope {
        SecretScope::Tenant(self.tenant.id)
    }
}

fn unknown(slug: &TenantSlug, tenants: &[Tenant]) -> Error {
    let nearest = tenants
        .iter()
        .map(|tenant| (strsim::jaro_winkler(slug.as_str(), tenant.slug.as_str()), &tenant.slug))
        .filter(|(likeness, _)| *likeness >= SIMILARITY_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = match (nearest, tenants.is_empty()) {
        (Some((_, nearest)), _) => format!("Did you mean `{nearest}`?"),
        (None, true) => format!("There is no tenant yet; add one with `aura tenant add {slug} --name NAME`."),
        (None, false) => "`aura tenant list` shows every tenant.".to_owned(),
    };
    Error::NotFound { what: "tenant", name: slug.to_string(), hint: Some(hint) }
}
