//! The recovery copy of the master key: an age file in text form that a passphrase opens, or keys that people hold.
//!
//! What it holds is what `master.key` holds, so anyone with the public `age` tool can put the key back without Aura. Knows
//! no file: the text comes in and goes out.

use std::io::{BufRead, Read, Write};

use age::{
    DecryptError, Decryptor, Encryptor, Identity, Recipient,
    armor::{ArmoredReader, ArmoredWriter, Format},
    scrypt,
    stream::StreamReader,
    x25519,
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{
    Error,
    envelope::Key,
    master::{KEY_FILE_BYTES_MAX, key_text, parse},
};
use crate::domain::secret::WeakPassphrase;

/// scrypt's N is two to this: what the `age` tool itself takes, 256 MiB of memory and about a second.
const WORK_FACTOR: u8 = 18;
/// The most that is done for a file that somebody else wrote: 1 GiB of memory and some seconds.
const WORK_FACTOR_MAX: u8 = 20;
/// How the key is called where a copy of it cannot be understood.
const COPY: &str = "the recovery copy";

/// Who can open a copy that is about to be made.
#[derive(Debug)]
pub enum CopyFor {
    /// Whoever knows the passphrase.
    Passphrase(SecretString),
    /// Whoever has the secret key of one of these.
    Recipients(Vec<x25519::Recipient>),
}

impl CopyFor {
    /// For whoever knows `text`.
    ///
    /// # Errors
    /// [`Error::WeakPassphrase`].
    pub fn passphrase(text: String) -> Result<Self, Error> {
        WeakPassphrase::check(&text)?;
        Ok(Self::Passphrase(SecretString::from(text)))
    }

    /// For the holders of the secret keys that belong to `given`, each `age1…`.
    ///
    /// # Errors
    /// [`Error::NotRecipient`] with the place of the first that is none, or when there is none at all. What was given is not
    /// repeated: it may be the secret key, taken for the public one.
    pub fn recipients(given: &[String]) -> Result<Self, Error> {
        let parse = |(text, number): (&String, usize)| {
            text.trim().parse::<x25519::Recipient>().map_err(|_| Error::NotRecipient { number })
        };
        match given {
            [] => Err(Error::NotRecipient { number: 1 }),
            _ => given.iter().zip(1..).map(parse).collect::<Result<_, _>>().map(Self::Recipients),
        }
    }

    /// The same in a word, for the audit log.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::Recipients(_) => "recipients",
        }
    }

    /// What seals for them, also what is longer than a key. With a passphrase, its first use takes about a second.
    #[must_use]
    pub fn encryptor(&self) -> Encryptor {
        let passphrase;
        let recipients: Vec<&dyn Recipient> = match self {
            Self::Passphrase(text) => {
                let mut recipient = scrypt::Recipient::new(text.clone());
                recipient.set_work_factor(WORK_FACTOR);
                passphrase = recipient;
                vec![&passphrase]
            }
            Self::Recipients(recipients) => recipients.iter().map(|one| one as &dyn Recipient).collect(),
        };
        // Recipients of one kind go together.
        Encryptor::with_recipients(recipients.into_iter()).expect("they are all of one kind")
    }
}

/// What a copy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedBy {
    /// The passphrase it was made with.
    Passphrase,
    /// The secret key of one of those it was made for.
    Identity,
}

impl OpenedBy {
    /// What the copy in `text` asks for.
    ///
    /// # Errors
    /// [`Error::CopyUnreadable`] when it is no age file, or one that is cut off in its head.
    pub fn of(text: &[u8]) -> Result<Self, Error> {
        Self::of_file(ArmoredReader::new(text))
    }

    /// What an age file asks for whose bytes are these.
    ///
    /// # Errors
    /// The same.
    pub fn of_file(file: impl BufRead) -> Result<Self, Error> {
        Ok(if decryptor(file)?.is_scrypt() { Self::Passphrase } else { Self::Identity })
    }
}

/// What is there to open a copy with.
#[derive(Debug)]
pub enum CopyKey {
    /// A passphrase.
    Passphrase(SecretString),
    /// The text of an identity file as `age-keygen` writes it.
    Identities(SecretString),
}

impl CopyKey {
    /// A passphrase.
    #[must_use]
    pub fn passphrase(text: String) -> Self {
        Self::Passphrase(text.into())
    }

