//! `aura staff`

use std::process::Command;

use aura::{
    api::{List, NewStaff, Staff, StaffEdit},
    domain::{
        staff::{Role, StaffName},
        tenant::TenantSlug,
    },
};
use clap::builder::PossibleValuesParser;

use crate::{context::Context, failure::Failure, render};

/// Let people of the shops in, with a role and for their tenants
///
/// A person is known by a user of this machine, or by a key. Where the setting `staff_group` names a group, its members
/// reach the daemon over `staff.sock` in the data directory; everybody else there is turned away.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura staff add ana --user ana --role agent -t noor
  aura staff remove ana")]
pub struct StaffArgs {
    #[command(subcommand)]
    command: StaffCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StaffCommand {
    Add(AddArgs),
    List(ListArgs),
    Edit(EditArgs),
    Remove(RemoveArgs),
}

/// Let a person in
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura staff add ana --user ana --role agent -t noor
  aura staff add till --key --role viewer
  aura staff add ben --uid 1001 --role admin -t noor -t sole")]
struct AddArgs {
    /// What people call the person: a-z, 0-9, `.`, `_`, `-`
    name: StaffName,
    #[command(flatten)]
    known: Known,
    /// What the person may do
    #[arg(long, value_name = "ROLE", default_value = "agent", value_parser = roles())]
    role: String,
    /// For this tenant; may be given again; all when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG")]
    tenants: Vec<TenantSlug>,
}

/// How a person is known
#[derive(Debug, clap::Args)]
struct Known {
    /// By this user of this machine
    #[arg(long, value_name = "N", conflicts_with = "user")]
    uid: Option<u32>,
    /// By the user with this login
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// By a new key, which is shown once
    #[arg(long)]
    key: bool,
}

/// Show everybody, what they may do and for whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura staff list
  aura staff list --json")]
struct ListArgs;

/// Change what a person may do or is known by; it holds at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura staff edit ana --role admin
  aura staff edit ana -t noor -t sole
  aura staff edit till --key")]
struct EditArgs {
    /// The person
    name: StaffName,
    #[command(flatten)]
    known: Known,
    /// What the person may do from now on
    #[arg(long, value_name = "ROLE", value_parser = roles())]
    role: Option<String>,
    /// For this tenant alone; may be given again
    #[arg(short = 't', long = "tenant", value_name = "SLUG", conflicts_with = "all_tenants")]
    tenants: Vec<TenantSlug>,
    /// For all tenants
    #[arg(long)]
    all_tenants: bool,
}

/// Close the door to a person, at once; open streams end
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura staff remove ana
  aura staff remove ana --json")]
struct RemoveArgs {
    /// The person
    name: StaffName,
}

fn roles() -> PossibleValuesParser {
    Role::ALL.map(Role::as_str).into()
}

pub async fn run(context: &Context, args: StaffArgs) -> Result<(), Failure> {
    match args.command {
        StaffCommand::Add(args) => add(context, args).await,
        StaffCommand::List(ListArgs) => list(context).await,
        StaffCommand::Edit(args) => edit(context, args).await,
        StaffCommand::Remove(args) => remove(context, args).await,
    }
}

async fn add(context: &Context, args: AddArgs) -> Result<(), Failure> {
    let new = NewStaff {
        name: args.name.to_string(),
        role: Some(args.role),
        tenants: args.tenants.iter().map(ToString::to_string).collect(),
        uid: args.known.uid()?,
        key: args.known.key,
    };
    let added = context.client().await?.add_staff(&new).await?;
    show(context, &added)?;
    context.ui.done(format!("{} may come in as {}", added.name, added.role), "aura staff list");
    Ok(())
}

async fn list(context: &Context) -> Result<(), Failure> {
    let list = List { items: context.client().await?.staff().await? };
    if list.items.is_empty() && !context.ui.json {
        context.ui.done("nobody but the operator", "aura staff add NAME --user LOGIN");
        return Ok(());
    }
    context.ui.table(&list, || render::staff_list(&list.items, context.ui.look()))
}

async fn edit(context: &Context, args: EditArgs) -> Result<(), Failure> {
    let named = (!args.tenants.is_empty()).then(|| args.tenants.iter().map(ToString::to_string).collect());
    let change = StaffEdit {
        role: args.role,
        tenants: if args.all_tenants { Some(Vec::new()) } else { named },
        uid: args.known.uid()?,
        key: args.known.key,
    };
    if change == StaffEdit::default() {
        return Err(
            Failure::usage("nothing is to change").hint("Name what is: --role, -t, --all-tenants, --user, --key.")
        );
    }
    let edited = context.client().await?.edit_staff(args.name.as_str(), &change).await?;
    show(context, &edited)?;
    context.ui.done(format!("{} is {} now", edited.name, edited.role), "aura staff list");
    Ok(())
}

async fn remove(context: &Context, args: RemoveArgs) -> Result<(), Failure> {
    let removed = context.client().await?.remove_staff(args.name.as_str()).await?;
    context.ui.data(&removed, || format!("{} is out", removed.name))?;
    context.ui.done("what the person did stays in the logs, under an id without a name", "aura staff list");
    Ok(())
}

/// The person, and the key that is seen this once.
fn show(context: &Context, staff: &Staff) -> Result<(), Failure> {
    let text = || render::staff_list(std::slice::from_ref(staff), context.ui.look());
    context.ui.table(staff, text)?;
    if let (Some(key), false) = (&staff.key, context.ui.json) {
        context.ui.text(&format!("\nkey: {key}"))?;
        context.ui.say("the key is shown this once: give it to the person as AURA_KEY, or in a file for --key-file");
    }
    Ok(())
}

impl Known {
    /// The user of this machine, if one is named. `id` knows users that stand in no file of this machine, too.
    fn uid(&self) -> Result<Option<u32>, Failure> {
        let Some(login) = &self.user else { return Ok(self.uid) };
        let asked = Command::new("id").args(["-u", "--", login]).output();
        let asked = asked.map_err(|error| Failure::io("users cannot be looked up with `id`", &error))?;
        let uid = String::from_utf8_lossy(&asked.stdout).trim().parse::<u32>().ok().filter(|_| asked.status.success());
        let unknown = || Failure::usage(format!("there is no user `{login}` on this machine"));
        uid.map(Some).ok_or_else(|| unknown().hint("Give the number with --uid, or make a key with --key."))
    }
}
