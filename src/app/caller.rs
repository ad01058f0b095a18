//! Who asks, and for which tenant. The only way to a tenant's data leads through here.

use std::sync::Arc;

use super::Error;
use crate::{
    domain::{
        TenantId, Timestamp,
        audit::Act,
        secret::SecretScope,
        staff::{Doer, Role, Staff},
        tenant::{Tenant, TenantSlug},
    },
    store::Control,
};

/// Less alike than this, and a suggestion would only confuse (Jaro–Winkler: 1 is equal).
const SIMILARITY_MIN: f64 = 0.75;

/// Who asks. Made at the edge, where they proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever may open the socket or the data directory: everything is theirs.
    Operator,
    /// Somebody whom the operator let in, as the person was when the request came.
    Staff(Arc<Staff>),
}

/// Leave to work on one tenant's data. Cannot be made up: only [`Caller::authorize`] gives it.
#[derive(Clone, Debug)]
pub struct TenantCtx {
    tenant: Tenant,
    doer: Doer,
}

impl Caller {
    /// Leave to work on the tenant of that slug, if the caller has it.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest slug. The same for a tenant that exists but is not the caller's: nobody
    /// learns which others there are.
    pub async fn authorize(&self, control: &Control, slug: &TenantSlug) -> Result<TenantCtx, Error> {
        let found = control.tenant_by_slug(slug.clone()).await?.filter(|tenant| self.may_see(tenant.id));
        match found {
            Some(tenant) => Ok(TenantCtx { tenant, doer: self.doer() }),
            None => {
                let theirs: Vec<_> = self.tenants(control).await?.into_iter().map(|ctx| ctx.tenant).collect();
                Err(unknown(slug, &theirs))
            }
        }
    }

    /// Leave to work on each tenant that the caller may see, by slug.
    pub async fn tenants(&self, control: &Control) -> Result<Vec<TenantCtx>, Error> {
        let seen = control.tenants().await?.into_iter().filter(|tenant| self.may_see(tenant.id));
        Ok(seen.map(|tenant| TenantCtx { tenant, doer: self.doer() }).collect())
    }

    fn may_see(&self, tenant: TenantId) -> bool {
        match self {
            Self::Operator => true,
            Self::Staff(staff) => staff.works_for(tenant),
        }
    }

    /// Whether the caller may do what asks for this role, for the tenants that they may see.
    #[must_use]
    pub fn may(&self, least: Least) -> bool {
        match (self, least) {
            (Self::Operator, _) => true,
            (Self::Staff(_), Least::Operator) => false,
            (Self::Staff(staff), Least::Role(role)) => staff.role >= role,
            (Self::Staff(staff), Least::AdminOfAll) => staff.role == Role::Admin && staff.tenants.is_empty(),
        }
    }

    /// Who that is, for logs.
    #[must_use]
    pub fn doer(&self) -> Doer {
        match self {
            Self::Operator => Doer::Operator,
            Self::Staff(staff) => Doer::Staff(staff.id),
        }
    }

    /// The caller's doing.
    #[must_use]
    pub fn act(&self, at: Timestamp) -> Act {
        Act::of(self.doer(), at)
    }
}

/// Who may do something, at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Anybody with this role or more.
    Role(Role),
    /// Admins whose tenants are all there are: it concerns the installation.
    AdminOfAll,
    /// The operator alone: keys, and who is let in.
    Operator,
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

    /// Who has the leave, for logs.
    #[must_use]
    pub const fn doer(&self) -> Doer {
        self.doer
    }

    /// The doing of whoever has the leave.
    #[must_use]
    pub const fn act(&self, at: Timestamp) -> Act {
        Act::of(self.doer, at)
    }

    /// Where its own secrets and its key are.
    #[must_use]
    pub const fn scope(&self) -> SecretScope {
        SecretScope::Tenant(self.tenant.id)
    }
}

/// The one of `known` that was probably meant.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|(likeness, _)| *likeness >= SIMILARITY_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

fn unknown(slug: &TenantSlug, tenants: &[Tenant]) -> Error {
    let nearest = nearest(slug.as_str(), tenants.iter().map(|tenant| tenant.slug.as_str()));
    let hint = match (nearest, tenants.is_empty()) {
        (Some(nearest), _) => format!("Did you mean `{nearest}`?"),
        (None, true) => format!("There is no tenant yet; add one with `aura tenant add {slug} --name NAME`."),
        (None, false) => "`aura tenant list` shows every tenant.".to_owned(),
    };
    Error::NotFound { what: "tenant", name: slug.to_string(), hint: Some(hint) }
}
