//! E-mail through the installation's mail server: plain text, one connection a message.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{
        Mailbox, MessageBuilder,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::{Message, failed};
use crate::domain::notify::{NotifyOutcome, is_loopback};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// It begins in the clear and must change to TLS before anything is said.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all: only to this very machine.
    None,
}

/// The mail server, as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// Its host name; its certificate must be for it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Who we are there, where it wants to know.
    pub username: Option<String>,
    /// Whom mails come from.
    pub from: Mailboxes,
}

/// One or more mailboxes: `Shop <staff@shop.example>, owner@shop.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailboxes(Vec<Mailbox>);

/// Text that is no list of mailboxes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mailbox such as staff@shop.example")]
pub struct InvalidMailbox(String);

impl Mailboxes {
    /// The most mailboxes of one target.
    pub const MAX: usize = 10;

    /// Reads mailboxes that are separated by commas.
    pub fn parse(text: &str) -> Result<Self, InvalidMailbox> {
        let invalid = || InvalidMailbox(text.to_owned());
        let parsed: lettre::message::Mailboxes = text.trim().parse().map_err(|_| invalid())?;
        let all: Vec<_> = parsed.into_iter().collect();
        if (1..=Self::MAX).contains(&all.len()) { Ok(Self(all)) } else { Err(invalid()) }
    }
}

impl std::fmt::Display for Mailboxes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

pub(super) async fn send(
    server: &MailServer,
    password: Option<&SecretString>,
    to: &Mailboxes,
    message: &Message,
    timeout: Duration,
) -> NotifyOutcome {
    let mail = match mail(server, to, message) {
        Ok(mail) => mail,
        Err(_) => return NotifyOutcome::Refused { reason: "no mail can be made of it".into() },
    };
    let tls = match protection(server) {
        Ok(tls) => tls,
        Err(reason) => return NotifyOutcome::Refused { reason },
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
        .port(server.port)
        .tls(tls)
        .timeout(Some(timeout));
    if let Some(username) = &server.username {
        let password = password.map(|password| password.expose_secret().to_owned()).unwrap_or_default();
        transport = transport.credentials(Credentials::new(username.clone(), password));
    }
    match transport.build::<Tokio1Executor>().send(mail).await {
        Ok(_) => NotifyOutcome::Sent,
        Err(error) => {
            let answered = error.status().map(|code| format!("the mail server answers {code}"));
            match answered {
                Some(reason) if error.is_permanent() => NotifyOutcome::Refused { reason },
                Some(reason) => failed(reason),
                None if error.is_timeout() => failed("no answer from the mail server in time"),
                None if error.is_tls() => failed("no TLS with the mail server: its certificate or its settings"),
                None if error.is_client() => failed("the mail server does not offer what is needed (TLS or a login)"),
                None => failed("the mail server could not be reached"),
            }
        }
    }
}

/// Where the settings ask for a plain connection to another machine, nothing is sent.
fn protection(server: &MailServer) -> Result<Tls, String> {
    let parameters =
        || TlsParameters::new(server.host.clone()).map_err(|_| "TLS cannot be set up for the mail server".to_owned());
    match server.tls {
        MailTls::StartTls => Ok(Tls::Required(parameters()?)),
        MailTls::Implicit => Ok(Tls::Wrapper(parameters()?)),
        MailTls::None if is_loopback(&server.host) => Ok(Tls::None),
        MailTls::None => Err("the mail server is another machine, and the connection would not be protected".into()),
    }
}

fn mail(server: &MailServer, to: &Mailboxes, message: &Message) -> Result<lettre::Message, lettre::error::Error> {
    let from = server.from.0.first().cloned().ok_or(lettre::error::Error::MissingFrom)?;
    let domain = from.email.domain().to_owned();
    let made_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(message.created_at.0).unwrap_or(0));
    let builder: MessageBuilder = lettre::Message::builder()
        .from(from)
        .date(made_at)
        // The same at every attempt: a mailbox that has it already shows it once.
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .subject(message.title.clone())
        .header(ContentType::TEXT_PLAIN)
        // No machine answers it, and people can sort it by the shop.
        .raw_header(raw("Auto-Submitted", "auto-generated".into()))
        .raw_header(raw("X-Auto-Response-Suppress", "All".into()))
        .raw_header(raw("List-Id", format!("<{}.notify.{domain}>", message.slug)));
    let builder = to.0.iter().cloned().fold(builder, MessageBuilder::to);
    builder.body(message.body.clone())
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_read_with_and_without_names() {
        let read = Mailboxes::parse("Staff <staff@shop.example>, owner@shop.example").expect("two");
        assert_eq!(read.0.len(), 2);
        for bad in ["", "staff", "a@b, ", "a@b\r\nBcc: x@y", &["a@b.example"; 11].join(",")] {
            assert!(Mailboxes::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_plain_connection_goes_to_this_machine_only() {
        let server = |host: &str| MailServer {
            host: host.into(),
            port: 25,
            tls: MailTls::None,
            username: None,
            from: Mailboxes::parse("aura@shop.example").expect("one"),
        };
        for here in ["localhost", "127.0.0.1", "::1"] {
            assert!(protection(&server(here)).is_ok(), "{here}");
        }
        for elsewhere in ["mail.example", "10.0.0.1", "localhost.example"] {
            assert!(protection(&server(elsewhere)).is_err(), "{elsewhere}");
        }
    }
}
