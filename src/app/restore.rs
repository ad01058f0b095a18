//! Reading a backup: checked as it is, or put in the place of what a data directory holds. Everything is read, checked and
//! made ready beside what is there before anything of that is touched.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Error, backup::RESTORED};
use crate::{
    archive::{self, Head, Manifest, Place, TenantState},
    config::Environment,
    domain::{
        Ids, TenantId, Timestamp,
        audit::{Act, NewAudit},
        chain,
        proof::Walked,
    },
    secret::{self, CopyKey, KeyFound, MasterKeyPlace, MasterKeyPolicy, OpenedBy, Places},
    store::{self, DataDir, HeldRows, Room, Staged},
};

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Hears how many bytes of the file have been read.
pub type ReadBytes = Arc<dyn Fn(u64) + Send + Sync>;

/// What a backup was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// When it was begun.
    pub made_at: Timestamp,
    /// The version of Aura that made it.
    pub aura: String,
    /// The fingerprint of the master key that opens its secrets.
    pub master_key: String,
    /// Tenants in it, by slug.
    pub tenants: Vec<String>,
    /// Tenants that it knows and whose files could not be read when it was made.
    pub left_out: Vec<String>,
    /// Bytes of the files in it.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
}

/// What putting a backup back came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What it held.
    pub contents: Contents,
    /// Whether the master key that it needs is in its place.
    pub master_key: KeyFound,
    /// Replies that wait for a person because nobody knows whether they have gone out since, by tenant; only those with any.
    pub held: Vec<(String, u64)>,
    /// Conversations that were erased since the backup, and are again.
    pub erased: u64,
    /// Tenants, by slug, of which nobody knows what was erased since: their files of now cannot be read.
    pub erasures_unknown: Vec<String>,
    /// Where the data of before is; `None`: there was none, or nothing was changed.
    pub before: Option<PathBuf>,
}

/// What to put back, and how.
pub struct Wanted {
    /// The backup.
    pub file: PathBuf,
    /// What opens it.
    pub key: CopyKey,
    /// Whether to stop short of changing anything.
    pub dry_run: bool,
    /// Hears how far it is.
    pub progress: ReadBytes,
}

/// What opens a backup.
///
/// # Errors
/// When it cannot be read or is none.
pub fn opened_by(file: &Path) -> Result<OpenedBy, Error> {
    OpenedBy::of_file(BufReader::new(open(file)?)).map_err(of_backup)
}

/// Reads a backup to its end and checks everything in it, with `scratch` for one file at a time. Blocking.
///
/// # Errors
/// Whatever makes it no backup to rely on.
pub fn verify(file: &Path, key: &CopyKey, scratch: &Path, progress: ReadBytes) -> Result<Contents, Error> {
    let folder = Scratch::in_folder(scratch)?;
    let staged = Staged::at(folder.0.clone());
    let manifest = read(file, key, progress, known, |place, content| {
        unpack(&folder.0, place, content)?;
        match place {
            Place::Control => sound("control.db", staged.check_control())?,
            Place::Journal => staged.check_journal().map_err(damaged)?,
            Place::Tenant(id) => sound(&place.to_string(), staged.check_tenant(*id))?,
            Place::Checkpoint | Place::Media(..) => {}
        }
        fs::remove_file(folder.0.join(place.to_string())).map_err(not_written(&place.to_string()))
    })?;
    is_complete(&manifest)?;
    Ok(contents(&manifest))
}

/// Puts a backup in the place of what a data directory holds. Blocking.
///
/// # Errors
/// Whatever makes it no backup to rely on; [`Error::Conflict`] when another key stands where its own should be. The data of
/// before is what it was then.
pub fn restore(
    dir: &DataDir,
    wanted: &Wanted,
    policy: MasterKeyPolicy,
    environment: &Environment,
    ids: &Arc<dyn Ids>,
    act: Act,
) -> Result<Restored, Error> {
    let folder = dir.begin_restore()?;
    let staged = Staged::at(folder.clone());
    let ready = stage(&folder, &staged, dir, wanted).and_then(|manifest| {
        let key = master_key(&staged, dir, policy, environment)?;
        let prepared = prepare(&staged, &manifest, dir, ids, act)?;
        Ok((manifest, key, prepared))
    });
    let (manifest, master_key, Prepared { held, erased, erasures_unknown }) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            dir.abandon_restore()?;
            return Err(error);
        }
    };
    let contents = contents(&manifest);
    if wanted.dry_run {
        dir.abandon_restore()?;
        return Ok(Restored { contents, master_key, held, erased, erasures_unknown, before: None });
    }
    let before = dir.put_restored(act.at.0)?;
    tracing::info!(tenants = contents.tenants.len(), held = held.len(), erased, "a backup was restored");
    Ok(Restored { contents, master_key, held, erased, erasures_unknown, before })
}

