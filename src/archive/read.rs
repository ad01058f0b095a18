//! Reading a backup as a stream, strictly: every member is one that may be there, stands in the list at the end as it is,
//! and nothing follows.

use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::{Error, FORMAT, HEAD, Head, MANIFEST, Manifest, Member, Place, write::Digesting};

/// The most bytes of the head.
const HEAD_BYTES_MAX: u64 = 64 * 1024;
/// The most bytes of the list: a million files.
const MANIFEST_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A member's bytes, once.
pub type Content<'a> = &'a mut dyn Read;

/// Reads what an age file has given. `head` may refuse the backup, `member` takes each file as it comes; what it leaves
/// unread is read for its digest. Nothing is to be believed before this returns `Ok`.
pub fn read<R, E: From<Error>>(
    plain: R,
    head: impl FnOnce(&Head) -> Result<(), E>,
    mut member: impl FnMut(&Place, Content<'_>) -> Result<(), E>,
) -> Result<Manifest, E>
where
    R: Read,
{
    let cut = |error: io::Error| Error::cut(&error);
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(plain)));
    let mut entries = tar.entries().map_err(cut)?;
    let first = entries.next().ok_or_else(|| Error::broken("it is empty"))?.map_err(cut)?;
    let known: Head = json(first, HEAD, HEAD_BYTES_MAX)?;
    if known.format > FORMAT {
        return Err(
            Error::Newer { what: "form", found: known.format.into(), known: FORMAT.into(), aura: known.aura }.into()
        );
    }
    head(&known)?;
    let mut found: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut manifest: Option<Manifest> = None;
    for entry in entries.by_ref() {
        let entry = entry.map_err(cut)?;
        if manifest.is_some() {
            return Err(Error::broken("something follows its list of files").into());
        }
        let name = name_of(&entry)?;
        if name == MANIFEST {
            manifest = Some(json(entry, MANIFEST, MANIFEST_BYTES_MAX)?);
            continue;
        }
        let place = Place::parse(&name).ok_or_else(|| Error::broken("it holds a file that belongs to none"))?;
        let mut content = Digesting { inner: entry, digest: Sha256::new(), bytes: 0 };
        member(&place, &mut content)?;
        io::copy(&mut content, &mut io::sink()).map_err(cut)?;
        if found.insert(name, (content.bytes, hex::encode(content.digest.finalize()))).is_some() {
            return Err(Error::broken("it holds a file twice").into());
        }
    }
    let manifest = manifest.ok_or_else(|| Error::broken("its list of files is missing"))?;
    end(tar)?;
    if manifest.head != known {
        return Err(Error::broken("its head and its list are of two backups").into());
    }
    compare(&manifest.members, found)?;
    Ok(manifest)
}

/// Only the end of the age file proves that nothing was cut off, and nothing may follow the tar within it.
fn end<R: Read>(tar: tar::Archive<GzDecoder<BufReader<R>>>) -> Result<(), Error> {
    let mut compressed = tar.into_inner();
    io::copy(&mut compressed, &mut io::sink()).map_err(|error| Error::cut(&error))?;
    match io::copy(&mut compressed.into_inner(), &mut io::sink()) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::broken("something follows its end")),
        Err(error) => Err(Error::cut(&error)),
    }
}

fn compare(listed: &[Member], mut found: BTreeMap<String, (u64, String)>) -> Result<(), Error> {
    for Member { name, bytes, sha256 } in listed {
        match found.remove(name) {
            None => return Err(Error::broken(format!("{name} is missing"))),
            Some((read, digest)) if read != *bytes || digest != *sha256 => {
                return Err(Error::broken(format!("{name} is not what was written")));
            }
            Some(_) => {}
        }
    }
    match found.into_keys().next() {
        Some(name) => Err(Error::broken(format!("{name} is not in its list of files"))),
        None => Ok(()),
    }
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, Error> {
    if !entry.header().entry_type().is_file() {
        return Err(Error::broken("it holds something that is no file"));
    }
    String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| Error::broken("the name of a file is no text"))
}

fn json<T: serde::de::DeserializeOwned, R: Read>(
    entry: tar::Entry<'_, R>,
    name: &'static str,
    bytes_max: u64,
) -> Result<T, Error> {
    if name_of(&entry)? != name {
        return Err(Error::broken(format!("{name} is not where it should be")));
    }
    let mut text = Vec::new();
    entry.take(bytes_max + 1).read_to_end(&mut text).map_err(|error| Error::cut(&error))?;
    if text.len() as u64 > bytes_max {
        return Err(Error::broken(format!("{name} is too long")));
    }
    serde_json::from_slice(&text).map_err(|error| Error::broken(format!("{name} cannot be understood: {error}")))
}
