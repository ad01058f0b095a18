//! Secrets of the installation and of a tenant: they go in, and only fingerprints come out.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::SecretString;

use crate::{
    api,
    app::{self, master_key::MasterKeyChanged, secrets::Owner},
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{Named, Payload},
        map,
    },
    secret::CopyFor,
};

pub async fn list(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::List<api::Secret>>, Error> {
    list_in(&edge, Owner::Installation(&caller)).await
}

pub async fn list_of_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
) -> Result<Json<api::List<api::Secret>>, Error> {
    list_in(&edge, Owner::Tenant(&tenant)).await
}

pub async fn set(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Named(name): Named,
    Payload(new): Payload<api::NewSecret>,
) -> Result<Json<api::Secret>, Error> {
    set_in(&edge, Owner::Installation(&caller), &name, new).await
}

pub async fn set_of_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Named(name): Named,
    Payload(new): Payload<api::NewSecret>,
) -> Result<Json<api::Secret>, Error> {
    set_in(&edge, Owner::Tenant(&tenant), &name, new).await
}

pub async fn remove(State(edge): State<Edge>, Asking(caller): Asking, Named(name): Named) -> Result<StatusCode, Error> {
    remove_in(&edge, Owner::Installation(&caller), &name).await
}

pub async fn remove_of_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Named(name): Named,
) -> Result<StatusCode, Error> {
    remove_in(&edge, Owner::Tenant(&tenant), &name).await
}

pub async fn change_master_key(
    State(edge): State<Edge>,
    Asking(caller): Asking,
) -> Result<Json<api::MasterKeyChanged>, Error> {
    let MasterKeyChanged { keys, place, is_placed, copy_is_stale } =
        edge.app.change_master_key(caller.act(edge.app.clock.now())).await?;
    let place = place.to_string();
    Ok(Json(api::MasterKeyChanged { keys, place, placed: is_placed, copy_stale: copy_is_stale }))
}

/// What comes out opens with the passphrase or the keys that came in, and with nothing else.
pub async fn recovery_copy(
    State(edge): State<Edge>,
    Asking(_): Asking,
    Payload(new): Payload<api::NewRecoveryCopy>,
) -> Result<Json<api::RecoveryCopy>, Error> {
    let copy = edge.app.recovery_copy(whom(new, "a recovery copy")?).await?;
    Ok(Json(api::RecoveryCopy { age: copy.text, fingerprint: copy.fingerprint.to_string() }))
}

/// For whom something is sealed.
pub(super) fn whom(new: api::NewRecoveryCopy, what: &str) -> Result<CopyFor, Error> {
    let whom = match (new.passphrase, new.recipients.as_slice()) {
        (Some(passphrase), []) => CopyFor::passphrase(passphrase),
        (None, [_, ..]) => CopyFor::recipients(&new.recipients),
        _ => return Err(Error::invalid(format!("{what} is for a passphrase or for recipients: one of the two"))),
    };
    Ok(whom.map_err(app::Error::from)?)
}

pub async fn recovery_copy_kept(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(kept): Payload<api::RecoveryCopyKept>,
) -> Result<StatusCode, Error> {
    edge.app.recovery_copy_kept(&kept.fingerprint, caller.act(edge.app.clock.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_in(edge: &Edge, owner: Owner<'_>) -> Result<Json<api::List<api::Secret>>, Error> {
    Ok(Json(map::list(edge.app.secrets.list(owner).await?, map::secret)))
}

async fn set_in(edge: &Edge, owner: Owner<'_>, name: &str, new: api::NewSecret) -> Result<Json<api::Secret>, Error> {
    let known = edge.app.secrets.known(name)?;
    if new.value.is_empty() {
        return Err(Error::invalid("the value is empty"));
    }
    let value = SecretString::from(new.value);
    Ok(Json(map::secret(edge.app.secrets.set(owner, &known, &value, owner.act(edge.app.clock.now())).await?)))
}

async fn remove_in(edge: &Edge, owner: Owner<'_>, name: &str) -> Result<StatusCode, Error> {
    let known = edge.app.secrets.once_known(name)?;
    edge.app.secrets.remove(owner, &known, owner.act(edge.app.clock.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}