/// A directory with data that nobody has given up.
#[must_use]
pub fn not_confirmed(data_dir: &Path, name: &str) -> Error {
    Error::Conflict {
        message: format!("{} holds data, which a restore replaces", data_dir.display()),
        hint: Some(format!(
            "See what would be done with `--dry-run`; then say `--confirm {name}`. What is there now stays in a folder beside \
             the new data."
        )),
    }
}

/// Unpacks everything and checks it.
fn stage(folder: &Path, staged: &Staged, dir: &DataDir, wanted: &Wanted) -> Result<Manifest, Error> {
    let fits = |head: &Head| {
        known(head)?;
        match dir.room() {
            Ok(Room { free_bytes, .. }) if free_bytes < head.bytes => Err(Error::Temporary {
                message: format!(
                    "the backup needs {} MiB beside what is there, and {} MiB are left",
                    head.bytes >> 20,
                    free_bytes >> 20
                ),
                source: None,
            }),
            // Where nobody can say how much room there is, the attempt will.
            _ => Ok(()),
        }
    };
    let progress = Arc::clone(&wanted.progress);
    let manifest = read(&wanted.file, &wanted.key, progress, fits, |place, content| unpack(folder, place, content))?;
    is_complete(&manifest)?;
    sound("control.db", staged.check_control())?;
    staged.check_journal().map_err(damaged)?;
    for member in &manifest.members {
        if let Some(place @ Place::Tenant(id)) = Place::parse(&member.name) {
            sound(&place.to_string(), staged.check_tenant(id))?;
        }
    }
    Ok(manifest)
}

/// What making the unpacked files ready came to; see [`Restored`].
#[derive(Default)]
struct Prepared {
    held: Vec<(String, u64)>,
    erased: u64,
    erasures_unknown: Vec<String>,
}

/// Makes of what was unpacked what a restored installation has to be.
fn prepare(
    staged: &Staged,
    manifest: &Manifest,
    dir: &DataDir,
    ids: &Arc<dyn Ids>,
    act: Act,
) -> Result<Prepared, Error> {
    let (mut removed, mut prepared) = (Vec::new(), Prepared::default());
    for note in &manifest.tenants {
        let id: TenantId = note.id.parse().map_err(|_| broken("it names a tenant by something that is no id"))?;
        match note.state {
            TenantState::Removed => removed.push(id),
            TenantState::Unreadable => {}
            TenantState::Kept => {
                match staged.erase_again(id, &dir.tenant_db(id), act.at)? {
                    Some(erased) => prepared.erased += erased,
                    None => prepared.erasures_unknown.push(note.slug.clone()),
                }
                let HeldRows { rows, .. } = staged.hold_unsent(id, ids, act.at)?;
                if rows > 0 {
                    prepared.held.push((note.slug.clone(), rows));
                }
            }
        }
    }
    let entry = NewAudit::new(RESTORED, None)
        .number("made_at_ms", manifest.head.made_at_ms)
        .number("tenants", manifest.tenants.len() as i64);
    staged.prepare_control(&removed, &entry, act)?;
    Ok(prepared)
}

/// The key that everything in the backup is sealed under. One that is missing can be put back afterwards; another one in its
/// place would keep it from being found, and is somebody's.
fn master_key(
    staged: &Staged,
    dir: &DataDir,
    policy: MasterKeyPolicy,
    environment: &Environment,
) -> Result<KeyFound, Error> {
    let Some((id, sealed)) = staged.sealed_key()? else {
        return Err(broken("nothing in it was ever sealed"));
    };
    let places = Places::new(policy, dir.path(), id, |name| environment.get(name).map(ToOwned::to_owned));
    let found = KeyFound::look(&places, &sealed)?;
    if let KeyFound::Other(place) = &found {
        let hint = match place {
            MasterKeyPlace::Credential(_) => "Set the credential to the key of the backup, then run this again.",
            _ => {
                "It belongs to what is there now, or came after the backup (`aura secret rotate-master`). Move it away and \
                 keep it, run this again, then put the backup's own key back with `aura secret restore-master COPY`."
            }
        };
        return Err(Error::Conflict {
            message: format!("{place} holds another master key than the backup is sealed under"),
            hint: Some(hint.into()),
        });
    }
    Ok(found)
}

/// Whether the list of tenants and the files agree, and nothing that every backup has is missing.
fn is_complete(manifest: &Manifest) -> Result<(), Error> {
    let names: std::collections::BTreeSet<&str> = manifest.members.iter().map(|member| member.name.as_str()).collect();
    let mut needed = vec![Place::Control.to_string(), Place::Journal.to_string()];
    let kept = manifest.tenants.iter().filter(|note| note.state == TenantState::Kept);
    needed.extend(kept.map(|note| format!("tenants/{}/tenant.db", note.id)));
    match needed.iter().find(|name| !names.contains(name.as_str())) {
        Some(name) => Err(broken(format!("{name} is missing"))),
        None => Ok(()),
    }
}

