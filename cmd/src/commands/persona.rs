//! `aura persona`

use std::path::PathBuf;

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render};

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
}

/// Show the voice of a tenant
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona show -t noor
  aura persona show -t noor --json > noor.yaml")]
struct Show {
    #[command(flatten)]
    tenant: TenantArg,
}

/// Replace the voice of a tenant by what a YAML file says
///
/// Keys, all optional: `name`, `tone` (warm, crisp, formal), `greeting`, `sign_off`, `disclose` (yes unless `false`),
/// `disclosure`, and when people answer, for shoppers who ask for one: `hours` ("Mon-Fri, 9 am to 6 pm") and `reply_time`
/// ("within two hours"), each as words in the shop's own language or by language (`{en: …, de: …}`).
/// What `aura persona show --json` prints is such a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona set -t noor --file noor.yaml
  echo 'tone: crisp' | aura persona set -t noor --file -")]
struct Set {
    #[command(flatten)]
    tenant: TenantArg,
    /// File to read; `-` for stdin
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(context: &Context, args: PersonaArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Show(args) => {
            let persona = context.client().await?.persona(args.tenant.slug.as_str()).await?;
            context.ui.data(&persona, || render::persona(&persona))
        }
        Verb::Set(args) => {
            let (slug, yaml) = (args.tenant.slug.as_str(), input::small_file(&args.file)?);
            let persona = context.client().await?.set_persona(slug, yaml.into()).await?;
            context.ui.data(&persona, || render::persona(&persona))?;
            let next = format!("aura chat -t {slug} --once \"Hello\"");
            context.ui.done(format!("set the voice of {slug}; the next answer has it"), next);
            Ok(())
        }
    }
}
