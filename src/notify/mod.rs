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

use reqwest::header::HeaderMap;
use secrecy::SecretString;
use url::Url;

pub use message::{Message, Shop, compose};
pub use smtp::{InvalidMailbox, MailServer, MailTls, Mailboxes};
pub use webhook::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, InvalidKey, SigningKey};

use crate::{
    domain::{Timestamp, notify::NotifyOutcome},
    net::{self, Answer, Guarded, Plain, Refusal},
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

/// Sends messages. Webhooks and pushes go by the guarded client: their addresses are chosen by a shop's people.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Guarded,
    timeout: Duration,
}

impl Sender {
    /// One that gives an attempt up after `timeout`.
    #[must_use]
    pub const fn new(client: Guarded, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// Judges the address of a webhook or of an ntfy server by all that can be known before it is called.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(&self, url: &str) -> Result<Url, Refusal> {
        self.client.check(url, Plain::Never).map(|target| target.url().clone())
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

/// Posts to an address, if it may be called, and says what the answer means. Its body is not read: what it says is
/// nobody's business here.
async fn post(client: &Guarded, url: &Url, headers: HeaderMap, body: Vec<u8>) -> NotifyOutcome {
    let answer = match client.check(url.as_str(), Plain::Never) {
        Ok(target) => client.post(&target, headers, body).await,
        Err(refusal) => Err(refusal.into()),
    };
    let Answer { status, retry_after } = match answer {
        Ok(answer) => answer,
        // The address stays out of it; what helps is the same for all.
        Err(net::Error::Refused(refusal)) => {
            let reason = format!("{}. {}", refusal.rule, refusal.rule.hint());
            return NotifyOutcome::Refused { reason };
        }
        Err(net::Error::Late { .. }) => return failed("no answer in time"),
        Err(net::Error::NoAddress { .. } | net::Error::Unreachable { .. }) => {
            return failed("the host could not be reached");
        }
        Err(_) => return failed("the connection broke off"),
    };
    match status {
        200..300 => NotifyOutcome::Sent,
        408 | 409 | 425 | 429 | 500..=599 => {
            let retry_after_ms = retry_after.and_then(|wait| i64::try_from(wait.as_millis()).ok());
            NotifyOutcome::Failed { reason: format!("it answers {status}"), retry_after_ms }
        }
        300..=399 => NotifyOutcome::Refused { reason: format!("it answers {status}, and redirects are not followed") },
        _ => NotifyOutcome::Refused { reason: format!("it answers {status}") },
    }
}

#[cfg(test)]
mod tests;
