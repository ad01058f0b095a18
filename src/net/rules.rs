//! What the guarded client may call: the operator's lists, and the judgement of one URL or one address by them.
//!
//! Pure: asks neither the network nor the clock.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Refusal, Rule, range};

/// The longest URL that is called, in bytes. Meta's CDN signs its own with some 600.
pub const URL_BYTES_MAX: usize = 2_048;

/// The ports of web servers.
pub const PORTS: [u16; 2] = [80, 443];

/// Names that never stand for a host of the public internet (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's `internal`).
const LOCAL_ZONES: &[&str] = &["localhost", "local", "internal", "home.arpa", "onion", "alt", "test", "invalid"];

/// A host or network of the operator's that may be called although it is not public.
///
/// Written `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS:PORT` or `NETWORK/PREFIX`. With a port it opens that one only,
/// without one all of them. An address with a port opens the address itself, not a name that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Allowed {
    /// A host by its name, wherever that leads.
    Host {
        /// The name in lower case.
        name: String,
        /// The one port.
        port: Option<u16>,
    },
    /// Every address of a network.
    Network {
        /// The network; one address is a network of one.
        network: IpNet,
        /// The one port.
        port: Option<u16>,
    },
}

/// Text that names neither a host nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a host (`n8n`, `n8n:5678`), an address (`10.0.0.7`, `[fd00::7]:8080`) nor a network (`10.0.0.0/8`)"
)]
pub struct InvalidAllowed(String);

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAllowed(text.to_owned());
        if let Ok(network) = text.parse::<IpNet>() {
            // A network with bits behind its prefix is a slip of the pen: which one was meant?
            return if network.trunc() == network { Ok(Self::Network { network, port: None }) } else { Err(invalid()) };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network { network: address.to_canonical().into(), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some(_) if text.ends_with(']') => (text, None),
            Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(invalid)?)),
            None => (text, None),
        };
        match Host::parse(host).map_err(|_| invalid())? {
            // `Host` reads numbers in every notation; here only the plain one is meant to be written.
            Host::Ipv4(address) if address.to_string() == host => {
                Ok(Self::Network { network: IpAddr::V4(address).into(), port })
            }
            Host::Ipv4(_) => Err(invalid()),
            Host::Ipv6(address) => Ok(Self::Network { network: IpAddr::V6(address).to_canonical().into(), port }),
            Host::Domain(name) if name.ends_with('.') || name.contains(['*', '/']) => Err(invalid()),
            Host::Domain(name) => Ok(Self::Host { name, port }),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self {
            Self::Host { name, port } => {
                f.write_str(name)?;
                port
            }
            Self::Network { network, port } => {
                let is_one = network.prefix_len() == network.max_prefix_len();
                match (is_one, network.addr(), port) {
                    (true, IpAddr::V6(address), Some(_)) => write!(f, "[{address}]")?,
                    (true, address, _) => write!(f, "{address}")?,
                    (false, ..) => write!(f, "{network}")?,
                }
                port
            }
        };
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl From<Allowed> for String {
    fn from(allowed: Allowed) -> Self {
        allowed.to_string()
    }
}

impl TryFrom<String> for Allowed {
    type Error = InvalidAllowed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Whether plain http may be called on a public host. On what the operator allows it always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Only https: something of ours goes along, or what comes back is believed.
    Never,
    /// http too: what comes back is public and is checked for itself.
    Public,
}

/// What may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Called although not public.
    pub allow: Vec<Allowed>,
    /// Not called although public. Goes before everything but an `allow` of the same name or very address.
    pub deny: Vec<IpNet>,
    /// Ports of hosts that no `allow` names.
    pub ports: Vec<u16>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { allow: Vec::new(), deny: Vec::new(), ports: PORTS.to_vec() }
    }
}

/// A URL that may be called, once its name, if it has one, has been resolved to an address that may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) url: Url,
    pub(super) by: By,
}

/// By what a target may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// An address that was judged here.
    Address(IpAddr),
    /// A name that the operator allows, wherever it leads.
    AllowedName,
    /// A name whose addresses are still to be judged.
    Name,
}

