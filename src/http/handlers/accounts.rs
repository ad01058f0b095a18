//! Connected accounts.

use axum::{Json, extract::State};
use secrecy::SecretString;

use crate::{
    api,
    app::accounts,
    domain::channel::AccountId,
    http::{Edge, Error, caller::Scope, extract::Payload, map},
};

pub async fn list(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::List<api::Account>>, Error> {
    let accounts = accounts::list(&tenant, edge.app.store.control()).await?;
    Ok(Json(map::list(accounts, map::account)))
}

pub async fn connect(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(new): Payload<api::Connect>,
) -> Result<Json<api::Account>, Error> {
    if new.channel != "instagram" {
        return Err(Error::invalid(format!("`{}` is not a channel that can be connected: instagram", new.channel)));
    }
    if new.account_id.is_empty() || !new.account_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid(format!("`{}` is not an Instagram account id: digits only", new.account_id)));
    }
    let Some(token) = new.token.filter(|token| !token.trim().is_empty()) else {
        return Err(Error::invalid("a token is needed to connect the account"));
    };
    let token = SecretString::from(token);
    let account = edge.app.connect_instagram(&tenant, AccountId(new.account_id), token).await?;
    Ok(Json(map::account(account)))
}
