//! ntfy: a push to everybody who follows a topic, published as JSON, which takes UTF-8 titles.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::{Message, http_outcome};
use crate::domain::notify::NotifyOutcome;

/// The longest message that ntfy shows as one (longer ones become attachments), in bytes.
const MESSAGE_BYTES_MAX: usize = 4_000;

pub(super) async fn send(
    client: &reqwest::Client,
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
    let mut request = client.post(server.clone()).json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    http_outcome(request.send().await)
}
