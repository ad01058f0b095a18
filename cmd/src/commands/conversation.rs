//! `aura conversation`

use std::cmp::Reverse;

use aura::{
    api::{self, ConversationFilter},
    client::Client,
    domain::{MessageId, TurnId, conversation, tenant::TenantSlug},
    terminal::{Since, parse_since},
};
use futures_util::{StreamExt, pin_mut};

use super::{assign, draft, named::ConversationName, picture};
use crate::{cli::TenantArg, context::Context, failure::Failure, render, time::now};

/// Watch conversations, take them over, write to shoppers
#[derive(Debug, clap::Args)]
pub struct ConversationArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Show(Show),
    Picture(picture::Picture),
    Takeover(Takeover),
    Release(Release),
    Assign(assign::Assign),
    Label(LabelArgs),
    Send(Send),
    Approve(draft::Approve),
    Edit(draft::Edit),
    Reject(draft::Reject),
    Erase(Erase),
}

/// Who answers in the conversations that are wanted.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    /// The assistant answers
    Bot,
    /// A person answers
    Person,
    /// A shopper waits for a person
    Waiting,
    /// A draft waits for approval
    Draft,
    /// Messages were left to people, and nobody has dealt with them yet
    Parked,
    /// Labelled as no customer matter
    Labelled,
}

/// What a conversation is labelled as.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Label {
    /// Followers, crypto, loans, "promote it on"
    Spam,
    /// Somebody poses as Meta: "your account will be suspended"
    Phishing,
    /// Influencers, ambassadors, partnerships
    Collaboration,
    /// Wholesale, suppliers, the press
    Business,
    /// Applications for work
    Job,
    /// Insults and harassment without a matter
    Insult,
    /// Anything else that is parked
    Other,
}

impl Label {
    const fn word(self) -> &'static str {
        let label = match self {
            Self::Spam => conversation::Label::Spam,
            Self::Phishing => conversation::Label::Phishing,
            Self::Collaboration => conversation::Label::Collaboration,
            Self::Business => conversation::Label::Business,
            Self::Job => conversation::Label::Job,
            Self::Insult => conversation::Label::Insult,
            Self::Other => conversation::Label::Other,
        };
        label.as_str()
    }
}

/// List conversations, the newest first; without a tenant those of all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation list -t noor --state waiting
  aura conversation list -t noor --state draft
  aura conversation list --state waiting --since 1d
  aura conversation list -t noor --assignee me
  aura conversation list -t noor --limit 200 --json")]
struct List {
    /// Only this tenant; all when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
    /// Only these
    #[arg(long)]
    state: Option<State>,
    /// Only those with this label
    #[arg(long)]
    label: Option<Label>,
    /// Only those that this person is responsible for: one of the staff, operator, me, or nobody
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Only those with a message this far back or later: 90s, 15m, 1h, 2d, or a UTC time
    #[arg(long, value_name = "AGE", value_parser = parse_since)]
    since: Option<Since>,
    /// The most rows, of each tenant
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Show a conversation: what was said, what goes out, and what the answers rest on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation show -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation show -t noor conv_0192f5c8-0000-7000-8000-000000000001 --limit 20 --json
  aura conversation show -t noor conv_0192f5c8-0000-7000-8000-000000000001 \\
    --turn turn_0192f5c8-0000-7000-8000-000000000002")]
struct Show {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to show
    conversation: ConversationName,
    /// The most messages
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Show one of its turns: products, prices, tools, models, what the guard refused
    #[arg(long, value_name = "TURN", conflicts_with_all = ["limit", "before"])]
    turn: Option<TurnId>,
    /// Only what was said before this message
    #[arg(long, value_name = "MESSAGE")]
    before: Option<MessageId>,
}

/// Silence the assistant in a conversation: a person answers
///
/// Where another person has it already, nothing is done unless `--anyway` is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation takeover -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation takeover -t noor conv_0192f5c8-0000-7000-8000-000000000001 --json")]
struct Takeover {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to take over
    conversation: ConversationName,
    /// Go on where another person has the conversation; the audit log keeps that
    #[arg(long)]
    anyway: bool,
}

/// Let the assistant answer in a conversation again; what was left to people counts as dealt with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation release -t noor conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation release -t noor conv_0192f5c8-0000-7000-8000-000000000001 --json")]
struct Release {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to give back
    conversation: ConversationName,
}

/// Label a conversation as no customer matter, or clear its label
///
/// What is no customer matter gets its label by itself. A label says where people find a conversation; the assistant
/// answers a later question all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation label -t noor conv_0192f5c8-0000-7000-8000-000000000001 spam
  aura conversation label -t noor conv_0192f5c8-0000-7000-8000-000000000001 --clear")]
struct LabelArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to label
    conversation: ConversationName,
    /// The label
    #[arg(required_unless_present = "clear")]
    label: Option<Label>,
    /// Take the label off
    #[arg(long, conflicts_with = "label")]
    clear: bool,
}

