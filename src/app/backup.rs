//! A backup while everything goes on: copies of all files, one after the other, sealed and streamed to whoever asked.
//!
//! The order loses nothing between two files. A delivery leaves the journal only when its tenant's file has it, so the
//! journal is copied first: what is not in its copy any more is in the tenant's, which is copied later, and what is in both
//! changes nothing when it is dispatched again. `control.db` follows, before the tenants' files that it names.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest, Sha256};
use tokio::{
    runtime::Handle,
    sync::{OwnedMutexGuard, mpsc},
};

use super::{App, Error, bulk::on_polite_thread, checkpoint, installation::on_thread};
use crate::{
    archive::{FORMAT, Head, Place, Schemas, TenantNote, TenantState, Writer, is_plain},
    domain::{
        Timestamp,
        audit::{Act, NewAudit},
        chain,
        tenant::{Tenant, TenantState as DomainState},
    },
    fault,
    secret::CopyFor,
    store::{self, Room, Staged},
};

/// What the audit log calls a backup that is kept somewhere.
const KEPT: &str = "backup.kept";
/// What it calls data that was put back from one.
pub(super) const RESTORED: &str = "backup.restored";
/// Pauses looked through for those of a restore.
const PAUSES_READ_MAX: u32 = 20_000;
/// Bytes that a copy leaves on the disk for what is accepted meanwhile. Less than what is kept free otherwise: whoever runs
/// out of room needs a backup more than anybody.
const ROOM_KEPT_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes of a piece of the stream, and pieces that may wait for their reader.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_MAX: usize = 8;

/// A backup in a stream; it is whole when the stream has ended without an error.
pub type BackupStream = BoxStream<'static, io::Result<Bytes>>;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// When it was begun: what was accepted before is in it.
    pub made_at: Timestamp,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// One that its owner has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBackup {
    /// The backup.
    pub backup: Backup,
    /// Tenants in it.
    pub tenants: u64,
    /// Tenants whose files could not be read, by slug: they are not in it.
    pub left_out: Vec<String>,
    /// The fingerprint of the master key that opens its secrets.
    pub master_key: String,
}

