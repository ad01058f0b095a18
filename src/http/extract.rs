//! Extractors that refuse in our own words and shape.

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Query, RawPathParams, Request,
        rejection::{BytesRejection, JsonRejection},
    },
    http::request::Parts,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Error;
use crate::domain::{ConversationId, MessageId, TurnId, product::ProductKey};

/// A JSON body.
pub(super) struct Payload<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Payload<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(Error::invalid(error.body_text())),
            Err(error) => Err(Error::body(error.status(), error.body_text())),
        }
    }
}

/// The query string.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|error| Error::invalid(error.body_text()))
    }
}

/// The whole body, as it came.
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|error: BytesRejection| Error::body(error.status(), error.body_text()))
    }
}

/// One part of the path, decoded.
pub(super) async fn path_param(parts: &mut Parts, name: &str) -> Result<String, Error> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|error| Error::invalid(error.body_text()))?;
    let found = params.iter().find(|&(known, _)| known == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| Error::invalid(format!("the path names no `{name}`")))
}

/// The conversation in the path.
pub(super) struct InConversation(pub(super) ConversationId);

impl<S: Sync> FromRequestParts<S> for InConversation {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let id = path_param(parts, "id").await?.parse::<ConversationId>();
        id.map(Self).map_err(|error| Error::invalid(error.to_string()))
    }
}

/// The turn in the path.
pub(super) struct OfTurn(pub(super) TurnId);

impl<S: Sync> FromRequestParts<S> for OfTurn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let turn = path_param(parts, "turn").await?.parse::<TurnId>();
        turn.map(Self).map_err(|error| Error::invalid(error.to_string()))
    }
}

/// The picture in the path: its message, and which of the message's.
pub(super) struct OfPicture(pub(super) MessageId, pub(super) usize);

impl<S: Sync> FromRequestParts<S> for OfPicture {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let message = path_param(parts, "message").await?.parse::<MessageId>();
        let message = message.map_err(|error| Error::invalid(error.to_string()))?;
        let number = path_param(parts, "n").await?;
        let number =
            number.parse().map_err(|_| Error::invalid(format!("`{number}` is not the number of a picture")))?;
        Ok(Self(message, number))
    }
}

/// The product in the path.
pub(super) struct OfProduct(pub(super) ProductKey);

impl<S: Sync> FromRequestParts<S> for OfProduct {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        path_param(parts, "key").await.map(|key| Self(ProductKey(key)))
    }
}

/// The name in the path.
pub(super) struct Named(pub(super) String);

impl<S: Sync> FromRequestParts<S> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        path_param(parts, "name").await.map(Self)
    }
}
