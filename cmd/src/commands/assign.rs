//! `aura conversation assign`: who is responsible for a conversation.

use aura::api;

use super::{conversation::changed, named::ConversationName};
use crate::{cli::TenantArg, context::Context, failure::Failure};

/// Make somebody responsible for a conversation, or nobody
///
/// Whoever answers in it stays the same: an assignment only says whose matter it is, and finds it in `aura conversation
/// list --assignee NAME`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation assign -t noor conv_0192f5c8-0000-7000-8000-000000000001 ana
  aura conversation assign -t noor conv_0192f5c8-0000-7000-8000-000000000001 me
  aura conversation assign -t noor conv_0192f5c8-0000-7000-8000-000000000001 --nobody")]
pub struct Assign {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to assign
    conversation: ConversationName,
    /// One of the staff, operator, or me
    #[arg(required_unless_present = "nobody")]
    name: Option<String>,
    /// Take it from whoever is responsible
    #[arg(long, conflicts_with = "name")]
    nobody: bool,
}

pub async fn run(context: &Context, args: Assign) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
    let id = args.conversation.find(&client, Some(slug)).await?;
    let conversation = client.assign(slug, &id, &api::NewAssignee { assignee: args.name }).await?;
    let (what, next) = match conversation.assignee.as_ref().map(|person| person.name.as_deref().unwrap_or(&person.id)) {
        Some(name) => (format!("assigned to {name}"), format!("aura conversation list -t {slug} --assignee {name}")),
        None => (
            "nobody is responsible for it any more".into(),
            format!("aura conversation list -t {slug} --assignee nobody"),
        ),
    };
    changed(context, &conversation, &what, next)
}
