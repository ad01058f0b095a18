//! Tenants.

use axum::{Json, extract::State};
use serde::Deserialize;

use crate::{
    api,
    app::{
        ReachChange,
        tenants::{self, NewTenant},
    },
    domain::{
        Currency, Language,
        reach::{Chosen, Mode},
        tenant::TenantSlug,
    },
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{Params, Payload},
        map, persona_file,
    },
};

pub async fn list(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::List<api::Tenant>>, Error> {
    let tenants = tenants::list(&caller, edge.app.store.control()).await?;
    Ok(Json(map::list(tenants, map::tenant)))
}

pub async fn add(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(new): Payload<api::NewTenant>,
) -> Result<Json<api::Tenant>, Error> {
    let language = new.language.as_deref().map_or(Ok(Language::En), str::parse).map_err(invalid)?;
    let persona = persona_file::File::from(new.persona).parse(language)?;
    let new = NewTenant {
        slug: TenantSlug::parse(&new.slug).map_err(invalid)?,
        name: new.name,
        currency: new.currency.map_or(Ok(Currency::EUR), |code| Currency::parse(&code)).map_err(invalid)?,
        language,
        website: new.website,
        mode: new.mode.as_deref().map_or(Ok(Mode::Live), parse_mode)?,
    };
    Ok(Json(map::tenant(edge.app.tenant_add(&caller, new, persona).await?)))
}

pub async fn show(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::TenantDetail>, Error> {
    let persona = edge.app.persona_show(&tenant).await?;
    let status = Some(map::tenant_status(edge.app.status_of(&tenant).await?));
    Ok(Json(api::TenantDetail { tenant: map::tenant(tenant.tenant().clone()), persona: map::persona(persona), status }))
}

pub async fn edit(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(edit): Payload<api::TenantEdit>,
) -> Result<Json<api::Tenant>, Error> {
    let chosen = |listed: Vec<String>| listed.iter().map(|text| Chosen::parse(text).map_err(invalid)).collect();
    let change = ReachChange {
        mode: edit.mode.as_deref().map(parse_mode).transpose()?,
        only_from: edit.only_from.map(chosen).transpose()?,
    };
    Ok(Json(map::tenant(edge.app.tenant_edit(&tenant, change).await?)))
}

fn parse_mode(word: &str) -> Result<Mode, Error> {
    let known = Mode::ALL.map(Mode::as_str).join(", ");
    Mode::parse(word).ok_or_else(|| Error::invalid(format!("`{word}` is not a mode: {known}")))
}

pub async fn pause(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Tenant>, Error> {
    Ok(Json(map::tenant(edge.app.tenant_pause(&tenant).await?)))
}

pub async fn resume(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Tenant>, Error> {
    Ok(Json(map::tenant(edge.app.tenant_resume(&tenant).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    pub(super) confirm: String,
}

pub async fn remove(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(sure): Params<Confirm>,
) -> Result<Json<api::Removed>, Error> {
    Ok(Json(map::removed(edge.app.tenant_remove(tenant, &sure.confirm).await?)))
}

fn invalid(error: impl std::error::Error) -> Error {
    Error::invalid(error.to_string())
}
