//! `aura persona`

use std::path::PathBuf;

use aura::{
    api::{ErrorKind, List, Persona, exit, exit_code_of},
    client::Client,
};

use super::input::{self, Draft};
use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Show, edit and set the voice of a tenant
#[derive(Debug, clap::Args)]
pub struct PersonaArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Show(Show),
    Edit(Edit),
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

/// Edit the voice of a tenant in your editor ($VISUAL, $EDITOR)
///
/// The editor opens with the voice as YAML, and with what could be set beside it as comments. What is saved is checked and set
/// as a new version; a mistake is named with its line, and the editor opens again with what you wrote. Nothing of that is
/// lost: until it is set it stays in a file whose name is told. Comments of your own are not kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura persona edit -t noor
  EDITOR=\"code --wait\" aura persona edit -t noor")]
struct Edit {
    #[command(flatten)]
    tenant: TenantArg,
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
            context.ui.data(&persona, || render::persona(&persona, context.ui.look()))
        }
        Verb::Edit(args) => edit(context, args.tenant.slug.as_str()).await,
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
            told(context, slug, &persona)
        }
        Verb::History(args) => {
            let items = context.client().await?.persona_versions(args.tenant.slug.as_str()).await?;
            let list = List { items };
            context.ui.table(&list, || render::persona_versions(&list.items, context.ui.look()))
        }
    }
}

fn told(context: &Context, slug: &str, persona: &Persona) -> Result<(), Failure> {
    context.ui.data(persona, || render::persona(persona, context.ui.look()))?;
    let next = format!("aura chat -t {slug} --once \"Hello\"");
    context.ui.done(format!("set the voice of {slug}; the next answer has it"), next);
    Ok(())
}

async fn edit(context: &Context, slug: &str) -> Result<(), Failure> {
    let ui = context.ui;
    let client = context.client().await?;
    let before = client.persona(slug, None).await?;
    let opened = render::persona_file(slug, &before);
    let draft = Draft::lasting(&opened, ".yaml")?;
    let set = loop {
        let edited = match draft.edit(&format!("use `aura persona set -t {slug} --file FILE`")) {
            Ok(edited) => edited,
            Err(failure) => return kept(draft, slug, failure),
        };
        if edited == opened {
            break before.clone();
        }
        match publish(&client, slug, &before, edited).await {
            Ok(set) => break set,
            Err(failure) if failure.exit == exit::USAGE && !ui.json => {
                ui.fail(&failure);
                // Told before it is asked: whoever answers with Ctrl-C has to find it too.
                let question =
                    format!("What you wrote is in {}.\nOpen the editor again? [Y/n] ", draft.path().display());
                if !input::agrees(&question, true).await? {
                    let message = format!("the voice of {slug} was not changed");
                    return kept(draft, slug, Failure::new(failure.exit, &failure.code, message));
                }
            }
            Err(failure) => return kept(draft, slug, failure),
        }
    };
    draft.discard()?;
    if set != before {
        return told(context, slug, &set);
    }
    if ui.json {
        return ui.json_line(&set);
    }
    ui.done(format!("nothing changed: the voice of {slug} is as it was"), "");
    Ok(())
}

/// Sets the voice that was edited from `before`, unless another took its place meanwhile.
async fn publish(client: &Client, slug: &str, before: &Persona, edited: String) -> Result<Persona, Failure> {
    if client.persona(slug, None).await? != *before {
        let message = format!("somebody else set the voice of {slug} meanwhile");
        return Err(Failure::new(exit_code_of(ErrorKind::Conflict), "conflict", message));
    }
    Ok(client.set_persona(slug, edited.into()).await?)
}

/// Gives the failure, and with it where the words are that somebody wrote.
fn kept(draft: Draft, slug: &str, failure: Failure) -> Result<(), Failure> {
    if !draft.is_changed() {
        draft.discard()?;
        return Err(failure);
    }
    let file = draft.path().display();
    let hint = format!("What you wrote is in {file}: `aura persona set -t {slug} --file {file}`.");
    Err(match &failure.hint {
        Some(first) => {
            let both = format!("{first} {hint}");
            failure.hint(both)
        }
        None => failure.hint(hint),
    })
}
