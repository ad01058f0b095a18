//! The targets that a tenant's people are told through: adding, listing, removing, trying.
//!
//! An address may be as good as a password (a chat's webhook, an ntfy topic), so it is sealed with the target's key, and
//! only a part of it is shown.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{App, Error, TenantCtx, secrets::KnownSecret};
use crate::{
    config,
    domain::{
        NotificationId, TargetId, TenantId,
        notify::{NoticeKind, Notification, NotifyOutcome, QuietHours, Target, TargetName, TargetState, Via, Zone},
        secret::{SecretName, SecretScope},
        tenant::Tenant,
    },
    notify::{Destination, MailServer, MailTls, Mailboxes, Shop, SigningKey, compose},
    store,
};

/// The longest address that can be real, in bytes.
const ADDRESS_BYTES_MAX: usize = 2_048;
/// The longest topic that ntfy takes.
const TOPIC_BYTES_MAX: usize = 64;
/// As much of a topic as is shown.
const TOPIC_SHOWN: usize = 3;

/// A target to add.
#[derive(Clone, Debug)]
pub struct NewTarget {
    /// How it is reached.
    pub via: Via,
    /// What people will call it; `None`: as it is reached.
    pub name: Option<TargetName>,
    /// A URL, mailboxes, or a topic.
    pub address: SecretString,
    /// A webhook's signing key, made here if there is none; ntfy's token.
    pub key: Option<SecretString>,
    /// What it wants to hear of; empty: everything.
    pub kinds: Vec<NoticeKind>,
    /// Whether the shopper's words go along.
    pub include_text: bool,
    /// In which times are told to it.
    pub zone: Zone,
    /// When it is not told.
    pub quiet: Option<QuietHours>,
}

/// A target as it was added.
#[derive(Debug)]
pub struct AddedTarget {
    /// The target.
    pub target: Target,
    /// The webhook's signing key if it was made here. Shown now and never again.
    pub key: Option<Zeroizing<String>>,
}

/// What is sealed of a target.
#[derive(Serialize, Deserialize)]
struct Sealed {
    address: String,
    #[serde(default)]
    key: Option<String>,
}

/// An address that was found to be one.
struct CheckedAddress {
    address: String,
    shown: String,
}

impl App {
    /// Adds a target. What has happened before is not told to it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when address or key cannot be ones, or the way is not configured; [`Error::Conflict`] when the
    /// name is taken.
    pub async fn notify_add(&self, tenant: &TenantCtx, new: NewTarget) -> Result<AddedTarget, Error> {
        let checked = self.checked_address(new.via, new.address.expose_secret().trim())?;
        let (key, made) = checked_key(new.via, new.key)?;
        let name = match new.name {
            Some(name) => name,
            None => {
                new.via.as_str().parse().map_err(|_| invalid("the target needs a name", "Give one with --name."))?
            }
        };
        let kinds = if new.kinds.is_empty() { NoticeKind::ALL.to_vec() } else { new.kinds };
        let act = tenant.act(self.clock.now());
        let target = Target {
            id: TargetId::next(&*self.ids),
            name,
            via: new.via,
            shown: checked.shown,
            kinds,
            include_text: new.include_text,
            zone: new.zone,
            quiet: new.quiet,
            created_at: act.at,
        };
        // The secret first: one that no target names is harmless, a target without its address is not.
        let sealed = Sealed { address: checked.address, key: key.as_ref().map(|key| key.to_string()) };
        let value = Zeroizing::new(serde_json::to_string(&sealed).map_err(|source| Error::Failed {
            message: "the target's address cannot be kept".into(),
            source: Some(source.into()),
        })?);
        let secret = self.secrets.seal_next(tenant.scope(), secret_name(target.id)?, &value).await?;
        self.store.control().put_secret(secret, act).await?;
        self.secrets.forget(tenant.scope());
        if let Err(error) = self.tenant_store(tenant).await?.add_notify_target(target.clone()).await {
            self.forget_address(tenant, target.id).await?;
            return Err(match error {
                store::Error::Conflict(message) => Error::Conflict {
                    message,
                    hint: Some("Give another name with --name, or remove one first.".into()),
                },
                other => other.into(),
            });
        }
        Ok(AddedTarget { target, key: made.then_some(key).flatten() })
    }

    /// The tenant's targets, by name, and how their notifications fare.
    pub async fn notify_list(&self, tenant: &TenantCtx) -> Result<Vec<TargetState>, Error> {
        Ok(self.tenant_store(tenant).await?.notify_targets().await?)
    }

