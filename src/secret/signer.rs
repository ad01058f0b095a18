//! Signs what others keep: a text with an Ed25519 signature under it, in the form of a C2SP signed note.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::{Error, envelope::Key};

/// Ed25519, in a note's key.
const ALGORITHM: u8 = 0x01;
/// Bytes of a key's hash in a note.
const HINT_BYTES: usize = 4;

/// Signs in the name of one installation. Its key comes from the installation's data key, so it stays the same for as
/// long as that does, and whoever has the files but not the master key cannot sign.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It does not have the form of one.
    #[error("it is not a signed note")]
    Form,
    /// Nobody known has signed it.
    #[error("it was signed by another installation, or by nobody")]
    Stranger,
    /// It was changed, or the signature is made up.
    #[error("its signature is wrong: it was changed")]
    Wrong,
}

impl Signer {
    /// `seed` is secret; `name` is what the note calls the signer, without spaces and `+`.
    pub(super) fn new(name: String, seed: &Key) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
            .map_err(|_| Error::Broken { what: "the signing key".into() })?;
        Ok(Self { name, pair })
    }

    /// What the note calls the signer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that anyone can check a note with: `name+hash+key`, as C2SP writes it.
    #[must_use]
    pub fn public_key(&self) -> String {
        format!("{}+{}+{}", self.name, hex::encode(self.hint()), STANDARD.encode(self.key()))
    }

    fn key(&self) -> Vec<u8> {
        [&[ALGORITHM][..], self.pair.public_key().as_ref()].concat()
    }

    fn hint(&self) -> [u8; HINT_BYTES] {
        let hash = Sha256::new().chain_update(&self.name).chain_update(b"\n").chain_update(self.key()).finalize();
        std::array::from_fn(|at| hash[at])
    }

    /// `text`, which ends with a line feed and holds no empty line, with the signature under it.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let signed = STANDARD.encode([&self.hint()[..], signature.as_ref()].concat());
        format!("{text}\n\u{2014} {} {signed}\n", self.name)
    }

    /// The text of a note that this signer has signed.
    ///
    /// # Errors
    /// [`NotSigned`] says why it is not believed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NotSigned> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NotSigned::Form)?;
        let text = &note[..=text.len()];
        let line = format!("\u{2014} {} ", self.name);
        let mut ours = signatures.lines().filter_map(|signature| signature.strip_prefix(&line));
        let signed = STANDARD.decode(ours.next().ok_or(NotSigned::Stranger)?).map_err(|_| NotSigned::Form)?;
        let (hint, signature) = signed.split_first_chunk::<HINT_BYTES>().ok_or(NotSigned::Form)?;
        if *hint != self.hint() {
            return Err(NotSigned::Stranger);
        }
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key());
        public.verify(text.as_bytes(), signature).map_err(|_| NotSigned::Wrong)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(seed: u8) -> Signer {
        Signer::new("aura/one".into(), &Key::new([seed; 32])).expect("a key")
    }

    #[test]
    fn a_note_opens_as_it_was_signed_and_not_after_a_change() {
        let (signer, text) = (signer(1), "aura/one\n7\nhash\n");
        let note = signer.sign(text);
        assert_eq!(signer.open(&note), Ok(text));
        assert_eq!(signer.open(&note.replace('7', "8")), Err(NotSigned::Wrong));
        assert_eq!(signer.open(text), Err(NotSigned::Form));
        assert_eq!(signer.open(&note.replace("one ", "two ")), Err(NotSigned::Stranger));
        let other = self::signer(2);
        assert_eq!(other.open(&note), Err(NotSigned::Stranger), "the same name, another key");
    }

    #[test]
    fn a_note_has_the_form_that_others_read() {
        let note = signer(1).sign("aura/one\n7\nhash\n");
        let lines: Vec<_> = note.lines().collect();
        assert_eq!(lines[..4], ["aura/one", "7", "hash", ""]);
        assert!(lines[4].starts_with("\u{2014} aura/one "), "{note}");
        let key = signer(1).public_key();
        let (hash, bytes) = key.strip_prefix("aura/one+").and_then(|rest| rest.split_once('+')).expect("three parts");
        assert_eq!((hash.len(), STANDARD.decode(bytes).expect("base64").len()), (8, 33));
    }
}
