//! `aura conversation picture`

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aura::{
    api::{self, exit_code_of},
    domain::MessageId,
};
use serde_json::json;

use super::named::ConversationName;
use crate::{cli::TenantArg, context::Context, failure::Failure};

/// For its owner's eyes alone: it is a shopper's.
const MODE: u32 = 0o600;

/// Save a picture that a shopper sent, without its metadata
///
/// It is fetched now, with the guards that hold for all addresses of strangers, and written anew. Instagram's addresses
/// expire within days.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation picture -t noor conv_0192f5c8-0000-7000-8000-000000000001 \\
    msg_0192f5c8-0000-7000-8000-000000000002 --to a.jpg
  aura conversation picture -t noor conv_0192f5c8-0000-7000-8000-000000000001 \\
    msg_0192f5c8-0000-7000-8000-000000000002 2 --to b.jpg")]
pub struct Picture {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation it was sent in
    conversation: ConversationName,
    /// Message it came with, as `aura conversation show` names it
    message: MessageId,
    /// Which of its pictures
    #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    number: u32,
    /// File to write; one that is there already is left alone
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub async fn run(context: &Context, args: &Picture) -> Result<(), Failure> {
    let (slug, message) = (args.tenant.slug.as_str(), args.message.to_string());
    if args.to.symlink_metadata().is_ok() {
        return Err(exists(&args.to));
    }
    let client = context.client().await?;
    let id = args.conversation.find(&client, Some(slug)).await?;
    let (kind, bytes) = client.picture(slug, &id, &message, args.number - 1).await?;
    write(&args.to, &bytes)?;
    let file = args.to.display();
    if context.ui.json {
        return context.ui.json_line(&json!({ "file": file.to_string(), "media_type": kind, "bytes": bytes.len() }));
    }
    context.ui.done(format!("wrote {file} ({kind}, {} KiB)", bytes.len().div_ceil(1_024)), "");
    Ok(())
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(MODE).open(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(file),
        _ => Failure::io(format!("could not write {}", file.display()), &error),
    })?;
    let written = opened.write_all(bytes).and_then(|()| opened.flush());
    written.map_err(|error| Failure::io(format!("could not write {}", file.display()), &error))
}

fn exists(file: &Path) -> Failure {
    let message = format!("{} is there already", file.display());
    Failure::new(exit_code_of(api::ErrorKind::Conflict), "file_exists", message).hint("Name another file.")
}