    /// The text of an identity file: lines of `AGE-SECRET-KEY-1…`, and comments.
    #[must_use]
    pub fn identities(text: String) -> Self {
        Self::Identities(text.into())
    }

    /// What is in an age file whose bytes are these. Blocking: a passphrase takes about a second.
    ///
    /// # Errors
    /// [`Error::CopyUnreadable`], [`Error::CopyNeeds`], [`Error::CopyRefused`] and [`Error::NotIdentity`].
    pub fn decrypt<R: BufRead>(&self, file: R) -> Result<StreamReader<R>, Error> {
        let decryptor = decryptor(file)?;
        let identities: Vec<Box<dyn Identity>> = match (decryptor.is_scrypt(), self) {
            (true, Self::Passphrase(passphrase)) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(WORK_FACTOR_MAX);
                vec![Box::new(identity)]
            }
            (false, Self::Identities(file)) => identities(file)?,
            (true, Self::Identities(_)) => {
                return Err(Error::CopyNeeds { what: "its passphrase, not an identity file" });
            }
            (false, Self::Passphrase(_)) => {
                return Err(Error::CopyNeeds { what: "an identity file, not a passphrase" });
            }
        };
        let refused = || match self {
            Self::Passphrase(_) => Error::CopyRefused { what: "the passphrase does not open" },
            Self::Identities(_) => Error::CopyRefused { what: "no key of the identity file opens" },
        };
        decryptor.decrypt(identities.iter().map(AsRef::as_ref)).map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                refused()
            }
            other => unreadable(&other),
        })
    }
}

/// A copy of `key`. Blocking: a passphrase takes about a second.
pub(super) fn seal(key: &Key, whom: &CopyFor) -> Result<String, Error> {
    let mut text = Vec::new();
    let armored = ArmoredWriter::wrap_output(&mut text, Format::AsciiArmor);
    let written = armored.and_then(|armored| {
        let mut writer = whom.encryptor().wrap_output(armored)?;
        writer.write_all(key_text(key).as_bytes())?;
        writer.finish()?.finish()
    });
    written.expect("a write to memory does not fail");
    Ok(String::from_utf8(text).expect("armour is ASCII"))
}

/// The key in a copy. Blocking: a passphrase takes about a second.
pub(super) fn open(text: &[u8], with: &CopyKey) -> Result<Key, Error> {
    let reader = with.decrypt(ArmoredReader::new(text))?;
    let mut plain = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX as usize));
    let read = reader.take(KEY_FILE_BYTES_MAX).read_to_end(&mut plain);
    read.map_err(|_| Error::CopyUnreadable { reason: CUT })?;
    parse(&plain, COPY)
}

/// Why most copies that were one cannot be read.
const CUT: &str = "it is cut off or was changed";

fn decryptor<R: BufRead>(file: R) -> Result<Decryptor<R>, Error> {
    Decryptor::new_buffered(file).map_err(|error| unreadable(&error))
}

/// In words of our own: those of age come in the language of whoever runs it.
fn unreadable(error: &DecryptError) -> Error {
    Error::CopyUnreadable {
        reason: match error {
            DecryptError::UnknownFormat => "it is of a newer format of age than this Aura knows",
            DecryptError::ExcessiveWork { .. } => "its passphrase asks for more memory than Aura takes for it",
            _ => CUT,
        },
    }
}

