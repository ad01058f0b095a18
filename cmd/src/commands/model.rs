//! `aura model`

use aura::{
    api::{self, exit},
    domain::tenant::TenantSlug,
    terminal::one_line,
};
use futures_util::{StreamExt, pin_mut};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{cli::TenantArg, context::Context, failure::Failure, render};

/// Choose which models answer: for every tenant, or with `-t` for one
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Use(Use),
    Status(Health),
    Test(Test),
    Compare(Compare),
    Pull(Pull),
    Budget(Budget),
    Prices(Prices),
}

#[derive(Debug, clap::Args)]
struct Owner {
    /// Tenant that is meant; all that have chosen nothing themselves when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
}

impl Owner {
    fn slug(&self) -> Option<&str> {
        self.slug.as_ref().map(TenantSlug::as_str)
    }

    fn shown(&self) -> String {
        self.slug().map_or_else(|| "every tenant without a choice of its own".to_owned(), str::to_owned)
    }

    fn flag(&self) -> String {
        self.slug().map(|slug| format!(" -t {slug}")).unwrap_or_default()
    }
}

/// Show which models hold, what they may cost, which providers have a key, and what Ollama has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model list
  aura model list -t noor --json")]
struct List {
    #[command(flatten)]
    owner: Owner,
}

/// Show how models fare: breakers, calls, failures, latencies, spend, and which models answer whom
///
/// As the running daemon has seen it in the last minutes; no provider is asked. With `-t` the models of one tenant alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model status
  aura model status -t noor
  aura model status --json")]
struct Health {
    /// Tenant whose models are meant; every tenant's when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
    /// Every tenant, however many there are
    #[arg(long)]
    all: bool,
}

/// Let a model answer from the next turn on; a turn under way ends on its own
///
/// A model is `builtin`, which needs no key and no network, or PROVIDER:MODEL. Whatever happens to the others, `builtin`
/// stands behind them. With `--role vision` a model that sees says what shoppers' pictures show, for a chat model that does
/// not; `--role embed` has `builtin` alone, because products are found by words in this version.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model use gemini:gemini-3.5-flash-lite --fallback openai:gpt-6-luna
  aura model use openai:gpt-6-luna -t noor
  aura model use ollama:qwen3.5:9b -t noor
  aura model use gemini:gemini-3.5-flash-lite --role vision -t noor
  aura model use builtin -t noor")]
struct Use {
    #[command(flatten)]
    owner: Owner,
    /// `builtin`, or PROVIDER:MODEL
    model: String,
    /// What stands in for it, in order; can be repeated
    #[arg(long = "fallback", value_name = "MODEL")]
    fallbacks: Vec<String>,
    /// What for
    #[arg(long, default_value = "chat", value_parser = ["chat", "embed", "vision"])]
    role: String,
}

/// Ask a model four small questions, and show what it can do, how fast, and for how much
///
/// A text, a tool call, a picture, and an answer in a given shape. With `-t` the calls are made with the tenant's key and
/// paid from its budget. Ends with 8 when the model does not answer at all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model test
  aura model test ollama:qwen3.5:9b
  aura model test openai:gpt-6-luna -t noor --json")]
struct Test {
    #[command(flatten)]
    owner: Owner,
    /// PROVIDER:MODEL; the chosen one when left out
    model: Option<String>,
}

/// Show what several models would answer to one question; nothing is sent, and no conversation is kept
///
/// Each is asked as the tenant's assistant would be with it: the same voice, products, tools and guard, out of the same budget.
/// `builtin` is one of them. Ends with 8 when none could be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model compare builtin gemini:gemini-3.5-flash-lite \"Do you have it in M?\" -t noor
  aura model compare openai:gpt-6-luna ollama:qwen3.5:9b \"How long is delivery?\" -t noor --json")]
struct Compare {
    #[command(flatten)]
    tenant: TenantArg,
    /// `builtin` or PROVIDER:MODEL, 4 at most
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    models: Vec<String>,
    /// What a shopper would write
    question: String,
}

/// Have Ollama fetch a model
///
/// What was fetched before is kept: a pull that was interrupted goes on where it ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model pull ollama:qwen3.5:9b
  aura model pull ollama:gemma4:e4b --json")]
struct Pull {
    /// ollama:NAME
    model: String,
}

/// Limit what models may cost, in US dollars; a limit that is left out is lifted
///
/// What a call may cost at most is set aside before it is made, so a limit is never passed. Where a limit is reached the
/// next model of the list is asked if it fits, else `builtin` answers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model budget --day 2 --month 40
  aura model budget -t noor --day 0.50 --conversation 0.05
  aura model budget -t noor")]
struct Budget {
    #[command(flatten)]
    owner: Owner,
    /// In one day (UTC), for each tenant
    #[arg(long, value_name = "USD")]
    day: Option<String>,
    /// In one calendar month (UTC), for each tenant
    #[arg(long, value_name = "USD")]
    month: Option<String>,
    /// In one conversation
    #[arg(long, value_name = "USD")]
    conversation: Option<String>,
}

/// Show what models cost, in US dollars per million tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura model prices
  aura model prices --json")]
struct Prices {}

pub async fn run(context: &Context, args: ModelArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::List(args) => list(context, &args.owner).await,
        Verb::Use(args) => choose(context, args).await,
        Verb::Test(args) => test(context, args).await,
        Verb::Status(args) => health(context, args).await,
        Verb::Compare(args) => compare(context, args).await,
        Verb::Pull(Pull { model }) => pull(context, model).await,
        Verb::Budget(args) => limit(context, args).await,
        Verb::Prices(Prices {}) => prices(context).await,
    }
}

