//! The voices of tenants and their versions.

use axum::{Json, extract::State};

use crate::{
    api,
    http::{
        Edge, Error,
        caller::Scope,
        extract::{Params, Payload, Raw},
        map, persona_file,
    },
};

pub async fn show(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::PersonaQuery>,
) -> Result<Json<api::Persona>, Error> {
    let persona = match query.version {
        Some(number) => edge.app.persona_version(&tenant, number).await?.persona,
        None => edge.app.persona_show(&tenant).await?,
    };
    Ok(Json(map::persona(persona)))
}

/// Takes YAML, and with it JSON.
pub async fn set(State(edge): State<Edge>, Scope(tenant): Scope, Raw(body): Raw) -> Result<Json<api::Persona>, Error> {
    let text = std::str::from_utf8(&body).map_err(|_| Error::invalid("the persona is not UTF-8 text"))?;
    let persona = persona_file::read(text, tenant.tenant().language)?;
    Ok(Json(map::persona(edge.app.persona_set(&tenant, persona).await?.persona)))
}

pub async fn versions(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
) -> Result<Json<api::List<api::PersonaVersion>>, Error> {
    Ok(Json(map::persona_versions(edge.app.persona_versions(&tenant).await?)))
}

pub async fn restore(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(wanted): Payload<api::RestorePersona>,
) -> Result<Json<api::Persona>, Error> {
    Ok(Json(map::persona(edge.app.persona_restore(&tenant, wanted.version).await?.persona)))
}
