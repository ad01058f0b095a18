//! Messages to shoppers that are about to be sent: each waits ten seconds here, in which it can be taken back. The
//! channel cannot take a message back for sure, so Aura is asked only when the time is over.

use aura::api::Time;

use crate::work::Deed;

/// How long a message can be taken back.
pub const UNDO_MS: i64 = 10_000;

/// One message that is about to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// What will be done.
    pub deed: Deed,
    /// To whom it goes.
    pub shopper: String,
    /// When.
    pub at: Time,
}

/// What is about to be sent, in its order.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    held: Vec<Held>,
}

impl Outgoing {
    /// Holds a message until its time.
    pub fn hold(&mut self, deed: Deed, shopper: String, now: Time) {
        self.held.push(Held { deed, shopper, at: Time(now.0 + UNDO_MS) });
    }

    /// Takes the newest back.
    pub fn take_back(&mut self) -> Option<Held> {
        self.held.pop()
    }

    /// What is due at `now`, in its order.
    pub fn due(&mut self, now: Time) -> Vec<Held> {
        let (due, held) = self.held.drain(..).partition(|held| held.at.0 <= now.0);
        self.held = held;
        due
    }

    /// All that waits.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Everything now.
    pub fn flush(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Place;

    fn send(text: &str) -> Deed {
        Deed::Send(Place { tenant: "noor".into(), id: "conv_1".into() }, text.into())
    }

    #[test]
    fn a_message_goes_out_after_ten_seconds_unless_it_is_taken_back() {
        let mut outgoing = Outgoing::default();
        outgoing.hold(send("one"), "Layla".into(), Time(0));
        outgoing.hold(send("two"), "Layla".into(), Time(1_000));
        outgoing.hold(send("three"), "Layla".into(), Time(2_000));
        assert_eq!(outgoing.take_back().map(|held| held.deed), Some(send("three")));
        assert!(outgoing.due(Time(9_999)).is_empty());
        let due: Vec<_> = outgoing.due(Time(11_000)).into_iter().map(|held| held.deed).collect();
        assert_eq!(due, [send("one"), send("two")]);
        assert!(outgoing.take_back().is_none() && outgoing.held().is_empty());
    }
}
