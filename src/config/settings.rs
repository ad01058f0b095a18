//! Everything that can be set, one struct a component, each field with its unit and its reason.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Wrong, models::Models, providers::Providers};
use crate::{
    domain::notify::is_loopback,
    net::{Allowed, PORTS, Rules},
    secret::{MasterKeyPolicy, Secret},
};

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept. Unset: `$STATE_DIRECTORY`, else the user's XDG data folder + `/aura`. Relative in a
    /// file: to that file's folder.
    pub data_dir: Option<PathBuf>,
    /// The group of this machine (its name or number) whose members reach the daemon over `staff.sock` in the data
    /// directory, as whom `aura staff` says. Unset: there is no such socket. The directory can then be passed through,
    /// not read, by the group.
    pub staff_group: Option<String>,
    /// Address and port for webhooks and health checks; port 0 picks one. Loopback, because a proxy with TLS stands in
    /// front.
    pub listen: SocketAddr,
    /// `https://…` under which the world reaches `listen`; links in replies to Meta are made from it.
    pub public_url: Option<String>,
    /// Address and port of Prometheus text on `/metrics`, or `off`. Loopback, because figures are nobody else's business.
    pub metrics_listen: MetricsListen,
    /// The Meta app and Meta's hosts.
    pub meta: Meta,
    /// How secrets are kept.
    pub secrets: Secrets,
    /// When and how conversations are answered.
    pub conversation: Conversation,
    /// How replies are delivered.
    pub delivery: Delivery,
    /// How long things are kept.
    pub retention: Retention,
    /// What is held in memory.
    pub queue: Queue,
    /// Turns that run at the same time, over all tenants (1 to 1000). Most of a turn is waiting, so more than the cores.
    pub workers: u32,
    /// Limits on the public API.
    pub rate_limit: RateLimit,
    /// How the daemon ends.
    pub drain: Drain,
    /// What is expected of backups.
    pub backup: Backup,
    /// How people of the shops are told.
    pub notify: Notify,
    /// Where addresses may lead that others chose.
    pub net: Net,
    /// What the log says and how.
    pub log: Log,
    /// How the monitor looks and which keys it takes.
    pub tui: Tui,
    /// What answers.
    pub models: Models,
    /// Where the models of others are.
    pub providers: Providers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            staff_group: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            metrics_listen: MetricsListen::default(),
            meta: Meta::default(),
            secrets: Secrets::default(),
            conversation: Conversation::default(),
            delivery: Delivery::default(),
            retention: Retention::default(),
            queue: Queue::default(),
            workers: 20,
            rate_limit: RateLimit::default(),
            drain: Drain::default(),
            backup: Backup::default(),
            notify: Notify::default(),
            net: Net::default(),
            log: Log::default(),
            tui: Tui::default(),
            models: Models::default(),
            providers: Providers::default(),
        }
    }
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// On this address.
    At(SocketAddr),
}

impl Default for MetricsListen {
    fn default() -> Self {
        Self::At(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)))
    }
}

impl Serialize for MetricsListen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::At(address) => address.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MetricsListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| serde::de::Error::custom("neither `off` nor an address such as 127.0.0.1:9464"))
    }
}

/// The installation's Meta app. A tenant's own values in the secret store go before these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meta {
    /// The app's number in Meta's dashboard; needed for the login link.
    pub app_id: Option<String>,
    /// Signs webhooks of the Facebook Login product. Better kept with `aura secret set`.
    pub app_secret: Option<Secret>,
    /// Signs webhooks of the Instagram Login product. Better kept with `aura secret set`.
    pub instagram_app_secret: Option<Secret>,
    /// What Meta repeats in its verification handshake. Better kept with `aura secret set`.
    pub verify_token: Option<Secret>,
    /// API host for Instagram Login; the simulator and tests point it elsewhere.
    pub graph_url: String,
    /// API host for Facebook Login; the simulator and tests point it elsewhere.
    pub facebook_graph_url: String,
    /// Host of the login page.
    pub login_url: String,
    /// Host that exchanges a login's code for a token.
    pub api_url: String,
    /// Version of the Graph API, such as `v26.0`; Meta keeps one for about two years.
    pub version: String,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            app_id: None,
            app_secret: None,
            instagram_app_secret: None,
            verify_token: None,
            graph_url: "https://graph.instagram.com".into(),
            facebook_graph_url: "https://graph.facebook.com".into(),
            login_url: "https://www.instagram.com".into(),
            api_url: "https://api.instagram.com".into(),
            version: "v26.0".into(),
        }
    }
}

/// How secrets are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Where the master key lives: `auto` (systemd credential, else keyring, else a private file), `keyring`, `file`.
    pub master_key: MasterKeyPolicy,
}

/// When and how conversations are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conversation {
    /// Milliseconds of quiet before an answer (0 to 60000): shoppers write in bursts, and a picture and its question
    /// come as two events.
    pub debounce_ms: u32,
    /// Minutes that a shopper waits for the person who took over before the bot answers again (1 to 10080).
    pub takeover_minutes: u32,
    /// Minutes after which an unanswered message is left to a person (1 to 1440, the channel's window): nobody wants an
    /// answer out of the blue.
    pub max_reply_age_minutes: u32,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { debounce_ms: 3_000, takeover_minutes: 30, max_reply_age_minutes: 720 }
    }
}