    /// Removes a target, its address and key, and whatever it was still to be told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant has no such target.
    pub async fn notify_remove(&self, tenant: &TenantCtx, name: &str) -> Result<(), Error> {
        let target = self.notify_target(tenant, name).await?;
        self.tenant_store(tenant).await?.remove_notify_target(target.id).await?;
        self.forget_address(tenant, target.id).await
    }

    /// Sends a test to a target now, the same way as everything else goes.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant has no such target. That it does not arrive is an outcome, not an error.
    pub async fn notify_test(&self, tenant: &TenantCtx, name: &str) -> Result<NotifyOutcome, Error> {
        let target = self.notify_target(tenant, name).await?;
        let test = Notification {
            id: NotificationId::next(&*self.ids),
            created_at: self.clock.now(),
            notices: Vec::new(),
            counts: Vec::new(),
        };
        self.notify_send(tenant.tenant(), &target, &test).await
    }

    async fn notify_target(&self, tenant: &TenantCtx, name: &str) -> Result<Target, Error> {
        let targets = self.notify_list(tenant).await?;
        let found = targets.into_iter().map(|state| state.target).find(|target| target.name.as_str() == name);
        found.ok_or_else(|| Error::NotFound {
            what: "notify target",
            name: name.to_owned(),
            hint: Some(format!("`aura notify list -t {}` shows them.", tenant.tenant().slug)),
        })
    }

    /// Makes one attempt to tell a target, and counts and logs what came of it.
    pub(super) async fn notify_send(
        &self,
        tenant: &Tenant,
        target: &Target,
        notification: &Notification,
    ) -> Result<NotifyOutcome, Error> {
        let started_at = self.clock.now();
        let outcome = match self.destination(tenant.id, target).await {
            Ok(destination) => {
                let shop = Shop { slug: tenant.slug.to_string(), name: tenant.name.clone(), language: tenant.language };
                let message = compose(&shop, target, notification);
                self.sender.send(&destination, &message, started_at).await
            }
            // The settings have changed since it was added; a person may change them back.
            Err(Error::Invalid { message, .. }) => NotifyOutcome::Failed { reason: message, retry_after_ms: None },
            Err(error) => return Err(error),
        };
        self.metrics.notify_attempts.with_label_values(&[outcome.as_str()]).inc();
        tracing::info!(
            tenant.id = %tenant.id, target.id = %target.id, via = target.via.as_str(),
            notification.id = %notification.id, notices = notification.total(), outcome = outcome.as_str(),
            reason = outcome.reason(), elapsed_ms = self.clock.now().since_ms(started_at), "people notified"
        );
        Ok(outcome)
    }

    async fn destination(&self, tenant: TenantId, target: &Target) -> Result<Destination, Error> {
        let scope = SecretScope::Tenant(tenant);
        let opened = self.secrets.read(scope, secret_name(target.id)?).await?;
        let opened = opened.ok_or_else(|| Error::NotFound {
            what: "address of the notify target",
            name: target.name.to_string(),
            hint: Some("Remove the target and add it again.".into()),
        })?;
        let unreadable = || Error::Failed { message: "a notify target's address is not readable".into(), source: None };
        let Sealed { address, key } = serde_json::from_str(opened.expose_secret()).map_err(|_| unreadable())?;
        let url = || Url::parse(&address).map_err(|_| unreadable());
        Ok(match target.via {
            Via::Webhook => {
                let key = key.as_deref().and_then(|key| SigningKey::parse(key).ok());
                Destination::Webhook { url: url()?, key: key.ok_or_else(unreadable)? }
            }
            Via::Smtp => Destination::Smtp {
                to: Mailboxes::parse(&address).map_err(|_| unreadable())?,
                server: self.mail_server()?,
                password: self.secrets.resolve(&KnownSecret::NotifySmtpPassword, Some(tenant)).await?,
            },
            Via::Ntfy => {
                let (server, topic) = split_topic(&address).ok_or_else(unreadable)?;
                Destination::Ntfy { server, topic, token: key.map(SecretString::from) }
            }
        })
    }

    async fn forget_address(&self, tenant: &TenantCtx, target: TargetId) -> Result<(), Error> {
        let (scope, act) = (tenant.scope(), tenant.act(self.clock.now()));
        self.store.control().remove_secret(scope, secret_name(target)?, act).await?;
        self.secrets.forget(scope);
        Ok(())
    }

