//! What is written is read, and everything else is refused.

use age::{Encryptor, x25519};
use flate2::{Compression, write::GzEncoder};
use uuid::Uuid;

use super::*;

fn head() -> Head {
    Head {
        format: FORMAT,
        aura: "0.1.0".into(),
        schemas: Schemas { control: 4, journal: 2, tenant: 12 },
        installation: Uuid::nil().to_string(),
        master_key: "00000000".into(),
        made_at_ms: 1_800_000_000_000,
        bytes: 9,
    }
}

fn tenant() -> TenantId {
    TenantId(Uuid::from_u128(1))
}

fn seal(key: &x25519::Identity, plain: impl FnOnce(Encryptor) -> Vec<u8>) -> Vec<u8> {
    let public = key.to_public();
    plain(Encryptor::with_recipients(std::iter::once(&public as _)).expect("a recipient"))
}

fn written(key: &x25519::Identity, head: Head) -> Vec<u8> {
    seal(key, |encryptor| {
        let mut writer = Writer::new(encryptor, Vec::new(), head).expect("begun");
        writer.add(&Place::Control, 5, &b"12345"[..]).expect("added");
        writer.add(&Place::Tenant(tenant()), 4, &b"abcd"[..]).expect("added");
        writer.finish(Vec::new()).expect("finished").0
    })
}

/// Files with their bytes.
type Files = Vec<(String, Vec<u8>)>;

fn opened(key: &x25519::Identity, file: &[u8]) -> Result<(Manifest, Files), Error> {
    let cut = |reason: String| Error::Broken { reason };
    let decryptor = age::Decryptor::new_buffered(file).map_err(|error| cut(error.to_string()))?;
    let plain = decryptor.decrypt(std::iter::once(key as _)).map_err(|error| cut(error.to_string()))?;
    let mut files = Vec::new();
    let manifest = read(
        plain,
        |_| Ok(()),
        |place, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|error| Error::cut(&error))?;
            files.push((place.to_string(), bytes));
            Ok::<_, Error>(())
        },
    )?;
    Ok((manifest, files))
}

#[test]
fn what_is_written_is_read_again_with_its_list() {
    let key = x25519::Identity::generate();
    let (manifest, files) = opened(&key, &written(&key, head())).expect("read");
    assert_eq!(manifest.head, head());
    let name = Place::Tenant(tenant()).to_string();
    assert_eq!(files, [("control.db".to_owned(), b"12345".to_vec()), (name, b"abcd".to_vec())]);
    assert_eq!(manifest.members[0].sha256, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"12345")));
}

#[test]
fn a_backup_that_is_cut_off_or_changed_anywhere_is_refused() {
    let key = x25519::Identity::generate();
    let file = written(&key, head());
    for at in 0..file.len() {
        assert_eq!(opened(&key, &file[..at]).expect_err("cut off").code(), "backup_broken", "cut at {at}");
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(opened(&key, &changed).is_err(), "changed at {at}");
    }
}

#[test]
fn a_newer_one_is_refused_by_name_before_anything_else_of_it_is_read() {
    let key = x25519::Identity::generate();
    let newer = Head { format: FORMAT + 1, aura: "9.0.0".into(), ..head() };
    let error = opened(&key, &written(&key, newer)).expect_err("newer");
    assert!(matches!(&error, Error::Newer { found: 2, aura, .. } if aura == "9.0.0"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("9.0.0")));
}

/// Members by their names.
type Members<'a> = &'a [(&'a str, &'a [u8])];

/// A tar as nobody of us writes it, sealed as ours is.
fn forged(key: &x25519::Identity, members: Members<'_>) -> Vec<u8> {
    seal(key, |encryptor| {
        let sealed = encryptor.wrap_output(Vec::new()).expect("begun");
        let mut tar = tar::Builder::new(GzEncoder::new(sealed, Compression::fast()));
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            // As it is: the crate itself refuses some of these names.
            let field = header.as_gnu_mut().expect("a header of this kind");
            field.name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *bytes).expect("appended");
        }
        tar.into_inner().expect("ended").finish().expect("compressed").finish().expect("sealed")
    })
}

