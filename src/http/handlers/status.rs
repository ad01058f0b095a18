//! How the installation is, and its machinery.

use axum::{Json, extract::State};

use crate::{
    api,
    http::{Edge, Error, caller::Asking, map},
};

/// The version of this Aura.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub async fn version(_: Asking) -> Json<api::Version> {
    Json(api::Version { version: VERSION.into() })
}

pub async fn status(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::Status>, Error> {
    Ok(Json(map::status(edge.app.status(&caller).await?, VERSION)))
}

pub async fn system(State(edge): State<Edge>, _: Asking) -> Result<Json<api::System>, Error> {
    Ok(Json(map::system(edge.app.system().await?, VERSION)))
}
