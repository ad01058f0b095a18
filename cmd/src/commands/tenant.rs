//! `aura tenant`

use aura::{
    api::{self, Tenant},
    domain::{
        Currency, Language,
        persona::Tone,
        reach::{Chosen, Mode},
        tenant::TenantSlug,
    },
};

use crate::{context::Context, failure::Failure, render};

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
    Edit(Edit),
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
    /// How far the assistant may go from the start; see `aura tenant edit --help`
    #[arg(long, default_value = "live", value_parser = Mode::ALL.map(Mode::as_str))]
    mode: String,
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

/// Change how far a tenant's assistant may go, and with whom: go live in steps
///
/// A change holds for what is written from then on: going live answers no backlog and sends no draft that waits.
/// Someone for whom the assistant is off gets no answer and sees no typing; the messages are recorded and left to
/// people, as `aura conversation list --state parked` shows. Pausing (`aura tenant pause`) stops everything at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tenant edit noor --mode suggest
  aura tenant edit noor --mode live --only-from @ana.k 1284305829174402
  aura tenant edit noor --mode live --everyone")]
struct Edit {
    /// Tenant to change
    slug: TenantSlug,
    /// How far the assistant may go: off leaves everything to people, suggest writes drafts that a person sends (`aura
    /// conversation approve`), live answers
    #[arg(long, value_parser = Mode::ALL.map(Mode::as_str), required_unless_present_any = ["only_from", "everyone"])]
    mode: Option<String>,
    /// Only with these shoppers, in place of any named before; the assistant is off for everyone else
    ///
    /// A user name, with or without `@`, or an id (all digits) as `aura conversation list --json` shows it. Instagram
    /// tells Aura only ids: the name behind one is asked for when the shopper writes, and again after a day. A shopper
    /// whose name Instagram does not tell is met by the id only.
    #[arg(long, value_name = "USER", num_args = 1.., value_delimiter = ',', value_parser = chosen)]
    only_from: Vec<String>,
    /// With everyone again
    #[arg(long, conflicts_with = "only_from")]
    everyone: bool,
}

fn chosen(text: &str) -> Result<String, String> {
    Chosen::parse(text).map(|chosen| chosen.to_string()).map_err(|error| error.to_string())
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
            context.ui.data(&tenant, || render::tenant(&tenant, context.ui.look()))
        }
        Verb::Edit(args) => edit(context, args).await,
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
        mode: Some(args.mode),
        persona: api::Persona {
            name: args.assistant_name,
            tone: args.tone,
            greeting: args.greeting,
            sign_off: args.sign_off,
            disclose: None,
            disclosure: args.disclosure,
            ..api::Persona::default()
        },
    };
    let tenant = context.creating_client().await?.add_tenant(&new).await?;
    let slug = &tenant.slug;
    let what = format!("added {slug} ({}, {}, {})", tenant.name, tenant.currency, tenant.language);
    changed(context, &tenant, what, &format!("aura catalog import -t {slug} FILE"))
}

async fn edit(context: &Context, args: Edit) -> Result<(), Failure> {
    let only_from = match args.everyone {
        true => Some(Vec::new()),
        false => Some(args.only_from).filter(|chosen| !chosen.is_empty()),
    };
    let edit = api::TenantEdit { mode: args.mode, only_from };
    let tenant = context.client().await?.edit_tenant(args.slug.as_str(), &edit).await?;
    let slug = &tenant.slug;
    let whom = match tenant.only_from.as_slice() {
        [] => String::new(),
        chosen => format!(", for {} only: nobody else is answered", chosen.join(", ")),
    };
    let (how, next) = match tenant.mode.as_str() {
        "off" => {
            ("off: messages are recorded and left to people".to_owned(), "conversation list -t SLUG --state parked")
        }
        "suggest" => (format!("drafts wait for a person{whom}"), "conversation list -t SLUG --state draft"),
        _ => (format!("live{whom}"), "tail -t SLUG"),
    };
    let paused = if tenant.state == "paused" { " (paused: nothing happens before `aura tenant resume`)" } else { "" };
    let next = format!("aura {}", next.replace("SLUG", slug));
    changed(context, &tenant, format!("{slug} is {how}{paused}"), &next)
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
    context.ui.table(&list, || render::tenants(&list.items, context.ui.look()))
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