/// How replies are delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Milliseconds after a send of unknown outcome at which the thread is read, twice (1 to 3600000 each): the channel
    /// shows a message late.
    pub settle_ms: [u64; 2],
}

impl Default for Delivery {
    fn default() -> Self {
        Self { settle_ms: [10_000, 60_000] }
    }
}

/// How long things are kept (1 to 3650 days each).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days that messages are kept: long enough for returns and complaints.
    pub messages_days: u32,
    /// Days that pictures and other media are kept: large, and rarely looked at again.
    pub media_days: u32,
    /// Days that events (ids and figures, no text) are kept: a year of comparisons.
    pub events_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { messages_days: 180, media_days: 30, events_days: 365 }
    }
}

/// What is held in memory; the rest waits on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Due turns of shoppers held in memory (1 to 1000000).
    pub realtime_limit: u32,
    /// Pieces of background work held in memory (1 to 1000000).
    pub bulk_limit: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self { realtime_limit: 1_000, bulk_limit: 5_000 }
    }
}

/// Limits on the public API; webhooks and health checks are never limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests a minute from one address (1 to 1000000), an IPv6 address counting for its /64. Behind a reverse proxy on
    /// this machine the address is the last one in `X-Forwarded-For`; from anywhere else that header is not believed.
    pub per_ip_per_minute: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_ip_per_minute: 60 }
    }
}

/// How the daemon ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// Milliseconds for which it goes on accepting while `/readyz` says no already (0 to 5000), so that a load balancer
    /// looks elsewhere before a request is refused.
    pub notice_ms: u32,
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice_ms: 2_000 }
    }
}

/// What is expected of backups. `aura backup` makes them; nothing makes them by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Hours after which `aura status` says that the newest backup is too old (at most ten years); 0: it never does.
    pub max_age_hours: u32,
}

/// How people of the shops are told what needs them. To whom, `aura notify add` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// The mail server.
    pub smtp: Smtp,
    /// The ntfy server of topics that are added by their name alone.
    pub ntfy_server: String,
    /// Milliseconds that one attempt may take (500 to 60000): people should hear within 10 s.
    pub timeout_ms: u32,
    /// Attempts before a notification is given up (1 to 50): twelve take about an hour and a half.
    pub attempts_max: u32,
    /// Attempts at the same time, over all tenants (1 to 1000): servers that hang hold their places until `timeout_ms`.
    pub parallel: u32,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            smtp: Smtp::default(),
            ntfy_server: "https://ntfy.sh".into(),
            timeout_ms: 8_000,
            attempts_max: 12,
            parallel: 32,
        }
    }
}

impl Notify {
    /// Host and port of [`Self::ntfy_server`].
    fn ntfy_host(&self) -> Option<Allowed> {
        let url = url::Url::parse(&self.ntfy_server).ok()?;
        format!("{}:{}", url.host()?, url.port_or_known_default()?).parse().ok()
    }
}

/// The mail server that takes the installation's mails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// Its host name; its certificate must be for it.
    pub host: Option<String>,
    /// Its port: 587 with `starttls`, 465 with `implicit`.
    pub port: u16,
    /// `starttls`, `implicit` (TLS from the first byte) or `none` (only to this very machine).
    pub tls: SmtpTls,
    /// Who we are there; unset: nobody asks.
    pub username: Option<String>,
    /// The password. Better kept with `aura secret set`.
    pub password: Option<Secret>,
    /// Whom mails come from, such as `Aura <aura@shop.example>`.
    pub from: Option<String>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self { host: None, port: 587, tls: SmtpTls::Starttls, username: None, password: None, from: None }
    }
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// It must change to TLS before anything is said.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// Where addresses may lead that others chose: pictures of shoppers, catalogues, pages, webhooks of staff. Only https and
/// http on the public internet unless something else is named here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Net {
    /// Hosts and networks of one's own that may be called all the same: `n8n:5678`, `10.1.0.0/16`, `[fd00::7]:8080`. With
    /// a port it is the only one, without one all are. No network opens a cloud's metadata service.
    pub allow: Vec<Allowed>,
    /// Public networks that may not be called: one's own behind an address translator, for instance.
    pub deny: Vec<ipnet::IpNet>,
    /// Ports of hosts that `allow` does not name.
    pub ports: Vec<u16>,
}

impl Default for Net {
    fn default() -> Self {
        Self { allow: Vec::new(), deny: Vec::new(), ports: PORTS.to_vec() }
    }
}

/// What the log says and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `auto` (text on a terminal, JSON elsewhere), `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`. Message text and secrets stay out at every level.
    pub level: LogLevel,
}

/// The log's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The least serious thing that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And outcomes, a line each.
    #[default]
    Info,
    /// And steps on the way.
    Debug,
    /// And everything.
    Trace,
}