async fn list(context: &Context, owner: &Owner) -> Result<(), Failure> {
    let ui = context.ui;
    let models = context.client().await?.models(owner.slug()).await?;
    ui.table(&models, || render::models(&models, ui.look()))
}

async fn choose(context: &Context, args: Use) -> Result<(), Failure> {
    let Use { owner, model, fallbacks, role } = args;
    let used = context.client().await?.use_model(owner.slug(), &role, &api::UseModel { model, fallbacks }).await?;
    if context.ui.json {
        return context.ui.json_line(&used);
    }
    let route: Vec<&str> =
        std::iter::once(&used.choice.model).chain(&used.choice.fallbacks).map(String::as_str).collect();
    let what = if used.changed { "from the next turn on" } else { "as before" };
    let next = match used.keys_missing.first() {
        Some(provider) => format!("aura secret set {provider}.api_key{}", owner.flag()),
        None => format!("aura model list{}", owner.flag()),
    };
    context.ui.done(format!("{role} for {}: {}, {what}", owner.shown(), route.join(", then ")), next);
    Ok(())
}

async fn test(context: &Context, args: Test) -> Result<(), Failure> {
    let Test { owner, model } = args;
    let ui = context.ui;
    let tested = context.client().await?.test_model(owner.slug(), &api::TestModel { model }).await?;
    ui.table(&tested, || render::model_test(&tested, ui.look()))?;
    if tested.answers {
        return Ok(());
    }
    let why = tested.probes.iter().find_map(|probe| probe.reason.as_deref()).unwrap_or("it said nothing");
    Err(Failure::new(
        exit::PROBLEMS_FOUND,
        "model_silent",
        format!("{} gives no answer: {}", tested.model, one_line(why)),
    ))
}

async fn health(context: &Context, Health { slug, all }: Health) -> Result<(), Failure> {
    let (client, ui) = (context.client().await?, context.ui);
    let mut health = client.model_health().await?;
    if let Some(slug) = slug {
        // Says so where there is no such tenant.
        let known = client.tenant(slug.as_str()).await?.tenant.slug;
        health.tenants.retain(|tenant| tenant.tenant == known);
        health.unread_tenants.retain(|tenant| *tenant == known);
        let used = |model: &str| {
            let roles = health.tenants.iter().flat_map(|tenant| &tenant.roles);
            roles.flat_map(|choice| std::iter::once(&choice.model).chain(&choice.fallbacks)).any(|name| name == model)
        };
        health.models = std::mem::take(&mut health.models).into_iter().filter(|model| used(&model.model)).collect();
    }
    ui.data(&health, || render::model_health(&health, ui.look(), all))
}

async fn compare(context: &Context, args: Compare) -> Result<(), Failure> {
    let Compare { tenant, models, question } = args;
    let ui = context.ui;
    let wanted = api::ModelPreview { question, models };
    let previewed = context.client().await?.preview_models(tenant.slug.as_str(), &wanted).await?;
    ui.data(&previewed, || render::compared(&previewed, ui.look()))?;
    if previewed.answers.iter().any(|answer| answer.error.is_none()) {
        return Ok(());
    }
    Err(Failure::new(exit::PROBLEMS_FOUND, "model_silent", "no model gave an answer")
        .hint(format!("See what keeps them from it with `aura model list -t {}`.", tenant.slug)))
}

async fn pull(context: &Context, model: String) -> Result<(), Failure> {
    let ui = context.ui;
    let lines = context.client().await?.pull_model(&api::PullModel { model: model.clone() }).await?;
    pin_mut!(lines);
    let bar = if ui.shows_progress() { progress_bar() } else { ProgressBar::hidden() };
    while let Some(line) = lines.next().await {
        let line = line.inspect_err(|_| bar.finish_and_clear())?;
        bar.set_length(line.total);
        bar.set_position(line.completed);
        bar.set_message(one_line(&line.status));
        if ui.json {
            ui.json_line(&line)?;
        }
        if line.done {
            bar.finish_and_clear();
            if !ui.json {
                ui.done(format!("{} is there", one_line(&model)), format!("aura model test {}", one_line(&model)));
            }
            return Ok(());
        }
    }
    bar.finish_and_clear();
    Err(Failure::new(exit::FAILED, "cut_off", format!("fetching {} broke off", one_line(&model)))
        .hint("Run the same again: it goes on where it ended."))
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {bytes_per_sec} {msg}");
    ProgressBar::new(0).with_style(style.expect("the template is well formed"))
}

async fn limit(context: &Context, args: Budget) -> Result<(), Failure> {
    let Budget { owner, day, month, conversation } = args;
    let wanted = api::Budget { day_usd: day, month_usd: month, conversation_usd: conversation };
    let set = context.client().await?.limit_models(owner.slug(), &wanted).await?;
    if context.ui.json {
        return context.ui.json_line(&set);
    }
    let what = format!("the budget of {}: {}", owner.shown(), render::budget(&set));
    context.ui.done(what, format!("aura model list{}", owner.flag()));
    Ok(())
}

async fn prices(context: &Context) -> Result<(), Failure> {
    let ui = context.ui;
    let list = api::List { items: context.client().await?.model_prices().await? };
    ui.table(&list, || render::prices(&list.items, ui.look()))
}
