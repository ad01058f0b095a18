//! `aura persona`

use std::path::PathBuf;

use aura::api::List;

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render, time::now};

/// Show and set the voice of a tenant
#[derive(Debug, clap::Args)]
pub struct PersonaArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Show(Show),
    Set(Set),
    History(History),
}

/// Show the voice of a tenant
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona show -t noor
  aura persona show -t noor --json > noor.yaml
  aura persona show -t noor --version 3")]
struct Show {
    #[command(flatten)]
    tenant: TenantArg,
    /// Version to show; the one that answers when left out
    #[arg(long, value_name = "N")]
    version: Option<u32>,
}

/// List the versions of a tenant's voice, the newest first
///
/// `aura persona set --version N` takes one up again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona history -t noor
  aura persona history -t noor --json")]
struct History {
    #[command(flatten)]
    tenant: TenantArg,
}

/// Replace the voice of a tenant by what a YAML file says, or by an earlier version
///
/// Keys, all optional: `name`, `tone` (warm, crisp, formal), `language` (shopper, or codes such as `[de, en]`), `emoji` (none,
/// some, many), `greeting`, `sign_off`, `disclose` (yes unless `false`), `disclosure`, `hours` and `reply_time` (when people
/// answer), `do` and `dont` (rules for models), `facts` (what the shop states of itself), `escalate` (words on which a person
/// answers). docs/persona.md explains each. What is left out takes its default: the file is the whole voice.
/// What `aura persona show --json` prints is such a file. `aura chat --persona FILE` tries one without setting it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona set -t noor --file noor.yaml
  aura persona set -t noor --version 3
  echo 'tone: crisp' | aura persona set -t noor --file -")]
struct Set {
    #[command(flatten)]
    tenant: TenantArg,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// File to read; `-` for stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Earlier version to take up again
    #[arg(long, value_name = "N")]
    version: Option<u32>,
}

pub async fn run(context: &Context, args: PersonaArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Show(args) => {
            let persona = context.client().await?.persona(args.tenant.slug.as_str(), args.version).await?;
            context.ui.data(&persona, || render::persona(&persona))
        }
        Verb::Set(args) => {
            let slug = args.tenant.slug.as_str();
            let persona = match (&args.source.file, args.source.version) {
                (Some(file), _) => {
                    let yaml = input::small_file(file)?;
                    context.client().await?.set_persona(slug, yaml.into()).await?
                }
                (None, Some(version)) => context.client().await?.restore_persona(slug, version).await?,
                (None, None) => return Err(Failure::new(2, "invalid", "one of --file and --version is needed")),
            };
            context.ui.data(&persona, || render::persona(&persona))?;
            let next = format!("aura chat -t {slug} --once \"Hello\"");
            context.ui.done(format!("set the voice of {slug}; the next answer has it"), next);
            Ok(())
        }
        Verb::History(args) => {
            let items = context.client().await?.persona_versions(args.tenant.slug.as_str()).await?;
            let list = List { items };
            context.ui.table(&list, || render::persona_versions(&list.items, now(), context.ui.width()))
        }
    }
}