fn identities(file: &SecretString) -> Result<Vec<Box<dyn Identity>>, Error> {
    let mut found: Vec<Box<dyn Identity>> = Vec::new();
    for (line, number) in file.expose_secret().lines().map(str::trim).zip(1..) {
        if !line.is_empty() && !line.starts_with('#') {
            let identity: x25519::Identity = line.parse().map_err(|_| Error::NotIdentity { line: number })?;
            found.push(Box::new(identity));
        }
    }
    if found.is_empty() { Err(Error::NotIdentity { line: 1 }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key pair made for these tests with `age-keygen`'s own form; nothing else is sealed with it.
    fn pair() -> (String, String) {
        let identity = x25519::Identity::generate();
        (identity.to_public().to_string(), identity.to_string().expose_secret().to_owned())
    }

    fn key() -> Key {
        Key::new([7; 32])
    }

    fn copy(recipients: &[&str]) -> String {
        let given: Vec<String> = recipients.iter().map(|&text| text.to_owned()).collect();
        seal(&key(), &CopyFor::recipients(&given).expect("recipients")).expect("sealed")
    }

    #[test]
    fn each_recipient_opens_a_copy_and_nobody_else_does() {
        let (one, two, other) = (pair(), pair(), pair());
        let text = copy(&[&one.0, &two.0]);
        assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !text.contains(&"07".repeat(4)));
        for secret in [&one.1, &two.1] {
            let file = format!("# created: today\r\n\n{secret}\r\n");
            assert_eq!(open(text.as_bytes(), &CopyKey::identities(file)).expect("opened"), key());
        }
        let refused = open(text.as_bytes(), &CopyKey::identities(other.1)).expect_err("another key");
        assert_eq!(refused.code(), "recovery_copy_refused");
        let asked = open(text.as_bytes(), &CopyKey::passphrase("correct horse".into())).expect_err("no passphrase");
        assert!(asked.to_string().contains("an identity file"), "{asked}");
        assert_eq!(OpenedBy::of(text.as_bytes()).expect("a copy"), OpenedBy::Identity);
    }

    #[test]
    fn the_passphrase_opens_a_copy_and_another_does_not() {
        let whom = CopyFor::passphrase("correct horse battery".into()).expect("long enough");
        let text = seal(&key(), &whom).expect("sealed");
        assert_eq!(OpenedBy::of(text.as_bytes()).expect("a copy"), OpenedBy::Passphrase);
        let with = |words: &str| open(text.as_bytes(), &CopyKey::passphrase(words.into()));
        assert_eq!(with("correct horse battery").expect("opened"), key());
        assert_eq!(with("correct horse batterz").expect_err("wrong").code(), "recovery_copy_refused");
        let asked = open(text.as_bytes(), &CopyKey::identities(pair().1)).expect_err("no identity");
        assert!(asked.to_string().contains("its passphrase"), "{asked}");
    }

    #[test]
    fn a_copy_that_is_cut_off_or_changed_anywhere_opens_nothing_and_says_so() {
        let (public, secret) = pair();
        let (text, with) = (copy(&[&public]), CopyKey::identities(secret));
        let read = |bytes: &[u8]| open(bytes, &with);
        assert!(read(text.as_bytes()).is_ok());
        for at in 0..text.trim_end().len() {
            let error = read(&text.as_bytes()[..at]).expect_err("cut off");
            assert_eq!(error.code(), "recovery_copy_unreadable", "cut at {at}");
        }
        for at in 0..text.trim_end().len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            // A changed name of the recipient's share is one that belongs to nobody.
            let code = read(&changed).expect_err("changed").code();
            assert!(matches!(code, "recovery_copy_unreadable" | "recovery_copy_refused"), "{at}: {code}");
        }
        for none in [&b""[..], b"hello", b"-----BEGIN PGP MESSAGE-----"] {
            assert_eq!(read(none).expect_err("no copy").code(), "recovery_copy_unreadable");
        }
    }

    #[test]
    fn an_age_file_of_something_else_is_no_key() {
        let (public, secret) = pair();
        let recipient: x25519::Recipient = public.parse().expect("a recipient");
        for other in [&b"hello\n"[..], &[b'a'; 4_096]] {
            let text = age::encrypt_and_armor(&recipient, other).expect("encrypted");
            let error = open(text.as_bytes(), &CopyKey::identities(secret.clone())).expect_err("no key");
            assert_eq!(error.code(), "master_key_malformed");
        }
    }

    #[test]
    fn what_could_be_guessed_or_is_no_key_is_refused_without_being_repeated() {
        for weak in ["", "            ", "elevencharX", " a b c d e f g h i j k "] {
            assert_eq!(CopyFor::passphrase(weak.into()).expect_err(weak).code(), "weak_passphrase");
        }
        let (public, secret) = pair();
        assert!(matches!(CopyFor::recipients(&[]), Err(Error::NotRecipient { number: 1 })));
        let error = CopyFor::recipients(&[public, secret.clone()]).expect_err("the secret half");
        assert!(matches!(error, Error::NotRecipient { number: 2 }) && !format!("{error:?}").contains(&secret));
        for (file, line) in [("", 1), ("# nothing\n", 1), ("# a\nAGE-SECRET-KEY-1WRONG\n", 2)] {
            let text = copy(&[&pair().0]);
            let error = open(text.as_bytes(), &CopyKey::identities(file.into())).expect_err(file);
            assert!(matches!(error, Error::NotIdentity { line: at } if at == line), "{error:?}");
        }
    }
}
