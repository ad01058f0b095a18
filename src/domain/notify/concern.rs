//! Which events people should hear of. The one table; everything else follows from it.

use super::NoticeKind;
use crate::domain::{
    conversation::Label,
    event::{EventKind, NewEvent},
    outbox::RefusalScope,
    turn::{SuppressReason, TurnOutcome},
};

/// What an event means to those who are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// They should hear of it.
    Raise {
        /// As what.
        kind: NoticeKind,
        /// Why.
        reason: &'static str,
        /// The id of the conversation or account.
        subject: String,
    },
    /// It is over, and those who were told of it hear that too.
    Over {
        /// As what they were told.
        kind: NoticeKind,
        /// What has become of it.
        reason: &'static str,
        /// The id of the account.
        subject: String,
    },
    /// What they were told of this subject is over; the next time is told again.
    Settle {
        /// The id of the conversation or account.
        subject: String,
        /// Whether a person has dealt with it: what has not been told yet need not be.
        by_person: bool,
    },
}

/// What an event means to those who are told; `None`: nothing.
#[must_use]
pub fn concern(event: &NewEvent) -> Option<Concern> {
    let raise = |kind, reason, subject: Option<&str>| {
        subject.map(|subject| Concern::Raise { kind, reason, subject: subject.to_owned() })
    };
    let settle = |subject: Option<&str>, by_person| {
        subject.map(|subject| Concern::Settle { subject: subject.to_owned(), by_person })
    };
    let over = |kind, reason, subject: Option<&str>| {
        subject.map(|subject| Concern::Over { kind, reason, subject: subject.to_owned() })
    };
    let (conversation, account) = (event.id_of("conversation"), event.id_of("account"));
    match event.kind {
        EventKind::HandedOver => {
            raise(NoticeKind::HandOver, event.word_of("reason").unwrap_or("failure"), conversation)
        }
        EventKind::TurnFinished => {
            let parked = [SuppressReason::WindowClosed, SuppressReason::TooOld, SuppressReason::AccountNotConnected]
                .map(SuppressReason::as_str);
            let reason = event.word_of("reason")?;
            let label = event.word_of("outcome").filter(|word| *word == TurnOutcome::Parked(Label::Other).as_str());
            let is_told = match label {
                Some(_) => Label::parse(reason).is_some_and(needs_people),
                None => parked.contains(&reason),
            };
            if is_told { raise(NoticeKind::Parked, reason, conversation) } else { None }
        }
        // Whoever sorts a conversation has seen it.
        EventKind::Labelled | EventKind::Unlabelled if event.is_by_a_person() => settle(conversation, true),
        // Written anew with each further message of the shopper: the same matter until a person has decided.
        EventKind::DraftWaiting => raise(NoticeKind::Draft, "waiting", conversation),
        EventKind::DraftApproved | EventKind::DraftEdited | EventKind::DraftRejected => settle(conversation, true),
        EventKind::ReplyHeld => raise(NoticeKind::Parked, "held", conversation),
        // A refusal of the account itself is told as such, and the reply waits.
        EventKind::ReplyFailed => {
            let of_account = [RefusalScope::Login.as_str(), RefusalScope::Account.as_str()];
            let scope = event.word_of("scope");
            if scope.is_some_and(|scope| of_account.contains(&scope)) {
                return None;
            }
            raise(NoticeKind::Parked, "refused", conversation)
        }
        // What a newer message or a person has overtaken needs nobody.
        EventKind::ReplyCancelled => {
            let parked = ["window_closed", "account_not_connected", "guard"];
            let reason = event.word_of("reason").filter(|reason| parked.contains(reason))?;
            raise(NoticeKind::Parked, reason, conversation)
        }
        EventKind::AccountRefused => raise(NoticeKind::Account, "refused", account),
        EventKind::AccountSilent => raise(NoticeKind::Silent, "silent", account),
        EventKind::TakeoverEnded => settle(conversation, event.is_by_a_person()),
        EventKind::PersonWrote => settle(conversation, true),
        EventKind::AccountConnected => settle(account, true),
        EventKind::AccountRestored => over(NoticeKind::Account, "restored", account),
        EventKind::AccountHeard => over(NoticeKind::Silent, "heard", account),
        _ => None,
    }
}

