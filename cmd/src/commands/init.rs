//! `aura init`

use std::path::{Path, PathBuf};

use aura::{api, daemon::backup::name_to_confirm};
use serde_json::json;

use super::{
    answers::{Answers, Asked, RecoveryCopy, Shop},
    config_file::ConfigFile,
    input,
    recovery::Wanted,
};
use crate::{context::Context, failure::Failure};

/// Set up an installation: the data directory, its master key, the first shop, and a copy of the key for a safe place
///
/// On a terminal it asks at most six questions, shows what it will write, and writes nothing before you agree. What is there
/// already is kept, and offered as the answer, so it can be run again at any time. Without a terminal it asks nothing: the
/// answers come from a file, and without one it makes the data directory and its master key alone, as `aura serve` does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Answers, as YAML or (FILE.toml) TOML; what is left out stays as it is:
  data_dir: /var/lib/aura
  public_url: https://dm.example.com
  shop: { slug: noor, name: Noor Atelier, language: en, currency: EUR }
  model: builtin
  recovery_copy: { file: /media/usb/aura-key.age, recipients: [age1…] }

Examples:
  aura init
  aura init --answers answers.yaml --dry-run
  aura init --recovery-copy /media/usb/aura-key.age
  aura init --recovery-copy key.age --recovery-recipient age1…")]
