//! What a reply rests on.

use super::{Timestamp, product::Product};

/// The products and facts that an answer may speak of, read from the tenant's own store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Visible products only.
    pub products: Vec<Product>,
    /// When they were read.
    pub read_at: Timestamp,
}
