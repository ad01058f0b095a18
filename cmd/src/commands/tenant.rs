//! `aura tenant`

use aura::{
    api::{self, Tenant},
    domain::{Currency, Language, persona::Tone, tenant::TenantSlug},
};

use crate::{context::Context, failure::Failure, render, time::now};

/// Add, show and remove tenants: the shops that this Aura answers for
#[derive(Debug, clap::Args)]
pub struct TenantArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Add(Add),
    List(List),
    Show(Show),
    Pause(Pause),
    Resume(Resume),
    Remove(Remove),
}

/// Add a tenant
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant add noor --name \"Noor Atelier\" --website https://noor.example
  aura tenant add hafen --name \"Hafen Keramik\" --language de --tone crisp --sign-off \"Eure Lena\"")]
struct Add {
    /// How the tenant is addressed: 2 to 39 of a-z, 0-9 and `-`
    slug: TenantSlug,
    /// The shop's own name
    #[arg(long)]
    name: String,
    /// Currency of prices that come without one (ISO 4217)
    #[arg(long, default_value = "EUR", value_name = "CODE", value_parser = currency)]
    currency: String,
    /// Language when the shopper's is unknown: en, de, fr, es, it
    #[arg(long, default_value = "en", value_name = "CODE", value_parser = language)]
    language: String,
    /// The shop's site
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// What the assistant is called; the shop's name when left out
    #[arg(long, value_name = "NAME", help_heading = "Voice")]
    assistant_name: Option<String>,
    /// How the assistant sounds
    #[arg(long, value_parser = Tone::ALL.map(Tone::as_str), help_heading = "Voice")]
    tone: Option<String>,
    /// How the first answer opens
    #[arg(long, value_name = "TEXT", help_heading = "Voice")]
    greeting: Option<String>,
    /// How an answer ends
    #[arg(long, value_name = "TEXT", help_heading = "Voice")]
    sign_off: Option<String>,
    /// The words in which shoppers are told that an assistant writes
    #[arg(long, value_name = "TEXT", help_heading = "Voice")]
    disclosure: Option<String>,
}

fn currency(code: &str) -> Result<String, String> {
    Currency::parse(code).map(|currency| currency.code().to_owned()).map_err(|error| error.to_string())
}

fn language(code: &str) -> Result<String, String> {
    code.parse::<Language>().map(|language| language.code().to_owned()).map_err(|error| error.to_string())
}

/// List all tenants
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant list
  aura tenant list --json")]
struct List {}

/// Show a tenant and its voice
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant show noor
  aura tenant show noor --json")]
struct Show {
    /// Tenant to show
    slug: TenantSlug,
}

/// Let a tenant's assistant say nothing until it is resumed; messages are still recorded
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant pause noor
  aura tenant pause noor --quiet")]
struct Pause {
    /// Tenant to pause
    slug: TenantSlug,
}

/// Let a paused tenant's assistant answer again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant resume noor
  aura tenant resume noor --quiet")]
struct Resume {
    /// Tenant to resume
    slug: TenantSlug,
}

/// Delete a tenant with its conversations, products, keys and secrets, for good
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant remove noor --confirm noor
  aura tenant remove noor --confirm noor --json")]
struct Remove {
    /// Tenant to delete
    slug: TenantSlug,
    /// The slug once more, to be sure
    #[arg(long, value_name = "SLUG")]
    confirm: String,
}

pub async fn run(context: &Context, args: TenantArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Add(args) => add(context, args).await,
        Verb::List(List {}) => list(context).await,
        Verb::Show(args) => {
            let tenant = context.client().await?.tenant(args.slug.as_str()).await?;
            context.ui.data(&tenant, || render::tenant(&tenant, now()))
        }
        Verb::Pause(args) => {
            let tenant = context.client().await?.pause_tenant(args.slug.as_str()).await?;
            let slug = &tenant.slug;
            changed(
                context,
                &tenant,
                format!("paused {slug}: messages are recorded, nothing is answered"),
                &format!("aura tenant resume {slug}"),
            )
        }
        Verb::Resume(args) => {
            let tenant = context.client().await?.resume_tenant(args.slug.as_str()).await?;
            let slug = &tenant.slug;
            changed(context, &tenant, format!("resumed {slug}: it answers again"), &format!("aura tail -t {slug}"))
        }
        Verb::Remove(args) => remove(context, &args).await,
    }
}

async fn add(context: &Context, args: Add) -> Result<(), Failure> {
    let new = api::NewTenant {
        slug: args.slug.to_string(),
        name: args.name,
        currency: Some(args.currency),
        language: Some(args.language),
        website: args.website,
        persona: api::Persona {
            name: args.assistant_name,
            tone: args.tone,
            greeting: args.greeting,
            sign_off: args.sign_off,
            disclose: None,
            disclosure: args.disclosure,
        },
    };
    let tenant = context.creating_client().await?.add_tenant(&new).await?;
    let slug = &tenant.slug;
    let what = format!("added {slug} ({}, {}, {})", tenant.name, tenant.currency, tenant.language);
    changed(context, &tenant, what, &format!("aura catalog import -t {slug} FILE"))
}

async fn list(context: &Context) -> Result<(), Failure> {
    let tenants = context.client().await?.tenants().await?;
    if tenants.is_empty() {
        context.ui.done("no tenants yet", "aura tenant add SLUG --name NAME");
    }
    let list = api::List { items: tenants };
    if list.items.is_empty() && !context.ui.json {
        return Ok(());
    }
    context.ui.table(&list, || render::tenants(&list.items, now(), context.ui.width()))
}

async fn remove(context: &Context, args: &Remove) -> Result<(), Failure> {
    let slug = args.slug.as_str();
    if args.confirm != slug {
        let message = format!("`--confirm {}` does not confirm removing `{slug}`", args.confirm);
        return Err(Failure::usage(message).hint(format!("To delete it for good: `--confirm {slug}`.")));
    }
    let gone = context.client().await?.remove_tenant(slug, &args.confirm).await?;
    if context.ui.json {
        return context.ui.json_line(&gone);
    }
    let what = format!(
        "removed {slug}: {} files ({} KiB), {} accounts and {} secrets are gone, and its key with them",
        gone.files,
        gone.bytes / 1024,
        gone.accounts.len(),
        gone.secrets
    );
    context.ui.done(what, "aura tenant list");
    Ok(())
}

/// The tenant as it is now, for scripts; what changed and what comes next, for people.
fn changed(context: &Context, tenant: &Tenant, what: String, next: &str) -> Result<(), Failure> {
    if context.ui.json {
        return context.ui.json_line(tenant);
    }
    context.ui.done(what, next);
    Ok(())
}
