//! Text as terminals take it, for the command line and the monitor alike: foreign words made safe, moments and ages as
//! people read them. It prints nothing and knows no screen.

mod found;
mod safe;
mod share;
mod time;

pub use found::found_by;
pub use safe::{json_safe, one_line, terminal_safe};
pub use share::{share, used_of};
pub use time::{Since, age, ago, ago_or_dash, parse_since, stamp};
