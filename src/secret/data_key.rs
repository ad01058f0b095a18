//! The key of one tenant, or of the installation: what it seals, tells apart, signs and buries.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;

use super::{
    Error, Signer,
    envelope::{self, Binding, Key},
    vault::FINGERPRINT_BYTES,
};
use crate::domain::{
    TenantId,
    conversation::ConversationKey,
    erasure::Tombstone,
    secret::{Fingerprint, Sealed, SecretName, SecretScope},
};

/// The key that seals the secrets of one tenant, or of the installation. Wiped when dropped.
pub struct DataKey {
    scope: SecretScope,
    sealing: Key,
    fingerprinting: Key,
    signing: Key,
    burying: Key,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DataKey").field(&self.scope).finish()
    }
}

impl DataKey {
    /// One key per use, so that what one use gives away is worth nothing to the other.
    pub(super) fn derive(scope: SecretScope, plain: &[u8]) -> Self {
        let root = Hkdf::<Sha256>::new(None, plain);
        let (mut sealing, mut fingerprinting) = (Key::default(), Key::default());
        let (mut signing, mut burying) = (Key::default(), Key::default());
        let uses = [
            (&mut sealing, "aura/v1/seal"),
            (&mut fingerprinting, "aura/v1/fingerprint"),
            (&mut signing, "aura/v1/audit"),
            (&mut burying, "aura/v1/tombstone"),
        ];
        for (key, info) in uses {
            root.expand(info.as_bytes(), key.as_mut_slice()).expect("32 bytes are within HKDF's limit of 255 hashes");
        }
        Self { scope, sealing, fingerprinting, signing, burying }
    }

    /// Seals a secret as its `version`-th value.
    pub fn seal(&self, name: &SecretName, version: u32, value: &str) -> Result<Sealed, Error> {
        envelope::seal(&self.sealing, self.binding(&purpose(name), version), value.as_bytes())
    }

    /// Opens a secret that was sealed under the same name and version.
    ///
    /// # Errors
    /// [`Error::Broken`] when it was changed, or sealed for another scope, name or version.
    pub fn open(&self, name: &SecretName, version: u32, sealed: &Sealed) -> Result<SecretString, Error> {
        let plain = envelope::open(&self.sealing, self.binding(&purpose(name), version), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Error::Broken { what: purpose(name) })?;
        Ok(SecretString::from(text))
    }

    /// Tells two values of one name apart; nobody without this key can check a guess against it.
    #[must_use]
    pub fn fingerprint(&self, name: &SecretName, value: &str) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.fingerprinting.as_slice()).expect("HMAC takes any key length");
        mac.update(&(name.as_str().len() as u64).to_be_bytes());
        mac.update(name.as_str().as_bytes());
        mac.update(value.as_bytes());
        Fingerprint(hex::encode(&mac.finalize().into_bytes()[..FINGERPRINT_BYTES]))
    }

    /// Signs checkpoints under `name`.
    pub fn signer(&self, name: String) -> Result<Signer, Error> {
        Signer::new(name, &self.signing)
    }

    /// Makes tombstones.
    #[must_use]
    pub fn tombstone_key(&self) -> TombstoneKey {
        TombstoneKey(self.burying.clone())
    }

    const fn binding<'a>(&self, purpose: &'a str, version: u32) -> Binding<'a> {
        Binding { scope: self.scope, purpose, version }
    }
}

/// Makes tombstones that nobody can check a guess against without it. Wiped when dropped.
#[derive(Clone)]
pub struct TombstoneKey(Key);

impl std::fmt::Debug for TombstoneKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TombstoneKey")
    }
}

impl TombstoneKey {
    /// The tombstone of whoever writes in a conversation of `tenant`: those of two tenants say nothing of each other.
    #[must_use]
    pub fn tombstone(&self, tenant: TenantId, conversation: &ConversationKey) -> Tombstone {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes any key length");
        let ConversationKey { channel, account, shopper } = conversation;
        for part in [&tenant.to_string()[..], channel.as_str(), &account.0, &shopper.0] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Tombstone(mac.finalize().into_bytes().into())
    }
}

fn purpose(name: &SecretName) -> String {
    format!("secret/{name}")
}
