//! How a turn runs: a definition in YAML, its validation, and a pure step machine (state + event -> effects).
//!
//! Nothing here performs an effect, reads a clock or touches the store: the driver in `app` does.

mod check;
mod consulted;
mod definition;
mod effect;
mod error;
mod machine;
mod nodes;
mod vocabulary;

pub use consulted::{Attached, Consulted, Gave, GaveWhat, Said, SaidWhat};
pub use definition::{StepName, Workflow};
pub use effect::{Cited, Effect, EffectResult, Limit, Recording, Retrieved, Written};
pub use error::{Error, Problem, RunError};
pub use machine::{EFFECTS_MAX, Ending, Next, State, resume, start};
pub use nodes::{Cards, Compose, Guard, HandOver, Park, Reply, Retrieve, Step, Suppress, Switch, Understand};
pub use vocabulary::{Ask, Asked, Closing, FoundWhat, Intent, Reference, Understanding, Variable, Variables, Wants};