pub struct InitArgs {
    /// File with the answers instead of questions; `-` for stdin
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
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

/// What is there before anything is written.
#[derive(Debug, Default)]
pub struct Before {
    /// The shops, by slug.
    pub shops: Vec<String>,
    /// What answers where nothing else was chosen.
    pub model: Option<String>,
    /// Whether a recovery copy of today's key is kept.
    pub has_copy: bool,
}

/// What will be written, in the order of the questions.
struct Plan {
    data_dir: PathBuf,
    is_new: bool,
    config: Option<ConfigFile>,
    shop: Option<Shop>,
    model: Option<String>,
    copy: Option<Wanted>,
}

pub async fn run(context: &Context, args: InitArgs) -> Result<(), Failure> {
    let InitArgs { answers, dry_run, recovery_copy, recovery_recipients, recovery_passphrase_file } = args;
    let asks = answers.is_none() && recovery_copy.is_none() && context.ui.asks();
    let mut given = answers.as_deref().map(Answers::read).transpose()?.unwrap_or_default();
    let flagged = recovery_copy.map(|file| RecoveryCopy {
        file,
        recipients: recovery_recipients,
        passphrase_file: recovery_passphrase_file,
    });
    let (data_dir, is_named) = context.data_dir_named()?;
    let asked = Asked::default();
    let chosen = match given.data_dir.take() {
        Some(path) => path,
        None if asks && !is_named => asked.data_dir(&data_dir).await?,
        None => data_dir.clone(),
    };
    let moved = chosen != data_dir;
    let data_dir = chosen;
    let there = context.at(data_dir.clone());
    let wanted = SetUp { data_dir, moved, given, flagged, asked: asks.then_some(asked), dry_run };
    let set_up = set_up(context, &there, wanted).await;
    let closed = there.close().await;
    set_up.and(closed)
}

/// What is known before the directory is looked at.
struct SetUp {
    data_dir: PathBuf,
    /// Whether a person chose another one than the configuration says.
    moved: bool,
    given: Answers,
    /// A copy that a flag asks for: it is made whatever is there.
    flagged: Option<RecoveryCopy>,
    asked: Option<Asked>,
    dry_run: bool,
}

async fn set_up(context: &Context, there: &Context, wanted: SetUp) -> Result<(), Failure> {
    let SetUp { data_dir, moved, mut given, flagged, asked, dry_run } = wanted;
    let ui = context.ui;
    let is_new = name_to_confirm(&data_dir).is_none();
    let before = if is_new { Before::default() } else { before(there).await? };
    let loaded = there.load(Vec::new())?;
    if let Some(asked) = &asked {
        given = asked.rest(given, &before, loaded.config.public_url.as_deref()).await?;
    }
    let mut settings = Vec::new();
    if moved {
        settings.push(("data_dir", data_dir.display().to_string()));
    }
    let url = given.public_url.filter(|url| loaded.config.public_url.as_ref() != Some(url));
    settings.extend(url.map(|url| ("public_url", url)));
    let copy = flagged.or(given.recovery_copy.filter(|_| !before.has_copy));
    // Asked before anything is made: who thinks better of it has lost nothing.
    let ask = |copy: RecoveryCopy| {
        if dry_run {
            return Wanted::unasked(copy.file);
        }
        Wanted::ask(copy.file, copy.recipients, copy.passphrase_file.as_deref())
    };
    let plan = Plan {
        is_new,
        config: if settings.is_empty() {
            None
        } else {
            Some(ConfigFile::with(context.config_file(&loaded)?, &settings)?)
        },
        shop: given.shop.filter(|shop| !before.shops.contains(&shop.slug)),
        model: given.model.filter(|model| before.model.as_ref() != Some(model) && !(is_new && model == "builtin")),
        copy: copy.map(ask).transpose()?,
        data_dir,
    };
    let lines = plan.lines(&before);
    if dry_run {
        return tell_plan(context, &plan, &lines);
    }
    if asked.is_some() {
        ui.say(lines.join("\n"));
        if !input::agrees("Write this? [Y/n] ", true).await? {
            ui.done("nothing was written", "aura init");
            return Ok(());
        }
    }
    write(context, there, plan, &before, asked.is_some()).await
}

async fn before(there: &Context) -> Result<Before, Failure> {
    let client = there.client().await?;
    let status = client.status().await?;
    let models = client.models(None).await?;
    // It is opened anew to be written to.
    there.close().await?;
    Ok(Before {
        shops: status.tenants.iter().map(|tenant| tenant.slug.clone()).collect(),
        model: models.choices.into_iter().find(|choice| choice.role == "chat").map(|choice| choice.model),
        has_copy: status.recovery_copy.is_some_and(|copy| copy.current),
    })
}

impl Plan {
    fn lines(&self, before: &Before) -> Vec<String> {
        let state = if self.is_new { "new, with a master key" } else { "as it is" };
        let mut lines = vec![format!("data directory  {} ({state})", self.data_dir.display())];
        if let Some(config) = &self.config {
            lines.push(format!("configuration   {}: {}", config.path().display(), config.changes().join(", ")));
        }
        match &self.shop {
            Some(shop) => lines.push(format!("shop            {} ({})", shop.slug, shop.described())),
            None if before.shops.is_empty() => lines.push("shop            none yet".into()),
            None => lines.push(format!("shop            {}, as before", before.shops.join(", "))),
        }
        let answers = self.model.as_deref().or(before.model.as_deref()).unwrap_or("builtin");
        lines.push(format!("model           {answers}"));
        match &self.copy {
            Some(copy) => lines.push(format!("recovery copy   {}", copy.file().display())),
            None if before.has_copy => lines.push("recovery copy   written before".into()),
            None => lines.push("recovery copy   none".into()),
        }
        lines
    }
}

fn tell_plan(context: &Context, plan: &Plan, lines: &[String]) -> Result<(), Failure> {
    let ui = context.ui;
    if ui.json {
        return ui.json_line(&json!({
            "dry_run": true, "data_dir": plan.data_dir.display().to_string(), "new": plan.is_new,
            "config": plan.config.as_ref().map(|config| json!({
                "file": config.path().display().to_string(), "changes": config.changes(),
            })),
            "shop": plan.shop.as_ref().map(|shop| &shop.slug), "model": plan.model,
            "recovery_copy": plan.copy.as_ref().map(|copy| copy.file().display().to_string()),
        }));
    }
    ui.say(lines.join("\n"));
    ui.done("nothing was written", "the same without `--dry-run`");
    Ok(())
}

async fn write(
    context: &Context,
    there: &Context,
    plan: Plan,
    before: &Before,
    was_shown: bool,
) -> Result<(), Failure> {
    let ui = context.ui;
    if let Some(config) = &plan.config {
        config.write()?;
    }
    let client = there.founding_client().await?;
    if let Some(shop) = &plan.shop {
        let Shop { slug, name, language, currency } = shop.clone();
        client.add_tenant(&api::NewTenant { slug, name, language, currency, ..api::NewTenant::default() }).await?;
    }
    let mut key_missing = None;
    if let Some(model) = &plan.model {
        let choice = api::UseModel { model: model.clone(), fallbacks: Vec::new() };
        key_missing = client.use_model(None, "chat", &choice).await?.keys_missing.into_iter().next();
    }
    let written = match &plan.copy {
        Some(wanted) => Some((wanted, wanted.write(&client).await?)),
        None => None,
    };
    let status = client.status().await?;
    if ui.json {
        let copy =
            written.map(|(wanted, key)| json!({ "file": wanted.file().display().to_string(), "fingerprint": key }));
        return ui.json_line(&json!({
            "data_dir": status.data_dir, "master_key": status.master_key, "recovery_copy": copy,
            "config": plan.config.as_ref().map(|config| config.path().display().to_string()),
            "shop": plan.shop.as_ref().map(|shop| &shop.slug), "model": plan.model,
        }));
    }
    if !was_shown {
        ui.say(format!("data directory {}", status.data_dir));
        plan.shop.iter().for_each(|shop| ui.say(format!("shop {} ({})", shop.slug, shop.described())));
        plan.config.iter().for_each(|config| ui.say(format!("configuration {}", config.path().display())));
    }
    ui.say(format!("master key {}", status.master_key));
    if let Some((wanted, key)) = &written {
        let (file, opens_with) = (wanted.file().display(), wanted.opens_with());
        ui.say(format!("copy of the master key ({key}) in {file}; it opens with {opens_with}"));
        ui.say("keep the copy apart from this machine and from its backups");
    } else if status.recovery_copy.is_none() {
        ui.say("no copy of the master key is kept: `aura secret recovery-copy FILE` writes one");
    }
    let slug = plan.shop.as_ref().map(|shop| &shop.slug).or(before.shops.first());
    let next = match (key_missing, slug) {
        (Some(provider), _) => format!("`aura secret set {provider}.api_key`, then `aura serve`"),
        (None, Some(slug)) => format!("`aura serve`, then `aura catalog import -t {slug} FILE`"),
        (None, None) => "`aura tenant add SLUG --name NAME`, then `aura serve`".to_owned(),
    };
    ui.done("ready", next);
    Ok(())
}

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
