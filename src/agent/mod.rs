//! How an answer is made, as pure functions: understanding, the built-in composer, the guard.
//!
//! Nothing here reads a clock, a store or the network; `app::answer` performs what these functions need.

mod card;
mod choose;
pub mod compose;
mod cues;
mod earlier;
mod emoji;
mod escalate;
mod facts;
pub mod guard;
pub mod language;
mod matters;
pub mod memory;
pub mod money_text;
pub mod persona;
mod phrases;
pub mod prompt;
pub mod rounds;
pub mod sight;
#[cfg(test)]
pub(crate) mod testing;
mod text;
pub mod tools;
pub mod understand;
mod unit;
mod wording;
pub mod writer;
