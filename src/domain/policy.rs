//! Who may say what, and when. The only place that decides the window, the tag and the end of a takeover.

use super::{
    Timestamp,
    channel::ChannelRules,
    conversation::{Takeover, TakeoverCause},
    outbox::Author,
};

/// A label the channel wants on a message outside its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Written by a person after the window (Meta: `HUMAN_AGENT`, 7 days).
    HumanAgent,
}

/// Why nothing may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The shopper never wrote.
    #[error("the shopper has never written, and the channel lets nobody write first")]
    NeverWrote,
    /// Too long ago for an automated reply.
    #[error("the shopper last wrote too long ago: the channel's window for automated replies has closed")]
    WindowClosed,
    /// Too long ago even for a person.
    #[error("the shopper last wrote too long ago: the channel's window for people has closed too")]
    PersonWindowClosed,
}

/// Decides whether `author` may write now, and with which tag. A bot never gets one.
pub fn may_send(
    rules: &ChannelRules,
    author: Author,
    last_shopper_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Tag>, Refusal> {
    let Some(window_ms) = rules.window_ms else { return Ok(None) };
    let Some(last) = last_shopper_at else { return Err(Refusal::NeverWrote) };
    let age_ms = now.since_ms(last);
    if age_ms < window_ms - rules.window_margin_ms {
        return Ok(None);
    }
    match (author, rules.human_agent_window_ms) {
        (Author::Person, Some(person_ms)) if age_ms < person_ms - rules.window_margin_ms => Ok(Some(Tag::HumanAgent)),
        (Author::Person, _) => Err(Refusal::PersonWindowClosed),
        (Author::Bot, _) => Err(Refusal::WindowClosed),
    }
}

/// When the bot may no longer write; `None`: the channel has no window, or the shopper never opened it.
#[must_use]
pub fn window_ends_at(rules: &ChannelRules, last_shopper_at: Option<Timestamp>) -> Option<Timestamp> {
    let window_ms = rules.window_ms?;
    last_shopper_at.map(|last| last.plus_ms(window_ms - rules.window_margin_ms))
}

/// When the bot answers again by itself; `None`: only when a person lets it.
#[must_use]
pub fn bot_returns_at(takeover: &Takeover, takeover_minutes: u32) -> Option<Timestamp> {
    match takeover.cause {
        TakeoverCause::Asked => None,
        TakeoverCause::Echo | TakeoverCause::Staff | TakeoverCause::HandOver | TakeoverCause::ThreadControl => {
            takeover.unanswered_since.map(|since| since.plus_ms(i64::from(takeover_minutes) * 60_000))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const MINUTE: i64 = 60_000;

    #[test]
    fn the_window_closes_for_the_bot_and_stays_open_for_a_person() {
        let decide = |author, age_ms| may_send(&ChannelRules::INSTAGRAM, author, Some(Timestamp(0)), Timestamp(age_ms));
        assert_eq!(decide(Author::Bot, 23 * HOUR + 54 * MINUTE), Ok(None));
        assert_eq!(decide(Author::Bot, 23 * HOUR + 56 * MINUTE), Err(Refusal::WindowClosed));
        assert_eq!(decide(Author::Person, 23 * HOUR + 54 * MINUTE), Ok(None));
        assert_eq!(decide(Author::Person, 25 * HOUR), Ok(Some(Tag::HumanAgent)));
        assert_eq!(decide(Author::Person, 7 * 24 * HOUR), Err(Refusal::PersonWindowClosed));
    }

    #[test]
    fn the_window_ends_at_the_moment_from_which_the_bot_is_refused() {
        let (rules, opened) = (&ChannelRules::INSTAGRAM, Some(Timestamp(7)));
        let end = window_ends_at(rules, opened).expect("Instagram has a window");
        assert!(may_send(rules, Author::Bot, opened, end.plus_ms(-1)).is_ok());
        assert!(may_send(rules, Author::Bot, opened, end).is_err());
        assert_eq!(window_ends_at(&ChannelRules::LOCAL, opened), None);
    }

    #[test]
    fn nobody_writes_first_on_instagram() {
        for author in [Author::Bot, Author::Person] {
            assert_eq!(may_send(&ChannelRules::INSTAGRAM, author, None, Timestamp(0)), Err(Refusal::NeverWrote));
        }
    }

    #[test]
    fn the_bot_returns_only_to_a_waiting_shopper_and_never_after_a_person_was_asked_for() {
        let waiting = Some(Timestamp(5));
        let takeover =
            |cause, unanswered_since| Takeover { since: Timestamp(0), cause, waiting_since: waiting, unanswered_since };
        assert_eq!(bot_returns_at(&takeover(TakeoverCause::Echo, None), 30), None);
        assert_eq!(bot_returns_at(&takeover(TakeoverCause::HandOver, None), 30), None, "a promise alone ends nothing");
        assert_eq!(bot_returns_at(&takeover(TakeoverCause::Echo, waiting), 30), Some(Timestamp(5 + 30 * MINUTE)));
        assert_eq!(bot_returns_at(&takeover(TakeoverCause::Asked, waiting), 30), None);
    }
}
