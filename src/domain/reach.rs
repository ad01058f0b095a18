//! How far a tenant's assistant may go, and with whom: how a shop goes live in steps.

use std::{fmt, str::FromStr};

use super::{
    Timestamp,
    channel::{ChannelKind, ShopperId},
    turn::SuppressReason,
};

/// How far the assistant may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Records what comes in and leaves it to people.
    Off,
    /// Writes drafts; a person sends them.
    Suggest,
    /// Answers.
    #[default]
    Live,
}

impl Mode {
    /// Every mode, from the shortest way to the longest.
    pub const ALL: [Self; 3] = [Self::Off, Self::Suggest, Self::Live];

    /// The word in the store, in events and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Suggest => "suggest",
            Self::Live => "live",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// A shopper as a person names one: by the channel's id, or by what people call them there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chosen {
    /// The channel's id (Instagram: the IGSID, all digits).
    Id(ShopperId),
    /// A user name in lower case, without the `@`.
    Name(String),
}

/// Text that names no shopper.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no shopper: a user name such as @ana.k, or the id that `aura conversation list` shows")]
pub struct InvalidChosen(String);

impl Chosen {
    /// The longest user name of Instagram, and longer than any id.
    const CHARS_MAX: usize = 30;

    /// All digits without an `@` are an id; anything else is a user name.
    pub fn parse(raw: &str) -> Result<Self, InvalidChosen> {
        let raw = raw.trim();
        let (text, named) = raw.strip_prefix('@').map_or((raw, false), |name| (name, true));
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
        if text.is_empty() || text.len() > Self::CHARS_MAX || !text.bytes().all(of_name) {
            return Err(InvalidChosen(raw.to_owned()));
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(match digits && !named {
            true => Self::Id(ShopperId(text.to_owned())),
            false => Self::Name(text.to_ascii_lowercase()),
        })
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => fmt::Display::fmt(id, f),
            Self::Name(name) => write!(f, "@{name}"),
        }
    }
}

impl FromStr for Chosen {
    type Err = InvalidChosen;

    fn from_str(text: &str) -> Result<Self, InvalidChosen> {
        Self::parse(text)
    }
}

/// A mode, and whom it is for. Everyone else is treated as [`Mode::Off`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// How far the assistant may go.
    pub mode: Mode,
    /// With these shoppers only; empty: with everyone.
    pub only_from: Vec<Chosen>,
}

/// What the assistant may do for one shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing: the messages are left to people, for this reason.
    Nothing(SuppressReason),
    /// Write a draft that a person sends.
    Suggest,
    /// Answer.
    Answer,
}

impl Reach {
    /// The most shoppers that can be chosen: a trial's circle, not a customer list.
    pub const ONLY_FROM_MAX: usize = 200;

    /// What the assistant may do for a shopper. One whose name is not known is met by the id only.
    ///
    /// A local trial reaches nobody, so nothing limits it.
    #[must_use]
    pub fn towards(&self, channel: ChannelKind, shopper: &ShopperId, name: Option<&str>) -> Allowed {
        match self.mode {
            _ if channel == ChannelKind::Local => Allowed::Answer,
            Mode::Off => Allowed::Nothing(SuppressReason::ModeOff),
            _ if !self.has_chosen(shopper, name) => Allowed::Nothing(SuppressReason::NotChosen),
            Mode::Suggest => Allowed::Suggest,
            Mode::Live => Allowed::Answer,
        }
    }

    fn has_chosen(&self, shopper: &ShopperId, name: Option<&str>) -> bool {
        let is_meant = |chosen: &Chosen| match chosen {
            Chosen::Id(id) => id == shopper,
            Chosen::Name(chosen) => name.is_some_and(|name| name.eq_ignore_ascii_case(chosen)),
        };
        self.only_from.is_empty() || self.only_from.iter().any(is_meant)
    }

