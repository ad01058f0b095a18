//! The conversations of every tenant that the caller may see, tenant by tenant as they are read.

use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{App, Caller, Error, TenantCtx};
use crate::{
    domain::{conversation::Overview, tenant::Tenant},
    store::{self, Listing},
};

/// Tenants' files looked into at once.
const AT_ONCE: usize = 16;

/// What a list over all tenants shows of one of them.
#[derive(Debug)]
pub struct OfTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// Its conversations, the one with the newest message first; or why they cannot be read.
    pub found: Result<Vec<Overview>, Error>,
}

impl App {
    /// Conversations of every tenant that the caller may see. One that cannot be read keeps nobody from seeing the others.
    pub async fn inbox(&self, caller: &Caller, wanted: Listing) -> Result<BoxStream<'static, OfTenant>, Error> {
        let tenants = caller.tenants(self.store.control()).await?;
        let app = self.clone();
        let one = move |ctx: TenantCtx| {
            let (app, wanted) = (app.clone(), wanted.clone());
            async move { OfTenant { found: app.of_tenant(&ctx, wanted).await, tenant: ctx.tenant().clone() } }
        };
        Ok(stream::iter(tenants).map(one).buffer_unordered(AT_ONCE).boxed())
    }

    async fn of_tenant(&self, ctx: &TenantCtx, wanted: Listing) -> Result<Vec<Overview>, Error> {
        match self.store.visit_tenant(ctx.id()).await {
            Ok(store) => Ok(store.conversations(wanted).await?),
            // Removed since it was listed.
            Err(store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
