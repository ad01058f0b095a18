//! `aura secret`

use std::path::PathBuf;

use aura::{api, domain::tenant::TenantSlug};

use super::{input, recovery};
use crate::{context::Context, failure::Failure, render};

/// Keep secrets sealed: for the installation, or with `-t` for one tenant
#[derive(Debug, clap::Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Set(Set),
    List(List),
    Remove(Remove),
    RotateMaster(RotateMaster),
    RecoveryCopy(recovery::RecoveryCopy),
    RestoreMaster(recovery::RestoreMaster),
}

#[derive(Debug, clap::Args)]
struct Owner {
    /// Tenant that the secret belongs to; the installation when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
}

impl Owner {
    fn slug(&self) -> Option<&str> {
        self.slug.as_ref().map(TenantSlug::as_str)
    }

    fn shown(&self) -> &str {
        self.slug().unwrap_or("the installation")
    }

    fn flag(&self) -> String {
        self.slug().map(|slug| format!(" -t {slug}")).unwrap_or_default()
    }
}

/// Store a secret
///
/// The value is typed without echo, or comes from a file or stdin; it is never an argument, which every process on the
/// machine could read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret set meta.app_secret
  pass show meta | aura secret set meta.app_secret -t noor --file -")]
struct Set {
    #[command(flatten)]
    owner: Owner,
    /// Name of the secret
    name: String,
    /// File with the value; `-` for stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same as `--file -`
    #[arg(value_name = "-", conflicts_with = "file")]
    stdin: Option<String>,
}

/// List secrets by name and fingerprint
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret list
  aura secret list -t noor --json")]
struct List {
    #[command(flatten)]
    owner: Owner,
}

/// Destroy a secret
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret remove meta.app_secret
  aura secret remove meta.app_secret -t noor")]
struct Remove {
    #[command(flatten)]
    owner: Owner,
    /// Name of the secret
    name: String,
}

/// Change the master key, and seal everything anew under the new one
///
/// What it seals are the keys of the installation and of each tenant: they are sealed anew in one commit, so that a crash
/// at any point leaves every secret readable. Works beside a running daemon, without a restart. A backup that was taken
/// before needs the old key: copies of it stay as secret as what they open. A recovery copy holds the old key: write a new one.
///
/// A key that is a systemd credential is brought by the operator: add the new one as `aura-master-key-next`, restart, run
/// this, and then put it in the place of `aura-master-key`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura secret rotate-master
  aura secret rotate-master --json")]
struct RotateMaster {}

pub async fn run(context: &Context, args: SecretArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Set(args) => set(context, args).await,
        Verb::List(args) => list(context, &args.owner).await,
        Verb::RotateMaster(RotateMaster {}) => rotate_master(context).await,
        Verb::RecoveryCopy(args) => recovery::write(context, args).await,
        Verb::RestoreMaster(args) => recovery::restore(context, args).await,
        Verb::Remove(Remove { owner, name }) => {
            context.client().await?.remove_secret(owner.slug(), &name).await?;
            if context.ui.json {
                return context.ui.json_line(&serde_json::json!({ "removed": name, "tenant": owner.slug() }));
            }
            let what = format!("removed {name} of {}", owner.shown());
            context.ui.done(what, format!("aura secret list{}", owner.flag()));
            Ok(())
        }
    }
}

async fn set(context: &Context, args: Set) -> Result<(), Failure> {
    let Set { owner, name, file, stdin } = args;
    // Not by the parser, which would print what may be the secret itself.
    if stdin.as_ref().is_some_and(|word| word != "-") {
        return Err(Failure::usage("a secret is never an argument: every process on the machine could read it")
            .hint(format!("Run `aura secret set {name}{}` and type it, or give `--file FILE`.", owner.flag())));
    }
    // Before anything is typed: a secret that nobody can store should not be asked for.
    let client = context.client().await?;
    let from = file.or_else(|| stdin.map(PathBuf::from));
    let value = input::secret(from.as_deref(), &format!("{name} (not shown): "))?;
    let stored = client.set_secret(owner.slug(), &name, &api::NewSecret { value }).await?;
    if context.ui.json {
        return context.ui.json_line(&stored);
    }
    let what = format!("stored {name} of {}, fingerprint {}", owner.shown(), stored.fingerprint);
    context.ui.done(what, format!("aura secret list{}", owner.flag()));
    Ok(())
}

async fn rotate_master(context: &Context) -> Result<(), Failure> {
    let changed = context.client().await?.change_master_key().await?;
    if context.ui.json {
        return context.ui.json_line(&changed);
    }
    let keys = match changed.keys {
        1 => "1 key is".to_owned(),
        many => format!("{many} keys are"),
    };
    let what = format!("changed the master key in {}; {keys} sealed anew", changed.place);
    let next = match changed.placed {
        true => "aura status",
        false => "make the credential aura-master-key what aura-master-key-next is now",
    };
    context.ui.done(what, next);
    if changed.copy_stale {
        context.ui.say(
            "the recovery copy holds the old master key: it opens backups from before only; write a new one with `aura \
             secret recovery-copy FILE`",
        );
    }
    Ok(())
}

async fn list(context: &Context, owner: &Owner) -> Result<(), Failure> {
    let ui = context.ui;
    let list = api::List { items: context.client().await?.secrets(owner.slug()).await? };
    if list.items.is_empty() && !ui.json {
        ui.done(format!("no secrets of {}", owner.shown()), format!("aura secret set NAME{}", owner.flag()));
        return Ok(());
    }
    ui.table(&list, || render::secrets(&list.items, ui.look()))
}