impl LogLevel {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The monitor, `aura tui`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tui {
    /// `terminal` (its own 16 colours), `dark`, `light` or `mono`.
    pub theme: TuiTheme,
    /// Keys in place of their own, such as `quit=ctrl-q` or `reply=r w`; docs/keys.md has the names.
    pub keys: Vec<String>,
}

/// How the monitor looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TuiTheme {
    /// The terminal's own 16 colours.
    #[default]
    Terminal,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// No colours.
    Mono,
}

impl Config {
    /// What the guarded client may call: what `net` says, and the ntfy server, which the operator has named as well.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let Net { allow, deny, ports } = self.net.clone();
        Rules { allow: allow.into_iter().chain(self.notify.ntfy_host()).collect(), deny, ports }
    }

    /// Checks what types cannot say. The error names the key and the reason.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let Self { conversation, delivery, retention, queue, meta, models, .. } = self;
        let ranges = [
            ("workers", u64::from(self.workers), 1, 1_000),
            ("conversation.debounce_ms", conversation.debounce_ms.into(), 0, 60_000),
            ("conversation.takeover_minutes", conversation.takeover_minutes.into(), 1, 10_080),
            ("conversation.max_reply_age_minutes", conversation.max_reply_age_minutes.into(), 1, 1_440),
            ("models.timeout_ms", models.timeout_ms.into(), 100, 600_000),
            ("models.history_tokens", models.history_tokens.into(), 300, 100_000),
            ("delivery.settle_ms", delivery.settle_ms[0], 1, 3_600_000),
            ("delivery.settle_ms", delivery.settle_ms[1], delivery.settle_ms[0], 3_600_000),
            ("retention.messages_days", retention.messages_days.into(), 1, 3_650),
            ("retention.media_days", retention.media_days.into(), 1, 3_650),
            ("retention.events_days", retention.events_days.into(), 1, 3_650),
            ("queue.realtime_limit", queue.realtime_limit.into(), 1, 1_000_000),
            ("queue.bulk_limit", queue.bulk_limit.into(), 1, 1_000_000),
            ("drain.notice_ms", self.drain.notice_ms.into(), 0, 5_000),
            ("backup.max_age_hours", self.backup.max_age_hours.into(), 0, 87_600),
            ("notify.smtp.port", self.notify.smtp.port.into(), 1, 65_535),
            ("notify.timeout_ms", self.notify.timeout_ms.into(), 500, 60_000),
            ("notify.attempts_max", self.notify.attempts_max.into(), 1, 50),
            ("notify.parallel", self.notify.parallel.into(), 1, 1_000),
            ("rate_limit.per_ip_per_minute", self.rate_limit.per_ip_per_minute.into(), 1, 1_000_000),
        ];
        for (key, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err((key.into(), format!("{value} is not between {low} and {high}")));
            }
        }
        let urls = [
            ("public_url", self.public_url.as_ref()),
            ("meta.graph_url", Some(&meta.graph_url)),
            ("meta.facebook_graph_url", Some(&meta.facebook_graph_url)),
            ("meta.login_url", Some(&meta.login_url)),
            ("meta.api_url", Some(&meta.api_url)),
            ("notify.ntfy_server", Some(&self.notify.ntfy_server)),
        ];
        for (key, url) in urls {
            url.map_or(Ok(()), |url| check_url(url)).map_err(|reason| (key.into(), reason))?;
        }
        if self.notify.ntfy_host().is_none() {
            return Err(("notify.ntfy_server".into(), format!("`{}` names no host", self.notify.ntfy_server)));
        }
        if self.net.ports.contains(&0) {
            return Err(("net.ports".into(), "0 is no port".into()));
        }
        self.notify.smtp.check().map_err(|(key, reason)| (key.into(), reason))?;
        check_version(&meta.version).map_err(|reason| ("meta.version".into(), reason))?;
        self.providers.check()?;
        models.settings().map(drop)
    }
}

impl Smtp {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let host = self.host.as_deref().unwrap_or_default();
        match &self.from {
            Some(from) if !from.contains('@') => Err(("notify.smtp.from", format!("`{from}` is no mailbox"))),
            None if self.host.is_some() => Err(("notify.smtp.from", "a mail server needs it".into())),
            _ if self.tls == SmtpTls::None && self.host.is_some() && !is_loopback(host) => Err((
                "notify.smtp.tls",
                format!("`{host}` is another machine: `none` would send passwords in the clear"),
            )),
            _ => Ok(()),
        }
    }
}

pub(super) fn check_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|error| format!("`{text}` is no URL: {error}"))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match plain && !text.ends_with('/') {
        true => Ok(()),
        false => Err(format!("`{text}` must be http(s)://HOST[:PORT][/PATH], without a slash at its end")),
    }
}

fn check_version(text: &str) -> Result<(), String> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('v').and_then(|rest| rest.split_once('.')) {
        Some((major, minor)) if digits(major) && digits(minor) => Ok(()),
        _ => Err(format!("`{text}` is not a version such as v26.0")),
    }
}
