//! A check-up, and one that mends what is safe to mend.

use axum::{Json, extract::State};

use crate::{
    api,
    app::{
        Caller,
        doctor::{Check, Wanted},
    },
    http::{Edge, Error, caller::Asking, extract::Params},
};

pub async fn look(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Params(query): Params<api::DoctorQuery>,
) -> Result<Json<api::DoctorReport>, Error> {
    examine(&edge, &caller, query, false).await
}

pub async fn mend(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Params(query): Params<api::DoctorQuery>,
) -> Result<Json<api::DoctorReport>, Error> {
    examine(&edge, &caller, query, true).await
}

async fn examine(
    edge: &Edge,
    caller: &Caller,
    query: api::DoctorQuery,
    fix: bool,
) -> Result<Json<api::DoctorReport>, Error> {
    let api::DoctorQuery { checks, online, chains, asked_by } = query;
    let words = checks.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    let only = words.map(parse).collect::<Result<_, _>>()?;
    let wanted = Wanted { only, online, chains, fix, asked_by };
    Ok(Json(api::DoctorReport::of(edge.app.doctor(caller, &wanted).await?)))
}

fn parse(word: &str) -> Result<Check, Error> {
    Check::parse(word).ok_or_else(|| {
        let known: Vec<_> = Check::ALL.iter().map(|check| check.as_str()).collect();
        Error::invalid(format!("`{word}` is no check: {}", known.join(", ")))
    })
}
