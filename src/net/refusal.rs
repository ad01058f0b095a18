//! Why an address that somebody else named is not called: which rule it breaks, and what would help.

/// A rule of the guarded client. Its text names no address: an address may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// It cannot be read as a URL, or holds white space or control characters.
    #[error("it is no URL")]
    NotUrl,
    /// Longer than any real one.
    #[error("the URL is longer than {} bytes", super::URL_BYTES_MAX)]
    TooLong,
    /// Neither https nor http.
    #[error("only https is called")]
    Scheme,
    /// http where https is wanted.
    #[error("plain http is called only on networks that are allowed by name")]
    PlainHttp,
    /// `https://user:password@…`.
    #[error("the URL holds a user or a password")]
    Userinfo,
    /// A port that web servers do not use.
    #[error("port {0} is not one of a web server")]
    Port(u16),
    /// `example.com.`: the same host under another name.
    #[error("the host ends with a dot")]
    TrailingDot,
    /// `localhost`, `printer`, `nas.local`.
    #[error("the host's name belongs to a private network")]
    LocalName,
    /// The address, or one that the name stands for, is not public.
    #[error("its address is not public ({0})")]
    NotPublic(&'static str),
    /// A cloud's metadata service.
    #[error("its address is that of a cloud's metadata service")]
    Metadata,
    /// This very machine, under its public address.
    #[error("its address is this machine's own")]
    Own,
    /// The operator refuses it.
    #[error("its address is one that `net.deny` names")]
    Denied,
    /// From https to http.
    #[error("it redirects from https to plain http")]
    Downgrade,
}

impl Rule {
    /// Stable, for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotUrl => "not_a_url",
            Self::TooLong => "url_too_long",
            Self::Scheme => "scheme_not_allowed",
            Self::PlainHttp => "plain_http",
            Self::Userinfo => "url_with_password",
            Self::Port(_) => "port_not_allowed",
            Self::TrailingDot => "host_with_trailing_dot",
            Self::LocalName => "local_name",
            Self::NotPublic(_) => "address_not_public",
            Self::Metadata => "metadata_service",
            Self::Own => "own_address",
            Self::Denied => "address_denied",
            Self::Downgrade => "https_downgrade",
        }
    }

    /// What would help.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NotUrl => "It looks like https://shop.example/path, with spaces written as %20.",
            Self::TooLong => "Give a shorter one.",
            Self::Scheme => "Give an address that starts with https://.",
            Self::PlainHttp => {
                "Give an https address, or name the host in `net.allow` if it is one of your own network."
            }
            Self::Userinfo => "Leave the user and the password out of the address.",
            Self::Port(_) => "Use the usual port, name HOST:PORT in `net.allow`, or add the port to `net.ports`.",
            Self::TrailingDot => "Leave the last dot out.",
            Self::LocalName | Self::NotPublic(_) | Self::Own => {
                "If it is a host of your own network that may be called, name it in `net.allow`."
            }
            Self::Metadata => "Nothing of a shop is there. Only that very address in `net.allow` opens it.",
            Self::Denied => "Take the network out of `net.deny` if it may be called.",
            Self::Downgrade => "Give the address that it redirects to, or have the server answer over https.",
        }
    }
}

/// What was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{rule}", self.at())]
pub struct Refusal {
    /// The host, as far as it could be read. Never the path, which may be a secret.
    pub host: Option<String>,
    /// The rule.
    pub rule: Rule,
}

impl Refusal {
    pub(super) fn new(host: &str, rule: Rule) -> Self {
        Self { host: Some(host.to_owned()), rule }
    }

    fn at(&self) -> String {
        self.host.as_ref().map(|host| format!("`{host}` is not called: ")).unwrap_or_default()
    }
}