/// Write to the shopper as a person
///
/// Whether the channel's window allows it, and with which tag, is decided by Aura. Where another person has the
/// conversation, nothing is sent unless `--anyway` is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation send -t noor conv_0192f5c8-0000-7000-8000-000000000001 \"Layla here: it ships today\"
  aura conversation send -t noor conv_0192f5c8-0000-7000-8000-000000000001 \"Thank you!\" --json")]
struct Send {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to write in
    conversation: ConversationName,
    /// The message, at most 1,000 bytes
    text: String,
    /// Go on where another person has the conversation; the audit log keeps that
    #[arg(long)]
    anyway: bool,
}

/// Erase a conversation for good, with everything that is known of its shopper through it
///
/// Messages, turns, replies, what models saw and summed up, and the bytes of all that in the files. Counts that name nobody
/// stay. What arrives again of before, from Instagram or out of a backup, is not kept. Run again, it finishes what was cut
/// short. Backups that were made before still hold it; restored beside this directory, they lose it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura conversation erase -t noor conv_0192f5c8-0000-7000-8000-000000000001 \\
    --confirm conv_0192f5c8-0000-7000-8000-000000000001
  aura conversation erase -t noor conv_0192f5c8-0000-7000-8000-000000000001 \\
    --confirm conv_0192f5c8-0000-7000-8000-000000000001 --json")]
struct Erase {
    #[command(flatten)]
    tenant: TenantArg,
    /// Conversation to erase
    conversation: ConversationName,
    /// The id once more, to be sure
    #[arg(long, value_name = "ID")]
    confirm: String,
}

pub async fn run(context: &Context, args: ConversationArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::List(args) => list(context, &args).await,
        Verb::Show(args) => {
            let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
            let id = args.conversation.find(&client, Some(slug)).await?;
            if let Some(turn) = args.turn {
                let turn = client.turn(slug, &id, &turn.to_string()).await?;
                return context.ui.data(&turn, || render::turn(&turn, context.ui.look()));
            }
            let before = args.before.map(|message| message.to_string());
            let page = api::PageQuery { limit: Some(args.limit), before };
            let detail = client.conversation_page(slug, &id, &page).await?;
            context.ui.data(&detail, || render::conversation(&detail, context.ui.look()))?;
            if let (true, Some(oldest)) = (detail.has_more, detail.messages.first()) {
                let next = format!("aura conversation show -t {slug} {id} \\\n    --before {}", oldest.id);
                context.ui.done("more was said before", next);
            }
            if let Some(draft) = &detail.conversation.draft {
                let next = format!("aura conversation approve -t {slug} {id} \\\n    --draft {}", draft.id);
                context.ui.done("a draft waits: approve, edit or reject it", next);
            }
            Ok(())
        }
        Verb::Picture(args) => picture::run(context, &args).await,
        Verb::Takeover(args) => {
            let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
            let id = args.conversation.find(&client, Some(slug)).await?;
            let query = api::TakeoverQuery { anyway: args.anyway };
            let conversation = client.take_over_as(slug, &id, query).await?;
            let next = format!("aura conversation send -t {slug} {id} TEXT");
            changed(context, &conversation, "taken over: the assistant is silent in this conversation", next)
        }
        Verb::Release(args) => {
            let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
            let id = args.conversation.find(&client, Some(slug)).await?;
            let conversation = client.release(slug, &id).await?;
            let next = format!("aura conversation show -t {slug} {id}");
            changed(context, &conversation, "released: the assistant answers in this conversation again", next)
        }
        Verb::Assign(args) => assign::run(context, args).await,
        Verb::Label(args) => {
            let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
            let id = args.conversation.find(&client, Some(slug)).await?;
            let label = api::NewLabel { label: args.label.map(|label| label.word().to_owned()) };
            let conversation = client.label(slug, &id, &label).await?;
            let (what, next) = match &conversation.label {
                Some(label) => {
                    (format!("labelled as {label}"), format!("aura conversation list -t {slug} --label {label}"))
                }
                None => ("took the label off".into(), format!("aura conversation show -t {slug} {id}")),
            };
            changed(context, &conversation, &what, next)
        }
        Verb::Send(args) => send(context, args).await,
        Verb::Approve(args) => draft::approve(context, &args).await,
        Verb::Edit(args) => draft::edit(context, args).await,
        Verb::Reject(args) => draft::reject(context, &args).await,
        Verb::Erase(args) => erase(context, &args).await,
    }
}

