//! Words of the interface that stand in more than one place, or that somebody will want to translate first.

/// Nothing has come yet.
pub const LOADING: &str = "reading …";
/// A list without rows.
pub const NO_CONVERSATIONS: &str = "No conversations yet. `aura trigger dm.text -t SHOP` writes one.";
/// A filter that nothing passes.
pub const NOTHING_PASSES: &str = "Nothing passes this filter; esc takes it off.";
/// No shop.
pub const NO_TENANTS: &str = "No shops yet. `aura tenant add SLUG --name NAME` adds one.";
/// No event.
pub const NO_EVENTS: &str = "Nothing has happened since the monitor was opened.";
/// The terminal is too small.
pub const TOO_SMALL: &str = "Aura needs 80 columns and 24 rows.";
/// Nothing was ever asked for.
pub const NO_SEARCH: &str = "Press i and write what a shopper would ask for.";
/// Nothing was found.
pub const NO_HITS: &str = "The assistant would find nothing for this.";
/// What `y` finds nothing for.
pub const NOTHING_TO_COPY: &str = "there is nothing to copy here";
/// What `u` finds nothing for.
pub const NOTHING_TO_UNDO: &str = "nothing is about to be sent";
/// Answered on enter in the reply box without words.
pub const NOTHING_WRITTEN: &str = "nothing is written yet";

/// A person of the shop who was removed, and the name with the person.
pub const GONE: &str = "somebody who is gone";
/// Answered on ctrl-z where no shell would let the monitor go on.
pub const NO_SHELL: &str = "there is no shell to go back to; q leaves";
