//! Where conversations take place, and what each place demands.

use std::{fmt, str::FromStr};

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKind {
    /// Instagram Direct.
    Instagram,
    /// A trial from the command line; nothing leaves the machine.
    Local,
}

impl ChannelKind {
    /// The word in the store and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instagram => "instagram",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ChannelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Instagram, Self::Local]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a channel"))
    }
}

/// The channel's own id of a connected account (Instagram: `17841…`). Always text, whatever the wire had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub String);

/// The channel's own id of the person writing (Instagram: the IGSID, scoped to the account).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopperId(pub String);

impl AccountId {
    /// The one account of the local channel.
    #[must_use]
    pub fn local() -> Self {
        Self(ChannelKind::Local.as_str().to_owned())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ShopperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a channel demands of what we send. `policy` reads it; no rule of a channel stands anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRules {
    /// The most UTF-8 bytes in one text message.
    pub text_bytes_max: usize,
    /// How long after the shopper's last message a reply may go out; `None`: always.
    pub window_ms: Option<i64>,
    /// Kept free at the window's end, for clocks and the wire.
    pub window_margin_ms: i64,
    /// How long a person may write, with the human-agent tag; `None`: no such tag.
    pub human_agent_window_ms: Option<i64>,
    /// Whether what we send comes back as an event.
    pub echoes: bool,
    /// Whether a thread's newest messages can be read.
    pub reads_back: bool,
    /// The most text messages a second per account.
    pub sends_per_second: u32,
}

impl ChannelRules {
    /// Instagram (Meta: 1,000 bytes of UTF-8; 24 hours; `HUMAN_AGENT` 7 days; 100 sends/s).
    pub const INSTAGRAM: Self = Self {
        text_bytes_max: 1_000,
        window_ms: Some(24 * 3_600_000),
        window_margin_ms: 5 * 60_000,
        human_agent_window_ms: Some(7 * 24 * 3_600_000),
        echoes: true,
        reads_back: true,
        sends_per_second: 100,
    };

    /// The local trial channel: no rule but the size.
    pub const LOCAL: Self = Self {
        text_bytes_max: 1_000,
        window_ms: None,
        window_margin_ms: 0,
        human_agent_window_ms: None,
        echoes: false,
        reads_back: false,
        sends_per_second: 1_000,
    };

    /// The rules of a kind of channel.
    #[must_use]
    pub const fn of(kind: ChannelKind) -> &'static Self {
        match kind {
            ChannelKind::Instagram => &Self::INSTAGRAM,
            ChannelKind::Local => &Self::LOCAL,
        }
    }
}
