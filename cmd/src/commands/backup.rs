//! `aura backup`

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use aura::{
    api::{self, ErrorKind, exit, exit_code_of},
    client::{self, Client},
    daemon::backup::{self, CopyKey, ReadBytes},
    terminal::terminal_safe,
};
use futures_util::StreamExt;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::json;
use tempfile::NamedTempFile;

use super::{init::folder_of, recovery};
use crate::{context::Context, failure::Failure, ui::Ui};

/// Write everything but the master key into one encrypted file, while the daemon goes on
///
/// Conversations, catalogues, settings, sealed secrets and what waits to be dispatched, of every tenant. What was accepted
/// before the command began is in it. The file is an age file (age-encryption.org) around a compressed tar: it opens with a
/// passphrase, or with the keys of the recipients. Before it takes its name it is read back: with a passphrase everything in it
/// is checked, and without one that it is what was sent.
///
/// The master key is not in it, on purpose: whoever has the file and can open it reads conversations, and no token or secret.
/// Keep a copy of the key elsewhere (`aura secret recovery-copy`).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura backup --to /media/usb/aura.age
  aura backup --to /var/backups/aura.age --recipient age1… --force
  pass show aura/backup | aura backup --to aura.age --passphrase-file -")]
pub struct BackupArgs {
    /// File to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Public key that can open it, `age1…`; may be given several times
    #[arg(long = "recipient", value_name = "AGE1", conflicts_with = "passphrase_file")]
    recipients: Vec<String>,
    /// File with the passphrase; `-` for stdin
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Replace a file that exists, once the new one is whole
    #[arg(long)]
    force: bool,
}

pub async fn run(context: &Context, args: BackupArgs) -> Result<(), Failure> {
    let BackupArgs { to, recipients, passphrase_file, force } = args;
    if to == Path::new("-") {
        return Err(Failure::usage("a backup is written to a file, not to stdout")
            .hint("It is read back and checked before it takes its name."));
    }
    if to.symlink_metadata().is_ok() && !force {
        return Err(exists(&to));
    }
    // Before anything is typed: a backup that nobody can make should not ask for a passphrase.
    let client = context.client().await?;
    let whom = recovery::ask_whom(recipients, passphrase_file.as_deref())?;
    let ui = context.ui;
    let draft = fetch(&client, &whom, &to, ui).await?;
    let checked = check(&client, draft.path(), whom.passphrase.clone(), ui).await?;
    keep(draft, &to, force)?;
    let kept = client.backup_kept(&checked.kept).await?;
    let file = to.display().to_string();
    let contents = checked.contents.as_ref().map(|found| json!({ "files": found.files, "bytes": found.bytes }));
    if ui.json {
        ui.json_line(&json!({
            "file": file, "bytes": kept.bytes, "sha256": kept.sha256, "made_at": kept.made_at, "tenants": kept.tenants,
            "left_out": kept.left_out, "master_key": kept.master_key, "checked": contents,
        }))?;
    } else {
        said(ui, &kept, &file, checked.contents.is_some());
    }
    match kept.left_out.as_slice() {
        [] => Ok(()),
        left_out => {
            let message = format!("not in the backup, because their files cannot be read: {}", left_out.join(", "));
            Err(Failure::new(exit::PROBLEMS_FOUND, "tenants_left_out", message)
                .hint("`aura status` says what is wrong with them; the last backup with them in it is worth keeping."))
        }
    }
}

fn said(ui: Ui, kept: &api::KeptBackup, file: &str, is_checked: bool) {
    let tenants = match kept.tenants {
        1 => "1 tenant".to_owned(),
        many => format!("{many} tenants"),
    };
    let checked = match is_checked {
        true => "read back, and everything in it is whole",
        false => "read back as it was sent; try it with `aura restore --dry-run` and the key of a recipient",
    };
    ui.say(format!("wrote {tenants} to {file} ({}); {checked}", HumanBytes(kept.bytes)));
    ui.say(format!("sha256 {}", kept.sha256));
    ui.done(
        format!("its secrets open with master key {}, which is not in it", kept.master_key),
        "keep the file away from this machine; `aura secret recovery-copy FILE` for the key, if nobody has one",
    );
}

/// Writes the stream to a file of its owner's beside the place where it goes.
async fn fetch(client: &Client, whom: &api::NewBackup, to: &Path, ui: Ui) -> Result<NamedTempFile, Failure> {
    let failed = |error: io::Error| Failure::io(format!("{} could not be written", to.display()), &error);
    // Made with mode 0600.
    let mut draft = tempfile::Builder::new().prefix(".aura-backup-").tempfile_in(folder_of(to)).map_err(failed)?;
    let bar = if ui.shows_progress() { spinner() } else { ProgressBar::hidden() };
    let mut bytes = client.backup(whom).await?;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(broke_off)?;
        draft.write_all(&piece).map_err(failed)?;
        bar.inc(piece.len() as u64);
    }
    bar.finish_and_clear();
    draft.as_file().sync_all().map_err(failed)?;
    Ok(draft)
}

fn broke_off(error: client::Error) -> Failure {
    let failure = Failure::from(error);
    Failure { message: "the backup broke off, and nothing was written".into(), ..failure }
        .hint("The daemon's log says why: look for `no backup could be made`.")
}

struct Checked {
    kept: api::BackupKept,
    contents: Option<backup::Contents>,
}

/// Reads what was written.
async fn check(client: &Client, file: &Path, passphrase: Option<String>, ui: Ui) -> Result<Checked, Failure> {
    // What is unpacked to be checked is on the disk that has it already.
    let scratch = PathBuf::from(client.status().await?.data_dir);
    let size = file.metadata().map_or(0, |found| found.len());
    let bar = if ui.shows_progress() { progress(size, "checking") } else { ProgressBar::hidden() };
    let (file, shown) = (file.to_owned(), bar.clone());
    let read = tokio::task::spawn_blocking(move || {
        let progress: ReadBytes = Arc::new(move |bytes| shown.set_position(bytes));
        let (sha256, bytes) = backup::digest_of(&file, &progress)
            .map_err(|error| Failure::io("the backup could not be read back", &error))?;
        let contents = passphrase
            .map(|text| backup::verify(&file, &CopyKey::passphrase(text), &scratch, progress))
            .transpose()
            .map_err(aura::daemon::Error::from)?;
        Ok(Checked { kept: api::BackupKept { sha256, bytes }, contents })
    });
    let read = read.await.map_err(|error| Failure::new(exit::FAILED, "failed", error.to_string()))?;
    bar.finish_and_clear();
    read
}

/// Gives it its name, durably.
fn keep(draft: NamedTempFile, to: &Path, force: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io(format!("{} could not be written", to.display()), &error);
    let kept = if force { draft.persist(to) } else { draft.persist_noclobber(to) };
    match kept {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(to)),
        Err(error) => return Err(failed(error.error)),
    }
    File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn exists(path: &Path) -> Failure {
    let message = format!("{} exists already", path.display());
    Failure::new(exit_code_of(ErrorKind::Conflict), "file_exists", message)
        .hint("Name another file, or say `--force`: the old one stays until the new one is whole.")
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {bytes} written, {bytes_per_sec}");
    ProgressBar::new_spinner().with_style(style.expect("the template is well formed"))
}

/// A bar for a file that is read.
pub fn progress(bytes: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}");
    let what = terminal_safe(what).into_owned();
    ProgressBar::new(bytes).with_style(style.expect("the template is well formed")).with_message(what)
}
