//! Writing a backup as a stream: nothing is held but what is on its way.

use std::io::{self, Read, Write};

use age::{Encryptor, stream::StreamWriter};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{HEAD, Head, MANIFEST, Manifest, Member, Place, TenantNote};

/// Fast: what is in the files is short text, and a backup should not take the machine from the shoppers.
const COMPRESSION: Compression = Compression::fast();

/// A backup that is being written.
pub struct Writer<W: Write> {
    tar: tar::Builder<GzEncoder<StreamWriter<W>>>,
    head: Head,
    members: Vec<Member>,
}

impl<W: Write> Writer<W> {
    /// Begins one. With a passphrase this takes about a second.
    pub fn new(encryptor: Encryptor, output: W, head: Head) -> io::Result<Self> {
        let tar = tar::Builder::new(GzEncoder::new(encryptor.wrap_output(output)?, COMPRESSION));
        let mut writer = Self { tar, head, members: Vec::new() };
        writer.json(HEAD, &writer.head.clone())?;
        Ok(writer)
    }

    /// Adds a file of exactly so many bytes.
    pub fn add(&mut self, place: &Place, bytes: u64, content: impl Read) -> io::Result<()> {
        let name = place.to_string();
        let mut content = Digesting { inner: content.take(bytes), digest: Sha256::new(), bytes: 0 };
        self.tar.append_data(&mut self.header(bytes), &name, &mut content)?;
        if content.bytes != bytes {
            // The tar says otherwise by now: this one is lost.
            let message = format!("{name} became shorter while it was read");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.members.push(Member { name, bytes, sha256: hex::encode(content.digest.finalize()) });
        Ok(())
    }

    /// Ends it with the list of everything in it.
    pub fn finish(mut self, tenants: Vec<TenantNote>) -> io::Result<(W, Manifest)> {
        let manifest = Manifest { head: self.head.clone(), tenants, members: std::mem::take(&mut self.members) };
        self.json(MANIFEST, &manifest)?;
        let output = self.tar.into_inner()?.finish()?.finish()?;
        Ok((output, manifest))
    }

    fn json(&mut self, name: &str, value: &impl serde::Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        self.tar.append_data(&mut self.header(text.len() as u64), name, text.as_slice())
    }

    fn header(&self, bytes: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.head.made_at_ms / 1_000).unwrap_or_default());
        header
    }
}

/// Takes the digest of what passes.
pub(super) struct Digesting<R> {
    pub(super) inner: R,
    pub(super) digest: Sha256,
    pub(super) bytes: u64,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
