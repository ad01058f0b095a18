//! `aura restore`

use std::{path::PathBuf, sync::Arc};

use aura::{
    api::{Time, exit},
    daemon::backup::{self, CopyKey, KeyFound, OpenedBy, Restore, Restored},
};
use indicatif::{HumanBytes, ProgressBar};
use serde_json::json;

use super::{backup::progress, input};
use crate::{context::Context, failure::Failure, render};

/// Put a backup in the place of what the data directory holds
///
/// Everything is unpacked and checked beside what is there before anything of that is touched: digests, versions, every
/// database, every hash chain. A failure at any point leaves the data of before. That is kept in a folder of the data
/// directory afterwards, which is yours to delete. No daemon may run on the directory.
///
/// Nobody knows what happened after the backup was made, so nothing goes on by itself: every tenant starts paused, and
/// replies that had not surely left wait for a person. Look at the conversations, then `aura tenant resume`.
///
/// The master key is in no backup. Where it is missing, put it back afterwards with `aura secret restore-master`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura restore aura.age --dry-run
  aura restore aura.age --data-dir /srv/shops --confirm shops
  aura restore aura.age --identity-file ~/.config/age/key.txt")]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Identity file of a recipient, as `age-keygen` writes it; `-` for stdin
    #[arg(long, alias = "identity", value_name = "FILE", conflicts_with = "passphrase_file")]
    identity_file: Option<PathBuf>,
    /// File with the passphrase; `-` for stdin
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Last part of the data directory's path, to say that its data may be replaced
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Check the backup and say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(context: &Context, args: RestoreArgs) -> Result<(), Failure> {
    let RestoreArgs { file, identity_file, passphrase_file, confirm, dry_run } = args;
    let (ui, (config, data_dir)) = (context.ui, context.directory_to_be()?);
    let needs = backup::opened_by(&file).map_err(aura::daemon::Error::from)?;
    // Before anything is typed, and again under the lock.
    if let Some(name) = backup::name_to_confirm(&data_dir).filter(|name| !dry_run && confirm.as_ref() != Some(name)) {
        return Err(aura::daemon::Error::from(backup::not_confirmed(&data_dir, &name)).into());
    }
    let key = match (needs, identity_file, passphrase_file) {
        (_, Some(file), _) => CopyKey::identities(input::secret(Some(&file), "")?),
        (OpenedBy::Identity, None, None) => {
            return Err(Failure::usage("the backup was made for recipients").hint("Give `--identity-file FILE`."));
        }
        (_, None, file) => CopyKey::passphrase(input::secret(file.as_deref(), "passphrase (not shown): ")?),
    };
    let bar = match ui.shows_progress() {
        true => progress(file.metadata().map_or(0, |found| found.len()), "unpacking"),
        false => ProgressBar::hidden(),
    };
    let shown = bar.clone();
    let wanted = Restore {
        file,
        key,
        data_dir: data_dir.clone(),
        confirm,
        dry_run,
        progress: Arc::new(move |bytes| shown.set_position(bytes)),
    };
    let restored = tokio::task::spawn_blocking(move || backup::restore(&config, wanted)).await;
    bar.finish_and_clear();
    let restored = restored.map_err(|error| Failure::new(exit::FAILED, "failed", error.to_string()))??;
    tell(context, &restored, &data_dir.display().to_string(), dry_run)
}

fn tell(context: &Context, restored: &Restored, data_dir: &str, dry_run: bool) -> Result<(), Failure> {
    let Restored { contents, master_key, held, erased, erasures_unknown, before } = restored;
    let ui = context.ui;
    let has_key = matches!(master_key, KeyFound::Opens(_));
    let made_at = Time::from(contents.made_at);
    let before = before.as_ref().map(|path| path.display().to_string());
    if ui.json {
        let held: serde_json::Map<_, _> = held.iter().map(|(slug, rows)| (slug.clone(), json!(rows))).collect();
        return ui.json_line(&json!({
            "data_dir": data_dir, "restored": !dry_run, "made_at": made_at, "made_by": contents.aura,
            "files": contents.files, "bytes": contents.bytes, "tenants": contents.tenants, "left_out": contents.left_out,
            "held": held, "erased": erased, "erasures_unknown": erasures_unknown, "before": before,
            "master_key": { "fingerprint": contents.master_key, "in_place": has_key },
        }));
    }
    ui.say(format!("backup of {made_at}, made by Aura {}, {}", contents.aura, HumanBytes(contents.bytes)));
    ui.say(format!("tenants: {}", list(&contents.tenants)));
    if !contents.left_out.is_empty() {
        ui.say(format!("without their files, which could not be read then: {}", list(&contents.left_out)));
    }
    let would = if dry_run { "would wait" } else { "wait" };
    for (slug, rows) in held {
        ui.say(format!(
            "{slug}: {rows} unsent replies {would} for a person: aura conversation list -t {slug} --state waiting"
        ));
    }
    if *erased > 0 {
        let conversations = render::count(*erased, "conversation", "conversations");
        let are = if dry_run { "would be" } else { "are" };
        ui.say(format!("erased since the backup, and {are} erased again: {conversations}"));
    }
    if !erasures_unknown.is_empty() {
        let slugs = list(erasures_unknown);
        ui.always(format!("warning: nobody knows what was erased since of {slugs}: their files of now cannot be read"));
    }
    if let Some(before) = before {
        ui.say(format!("the data of before is in {before}; delete it when you need it no more"));
    }
    let next = match (dry_run, has_key) {
        (true, true) => "the same command without `--dry-run`".to_owned(),
        (true, false) => format!("have a recovery copy of master key {} at hand; then restore", contents.master_key),
        (false, true) => "`aura serve`, look at the conversations, then `aura tenant resume SLUG`".to_owned(),
        (false, false) => {
            let key = &contents.master_key;
            format!("put master key {key} back with `aura secret restore-master COPY`; nothing starts without it")
        }
    };
    let done = match dry_run {
        true => "everything in it is whole; nothing was changed".to_owned(),
        false => format!("restored into {data_dir}; every tenant is paused"),
    };
    ui.done(done, next);
    Ok(())
}

fn list(slugs: &[String]) -> String {
    if slugs.is_empty() { "none".to_owned() } else { slugs.join(", ") }
}