impl App {
    /// Makes a backup for `whom`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when one is being made already; whatever fails before anything of it has gone out. What fails
    /// later ends the stream with an error.
    pub async fn backup(&self, whom: CopyFor) -> Result<BackupStream, Error> {
        let one = Arc::clone(&self.live.backing_up).try_lock_owned().map_err(|_| Error::Conflict {
            message: "a backup is being made already".into(),
            hint: Some("Let it end, then try again.".into()),
        })?;
        let (pieces, mut received) = mpsc::channel(PIECES_MAX);
        let making =
            Making { app: self.clone(), runtime: Handle::current(), whom, begun_at: self.clock.now(), _one: one };
        // Nobody waits for its end but the stream, which ends with it.
        drop(on_polite_thread("backup", move || making.run(pieces)).map_err(|error| Error::Failed {
            message: "a thread for the backup could not be started".into(),
            source: Some(Box::new(error)),
        })?);
        match received.recv().await {
            Some(Piece::Bytes(first)) => {
                let rest = stream::unfold(Some(received), |received| async move {
                    let mut received = received?;
                    match received.recv().await {
                        Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(received))),
                        Some(Piece::End) => None,
                        Some(Piece::Failed(error)) => Some((Err(io::Error::other(chain(&error))), None)),
                        None => Some((Err(io::Error::other("the backup broke off")), None)),
                    }
                });
                Ok(stream::once(async { Ok(first) }).chain(rest).boxed())
            }
            Some(Piece::Failed(error)) => Err(error),
            Some(Piece::End) | None => Err(Error::panicked()),
        }
    }

    /// Notes that the backup of this digest is kept somewhere.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not the one that was made last.
    pub async fn backup_kept(&self, sha256: &str, bytes: u64, act: Act) -> Result<KeptBackup, Error> {
        let made = self.live.backup().clone();
        let kept = made.filter(|made| made.backup.sha256 == sha256 && made.backup.bytes == bytes);
        let kept = kept.ok_or_else(|| Error::Conflict {
            message: "the file is not the backup that was made last, or not all of it".into(),
            hint: Some("Delete it and make another: `aura backup --to FILE`. The log says what went wrong.".into()),
        })?;
        let entry = NewAudit::new(KEPT, None)
            .id("digest", &kept.backup.sha256)
            .number("bytes", i64::try_from(bytes).unwrap_or(i64::MAX))
            .number("made_at_ms", kept.backup.made_at.0)
            .number("tenants", i64::try_from(kept.tenants).unwrap_or(i64::MAX));
        self.store.control().append_audit(act, entry).await?;
        tracing::info!(bytes, tenants = kept.tenants, left_out = kept.left_out.len(), "a backup is kept");
        Ok(kept)
    }

    /// When the backup was begun that everything here was restored from, and the tenants, by slug, that have been paused
    /// since and never resumed; `None`: there are none.
    pub async fn paused_by_restore(&self) -> Result<Option<(Timestamp, Vec<String>)>, Error> {
        let control = self.store.control();
        let newest = control.audit_newest(RESTORED, 1).await?;
        let Some(restored) = newest.first() else { return Ok(None) };
        let made_at = field(&restored.payload, "made_at_ms").map_or(restored.at, Timestamp);
        let pauses = control.audit_newest("tenant.paused", PAUSES_READ_MAX).await?;
        let mut slugs = Vec::new();
        for tenant in control.tenants().await?.iter().filter(|tenant| tenant.state == DomainState::Paused) {
            let pause = pauses.iter().find(|entry| entry.tenant == Some(tenant.id));
            if pause.is_some_and(|entry| entry.seq > restored.seq && is_of_restore(&entry.payload)) {
                slugs.push(tenant.slug.to_string());
            }
        }
        Ok(Some((made_at, slugs)).filter(|(_, slugs)| !slugs.is_empty()))
    }

    /// The newest backup that is kept somewhere, as far as Aura was told.
    pub async fn last_backup(&self) -> Result<Option<Backup>, Error> {
        let newest = self.store.control().audit_newest(KEPT, 1).await?;
        Ok(newest.first().and_then(|entry| {
            let payload: serde_json::Value = serde_json::from_str(&entry.payload).ok()?;
            Some(Backup {
                made_at: Timestamp(payload["made_at_ms"].as_i64()?),
                bytes: payload["bytes"].as_u64()?,
                sha256: payload["digest"].as_str()?.to_owned(),
            })
        }))
    }
}

fn is_of_restore(payload: &str) -> bool {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    payload["cause"] == store::PAUSED_BY_RESTORE
}

fn field(payload: &str, name: &str) -> Option<i64> {
    let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
    payload[name].as_i64()
}

enum Piece {
    Bytes(Bytes),
    End,
    Failed(Error),
}

/// One backup on its way.
struct Making {
    app: App,
    runtime: Handle,
    whom: CopyFor,
    begun_at: Timestamp,
    /// One at a time: each has the folder of copies to itself.
    _one: OwnedMutexGuard<()>,
}

/// What is copied before anything is written: the head names the key of just this `control.db`.
struct Begun {
    head: Head,
    journal: Copy,
    control: Copy,
    checkpoint: Option<String>,
    tenants: Vec<Tenant>,
}

/// A copy in the folder of copies.
struct Copy {
    path: PathBuf,
    bytes: u64,
}