fn contents(manifest: &Manifest) -> Contents {
    let slugs = |state| {
        let of_state = manifest.tenants.iter().filter(|note| note.state == state);
        of_state.map(|note| note.slug.clone()).collect::<Vec<_>>()
    };
    Contents {
        made_at: Timestamp(manifest.head.made_at_ms),
        aura: manifest.head.aura.clone(),
        master_key: manifest.head.master_key.clone(),
        tenants: slugs(TenantState::Kept),
        left_out: slugs(TenantState::Unreadable),
        bytes: manifest.members.iter().map(|member| member.bytes).sum(),
        files: manifest.members.len() as u64,
    }
}

/// Refuses what a newer Aura wrote, before anything of it is unpacked.
fn known(head: &Head) -> Result<(), Error> {
    let (control, journal, tenant) = store::schema_versions();
    let files = [
        ("control.db", head.schemas.control, control),
        ("journal.db", head.schemas.journal, journal),
        ("tenant.db", head.schemas.tenant, tenant),
    ];
    match files.into_iter().find(|(_, found, known)| found > known) {
        Some((what, found, known)) => Err(archive::Error::Newer { what, found, known, aura: head.aura.clone() }.into()),
        None => Ok(()),
    }
}

fn sound(name: &str, walked: Result<Walked, store::Error>) -> Result<(), Error> {
    match walked.map_err(damaged)?.faults.first() {
        None => Ok(()),
        Some(fault) => Err(broken(format!("the log in {name} does not hold: {fault}"))),
    }
}

/// A damaged file makes it no backup.
fn damaged(error: store::Error) -> Error {
    match error {
        store::Error::Corrupt { .. } => broken(format!("a file in it is damaged ({})", chain(&error))),
        other => other.into(),
    }
}

fn read(
    file: &Path,
    key: &CopyKey,
    progress: ReadBytes,
    head: impl FnOnce(&Head) -> Result<(), Error>,
    member: impl FnMut(&Place, archive::Content<'_>) -> Result<(), Error>,
) -> Result<Manifest, Error> {
    let counted = Counted { inner: open(file)?, bytes: 0, progress };
    let plain = key.decrypt(BufReader::with_capacity(BUFFER_BYTES, counted)).map_err(of_backup)?;
    archive::read(plain, head, member)
}

fn open(file: &Path) -> Result<File, Error> {
    File::open(file).map_err(|source| {
        let message = format!("{} could not be opened", file.display());
        match source.kind() {
            io::ErrorKind::NotFound => Error::NotFound { what: "file", name: file.display().to_string(), hint: None },
            _ => Error::Failed { message, source: Some(Box::new(source)) },
        }
    })
}

/// Writes a file of the backup below `folder`, for its owner alone.
fn unpack(folder: &Path, place: &Place, content: archive::Content<'_>) -> Result<(), Error> {
    let name = place.to_string();
    let path = folder.join(&name);
    let mut write = || -> io::Result<()> {
        let parent = path.parent().unwrap_or(folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        io::copy(content, &mut file).map(drop)
    };
    write().map_err(|error| match error.kind() {
        // What it is read from says so in these kinds; the disk does not.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            broken(format!("it is cut off or was changed ({error})"))
        }
        _ => not_written(&name)(error),
    })
}

fn broken(reason: impl Into<String>) -> Error {
    archive::Error::Broken { reason: reason.into() }.into()
}

fn not_written(name: &str) -> impl FnOnce(io::Error) -> Error {
    let name = name.to_owned();
    move |source| archive::Error::Unpack { name, source }.into()
}

/// The same words as for a recovery copy, about a backup.
fn of_backup(error: secret::Error) -> Error {
    match error {
        secret::Error::CopyUnreadable { reason } => broken(format!("{reason}, or it is no backup of Aura's")),
        secret::Error::CopyNeeds { what } => Error::Invalid {
            message: format!("the backup is opened by {what}"),
            hint: Some(
                "Give `--identity-file FILE` for one made for recipients; else the passphrase is asked for.".into(),
            ),
        },
        secret::Error::CopyRefused { what } => Error::Credentials {
            message: format!("{what} the backup"),
            hint: Some(
                "Try another passphrase or identity file; nothing was changed, and tries are not counted.".into(),
            ),
        },
        other => other.into(),
    }
}

/// A folder for unpacked files that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn in_folder(parent: &Path) -> Result<Self, Error> {
        // Whoever else checks a backup at this moment has another name.
        let path = parent.join(format!("{}{}", store::CHECKED_PREFIX, std::process::id()));
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(not_written("the files to check"))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "files that were unpacked to be checked stay in the data directory");
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
    progress: ReadBytes,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        (self.progress)(self.bytes);
        Ok(read)
    }
}
