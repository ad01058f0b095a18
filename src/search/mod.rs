//! What a shopper asks for, in the words of the catalogue: analysis, understanding, ranking. Pure; knows no store.

mod analyze;
mod glossary;
mod lex;
mod limits;
mod plan;
mod rank;
mod size;
mod stop;

pub use analyze::{Analyzer, fold, words};
pub use plan::{Doubts, Reading, read};
pub use rank::{Ranked, meets_limits, rank};