#[test]
fn a_file_that_belongs_to_none_is_twice_unlisted_or_listed_otherwise_makes_it_no_backup() {
    let key = x25519::Identity::generate();
    let start = serde_json::to_vec(&head()).expect("JSON");
    let list = |members: Vec<Member>| {
        serde_json::to_vec(&Manifest { head: head(), tenants: Vec::new(), members }).expect("JSON")
    };
    let member = |name: &str, sha256: &str| Member { name: name.into(), bytes: 2, sha256: sha256.into() };
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"ab"));
    let whole = list(vec![member("control.db", &digest)]);
    let wrong = list(vec![member("control.db", &"0".repeat(64))]);
    let (none, other) = (
        list(Vec::new()),
        serde_json::to_vec(&Manifest {
            head: Head { installation: "other".into(), ..head() },
            tenants: Vec::new(),
            members: vec![member("control.db", &digest)],
        }),
    );
    let other = other.expect("JSON");
    let file = ("control.db", &b"ab"[..]);
    let good = forged(&key, &[(HEAD, &start), file, (MANIFEST, &whole)]);
    opened(&key, &good).expect("this is what the others differ from");
    let cases: &[(&str, Members<'_>)] = &[
        ("belongs to none", &[(HEAD, &start), ("master.key", b"ab"), (MANIFEST, &whole)]),
        ("belongs to none", &[(HEAD, &start), ("../control.db", b"ab"), (MANIFEST, &whole)]),
        ("belongs to none", &[(HEAD, &start), ("/etc/passwd", b"ab"), (MANIFEST, &whole)]),
        ("twice", &[(HEAD, &start), file, file, (MANIFEST, &whole)]),
        ("not in its list", &[(HEAD, &start), file, (MANIFEST, &none)]),
        ("is missing", &[(HEAD, &start), (MANIFEST, &whole)]),
        ("not what was written", &[(HEAD, &start), file, (MANIFEST, &wrong)]),
        ("list of files is missing", &[(HEAD, &start), file]),
        ("of two backups", &[(HEAD, &start), file, (MANIFEST, &other)]),
        ("follows its list", &[(HEAD, &start), file, (MANIFEST, &whole), ("journal.db", b"ab")]),
        ("not where it should be", &[file, (HEAD, &start), (MANIFEST, &whole)]),
    ];
    for (expected, members) in cases {
        let error = opened(&key, &forged(&key, members)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_name_is_read_as_the_place_it_was_written_for_and_as_no_other() {
    let media = Place::Media(tenant(), "0192-a_b.jpg".into());
    for place in [Place::Control, Place::Journal, Place::Checkpoint, Place::Tenant(tenant()), media] {
        assert_eq!(Place::parse(&place.to_string()), Some(place));
    }
    let id = tenant().to_string();
    for name in [
        "",
        "control.db-wal",
        "tenants",
        &format!("tenants/{id}"),
        &format!("tenants/{id}/other.db"),
        &format!("tenants/{}/tenant.db", id.to_uppercase()),
        &format!("tenants/{id}/media/"),
        &format!("tenants/{id}/media/.."),
        &format!("tenants/{id}/media/../tenant.db"),
        &format!("tenants/{id}/media/a/b"),
    ] {
        assert_eq!(Place::parse(name), None, "{name}");
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_ends_the_backup() {
    let key = x25519::Identity::generate();
    seal(&key, |encryptor| {
        let mut writer = Writer::new(encryptor, Vec::new(), head()).expect("begun");
        let error = writer.add(&Place::Control, 6, &b"12345"[..]).expect_err("one byte is missing");
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        Vec::new()
    });
}
