//! `aura init`

use std::path::PathBuf;

use serde_json::json;

use super::recovery::Wanted;
use crate::{context::Context, failure::Failure};

/// Make the data directory and its master key, and a recovery copy of that key
///
/// `aura serve` makes them too; this is for whoever wants a copy of the key in a safe place before the first secret is sealed
/// under it. Everything that is there already stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura init
  aura init --recovery-copy /media/usb/aura-key.age
  aura init --recovery-copy key.age --recovery-recipient age1…")]
pub struct InitArgs {
    /// File to write a copy of the master key to, as `aura secret recovery-copy` does; it may not exist yet
    #[arg(long, value_name = "FILE")]
    recovery_copy: Option<PathBuf>,
    /// Public key that can open the copy, `age1…`; may be given several times. Without one a passphrase is asked for
    #[arg(long = "recovery-recipient", value_name = "AGE1", requires = "recovery_copy")]
    recovery_recipients: Vec<String>,
    /// File with the passphrase; `-` for stdin
    #[arg(long, value_name = "FILE", requires = "recovery_copy", conflicts_with = "recovery_recipients")]
    recovery_passphrase_file: Option<PathBuf>,
}

pub async fn run(context: &Context, args: InitArgs) -> Result<(), Failure> {
    let InitArgs { recovery_copy, recovery_recipients, recovery_passphrase_file } = args;
    // Asked before anything is made: who thinks better of it has lost nothing.
    let ask = |file| Wanted::ask(file, recovery_recipients, recovery_passphrase_file.as_deref());
    let wanted = recovery_copy.map(ask).transpose()?;
    let client = context.founding_client().await?;
    let written = match &wanted {
        Some(wanted) => Some((wanted, wanted.write(&client).await?)),
        None => None,
    };
    let status = client.status().await?;
    if context.ui.json {
        let copy =
            written.map(|(wanted, key)| json!({ "file": wanted.file().display().to_string(), "fingerprint": key }));
        return context.ui.json_line(&json!({
            "data_dir": status.data_dir, "master_key": status.master_key, "recovery_copy": copy,
        }));
    }
    context.ui.say(format!("data directory {}\nmaster key {}", status.data_dir, status.master_key));
    let next = match &written {
        Some((wanted, key)) => {
            let (file, opens_with) = (wanted.file().display(), wanted.opens_with());
            context.ui.say(format!("copy of the master key ({key}) in {file}; it opens with {opens_with}"));
            "keep the copy apart from this machine and from its backups; then `aura tenant add` and `aura serve`"
        }
        None if status.recovery_copy.is_none() => {
            "aura secret recovery-copy FILE, for a backup that opens elsewhere; then `aura tenant add` and `aura serve`"
        }
        None => "`aura tenant add` and `aura serve`",
    };
    context.ui.done("ready", next);
    Ok(())
}
