//! ntfy: a push to everybody who follows a topic, published as JSON, which takes UTF-8 titles.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::{Message, failed, post};
use crate::{domain::notify::NotifyOutcome, net::Guarded};

/// The longest message that ntfy shows as one (longer ones become attachments), in bytes.
const MESSAGE_BYTES_MAX: usize = 4_000;

pub(super) async fn send(
    client: &Guarded,
    server: &Url,
    topic: &str,
    token: Option<&SecretString>,
    message: &Message,
) -> NotifyOutcome {
    let end = message.body.floor_char_boundary(MESSAGE_BYTES_MAX);
    let mut body = json!({
        "topic": topic, "title": message.title, "message": &message.body[..end], "priority": message.priority,
        "tags": message.tags,
    });
    if let Some(click) = message.click {
        body["click"] = click.into();
    }
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    if let Some(token) = token {
        let Ok(mut login) = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())) else {
            return failed("the token holds characters that cannot be sent");
        };
        login.set_sensitive(true);
        headers.insert(AUTHORIZATION, login);
    }
    post(client, server, headers, body.to_string().into_bytes()).await
}