    /// Whether a shopper's name decides: some are chosen by name, and this one not by id.
    #[must_use]
    pub fn turns_on_name(&self, channel: ChannelKind, shopper: &ShopperId) -> bool {
        let by_name = self.only_from.iter().any(|chosen| matches!(chosen, Chosen::Name(_)));
        channel != ChannelKind::Local && self.mode != Mode::Off && by_name && !self.has_chosen(shopper, None)
    }
}

/// The reach that holds, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What holds.
    pub reach: Reach,
    /// Since when. What was written before is judged by what held then: going live answers no backlog.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "1284305829174402";

    fn reach(mode: Mode, only_from: &[&str]) -> Reach {
        Reach { mode, only_from: only_from.iter().map(|text| Chosen::parse(text).expect("a shopper")).collect() }
    }

    fn towards_ana(reach: &Reach, name: Option<&str>) -> Allowed {
        reach.towards(ChannelKind::Instagram, &ShopperId(ANA.into()), name)
    }

    #[test]
    fn a_mode_is_for_everyone_unless_shoppers_are_chosen() {
        let nothing = Allowed::Nothing;
        for (mode, only_from, name, allowed) in [
            (Mode::Live, &[][..], None, Allowed::Answer),
            (Mode::Suggest, &[], None, Allowed::Suggest),
            (Mode::Off, &[], None, nothing(SuppressReason::ModeOff)),
            (Mode::Off, &[ANA], None, nothing(SuppressReason::ModeOff)),
            (Mode::Live, &[ANA], None, Allowed::Answer),
            (Mode::Suggest, &["@Ana.K"], Some("ana.k"), Allowed::Suggest),
            (Mode::Live, &["ana.k"], Some("Ana.K"), Allowed::Answer),
            (Mode::Live, &["ana.k"], None, nothing(SuppressReason::NotChosen)),
            (Mode::Live, &["ana"], Some("ana.k"), nothing(SuppressReason::NotChosen)),
            (Mode::Suggest, &["999"], Some("ana.k"), nothing(SuppressReason::NotChosen)),
        ] {
            assert_eq!(towards_ana(&reach(mode, only_from), name), allowed, "{mode:?} {only_from:?} {name:?}");
        }
    }

    #[test]
    fn a_local_trial_is_never_limited() {
        let off = reach(Mode::Off, &["@ben"]);
        assert_eq!(off.towards(ChannelKind::Local, &ShopperId("trial".into()), None), Allowed::Answer);
        assert!(!reach(Mode::Live, &["@ben"]).turns_on_name(ChannelKind::Local, &ShopperId("trial".into())));
    }

    #[test]
    fn digits_are_an_id_unless_an_at_says_they_are_a_name() {
        assert_eq!(Chosen::parse(" 1284305829174402 "), Ok(Chosen::Id(ShopperId(ANA.into()))));
        assert_eq!(Chosen::parse("@12843"), Ok(Chosen::Name("12843".into())));
        assert_eq!(Chosen::parse("Ana.K_"), Ok(Chosen::Name("ana.k_".into())));
        for bad in ["", "@", "ana k", "ana@home", "änna", &"a".repeat(31)] {
            assert!(Chosen::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_asked_for_only_where_it_decides() {
        let ana = ShopperId(ANA.into());
        let decides = |reach: Reach| reach.turns_on_name(ChannelKind::Instagram, &ana);
        assert!(decides(reach(Mode::Live, &["@ana.k"])));
        assert!(!decides(reach(Mode::Live, &[])));
        assert!(!decides(reach(Mode::Live, &["@ana.k", ANA])));
        assert!(!decides(reach(Mode::Live, &["999"])));
        assert!(!decides(reach(Mode::Off, &["@ana.k"])));
    }

    proptest::proptest! {
        #[test]
        fn a_shopper_reads_as_printed(text in "@?[A-Za-z0-9._]{1,29}") {
            let chosen = Chosen::parse(&text).expect("well formed");
            proptest::prop_assert_eq!(Chosen::parse(&chosen.to_string()), Ok(chosen));
        }
    }
}