/// Whether somebody of the shop may want to answer what is no customer's. The rest only takes their time.
const fn needs_people(label: Label) -> bool {
    match label {
        Label::Collaboration | Label::Business | Label::Job | Label::Other => true,
        Label::Spam | Label::Phishing | Label::Insult => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(event: &NewEvent) -> Option<(NoticeKind, &'static str)> {
        match concern(event) {
            Some(Concern::Raise { kind, reason, subject }) => {
                assert!(subject == "conv_1" || subject == "178");
                Some((kind, reason))
            }
            _ => None,
        }
    }

    #[test]
    fn people_hear_of_what_waits_for_them_and_of_nothing_else() {
        let of = |kind, reason: Option<&'static str>| {
            let event = NewEvent::new(kind, "bot").id("conversation", "conv_1");
            raised(&reason.map_or_else(|| event.clone(), |reason| event.clone().word("reason", reason)))
        };
        assert_eq!(of(EventKind::HandedOver, Some("asked")), Some((NoticeKind::HandOver, "asked")));
        assert_eq!(of(EventKind::DraftWaiting, None), Some((NoticeKind::Draft, "waiting")));
        for reason in ["window_closed", "too_old", "account_not_connected"] {
            assert_eq!(of(EventKind::TurnFinished, Some(reason)), Some((NoticeKind::Parked, reason)));
        }
        for reason in ["answered_by_person", "unsent", "nothing_to_say", "asked"] {
            assert_eq!(of(EventKind::TurnFinished, Some(reason)), None, "{reason}");
        }
        assert_eq!(of(EventKind::TurnFinished, None), None);
        assert_eq!(of(EventKind::ReplyHeld, Some("thread_unreadable")), Some((NoticeKind::Parked, "held")));
        assert_eq!(of(EventKind::ReplyFailed, None), Some((NoticeKind::Parked, "refused")));
        for reason in ["window_closed", "account_not_connected", "guard"] {
            assert_eq!(of(EventKind::ReplyCancelled, Some(reason)), Some((NoticeKind::Parked, reason)));
        }
        for reason in ["superseded", "takeover", "earlier_part_failed"] {
            assert_eq!(of(EventKind::ReplyCancelled, Some(reason)), None, "{reason}");
        }
        for kind in [EventKind::ReplySent, EventKind::MessageReceived, EventKind::TakeoverStarted] {
            assert_eq!(of(kind, None), None);
        }
    }

    #[test]
    fn of_what_is_no_customer_s_people_hear_what_they_may_want_to_answer() {
        let told = Label::ALL.into_iter().filter(|label| {
            let event = NewEvent::new(EventKind::TurnFinished, "bot").id("conversation", "conv_1");
            let event = event.word("outcome", TurnOutcome::Parked(*label).as_str()).word("reason", label.as_str());
            raised(&event).inspect(|raised| assert_eq!(*raised, (NoticeKind::Parked, label.as_str()))).is_some()
        });
        assert_eq!(told.collect::<Vec<_>>(), [Label::Collaboration, Label::Business, Label::Job, Label::Other]);
    }

    #[test]
    fn accounts_are_told_of_by_their_own_kinds() {
        let of = |kind| raised(&NewEvent::new(kind, "system").id("account", "178"));
        assert_eq!(of(EventKind::AccountRefused), Some((NoticeKind::Account, "refused")));
        assert_eq!(of(EventKind::AccountSilent), Some((NoticeKind::Silent, "silent")));
    }

    #[test]
    fn only_a_person_makes_untold_notices_needless() {
        let settles = |kind, actor| {
            let event = NewEvent::new(kind, actor).id("conversation", "conv_1");
            match concern(&event) {
                Some(Concern::Settle { by_person, .. }) => Some(by_person),
                _ => None,
            }
        };
        assert_eq!(settles(EventKind::PersonWrote, "operator"), Some(true));
        assert_eq!(settles(EventKind::TakeoverEnded, "operator"), Some(true));
        assert_eq!(settles(EventKind::Labelled, "operator"), Some(true));
        assert_eq!(settles(EventKind::Labelled, "bot"), None);
        assert_eq!(settles(EventKind::TakeoverEnded, "system"), Some(false), "the bot returned; nobody has looked");
    }
}
