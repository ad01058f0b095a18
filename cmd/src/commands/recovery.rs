//! The recovery copy of the master key: written to a file of its owner's, and put back from there.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use aura::{
    api::{ErrorKind, NewRecoveryCopy, RecoveryCopyKept, exit, exit_code_of},
    client::Client,
    daemon::recovery::{self, CopyKey, OpenedBy},
    domain::secret::WeakPassphrase,
};
use serde_json::json;

use super::input;
use crate::{context::Context, failure::Failure};

/// The most bytes of a recovery copy; one for a thousand recipients has less.
const COPY_BYTES_MAX: usize = 256 * 1024;

/// Write a copy of the master key that opens without this machine
///
/// Secrets in a backup of the data directory open only with the master key. The copy is an age file (age-encryption.org): it
/// opens with a passphrase, or with the keys of the recipients, in Aura and in the public `age` tool alike. Keep it apart from
/// the backup and from this machine. The passphrase is asked for twice, or comes from a file or stdin; it is never an argument.
///
/// After `aura secret rotate-master` an older copy opens older backups only: write a new one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret recovery-copy /media/usb/aura-key.age
  aura secret recovery-copy key.age --recipient age1…
  pass show aura/recovery | aura secret recovery-copy key.age --passphrase-file -")]
pub struct RecoveryCopy {
    /// File to write; it may not exist yet
    file: PathBuf,
    /// Public key that can open the copy, `age1…`; may be given several times
    #[arg(long = "recipient", value_name = "AGE1", conflicts_with = "passphrase_file")]
    recipients: Vec<String>,
    /// File with the passphrase; `-` for stdin
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Put the master key back from its recovery copy
///
/// For a data directory whose key is lost, such as one that was put back from a backup on another machine. The copy has to
/// hold the key that everything in the directory is sealed under; the key goes where Aura looks for it (the system's keyring,
/// else master.key), and never over another one. Where it is still in place nothing is written: that is how a copy is tried.
/// No daemon may run on the directory.
///
/// For a systemd credential: `age -d COPY | systemd-creds encrypt --name=aura-master-key - FILE`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret restore-master /media/usb/aura-key.age
  aura secret restore-master aura-key.age --identity ~/.config/age/key.txt")]
pub struct RestoreMaster {
    /// The recovery copy; `-` for stdin
    file: PathBuf,
    /// Identity file of a recipient, as `age-keygen` writes it; `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// File with the passphrase; `-` for stdin
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// A recovery copy that is to be written.
pub struct Wanted {
    file: PathBuf,
    whom: NewRecoveryCopy,
}

impl Wanted {
    /// Asks for the passphrase where there are no recipients. Writes nothing yet.
    pub fn ask(file: PathBuf, recipients: Vec<String>, passphrase_file: Option<&Path>) -> Result<Self, Failure> {
        if file == Path::new("-") {
            return Err(Failure::usage("a recovery copy is written to a file, not to stdout"));
        }
        if file.symlink_metadata().is_ok() {
            return Err(exists(&file));
        }
        Ok(Self { file, whom: ask_whom(recipients, passphrase_file)? })
    }

    /// One that is only spoken of: nobody is asked for a passphrase.
    pub fn unasked(file: PathBuf) -> Result<Self, Failure> {
        match file.symlink_metadata() {
            Ok(_) => Err(exists(&file)),
            Err(_) => Ok(Self { file, whom: NewRecoveryCopy::default() }),
        }
    }

    /// Has the copy made, writes it for its owner's eyes alone and lets Aura know that it is kept. The fingerprint of the key
    /// in it.
    pub async fn write(&self, client: &Client) -> Result<String, Failure> {
        let copy = client.recovery_copy(&self.whom).await?;
        keep(&self.file, &copy.age)?;
        client.recovery_copy_kept(&RecoveryCopyKept { fingerprint: copy.fingerprint.clone() }).await?;
        Ok(copy.fingerprint)
    }

    /// Where it is written.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How it opens, as the next thing to be told.
    pub fn opens_with(&self) -> &'static str {
        match self.whom.passphrase {
            Some(_) => "the passphrase",
            None => "the recipients' keys",
        }
    }
}

/// For whom something is sealed: asks for the passphrase where there are no recipients.
pub fn ask_whom(recipients: Vec<String>, passphrase_file: Option<&Path>) -> Result<NewRecoveryCopy, Failure> {
    let passphrase = match recipients.as_slice() {
        [] => Some(input::new_passphrase(passphrase_file)?),
        _ => None,
    };
    let weak = passphrase.as_deref().map(WeakPassphrase::check).and_then(Result::err);
    if let Some(weak) = weak {
        return Err(Failure::new(exit::USAGE, "weak_passphrase", weak.to_string()).hint(WeakPassphrase::HINT));
    }
    Ok(NewRecoveryCopy { passphrase, recipients })
}

pub async fn write(context: &Context, args: RecoveryCopy) -> Result<(), Failure> {
    let RecoveryCopy { file, recipients, passphrase_file } = args;
    // Before anything is typed: a copy that nobody can make should not ask for a passphrase.
    let client = context.client().await?;
    let wanted = Wanted::ask(file, recipients, passphrase_file.as_deref())?;
    let fingerprint = wanted.write(&client).await?;
    let shown = wanted.file().display();
    if context.ui.json {
        return context.ui.json_line(&json!({ "file": shown.to_string(), "fingerprint": fingerprint }));
    }
    let what =
        format!("wrote a copy of the master key ({fingerprint}) to {shown}; it opens with {}", wanted.opens_with());
    context.ui.done(what, "keep it apart from this machine and from its backups");
    Ok(())
}

pub async fn restore(context: &Context, args: RestoreMaster) -> Result<(), Failure> {
    let (config, data_dir) = context.directory()?;
    let copy = input::file(&args.file, COPY_BYTES_MAX)?;
    let with = match (recovery::opened_by(&copy)?, args.identity, args.passphrase_file) {
        (_, Some(file), _) => CopyKey::identities(input::secret(Some(&file), "")?),
        (OpenedBy::Identity, None, None) => {
            return Err(Failure::usage("the recovery copy was made for recipients").hint("Give `--identity FILE`."));
        }
        (_, None, file) => CopyKey::passphrase(input::secret(file.as_deref(), "passphrase (not shown): ")?),
    };
    let restored = recovery::restore_master_key(&config, &data_dir, copy, with).await?;
    let place = restored.place.to_string();
    if context.ui.json {
        return context.ui.json_line(&json!({ "place": place, "restored": !restored.was_there }));
    }
    match restored.was_there {
        true => context.ui.done(format!("the copy opens, and the master key is in its place already: {place}"), ""),
        false => context.ui.done(format!("put the master key back: {place}"), "aura serve"),
    }
    Ok(())
}

/// Whole, durable and for its owner alone, or not there at all; never in the place of another file.
fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io(format!("{} could not be written", path.display()), &error);
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Made with mode 0600.
    let mut draft = tempfile::Builder::new().prefix(".aura-copy-").tempfile_in(folder).map_err(failed)?;
    draft.write_all(text.as_bytes()).and_then(|()| draft.as_file().sync_all()).map_err(failed)?;
    match draft.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(path)),
        Err(error) => return Err(failed(error.error)),
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn exists(path: &Path) -> Failure {
    let message = format!("{} exists already, and a recovery copy replaces no file", path.display());
    Failure::new(exit_code_of(ErrorKind::Conflict), "file_exists", message).hint("Name another file.")
}
