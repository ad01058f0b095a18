//! `aura trigger`

use std::path::PathBuf;

use aura::{
    api::{ErrorKind, exit_code_of},
    client::Client,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::input;
use crate::{
    cli::TenantArg,
    context::Context,
    failure::Failure,
    time::now,
    webhook::{self, Kind, Scene},
};

/// Send a correctly signed Instagram webhook to the running daemon
///
/// The daemon signs it with the tenant's own secret and takes it as if Meta had sent it: the assistant answers, and the
/// answer goes to the configured Instagram.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura trigger dm.text -t noor --text \"Do you have this in blue?\"
  aura trigger duplicate -t noor --from bea
  aura trigger -t noor --file payload.json")]
pub struct TriggerArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// What to send
    #[arg(required_unless_present = "file")]
    kind: Option<Kind>,
    /// Name of the made-up shopper; the same name is the same shopper
    #[arg(long, value_name = "NAME", default_value = "ana")]
    from: String,
    /// What the shopper says
    #[arg(long)]
    text: Option<String>,
    /// Account that is written to; the tenant's first one when left out
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// Send this webhook body, byte for byte; `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "from", "text", "account_id"])]
    file: Option<PathBuf>,
}

/// What was sent, and what it met.
#[derive(Serialize, JsonSchema)]
pub struct Sent {
    /// The kind of webhook
    kind: String,
    /// The made-up shopper
    shopper_id: Option<String>,
    /// The account that was written to
    account_id: Option<String>,
    /// What the webhook path answered, for each body
    statuses: Vec<u16>,
}

pub async fn run(context: &Context, args: TriggerArgs) -> Result<(), Failure> {
    let slug = args.tenant.slug.as_str();
    let file = args.file.as_deref().map(input::small_file).transpose()?;
    let client = context.daemon().await?;
    let (mut sent, bodies) = match (file, args.kind) {
        (Some(body), _) => {
            (Sent { kind: "file".into(), shopper_id: None, account_id: None, statuses: Vec::new() }, vec![body])
        }
        (None, Some(kind)) => {
            let account = match args.account_id {
                Some(account) => account,
                None => first_account(&client, slug).await?,
            };
            let shopper = webhook::shopper_id(&args.from);
            let scene = Scene { account: &account, shopper: &shopper, text: args.text.as_deref(), now: now() };
            let bodies = webhook::bodies(kind, &scene);
            (
                Sent { kind: kind.name(), shopper_id: Some(shopper), account_id: Some(account), statuses: Vec::new() },
                bodies,
            )
        }
        (None, None) => return Err(Failure::usage("what should be sent?")),
    };
    for body in bodies {
        let status = client.trigger(slug, body.into()).await?.status;
        sent.statuses.push(status);
        refused(status)?;
    }
    if context.ui.json {
        return context.ui.json_line(&sent);
    }
    let who = sent.shopper_id.map(|id| format!(" from {} ({id})", args.from)).unwrap_or_default();
    let what = format!("sent {}{who} to {slug}: {} accepted", sent.kind, sent.statuses.len());
    context.ui.done(what, format!("aura tail -t {slug} --since 1m"));
    Ok(())
}

async fn first_account(client: &Client, slug: &str) -> Result<String, Failure> {
    let accounts = client.accounts(slug).await?;
    let first = accounts.into_iter().find(|account| account.channel == "instagram");
    first.map(|account| account.account_id).ok_or_else(|| {
        Failure::new(exit_code_of(ErrorKind::NotFound), "not_found", format!("{slug} has no Instagram account"))
            .hint(format!("Connect one, real or made up: `aura connect instagram -t {slug} --account-id 178414000`."))
    })
}

fn refused(status: u16) -> Result<(), Failure> {
    let kind = match status {
        200..300 => return Ok(()),
        401 => ErrorKind::Credentials,
        503 => ErrorKind::Temporary,
        _ => ErrorKind::Failed,
    };
    let message = format!("the webhook path answered {status}");
    Err(Failure::new(exit_code_of(kind), "webhook_refused", message))
}