async fn erase(context: &Context, args: &Erase) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
    let id = args.conversation.find(&client, Some(slug)).await?;
    // The whole one, however it was named.
    if args.confirm != id {
        let message = format!("`--confirm {}` does not confirm erasing {id}", args.confirm);
        return Err(Failure::usage(message).hint(format!("To erase it for good: `--confirm {id}`.")));
    }
    let erased = client.erase(slug, &id, &args.confirm).await?;
    if context.ui.json {
        return context.ui.json_line(&erased);
    }
    let what = match erased.messages {
        0 => format!("erased {id} before, and overwrote once more what was left of it"),
        messages => {
            let messages = render::count(messages, "message", "messages");
            let turns = render::count(erased.turns, "turn", "turns");
            format!("erased {id}: {messages} and {turns} are gone, and overwritten")
        }
    };
    // Backups of before still have it.
    context.ui.done(what, "aura backup --to FILE");
    Ok(())
}

async fn list(context: &Context, args: &List) -> Result<(), Failure> {
    let ui = context.ui;
    let state = args.state.map(|state| match state {
        State::Bot => ConversationFilter::Bot,
        State::Person => ConversationFilter::Person,
        State::Waiting => ConversationFilter::Waiting,
        State::Draft => ConversationFilter::Draft,
        State::Parked => ConversationFilter::Parked,
        State::Labelled => ConversationFilter::Labelled,
    });
    let label = args.label.map(|label| label.word().to_owned());
    let assignee = args.assignee.clone();
    let filtered = state.is_some() || label.is_some() || args.since.is_some() || assignee.is_some();
    let since = args.since.map(|since| since.moment(now()));
    let query =
        api::ConversationQuery { state, assignee, label, since, limit: Some(args.limit), begins: None, ids: None };
    let client = context.client().await?;
    let of = args.slug.as_ref().map(|slug| format!(" -t {slug}")).unwrap_or_default();
    let list = match &args.slug {
        Some(slug) => Listed { items: client.conversations(slug.as_str(), &query).await?, skipped: Vec::new() },
        None => of_all(&client, &query).await?,
    };
    for skipped in &list.skipped {
        ui.always(format!("warning: {} is left out: {}", skipped.tenant, skipped.skipped.message));
    }
    if list.items.is_empty() && !ui.json {
        let next = if filtered { format!("aura conversation list{of}") } else { format!("aura chat{of}") };
        ui.done("no such conversations", next);
        return Ok(());
    }
    ui.table(&list, || render::conversations(&list.items, args.slug.is_none(), ui.look()))
}

/// A list, with the tenants that are missing in it.
#[derive(Debug, serde::Serialize)]
struct Listed {
    items: Vec<api::Conversation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<api::SkippedTenant>,
}

/// Of all tenants, the newest first.
async fn of_all(client: &Client, query: &api::ConversationQuery) -> Result<Listed, Failure> {
    let mut found = Listed { items: Vec::new(), skipped: Vec::new() };
    let lines = client.inbox(query).await?;
    pin_mut!(lines);
    while let Some(line) = lines.next().await {
        match line? {
            api::InboxLine::Conversation(row) => found.items.push(*row),
            api::InboxLine::Skipped(tenant) => found.skipped.push(tenant),
        }
    }
    found.items.sort_by_key(|row| Reverse(row.last_message_at));
    Ok(found)
}

async fn send(context: &Context, args: Send) -> Result<(), Failure> {
    let (client, slug) = (context.client().await?, args.tenant.slug.as_str());
    let id = args.conversation.find(&client, Some(slug)).await?;
    let rows = client.send(slug, &id, &api::NewMessage { text: args.text, anyway: args.anyway }).await?;
    if context.ui.json {
        return context.ui.json_line(&api::List { items: rows });
    }
    let queued: Vec<String> = rows.iter().map(|row| format!("queued as {}; it is {}", row.id, row.state)).collect();
    context.ui.done(queued.join("\n"), format!("aura conversation show -t {slug} {id}"));
    Ok(())
}

pub(super) fn changed(
    context: &Context,
    conversation: &api::Conversation,
    what: &str,
    next: String,
) -> Result<(), Failure> {
    if context.ui.json {
        return context.ui.json_line(conversation);
    }
    context.ui.done(what, next);
    Ok(())
}