    /// The mail server of the configuration.
    fn mail_server(&self) -> Result<MailServer, Error> {
        let smtp = &self.config.notify.smtp;
        let (Some(host), Some(from)) = (&smtp.host, &smtp.from) else {
            return Err(invalid(
                "no mail server is configured",
                "Set `notify.smtp.host` and `notify.smtp.from`, and the password with \
                 `aura secret set notify.smtp.password`.",
            ));
        };
        let from = Mailboxes::parse(from)
            .map_err(|_| invalid("`notify.smtp.from` is not a mailbox", "It looks like Aura <aura@shop.example>."))?;
        let tls = match smtp.tls {
            config::SmtpTls::Starttls => MailTls::StartTls,
            config::SmtpTls::Implicit => MailTls::Implicit,
            config::SmtpTls::None => MailTls::None,
        };
        Ok(MailServer { host: host.clone(), port: smtp.port, tls, username: smtp.username.clone(), from })
    }

    /// An address that may be called: https on the public internet, or what the operator allows.
    fn checked_url(&self, text: &str) -> Result<Url, Error> {
        self.sender.check(text).map_err(|refusal| invalid(&refusal.to_string(), refusal.rule.hint()))
    }

    fn checked_address(&self, via: Via, address: &str) -> Result<CheckedAddress, Error> {
        if address.is_empty() || address.len() > ADDRESS_BYTES_MAX {
            return Err(invalid("the address is empty or too long", "See `aura notify add --help`."));
        }
        match via {
            Via::Webhook => {
                let url = self.checked_url(address)?;
                Ok(CheckedAddress { shown: url.origin().ascii_serialization(), address: url.into() })
            }
            Via::Smtp => {
                self.mail_server()?;
                let to = Mailboxes::parse(address)
                    .map_err(|error| invalid(&error.to_string(), "Several are separated by commas; ten at most."))?;
                Ok(CheckedAddress { address: to.to_string(), shown: to.to_string() })
            }
            Via::Ntfy => {
                let whole = match address.contains("://") {
                    true => address.to_owned(),
                    false => format!("{}/{address}", self.config.notify.ntfy_server),
                };
                let url = self.checked_url(&whole)?;
                let (server, topic) = split_topic(url.as_str()).ok_or_else(|| {
                    invalid("that is no topic", "It has up to 64 of letters, digits, `-` and `_`, or is a topic's URL.")
                })?;
                let begins: String = topic.chars().take(TOPIC_SHOWN).collect();
                Ok(CheckedAddress { shown: format!("{server}{begins}…"), address: url.into() })
            }
        }
    }
}

/// The key to keep, and whether it was made here.
fn checked_key(via: Via, given: Option<SecretString>) -> Result<(Option<Zeroizing<String>>, bool), Error> {
    let given = given.map(|key| Zeroizing::new(key.expose_secret().trim().to_owned())).filter(|key| !key.is_empty());
    match (via, given) {
        (Via::Webhook, None) => {
            let key = SigningKey::generate().map_err(|source| Error::Failed {
                message: "the system has no random numbers".into(),
                source: Some(source.into()),
            })?;
            Ok((Some(key.written()), true))
        }
        (Via::Webhook, Some(key)) => {
            let key = SigningKey::parse(&key)
                .map_err(|error| invalid(&error.to_string(), "Leave it out, and Aura makes one."))?;
            Ok((Some(key.written()), false))
        }
        (Via::Ntfy, Some(token)) if token.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Err(invalid("the token holds white space or control characters", "Give one line and nothing else."))
        }
        (Via::Ntfy, token) => Ok((token, false)),
        (Via::Smtp, None) => Ok((None, false)),
        (Via::Smtp, Some(_)) => Err(invalid(
            "a mailbox has no key",
            "The mail server's password is set with `aura secret set notify.smtp.password`.",
        )),
    }
}

/// The server and the topic of `https://ntfy.example/topic`.
fn split_topic(address: &str) -> Option<(Url, String)> {
    let mut url = Url::parse(address).ok()?;
    let topic = url.path_segments()?.next_back()?.to_owned();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=TOPIC_BYTES_MAX).contains(&topic.len()) || !topic.bytes().all(plain) {
        return None;
    }
    url.path_segments_mut().ok()?.pop().push("");
    url.set_query(None);
    Some((url, topic))
}

fn secret_name(target: TargetId) -> Result<SecretName, Error> {
    SecretName::parse(&format!("notify:{target}")).map_err(|source| Error::Failed {
        message: "a target's id names no secret".into(),
        source: Some(source.into()),
    })
}

fn invalid(message: &str, hint: &str) -> Error {
    Error::Invalid { message: message.to_owned(), hint: Some(hint.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_last_part_of_its_address() {
        let (server, topic) = split_topic("https://ntfy.example/base/our-shop_1").expect("a topic");
        assert_eq!((server.as_str(), topic.as_str()), ("https://ntfy.example/base/", "our-shop_1"));
        for bad in ["https://ntfy.example", "https://ntfy.example/a.b", "https://ntfy.example/a/", "x"] {
            assert!(split_topic(bad).is_none(), "{bad}");
        }
    }
}
