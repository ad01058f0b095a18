//! Sends a webhook as Meta would. The daemon signs it: no secret leaves it.

use axum::{Extension, Json, extract::State};

use crate::{
    api,
    domain::RequestId,
    http::{Edge, Error, caller::Scope, extract::Raw},
};

/// The body goes to the webhook path byte for byte: Meta signs bytes, not JSON.
pub async fn trigger(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Extension(request): Extension<RequestId>,
    Raw(body): Raw,
) -> Result<Json<api::Triggered>, Error> {
    edge.app.trigger(&tenant, request, body).await?;
    Ok(Json(api::Triggered { status: 200 }))
}
