//! Reaching a tenant's people: what a message says, and the ways it goes: webhook, e-mail, ntfy.
//!
//! One call is one attempt: nothing is retried, redirected or remembered here. Neither addresses nor secrets nor what the
//! other side says appear in an outcome.

mod message;
mod ntfy;
mod smtp;
mod webhook;
mod wording;

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use message::{Message, Shop, compose};
pub use smtp::{InvalidMailbox, MailServer, MailTls, Mailboxes};
pub use webhook::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, InvalidKey, SigningKey};

use crate::{
    domain::{Timestamp, notify::NotifyOutcome},
    net,
};

/// Where a message goes, with everything that is needed to get it there. Never printed: addresses may be secrets.
pub enum Destination {
    /// A POST of JSON, signed.
    Webhook {
        /// Where to.
        url: Url,
        /// Signs it.
        key: SigningKey,
    },
    /// E-mail.
    Smtp {
        /// To whom.
        to: Mailboxes,
        /// Through which server.
        server: MailServer,
        /// Its password, where it wants one.
        password: Option<SecretString>,
    },
    /// A push.
    Ntfy {
        /// Through which server.
        server: Url,
        /// To which topic.
        topic: String,
        /// The token of an account there.
        token: Option<SecretString>,
    },
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Webhook { .. } => "Webhook(***)",
            Self::Smtp { .. } => "Smtp(***)",
            Self::Ntfy { .. } => "Ntfy(***)",
        })
    }
}

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Sender {
    client: reqwest::Client,
    timeout: Duration,
}

impl Sender {
    /// One that gives an attempt up after `timeout`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(timeout: Duration) -> Result<Self, net::Error> {
        Ok(Self { client: net::fixed_client()?, timeout })
    }

    /// Makes one attempt.
    pub async fn send(&self, to: &Destination, message: &Message, now: Timestamp) -> NotifyOutcome {
        let attempt = async {
            match to {
                Destination::Webhook { url, key } => webhook::send(&self.client, url, key, message, now).await,
                Destination::Smtp { to, server, password } => {
                    smtp::send(server, password.as_ref(), to, message, self.timeout).await
                }
                Destination::Ntfy { server, topic, token } => {
                    ntfy::send(&self.client, server, topic, token.as_ref(), message).await
                }
            }
        };
        let late = || failed(format!("no answer within {} s", self.timeout.as_secs_f32()));
        tokio::time::timeout(self.timeout, attempt).await.unwrap_or_else(|_| late())
    }
}

fn failed(reason: impl Into<String>) -> NotifyOutcome {
    NotifyOutcome::Failed { reason: reason.into(), retry_after_ms: None }
}

/// What an HTTP answer means. Its body is not read: what it says is nobody's business here.
fn http_outcome(answer: Result<reqwest::Response, reqwest::Error>) -> NotifyOutcome {
    let response = match answer {
        Ok(response) => response,
        Err(error) if error.is_timeout() => return failed("no answer in time"),
        Err(error) if error.is_connect() => return failed("the host could not be reached"),
        Err(_) => return failed("the connection broke off"),
    };
    let status = response.status();
    let code = status.as_u16();
    match code {
        _ if status.is_success() => NotifyOutcome::Sent,
        408 | 409 | 425 | 429 | 500..=599 => {
            let wait = response.headers().get(reqwest::header::RETRY_AFTER);
            let seconds = wait.and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
            let retry_after_ms = seconds.map(|seconds| i64::from(seconds) * 1_000);
            NotifyOutcome::Failed { reason: format!("it answers {code}"), retry_after_ms }
        }
        300..=399 => NotifyOutcome::Refused { reason: format!("it answers {code}, and redirects are not followed") },
        _ => NotifyOutcome::Refused { reason: format!("it answers {code}") },
    }
}

#[cfg(test)]
mod tests;
