//! `aura notify`

use std::path::{Path, PathBuf};

use aura::api::{self, exit};
use clap::ValueEnum;

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Tell people of the shop what needs them: by webhook, e-mail or ntfy
#[derive(Debug, clap::Args)]
pub struct NotifyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Add(Add),
    List(List),
    Remove(Remove),
    Test(Test),
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Via {
    /// A signed POST of JSON
    Webhook,
    /// E-mail, through the mail server of the configuration
    Smtp,
    /// A push through an ntfy server
    Ntfy,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// A conversation was handed to a person
    HandOver,
    /// A draft waits for approval
    Draft,
    /// A reply waits for a person, or will not go out
    Parked,
    /// Instagram refuses an account's token
    Account,
    /// An account is silent against its habit
    Silent,
}

/// Add a target: a webhook, mailboxes, or an ntfy topic
///
/// People hear of what happens from now on, within seconds; what happens in a storm or in quiet hours comes as one
/// message. No text of a shopper goes along unless --include-text says so. A webhook is signed; the key is made here and
/// shown once, or given with --key-file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura notify add webhook https://hooks.example.com/noor -t noor
  aura notify add smtp me@noor.example -t noor --quiet-hours 22:00-07:30 --time-zone Europe/Berlin
  aura notify add ntfy noor-staff-x7 -t noor --on hand_over,account --key-file token.txt")]
struct Add {
    #[command(flatten)]
    tenant: TenantArg,
    /// How it is reached
    via: Via,
    /// URL, mailboxes separated by commas, or topic; `-` reads it from stdin
    address: String,
    /// What to call it; as it is reached when left out
    #[arg(long)]
    name: Option<String>,
    /// What it wants to hear of, separated by commas; everything when left out
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    on: Vec<Kind>,
    /// Send the shopper's name and newest words along
    #[arg(long)]
    include_text: bool,
    /// When not to tell, such as 22:00-07:30; what happens then comes at its end
    #[arg(long, value_name = "FROM-UNTIL", requires = "time_zone")]
    quiet_hours: Option<String>,
    /// Time zone of --quiet-hours and of the times told, such as Europe/Berlin; UTC when left out
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// File with the webhook's signing key or the ntfy account's token; `-` for stdin
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// List the targets and how their notifications fare
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura notify list -t noor
  aura notify list -t noor --json")]
struct List {
    #[command(flatten)]
    tenant: TenantArg,
}

/// Remove a target and whatever it was still to be told
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura notify remove -t noor webhook
  aura notify remove -t noor webhook --json")]
struct Remove {
    #[command(flatten)]
    tenant: TenantArg,
    /// Target to remove
    name: String,
}

/// Send a test to one target or to all, now; exits with 8 when one does not arrive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura notify test -t noor
  aura notify test -t noor webhook --json")]
struct Test {
    #[command(flatten)]
    tenant: TenantArg,
    /// Target to try; all when left out
    name: Option<String>,
}

pub async fn run(context: &Context, args: NotifyArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Add(args) => add(context, args).await,
        Verb::List(List { tenant }) => list(context, tenant.slug.as_str()).await,
        Verb::Remove(Remove { tenant, name }) => {
            let slug = tenant.slug.as_str();
            context.client().await?.remove_notify_target(slug, &name).await?;
            if context.ui.json {
                return context.ui.json_line(&serde_json::json!({ "removed": name, "tenant": slug }));
            }
            context.ui.done(format!("removed {name} of {slug}"), format!("aura notify list -t {slug}"));
            Ok(())
        }
        Verb::Test(Test { tenant, name }) => test(context, tenant.slug.as_str(), name).await,
    }
}

fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

async fn add(context: &Context, args: Add) -> Result<(), Failure> {
    let slug = args.tenant.slug.as_str();
    let stdin = Path::new("-");
    if args.address == "-" && args.key_file.as_deref() == Some(stdin) {
        return Err(Failure::usage("the address and the key cannot both come from stdin"));
    }
    let client = context.client().await?;
    let address = match args.address.as_str() {
        "-" => input::secret(Some(stdin), "")?,
        address => address.to_owned(),
    };
    let key = args.key_file.as_deref().map(|file| input::secret(Some(file), "")).transpose()?;
    let new = api::NewNotifyTarget {
        via: word(args.via),
        name: args.name,
        address,
        key,
        on: args.on.into_iter().map(word).collect(),
        include_text: args.include_text,
        time_zone: args.time_zone,
        quiet: args.quiet_hours,
    };
    let added = client.add_notify_target(slug, &new).await?;
    if context.ui.json {
        return context.ui.json_line(&added);
    }
    let target = &added.target;
    if let Some(key) = &added.signing_key {
        context.ui.say("the key that signs what it gets, shown now and never again:");
        context.ui.text(key)?;
    }
    let what = format!("added {} of {slug}: {} to {}", target.name, target.via, target.address);
    context.ui.done(what, format!("aura notify test -t {slug} {}", target.name));
    Ok(())
}

async fn list(context: &Context, slug: &str) -> Result<(), Failure> {
    let ui = context.ui;
    let list = api::List { items: context.client().await?.notify_targets(slug).await? };
    if list.items.is_empty() && !ui.json {
        ui.done(format!("nobody of {slug} is told"), format!("aura notify add webhook URL -t {slug}"));
        return Ok(());
    }
    ui.table(&list, || render::notify_targets(&list.items, ui.look()))
}

async fn test(context: &Context, slug: &str, name: Option<String>) -> Result<(), Failure> {
    let (ui, client) = (context.ui, context.client().await?);
    let names = match name {
        Some(name) => vec![name],
        None => client.notify_targets(slug).await?.into_iter().map(|target| target.name).collect(),
    };
    if names.is_empty() && !ui.json {
        ui.done(format!("nobody of {slug} is told"), format!("aura notify add webhook URL -t {slug}"));
        return Ok(());
    }
    let mut tested = Vec::new();
    for name in names {
        tested.push(client.test_notify_target(slug, &name).await?);
    }
    let lost: Vec<_> = tested.iter().filter(|test| test.outcome != "sent").map(|test| test.name.clone()).collect();
    let list = api::List { items: tested };
    ui.table(&list, || render::notify_tests(&list.items, ui.look()))?;
    if lost.is_empty() {
        return Ok(());
    }
    let message = format!("the test did not arrive through {}", lost.join(", "));
    Err(Failure::new(exit::PROBLEMS_FOUND, "notify_test_failed", message)
        .hint("The reason stands beside it; correct the settings, or remove the target and add it again."))
}
