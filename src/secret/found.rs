//! Whether the key that some sealed data needs is in its place. Makes none and moves none.

use super::{
    Error, MasterKeyPlace, Places, Vault,
    master::{Found, Slot},
};
use crate::domain::secret::Sealed;

/// What was found where the master key should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFound {
    /// The key.
    Opens(MasterKeyPlace),
    /// No key.
    Missing,
    /// A key that does not open what it should.
    Other(MasterKeyPlace),
}

impl KeyFound {
    /// Looks for the key that opens `sealed`, an installation's data key as it is stored. Blocking.
    ///
    /// # Errors
    /// As [`Vault::open`], but for a key that is not there.
    pub fn look(places: &Places, sealed: &Sealed) -> Result<Self, Error> {
        match Vault::open(places, Some(sealed)) {
            Ok(vault) => return Ok(Self::Opens(vault.place().clone())),
            Err(Error::NoMasterKey { .. }) => {}
            Err(other) => return Err(other),
        }
        for place in places.in_order() {
            if let Found::Key(_) = places.read(&place, Slot::Current)? {
                return Ok(Self::Other(place));
            }
        }
        Ok(Self::Missing)
    }
}
