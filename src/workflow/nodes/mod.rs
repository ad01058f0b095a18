//! The kinds of step. A node is data with a pure function over it; one file per kind.

mod cards;
mod compose;
mod guard;
mod hand_over;
mod park;
mod reply;
mod retrieve;
mod suppress;
mod switch;
mod understand;

use serde::Deserialize;

pub use cards::Cards;
pub use compose::Compose;
pub use guard::Guard;
pub use hand_over::HandOver;
pub use park::Park;
pub use reply::Reply;
pub(super) use retrieve::LIMIT_MAX as RETRIEVE_LIMIT_MAX;
pub use retrieve::Retrieve;
pub use suppress::Suppress;
pub use switch::Switch;
pub use understand::Understand;

use super::{definition::StepName, effect::Effect, machine::State};
use crate::domain::turn::TurnOutcome;

/// A step of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Read what the open messages mean.
    Understand(Understand),
    /// Go one of several ways.
    Switch(Switch),
    /// Find products.
    Retrieve(Retrieve),
    /// Write a draft.
    Compose(Compose),
    /// Check the draft.
    Guard(Guard),
    /// Write product cards.
    Cards(Cards),
    /// Send the draft.
    Reply(Reply),
    /// Ask for a person.
    HandOver(HandOver),
    /// Say nothing.
    Suppress(Suppress),
    /// Put a label on what is no customer matter.
    Park(Park),
}

/// What entering a step leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entered<'w> {
    /// The driver has something to do.
    Perform(Effect),
    /// Another step, at once.
    Goto(&'w StepName),
    /// The end.
    Finish(TurnOutcome),
}

impl Step {
    /// What entering it leads to.
    pub(super) fn enter(&self, state: &State) -> Entered<'_> {
        match self {
            Self::Understand(_) => Entered::Perform(Effect::Understand),
            Self::Switch(switch) => Entered::Goto(switch.next(&state.variables)),
            Self::Retrieve(retrieve) => Entered::Perform(retrieve.effect()),
            Self::Compose(_) => Entered::Perform(Effect::Compose { refused: state.refused.clone() }),
            Self::Guard(_) => Entered::Perform(Effect::Guard),
            Self::Cards(_) => Entered::Perform(Effect::Cards),
            Self::Reply(_) => Entered::Finish(TurnOutcome::Answered),
            Self::HandOver(hand_over) => Entered::Finish(TurnOutcome::HandedOver(hand_over.reason())),
            Self::Suppress(suppress) => Entered::Finish(TurnOutcome::Suppressed(suppress.reason())),
            Self::Park(park) => Entered::Finish(TurnOutcome::Parked(park.label(&state.variables))),
        }
    }

    /// Every step it may lead to, with the field that says so.
    pub(super) fn targets(&self) -> Vec<(String, &StepName)> {
        let one = |field: &str, target| vec![(field.to_owned(), target)];
        match self {
            Self::Understand(node) => one("next", &node.next),
            Self::Switch(switch) => switch.targets(),
            Self::Retrieve(node) => one("next", &node.next),
            Self::Compose(node) => one("next", &node.next),
            Self::Guard(node) => vec![("pass".to_owned(), &node.pass), ("fail".to_owned(), &node.fail)],
            Self::Cards(node) => one("next", &node.next),
            Self::Reply(_) | Self::HandOver(_) | Self::Suppress(_) | Self::Park(_) => Vec::new(),
        }
    }
}
