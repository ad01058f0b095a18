//! What can be made to go wrong between Aura and the simulated Graph API.

use std::fmt;

/// A failure of one call. `delivered` says whether the message reaches the shopper all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error body with this code, HTTP 400.
    Graph {
        /// `error.code`.
        code: i64,
        /// `error.error_subcode`.
        subcode: Option<i64>,
        /// Whether the message is delivered.
        delivered: bool,
    },
    /// A bare HTTP status, such as 500 or 502.
    Http {
        /// The status.
        status: u16,
        /// Whether the message is delivered.
        delivered: bool,
    },
    /// The connection ends without an answer.
    Cut {
        /// Whether the message is delivered.
        delivered: bool,
    },
    /// The answer never comes.
    Hang {
        /// Whether the message is delivered.
        delivered: bool,
    },
    /// HTTP 200 with a body that is no JSON.
    Garbage {
        /// Whether the message is delivered.
        delivered: bool,
    },
    /// HTTP 429, with `Retry-After` if given; never delivered.
    TooMany {
        /// Seconds.
        retry_after_s: Option<u32>,
    },
    /// The account's throttle (80002) with the usage header; never delivered.
    Throttled {
        /// `estimated_time_to_regain_access`.
        minutes: u32,
    },
}

impl Fault {
    /// Meta's documented "error returned although all was sent".
    pub const SENT_BUT_REPORTED_FAILED: Self = Self::graph(1, Some(1_357_046)).and_delivered();

    /// An error of the table; not delivered.
    #[must_use]
    pub const fn graph(code: i64, subcode: Option<i64>) -> Self {
        Self::Graph { code, subcode, delivered: false }
    }

    /// The same failure, with the message delivered; throttles deliver nothing.
    #[must_use]
    pub const fn and_delivered(self) -> Self {
        match self {
            Self::Graph { code, subcode, .. } => Self::Graph { code, subcode, delivered: true },
            Self::Http { status, .. } => Self::Http { status, delivered: true },
            Self::Cut { .. } => Self::Cut { delivered: true },
            Self::Hang { .. } => Self::Hang { delivered: true },
            Self::Garbage { .. } => Self::Garbage { delivered: true },
            Self::TooMany { .. } | Self::Throttled { .. } => self,
        }
    }

    /// Whether the message reaches the shopper.
    #[must_use]
    pub const fn delivers(self) -> bool {
        match self {
            Self::Graph { delivered, .. }
            | Self::Http { delivered, .. }
            | Self::Cut { delivered }
            | Self::Hang { delivered }
            | Self::Garbage { delivered } => delivered,
            Self::TooMany { .. } | Self::Throttled { .. } => false,
        }
    }
}

/// Which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A text message.
    Send,
    /// `mark_seen`, `typing_on`, …
    Action,
    /// `GET /me`.
    Me,
    /// The list of conversations, or one found by its shopper.
    Conversations,
    /// One conversation's messages, or one message.
    Read,
    /// A shopper's profile.
    Profile,
    /// `subscribed_apps`.
    Subscription,
}

/// One call, as fault rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub kind: CallKind,
    /// Whose token.
    pub account: String,
    /// To or about whom.
    pub shopper: Option<String>,
    /// The message's text.
    pub text: Option<String>,
}

/// Fails the calls it fits, after letting some through.
pub(super) struct Rule {
    pub(super) fits: Box<dyn Fn(&Call) -> bool + Send>,
    pub(super) skip: usize,
    pub(super) times: usize,
    pub(super) fault: Fault,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fits: _, skip, times, fault } = self;
        f.debug_struct("Rule").field("skip", skip).field("times", times).field("fault", fault).finish()
    }
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Plan {
    rules: Vec<Rule>,
}

impl Plan {
    pub(super) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for this call. Every rule that fits counts the call; the oldest one that is due decides.
    pub(super) fn strike(&mut self, call: &Call) -> Option<Fault> {
        let mut struck = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.times > 0 && (rule.fits)(call)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if struck.is_none() {
                rule.times -= 1;
                struck = Some(rule.fault);
            }
        }
        self.rules.retain(|rule| rule.times > 0);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_the_nth_fitting_call_and_then_lets_go() {
        let mut plan = Plan::default();
        let fits = |call: &Call| call.kind == CallKind::Send;
        plan.add(Rule { fits: Box::new(fits), skip: 1, times: 2, fault: Fault::Cut { delivered: false } });
        let call = |kind| Call { kind, account: "1".into(), shopper: None, text: None };
        assert_eq!(plan.strike(&call(CallKind::Send)), None);
        assert_eq!(plan.strike(&call(CallKind::Me)), None);
        assert!(plan.strike(&call(CallKind::Send)).is_some());
        assert!(plan.strike(&call(CallKind::Send)).is_some());
        assert_eq!(plan.strike(&call(CallKind::Send)), None);
    }
}
