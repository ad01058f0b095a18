//! Whom a tenant's people are told through.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::SecretString;

use crate::{
    api,
    app::notify::NewTarget,
    domain::notify::{NoticeKind, QuietHours, TargetName, Via, Zone},
    http::{
        Edge, Error,
        caller::Scope,
        extract::{Named, Payload},
        map,
    },
};

pub async fn list(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::List<api::NotifyTarget>>, Error> {
    Ok(Json(map::list(edge.app.notify_list(&tenant).await?, map::notify_target)))
}

pub async fn add(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(new): Payload<api::NewNotifyTarget>,
) -> Result<Json<api::NotifyTargetAdded>, Error> {
    let added = edge.app.notify_add(&tenant, parse(new)?).await?;
    Ok(Json(map::notify_target_added(added)))
}

pub async fn remove(State(edge): State<Edge>, Scope(tenant): Scope, Named(name): Named) -> Result<StatusCode, Error> {
    edge.app.notify_remove(&tenant, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn test(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Named(name): Named,
) -> Result<Json<api::NotifyTested>, Error> {
    let outcome = edge.app.notify_test(&tenant, &name).await?;
    let reason = outcome.reason().map(str::to_owned);
    Ok(Json(api::NotifyTested { name, outcome: outcome.as_str().into(), reason }))
}

fn parse(new: api::NewNotifyTarget) -> Result<NewTarget, Error> {
    let invalid = |error: &dyn std::error::Error| Error::invalid(error.to_string());
    let words = |all: Vec<&str>| all.join(", ");
    let via = Via::parse(&new.via).ok_or_else(|| {
        let known = words(Via::ALL.iter().map(|via| via.as_str()).collect());
        Error::invalid(format!("`{}` is not a way to tell people: {known}", new.via))
    })?;
    let kind = |word: &String| {
        NoticeKind::parse(word).ok_or_else(|| {
            let known = words(NoticeKind::ALL.iter().map(|kind| kind.as_str()).collect());
            Error::invalid(format!("`{word}` is not something that people are told of: {known}"))
        })
    };
    let mut kinds = new.on.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    kinds.sort_unstable();
    kinds.dedup();
    let zone = match &new.time_zone {
        None => Zone::utc(),
        Some(name) => name.parse().map_err(|error| invalid(&error))?,
    };
    let quiet = new.quiet.as_deref().map(|span| QuietHours::parse(span, zone.clone()));
    Ok(NewTarget {
        via,
        name: new.name.map(|name| name.parse::<TargetName>()).transpose().map_err(|error| invalid(&error))?,
        address: SecretString::from(new.address),
        key: new.key.map(SecretString::from),
        kinds,
        include_text: new.include_text,
        quiet: quiet.transpose().map_err(|error| invalid(&error))?,
        zone,
    })
}
