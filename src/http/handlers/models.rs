//! Models of the installation and of a tenant: what is chosen, what it may cost, what it has cost.

use axum::{Json, body::Body, extract::State, http::header, response::IntoResponse};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::chat::TEXT_BYTES_MAX;
use crate::{
    api,
    app::secrets::Owner,
    domain::{
        chat::ModelRef,
        cost::{Budget, PicoDollars},
        model::{Model, ModelChoice, ModelRole},
    },
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{Named, Params, Payload},
        map,
    },
    provider::ollama::PullProgress,
};

/// Days of usage that are shown unless said.
const DAYS: u32 = 30;

pub async fn show(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::Models>, Error> {
    show_in(&edge, Owner::Installation(&caller)).await
}

pub async fn show_of_tenant(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Models>, Error> {
    show_in(&edge, Owner::Tenant(&tenant)).await
}

pub async fn health(State(edge): State<Edge>, _: Asking) -> Result<Json<api::ModelHealth>, Error> {
    Ok(Json(map::model_health(edge.app.model_health().await?)))
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

pub async fn preview(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(wanted): Payload<api::ModelPreview>,
) -> Result<Json<api::ModelPreviewed>, Error> {
    let api::ModelPreview { question, models } = wanted;
    if question.trim().is_empty() || question.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid(format!("a question has 1 to {TEXT_BYTES_MAX} bytes")));
    }
    let model = |text: &String| Model::parse(text).map_err(|error| Error::invalid(error.to_string()));
    let models = models.iter().map(model).collect::<Result<_, _>>()?;
    Ok(Json(map::model_previewed(edge.app.preview_models(&tenant, &question, models).await?)))
}

pub async fn usage(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::UsageQuery>,
) -> Result<Json<api::UsageReport>, Error> {
    Ok(Json(map::usage(edge.app.usage(&tenant, query.days.unwrap_or(DAYS)).await?)))
}

pub async fn test(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(wanted): Payload<api::TestModel>,
) -> Result<Json<api::ModelTest>, Error> {
    test_in(&edge, Owner::Installation(&caller), wanted).await
}

pub async fn test_for_tenant(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(wanted): Payload<api::TestModel>,
) -> Result<Json<api::ModelTest>, Error> {
    test_in(&edge, Owner::Tenant(&tenant), wanted).await
}

/// A line each; an error after the answer has begun is a last line `{"error":{…}}`.
pub async fn pull(
    State(edge): State<Edge>,
    Asking(_): Asking,
    Payload(wanted): Payload<api::PullModel>,
) -> Result<impl IntoResponse, Error> {
    let model = remote(&wanted.model)?;
    let mut steps = edge.app.pull_model(&model).await?;
    // What is refused outright is answered so.
    let first = steps.next().await.transpose()?;
    let steps = stream::iter(first.map(Ok)).chain(steps);
    let lines = steps.map(|step| {
        let mut line = match step {
            Ok(PullProgress { status, completed, total, is_done: done }) => {
                serde_json::to_vec(&api::PullProgress { status, completed, total, done })
            }
            Err(error) => serde_json::to_vec(&api::ProblemBody { error: Error::from(error).into_problem() }),
        }?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    Ok(([(header::CONTENT_TYPE, super::NDJSON)], Body::from_stream(lines)))
}

async fn test_in(edge: &Edge, owner: Owner<'_>, wanted: api::TestModel) -> Result<Json<api::ModelTest>, Error> {
    let model = wanted.model.as_deref().map(remote).transpose()?;
    Ok(Json(map::model_test(edge.app.try_model(owner, model).await?)))
}

fn remote(text: &str) -> Result<ModelRef, Error> {
    let model = Model::parse(text).map_err(|error| Error::invalid(error.to_string()))?;
    model
        .remote()
        .cloned()
        .ok_or_else(|| Error::invalid("`builtin` is Aura's own: there is nothing to try or to fetch"))
}

async fn show_in(edge: &Edge, owner: Owner<'_>) -> Result<Json<api::Models>, Error> {
    Ok(Json(map::models(edge.app.model_report(owner).await?)))
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
