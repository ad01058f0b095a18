//! `aura conversation approve`, `reject` and `edit`: what a person decides about a draft.

use std::io::{self, IsTerminal};

use aura::{api, domain::TurnId};

use super::{input, named::ConversationName};
use crate::{cli::TenantArg, context::Context, failure::Failure, ui::Ui};

/// Which draft is meant.
#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation in which it waits
    conversation: ConversationName,
    /// The draft that you have read (`turn_…`, as `aura conversation show` names it): refuse if another one waits by now
    #[arg(long, value_name = "DRAFT")]
    draft: Option<TurnId>,
}

/// Whether to go on where somebody else is.
#[derive(Debug, clap::Args)]
struct Anyway {
    /// Go on where another person has the conversation; the audit log keeps that
    #[arg(long)]
    anyway: bool,
}

impl Which {
    fn slug(&self) -> &str {
        self.tenant.slug.as_str()
    }

    fn decision(&self, anyway: bool) -> api::DraftDecision {
        api::DraftDecision { draft: self.draft.map(|draft| draft.to_string()), anyway }
    }
}

/// Let the draft of a conversation go out
///
/// It stays the assistant's message: it goes only while Instagram's window is open, and if it has waited for more than a
/// minute its prices, stock and links are checked again; what no longer holds comes back as a new draft.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation approve -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation approve -t noor conv_0192f5c8-0000-7000-8000-000000000001 --json")]
pub struct Approve {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    anyway: Anyway,
}

/// Refuse the draft of a conversation: its messages are left to people
///
/// The shopper's next message gets a new draft. What is left to people stays in `aura conversation list --state parked`
/// until somebody writes, or `aura conversation release` says that it is dealt with.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation reject -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation reject -t noor conv_0192f5c8-0000-7000-8000-000000000001 --json")]
pub struct Reject {
    #[command(flatten)]
    which: Which,
}

/// Send your own words in place of the draft of a conversation
///
/// The words come from `--text`, else from stdin, else from your editor ($VISUAL, $EDITOR), which opens with the draft.
/// They are a person's: nothing checks them, and they may go out for seven days. The assistant goes on suggesting.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation edit -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation edit -t noor conv_0192f5c8-0000-7000-8000-000000000001 --text \"Yes, in M and L!\"
  echo \"Yes, in M and L!\" | aura conversation edit -t noor conv_0192f5c8-0000-7000-8000-000000000001")]
pub struct Edit {
    #[command(flatten)]
    which: Which,
    /// What is sent
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    anyway: Anyway,
}

pub async fn approve(context: &Context, args: &Approve) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.which.slug());
    let id = args.which.conversation.find(&client, Some(slug)).await?;
    let rows = client.approve_draft(slug, &id, &args.which.decision(args.anyway.anyway)).await?;
    queued(context, rows, "approved", slug, &id)
}

pub async fn reject(context: &Context, args: &Reject) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.which.slug());
    let id = args.which.conversation.find(&client, Some(slug)).await?;
    let conversation = client.reject_draft(slug, &id, &args.which.decision(false)).await?;
    if context.ui.json {
        return context.ui.json_line(&conversation);
    }
    context.ui.done("rejected: the messages are left to people", format!("aura conversation send -t {slug} {id} TEXT"));
    Ok(())
}

pub async fn edit(context: &Context, args: Edit) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.which.slug());
    let id = args.which.conversation.find(&client, Some(slug)).await?;
    let mut draft = args.which.draft.map(|draft| draft.to_string());
    let text = match args.text {
        Some(text) => text,
        None if io::stdin().is_terminal() => {
            // What was seen in the editor is what is replaced, and nothing that came after it.
            let shown = client.conversation(slug, &id).await?;
            let waiting = shown.conversation.draft.as_ref().map(|draft| draft.id.clone());
            draft = draft.or(waiting);
            let before = words_of(&shown, draft.as_deref());
            let after = input::in_editor(&before)?;
            if after.trim() == before.trim() {
                let hint = format!("To send it as it is: `aura conversation approve -t {slug} {id}`.");
                return Err(Failure::usage("the draft was not changed, and nothing was sent").hint(hint));
            }
            after
        }
        None => input::text_from_stdin()?,
    };
    let rows = client.edit_draft(slug, &id, &api::DraftEdit { draft, text, anyway: args.anyway.anyway }).await?;
    queued(context, rows, "your words go out in its place", slug, &id)
}

/// The words of a draft, its parts with an empty line between them.
fn words_of(detail: &api::ConversationDetail, draft: Option<&str>) -> String {
    let rows = detail.outbox.iter().filter(|row| row.held && row.state == "pending" && row.turn.as_deref() == draft);
    rows.map(|row| row.text.as_str()).collect::<Vec<_>>().join("\n\n")
}

fn queued(context: &Context, rows: Vec<api::OutboxRow>, what: &str, slug: &str, id: &str) -> Result<(), Failure> {
    let ui: Ui = context.ui;
    if ui.json {
        return ui.json_line(&api::List { items: rows });
    }
    let lines: Vec<_> = rows.iter().map(|row| format!("  {}", row.text.replace('\n', "\n  "))).collect();
    ui.done(format!("{what}:\n{}", lines.join("\n  --\n")), format!("aura conversation show -t {slug} {id}"));
    Ok(())
}