impl Target {
    /// The URL as it will be called: without a fragment.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().expect("only http and https become targets, and they have a host")
    }
}

impl Rules {
    /// Judges a URL by all that can be known without asking anybody.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, text: &str, plain: Plain) -> Result<Target, Refusal> {
        let unread = |rule| Refusal { host: None, rule };
        if text.len() > URL_BYTES_MAX {
            return Err(unread(Rule::TooLong));
        }
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(unread(Rule::NotUrl));
        }
        let mut url = Url::parse(text).map_err(|_| unread(Rule::NotUrl))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(unread(Rule::Scheme));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(unread(Rule::NotUrl));
        };
        let refused = |rule| Err(Refusal::new(&host.to_string(), rule));
        if !url.username().is_empty() || url.password().is_some() {
            return refused(Rule::Userinfo);
        }
        let by = match &host {
            Host::Domain(name) if name.ends_with('.') => return refused(Rule::TrailingDot),
            Host::Domain(name) if self.allows_name(name, port) => By::AllowedName,
            Host::Domain(name) if is_local(name) => return refused(Rule::LocalName),
            Host::Domain(_) => By::Name,
            Host::Ipv4(address) => By::Address(IpAddr::V4(*address)),
            Host::Ipv6(address) => By::Address(IpAddr::V6(*address)),
        };
        let is_allowed = match by {
            By::Address(address) => match self.judge(address, Some(port)) {
                Ok(is_allowed) => is_allowed,
                Err(rule) => return refused(rule),
            },
            By::AllowedName => true,
            By::Name => false,
        };
        if !is_allowed && url.scheme() == "http" && plain == Plain::Never {
            return refused(Rule::PlainHttp);
        }
        if !is_allowed && !self.ports.contains(&port) {
            return refused(Rule::Port(port));
        }
        url.set_fragment(None);
        Ok(Target { url, by })
    }

    /// Whether an address may be called, and whether that is because the operator allows it (`true`) or because it is
    /// public. Without a port only what is allowed on every port counts.
    pub(super) fn judge(&self, address: IpAddr, port: Option<u16>) -> Result<bool, Rule> {
        let address = address.to_canonical();
        let fits = |only: Option<u16>| only.is_none() || only == port;
        let allowing = self.allow.iter().filter_map(|allowed| match allowed {
            Allowed::Network { network, port } if fits(*port) && network.contains(&address) => Some(*network),
            _ => None,
        });
        let longest = allowing.max_by_key(IpNet::prefix_len);
        let is_very_address = longest.is_some_and(|network| network.prefix_len() == network.max_prefix_len());
        if is_very_address {
            return Ok(true);
        }
        if range::is_metadata(address) {
            return Err(Rule::Metadata);
        }
        if self.deny.iter().any(|network| network.contains(&address)) {
            return Err(Rule::Denied);
        }
        if longest.is_none() {
            return range::not_public(address).map_or(Ok(false), |what| Err(Rule::NotPublic(what)));
        }
        // Who allows a translator's network has not allowed what lies behind it.
        match range::carried(address) {
            Some(inner) => self.judge(inner, port).map(|_| true),
            None => Ok(true),
        }
    }

    /// The judgement on an address that a name stands for.
    pub(super) fn judge_resolved(&self, address: IpAddr, by: By) -> Result<(), Rule> {
        match by {
            By::AllowedName if range::is_metadata(address) => self.judge(address, None).map(drop),
            By::AllowedName => Ok(()),
            By::Name | By::Address(_) => self.judge(address, None).map(drop),
        }
    }

    fn allows_name(&self, host: &str, of: u16) -> bool {
        self.allow.iter().any(|allowed| match allowed {
            Allowed::Host { name, port } => name == host && port.is_none_or(|port| port == of),
            Allowed::Network { .. } => false,
        })
    }
}

/// A name without a dot, or one in a zone that is never public.
fn is_local(name: &str) -> bool {
    let in_zone = |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || LOCAL_ZONES.iter().any(|zone| in_zone(zone))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
