//! One sealed value: `format | nonce | ciphertext and tag`, bound to whom and what it was sealed for.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::Error;
use crate::domain::secret::{Sealed, SecretScope};

/// First byte of every envelope: XChaCha20-Poly1305 with the layout above.
const FORMAT: u8 = 1;
/// XChaCha20 takes 192-bit nonces: wide enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;
/// A key of XChaCha20-Poly1305.
pub(super) const KEY_BYTES: usize = 32;

/// A key, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// What an envelope is bound to; opening it as anything else fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding<'a> {
    pub(super) scope: SecretScope,
    pub(super) purpose: &'a str,
    pub(super) version: u32,
}

impl Binding<'_> {
    /// `aura/v1|scope|purpose|version`. Neither scope nor version can hold a `|`, so no two bindings read the same.
    fn associated_data(self) -> String {
        format!("aura/v1|{}|{}|{}", self.scope, self.purpose, self.version)
    }
}

/// A fresh random key.
pub(super) fn fresh_key() -> Result<Key, Error> {
    let mut key = Key::default();
    random(key.as_mut_slice())?;
    Ok(key)
}

/// Seals `plain` under `key` for `binding`, with a fresh nonce.
pub(super) fn seal(key: &Key, binding: Binding<'_>, plain: &[u8]) -> Result<Sealed, Error> {
    let mut nonce = [0_u8; NONCE_BYTES];
    random(&mut nonce)?;
    let aad = binding.associated_data();
    let ciphertext = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: aad.as_bytes() })
        .map_err(|_| broken(binding))?;
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(Sealed(sealed))
}

/// Opens what [`seal`] made with the same key and binding.
pub(super) fn open(key: &Key, binding: Binding<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Error> {
    let Some((&FORMAT, rest)) = sealed.0.split_first() else { return Err(broken(binding)) };
    let Some((nonce, ciphertext)) = rest.split_first_chunk::<NONCE_BYTES>() else { return Err(broken(binding)) };
    let aad = binding.associated_data();
    cipher(key)
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: aad.as_bytes() })
        .map(Zeroizing::new)
        .map_err(|_| broken(binding))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    let key: &[u8; KEY_BYTES] = key;
    XChaCha20Poly1305::new(key.into())
}

fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Random(error.to_string()))
}

fn broken(binding: Binding<'_>) -> Error {
    Error::Broken { what: format!("{} of {}", binding.purpose, binding.scope) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::TenantId;

    fn tenant(number: u128) -> SecretScope {
        SecretScope::Tenant(TenantId(Uuid::from_u128(number)))
    }

    fn binding(scope: SecretScope) -> Binding<'static> {
        Binding { scope, purpose: "secret/meta.app_secret", version: 3 }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_does_not_show(plain in proptest::collection::vec(any::<u8>(), 8..200)) {
            let key = fresh_key().expect("random bytes");
            let sealed = seal(&key, binding(tenant(1)), &plain).expect("sealed");
            let opened = open(&key, binding(tenant(1)), &sealed).expect("opened");
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
            prop_assert!(!sealed.0.windows(plain.len()).any(|window| window == plain));
        }

        #[test]
        fn arbitrary_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let key = fresh_key().expect("random bytes");
            prop_assert!(open(&key, binding(tenant(1)), &Sealed(bytes)).is_err());
        }
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let key = fresh_key().expect("random bytes");
        let sealed = seal(&key, binding(tenant(1)), b"token").expect("sealed");
        for place in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[place] ^= 1;
            assert!(open(&key, binding(tenant(1)), &changed).is_err(), "byte {place}");
            assert!(open(&key, binding(tenant(1)), &Sealed(sealed.0[..place].to_vec())).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn it_opens_only_for_whom_and_what_it_was_sealed() {
        let key = fresh_key().expect("random bytes");
        let right = binding(tenant(1));
        let sealed = seal(&key, right, b"token").expect("sealed");
        for wrong in [
            binding(tenant(2)),
            binding(SecretScope::Installation),
            Binding { purpose: "secret/meta.verify_token", ..right },
            Binding { version: 4, ..right },
        ] {
            assert!(matches!(open(&key, wrong, &sealed), Err(Error::Broken { .. })), "{wrong:?}");
        }
        let other = fresh_key().expect("random bytes");
        assert!(matches!(open(&other, right, &sealed), Err(Error::Broken { .. })));
    }

    #[test]
    fn sealing_twice_gives_two_different_envelopes() {
        let key = fresh_key().expect("random bytes");
        let seal = || seal(&key, binding(tenant(1)), b"token").expect("sealed");
        assert_ne!(seal(), seal());
    }
}