impl Making {
    fn run(self, pieces: mpsc::Sender<Piece>) {
        let dir = Arc::clone(&self.app.installation.dir);
        let made = dir.begin_copies().map_err(Error::from).and_then(|folder| self.make(&folder, &pieces));
        if let Err(error) = dir.end_copies() {
            tracing::error!(error = %chain(&error), "copies that a backup was made of stay in the data directory");
        }
        let last = match made {
            Ok(kept) => {
                tracing::info!(bytes = kept.backup.bytes, tenants = kept.tenants, "backup made");
                *self.app.live.backup() = Some(kept);
                Piece::End
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "no backup could be made");
                Piece::Failed(error)
            }
        };
        // Whoever asked may have gone away.
        drop(pieces.blocking_send(last));
    }

    fn make(&self, folder: &Path, pieces: &mpsc::Sender<Piece>) -> Result<KeptBackup, Error> {
        let Begun { head, journal, control, checkpoint, tenants } = self.runtime.block_on(self.begin(folder))?;
        let (made_at, master_key) = (self.begun_at, head.master_key.clone());
        let output = Output { pieces: pieces.clone(), piece: Vec::new(), digest: Sha256::new(), bytes: 0 };
        let mut writer = Writer::new(self.whom.encryptor(), output, head).map_err(failed)?;
        add(&mut writer, &Place::Journal, journal)?;
        if let Some(text) = checkpoint {
            writer.add(&Place::Checkpoint, text.len() as u64, text.as_bytes()).map_err(failed)?;
        }
        add(&mut writer, &Place::Control, control)?;
        let mut notes = Vec::new();
        for tenant in &tenants {
            let state = self.add_tenant(&mut writer, folder, tenant)?;
            notes.push(TenantNote { id: tenant.id.to_string(), slug: tenant.slug.to_string(), state });
        }
        let slugs = |state| notes.iter().filter(move |note| note.state == state).map(|note| note.slug.clone());
        let (kept, left_out) = (slugs(TenantState::Kept).count(), slugs(TenantState::Unreadable).collect());
        let (mut output, _) = writer.finish(notes).map_err(failed)?;
        output.send().map_err(failed)?;
        let sha256 = hex::encode(output.digest.finalize());
        let backup = Backup { made_at, bytes: output.bytes, sha256 };
        Ok(KeptBackup { backup, tenants: kept as u64, left_out, master_key })
    }

    async fn begin(&self, folder: &Path) -> Result<Begun, Error> {
        let store = &self.app.store;
        let journal = self.copy(folder, "journal.db", |to| store.copy_journal(to), self.app.data_dir()).await?;
        // The key does not change, and no checkpoint is taken: what this file says of both is true of what is beside it.
        let _steady = self.app.installation.sealing.read().await;
        let _one = self.app.live.checkpointing.lock().await;
        let named = store.control().audit_newest(checkpoint::TAKEN, 1).await?;
        let dir = Arc::clone(&self.app.installation.dir);
        let notes = on_thread(move || dir.checkpoints()).await??;
        let is_named = |note: &String| named.iter().any(|entry| entry.payload.contains(&checkpoint::digest(note)));
        let checkpoint = notes.into_iter().find(is_named);
        let control = self.copy(folder, "control.db", |to| store.copy_control(to), self.app.data_dir()).await?;
        let installation = store.control().installation_id(self.app.ids.next()).await?;
        let staged = Staged::at(folder.to_owned());
        let tenants = on_thread(move || staged.tenants()).await??;
        let (control_version, journal_version, tenant_version) = store::schema_versions();
        let dir = Arc::clone(&self.app.installation.dir);
        let ids: Vec<_> = tenants.iter().map(|tenant| tenant.id).collect();
        let tenants_bytes =
            on_thread(move || ids.into_iter().map(|id| with_log(&dir.tenant_db(id))).sum::<u64>()).await?;
        let head = Head {
            format: FORMAT,
            aura: env!("CARGO_PKG_VERSION").into(),
            schemas: Schemas { control: control_version, journal: journal_version, tenant: tenant_version },
            installation: installation.to_string(),
            master_key: self.app.installation.vault.fingerprint().to_string(),
            made_at_ms: self.begun_at.0,
            bytes: journal.bytes + control.bytes + tenants_bytes,
        };
        Ok(Begun { head, journal, control, checkpoint, tenants })
    }

    /// Makes one copy, where there is room for it: a copy shall not be what fills the disk.
    async fn copy<F: Future<Output = Result<u64, store::Error>>>(
        &self,
        folder: &Path,
        name: &str,
        copy: impl FnOnce(PathBuf) -> F,
        from: &Path,
    ) -> Result<Copy, Error> {
        let needs = with_log(&if from.is_dir() { from.join(name) } else { from.to_owned() });
        if let Some(Room { free_bytes, .. }) = self.app.room().await
            && free_bytes < ROOM_KEPT_BYTES + needs
        {
            let (free, kept, needs) = (free_bytes >> 20, ROOM_KEPT_BYTES >> 20, needs >> 20);
            let message = format!(
                "there is no room for a copy of {name} ({needs} MiB): {free} MiB are left, and {kept} MiB stay free"
            );
            return Err(Error::Temporary { message, source: None });
        }
        let path = folder.join(name);
        let bytes = copy(path.clone()).await?;
        Ok(Copy { path, bytes })
    }

    /// Adds what a tenant has. One whose file cannot be read keeps nobody else's from being kept.
    fn add_tenant<W: Write>(
        &self,
        writer: &mut Writer<W>,
        folder: &Path,
        tenant: &Tenant,
    ) -> Result<TenantState, Error> {
        let (store, id) = (&self.app.store, tenant.id);
        let from = self.app.installation.dir.tenant_db(id);
        let copied = self.runtime.block_on(self.copy(folder, "tenant.db", |to| store.copy_tenant(id, to), &from));
        let copy = match copied {
            Ok(copy) => copy,
            Err(
                error @ (Error::Temporary { .. } | Error::Store(store::Error::Full { .. } | store::Error::Stopped)),
            ) => {
                return Err(error);
            }
            Err(error) => {
                // Nothing of a copy that was begun may stand in the way of the next tenant's.
                drop(fs::remove_file(folder.join("tenant.db")));
                let known = self.runtime.block_on(store.control().tenant_by_id(id))?;
                if known.is_none() {
                    return Ok(TenantState::Removed);
                }
                tracing::error!(tenant.id = %id, error = %chain(&error), "a tenant is in no backup: its file cannot be read");
                return Ok(TenantState::Unreadable);
            }
        };
        fault::point("after_tenant_copy");
        add(writer, &Place::Tenant(id), copy)?;
        let media = self.app.installation.dir.tenant_folder(id).join("media");
        for file in files_in(&media).map_err(failed)? {
            let opened = match File::open(media.join(&file)) {
                Ok(opened) => opened,
                // Retention or a removal may pass by.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let bytes = opened.metadata().map_err(failed)?.len();
            writer.add(&Place::Media(id, file), bytes, opened).map_err(failed)?;
        }
        Ok(TenantState::Kept)
    }
}

