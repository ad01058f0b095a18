//! Models of the installation and of a tenant: what is chosen, what it may cost, what it has cost.

use axum::{Json, extract::State};

use crate::{
    api,
    app::{models::ModelReport, secrets::Owner},
    domain::{
        cost::{Budget, PicoDollars},
        model::{Model, ModelChoice, ModelRole},
    },
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{Named, Params, Payload},
        map,
    },
};

/// Days of usage that are shown unless said.
const DAYS: u32 = 30;

pub async fn show(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::Models>, Error> {
    show_in(&edge, Owner::Installation(&caller)).await
}

pub async fn show_of_tenant(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Models>, Error> {
    show_in(&edge, Owner::Tenant(&tenant)).await
}

pub async fn choose(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Named(role): Named,
    Payload(choice): Payload<api::UseModel>,
) -> Result<Json<api::ModelUsed>, Error> {
    choose_in(&edge, Owner::Installation(&caller), &role, choice).await
}

pub async fn choose_for_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Named(role): Named,
    Payload(choice): Payload<api::UseModel>,
) -> Result<Json<api::ModelUsed>, Error> {
    choose_in(&edge, Owner::Tenant(&tenant), &role, choice).await
}

pub async fn limit(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(budget): Payload<api::Budget>,
) -> Result<Json<api::Budget>, Error> {
    limit_in(&edge, Owner::Installation(&caller), budget).await
}

pub async fn limit_of_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(budget): Payload<api::Budget>,
) -> Result<Json<api::Budget>, Error> {
    limit_in(&edge, Owner::Tenant(&tenant), budget).await
}

pub async fn prices(State(edge): State<Edge>, Asking(_): Asking) -> Json<api::List<api::ModelPrice>> {
    Json(map::prices(edge.app.models.prices()))
}

pub async fn usage(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::UsageQuery>,
) -> Result<Json<api::UsageReport>, Error> {
    Ok(Json(map::usage(edge.app.usage(&tenant, query.days.unwrap_or(DAYS)).await?)))
}

async fn show_in(edge: &Edge, owner: Owner<'_>) -> Result<Json<api::Models>, Error> {
    let ModelReport { settings, providers } = edge.app.model_report(owner).await?;
    Ok(Json(map::models(&settings, providers)))
}

async fn choose_in(
    edge: &Edge,
    owner: Owner<'_>,
    role: &str,
    choice: api::UseModel,
) -> Result<Json<api::ModelUsed>, Error> {
    let role = ModelRole::parse(role).ok_or_else(|| Error::invalid("the roles are chat, embed and vision"))?;
    let model = |text: &str| Model::parse(text).map_err(|error| Error::invalid(error.to_string()));
    let fallbacks = choice.fallbacks.iter().map(|text| model(text)).collect::<Result<_, _>>()?;
    let choice = ModelChoice { model: model(&choice.model)?, fallbacks };
    let change = edge.app.use_model(owner, role, choice).await?;
    Ok(Json(api::ModelUsed {
        choice: map::model_choice(role, &change.choice),
        changed: change.changed,
        keys_missing: change.keys_missing,
    }))
}

async fn limit_in(edge: &Edge, owner: Owner<'_>, budget: api::Budget) -> Result<Json<api::Budget>, Error> {
    let limit = |text: &Option<String>| {
        text.as_deref().map(PicoDollars::parse).transpose().map_err(|error| Error::invalid(error.to_string()))
    };
    let limits = Budget {
        day: limit(&budget.day_usd)?,
        month: limit(&budget.month_usd)?,
        conversation: limit(&budget.conversation_usd)?,
        turn: None,
    };
    edge.app.limit_models(owner, limits).await?;
    Ok(Json(map::budget(limits)))
}
