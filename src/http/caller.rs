//! Who asks. A request about which nobody has said it is refused.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Edge, Error};
use crate::{
    app::{Caller, TenantCtx},
    domain::tenant::TenantSlug,
};

/// The caller, as the listener that the request came through has put them into its extensions.
pub(super) struct Asking(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        parts.extensions.get::<Caller>().copied().map(Self).ok_or_else(Error::no_caller)
    }
}

/// Leave to work on the tenant in the path. No handler comes to a tenant in another way.
pub(super) struct Scope(pub(super) TenantCtx);

impl FromRequestParts<Edge> for Scope {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        let Asking(caller) = Asking::from_request_parts(parts, edge).await?;
        let raw = super::extract::path_param(parts, "slug").await?;
        let slug = TenantSlug::parse(&raw).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Self(edge.app.authorize(&caller, &slug).await?))
    }
}
