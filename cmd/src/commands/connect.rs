//! `aura connect`

use std::path::PathBuf;

use aura::{
    api::{self, Connect},
    domain::tenant::TenantSlug,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Connect the accounts that a tenant is written to
#[derive(Debug, clap::Args)]
pub struct ConnectArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Instagram(Instagram),
    List(List),
}

/// Connect an Instagram professional account
///
/// With a token Aura checks it, stores it sealed, and subscribes the account to messages. Without one the account can
/// receive but not send.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura connect instagram -t noor --account-id 17841460012345678 --token-file token.txt
  pass show noor | aura connect instagram -t noor --account-id 17841460012345678 --token-file -")]
struct Instagram {
    #[command(flatten)]
    tenant: TenantArg,
    /// Instagram's id of the account, digits only
    #[arg(long, value_name = "ID")]
    account_id: String,
    /// File with the access token; `-` for stdin
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// List the accounts of a tenant, or of all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura connect list
  aura connect list -t noor --json")]
struct List {
    /// Only this tenant
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
}

pub async fn run(context: &Context, args: ConnectArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Instagram(args) => instagram(context, args).await,
        Verb::List(args) => list(context, args.slug).await,
    }
}

async fn instagram(context: &Context, args: Instagram) -> Result<(), Failure> {
    let slug = args.tenant.slug.as_str();
    let token = args.token_file.as_deref().map(|file| input::secret(Some(file), "")).transpose()?;
    let with_token = token.is_some();
    let new = Connect { channel: "instagram".into(), account_id: args.account_id, token };
    let account = context.client().await?.connect(slug, &new).await?;
    if context.ui.json {
        return context.ui.json_line(&account);
    }
    let name = account.username.as_ref().map(|name| format!(" (@{name})")).unwrap_or_default();
    let what = format!("connected {}{name} to {slug}; it is {}", account.account_id, account.state);
    let next = match with_token {
        true => format!("aura trigger dm.text -t {slug}"),
        false => format!(
            "aura connect instagram -t {slug} --account-id {} --token-file -, so that it can send",
            account.account_id
        ),
    };
    context.ui.done(what, next);
    Ok(())
}

/// An account in a list over tenants.
#[derive(Serialize, JsonSchema)]
pub struct Row<'a> {
    /// The tenant's slug
    tenant: &'a str,
    #[serde(flatten)]
    account: &'a api::Account,
}

async fn list(context: &Context, slug: Option<TenantSlug>) -> Result<(), Failure> {
    let client = context.client().await?;
    let slugs = match slug {
        Some(slug) => vec![slug.to_string()],
        None => client.tenants().await?.into_iter().map(|tenant| tenant.slug).collect(),
    };
    let mut rows = Vec::new();
    for slug in slugs {
        let accounts = client.accounts(&slug).await?;
        rows.extend(accounts.into_iter().map(|account| (slug.clone(), account)));
    }
    if rows.is_empty() && !context.ui.json {
        context.ui.done("no accounts yet", "aura connect instagram -t SLUG --account-id ID --token-file -");
        return Ok(());
    }
    let items = rows.iter().map(|(tenant, account)| Row { tenant, account }).collect();
    context.ui.table(&api::List { items }, || render::accounts(&rows, context.ui.look()))
}