/// Adds a copy and deletes it: two of them never take room at once.
fn add<W: Write>(writer: &mut Writer<W>, place: &Place, copy: Copy) -> Result<(), Error> {
    let file = File::open(&copy.path).map_err(failed)?;
    writer.add(place, copy.bytes, file).map_err(failed)?;
    fs::remove_file(&copy.path).map_err(failed)
}

/// The names of the files in a folder that may not be there; what is no plain file is none of ours.
fn files_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().filter(|name| is_plain(name));
        match name.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            Some(name) => names.push(name),
            None => tracing::warn!("something in a folder of media is no file of Aura's, and is in no backup"),
        }
    }
    names.sort();
    Ok(names)
}

/// Bytes of a database file and its log; what is not there has none.
fn with_log(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    bytes(path) + bytes(Path::new(&log))
}

fn failed(error: io::Error) -> Error {
    let message = match error.kind() {
        io::ErrorKind::BrokenPipe => "whoever asked for the backup has gone away",
        _ => "the backup could not be written",
    };
    Error::Failed { message: message.into(), source: Some(Box::new(error)) }
}

/// Hands the sealed bytes on in pieces, as fast as they are taken.
struct Output {
    pieces: mpsc::Sender<Piece>,
    piece: Vec<u8>,
    digest: Sha256,
    bytes: u64,
}

impl Output {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() {
            return Ok(());
        }
        self.digest.update(&piece);
        self.bytes += piece.len() as u64;
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.pieces.blocking_send(Piece::Bytes(piece.into())).map_err(gone)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// What is small waits for more: a whole backup of a small shop is one piece, and what fails in it is told as an error.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl super::Live {
    fn backup(&self) -> std::sync::MutexGuard<'_, Option<KeptBackup>> {
        self.backup.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
