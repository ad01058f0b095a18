//! Who asks. A request about which nobody has said it is refused.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Edge, Error};
use crate::{
    api::STAFF_KEY,
    app::{Caller, Least, TenantCtx},
    domain::tenant::TenantSlug,
};

/// The caller, as the listener that the request came through has put them into its extensions.
pub(super) struct Asking(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(Error::no_caller)
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

/// The user at the other end of a socket, as the system knows it.
#[derive(Clone, Copy, Debug)]
pub struct PeerUid(pub Option<u32>);

/// Finds out who asks at the staff's door, anew with every request: whoever was removed is out.
pub(super) async fn recognise(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let uid = request.extensions().get::<PeerUid>().and_then(|peer| peer.0);
    let key = match request.headers().get(STAFF_KEY).map(|key| key.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key.to_owned()),
        // No key of ours looks so.
        Some(Err(_)) => Some(String::new()),
    };
    match edge.app.staff_at_door(uid, key.as_deref()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => Error::not_known(key.is_some()).into_response(),
        Err(error) => Error::from(error).into_response(),
    }
}

/// Turns away whoever may not do what the route does. Whether it exists for them is decided by role alone, so that the
/// answer says nothing about any tenant.
pub(super) async fn guard(State(least): State<Least>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) if caller.may(least) => next.run(request).await,
        Some(_) => Error::not_allowed(least).into_response(),
        None => Error::no_caller().into_response(),
    }
}
